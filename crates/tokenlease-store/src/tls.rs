//! TLS to stores, with rustls and ring. It trusts the platform's certificate authorities and extra
//! ones.

use std::sync::Arc;

use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;
use tokenlease::{Error, ErrorKind, Result};

/// Returns a configuration for TLS 1.2 and 1.3 that trusts the platform's certificate authorities
/// and those in the `extra` PEM texts. It neither uses nor installs rustls' process-wide provider.
pub(crate) fn config(extra: &[Vec<u8>]) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = Vec::new();
    for pem in extra {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.push(certificate.map_err(|error| no_ca(&error.to_string()))?);
        }
        if roots.len() == before {
            return Err(no_ca("the PEM text has no certificate"));
        }
    }
    let verifier = Verifier::new_with_extra_roots(roots, provider.clone())
        .map_err(|error| no_ca(&error.to_string()))?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| {
            Error::new(ErrorKind::Internal, "TLS could not be set up").with_source(error)
        })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

fn no_ca(why: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("the certificate authorities for TLS to the store can't be used: {why}"),
    )
    .expected("certificates that the system trusts, or extra ones in PEM")
    .advice("install the system's CA certificates, or name a CA file")
}

/// Returns whether the host is this machine.
pub(crate) fn is_local(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost"
        || host.starts_with('/')
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
