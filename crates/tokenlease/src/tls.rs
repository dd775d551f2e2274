//! TLS by rustls and ring, with the certificates of the platform and extra ones.

use std::{fmt, sync::Arc};

use once_cell::race::OnceBox;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;
use tokenlease_core::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

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

/// Returns a configuration for TLS 1.2 and 1.3. It trusts the certificate authorities of the platform
/// and those in the `extra` PEM texts.
///
/// It neither needs nor sets a process-wide crypto provider, so that it does not affect other code
/// that uses rustls.
pub(crate) fn config(
    extra: &[Vec<u8>],
    client: Option<&ClientCertificate>,
) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = Vec::new();
    for pem in extra {
        roots.extend(certificates(pem, "the extra CA certificate")?);
    }
    let verifier = verifier(roots, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| internal(&error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match client {
        None => builder.with_no_client_auth(),
        Some(ClientCertificate { chain, key }) => {
            let chain = certificates(chain, "the client certificate")?;
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
                // The original error may quote the key.
                Error::new(ErrorKind::Config, "the key of the client certificate cannot be read")
                    .expected("one unencrypted private key in PEM (BEGIN PRIVATE KEY)")
                    .advice("decrypt or convert the key with `openssl pkey`")
            })?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                Error::new(
                    ErrorKind::Config,
                    format!("the client certificate cannot be used: {error}"),
                )
                .expected("a certificate chain that begins with the client's own, and its key")
            })?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn verifier(
    roots: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>> {
    if roots.is_empty() {
        return Ok(Arc::new(Platform { provider: provider.clone(), verifier: OnceBox::new() }));
    }
    match Verifier::new_with_extra_roots(roots, provider.clone()) {
        Ok(verifier) => Ok(Arc::new(verifier)),
        Err(error) => Err(Error::new(
            ErrorKind::Config,
            format!("an extra CA certificate cannot be used: {error}"),
        )
        .expected("certificates of certificate authorities, in PEM")),
    }
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

/// The trust of the platform. It is read at the first handshake, because a process that finds a token
/// in the store needs none. Without CA certificates, as in a bare container, each handshake fails.
#[derive(Debug)]
struct Platform {
    provider: Arc<CryptoProvider>,
    verifier: OnceBox<Verifier>,
}

impl Platform {
    fn verifier(&self) -> std::result::Result<&Verifier, rustls::Error> {
        self.verifier.get_or_try_init(|| Verifier::new(self.provider.clone()).map(Box::new))
    }
}

impl ServerCertVerifier for Platform {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        self.verifier()?.verify_server_cert(certificate, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier()?.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier()?.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trust_of_the_platform_is_read_at_the_first_handshake() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let platform = Platform { provider, verifier: OnceBox::new() };
        assert!(
            platform.verifier.get().is_none() && !platform.supported_verify_schemes().is_empty()
        );
        let certificate = CertificateDer::from(b"no certificate".as_slice());
        let name = ServerName::try_from("wyn.example").unwrap();
        let verified = platform.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now());
        assert!(verified.is_err());
        // A machine without CA certificates has no verifier to keep.
        let has_roots = Verifier::new(platform.provider.clone()).is_ok();
        assert_eq!(platform.verifier.get().is_some(), has_roots);
    }
}
