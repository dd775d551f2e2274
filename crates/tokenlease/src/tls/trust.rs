//! Which certificates of servers are trusted: those that an authority of the platform or an extra one
//! signed, and an extra one itself.

use std::{fmt, sync::Arc};

use once_cell::race::OnceBox;
use rustls::{
    CertificateError, DigitallySignedStruct, OtherError, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;
use tokenlease_core::{Error, ErrorKind, Result};

use super::certificate::{Parsed, last_issuer};

type Verified<T = ServerCertVerified> = std::result::Result<T, rustls::Error>;

/// The verifier of servers' certificates.
pub(super) struct Trust {
    provider: Arc<CryptoProvider>,
    extra: Vec<CertificateDer<'static>>,
    /// It reads the platform's trust at the first handshake, because a process that finds a token in the
    /// store needs none. Without CA certificates, as in a bare container, each handshake fails.
    platform: OnceBox<Verifier>,
}

impl Trust {
    pub(super) fn new(
        extra: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self> {
        let trust = Self { provider, extra, platform: OnceBox::new() };
        // A mistake in an option is an error when the client is built.
        if !trust.extra.is_empty() {
            trust.platform().map_err(|error| {
                Error::new(
                    ErrorKind::Config,
                    format!("an extra CA certificate cannot be used: {error}"),
                )
                .expected("certificates of certificate authorities, in PEM")
            })?;
        }
        Ok(trust)
    }

    fn platform(&self) -> Verified<&Verifier> {
        self.platform.get_or_try_init(|| {
            let (extra, provider) = (self.extra.iter().cloned(), self.provider.clone());
            Verifier::new_with_extra_roots(extra, provider).map(Box::new)
        })
    }

    /// Verifies the host and the dates of a certificate that is trusted itself. Its key signs the
    /// handshake, so it needs no authority.
    fn verify_itself(
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Verified {
        use CertificateError as Bad;
        let parsed = Parsed::of(certificate).ok_or(Bad::BadEncoding)?;
        let (begins, ends) = parsed.validity();
        let seconds = |time: i64| {
            UnixTime::since_unix_epoch(std::time::Duration::from_millis(time.max(0).unsigned_abs()))
        };
        let (not_before, not_after) = (seconds(begins.0), seconds(ends.0));
        if now < not_before {
            return Err(Bad::NotValidYetContext { time: now, not_before }.into());
        }
        if now > not_after {
            return Err(Bad::ExpiredContext { time: now, not_after }.into());
        }
        match verify_server_name(&ParsedCertificate::try_from(certificate)?, name) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(error) => match parsed.host_in_common_name() {
                Some(host) if host.eq_ignore_ascii_case(&name.to_str()) => {
                    Ok(ServerCertVerified::assertion())
                }
                _ => Err(error),
            },
        }
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Verified {
        if self.extra.iter().any(|extra| extra == certificate) {
            return Self::verify_itself(certificate, name, now);
        }
        let verified =
            self.platform()?.verify_server_cert(certificate, intermediates, name, ocsp, now);
        verified.map_err(|error| Distrust::explain(error, certificate, intermediates))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verified<HandshakeSignatureValid> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verified<HandshakeSignatureValid> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").field("extra", &self.extra.len()).finish_non_exhaustive()
    }
}

/// Why a chain of certificates is not trusted, as far as rustls does not say it.
#[derive(Clone, Debug)]
pub(super) enum Distrust {
    /// The server's certificate is signed with its own key.
    SelfSigned,
    /// The server sent its certificate alone, and its issuer is not trusted.
    IssuerMissing(String),
    /// The server sent a chain, and the issuer of its last certificate is not trusted.
    IssuerUnknown(String),
    /// An authority with the name of the issuer is trusted, but its key is another one.
    OtherKey(String),
    /// A certificate of the chain expired, not the server's own.
    ChainExpired,
}

impl Distrust {
    fn explain(
        error: rustls::Error,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> rustls::Error {
        use CertificateError as Bad;
        let rustls::Error::InvalidCertificate(why) = &error else { return error };
        let last = last_issuer(leaf, intermediates);
        let is_alone = intermediates.is_empty();
        let distrust = match (why, last) {
            (Bad::ExpiredContext { time, .. }, _) => {
                let now = i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1000);
                let own = Parsed::of(leaf).map(|leaf| leaf.validity().1.0);
                own.filter(|own| *own >= now).map(|_| Self::ChainExpired)
            }
            (Bad::UnknownIssuer, Some(last)) if is_alone && !last.is_self_issued() => {
                Some(Self::IssuerMissing(last.issuer()))
            }
            (Bad::UnknownIssuer, Some(last)) if !is_alone => {
                Some(Self::IssuerUnknown(last.issuer()))
            }
            // webpki has another error if it is also an authority's, or if another certificate with its
            // name is trusted.
            (
                Bad::UnknownIssuer
                | Bad::BadSignature
                | Bad::UnsupportedSignatureAlgorithmContext { .. }
                | Bad::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
                | Bad::Other(_),
                Some(last),
            ) if is_alone && last.is_self_issued() => Some(Self::SelfSigned),
            // webpki found the issuer by its name.
            (Bad::BadSignature, Some(last)) => Some(Self::OtherKey(last.issuer())),
            _ => None,
        };
        match distrust {
            Some(distrust) => Bad::Other(OtherError(Arc::new(distrust))).into(),
            None => error,
        }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SelfSigned => f.write_str("the server's certificate is self-signed"),
            Self::IssuerMissing(issuer) => write!(
                f,
                "the server sent its certificate alone, without that of its issuer {issuer}, which \
                 is not a trusted authority"
            ),
            Self::IssuerUnknown(issuer) => write!(
                f,
                "the server's certificates were issued by {issuer}, which is not a trusted authority"
            ),
            Self::OtherKey(issuer) => write!(
                f,
                "the server's certificate was issued by {issuer}, but with another key than that of \
                 the trusted authority of this name"
            ),
            Self::ChainExpired => {
                f.write_str("an intermediate certificate that the server sent has expired")
            }
        }
    }
}

impl std::error::Error for Distrust {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trust_of_the_platform_is_read_at_the_first_handshake() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trust = Trust::new(Vec::new(), provider).unwrap();
        assert!(trust.platform.get().is_none() && !trust.supported_verify_schemes().is_empty());
        let certificate = CertificateDer::from(b"no certificate".as_slice());
        let name = ServerName::try_from("wyn.example").unwrap();
        let verified = trust.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now());
        assert!(verified.is_err());
        // A machine without CA certificates has no verifier to keep.
        let has_roots = Verifier::new(trust.provider.clone()).is_ok();
        assert_eq!(trust.platform.get().is_some(), has_roots);
    }
}
