//! Sends one request and reads one answer. Nothing here is sent twice.
//!
//! A connection is kept for a second, so that the many identities of one server, and the calls of
//! one login, share a TLS handshake. Calls about tokens are hours apart otherwise, and what is kept
//! longer would be a socket of an idle client. A server may close a kept connection just when a
//! login is written to it. The HTTP library then tries another connection only with a request of
//! which it has not written a byte (`retry_canceled_requests` of hyper-util); all others fail here,
//! as requests that may have arrived. A connection whose answer was not read to its end is closed.

mod failure;
mod options;
#[cfg(test)]
mod tests;

use std::{
    convert::Infallible,
    fmt,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::Uri;
use http_body::{Frame, SizeHint};
use tokenlease_core::{
    Error, ErrorKind, Identity, Result,
    http::{Body, Request},
};
use zeroize::Zeroizing;

use self::{failure::Place, options::ProxyChoice};
pub use self::{failure::SendError, options::HttpOptions};

/// No answer about a token is longer, in bytes.
const BODY_CAP: usize = 1024 * 1024;

/// What sends requests, with its proxy, trust and limits. Clones share it; it is made of
/// [`HttpOptions`].
#[derive(Clone)]
pub struct Transport(Arc<ClientState>);

struct ClientState {
    http: reqwest::Client,
    /// For servers on this machine, which no system proxy is asked for.
    loopback: Option<reqwest::Client>,
    timeout: Duration,
    plain_http: bool,
    /// What is sent in the clear to loopback stays on this machine.
    loopback_is_private: bool,
}

impl Transport {
    /// Reads certificates, keys and proxy settings. Kind `Config` for what can't be read.
    pub fn new(options: &HttpOptions) -> Result<Self> {
        let tls = options.tls()?;
        let loopback = matches!(options.proxy, ProxyChoice::System)
            .then(|| options.client(tls.clone(), &ProxyChoice::None))
            .transpose()?;
        Ok(Self(Arc::new(ClientState {
            http: options.client(tls, &options.proxy)?,
            loopback,
            timeout: options.timeout,
            plain_http: options.plain_http,
            loopback_is_private: options.proxy.is_on_this_machine()?,
        })))
    }

    /// How long a request may take where nothing shorter is asked for.
    pub(crate) fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Whether secrets may be sent to an identity's server: over HTTPS, or without leaving this
    /// machine, or because plain HTTP was allowed. Kind `Config` otherwise.
    pub(crate) fn check(&self, identity: &Identity) -> Result<()> {
        let uri = identity.server().parse().map_err(|_| {
            Error::new(ErrorKind::Config, "the server address is not a URL")
                .expected("an address such as https://air.winkas.net")
        })?;
        self.private(&uri)
    }

    fn private(&self, uri: &Uri) -> Result<()> {
        let allowed = uri.scheme_str() == Some("https")
            || self.0.plain_http
            || (is_loopback(uri) && self.0.loopback_is_private);
        if allowed {
            return Ok(());
        }
        let (place, what) = (Place::of(uri), "passwords and tokens would be sent in the clear");
        Err(Error::new(ErrorKind::Config, format!("{place} is a plain HTTP address: {what}"))
            .expected("https://, or http:// to this machine without a proxy elsewhere")
            .advice(
                "use https; in a network that you trust wholly, set \
                 `dangerously_allow_plain_http`",
            ))
    }

    /// Sends a request once and reads the whole answer, within `timeout`, which counts from now.
    ///
    /// Any status is an answer, also a redirect and a proxy's 407. The answer's body is
    /// overwritten when dropped; what the HTTP library buffered of it is out of reach.
    ///
    /// A client sends by this what its machine asks for. Who calls it sends an exchange of the
    /// core alone, such as the refresh of OAuth2 or WinKAS' `UserToken`, which the machine never
    /// uses. It must be awaited inside a tokio runtime with time and I/O.
    pub async fn send(
        &self,
        request: Request,
        timeout: Duration,
    ) -> Result<http::Response<Zeroizing<Vec<u8>>>, SendError> {
        self.private(request.uri()).map_err(SendError::NotSent)?;
        let place = Place::of(request.uri());
        let progress = Progress::of(request.body());
        let exchange = self.exchange(request, &place, &progress);
        match tokio::time::timeout(timeout, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(failure::late(&place, timeout, &progress)),
        }
    }

    async fn exchange(
        &self,
        request: Request,
        place: &Place,
        progress: &Progress,
    ) -> Result<http::Response<Zeroizing<Vec<u8>>>, SendError> {
        let (parts, body) = request.into_parts();
        // The address may carry a token: neither it nor the parser's words are quoted.
        let url = reqwest::Url::parse(&Zeroizing::new(parts.uri.to_string())).map_err(|_| {
            SendError::NotSent(Error::new(
                ErrorKind::Config,
                format!("the address of a call to {place} is not a URL"),
            ))
        })?;
        let http = match &self.0.loopback {
            Some(direct) if is_loopback(&parts.uri) => direct,
            _ => &self.0.http,
        };
        let mut outgoing = reqwest::Request::new(parts.method, url);
        *outgoing.headers_mut() = parts.headers;
        if !body.as_bytes().is_empty() {
            *outgoing.body_mut() = Some(reqwest::Body::wrap(Outgoing::new(body, progress)));
        }
        let failed = |error: reqwest::Error| failure::failed(place, &error, progress);
        let mut incoming = http.execute(outgoing).await.map_err(failed)?;
        progress.reached(Step::Reading);

        let announced = incoming.content_length().unwrap_or(4096);
        let room = usize::try_from(announced).unwrap_or(usize::MAX);
        if room > BODY_CAP {
            return Err(failure::too_long(place, incoming.status()));
        }
        let mut body = Zeroizing::new(Vec::with_capacity(room));
        while let Some(chunk) = incoming.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > BODY_CAP {
                return Err(failure::too_long(place, incoming.status()));
            }
            append(&mut body, &chunk);
        }
        let mut answer = http::Response::new(body);
        *answer.status_mut() = incoming.status();
        *answer.version_mut() = incoming.version();
        *answer.headers_mut() = std::mem::take(incoming.headers_mut());
        Ok(answer)
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("timeout", &self.0.timeout)
            .field("dangerously_allow_plain_http", &self.0.plain_http)
            .finish_non_exhaustive()
    }
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Nothing of the body was handed over, so the server can't act on it.
    Connecting = 0,
    /// It is being written, or the answer awaited.
    Waiting = 1,
    /// The answer has begun.
    Reading = 2,
}

/// Shared with the request's body, which sees when it is asked for.
#[derive(Clone, Debug)]
struct Progress {
    step: Arc<AtomicU8>,
    has_body: bool,
}

impl Progress {
    fn of(body: &Body) -> Self {
        Self { step: Arc::default(), has_body: !body.as_bytes().is_empty() }
    }

    fn reached(&self, step: Step) {
        self.step.store(step as u8, Ordering::Release);
    }

    fn step(&self) -> Step {
        match self.step.load(Ordering::Acquire) {
            0 => Step::Connecting,
            1 => Step::Waiting,
            _ => Step::Reading,
        }
    }

    /// Whether the server may have got the request whole. A request without a body is not seen
    /// being written, so nothing is known of it.
    fn may_have_arrived(&self) -> bool {
        !self.has_body || self.step() != Step::Connecting
    }
}

/// A body that can be sent once only, notes when that begins, and is overwritten afterwards.
struct Outgoing {
    bytes: Option<Bytes>,
    length: u64,
    progress: Progress,
}

impl Outgoing {
    fn new(body: Body, progress: &Progress) -> Self {
        let length = body.as_bytes().len() as u64;
        Self { bytes: Some(Bytes::from_owner(body)), length, progress: progress.clone() }
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.progress.reached(Step::Waiting);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(if self.bytes.is_some() { self.length } else { 0 })
    }
}

/// Appends without leaving a copy behind where the vector has to grow.
fn append(body: &mut Zeroizing<Vec<u8>>, chunk: &[u8]) {
    let needed = body.len() + chunk.len();
    if needed > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * body.capacity())));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(chunk);
}

fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}
