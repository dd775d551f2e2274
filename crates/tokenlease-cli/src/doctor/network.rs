//! The proxy, the DNS lookup and the TCP connection.

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::{net::TcpStream, time::timeout};

use reqwest::Url;
use tokenlease::{Error, bindings, runtime};

use super::Finding;
use tokenlease_config::duration::show;

use crate::{exit, settings::Settings};

/// The port of a SOCKS proxy without one (RFC 1928 section 3).
const SOCKS_PORT: u16 = 1080;

/// How the server is reached.
pub(super) struct Route {
    host: String,
    port: u16,
    tls: bool,
    proxy: Option<(String, u16)>,
    /// The proxy that an option or the environment names. It may contain a password.
    proxy_url: Option<Url>,
}

impl Route {
    pub(super) fn is_tls(&self) -> bool {
        self.tls
    }

    pub(super) fn is_proxied(&self) -> bool {
        self.proxy.is_some()
    }

    pub(super) fn proxy_url(&self) -> Option<Url> {
        self.proxy_url.clone()
    }

    /// Returns the address of the proxy, without user and password.
    pub(super) fn proxy_place(&self) -> Option<String> {
        self.proxy.as_ref().map(|(host, port)| format!("{host}:{port}"))
    }

    /// Returns the server's name for its certificate.
    pub(super) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(super) fn finding(&self) -> Option<Finding> {
        let (host, port) = self.proxy.as_ref()?;
        Some(Finding::ok("proxy", format!("requests go through {host}:{port}")))
    }

    /// Returns the host and port to connect to.
    fn target(&self) -> (&str, u16) {
        self.proxy.as_ref().map_or((&self.host, self.port), |(host, port)| (host, *port))
    }
}

/// Returns the route to the server: direct, or through the system's proxy.
pub(super) fn route(settings: &Settings) -> Result<Route, Finding> {
    let server = settings.identity.server();
    let bad =
        || Finding::fail("dns", exit::USAGE, "the server's URL has no host", "check --server");
    let uri: Uri = server.parse().map_err(|_| bad())?;
    let host = uri.host().ok_or_else(bad)?.to_owned();
    let tls = uri.scheme_str() == Some("https");
    let options = settings.options.http().map_err(|error| Finding::error("tls", &error))?;
    let proxy_url = bindings::proxy_for(&options, &uri);
    let proxy_url = proxy_url.map_err(|error| Finding::error("proxy", &error))?;
    let proxy = match &proxy_url {
        // The URL may contain a password: only host and port are kept.
        Some(url) => url
            .host_str()
            .map(|host| (host.to_owned(), url.port_or_known_default().unwrap_or(SOCKS_PORT))),
        // The client uses no proxy of the system for servers on this machine either.
        None if settings.options.proxy.is_some() || settings.is_on_this_machine() => None,
        None => of_the_system(&uri),
    };
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    Ok(Route { host, port, tls, proxy, proxy_url })
}

/// Returns the proxy of the settings of Windows and macOS.
fn of_the_system(uri: &Uri) -> Option<(String, u16)> {
    if cfg!(not(any(windows, target_os = "macos"))) {
        return None;
    }
    let proxy = Matcher::from_system().intercept(uri)?;
    let default = if proxy.uri().scheme_str() == Some("https") { 443 } else { 80 };
    Some((proxy.uri().host()?.to_owned(), proxy.uri().port_u16().unwrap_or(default)))
}

pub(super) async fn look_up(
    route: &Route,
    limit: Duration,
) -> Result<(Vec<SocketAddr>, Finding), Finding> {
    let (host, port) = route.target();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        let finding = Finding::ok("dns", format!("{host} is an IP address: no lookup needed"));
        return Ok((vec![SocketAddr::new(address, port)], finding));
    }
    let begun = Instant::now();
    let fail = |code, why: String| {
        Finding::fail(
            "dns",
            code,
            format!("the name {host} was not found: {why}"),
            "check the host in --server, the network and the DNS server",
        )
    };
    let found = match timeout(limit, runtime::look_up(bare, port)).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            // A thread for the lookup was refused.
            let refused =
                error.get_ref().is_some_and(|inner| inner.downcast_ref::<Error>().is_some());
            let code = if refused { exit::INTERNAL } else { exit::UNAVAILABLE };
            return Err(fail(code, error.to_string()));
        }
        Err(_) => {
            let why = format!("no response within {}", show(limit));
            return Err(fail(exit::UNAVAILABLE, why));
        }
    };
    let list: Vec<_> = found.iter().map(|address| address.ip().to_string()).collect();
    if list.is_empty() {
        return Err(fail(exit::UNAVAILABLE, "it has no address".into()));
    }
    let took = show(begun.elapsed());
    Ok((found, Finding::ok("dns", format!("{host} is {} ({took})", list.join(", ")))))
}

/// Connects to the first address that accepts a connection.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    limit: Duration,
) -> Result<(TcpStream, Finding), Finding> {
    let mut problems = Vec::new();
    for address in addresses {
        let begun = Instant::now();
        match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let took = show(begun.elapsed());
                let mut detail = format!("connected to {address} ({took})");
                if !problems.is_empty() {
                    detail = format!("{detail}, but not to {}", problems.join(", "));
                }
                return Ok((stream, Finding::ok("tcp", detail)));
            }
            Ok(Err(error)) => problems.push(format!("{address}: {error}")),
            Err(_) => problems.push(format!("{address}: no answer in {}", show(limit))),
        }
    }
    Err(Finding::fail(
        "tcp",
        exit::UNAVAILABLE,
        format!("no connection: {}", problems.join(", ")),
        "check the port in --server, that the server runs, firewalls, and whether a proxy is \
         needed (HTTPS_PROXY)",
    ))
}
