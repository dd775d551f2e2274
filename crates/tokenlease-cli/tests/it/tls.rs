//! `doctor` and `token` with TLS servers.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::Arc,
};

use rcgen::{CertificateParams, date_time_ymd};
use rustls::{ServerConnection, StreamOwned};

use crate::{
    certificate::server_config,
    support::{Run, tokenlease},
};

/// A server that answers each request with 404, and the file of its certificate authority.
struct Server {
    address: String,
    ca: tempfile::NamedTempFile,
}

fn server(name: &str, last_year: i32) -> Server {
    let mut params = CertificateParams::new([name.to_owned()]).expect("parameters");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(last_year, 12, 31);
    let (config, authority) = server_config(&params);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("https://{}", listener.local_addr().expect("its address"));
    // The thread ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut stream = BufReader::new(StreamOwned::new(connection, stream));
            let mut line = String::new();
            while stream.read_line(&mut line).is_ok_and(|length| length > 2) {
                line.clear();
            }
            let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            // A client that only does the handshake has closed the connection.
            let _ = stream.get_mut().write_all(answer.as_bytes());
        }
    });
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), authority).expect("written");
    Server { address, ca: file }
}

fn doctor(server: &Server, more: &[&str]) -> Run {
    let ca = server.ca.path().to_str().expect("a path").to_owned();
    let more: Vec<_> = more.iter().map(|word| if *word == "CA" { &ca } else { *word }).collect();
    tokenlease(["doctor", "--provider", "wyn", "--server", &server.address, "--user", "u"])
        .args(more)
        .run()
}

#[test]
fn doctor_prints_the_tls_version_and_the_certificates_expiry() {
    let server = server("127.0.0.1", 2999);
    let run = doctor(&server, &["--ca", "CA"]).exits_with(0);
    let words = "\nok    tls       TLS 1.3; the certificate expires on 2999-12-31T00:00:00Z, in ";
    assert!(run.out.contains(words), "{run:?}");
    assert!(run.out.contains("\nok    http      the base URL answers 404"), "{run:?}");
    assert!(run.out.contains("\nskip  clock     "), "{run:?}");
}

#[test]
fn doctor_prints_advice_for_a_rejected_certificate() {
    let good = server("127.0.0.1", 2999);
    let run = doctor(&good, &[]).exits_with(4);
    assert!(run.out.contains("\nfail  tls       the certificate is not accepted"), "{run:?}");
    assert!(run.out.contains("-> set --ca to the PEM file"), "{run:?}");

    let run = doctor(&server("127.0.0.1", 2021), &["--ca", "CA"]).exits_with(4);
    assert!(run.out.contains("the certificate expired on 2021-12-31T00:00:00Z"), "{run:?}");
    assert!(run.out.contains("-> renew the certificate"), "{run:?}");

    let run = doctor(&server("other.example", 2999), &["--ca", "CA"]).exits_with(4);
    assert!(run.out.contains("-> set --server to a host that the certificate names"), "{run:?}");

    let run = doctor(&good, &["--ca", "/no/such/file"]).exits_with(2);
    assert!(run.out.contains("fail  tls       bad configuration: the CA file"), "{run:?}");
}

/// Rule: Secrets: no login is sent to a server whose certificate is not trusted.
#[test]
fn no_login_is_sent_to_a_server_with_an_untrusted_certificate() {
    let server = server("127.0.0.1", 2999);
    let token = |more: &[&std::ffi::OsStr]| {
        tokenlease(["token", "--provider", "wyn", "--server", &server.address, "--user", "u"])
            .args(["--deadline", "1s"])
            .args(more)
            .env("TOKENLEASE_PASSWORD", "p")
            .env("TOKENLEASE_CLIENT_SECRET", "s")
            .run()
    };
    token(&[]).exits_with(4).complains("certificate");
    let run = token(&["--ca".as_ref(), server.ca.path().as_os_str()]).exits_with(4);
    run.complains("404");
}
