//! The addresses of a host, in an order in which one that does not answer holds up no connection.
//!
//! The HTTP library tries the addresses of one family one after the other, each for its share of the
//! connect timeout. Only the other family is tried beside it, 300 ms later (RFC 8305). Here the further
//! IPv4 addresses of a host without IPv6 addresses come as the other family, too: as IPv4-mapped IPv6
//! addresses (RFC 4291 section 2.5.5.2), which a system connects to over IPv4. A system that cannot do
//! so (Windows, or one without IPv6) rejects them at once, and the plain addresses follow.

use std::{
    net::{IpAddr, SocketAddr, SocketAddrV6},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::runtime::look_up;

/// Looks up the addresses of a host.
type LookUp = dyn Fn(String) -> LookedUp + Send + Sync;
type LookedUp = std::pin::Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

/// Looks up and orders addresses.
#[derive(Clone)]
pub(super) struct Addresses(Arc<LookUp>);

impl Default for Addresses {
    fn default() -> Self {
        Self::looked_up(|host| {
            // Port 0: the HTTP library sets that of the URL.
            Box::pin(async move { look_up(&host, 0).await })
        })
    }
}

impl Addresses {
    pub(super) fn looked_up(look_up: impl Fn(String) -> LookedUp + Send + Sync + 'static) -> Self {
        Self(Arc::new(look_up))
    }
}

impl Resolve for Addresses {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.0)(name.as_str().to_owned());
        Box::pin(async move {
            let ordered = ordered(found.await?);
            Ok(Box::new(ordered.into_iter()) as Addrs)
        })
    }
}

/// Puts the further addresses of a host with IPv4 addresses only behind the first as those of the other
/// family.
fn ordered(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let further = found.iter().skip(1).map(|address| match address.ip() {
        IpAddr::V4(ip) => {
            let mapped = SocketAddrV6::new(ip.to_ipv6_mapped(), address.port(), 0, 0);
            Some(SocketAddr::V6(mapped))
        }
        IpAddr::V6(_) => None,
    });
    let is_v4 = found.first().is_some_and(SocketAddr::is_ipv4);
    match further.collect::<Option<Vec<_>>>() {
        Some(mapped) if is_v4 => found.into_iter().chain(mapped).collect(),
        _ => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_further_addresses_of_a_host_without_ipv6_are_mapped() {
        let of = |list: &[&str]| {
            let found = list.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0));
            let ordered = ordered(found.collect());
            ordered.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>()
        };
        for unchanged in [
            &[][..],
            &["192.0.2.1"],
            &["2001:db8::1", "2001:db8::2"],
            &["2001:db8::1", "192.0.2.1"],
            &["192.0.2.1", "2001:db8::1"],
        ] {
            assert_eq!(of(unchanged), unchanged);
        }
        assert_eq!(
            of(&["192.0.2.1", "192.0.2.2", "192.0.2.3"]),
            ["192.0.2.1", "192.0.2.2", "192.0.2.3", "::ffff:192.0.2.2", "::ffff:192.0.2.3"]
        );
    }
}
