//! Which proxy a request goes through: the options, the variables of the environment, `NO_PROXY`.

use std::net::IpAddr;

use http::Uri;
use reqwest::Url;
use tokenlease_core::{Error, ErrorKind, Result, Secret};

/// The proxy of one scheme.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    /// None.
    Direct,
    /// This one, a URL that was checked.
    Through(Secret),
    /// That of the system's settings, if there is one (Windows, macOS).
    System,
    /// A variable is set that cannot be used. Requests fail, because the network may forbid, or record,
    /// requests that bypass the proxy.
    Unusable(Error),
}

/// Reads the variables of a scheme as curl does. An empty one counts as not set.
pub(super) fn from_environment(scheme: &str, variable: impl Fn(&str) -> Option<String>) -> Rule {
    // The server of a CGI script makes HTTP_PROXY of a header `Proxy` of its caller.
    let is_cgi = variable("REQUEST_METHOD").is_some();
    let upper = scheme.to_uppercase() + "_PROXY";
    let names = [upper.to_lowercase(), upper, "all_proxy".into(), "ALL_PROXY".into()];
    for name in names.iter().filter(|name| !is_cgi || *name != "HTTP_PROXY") {
        let Some(text) = variable(name).filter(|text| !text.trim().is_empty()) else { continue };
        return match read(text.trim()) {
            Ok(url) => Rule::Through(url.as_str().into()),
            Err(error) => Rule::Unusable(
                Error::new(error.kind(), format!("{name}: {}", error.detail())).expected(
                    "a proxy such as http://proxy.example:3128 or socks5h://proxy.example:1080",
                ),
            ),
        };
    }
    Rule::System
}

/// Reads the URL of a proxy. Without a scheme it is an HTTP proxy, as for curl; GNOME writes `socks`.
pub(super) fn read(text: &str) -> Result<Url> {
    let text = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("socks") => format!("socks5h://{rest}"),
        Some(_) => text.to_owned(),
        None => format!("http://{text}"),
    };
    let text = zeroize::Zeroizing::new(text);
    let url = Url::parse(&text).map_err(|_| bad_proxy())?;
    let is_known =
        matches!(url.scheme(), "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h");
    if is_known && url.host_str().is_some_and(|host| !host.is_empty()) {
        Ok(url)
    } else {
        Err(bad_proxy())
    }
}

pub(super) fn bad_proxy() -> Error {
    // The URL may contain a password, so it is not quoted.
    Error::new(ErrorKind::Config, "the proxy URL cannot be used")
        .expected("http://, https://, socks5:// or socks5h://, a host, and a port")
        .advice("percent-encode all characters but letters and digits in user name and password")
}

/// Returns the address of a proxy that may be printed.
pub(super) fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The servers that are reached without a proxy.
#[derive(Clone, Debug, Default)]
pub(super) struct NoProxy(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    host: Host,
    port: Option<u16>,
}

#[derive(Clone, Debug)]
enum Host {
    All,
    /// A domain with its subdomains.
    Domain(String),
    /// An address, and the number of its bits that count.
    Network(IpAddr, u8),
}

impl NoProxy {
    /// Reads a list as curl does: separated by commas or spaces, `*` for all, domains with or without a
    /// leading dot or `*.`, addresses, CIDR blocks. Each but a block may have a port.
    pub(super) fn read(list: &str) -> Self {
        let entries = list.split([',', ' ', '\t']).filter(|text| !text.is_empty());
        Self(entries.map(Entry::read).collect())
    }

    pub(super) fn contains(&self, uri: &Uri) -> bool {
        let host = bare(uri.host().unwrap_or_default());
        let default = if uri.scheme_str() == Some("http") { 80 } else { 443 };
        let port = uri.port_u16().unwrap_or(default);
        self.0.iter().any(|entry| entry.contains(host, port))
    }
}

impl Entry {
    fn read(text: &str) -> Self {
        if text == "*" {
            return Self { host: Host::All, port: None };
        }
        if let Some((address, bits)) = text.split_once('/')
            && let (Ok(address), Ok(bits)) = (bare(address).parse::<IpAddr>(), bits.parse())
        {
            return Self { host: Host::Network(address, bits), port: None };
        }
        if let Ok(address) = bare(text).parse::<IpAddr>() {
            return Self { host: Host::Network(address, 128), port: None };
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => (host, port.parse().ok()),
            _ => (text, None),
        };
        let host = match bare(host).parse::<IpAddr>() {
            Ok(address) => Host::Network(address, 128),
            Err(_) if host == "*" => Host::All,
            Err(_) => {
                let domain = host.trim_start_matches('*').trim_matches('.');
                Host::Domain(domain.to_ascii_lowercase())
            }
        };
        Self { host, port }
    }

    fn contains(&self, host: &str, port: u16) -> bool {
        if self.port.is_some_and(|only| only != port) {
            return false;
        }
        match &self.host {
            Host::All => true,
            Host::Network(network, bits) => {
                host.parse().is_ok_and(|address| in_network(address, *network, *bits))
            }
            Host::Domain(domain) => {
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                !domain.is_empty()
                    && host
                        .strip_suffix(domain.as_str())
                        .is_some_and(|front| front.is_empty() || front.ends_with('.'))
            }
        }
    }
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

fn in_network(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (one, other, width) = match (address.to_canonical(), network.to_canonical()) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            (one.to_bits().into(), other.to_bits().into(), 32_u32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128_u32),
        _ => return false,
    };
    let ignored = width.saturating_sub(bits.into());
    let without = |bits: u128| bits.checked_shr(ignored).unwrap_or(0);
    without(one) == without(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Proxies: `NO_PROXY` is read as by curl: domains with their subdomains, `*.domain`, `host:port`,
    /// addresses and CIDR blocks, separated by commas or spaces.
    /// Reported as seanmonstar/reqwest#497.
    #[test]
    fn no_proxy_is_read_as_by_curl() {
        let bypasses = |list: &str, uri: &str| NoProxy::read(list).contains(&uri.parse().unwrap());
        for (list, uri) in [
            ("*", "https://any.example"),
            ("a.example", "https://a.example"),
            ("a.example", "https://x.A.example"),
            (".a.example", "https://a.example"),
            ("*.a.example", "https://x.a.example"),
            ("b, a.example", "https://a.example."),
            ("b a.example", "https://a.example"),
            ("a.example:8443", "https://a.example:8443"),
            ("a.example:443", "https://a.example"),
            ("10.0.0.0/8", "https://10.9.8.7"),
            ("10.1.2.3", "http://10.1.2.3:80"),
            ("10.1.2.3:81", "http://10.1.2.3:81"),
            ("fd00::/8", "https://[fd12::1]"),
            ("[fd12::1]:444,x", "https://[fd12::1]:444"),
            ("0.0.0.0/0", "https://10.9.8.7"),
        ] {
            assert!(bypasses(list, uri), "{list} {uri}");
        }
        for (list, uri) in [
            ("", "https://a.example"),
            (", .", "https://a.example"),
            ("a.example", "https://ba.example"),
            ("a.example", "https://example"),
            ("a.example:8443", "https://a.example"),
            ("10.0.0.0/8", "https://11.0.0.1"),
            ("10.0.0.0/8", "https://10.example"),
            ("fd00::/8", "https://10.0.0.1"),
        ] {
            assert!(!bypasses(list, uri), "{list} {uri}");
        }
    }

    /// Rule: Proxies: a variable such as `HTTPS_PROXY` whose value cannot be used is an error that names it
    /// and quotes no password, never ignored.
    #[test]
    fn a_variable_that_cannot_be_used_is_an_error() {
        let of = |scheme: &str, set: &[(&str, &str)]| {
            from_environment(scheme, |name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let through = |rule: Rule| match rule {
            Rule::Through(url) => url.expose().to_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!(through(of("https", &[("HTTPS_PROXY", "p:3128")])), "http://p:3128/");
        assert_eq!(through(of("https", &[("all_proxy", "socks://p:1080/")])), "socks5h://p:1080/");
        assert_eq!(
            through(of("http", &[("http_proxy", "http://u:w@p:1"), ("ALL_PROXY", "q")])),
            "http://u:w@p:1/"
        );
        assert!(matches!(of("https", &[("HTTPS_PROXY", " "), ("http_proxy", "p")]), Rule::System));
        let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "evil.example")];
        assert!(matches!(of("http", &cgi), Rule::System));
        for value in
            ["ftp://u:canary@p", "http://", "http://u:canary@", "http://u:canary@p:99999", "://"]
        {
            match of("https", &[("HTTPS_PROXY", value)]) {
                Rule::Unusable(error) => {
                    assert_eq!(error.kind(), ErrorKind::Config);
                    let text = error.to_string();
                    assert!(text.contains("HTTPS_PROXY") && !text.contains("canary"), "{text}");
                }
                other => panic!("{value}: {other:?}"),
            }
        }
    }
}
