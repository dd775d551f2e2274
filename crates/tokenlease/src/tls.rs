//! TLS by rustls and ring, with the certificates of the platform and extra ones.

mod certificate;
mod fault;
mod private_key;
mod trust;

use std::{fmt, sync::Arc};

use rustls::{
    ClientConfig,
    client::{Resumption, danger::ServerCertVerifier},
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokenlease_core::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

pub(crate) use self::fault::chain;
use self::trust::Trust;
pub use self::{
    certificate::expires_at,
    fault::{Fault, fault_in},
};

/// A client certificate as it was given: PEM texts, not parsed yet.
#[derive(Clone)]
pub(crate) struct ClientCertificate {
    pub(crate) chain: Vec<u8>,
    pub(crate) key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate([redacted])")
    }
}

/// Returns a configuration for HTTP over TLS 1.2 and 1.3. It trusts the certificate authorities of the
/// platform and those in the `extra` PEM texts.
pub(crate) fn config(
    extra: &[Vec<u8>],
    client: Option<&ClientCertificate>,
) -> Result<ClientConfig> {
    let mut config = any_protocol(extra, client)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Returns a configuration for any protocol over TLS.
///
/// It neither needs nor sets a process-wide crypto provider, so that it does not affect other code
/// that uses rustls.
pub(crate) fn any_protocol(
    extra: &[Vec<u8>],
    client: Option<&ClientCertificate>,
) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = verifier(extra)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| internal(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    match client {
        None => Ok(builder.with_no_client_auth()),
        Some(ClientCertificate { chain, key }) => {
            let chain = certificates(chain, "the client certificate")?;
            let key = private_key::read(key)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                Error::new(
                    ErrorKind::Config,
                    format!("the client certificate cannot be used: {error}"),
                )
                .expected("a certificate chain that begins with the client's own, and its key")
            })
        }
    }
}

/// Returns the configuration for a forked child, without the sessions of its parent: a thread that does
/// not exist there may hold their lock.
pub(crate) fn after_fork(config: &ClientConfig) -> ClientConfig {
    let mut config = config.clone();
    config.resumption = Resumption::default();
    config
}

/// Returns the verifier of servers' certificates.
pub(crate) fn verifier(extra: &[Vec<u8>]) -> Result<Arc<dyn ServerCertVerifier>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = Vec::new();
    for pem in extra {
        roots.extend(certificates(pem, "the extra CA certificate")?);
    }
    Trust::new(roots, provider).map(|trust| Arc::new(trust) as _)
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let bad = |why: String| {
        Error::new(ErrorKind::Config, format!("{what} {why}"))
            .expected("PEM text (-----BEGIN CERTIFICATE-----)")
            .advice("convert a DER file with `openssl x509 -inform der`")
    };
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| bad(format!("cannot be read: {error}")))?;
    if certificates.is_empty() {
        return Err(bad("contains no certificate".into()));
    }
    Ok(certificates)
}

fn internal(error: &rustls::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("TLS could not be set up: {error}"))
        .advice("this is a bug in tokenlease: please report it")
}
