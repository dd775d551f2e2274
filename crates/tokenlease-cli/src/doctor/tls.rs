//! The TLS handshake and the server's certificate.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, InvalidMessage,
    SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;
use tokenlease::{Error, ErrorKind, Result};
use tokio::net::TcpStream;

use super::{Finding, certificate, network::Route};
use crate::{exit, output::config};

/// A certificate that expires in fewer days is a warning.
const MIN_DAYS: u64 = 14;

/// The trusted authorities, and the last certificate of a server.
#[derive(Clone)]
pub(super) struct Trust {
    config: ClientConfig,
    seen: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Trust {
    /// Trusts the platform's authorities and those of a PEM text.
    pub(super) fn new(ca: Option<&[u8]>) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = CertificateDer::pem_slice_iter(ca.unwrap_or_default())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| bad_ca(&format!("can't be read: {error}")))?;
        if ca.is_some() && roots.is_empty() {
            return Err(bad_ca("contains no certificate"));
        }
        let verifier = match Verifier::new_with_extra_roots(roots, provider.clone()) {
            Err(error) if ca.is_some() => {
                return Err(bad_ca(&format!("can't be used: {error}")));
            }
            // Containers may lack trusted authorities; that is an error only in a handshake.
            verifier => verifier,
        };
        let seen = Arc::default();
        let recorder = Recorder { verifier, provider: provider.clone(), seen: Arc::clone(&seen) };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new(ErrorKind::Internal, format!("no TLS: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(recorder))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config, seen })
    }

    pub(super) fn config(&self) -> ClientConfig {
        self.config.clone()
    }

    /// Describes the expiry of the last certificate, and returns whether it is a warning.
    pub(super) fn certificate_expiry(&self) -> Option<(String, bool)> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let expiry = certificate::not_after(seen.as_deref()?)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let Ok(left) = u64::try_from(expiry.0.saturating_sub(now)) else {
            return Some((format!("the certificate expired on {expiry}"), true));
        };
        let days = left / 86_400_000;
        Some((format!("the certificate expires on {expiry}, in {days} days"), days < MIN_DAYS))
    }
}

fn bad_ca(why: &str) -> Error {
    config(format!("the CA file {why}")).expected("certificates in PEM")
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
    let result = tokio::task::spawn_blocking(move || handshake(config, name, stream, limit)).await;
    let certificate = trust.certificate_expiry();
    match result.unwrap_or_else(|_| Err(io::Error::other("the handshake was aborted"))) {
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
fn explain(error: &io::Error) -> (String, String) {
    use rustls::Error as Tls;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>());
    let advice = match inner {
        Some(Tls::InvalidCertificate(problem)) => match problem {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "renew the certificate, or set this machine's clock"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "set this machine's clock"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "set --server to a host that the certificate names"
            }
            CertificateError::UnknownIssuer => {
                "set --ca to the PEM file of the authority that issued it: your company's, or that \
                 of a proxy that decrypts TLS"
            }
            _ => "check the server's certificate",
        },
        Some(Tls::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "the port does not seem to use TLS: check the port and the scheme in --server"
        }
        Some(_) => "check the server's TLS settings: TLS 1.2 or 1.3 is required",
        None => "check firewalls and proxies on the network path: they may close connections",
    };
    let why = match inner {
        Some(Tls::InvalidCertificate(_)) => "the certificate is not accepted",
        _ => "no TLS connection",
    };
    (format!("{why}: {error}"), advice.to_owned())
}

/// Verifies like the platform, and keeps the certificate for the report.
#[derive(Debug)]
struct Recorder {
    verifier: Result<Verifier, rustls::Error>,
    provider: Arc<CryptoProvider>,
    seen: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Recorder {
    fn verifier(&self) -> Result<&Verifier, rustls::Error> {
        self.verifier.as_ref().map_err(Clone::clone)
    }
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
        self.verifier()?.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier()?.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier()?.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
