//! Tests of each cause for which a server's certificate is not accepted, against TLS servers.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    IsCa, KeyPair, date_time_ymd,
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::*;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn named(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority_named(name: &str) -> CertificateParams {
    let mut params = named(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn root(name: &str) -> Authority {
    CertifiedIssuer::self_signed(authority_named(name), KeyPair::generate().unwrap()).unwrap()
}

fn below(authority: &Authority, params: CertificateParams) -> Authority {
    CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), authority).unwrap()
}

fn leaf(authority: &Authority, params: &CertificateParams) -> (Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

/// Starts a server that sends this chain, and returns its address by name.
fn presenting(chain: &[&Certificate], key: &KeyPair) -> (String, (SocketAddr, JoinHandle<usize>)) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = chain.iter().map(|certificate| certificate.der().clone()).collect();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let server = server(move |stream| {
        let connection = ServerConnection::new(config.clone()).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        if !read(&mut stream).is_empty() {
            stream.write_all(OKAY.as_bytes()).unwrap();
        }
    });
    (format!("https://localhost:{}", server.0.port()), server)
}

async fn sent(
    chain: &[&Certificate],
    key: &KeyPair,
    ca: Option<&Certificate>,
) -> Result<http::Response<Zeroizing<Vec<u8>>>, SendError> {
    let (address, server) = presenting(chain, key);
    let mut options = HttpOptions::new().without_proxy();
    if let Some(ca) = ca {
        options = options.with_extra_ca(ca.pem());
    }
    let result = Transport::new(&options).unwrap().send(post(&address), LONG).await;
    count(server).await;
    result
}

/// Checks that an error says this, lasts, and quotes no identifier of a program.
#[track_caller]
fn says(result: Result<http::Response<Zeroizing<Vec<u8>>>, SendError>, words: &[&str]) {
    let error = not_sent(result);
    let text = error.to_string();
    for words in words {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(!error.is_retryable(), "{text}");
    // Debug text has names such as `UnknownIssuer` and `OtherError(..)`.
    let is_debug = |word: &str| {
        let inner = word.trim_matches(|c: char| !c.is_ascii_alphabetic());
        let letters = inner.as_bytes();
        let is_camel =
            letters.windows(2).any(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase());
        is_camel && inner != "serverAuth"
    };
    assert!(!text.split_whitespace().any(is_debug), "{text}");
}

/// Rule: Trust: a self-signed certificate that is given as extra CA is trusted as that very certificate, for
/// the hosts that it names, and until it expires.
/// Reported as rustls/webpki#205 and lightningnetwork/lnd#5450.
#[tokio::test]
async fn a_self_signed_certificate_given_as_ca_is_trusted_as_that_very_certificate() {
    // Made as plain `openssl req -x509 -subj /CN=localhost` does.
    let plain = authority_named("localhost");
    let mut modern = authority_named("my server");
    modern.subject_alt_names = named("", &["localhost"]).subject_alt_names;
    let end_entity = named("localhost", &["localhost"]);
    for params in [&plain, &modern, &end_entity] {
        let (key, other_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let certificate = params.self_signed(&key).unwrap();
        let answer = sent(&[&certificate], &key, Some(&certificate)).await;
        assert_eq!(answer.unwrap().status(), 200);
        // The same fields with another key are another certificate.
        let other = params.self_signed(&other_key).unwrap();
        says(sent(&[&other], &other_key, Some(&certificate)).await, &["TLS with localhost"]);
        says(sent(&[&other], &other_key, None).await, &["is self-signed", "extra CA"]);
    }
    for (hosts, names) in [(vec!["other.example"], "other.example"), (vec![], "no host")] {
        let key = KeyPair::generate().unwrap();
        let mut params = authority_named("other.example");
        params.subject_alt_names = named("", &hosts).subject_alt_names;
        let certificate = params.self_signed(&key).unwrap();
        let result = sent(&[&certificate], &key, Some(&certificate)).await;
        says(result, &["another host than localhost", names, "host name"]);
    }
    let mut params = plain.clone();
    params.not_after = date_time_ymd(2021, 2, 3);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let result = sent(&[&certificate], &key, Some(&certificate)).await;
    says(result, &["certificate expired on 2021-02-03"]);
}

/// Rule: Trust: each cause for which a certificate is not accepted has its own sentence: another host,
/// expired, not valid yet, a missing or expired intermediate certificate, an unknown authority.
#[tokio::test]
async fn each_cause_for_which_a_certificate_is_not_accepted_has_its_own_sentence() {
    let trusted = root("Trusted Root");
    let localhost = named("localhost", &["localhost"]);
    let ca = Some(trusted.as_ref() as &Certificate);

    let (certificate, key) = leaf(&trusted, &named("x", &["a.example", "b.example"]));
    let result = sent(&[&certificate], &key, ca).await;
    says(result, &["another host than localhost: it names a.example, b.example"]);

    let mut old = localhost.clone();
    old.not_after = date_time_ymd(2021, 2, 3);
    let (certificate, key) = leaf(&trusted, &old);
    let result = sent(&[&certificate], &key, ca).await;
    says(result, &["certificate expired on 2021-02-03T00:00:00Z", "renew"]);

    let mut early = localhost.clone();
    early.not_before = date_time_ymd(2998, 2, 3);
    early.not_after = date_time_ymd(2999, 2, 3);
    let (certificate, key) = leaf(&trusted, &early);
    says(sent(&[&certificate], &key, ca).await, &["not valid before 2998-02-03", "clock"]);

    let intermediate = below(&trusted, authority_named("Issuing CA 2"));
    let (certificate, key) = leaf(&intermediate, &localhost);
    let answer = sent(&[&certificate, intermediate.as_ref()], &key, ca).await;
    assert_eq!(answer.unwrap().status(), 200);
    let result = sent(&[&certificate], &key, ca).await;
    says(result, &["alone, without that of its issuer \"CN=Issuing CA 2\"", "full chain"]);
    let result = sent(&[&certificate, intermediate.as_ref()], &key, None).await;
    says(result, &["issued by \"CN=Trusted Root\", which is not a trusted authority"]);

    let mut expired = authority_named("Issuing CA 1");
    expired.not_after = date_time_ymd(2021, 2, 3);
    let intermediate = below(&trusted, expired);
    let (certificate, key) = leaf(&intermediate, &localhost);
    let result = sent(&[&certificate, intermediate.as_ref()], &key, ca).await;
    says(result, &["an intermediate certificate", "expired"]);
}

/// Rule: Trust: an unknown host name and https to a port with plain HTTP are errors that last; a refused
/// connection may pass.
#[tokio::test]
async fn an_unknown_host_and_https_to_a_plain_port_last() {
    says(
        transport().send(post("https://no-such-host.invalid"), LONG).await,
        &["no host with the name"],
    );
    let server = server(|stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let result = transport().send(post(&format!("https://{}", server.0)), LONG).await;
    says(result, &["does not speak TLS", "plain HTTP"]);
    let address = server.0;
    count(server).await;
    assert!(
        not_sent(transport().send(post(&format!("https://{address}")), LONG).await).is_retryable()
    );
}
