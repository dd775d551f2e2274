//! What went wrong on the way, in words: which step, to whom, why, and where to look.

use std::{error::Error as StdError, fmt, io, time::Duration};

use http::{StatusCode, Uri};
use rustls::CertificateError;
use tokenlease_core::{Error, ErrorKind};

use super::{BODY_CAP, Progress, Step};

/// No answer, and whether the server may have acted on the request.
#[derive(Clone, Debug)]
pub enum SendError {
    /// The request can't have arrived whole: it may be sent again without a second login.
    NotSent(Error),
    /// It may have arrived, and the answer was lost.
    Lost(Error),
}

impl SendError {
    /// What was wrong and what to do.
    pub fn error(&self) -> &Error {
        match self {
            Self::NotSent(error) | Self::Lost(error) => error,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error().fmt(f)
    }
}

impl StdError for SendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error().source()
    }
}

/// Whom a request goes to, `host:port`: all of its address that may be printed.
#[derive(Clone, Debug)]
pub(super) struct Place(String);

impl Place {
    pub(super) fn of(uri: &Uri) -> Self {
        let default = if uri.scheme_str() == Some("http") { 80 } else { 443 };
        Self(format!("{}:{}", uri.host().unwrap_or("?"), uri.port_u16().unwrap_or(default)))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The caller's time was up.
pub(super) fn late(place: &Place, timeout: Duration, progress: &Progress) -> SendError {
    let step = match (progress.step(), progress.has_body) {
        (Step::Connecting, true) => "connecting",
        (Step::Connecting, false) => "connecting or waiting for the answer",
        (Step::Waiting, _) => "sending or waiting for the answer",
        (Step::Reading, _) => "reading the answer's body",
    };
    let detail = format!("no answer of {place} within {timeout:?}, while {step}");
    let error = Error::new(ErrorKind::DeadlineExceeded, detail)
        .advice("look at the server's health, firewalls and proxies; or allow more time");
    of(error, progress)
}

/// The answer is longer than any answer about a token.
pub(super) fn too_long(place: &Place, status: StatusCode) -> SendError {
    SendError::Lost(
        Error::new(
            ErrorKind::InvalidResponse,
            format!("the answer of {place} is longer than {BODY_CAP} bytes"),
        )
        .with_status(status.as_u16())
        .expected("a short JSON answer")
        .advice("look at the server address and its path"),
    )
}

/// The HTTP library's error. It is not kept as a source: it prints the URL, and may hold others
/// that do.
pub(super) fn failed(place: &Place, error: &reqwest::Error, progress: &Progress) -> SendError {
    let why = cause(error);
    let transport = |detail: String| Error::new(ErrorKind::Transport, detail);
    let tls = chain(error).find_map(|error| error.downcast_ref::<rustls::Error>());
    let described = if let Some(tls) = tls {
        transport(format!("TLS with {place} failed: {tls}")).advice(tls_advice(tls))
    } else if error.is_dns() {
        transport(format!("no address was found (DNS) on the way to {place}: {why}")).advice(
            "look at the server address, at this machine's DNS, and whether a proxy is needed",
        )
    } else if error.is_connect() {
        connect(place, &why, error.is_timeout())
    } else {
        let step = match progress.step() {
            Step::Reading => "its answer broke off",
            _ => "the connection ended before an answer",
        };
        transport(format!("{place}: {step}: {why}"))
            .advice("look at the server's health, and at proxies and firewalls on the way")
    };
    // Without a connection nothing can have arrived, also of a request without a body.
    if error.is_connect() { SendError::NotSent(described) } else { of(described, progress) }
}

fn connect(place: &Place, why: &str, timed_out: bool) -> Error {
    let error = |detail| Error::new(ErrorKind::Transport, detail);
    if why.contains("proxy authorization required") {
        error(format!("the proxy on the way to {place} wants a user name and password (407)"))
            .advice("write them into the proxy's URL; NTLM and Kerberos are not supported")
    } else if why.contains("tunnel") || why.contains("unsuccessful") {
        error(format!("the proxy made no connection to {place}: {why}"))
            .advice("look at the proxy's rules and its log")
    } else if timed_out {
        error(format!("no TCP or TLS connection to {place} in time"))
            .advice("look at firewalls, and whether a proxy is needed (HTTPS_PROXY)")
    } else {
        error(format!("no TCP connection to {place}: {why}")).advice(
            "look at the server address and port, at firewalls, and at the proxy if one is set",
        )
    }
}

fn tls_advice(error: &rustls::Error) -> &'static str {
    use CertificateError as Bad;
    match error {
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer) => {
            "if an authority of your own, or of a proxy that looks into TLS, signed the server's \
             certificate, give that authority's certificate as an extra CA"
        }
        rustls::Error::InvalidCertificate(
            Bad::NotValidForName | Bad::NotValidForNameContext { .. },
        ) => "look at the host name in the server address",
        rustls::Error::InvalidCertificate(
            Bad::Expired
            | Bad::ExpiredContext { .. }
            | Bad::NotValidYet
            | Bad::NotValidYetContext { .. },
        ) => "look at this machine's clock, and renew the server's certificate",
        rustls::Error::InvalidCertificate(_) => "look at the server's certificate",
        rustls::Error::AlertReceived(_) => {
            "the server rejected: it may want a client certificate, or another one"
        }
        rustls::Error::InvalidMessage(_) => {
            "look at scheme and port: the server may speak plain HTTP there"
        }
        rustls::Error::General(_) => {
            "install the system's CA certificates (package ca-certificates), set SSL_CERT_FILE, \
             or give an extra CA"
        }
        _ => "look at the TLS versions and ciphers of the server: TLS 1.2 or 1.3 is needed",
    }
}

fn of(error: Error, progress: &Progress) -> SendError {
    if progress.may_have_arrived() { SendError::Lost(error) } else { SendError::NotSent(error) }
}

/// The innermost cause, shortened.
fn cause(error: &reqwest::Error) -> String {
    let text = chain(error)
        .filter(|error| !error.is::<reqwest::Error>())
        .last()
        .map_or_else(|| "unknown cause".into(), ToString::to_string);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}

/// The error and its causes, also those inside of an `io::Error`, which it hides.
fn chain<'a>(
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
