//! TLS by rustls and ring, with the platform's trust and what is added to it.

use std::{fmt, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;
use tokenlease_core::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

/// A client's certificate as it was given: PEM texts, not looked at yet.
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

/// TLS 1.2 and 1.3 to servers that the platform trusts, or that one of the `extra` PEM texts
/// vouches for. It needs and leaves no process-wide provider, so that it disturbs no one else who
/// uses rustls in the process.
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
                // The error may quote the text.
                Error::new(ErrorKind::Config, "the client certificate's key can't be read")
                    .expected("one unencrypted private key in PEM (BEGIN PRIVATE KEY)")
                    .advice("decrypt or convert it with `openssl pkey`")
            })?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                Error::new(
                    ErrorKind::Config,
                    format!("the client certificate is of no use: {error}"),
                )
                .expected("a certificate chain, the client's own first, and the key of that")
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
    let given = !roots.is_empty();
    match Verifier::new_with_extra_roots(roots, provider.clone()) {
        Ok(verifier) => Ok(Arc::new(verifier)),
        Err(error) if given => Err(Error::new(
            ErrorKind::Config,
            format!("an extra CA certificate is of no use: {error}"),
        )
        .expected("certificates of authorities, in PEM")),
        // A bare container may have no certificates, and still use a server on loopback.
        Err(error) => Ok(Arc::new(NoRoots(error, provider.clone()))),
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
        .map_err(|error| bad(format!("can't be read: {error}")))?;
    if certificates.is_empty() {
        return Err(bad("holds no certificate".into()));
    }
    Ok(certificates)
}

fn internal(error: &rustls::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("TLS could not be set up: {error}"))
}

/// Trusts nobody, and says why.
#[derive(Debug)]
struct NoRoots(rustls::Error, Arc<CryptoProvider>);

impl ServerCertVerifier for NoRoots {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Err(self.0.clone())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Err(self.0.clone())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Err(self.0.clone())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.1.signature_verification_algorithms.supported_schemes()
    }
}
