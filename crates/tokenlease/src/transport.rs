//! The HTTP transport: sends one request and reads one answer. It sends nothing twice.
//!
//! A connection is kept for one second, no longer. So the many identities of one server, and the
//! calls of one login, share a TLS handshake. Other calls about tokens are hours apart, and a
//! connection kept for longer would be an open socket of an idle client. One second is also less
//! than servers keep theirs: gunicorn 2 s, most others 5 s and more.
//!
//! A server may close a kept connection while a login is written to it. The HTTP library then tries
//! another connection only if it has not written a byte of the request (`retry_canceled_requests` of
//! hyper-util). So a login is never sent twice without being counted. Every other request fails
//! here, as one that may have arrived: a login that meets the end of its connection counts as lost
//! even if it never arrived. A connection is closed if its answer was not read to the end.
//!
//! The process's own runtime drives all connections, and a forked child has its own registry.

mod addresses;
mod content_coding;
mod environment;
mod http_options;
mod proxy;
mod proxy_status;
mod received;
mod send_error;
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
use once_cell::race::OnceBox;
use tokenlease_core::{
    Error, ErrorKind, Identity, Result,
    http::{Body, Request},
};
use zeroize::Zeroizing;

pub use self::{http_options::HttpOptions, send_error::SendError};
use self::{
    http_options::ProxyChoice,
    proxy::{NoProxy, Rule},
    received::{Answer, Received},
    send_error::Place,
};
pub(crate) use self::{proxy_status::proxy_status, received::received_elsewhere};

/// The longest accepted body of an answer, in bytes. Answers about tokens are much shorter.
const BODY_CAP: usize = 1024 * 1024;

/// Sends HTTP requests with the proxy, trust and limits of its [`HttpOptions`]. Clones share it.
///
/// A client uses it for the requests of its state machine. A program can use it to send an exchange
/// of `tokenlease-core` that the client never uses, such as an OAuth2 refresh or WinKAS's
/// `UserToken` login.
#[derive(Clone)]
pub struct Transport(Arc<Sender>);

struct Sender {
    /// For servers that are reached without a proxy.
    direct: Direct,
    http: Route,
    https: Route,
    no_proxy: NoProxy,
    /// Whether servers on this machine bypass the proxy.
    loopback_is_direct: bool,
    timeout: Duration,
    max_concurrent_logins: usize,
    plain_http: bool,
    /// Whether unencrypted requests to loopback stay on this machine.
    loopback_is_private: bool,
}

/// The HTTP client that uses no proxy. It is made for the first request: a process that finds its token
/// in the store sends none.
struct Direct {
    options: HttpOptions,
    tls: rustls::ClientConfig,
    client: OnceBox<reqwest::Client>,
}

impl Direct {
    fn get(&self) -> Result<&reqwest::Client> {
        self.client
            .get_or_try_init(|| self.options.client(self.tls.clone(), &Rule::Direct).map(Box::new))
    }
}

/// How servers with one scheme are reached.
struct Route {
    /// The client of a proxy.
    client: OnceBox<reqwest::Client>,
    rule: Rule,
}

impl Route {
    /// Returns the client, unless the rule names no proxy.
    fn client(&self, direct: &Direct) -> Result<Option<&reqwest::Client>> {
        let make = || direct.options.client(direct.tls.clone(), &self.rule).map(Box::new);
        match &self.rule {
            Rule::Direct | Rule::Unusable(_) => Ok(None),
            Rule::Through(_) | Rule::System => self.client.get_or_try_init(make).map(Some),
        }
    }

    fn after_fork(&self) -> Self {
        Self { client: OnceBox::new(), rule: self.rule.clone() }
    }
}

impl Transport {
    /// Reads certificates, keys and proxy settings.
    ///
    /// # Errors
    /// `Config` for certificates, keys and proxies that cannot be used, for a timeout of zero and for
    /// a user agent that cannot be sent. `Internal` if the HTTP library or TLS cannot be set up.
    pub fn new(options: &HttpOptions) -> Result<Self> {
        let tls = options.tls()?;
        options.check()?;
        let direct = Direct { options: options.clone(), tls, client: OnceBox::new() };
        let route = |scheme| {
            let route = Route { client: OnceBox::new(), rule: options.proxy_rule(scheme)? };
            // A mistake in an option is an error now.
            if let Rule::Through(_) = &route.rule {
                route.client(&direct)?;
            }
            Ok::<_, Error>(route)
        };
        let (http, https) = (route("http")?, route("https")?);
        let loopback_is_direct = matches!(options.proxy, ProxyChoice::System);
        let proxy_is_here = match &http.rule {
            Rule::Through(url) => url.expose().parse().is_ok_and(|uri| is_loopback(&uri)),
            _ => true,
        };
        Ok(Self(Arc::new(Sender {
            direct,
            http,
            https,
            no_proxy: options.bypassed(),
            loopback_is_direct,
            timeout: options.timeout,
            max_concurrent_logins: options.max_concurrent_logins,
            plain_http: options.plain_http,
            loopback_is_private: loopback_is_direct || proxy_is_here,
        })))
    }

    /// Returns this transport for a forked child: with the same settings, and none of the connections
    /// and TLS sessions of the parent. It reads no file, and makes its clients at the first request.
    pub(crate) fn after_fork(&self) -> Self {
        let Sender { direct, http, https, no_proxy, .. } = &*self.0;
        let tls = crate::tls::after_fork(&direct.tls);
        let direct = Direct { options: direct.options.clone(), tls, client: OnceBox::new() };
        Self(Arc::new(Sender {
            direct,
            http: http.after_fork(),
            https: https.after_fork(),
            no_proxy: no_proxy.clone(),
            ..*self.0
        }))
    }

    /// Returns how to reach a server: the client of a proxy or `None`, and the proxy in between.
    fn route(&self, uri: &Uri) -> Result<(Option<&reqwest::Client>, Option<reqwest::Url>)> {
        let sender = &*self.0;
        if (sender.loopback_is_direct && is_loopback(uri)) || sender.no_proxy.contains(uri) {
            return Ok((None, None));
        }
        let route = if uri.scheme_str() == Some("http") { &sender.http } else { &sender.https };
        match &route.rule {
            Rule::Unusable(error) => Err(error.clone()),
            Rule::Through(url) => {
                Ok((route.client(&sender.direct)?, Some(proxy::read(url.expose())?)))
            }
            Rule::Direct | Rule::System => Ok((route.client(&sender.direct)?, None)),
        }
    }

    /// Returns the timeout of a request.
    pub(crate) fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Returns how many logins may be sent to one server at once.
    pub(crate) fn max_concurrent_logins(&self) -> usize {
        self.0.max_concurrent_logins
    }

    /// Fails with kind `Config` if secrets may not be sent to an identity's server. They may be sent
    /// over HTTPS, to this machine, or if plain HTTP is allowed.
    pub(crate) fn check(&self, identity: &Identity) -> Result<()> {
        let uri = identity.server().parse().map_err(|_| {
            Error::new(ErrorKind::Config, "the server address is not a URL")
                .expected("an address such as https://air.winkas.net")
        })?;
        self.check_uri(&uri)
    }

    fn check_uri(&self, uri: &Uri) -> Result<()> {
        let allowed = uri.scheme_str() == Some("https")
            || self.0.plain_http
            || (is_loopback(uri) && self.0.loopback_is_private);
        if allowed {
            return self.route(uri).map(|_| ());
        }
        let (place, why) = (Place::of(uri), "passwords and tokens would be sent unencrypted");
        Err(Error::new(ErrorKind::Config, format!("{place} is a plain HTTP address: {why}"))
            .expected("https://, or http:// to this machine without a proxy on another one")
            .advice(
                "use https, or set `dangerously_allow_plain_http` in a network that you trust \
                 completely",
            ))
    }

    /// Sends a request once and reads the whole answer, within `timeout` from now.
    ///
    /// Every status is an answer, also a redirect and a proxy's 407. A body that is compressed with gzip
    /// or deflate is decompressed. One that broke off is an answer if it is a whole JSON object, or if
    /// the status is an error: then it is what arrived of it. The body is overwritten when it
    /// is dropped; copies in the buffers of the HTTP library cannot be. The future must be awaited
    /// inside a tokio runtime with time and I/O enabled.
    ///
    /// # Errors
    /// [`SendError::NotSent`] if the request cannot have arrived, [`SendError::Lost`] if it may have
    /// arrived, [`SendError::Unreadable`] if the body of a success is longer than 1 MiB or its
    /// compression is unknown. The kinds inside are `Config` for a plain HTTP address that is not
    /// allowed, `Transport`, `DeadlineExceeded`, and `InvalidResponse`.
    pub async fn send(
        &self,
        request: Request,
        timeout: Duration,
    ) -> Result<http::Response<Zeroizing<Vec<u8>>>, SendError> {
        self.answer(request, timeout).await?.usable(false)
    }

    /// As [`send`](Self::send), for callers for which the status may be enough.
    pub(crate) async fn answer(
        &self,
        request: Request,
        timeout: Duration,
    ) -> Result<Answer, SendError> {
        self.check_uri(request.uri()).map_err(SendError::NotSent)?;
        let place = Place::of(request.uri());
        let progress = Progress::of(request.body());
        let mut received = Received::default();
        let exchange = self.exchange(request, &place, &progress, &mut received);
        let ended = match tokio::time::timeout(timeout, exchange).await {
            Ok(ended) => ended,
            Err(_) => Err(send_error::late(&place, timeout, &progress)),
        };
        received.answer(&place, ended)
    }

    async fn exchange(
        &self,
        request: Request,
        place: &Place,
        progress: &Progress,
        received: &mut Received,
    ) -> Result<(), SendError> {
        // A tenth of the timeout is left to act on an error whose body does not come.
        let patience = tokio::time::Instant::now() + self.0.timeout * 9 / 10;
        let (parts, body) = request.into_parts();
        // The address may contain a token, so neither it nor the parser's error is quoted.
        let url = reqwest::Url::parse(&Zeroizing::new(parts.uri.to_string())).map_err(|_| {
            SendError::NotSent(Error::new(
                ErrorKind::Config,
                format!("the address of a request to {place} is not a URL"),
            ))
        })?;
        let (http, proxy) = self.route(&parts.uri).map_err(SendError::NotSent)?;
        let http = http.map_or_else(|| self.0.direct.get(), Ok).map_err(SendError::NotSent)?;
        let mut outgoing = reqwest::Request::new(parts.method, url);
        *outgoing.headers_mut() = parts.headers;
        if !body.as_bytes().is_empty() {
            *outgoing.body_mut() = Some(reqwest::Body::wrap(Outgoing::new(body, progress)));
        }
        let at = proxy.as_ref().map(proxy::place);
        let failed =
            |error: reqwest::Error| send_error::failed(place, at.as_deref(), &error, progress);
        let incoming = match (http.execute(outgoing).await, &proxy) {
            (Err(error), Some(proxy)) if send_error::is_rejected_by_the_proxy(&error) => {
                let asked = tokio::time::timeout_at(patience, proxy_status(proxy, &parts.uri));
                let status = asked.await.ok().flatten();
                return Err(send_error::rejected_by_the_proxy(place, &proxy::place(proxy), status));
            }
            (result, _) => result.map_err(&failed)?,
        };
        progress.reached(Step::Reading);
        received.read(place, incoming, patience, failed).await
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

/// The progress of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The HTTP library has not taken the body, so the server cannot act on the request.
    Connecting = 0,
    /// The request is being written, or the answer is awaited.
    Waiting = 1,
    /// The answer has begun.
    Reading = 2,
}

/// The progress, shared with the request's body, which records when the HTTP library takes it.
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

    /// Returns whether the server may have received the whole request. It may have if there is no
    /// body, because then nothing shows when the request is written.
    fn may_have_arrived(&self) -> bool {
        !self.has_body || self.step() != Step::Connecting
    }
}

/// A body that can be sent only once. It records when that begins, and is overwritten afterwards.
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

fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}
