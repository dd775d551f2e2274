//! Errors of requests: the step that failed, the server, the cause, and what to check.

use std::{error::Error as StdError, fmt, time::Duration};

use http::{StatusCode, Uri};
use tokenlease_core::{Error, ErrorKind};

use super::{BODY_CAP, Progress, Step};
use crate::tls::{self, chain};

/// Why a request got no answer, and whether the server may have acted on it.
#[derive(Clone, Debug)]
pub enum SendError {
    /// The server cannot have received the whole request. Sending it again costs no second login.
    NotSent(Error),
    /// The server may have received the request, and its answer was lost.
    Lost(Error),
    /// The server answered with a status that is no error, and with a body that cannot be read: it is
    /// too long, or compressed in an unknown way. The next answer may be like it.
    Unreadable(Error),
}

impl SendError {
    /// Returns the underlying error: what happened, and what to do.
    pub fn error(&self) -> &Error {
        match self {
            Self::NotSent(error) | Self::Lost(error) | Self::Unreadable(error) => error,
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

/// The `host:port` of a request, the only part of its address that may be printed.
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

/// The request timed out.
pub(super) fn late(place: &Place, timeout: Duration, progress: &Progress) -> SendError {
    let step = match (progress.step(), progress.has_body) {
        (Step::Connecting, true) => "connecting",
        (Step::Connecting, false) => "connecting or waiting for the answer",
        (Step::Waiting, _) => "sending or waiting for the answer",
        (Step::Reading, _) => "reading the answer's body",
    };
    let detail = format!("no answer from {place} within {timeout:?}, while {step}");
    let error = Error::new(ErrorKind::DeadlineExceeded, detail)
        .advice("check the server, firewalls and proxies, or set a longer timeout");
    of(error, progress)
}

/// The answer is too long.
pub(super) fn too_long(place: &Place, status: StatusCode) -> SendError {
    SendError::Unreadable(
        Error::new(
            ErrorKind::InvalidResponse,
            format!("the answer from {place} is longer than {BODY_CAP} bytes"),
        )
        .with_status(status.as_u16())
        .expected("a short JSON answer")
        .advice("check the server address and its path"),
    )
}

/// The body is compressed in a way that is not known.
pub(super) fn unknown_coding(place: &Place, status: StatusCode, coding: &str) -> SendError {
    let detail = format!("the answer from {place} is compressed with {}", quoted(coding));
    coded(detail, status, "no Content-Encoding, gzip or deflate")
}

/// The body is damaged, or not compressed as its header says.
pub(super) fn damaged_coding(place: &Place, status: StatusCode, coding: &str) -> SendError {
    let detail = format!("the answer from {place} cannot be decompressed with {}", quoted(coding));
    coded(detail, status, "a body in the coding that Content-Encoding names")
}

fn coded(detail: String, status: StatusCode, expected: &'static str) -> SendError {
    SendError::Unreadable(
        Error::new(ErrorKind::InvalidResponse, detail)
            .with_status(status.as_u16())
            .expected(expected)
            .advice(
                "the client asks for no compression; check the server, and the proxies in between",
            ),
    )
}

/// Quotes the name of a coding, shortened.
fn quoted(coding: &str) -> String {
    format!("{:?}", coding.chars().take(40).collect::<String>())
}

/// Describes an error of the HTTP library. That error is not kept as a source: it prints the URL, and
/// its own sources may do so too.
pub(super) fn failed(
    place: &Place,
    proxy: Option<&str>,
    error: &reqwest::Error,
    progress: &Progress,
) -> SendError {
    let why = cause(error);
    let transport = |detail: String| Error::new(ErrorKind::Transport, detail);
    let fault = tls::fault_in(error);
    let is_rejected = fault.as_ref().is_some_and(|fault| fault.rejected);
    // The name that was looked up, if it is not the proxy that does it.
    let looked_up = proxy.map_or_else(|| place.to_string(), |proxy| format!("the proxy {proxy}"));
    let described = if let Some(fault) = fault {
        let error = transport(format!("TLS with {place} failed: {}", fault.detail));
        let error = error.advice(fault.advice);
        if fault.lasts { error.lasting() } else { error }
    } else if let Some(refused) = chain(error).find_map(|error| error.downcast_ref::<Error>()) {
        // The system allowed no thread for the lookup. A caller that waits would not learn why.
        refused.clone().lasting()
    } else if error.is_dns() && is_unknown_host(&why) {
        transport(format!("DNS has no host with the name of {looked_up}"))
            .advice("check the host in the server address, and whether a proxy is needed")
            .lasting()
    } else if error.is_dns() {
        transport(format!("DNS lookup failed for {looked_up}: {why}")).advice(
            "check the server address and this machine's DNS, and whether a proxy is needed",
        )
    } else if error.is_connect() {
        connect(place, proxy, &why, error.is_timeout())
    } else {
        let step = match progress.step() {
            Step::Reading => "the connection ended within the answer",
            _ if is_about_the_head(&why) => "the status and headers of the answer cannot be read",
            _ => "the connection ended before the answer",
        };
        transport(format!("{place}: {step}: {why}"))
            .advice("check the server, and the proxies and firewalls in between")
    };
    // Without a connection nothing can have arrived, not even a request without a body.
    // A server that ends the handshake reads no request, even if the client has written one (TLS 1.3).
    let is_answered = progress.step() == Step::Reading;
    if error.is_connect() || (is_rejected && !is_answered) {
        SendError::NotSent(described)
    } else {
        of(described, progress)
    }
}

/// Returns whether the HTTP library says that it cannot read the status and headers of an answer.
fn is_about_the_head(why: &str) -> bool {
    ["invalid HTTP", "invalid content-length", "unexpected transfer-encoding"]
        .iter()
        .any(|text| why.starts_with(text))
        || why.contains("head is too large")
}

/// Returns whether the system says that a name does not exist, by its texts for `EAI_NONAME` and
/// `EAI_NODATA` (glibc, musl, the BSDs, macOS) and by the code of Windows. Any other failure of a lookup
/// may pass.
fn is_unknown_host(why: &str) -> bool {
    [
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "nodename nor servname provided, or not known",
        "os error 11001",
    ]
    .iter()
    .any(|text| why.contains(text))
}

fn connect(place: &Place, proxy: Option<&str>, why: &str, timed_out: bool) -> Error {
    let error = |detail| Error::new(ErrorKind::Transport, detail);
    let the_proxy = proxy.map_or_else(|| "the proxy".into(), |proxy| format!("the proxy {proxy}"));
    if why.contains("proxy authorization required") {
        error(format!("{the_proxy} requires a user name and password for {place}"))
            .with_status(407)
            .advice("add them to the proxy's options; NTLM and Kerberos are not supported")
            .lasting()
    } else if why.contains("tunnel") {
        error(format!("{the_proxy} did not connect to {place}: {why}"))
            .advice("check the rules and the log of the proxy")
    } else if let Some(proxy) = proxy.filter(|_| !timed_out) {
        error(format!("no connection to {place} through the proxy {proxy}: {why}"))
            .advice("check the address and port of the proxy, its log, and its user and password")
    } else if why.contains("tls handshake eof") {
        error(format!("{place} closed the connection during the TLS handshake")).advice(
            "check the scheme and port, and the proxies and firewalls in between: they may close \
             connections",
        )
    } else if timed_out {
        error(format!("no TCP or TLS connection to {place} in time"))
            .advice("check firewalls, and whether a proxy is needed (HTTPS_PROXY)")
    } else {
        error(format!("no TCP connection to {place}: {why}"))
            .advice("check the server address and port, firewalls, and the proxy if one is set")
    }
}

/// Returns whether an HTTP proxy answered that it does not connect to the server, with another status than
/// 407.
pub(super) fn is_rejected_by_the_proxy(error: &reqwest::Error) -> bool {
    error.is_connect() && cause(error) == "tunnel error: unsuccessful"
}

/// Describes the answer of a proxy that does not connect to the server. `None`: it did not answer again.
pub(super) fn rejected_by_the_proxy(
    place: &Place,
    proxy: &str,
    status: Option<StatusCode>,
) -> SendError {
    let error = |detail| Error::new(ErrorKind::Transport, detail);
    let rules = "check the rules and the log of the proxy";
    let Some(status) = status.filter(|status| !status.is_success()) else {
        let detail = format!("the proxy {proxy} did not connect to {place}");
        return SendError::NotSent(error(detail).advice(rules));
    };
    let detail = format!("the proxy {proxy} did not connect to {place}: it answered {status}");
    let error = error(detail).with_status(status.as_u16());
    SendError::NotSent(match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => error.advice(rules),
        _ if status.is_client_error() => {
            error.advice("let the proxy allow this server and port, or set another proxy").lasting()
        }
        _ => error.advice("check whether the proxy can reach the server, and the proxy's log"),
    })
}

fn of(error: Error, progress: &Progress) -> SendError {
    if progress.may_have_arrived() { SendError::Lost(error) } else { SendError::NotSent(error) }
}

/// Returns the innermost cause, shortened.
fn cause(error: &reqwest::Error) -> String {
    let text = chain(error)
        .filter(|error| !error.is::<reqwest::Error>())
        .last()
        .map_or_else(|| "unknown cause".into(), ToString::to_string);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}
