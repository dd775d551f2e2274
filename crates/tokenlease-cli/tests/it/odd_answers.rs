//! Servers whose answers break off: several processes that share a store count their logins together.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::support::{Run, folder, tokenlease};

/// Starts a server that answers each login with these bytes and closes the connection. Returns its
/// address and the number of logins.
fn server(answer: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its address"));
    let logins = Arc::new(AtomicUsize::new(0));
    let count = logins.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            if read(&mut stream).starts_with("POST ") {
                count.fetch_add(1, Ordering::SeqCst);
            }
            // The client may have disconnected.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (address, logins)
}

/// Reads a request up to its body's last field.
fn read(stream: &mut TcpStream) -> String {
    let (mut text, mut part) = (String::new(), [0; 4096]);
    while !text.contains("password=canary") {
        match stream.read(&mut part) {
            Ok(read) if read > 0 => text.push_str(&String::from_utf8_lossy(&part[..read])),
            _ => break,
        }
    }
    text
}

fn token(address: &str, store: &Path) -> Run {
    tokenlease(["token", "--provider", "oauth2", "--server", address, "--user", "u"])
        .args([
            "--client-id",
            "c",
            "--token-path",
            "/token",
            "--deadline",
            "1s",
            "--output",
            "json",
        ])
        .env("TOKENLEASE_PASSWORD", "canary")
        .shares(store)
        .run()
}

/// Rule: Login: an answer that breaks off costs one login of all processes that share a store.
#[test]
fn an_answer_that_breaks_off_costs_one_login_of_all_processes() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\nConte",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\":\"t",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"acc",
    ] {
        let (store, (address, logins)) = (folder(), server(answer));
        for run in 0..3 {
            let error = token(&address, store.path()).error();
            assert!(error["until"].is_string(), "{run}: {error}");
        }
        assert_eq!(logins.load(Ordering::SeqCst), 1, "{answer:?}");
    }
}

/// Rule: Login: several processes use the token of one login whose answer lacks its end.
#[test]
fn several_processes_use_the_token_of_an_answer_that_lacks_its_end() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length : 1000\nX-Folded: a\r\n b\r\n\r\n\
                  {\"access_token\":\"t-1\",\"token_type\":\"Bearer\",\"expires_in\":3600}";
    let (store, (address, logins)) = (folder(), server(answer));
    for source in ["login", "store", "store"] {
        let json = token(&address, store.path()).exits_with(0).json();
        assert_eq!((json["token"].as_str(), json["source"].as_str()), (Some("t-1"), Some(source)));
    }
    assert_eq!(logins.load(Ordering::SeqCst), 1);
}
