//! TLS to stores: the trust, and the sentences about its faults, are those of the client.

use std::error::Error as StdError;

use rustls::ClientConfig;
use tokenlease::{Error, ErrorKind, Result, bindings};

/// Returns a configuration for TLS 1.2 and 1.3 that trusts the platform's certificate authorities
/// and those in the `extra` PEM texts, and a server's own certificate in them.
pub(crate) fn config(extra: &[Vec<u8>]) -> Result<ClientConfig> {
    bindings::store_tls_config(extra)
}

/// Returns the configuration for a forked child.
pub(crate) fn after_fork(config: &ClientConfig) -> ClientConfig {
    bindings::tls_after_fork(config)
}

/// Returns the error of a connection to a store that TLS ended. `None`: it has another cause. A fault of
/// the certificates or options is lasting.
pub(crate) fn fault(store: &str, error: &(dyn StdError + 'static)) -> Option<Error> {
    let fault = bindings::tls_fault(error)?;
    let detail = format!("TLS with {store} failed: {}", fault.detail);
    let error = Error::new(ErrorKind::Store, detail).advice(fault.advice);
    Some(if fault.lasts { error.lasting() } else { error })
}

/// Returns whether the host is this machine.
pub(crate) fn is_local(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost"
        || host.starts_with('/')
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
