//! How requests are sent: proxy, trust, limits.

use std::{fmt, time::Duration};

use http::{HeaderValue, Uri};
use tokenlease_core::{Error, ErrorKind, Result, Secret};
use zeroize::Zeroizing;

use crate::tls::{self, ClientCertificate};

/// How long a connection is kept for the next request. Of the servers that are in use, gunicorn
/// closes an idle one first, after 2 s (Node.js, Apache httpd and uvicorn: 5 s; Tomcat: 20 s;
/// nginx: 75 s; IIS: 120 s; Kestrel: 130 s): ours is gone by then, so that a request seldom meets
/// a connection that is just being closed.
const IDLE: Duration = Duration::from_secs(1);

/// How many idle connections are kept to one server.
const MOST_IDLE: usize = 4;

/// How requests are sent. The default: system proxy, the platform's trust, 10 s a request, HTTPS
/// only.
///
/// **Proxies.** The system's are read when the transport is made: the variables `HTTPS_PROXY`,
/// `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case, and where they say nothing, the
/// settings of Windows and macOS. They are not asked for servers on this machine. PAC files are
/// not read, and proxies that want NTLM or Kerberos are not served: put a local helper between.
/// A user name and password in a proxy's URL are sent to it (Basic).
///
/// **Trust.** The platform's verifier and certificates are used, on Linux also `SSL_CERT_FILE`
/// and `SSL_CERT_DIR`. Redirects are not followed, cookies not kept, and nothing is sent twice.
///
/// **Connections** serve the next request of any identity of the same server, if it comes within a
/// second.
#[derive(Clone)]
pub struct HttpOptions {
    pub(super) proxy: ProxyChoice,
    pub(super) timeout: Duration,
    pub(super) plain_http: bool,
    pub(super) idle: Duration,
    extra_cas: Vec<Vec<u8>>,
    client_certificate: Option<ClientCertificate>,
    user_agent: String,
}

#[derive(Clone, Debug)]
pub(super) enum ProxyChoice {
    System,
    /// It may hold a password.
    Given(Secret),
    None,
}

impl HttpOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            proxy: ProxyChoice::System,
            timeout: Duration::from_secs(10),
            plain_http: false,
            idle: IDLE,
            extra_cas: Vec::new(),
            client_certificate: None,
            user_agent: concat!("tokenlease/", env!("CARGO_PKG_VERSION")).into(),
        }
    }

    /// Sends everything through this proxy: `http://` or `https://`, as a rule with a port, and
    /// with `user:password@` where it asks for them.
    #[must_use]
    pub fn with_proxy(mut self, url: impl Into<Secret>) -> Self {
        self.proxy = ProxyChoice::Given(url.into());
        self
    }

    /// Uses no proxy, whatever the system says.
    #[must_use]
    pub fn without_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::None;
        self
    }

    /// Trusts the authorities in this PEM text too: a company's own, or that of a proxy that looks
    /// into TLS. It may be called several times.
    #[must_use]
    pub fn with_extra_ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.extra_cas.push(pem.into());
        self
    }

    /// Presents a client certificate to servers that ask for one: its chain, the client's own
    /// first, and its unencrypted key, both in PEM.
    #[must_use]
    pub fn with_client_certificate(
        mut self,
        chain: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.client_certificate =
            Some(ClientCertificate { chain: chain.into(), key: Zeroizing::new(key.into()) });
        self
    }

    /// How long one request may take, 10 s by default. Half of it is for the connection: name,
    /// TCP, proxy and TLS.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What requests call their sender, `tokenlease/` and the version by default.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// **Dangerous**: sends passwords and tokens unencrypted to servers with an `http://` address,
    /// to be read by everyone on the way. Only for networks that are trusted wholly. Servers on
    /// this machine need no such option.
    #[must_use]
    pub fn dangerously_allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    pub(super) fn tls(&self) -> Result<rustls::ClientConfig> {
        tls::config(&self.extra_cas, self.client_certificate.as_ref())
    }

    /// A client of these options, but for the proxy.
    pub(super) fn client(
        &self,
        tls: rustls::ClientConfig,
        proxy: &ProxyChoice,
    ) -> Result<reqwest::Client> {
        let user_agent = HeaderValue::from_str(&self.user_agent).map_err(|_| {
            Error::new(ErrorKind::Config, "the user agent can't be sent in a header")
                .expected("visible ASCII characters")
        })?;
        if self.timeout.is_zero() {
            return Err(Error::new(ErrorKind::Config, "the request timeout is zero")
                .expected("some seconds, 10 by default"));
        }
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(user_agent)
            .connect_timeout(self.timeout / 2)
            .http1_only()
            .pool_max_idle_per_host(MOST_IDLE)
            .pool_idle_timeout(self.idle)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false);
        let builder = match proxy {
            ProxyChoice::System => builder,
            ProxyChoice::None => builder.no_proxy(),
            ProxyChoice::Given(url) => {
                proxy_host(url)?;
                builder.proxy(reqwest::Proxy::all(url.expose()).map_err(|_| bad_proxy())?)
            }
        };
        builder.build().map_err(|error| {
            Error::new(ErrorKind::Internal, "the HTTP client could not be set up")
                .with_source(error.without_url())
        })
    }
}

impl ProxyChoice {
    /// Whether what is sent to a server on this machine stays on it.
    pub(super) fn is_on_this_machine(&self) -> Result<bool> {
        match self {
            Self::Given(url) => Ok(super::is_loopback(&proxy_host(url)?)),
            Self::System | Self::None => Ok(true),
        }
    }
}

/// The proxy's address without user and password.
fn proxy_host(url: &Secret) -> Result<Uri> {
    let url = reqwest::Url::parse(url.expose()).map_err(|_| bad_proxy())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad_proxy());
    }
    let host = url.host_str().ok_or_else(bad_proxy)?;
    format!("{}://{host}", url.scheme()).parse().map_err(|_| bad_proxy())
}

fn bad_proxy() -> Error {
    // It may hold a password, so it is not quoted.
    Error::new(ErrorKind::Config, "the proxy's address is of no use")
        .expected("http:// or https://, a host, and a port")
        .advice("percent-encode what is not a letter or digit in its user name and password")
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("proxy", &self.proxy)
            .field("timeout", &self.timeout)
            .field("dangerously_allow_plain_http", &self.plain_http)
            .field("idle", &self.idle)
            .field("extra_cas", &self.extra_cas.len())
            .field("client_certificate", &self.client_certificate)
            .field("user_agent", &self.user_agent)
            .finish()
    }
}
