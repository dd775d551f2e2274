use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    thread::JoinHandle,
    time::Duration,
};

use tokenlease_core::{ErrorKind, Identity, http::Body};

use self::tls::authority;
use super::*;

#[cfg(target_os = "linux")]
mod black_hole;
mod kept_connections;
mod odd_answers;
mod proxies;
mod tls;
mod trust;

const LONG: Duration = Duration::from_secs(10);
const OKAY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

fn transport() -> Transport {
    Transport::new(&HttpOptions::new().without_proxy()).unwrap()
}

/// A login request as the providers accept it.
fn post(address: &str) -> Request {
    let body = Body::form([("password", "canary")]);
    http::Request::post(format!("{address}/connect/token")).body(body).unwrap()
}

/// A validation request as WinKAS accepts it, with the token in the URL.
fn get(address: &str) -> Request {
    http::Request::get(format!("{address}/Validate?token=canary")).body(Body::empty()).unwrap()
}

/// Calls `serve` for each connection until one sends nothing. Counts the requests.
fn server(serve: impl Fn(&mut TcpStream) + Send + 'static) -> (SocketAddr, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = std::thread::spawn(move || {
        let mut requests = 0;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            if stream.peek(&mut [0]).unwrap() == 0 {
                break;
            }
            requests += 1;
            serve(&mut stream);
        }
        requests
    });
    (address, count)
}

/// Ends the server, and returns its count. Other tasks run meanwhile, so that the connections of
/// abandoned requests close.
async fn count((address, count): (SocketAddr, JoinHandle<usize>)) -> usize {
    let join = move || {
        drop(TcpStream::connect(address).unwrap());
        count.join().unwrap()
    };
    tokio::task::spawn_blocking(join).await.unwrap()
}

/// Reads a whole request.
fn read(stream: &mut impl std::io::Read) -> String {
    let mut text = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).unwrap_or(0);
        text.extend_from_slice(&part[..read]);
        let so_far = String::from_utf8_lossy(&text);
        let head = so_far.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.map_or(0, |length| length.parse().unwrap());
        if read == 0 || text.len() >= head.len() + 4 + length {
            return String::from_utf8(text).unwrap();
        }
    }
}

fn answering(answer: impl Into<String>) -> (SocketAddr, JoinHandle<usize>) {
    let answer = answer.into();
    server(move |stream| {
        read(stream);
        // The client may have disconnected already.
        let _ = stream.write_all(answer.as_bytes());
    })
}

#[track_caller]
fn lost(result: Result<http::Response<Zeroizing<Vec<u8>>>, SendError>) -> Error {
    match result {
        Err(SendError::Lost(error)) => free_of_secrets(error),
        other => panic!("expected a lost answer, found {other:?}"),
    }
}

#[track_caller]
fn unreadable(result: Result<http::Response<Zeroizing<Vec<u8>>>, SendError>) -> Error {
    match result {
        Err(SendError::Unreadable(error)) => free_of_secrets(error),
        other => panic!("expected an unreadable answer, found {other:?}"),
    }
}

#[track_caller]
fn not_sent(result: Result<http::Response<Zeroizing<Vec<u8>>>, SendError>) -> Error {
    match result {
        Err(SendError::NotSent(error)) => free_of_secrets(error),
        other => panic!("expected a request that was not sent, found {other:?}"),
    }
}

/// Checks that neither an error nor a cause of it contains a secret or a URL. Every error of these
/// tests passes through here.
#[track_caller]
fn free_of_secrets(error: Error) -> Error {
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = cause {
        let text = format!("{error} {error:?} {error:#?}");
        assert!(!text.contains("canary") && !text.contains("Validate"), "{text}");
        cause = error.source();
    }
    error
}

#[test]
fn the_default_timeout_of_a_request_is_ten_seconds() {
    assert_eq!(transport().timeout(), Duration::from_secs(10));
}

#[tokio::test]
async fn a_request_and_its_answer_arrive_whole() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let server = server(move |stream| {
        sender.send(read(stream)).unwrap();
        let answer = "HTTP/1.1 400 Bad Request\r\nRetry-After: 7\r\n\
                      Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let answer = transport().send(post(&format!("http://{}", server.0)), LONG).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_slice()), (400, b"abcde".as_slice()));
    assert_eq!(answer.headers()["retry-after"], "7");
    let request = receiver.recv().unwrap();
    assert!(request.starts_with("POST /connect/token HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\npassword=canary"), "{request}");
    assert!(request.contains("content-length: 15\r\n"), "{request}");
    assert!(request.contains("user-agent: tokenlease/"), "{request}");
    assert!(!request.contains("accept-encoding") && !request.contains("referer"), "{request}");
    assert_eq!(count(server).await, 1);
}

#[tokio::test]
async fn a_redirect_is_returned_and_not_followed() {
    let server = answering(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
    );
    let answer = transport().send(post(&format!("http://{}", server.0)), LONG).await.unwrap();
    assert_eq!(answer.status(), 307);
    assert_eq!(count(server).await, 1);
}

#[tokio::test]
async fn a_body_over_the_limit_is_an_error_with_and_without_a_content_length() {
    let body = "x".repeat(2 * BODY_CAP);
    for head in [format!("Content-Length: {}", body.len()), "Connection: close".into()] {
        let server = answering(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}"));
        let error = unreadable(transport().send(post(&format!("http://{}", server.0)), LONG).await);
        assert_eq!((error.kind(), error.status()), (ErrorKind::InvalidResponse, Some(200)));
        count(server).await;
    }
}

#[tokio::test]
async fn a_body_of_the_maximum_length_is_read_whole() {
    let body = "x".repeat(BODY_CAP);
    let server = answering(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}"));
    let answer = transport().send(post(&format!("http://{}", server.0)), LONG).await.unwrap();
    assert_eq!(answer.body().len(), BODY_CAP);
    count(server).await;
}

/// Rule: Login: a login whose connection ends counts as lost, and the transport does not repeat it.
#[tokio::test]
async fn a_login_whose_connection_ends_is_lost_and_not_repeated() {
    for half_an_answer in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"] {
        let server = answering(half_an_answer);
        let error = lost(transport().send(post(&format!("http://{}", server.0)), LONG).await);
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.detail().contains(&server.0.to_string()), "{error}");
        assert_eq!(count(server).await, 1);
    }
}

#[tokio::test]
async fn a_request_on_a_reset_connection_is_lost() {
    // Closing a socket with unread bytes resets the connection.
    let server = server(|stream| stream.read_exact(&mut [0; 10]).unwrap());
    for request in [post, get] {
        let error = lost(transport().send(request(&format!("http://{}", server.0)), LONG).await);
        assert_eq!(error.kind(), ErrorKind::Transport);
    }
    assert_eq!(count(server).await, 2);
}

#[tokio::test]
async fn a_request_without_a_connection_is_not_sent() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for request in [post, get] {
        let error = not_sent(transport().send(request(&format!("http://{address}")), LONG).await);
        assert_eq!(error.kind(), ErrorKind::Transport);
        let text = error.to_string();
        assert!(text.contains("TCP") && text.contains(&address.to_string()), "{text}");
        assert!(text.contains("refused"), "{text}");
    }
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_a_dns_error() {
    let error = not_sent(transport().send(get("https://nowhere.invalid"), LONG).await);
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().contains("DNS"), "{error}");
}

#[tokio::test]
async fn a_request_that_times_out_while_it_waits_for_the_answer_is_lost() {
    let server = server(|stream| {
        read(stream);
        // Until the client disconnects.
        let _ = stream.read(&mut [0]);
    });
    for request in [post, get] {
        let sent = transport()
            .send(request(&format!("http://{}", server.0)), Duration::from_millis(50))
            .await;
        let error = lost(sent);
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
        assert!(error.detail().contains("50ms"), "{error}");
    }
    count(server).await;
}

#[tokio::test]
async fn a_login_that_times_out_during_the_handshake_is_not_sent() {
    let server = server(|stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let sent =
        transport().send(post(&format!("https://{}", server.0)), Duration::from_millis(50)).await;
    assert_eq!(not_sent(sent).kind(), ErrorKind::DeadlineExceeded);
    count(server).await;
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_lost() {
    let server = answering("SSH-2.0-OpenSSH_9.6\r\n\r\n");
    let error = lost(transport().send(post(&format!("http://{}", server.0)), LONG).await);
    assert_eq!(error.kind(), ErrorKind::Transport);
    count(server).await;
}

/// Rule: Secrets: secrets leave this machine over HTTPS only, unless plain HTTP is allowed.
#[tokio::test]
async fn plain_http_to_another_machine_needs_permission() {
    let wyn = |server| Identity::wyn(server, "u", "integration").unwrap();
    let transport = transport();
    for server in [
        "https://wyn.example",
        "http://localhost:51980",
        "http://127.0.0.1",
        "http://127.7.7.7/x",
        "http://[::1]:80",
        "http://LOCALHOST",
        "http://127.1",
    ] {
        transport.check(&wyn(server)).unwrap();
    }
    for server in [
        "http://wyn.example",
        "http://localhost.example",
        "http://128.0.0.1",
        "http://[::2]",
        "http://127.0.0.1.example",
    ] {
        let error = transport.check(&wyn(server)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("dangerously_allow_plain_http"), "{error}");
        // `send` checks it too.
        let error = not_sent(transport.send(post(server), LONG).await);
        assert_eq!(error.kind(), ErrorKind::Config);
        let allowed = HttpOptions::new().without_proxy().dangerously_allow_plain_http();
        Transport::new(&allowed).unwrap().check(&wyn(server)).unwrap();
    }
    let elsewhere = HttpOptions::new().with_proxy("http://u:canary@proxy.example:3128");
    let transport = Transport::new(&elsewhere).unwrap();
    free_of_secrets(transport.check(&wyn("http://127.0.0.1")).unwrap_err());
    transport.check(&wyn("https://127.0.0.1")).unwrap();
}

#[tokio::test]
async fn a_configured_proxy_gets_requests_and_credentials() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let proxy = server(move |stream| {
        sender.send(read(stream)).unwrap();
        stream.write_all(OKAY.as_bytes()).unwrap();
    });
    let options = HttpOptions::new().with_proxy(format!("http://u:p@{}", proxy.0).as_str());
    let transport = Transport::new(&options.dangerously_allow_plain_http()).unwrap();
    transport.send(post("http://wyn.example"), LONG).await.unwrap();
    let request = receiver.recv().unwrap();
    assert!(request.starts_with("POST http://wyn.example/connect/token"), "{request}");
    assert!(request.contains("proxy-authorization: Basic dTpw"), "{request}");
    assert_eq!(count(proxy).await, 1);
}

#[tokio::test]
async fn a_proxy_that_rejects_a_request_is_named_in_the_error() {
    for (status, words) in [("407 Proxy Authentication Required", "407"), ("403 No", "proxy")] {
        let proxy = answering(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"));
        let options = HttpOptions::new().with_proxy(format!("http://{}", proxy.0).as_str());
        let sent = Transport::new(&options).unwrap().send(post("https://wyn.example"), LONG).await;
        let error = not_sent(sent);
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.to_string().contains(words), "{error}");
        count(proxy).await;
    }
}

/// Rule: Secrets: an error about HTTP options quotes neither passwords nor keys.
#[test]
fn options_that_cannot_be_used_are_errors_that_quote_no_secret() {
    let new = HttpOptions::new;
    for options in [
        new().with_proxy("ftp://u:canary@h"),
        new().with_proxy("http://h").with_proxy_password("canary"),
        new().with_proxy("u:canary@h:99999"),
        new().with_extra_ca("canary"),
        new().with_extra_ca("-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----\n"),
        new().with_client_certificate("canary", "canary"),
        new().with_client_certificate(authority().pem(), "canary"),
        new().with_client_certificate(authority().pem(), authority().key().serialize_pem()),
        new().with_user_agent("canary\n"),
        new().with_timeout(Duration::ZERO),
        new().with_max_concurrent_logins(0),
        new().with_max_concurrent_logins(usize::MAX),
    ] {
        assert!(!format!("{options:?}").contains("canary@"), "{options:?}");
        let error = free_of_secrets(Transport::new(&options).unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    }
}
