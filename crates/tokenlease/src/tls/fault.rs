//! The faults of a TLS connection, in a sentence for each cause, with advice.

use std::{error::Error as StdError, io};

use rustls::{
    AlertDescription as Alert, CertificateError as Bad, Error as Tls, pki_types::UnixTime,
};
use tokenlease_core::WallTime;

use super::trust::Distrust;

/// A TLS connection that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The fault.
    pub detail: String,
    /// The advice.
    pub advice: &'static str,
    /// Whether it happens again until somebody corrects the server or an option.
    pub lasts: bool,
    /// Whether the server ended the handshake, so that it read no request.
    pub rejected: bool,
}

/// Returns the fault of a TLS connection that an error has as its cause.
pub fn fault_in(error: &(dyn StdError + 'static)) -> Option<Fault> {
    chain(error).find_map(|error| error.downcast_ref::<Tls>()).map(fault)
}

/// Iterates over the error and its causes, including those that an `io::Error` hides.
pub(crate) fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match inside {
            Some(inside) => Some(inside as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}

/// Returns the fault of a TLS connection.
fn fault(error: &Tls) -> Fault {
    let (detail, advice): (String, _) = match error {
        Tls::InvalidCertificate(why) => certificate(why),
        Tls::AlertReceived(alert) => return alerted(*alert),
        Tls::InvalidMessage(_) => (
            "the server does not speak TLS on this port".into(),
            "check the scheme and port: the server may speak plain HTTP there",
        ),
        Tls::PeerIncompatible(_) => (
            "the server offers no TLS version or cipher that this client accepts".into(),
            "enable TLS 1.2 or 1.3 at the server",
        ),
        Tls::NoCertificatesPresented => {
            ("the server sent no certificate".into(), "install a certificate at the server")
        }
        // The text of the platform's verifier.
        Tls::General(text) => (
            text.clone(),
            "install the system's CA certificates (package ca-certificates), set SSL_CERT_FILE, \
             or add an extra CA",
        ),
        _ => {
            let detail = "the server broke the rules of TLS".into();
            let advice = "check the server, and proxies and firewalls in between";
            return Fault { detail, advice, lasts: false, rejected: false };
        }
    };
    Fault { detail, advice, lasts: true, rejected: false }
}

fn certificate(why: &Bad) -> (String, &'static str) {
    let renew = "renew the certificate at the server, or set this machine's clock";
    match why {
        Bad::Expired => ("the server's certificate has expired".into(), renew),
        Bad::ExpiredContext { not_after, .. } => {
            (format!("the server's certificate expired on {}", date(*not_after)), renew)
        }
        Bad::NotValidYet => {
            ("the server's certificate is not valid yet".into(), "set this machine's clock")
        }
        Bad::NotValidYetContext { not_before, .. } => (
            format!("the server's certificate is not valid before {}", date(*not_before)),
            "set this machine's clock",
        ),
        Bad::NotValidForName => (
            "the server's certificate is for another host".into(),
            "check the host name in the server address",
        ),
        Bad::NotValidForNameContext { expected, presented } => (
            format!(
                "the server's certificate is for another host than {}: it names {}",
                expected.to_str(),
                names(presented)
            ),
            "check the host name in the server address",
        ),
        Bad::Revoked => ("the server's certificate is revoked".into(), "renew it at the server"),
        Bad::BadEncoding => {
            ("the server's certificate cannot be read".into(), "check the server's certificate")
        }
        Bad::BadSignature => (
            "a signature in the server's certificates is wrong".into(),
            "check the server's certificate and key",
        ),
        Bad::InvalidPurpose | Bad::InvalidPurposeContext { .. } => (
            "the server's certificate is not one for servers".into(),
            "let the authority issue one with the purpose serverAuth",
        ),
        Bad::Other(other) => match other.0.downcast_ref::<Distrust>() {
            Some(distrust) => (distrust.to_string(), advice(distrust)),
            None => unusable(),
        },
        Bad::UnknownIssuer => (
            "the server's certificate was issued by an authority that is not trusted".into(),
            "if it is your own authority, add its certificate as an extra CA",
        ),
        _ => unusable(),
    }
}

fn unusable() -> (String, &'static str) {
    let detail = "the server's certificate is not accepted, because it breaks a rule of RFC 5280";
    (detail.into(), "check the server's certificate with `openssl x509 -text`")
}

fn advice(distrust: &Distrust) -> &'static str {
    match distrust {
        Distrust::SelfSigned => {
            "if it is the right server, add this certificate as an extra CA: then exactly it is \
             trusted"
        }
        Distrust::IssuerMissing(_) => {
            "let the server send its full chain with all intermediate certificates; if the issuer is \
             your own authority, add its certificate as an extra CA"
        }
        Distrust::IssuerUnknown(_) => {
            "if it is your own certificate authority, or that of a proxy that decrypts TLS, add its \
             certificate as an extra CA"
        }
        Distrust::OtherKey(_) => {
            "if the authority has a new key, add its current certificate as an extra CA; otherwise \
             another server answers"
        }
        Distrust::ChainExpired => "install the current intermediate certificates at the server",
    }
}

/// The server ended the connection with an alert (RFC 8446 section 6.2).
fn alerted(alert: Alert) -> Fault {
    let (detail, advice, lasts) = match alert {
        Alert::CertificateRequired | Alert::NoCertificate => (
            "the server requires a client certificate".into(),
            "set a client certificate that the server accepts",
            true,
        ),
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::DecryptError
        | Alert::AccessDenied => (
            "the server did not accept the client certificate, or there is none".into(),
            "set a client certificate that has not expired and whose authority the server trusts",
            true,
        ),
        Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity => (
            "the server and this client have no TLS version or cipher in common, or the server \
             requires a client certificate"
                .into(),
            "enable TLS 1.2 or 1.3 at the server, or set a client certificate",
            true,
        ),
        Alert::UnrecognisedName => (
            "the server has no certificate for this host name".into(),
            "check the host name in the server address",
            true,
        ),
        other => (
            format!("the server ended the TLS connection with alert {}", u8::from(other)),
            "check the server and its log",
            false,
        ),
    };
    // The others may end a connection at any time.
    Fault { detail, advice, lasts, rejected: lasts }
}

fn date(time: UnixTime) -> WallTime {
    WallTime(i64::try_from(time.as_secs()).unwrap_or(i64::MAX).saturating_mul(1000))
}

/// Lists the names of a certificate. rustls writes them as `DnsName("h")`.
fn names(presented: &[String]) -> String {
    const MOST: usize = 4;
    let name = |text: &String| {
        let bare =
            text.split_once('(').map_or(text.as_str(), |(_, bare)| bare.trim_end_matches(')'));
        bare.trim_matches('"').chars().take(80).filter(|c| !c.is_control()).collect::<String>()
    };
    let mut list: Vec<_> = presented.iter().take(MOST).map(name).collect();
    if presented.len() > MOST {
        list.push("others".into());
    }
    if list.is_empty() { "no host".into() } else { list.join(", ") }
}
