//! Tests of connections that are kept for the next request.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use super::*;

/// Long enough on a busy machine.
const HOUR: Duration = Duration::from_secs(3600);

fn transport(idle: Duration) -> Transport {
    let mut options = HttpOptions::new().without_proxy();
    options.idle = idle;
    Transport::new(&options).unwrap()
}

/// The requests that a server received: the number of the connection, and the body.
type Seen = Arc<Mutex<Vec<(usize, String)>>>;

/// Serves any number of connections at once. `serve` returns after each request whether the
/// connection stays open. The listener's thread ends with the test process.
fn keeping(
    serve: impl Fn(&mut TcpStream, usize, &str) -> bool + Send + Sync + 'static,
) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, serve) = (Seen::default(), Arc::new(serve));
    let all = seen.clone();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (mut stream, all, serve) = (stream.unwrap(), all.clone(), serve.clone());
            std::thread::spawn(move || {
                loop {
                    let request = read(&mut stream);
                    if request.is_empty() {
                        break;
                    }
                    let body = request.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned();
                    all.lock().unwrap().push((number, body.clone()));
                    if !serve(&mut stream, number, &body) {
                        break;
                    }
                }
            });
        }
    });
    (address, seen)
}

fn login(address: SocketAddr, user: usize) -> Request {
    let user = user.to_string();
    let body = Body::form([("user", user.as_str()), ("password", "canary")]);
    http::Request::post(format!("http://{address}/connect/token")).body(body).unwrap()
}

fn answer(stream: &mut TcpStream) -> bool {
    stream.write_all(OKAY.as_bytes()).is_ok()
}

fn connections(seen: &Seen) -> Vec<usize> {
    seen.lock().unwrap().iter().map(|(connection, _)| *connection).collect()
}

#[tokio::test]
async fn requests_within_a_second_share_a_connection_and_later_ones_do_not() {
    assert_eq!(HttpOptions::new().idle, Duration::from_secs(1));
    // With zero, the time has always passed.
    for (idle, expected) in [(HOUR, [0, 0, 0]), (Duration::ZERO, [0, 1, 2])] {
        let (address, seen) = keeping(|stream, _, _| answer(stream));
        let transport = transport(idle);
        for user in 0..3 {
            transport.send(login(address, user), LONG).await.unwrap();
        }
        assert_eq!(connections(&seen), expected, "{idle:?}");
    }
}

/// A server that closes each connection after an answer, and then sends a signal.
fn closing() -> (SocketAddr, Seen, std::sync::mpsc::Receiver<()>) {
    let (sender, closed) = std::sync::mpsc::sync_channel(1);
    let (address, seen) = keeping(move |stream, _, _| {
        answer(stream);
        stream.shutdown(std::net::Shutdown::Both).unwrap();
        sender.send(()).unwrap();
        false
    });
    (address, seen, closed)
}

/// Rule: Login: a login after the server closed the kept connection is sent once, on another one.
#[tokio::test]
async fn a_login_after_the_server_closed_the_connection_is_sent_once_on_another() {
    let (address, seen, closed) = closing();
    let transport = transport(HOUR);
    for user in 0..5 {
        transport.send(login(address, user), LONG).await.unwrap();
        closed.recv().unwrap();
        // Lets the runtime poll its sockets, as an idle one does at once.
        tokio::task::yield_now().await;
    }
    assert_eq!(connections(&seen), [0, 1, 2, 3, 4]);
}

/// Rule: Login: a login on a connection that the server is closing is sent at most once.
#[tokio::test]
async fn a_login_on_a_closing_connection_is_sent_at_most_once() {
    let (address, seen, closed) = closing();
    let transport = transport(HOUR);
    let mut answered = 0;
    for user in 0..10 {
        // The close has arrived, and this thread, which runs all tasks, has not seen it yet.
        match transport.send(login(address, user), LONG).await {
            Ok(_) => {
                answered += 1;
                closed.recv().unwrap();
            }
            Err(SendError::Lost(error)) => assert_eq!(error.kind(), ErrorKind::Transport),
            Err(error) => panic!("{error}"),
        }
    }
    // A lost login never arrived here, and was not repeated.
    assert_eq!(seen.lock().unwrap().len(), answered);
    assert!(answered > 0);
}

/// Rule: Login: a login that gets no answer on a kept connection counts as lost, and the transport
/// does not repeat it.
#[tokio::test]
async fn a_login_without_an_answer_on_a_kept_connection_is_lost_and_not_repeated() {
    let (address, seen) = keeping(|stream, _, body| !body.contains("user=1") && answer(stream));
    let transport = transport(HOUR);
    transport.send(login(address, 0), LONG).await.unwrap();
    let error = lost(transport.send(login(address, 1), LONG).await);
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(connections(&seen), [0, 0]);
    transport.send(login(address, 2), LONG).await.unwrap();
    assert_eq!(connections(&seen), [0, 0, 1]);
}

/// Rule: Login: no login reaches the server twice, even if it closes connections at any moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_login_arrives_twice_at_a_server_that_closes_connections_at_any_moment() {
    const LOGINS: usize = 400;
    // Closed at once or a moment later: before, during and after the next request.
    let (address, seen) = keeping(|stream, number, _| {
        let answered = answer(stream);
        for _ in 0..number % 16 {
            std::thread::yield_now();
        }
        answered && number % 3 == 0 && stream.peek(&mut [0]).is_ok_and(|found| found > 0)
    });
    let transport = transport(HOUR);
    let mut answered = Vec::new();
    for user in 0..LOGINS {
        match transport.send(login(address, user), LONG).await {
            Ok(_) => answered.push(user),
            Err(SendError::Lost(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    for (_, body) in seen.lock().unwrap().iter() {
        *arrived.entry(body.clone()).or_default() += 1;
    }
    assert!(arrived.values().all(|&times| times == 1), "{arrived:?}");
    for user in &answered {
        assert!(arrived.contains_key(&format!("user={user}&password=canary")), "{user}");
    }
    assert!(answered.len() > LOGINS / 4, "{} of {LOGINS}", answered.len());
    assert!(connections(&seen).windows(2).any(|two| two[0] == two[1]), "no connection was reused");
}

/// Rule: Login: an answer that arrives after the timeout is not read as that of the next login.
#[tokio::test]
async fn a_late_answer_is_not_read_as_that_of_the_next_login() {
    let (address, seen) = keeping(|stream, _, body| {
        if body.contains("user=1") {
            // The answer is written only after the client has closed its end of the connection.
            let _ = stream.peek(&mut [0]);
        }
        let body = body.len().to_string() + " bytes of " + body.split('&').next().unwrap();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).is_ok()
    });
    let transport = transport(HOUR);
    transport.send(login(address, 0), LONG).await.unwrap();
    let error = lost(transport.send(login(address, 1), Duration::from_millis(50)).await);
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    let next = transport.send(login(address, 2), LONG).await.unwrap();
    assert_eq!(next.body().as_slice(), b"22 bytes of user=2");
    assert_eq!(connections(&seen), [0, 0, 1]);
}

/// Rule: Login: bytes after the end of an answer are not read as the answer to the next login.
#[tokio::test]
async fn bytes_after_an_answer_are_not_read_as_the_next_answer() {
    let (address, seen) = keeping(|stream, _, _| {
        let more = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"for\":0}";
        stream.write_all(format!("{OKAY}{more}").as_bytes()).is_ok()
    });
    let transport = transport(HOUR);
    for user in 0..3 {
        let answer = transport.send(login(address, user), LONG).await.unwrap();
        assert_eq!(answer.body().as_slice(), b"{}");
    }
    assert_eq!(connections(&seen), [0, 1, 2]);
}

#[tokio::test]
async fn clones_of_a_transport_share_connections() {
    let (address, seen) = keeping(|stream, _, _| answer(stream));
    let transport = transport(HOUR);
    let (one, other) = (transport.clone(), transport);
    one.send(login(address, 0), LONG).await.unwrap();
    other.send(login(address, 1), LONG).await.unwrap();
    assert_eq!(connections(&seen), [0, 0]);
    // Another transport, such as that of a forked child, has its own.
    super::transport().send(login(address, 2), LONG).await.unwrap();
    assert_eq!(connections(&seen), [0, 0, 1]);
}
