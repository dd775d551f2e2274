//! Slow and hostile clients: each is bounded, and others are served meanwhile.

use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Running, consumers, short};

/// Longer than any limit of [`short`], on any machine.
const SOON: Duration = Duration::from_secs(60);

async fn limited() -> Running {
    Running::with(&consumers(), |settings, _| settings.limits = short()).await
}

/// Sends bytes, and returns all that the server sends until it closes the connection.
async fn exchange(running: &Running, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    // The server may close the connection before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await;
    let _ = read.expect("the server did not close the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(running: &Running, more: &str) -> String {
    format!(
        "POST /token HTTP/1.1\r\nHost: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n{more}\r\n",
        running.address
    )
}

/// Rule: Deadlines: `serve` bounds the time and size of all that a client sends.
#[tokio::test(flavor = "multi_thread")]
async fn slow_broken_and_huge_requests_end_and_others_are_served() {
    let running = limited().await;
    let huge = format!("X-Huge: {}\r\n", "x".repeat(64 * 1024));
    let many: String = (0..200).map(|number| format!("X-{number}: 1\r\n")).collect();
    let body = "x=".to_owned() + &"x".repeat(100_000);
    let long = head(&running, &format!("Content-Length: {}\r\n", body.len())) + &body;
    let chunk = |text: &str| head(&running, "Transfer-Encoding: chunked\r\n") + text;
    for (name, bytes, expected) in [
        ("nothing", String::new(), ""),
        ("half a head", "POST /token HTTP/1.1\r\nHost:".into(), ""),
        ("huge header", head(&running, &huge), "431"),
        ("many headers", head(&running, &many), "431"),
        ("no HTTP", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n".into(), "400"),
        ("half a body", head(&running, "Content-Length: 100\r\n") + "x=1", "408"),
        ("huge body", long, "413"),
        ("bad chunk", chunk("zz\r\nx\r\n0\r\n\r\n"), "400"),
        ("huge chunk", chunk("ffffffffffffffffff\r\n"), "400"),
        ("half a chunk", chunk("10\r\nx"), "408"),
        ("two lengths", head(&running, "Content-Length: 1\r\nContent-Length: 2\r\n"), "400"),
        (
            "length and chunks",
            head(&running, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")
                + "0\r\n\r\nGET /",
            "",
        ),
        ("no host", "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n".into(), "403"),
    ] {
        let answer = exchange(&running, bytes.as_bytes()).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(expected.is_empty() || status == expected, "{name}: {answer}");
        assert!(!answer.contains("access_token"), "{name}: {answer}");
        assert_eq!(running.get("/healthz").await.0, StatusCode::OK, "{name}");
    }
    assert_eq!(running.emulator.counts().winkas.login, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_drips_is_ended_in_the_time_of_a_head() {
    let running = limited().await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let began = Instant::now();
    let mut sent = 0;
    // Each byte comes in time, and the head does not.
    while stream.write_all(b"G").await.is_ok() && began.elapsed() < SOON {
        sent += 1;
        let mut byte = [0];
        let read = tokio::time::timeout(Duration::from_millis(20), stream.read(&mut byte)).await;
        if matches!(read, Ok(Ok(0) | Err(_))) {
            break;
        }
    }
    assert!(began.elapsed() < SOON, "{sent} bytes were accepted");
}

/// Rule: Deadlines: a client of `serve` that does not read its answer is closed, and its upstream with it.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_do_not_read_are_closed() {
    let running = limited().await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", running.address);
    // Answers that nobody reads fill the buffers of the system.
    let write = async {
        loop {
            if stream.write_all(request.repeat(100).as_bytes()).await.is_err() {
                return;
            }
        }
    };
    tokio::time::timeout(SOON, write).await.expect("the server did not close the connection");
}

/// Rule: Deadlines: above its limit of connections `serve` accepts none until one has ended.
#[tokio::test(flavor = "multi_thread")]
async fn connections_above_the_limit_wait_for_one_to_end() {
    let running = Running::with(&consumers(), |settings, _| {
        settings.limits = short();
        settings.limits.connections = 4;
    })
    .await;
    let mut idle = Vec::new();
    for _ in 0..16 {
        idle.push(TcpStream::connect(running.address).await.unwrap());
    }
    // The idle ones end after the time of a head.
    let answer = tokio::time::timeout(SOON, running.get("/healthz")).await.unwrap();
    assert_eq!(answer.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_asks_too_fast_is_slowed_down_alone() {
    let text = consumers().replacen("[\"erp\"]", "[\"erp\"]\nmax_requests_per_second = 5", 1);
    let running = Running::with(&text, |_, _| {}).await;
    let form = [("grant_type", "client_credentials")];
    let mut statuses = Vec::new();
    for _ in 0..50 {
        statuses.push(running.post("php", "/token", &form).await.0.as_u16());
    }
    assert!(statuses[..10].iter().all(|status| *status == 200), "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
    assert_eq!(running.post("bi", "/token", &form).await.0, 200);
}
