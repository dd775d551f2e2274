//! The TLS handshake and the server's certificate.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokenlease::{Result, bindings, runtime::run_blocking};
use tokenlease_config::Options;
use tokio::net::TcpStream;

use super::{Finding, network::Route};
use crate::exit;

/// A certificate that expires in fewer days is a warning.
const MIN_DAYS: u64 = 14;

/// The trusted authorities, and the last certificate of a server.
#[derive(Clone)]
pub(super) struct Trust {
    config: ClientConfig,
    seen: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Trust {
    /// Trusts what a client with these options trusts, and presents its certificate.
    pub(super) fn new(options: &Options) -> Result<Self> {
        let ca: Vec<_> = options.ca()?.into_iter().collect();
        let verifier = bindings::server_verifier(&ca)?;
        let mut config = bindings::tls_config(&options.http()?)?;
        let seen = Arc::default();
        let recorder = Recorder { verifier, seen: Arc::clone(&seen) };
        config.dangerous().set_certificate_verifier(Arc::new(recorder));
        Ok(Self { config, seen })
    }

    pub(super) fn config(&self) -> ClientConfig {
        self.config.clone()
    }

    /// Describes the expiry of the last certificate, and returns whether it is a warning.
    pub(super) fn certificate_expiry(&self) -> Option<(String, bool)> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let expiry = bindings::expires_at(seen.as_deref()?)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let Ok(left) = u64::try_from(expiry.0.saturating_sub(now)) else {
            return Some((format!("the certificate expired on {expiry}"), true));
        };
        let days = left / 86_400_000;
        Some((format!("the certificate expires on {expiry}, in {days} days"), days < MIN_DAYS))
    }
}

pub(super) async fn check(
    trust: &Trust,
    route: &Route,
    stream: TcpStream,
    limit: Duration,
) -> Finding {
    let name = match ServerName::try_from(route.host().to_owned()) {
        Ok(name) => name,
        Err(error) => {
            let detail = format!("{} is not a valid name in a certificate: {error}", route.host());
            return Finding::fail("tls", exit::USAGE, detail, "check the host in --server");
        }
    };
    let config = trust.config();
    let result = run_blocking(None, move || handshake(config, name, stream, limit)).await;
    let certificate = trust.certificate_expiry();
    match result.unwrap_or_else(|error| Err(io::Error::other(error))) {
        Ok(version) => match certificate {
            Some((expiry, true)) => Finding::warn(
                "tls",
                format!("{version}; {expiry}"),
                "renew the server's certificate",
            ),
            Some((expiry, false)) => Finding::ok("tls", format!("{version}; {expiry}")),
            None => Finding::ok("tls", version),
        },
        Err(error) => {
            let (why, advice) = explain(&error);
            let seen = certificate.map(|(expiry, _)| format!("; {expiry}")).unwrap_or_default();
            Finding::fail("tls", exit::UNAVAILABLE, format!("{why}{seen}"), advice)
        }
    }
}

fn handshake(
    config: ClientConfig,
    name: ServerName<'static>,
    stream: TcpStream,
    limit: Duration,
) -> io::Result<String> {
    let mut stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    let version = connection.protocol_version().and_then(|version| version.as_str());
    Ok(version.map_or_else(|| "TLS".into(), |version| version.replace("TLSv1_", "TLS 1.")))
}

/// Returns the fault of a failed handshake, and the advice.
fn explain(error: &io::Error) -> (String, &'static str) {
    if let Some(fault) = bindings::tls_fault(error) {
        return (format!("no TLS connection: {}", fault.detail), fault.advice);
    }
    let in_between = "check the scheme and port in --server, and firewalls and proxies in between: \
                      they may close or hold connections";
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => (
            "the server accepted the connection, and does not answer in the TLS handshake".into(),
            in_between,
        ),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            ("the server closed the connection in the TLS handshake".into(), in_between)
        }
        _ => (format!("no TLS connection: {error}"), in_between),
    }
}

/// Verifies as the client does, and keeps the certificate for the report.
#[derive(Debug)]
struct Recorder {
    verifier: Arc<dyn ServerCertVerifier>,
    seen: Arc<Mutex<Option<Vec<u8>>>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.to_vec());
        self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
