//! The options of HTTP requests: proxy, TLS, timeout.

use std::{fmt, time::Duration};

use http::HeaderValue;
use tokenlease_core::{Error, ErrorKind, Result, Secret, lifecycle::Policy};
use zeroize::Zeroizing;

use crate::{
    login_turns::MAX_CONCURRENT_LOGINS,
    tls::{self, ClientCertificate},
};

use super::{
    addresses::Addresses,
    environment::variable,
    proxy::{self, NoProxy, Rule},
};

/// How long a connection is kept for the next request. gunicorn closes idle connections first, after
/// 2 s (Node.js, Apache httpd and uvicorn: 5 s; Tomcat: 20 s; nginx: 75 s; IIS: 120 s; Kestrel:
/// 130 s). The client closes its own before that, so that a request seldom meets a connection that
/// the server is closing.
const IDLE: Duration = Duration::from_secs(1);

/// The number of idle connections that are kept to one server: as many as logins run at once.
const MOST_IDLE: usize = MAX_CONCURRENT_LOGINS;

/// The largest number of concurrent logins.
const MOST_CONCURRENT_LOGINS: usize = 10_000;

/// The number of headers that an answer may have.
const MOST_HEADERS: usize = 1000;

/// Options of HTTP requests. Defaults: the system's proxy and certificates, 10 s for each request,
/// HTTPS only.
///
/// **Proxies.** The system's settings are read when the transport is made: the variables
/// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in upper or lower case, and if they are
/// not set, the settings of Windows and macOS. A variable that cannot be used is an error. Servers on
/// this machine bypass these proxies. HTTP, HTTPS and SOCKS proxies are supported; PAC files are not
/// read. Proxies that require NTLM or Kerberos are not supported: run a local helper proxy. A user
/// name and password in a proxy URL are sent to the proxy (Basic).
///
/// **Trust.** The verifier and certificates of the platform are used, on Linux also `SSL_CERT_FILE`
/// and `SSL_CERT_DIR`.
///
/// **Requests.** Redirects are not followed, cookies are not kept, and nothing is sent twice. A
/// connection serves the next request of any identity of the same server within one second.
/// Answers are read even if their headers break rules of HTTP, or if they are compressed with gzip or
/// deflate, which the client does not ask for. A body has 1 MiB at most.
///
/// ```
/// use std::time::Duration;
/// use tokenlease::{HttpOptions, Registry};
///
/// let http = HttpOptions::new().without_proxy().with_timeout(Duration::from_secs(20));
/// let registry = Registry::builder().http(http).build()?;
/// # let _ = registry;
/// # Ok::<(), tokenlease::Error>(())
/// ```
#[derive(Clone)]
pub struct HttpOptions {
    pub(super) proxy: ProxyChoice,
    proxy_password: Option<Secret>,
    no_proxy: Option<String>,
    pub(super) timeout: Duration,
    pub(super) plain_http: bool,
    pub(super) idle: Duration,
    pub(super) addresses: Addresses,
    pub(super) max_concurrent_logins: usize,
    extra_cas: Vec<Vec<u8>>,
    client_certificate: Option<ClientCertificate>,
    user_agent: String,
}

#[derive(Clone, Debug)]
pub(super) enum ProxyChoice {
    System,
    /// The URL may contain a password.
    Given(Secret),
    None,
}

impl HttpOptions {
    /// Creates the default options.
    pub fn new() -> Self {
        Self {
            proxy: ProxyChoice::System,
            proxy_password: None,
            no_proxy: None,
            timeout: Duration::from_secs(10),
            plain_http: false,
            idle: IDLE,
            addresses: Addresses::default(),
            max_concurrent_logins: MAX_CONCURRENT_LOGINS,
            extra_cas: Vec::new(),
            client_certificate: None,
            user_agent: concat!("tokenlease/", env!("CARGO_PKG_VERSION")).into(),
        }
    }

    /// Sends every request through this proxy. The URL begins with `http://`, `https://`, `socks5://`
    /// (names are looked up here) or `socks5h://` (by the proxy), usually has a port, and has
    /// `user:password@` if the proxy requires them.
    #[must_use]
    pub fn with_proxy(mut self, url: impl Into<Secret>) -> Self {
        self.proxy = ProxyChoice::Given(url.into());
        self
    }

    /// Uses no proxy, and ignores the settings of the system.
    #[must_use]
    pub fn without_proxy(mut self) -> Self {
        self.proxy = ProxyChoice::None;
        self
    }

    /// Sets the password that the proxy requires, if it is not part of the URL, which then has `user@`.
    #[must_use]
    pub fn with_proxy_password(mut self, password: impl Into<Secret>) -> Self {
        self.proxy_password = Some(password.into());
        self
    }

    /// Sets the servers that are reached without a proxy, instead of the variable `NO_PROXY`. The list is
    /// read as curl reads it: domains with their subdomains, addresses and CIDR blocks, each with a port or
    /// not, separated by commas; `*` for all.
    #[must_use]
    pub fn with_no_proxy(mut self, list: impl Into<String>) -> Self {
        self.no_proxy = Some(list.into());
        self
    }

    /// Also trusts the certificate authorities in this PEM text: a company's own, or that of a proxy
    /// that decrypts TLS. A self-signed certificate of a server is trusted as that very certificate.
    /// Can be called several times.
    #[must_use]
    pub fn with_extra_ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.extra_cas.push(pem.into());
        self
    }

    /// Presents a client certificate to servers that request one. The chain begins with the client's
    /// own certificate. Chain and unencrypted key are in PEM.
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

    /// Sets the timeout of one request. Default: 10 s, from 100 ms to an hour. Half of it is for the connection: DNS, TCP,
    /// proxy and TLS.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many logins this process sends to one server at once. Default: 8. Further ones wait
    /// for their turn, each caller until its own deadline. Clients of several registries share the
    /// bound of a server if they set the same number.
    #[must_use]
    pub fn with_max_concurrent_logins(mut self, logins: usize) -> Self {
        self.max_concurrent_logins = logins;
        self
    }

    /// Sets the `User-Agent` header. Default: `tokenlease/` and the version.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// **Dangerous**: sends passwords and tokens unencrypted to servers with an `http://` address.
    /// Everyone on the network path can read them. Only for networks that you trust completely. Not
    /// needed for servers on this machine.
    #[must_use]
    pub fn dangerously_allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    pub(crate) fn tls(&self) -> Result<rustls::ClientConfig> {
        tls::config(&self.extra_cas, self.client_certificate.as_ref())
    }

    /// Returns the proxy for servers with that scheme.
    pub(super) fn proxy_rule(&self, scheme: &str) -> Result<Rule> {
        let rule = match &self.proxy {
            ProxyChoice::None => Rule::Direct,
            ProxyChoice::Given(url) => Rule::Through(proxy::read(url.expose())?.as_str().into()),
            ProxyChoice::System => proxy::from_environment(scheme, variable),
        };
        match (&self.proxy_password, &rule) {
            (Some(password), Rule::Through(url)) => {
                let mut url = proxy::read(url.expose())?;
                if url.username().is_empty() || url.password().is_some() {
                    return Err(Error::new(
                        ErrorKind::Config,
                        "a password for the proxy is set, but its URL has no user or has a password",
                    )
                    .expected("a proxy such as http://USER@proxy.example:3128"));
                }
                url.set_password(Some(password.expose())).map_err(|()| proxy::bad_proxy())?;
                Ok(Rule::Through(url.as_str().into()))
            }
            _ => Ok(rule),
        }
    }

    /// Returns the servers that are reached without a proxy.
    pub(super) fn bypassed(&self) -> NoProxy {
        let list = match (&self.no_proxy, &self.proxy) {
            (Some(list), _) => Some(list.clone()),
            (None, ProxyChoice::System) => variable("no_proxy").or_else(|| variable("NO_PROXY")),
            (None, _) => None,
        };
        NoProxy::read(list.as_deref().unwrap_or_default())
    }

    /// Returns the proxy for requests to that address; `None` if they go directly, or through a proxy that
    /// only the system's settings name.
    pub(crate) fn proxy_for(&self, uri: &http::Uri) -> Result<Option<reqwest::Url>> {
        let is_direct = matches!(self.proxy, ProxyChoice::System) && super::is_loopback(uri);
        if is_direct || self.bypassed().contains(uri) {
            return Ok(None);
        }
        match self.proxy_rule(uri.scheme_str().unwrap_or("https"))? {
            Rule::Through(url) => proxy::read(url.expose()).map(Some),
            Rule::Unusable(error) => Err(error),
            Rule::Direct | Rule::System => Ok(None),
        }
    }

    fn user_agent(&self) -> Result<HeaderValue> {
        HeaderValue::from_str(&self.user_agent).map_err(|_| {
            Error::new(ErrorKind::Config, "the user agent cannot be sent in a header")
                .expected("visible ASCII characters")
        })
    }

    /// Checks the options that no certificate and no proxy depend on.
    pub(super) fn check(&self) -> Result<()> {
        self.user_agent()?;
        Policy::for_request_timeout(self.timeout).check_request_timeout()?;
        if !(1..=MOST_CONCURRENT_LOGINS).contains(&self.max_concurrent_logins) {
            return Err(Error::new(
                ErrorKind::Config,
                format!("{} logins at once are configured", self.max_concurrent_logins),
            )
            .expected("a number from 1 to 10000; the default is 8"));
        }
        Ok(())
    }

    /// Creates an HTTP client with these options, except for the proxy.
    pub(super) fn client(
        &self,
        tls: rustls::ClientConfig,
        proxy: &Rule,
    ) -> Result<reqwest::Client> {
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(self.user_agent()?)
            .connect_timeout(self.timeout / 2)
            .dns_resolver(self.addresses.clone())
            .http1_only()
            // A login whose answer has an odd header is spent, so its token is used.
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_max_headers(MOST_HEADERS)
            .pool_max_idle_per_host(MOST_IDLE)
            .pool_idle_timeout(self.idle)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false);
        let builder = match proxy {
            Rule::System => builder,
            Rule::Direct | Rule::Unusable(_) => builder.no_proxy(),
            Rule::Through(url) => {
                builder.proxy(reqwest::Proxy::all(url.expose()).map_err(|_| proxy::bad_proxy())?)
            }
        };
        builder.build().map_err(|error| {
            Error::new(ErrorKind::Internal, "the HTTP client could not be set up")
                .with_source(error.without_url())
        })
    }
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
            .field("proxy_password", &self.proxy_password)
            .field("no_proxy", &self.no_proxy)
            .field("timeout", &self.timeout)
            .field("dangerously_allow_plain_http", &self.plain_http)
            .field("idle", &self.idle)
            .field("max_concurrent_logins", &self.max_concurrent_logins)
            .field("extra_cas", &self.extra_cas.len())
            .field("client_certificate", &self.client_certificate)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
