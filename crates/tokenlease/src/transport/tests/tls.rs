//! Tests of trust and client certificates against a TLS server with test certificates.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};

use super::*;

type Authority = CertifiedIssuer<'static, KeyPair>;

pub(super) fn authority() -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Creates a certificate that the authority signed, and its key, in PEM.
fn signed(authority: &Authority, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

/// Starts a TLS server whose certificate the authority signed for `name`. Its answer is the number of
/// certificates that the client presented. With `asks` it requires one.
fn tls_server(authority: &Authority, name: &str, asks: bool) -> (SocketAddr, JoinHandle<usize>) {
    tls_server_answering(authority, name, asks, |presented| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{presented}")
    })
}

/// As [`tls_server`], with another answer. The connection ends without a `close_notify` after it.
fn tls_server_answering(
    authority: &Authority,
    name: &str,
    asks: bool,
    answer: impl Fn(usize) -> String + Send + 'static,
) -> (SocketAddr, JoinHandle<usize>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (chain, key) = signed(authority, name);
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if asks {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let chain = rustls::pki_types::CertificateDer::from_pem_slice(chain.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = Arc::new(builder.with_single_cert(vec![chain], key).unwrap());
    server(move |stream| {
        let connection = ServerConnection::new(config.clone()).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        if read(&mut stream).is_empty() {
            return;
        }
        let presented = stream.conn.peer_certificates().map_or(0, <[_]>::len);
        stream.write_all(answer(presented).as_bytes()).unwrap();
    })
}

#[tokio::test]
async fn an_extra_ca_is_trusted_and_an_unknown_one_is_an_error_with_advice() {
    let authority = authority();
    let server = tls_server(&authority, "localhost", false);
    let address = format!("https://localhost:{}", server.0.port());

    let options = HttpOptions::new().without_proxy().with_extra_ca(authority.pem());
    let answer = Transport::new(&options).unwrap().send(post(&address), LONG).await.unwrap();
    assert_eq!(answer.body().as_slice(), b"0");

    let error = not_sent(transport().send(post(&address), LONG).await);
    assert_eq!(error.kind(), ErrorKind::Transport);
    let text = error.to_string();
    assert!(text.contains("TLS with localhost") && text.contains("extra CA"), "{text}");
    count(server).await;
}

#[tokio::test]
async fn a_certificate_of_another_host_is_an_error_with_advice() {
    let authority = authority();
    let server = tls_server(&authority, "elsewhere.example", false);
    let options = HttpOptions::new().without_proxy().with_extra_ca(authority.pem());
    let address = format!("https://localhost:{}", server.0.port());
    let error = not_sent(Transport::new(&options).unwrap().send(post(&address), LONG).await);
    assert!(error.to_string().contains("host name"), "{error}");
    count(server).await;
}

#[tokio::test]
async fn a_client_certificate_is_presented_and_a_missing_one_is_explained() {
    let authority = authority();
    let server = tls_server(&authority, "localhost", true);
    let address = format!("https://localhost:{}", server.0.port());
    let options = HttpOptions::new().without_proxy().with_extra_ca(authority.pem());

    let (chain, key) = signed(&authority, "client");
    let with = options.clone().with_client_certificate(chain, key);
    let answer = Transport::new(&with).unwrap().send(post(&address), LONG).await.unwrap();
    assert_eq!(answer.body().as_slice(), b"1");

    // With TLS 1.3 the rejection arrives after the handshake has completed for the client.
    // The server has read no request then.
    let error = not_sent(Transport::new(&options).unwrap().send(post(&address), LONG).await);
    assert!(error.to_string().contains("the server requires a client certificate"), "{error}");
    assert!(!error.is_retryable());
    // One of an unknown authority.
    let (chain, key) = signed(&self::authority(), "client");
    let with = options.clone().with_client_certificate(chain, key);
    let error = not_sent(Transport::new(&with).unwrap().send(post(&address), LONG).await);
    assert!(error.to_string().contains("did not accept the client certificate"), "{error}");
    count(server).await;
}

#[tokio::test]
async fn a_server_that_speaks_plain_http_on_a_tls_port_is_an_error_with_advice() {
    let server = server(|stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let error = not_sent(transport().send(post(&format!("https://{}", server.0)), LONG).await);
    assert!(error.to_string().contains("plain HTTP"), "{error}");
    count(server).await;
}

/// Rule: Login: a TLS connection that ends without `close_notify` costs no login whose body is whole as
/// JSON; one that is cut is lost.
/// Reported as seanmonstar/reqwest#1769 and #2802.
#[tokio::test]
async fn a_body_without_close_notify_is_used_if_it_is_whole_as_json() {
    let authority = authority();
    let options = HttpOptions::new().without_proxy().with_extra_ca(authority.pem());
    for (body, is_whole) in
        [(r#"{"access_token":"canary"}"#, true), (r#"{"access_token":"can"#, false)]
    {
        let server = tls_server_answering(&authority, "localhost", false, move |_| {
            format!("HTTP/1.1 200 OK\r\n\r\n{body}")
        });
        let address = format!("https://localhost:{}", server.0.port());
        let result = Transport::new(&options).unwrap().send(post(&address), LONG).await;
        if is_whole {
            assert_eq!(result.unwrap().body().as_slice(), body.as_bytes());
        } else {
            assert_eq!(lost(result).kind(), ErrorKind::Transport);
        }
        assert_eq!(count(server).await, 1);
    }
}
