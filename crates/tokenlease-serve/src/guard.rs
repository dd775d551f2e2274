//! Which requests a loopback port answers: those of local programs, not those of a web page.
//!
//! A page in a browser can send requests to loopback ports, and by DNS rebinding it can read the
//! answers: its own name then leads to 127.0.0.1. So the name that the client has connected to must be one of
//! this host, and a request that a browser sent for a page is rejected. No answer allows other origins (CORS).

use std::net::{IpAddr, SocketAddr};

use http::{Request, header, uri::Authority};

use crate::answer::Failure;

/// The listener that a request came through.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    #[cfg_attr(not(unix), allow(dead_code, reason = "other systems have no Unix sockets"))]
    Unix,
}

/// Checks the headers `Host`, `Origin` and `Sec-Fetch-Site`.
pub(crate) fn check<B>(request: &Request<B>, place: Place) -> Result<(), Failure> {
    let headers = request.headers();
    let of_page = headers.get("sec-fetch-site").is_some_and(|site| site != "none");
    if headers.contains_key(header::ORIGIN) || of_page {
        return Err(Failure::forbidden("requests of web pages are not answered"));
    }
    let Place::Tcp(address) = place else { return Ok(()) };
    let mut hosts = headers.get_all(header::HOST).iter();
    let (host, other) = (hosts.next(), hosts.next());
    let host = host.and_then(|host| host.to_str().ok()).and_then(|host| host.parse().ok());
    let is_ours = other.is_none()
        && host.is_some_and(|host| is_of(&host, address))
        && request.uri().authority().is_none_or(|authority| is_of(authority, address));
    if is_ours {
        Ok(())
    } else {
        Err(Failure::forbidden(format!("the header Host is not {address} or localhost")))
    }
}

fn is_of(authority: &Authority, address: SocketAddr) -> bool {
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    let is_here = name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    is_here && authority.port_u16().unwrap_or(80) == address.port()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Secrets: `serve` answers no request of a web page, and none whose `Host` is not this host, so that
    /// DNS rebinding reads no token.
    #[test]
    fn requests_of_web_pages_and_for_other_hosts_are_rejected() {
        let place = Place::Tcp(([127, 0, 0, 1], 4180).into());
        for (name, value, is_allowed) in [
            ("host", "127.0.0.1:4180", true),
            ("host", "localhost:4180", true),
            ("host", "LOCALHOST:4180", true),
            ("host", "[::1]:4180", true),
            ("host", "127.0.0.1", false),
            ("host", "127.0.0.1:80", false),
            ("host", "attacker.example:4180", false),
            ("host", "localhost.attacker.example:4180", false),
            ("host", "10.0.0.1:4180", false),
            ("host", "", false),
            ("origin", "https://attacker.example", false),
            ("origin", "http://127.0.0.1:4180", false),
            ("sec-fetch-site", "cross-site", false),
            ("sec-fetch-site", "none", true),
        ] {
            let mut request = Request::builder().header(name, value);
            if name != "host" {
                request = request.header("host", "127.0.0.1:4180");
            }
            let request = request.body(()).unwrap();
            assert_eq!(check(&request, place).is_ok(), is_allowed, "{name}: {value}");
        }
        let none = Request::new(());
        assert!(check(&none, place).is_err());
        assert!(check(&none, Place::Unix).is_ok());
        let page = Request::builder().header("origin", "null").body(()).unwrap();
        assert!(check(&page, Place::Unix).is_err());
        let two = Request::builder().header("host", "127.0.0.1:4180").header("host", "x");
        assert!(check(&two.body(()).unwrap(), place).is_err());
    }
}
