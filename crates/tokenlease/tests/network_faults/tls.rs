//! Faults of TLS: no secret leaves this process before the server has proved its name.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};
use tokenlease::{ErrorKind, HttpOptions};

use crate::{
    raw::{Process, SHORT, Seen, ask},
    secrets,
};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Starts a server of raw connections. Records all bytes of each.
fn raw(serve: impl Fn(TcpStream, &Seen) + Send + Sync + 'static) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Seen::default());
    let all = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap(), &all);
        }
    });
    (address, seen)
}

/// Starts a TLS server with such a certificate. Records the decrypted bytes.
fn tls(
    authority: &Authority,
    name: &str,
    asks: bool,
    change: impl Fn(&mut CertificateParams),
) -> (SocketAddr, Seen) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    change(&mut params);
    let certificate = params.signed_by(&key, authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = if asks {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
    raw(move |stream, seen| {
        let connection = ServerConnection::new(config.clone()).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        let mut part = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut part) {
            seen.add(&part[..read]);
        }
    })
}

/// A server that answers the first message with these bytes.
fn answering(answer: &'static [u8]) -> (SocketAddr, Seen) {
    raw(move |mut stream, seen| {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).unwrap_or(0);
        seen.add(&part[..read]);
        let _ = stream.write_all(answer);
        while let Ok(read @ 1..) = stream.read(&mut part) {
            seen.add(&part[..read]);
        }
    })
}

/// The answer of a server without TLS 1.2 and 1.3: an alert `protocol_version`.
const ALERT: &[u8] = b"\x15\x03\x01\0\x02\x02\x46";

/// The same, as servers do that choose their own version: a `ServerHello` of TLS 1.1 with
/// `TLS_RSA_WITH_AES_128_CBC_SHA`.
const HELLO_OF_TLS_1_1: &[u8] = b"\x16\x03\x02\0\x2a\x02\0\0\x26\x03\x02\
    0123456789abcdef0123456789abcdef\0\0\x2f\0";

/// Rule: Secrets: no secret is sent to a server whose TLS fails, in each case with its own error.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_sent_to_a_server_whose_tls_fails() {
    let _alone = secrets::watch_the_log().await;
    let (trusted, other) = (authority("Trusted"), authority("Other"));
    let unchanged = |_: &mut CertificateParams| {};
    let years = |from, until| {
        move |params: &mut CertificateParams| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(until, 1, 1);
        }
    };
    let servers = [
        ("an unknown authority", "extra CA", tls(&other, "localhost", false, unchanged)),
        ("another host", "host name", tls(&trusted, "elsewhere.example", false, unchanged)),
        ("an expired certificate", "expired", tls(&trusted, "localhost", false, years(2001, 2002))),
        (
            "a certificate of the future",
            "valid",
            tls(&trusted, "localhost", false, years(3001, 3002)),
        ),
        ("an alert for the version", "TLS", answering(ALERT)),
        ("TLS 1.1", "TLS", answering(HELLO_OF_TLS_1_1)),
        ("plain HTTP", "plain HTTP", answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        ("another protocol", "TLS", answering(b"220 mail.example ESMTP\r\n")),
        ("no answer to the handshake", "TLS", answering(b"")),
        ("an end of the connection", "", raw(|stream, _| drop(stream))),
        ("a half of a message", "TLS", answering(b"\x16\x03\x03\x40\0\x02")),
    ];
    let tasks = servers.map(|(name, words, (address, seen))| {
        let options = HttpOptions::new().with_extra_ca(trusted.pem()).with_timeout(2 * SHORT);
        tokio::spawn(async move {
            let process = Process::new(options);
            let client = process.client(&format!("https://localhost:{}", address.port()), "u0");
            for _ in 0..2 {
                let error = ask(&client).await.unwrap_err();
                let text = format!("{name}: {error}");
                let kinds = [ErrorKind::Transport, ErrorKind::DeadlineExceeded, ErrorKind::Config];
                assert!(kinds.contains(&error.kind()), "{:?} {text}", error.kind());
                assert!(text.contains(words), "{words}: {text}");
            }
            secrets::check(&seen.bytes());
        })
    });
    let mut failed = 0;
    for task in tasks {
        failed += usize::from(task.await.is_err());
    }
    assert_eq!(failed, 0, "faults have other results than the table says: see above");
}

/// Rule: Login: a server that requires a client certificate and gets none receives no login twice, and
/// the error names the certificate.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_client_certificate_is_named_and_no_login_is_repeated() {
    let _alone = secrets::watch_the_log().await;
    let authority = authority("Trusted");
    let (address, seen) = tls(&authority, "localhost", true, |_| {});
    let process = Process::new(HttpOptions::new().with_extra_ca(authority.pem()));
    let client = process.client(&format!("https://localhost:{}", address.port()), "u0");
    for _ in 0..3 {
        let error = ask(&client).await.unwrap_err();
        assert!(error.to_string().contains("client certificate"), "{error}");
    }
    // The server ends the handshake before it reads.
    assert!(seen.bytes().is_empty());
}
