//! DNS lookups. The system's lookup blocks, so each has a thread.

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
};

use tokenlease_core::Result;

use super::{Runtime, run_blocking};

/// The most lookups at once. Further ones wait, and their callers give up at their deadlines.
pub(super) const MAX_LOOKUPS: usize = 256;

/// Looks up the addresses of a host, in the system's order. An IP address needs no lookup.
///
/// tokio's own lookup panics, or never ends, if the system allows no more threads.
///
/// # Errors
/// Those of the system. If it allows no thread for the lookup, the error is an
/// [`Error`](tokenlease_core::Error) of kind `Internal` in [`io::Error::other`].
pub async fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    on_thread(host.to_owned(), port).await.map_err(io::Error::other)?
}

async fn on_thread(host: String, port: u16) -> Result<io::Result<Vec<SocketAddr>>> {
    let permit = Runtime::current()?.lookups.clone().acquire_owned().await.ok();
    run_blocking(permit, move || Ok((&*host, port).to_socket_addrs()?.collect())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_looked_up() {
        let look_up = |host| Runtime::current().unwrap().block_on(look_up(host, 7)).unwrap();
        assert_eq!(look_up("192.0.2.1").unwrap(), ["192.0.2.1:7".parse().unwrap()]);
        assert_eq!(look_up("::1").unwrap(), ["[::1]:7".parse().unwrap()]);
        let of_name = look_up("localhost").unwrap();
        assert!(of_name.iter().all(|address| address.ip().is_loopback() && address.port() == 7));
        assert!(!of_name.is_empty());
        assert!(look_up("tokenlease.invalid").is_err());
    }
}
