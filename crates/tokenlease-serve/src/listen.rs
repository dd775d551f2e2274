//! The listeners: loopback ports and Unix sockets, made here or by systemd.

#[cfg(unix)]
pub(crate) mod unix;

use std::{io, net::SocketAddr};

use tokenlease::{Error, ErrorKind, Result};
use tokio::net::{TcpListener, TcpSocket};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 4096;

/// A listener.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener, SocketAddr),
    #[cfg(unix)]
    Unix(unix::UnixPlace),
}

/// Opens a loopback port.
pub(crate) fn tcp(address: SocketAddr) -> Result<Listener> {
    check(address)?;
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // On Windows this option would let two programs listen on the same port.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok(Listener::Tcp(listener, address))
    };
    open().map_err(|error| cannot_listen(&address.to_string(), &error))
}

/// Rejects an address that other hosts reach: secrets and tokens would pass the network unencrypted.
fn check(address: SocketAddr) -> Result<()> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    let detail = format!("{address} can be reached by other hosts, and the answers contain tokens");
    Err(Error::new(ErrorKind::Config, detail)
        .expected("an address such as 127.0.0.1:4180, or --unix PATH")
        .advice("run one `tokenlease serve` on each host; they share tokens by a store"))
}

fn cannot_listen(place: &str, error: &io::Error) -> Error {
    Error::new(ErrorKind::Config, format!("can't listen on {place}: {error}"))
        .expected("an address that no other program uses")
}

/// Returns the listeners that systemd has opened (`LISTEN_FDS`).
#[cfg(unix)]
pub(crate) fn of_systemd() -> Result<Vec<Listener>> {
    let mut all = listenfd::ListenFd::from_env();
    (0..all.len()).map(|index| of_descriptor(&mut all, index)).collect()
}

#[cfg(unix)]
fn of_descriptor(all: &mut listenfd::ListenFd, index: usize) -> Result<Listener> {
    let place = format!("the socket {index} of systemd");
    let wrong = |error: io::Error| cannot_listen(&place, &error);
    if let Ok(Some(listener)) = all.take_tcp_listener(index) {
        listener.set_nonblocking(true).map_err(wrong)?;
        let listener = TcpListener::from_std(listener).map_err(wrong)?;
        let address = listener.local_addr().map_err(wrong)?;
        check(address)?;
        return Ok(Listener::Tcp(listener, address));
    }
    match all.take_unix_listener(index) {
        Ok(Some(listener)) => {
            listener.set_nonblocking(true).map_err(wrong)?;
            let listener = tokio::net::UnixListener::from_std(listener).map_err(wrong)?;
            Ok(Listener::Unix(unix::UnixPlace::of_systemd(listener)))
        }
        Ok(None) => Err(cannot_listen(&place, &io::ErrorKind::NotFound.into())),
        Err(error) => Err(wrong(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Secrets: `serve` listens on loopback and Unix sockets alone.
    #[tokio::test]
    async fn an_address_that_other_hosts_reach_is_rejected() {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:1"] {
            let error = tcp(address.parse().unwrap()).unwrap_err();
            assert!(error.to_string().contains("other hosts"), "{error}");
        }
        assert!(matches!(tcp("127.0.0.1:0".parse().unwrap()), Ok(Listener::Tcp(..))));
    }
}
