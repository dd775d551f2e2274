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
    let words = "\nfail  tls       no TLS connection: the server sent its certificate alone, without that \
                 of its issuer \"CN=authority\", which is not a trusted authority";
    assert!(run.out.contains(words), "{run:?}");
    assert!(run.out.contains("-> let the server send its full chain"), "{run:?}");

    let run = doctor(&server("127.0.0.1", 2021), &["--ca", "CA"]).exits_with(4);
    assert!(
        run.out.contains("the server's certificate expired on 2021-12-31T00:00:00Z"),
        "{run:?}"
    );
    assert!(run.out.contains("-> renew the certificate"), "{run:?}");

    let run = doctor(&server("other.example", 2999), &["--ca", "CA"]).exits_with(4);
    assert!(run.out.contains("-> check the host name in the server address"), "{run:?}");

    let run = doctor(&good, &["--ca", "/no/such/file"]).exits_with(2);
    assert!(run.out.contains("fail  tls       bad configuration: the CA file"), "{run:?}");
}

/// Rule: Secrets: no login is sent to a server whose certificate is not trusted.
#[test]
fn no_login_is_sent_to_a_server_with_an_untrusted_certificate() {
    let server = server("127.0.0.1", 2999);
    let token = |deadline: &str, more: &[&std::ffi::OsStr]| {
        tokenlease(["token", "--provider", "wyn", "--server", &server.address, "--user", "u"])
            .args(["--deadline", deadline])
            .args(more)
            .env("TOKENLEASE_PASSWORD", "p")
            .env("TOKENLEASE_CLIENT_SECRET", "s")
            .run()
    };
    // Such a failure ends the wait at once.
    token("10m", &[]).exits_with(4).complains("certificate");
    let run = token("1s", &["--ca".as_ref(), server.ca.path().as_os_str()]).exits_with(4);
    run.complains("404");
}

/// Rule: Trust: the program presents a client certificate to a server that requires one. Without it, and with
/// an encrypted key, the error names the cause, and no login arrives.
#[cfg(unix)]
#[test]
fn the_program_presents_a_client_certificate() {
    let emulator = crate::support::emulator();
    let wyn = emulator.wyn();
    let address = wyn.server().strip_prefix("http://").expect("http").parse().expect("an address");
    let server = tokenlease_test_servers::ClientCertificates::required_before(address);
    let run = |command: &str, key: Option<std::path::PathBuf>| {
        let (url, user) = (server.url(), wyn.user());
        let mut program =
            tokenlease([command, "--provider=wyn", "--server", &url, "--user", &user])
                .args(["--ca".as_ref(), server.authority().as_os_str()])
                .env("TOKENLEASE_PASSWORD", wyn.password())
                .env("TOKENLEASE_CLIENT_SECRET", wyn.client_secret());
        if let Some(key) = key {
            let certificate = server.certificate();
            program = program.args(["--client-cert".as_ref(), certificate.as_os_str()]);
            program = program.args(["--client-key".as_ref(), key.as_os_str()]);
        }
        program.run()
    };
    run("token", None).exits_with(4).complains("the server requires a client certificate");
    run("token", Some(server.encrypted_key())).exits_with(2).complains("is encrypted");
    let certificate_alone = run("token", Some(server.certificate())).exits_with(2);
    certificate_alone.complains("has no private key");
    assert_eq!(emulator.log().len(), 0);
    let token = run("token", Some(server.key())).exits_with(0).out;
    assert!(wyn.active_tokens().contains(&token.trim_end().to_owned()));
    let doctor = run("doctor", Some(server.key())).exits_with(0).out;
    assert!(doctor.contains("ok    tls "), "{doctor}");
}

/// Rule: Trust: `doctor` says that a server does not answer in the TLS handshake.
#[test]
fn doctor_says_that_a_server_does_not_answer_in_the_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("https://{}", listener.local_addr().expect("its address"));
    let args = ["doctor", "--provider", "wyn", "--server", &address, "--user", "u"];
    let run = tokenlease(args).args(["--timeout", "200ms"]).run().exits_with(4);
    assert!(
        run.out.contains("fail  tls       the server accepted the connection, and does not answer"),
        "{run:?}"
    );
}

/// Rule: Proxies: a variable that names no usable proxy, and a proxy URL with a password on the command line,
/// are errors of the configuration.
#[test]
fn a_proxy_that_cannot_be_used_is_an_error() {
    let server = ["--provider", "wyn", "--server", "https://wyn.invalid", "--user", "u"];
    let token = || {
        tokenlease(["token"])
            .args(server)
            .args(["--deadline", "10m"])
            .env("TOKENLEASE_PASSWORD", "p")
            .env("TOKENLEASE_CLIENT_SECRET", "s")
    };
    let run = token().env("HTTPS_PROXY", "ftp://u:canary@proxy.example").run().exits_with(2);
    assert!(run.err.contains("HTTPS_PROXY") && !run.err.contains("canary"), "{run:?}");
    let run = tokenlease(["doctor"]).args(server).env("https_proxy", "http://").run().exits_with(2);
    assert!(run.out.contains("fail  proxy     bad configuration: https_proxy"), "{run:?}");
    let run = token().args(["--proxy", "http://u:canary@proxy.example:3128"]).run().exits_with(2);
    assert!(run.err.contains("contains a password"), "{run:?}");
    // An unknown host, of a proxy or of the server, ends the wait at once.
    let run = token().args(["--proxy", "http://proxy.invalid:3128"]).run().exits_with(4);
    run.complains("the proxy proxy.invalid:3128");
    let run = token().args(["--proxy", "none"]).env("HTTPS_PROXY", "ftp://x").run().exits_with(4);
    run.complains("DNS has no host with the name of wyn.invalid:443");
}
