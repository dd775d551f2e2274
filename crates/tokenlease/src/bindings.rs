//! The parts of a client that only the program and the bindings in this repository need.
//!
//! With them a binding keeps one object of its language for a cached token, and its threads wait for
//! a token without waking all at once. This module is hidden from the documentation and may
//! change in any version: use [`Client`] instead.

use std::{sync::Arc, time::Duration};

use rustls::client::danger::ServerCertVerifier;
use tokenlease_core::{Identity, Result, Token, lifecycle::Event};

use crate::{
    builder::ClientBuilder,
    client::Client,
    counts::Count,
    log::LogEntry,
    registry::Registry,
    runtime::{Runtime, check_may_block},
    transport::HttpOptions,
};
pub use crate::{
    builder::DEADLINE,
    cache::CacheVersion,
    interrupts::Begun,
    tls::{Fault as TlsFault, expires_at, fault_in as tls_fault},
    wait_queue::{MAX_SLOT_WAIT, Slot},
};

/// Returns the identity that the client gets tokens for.
pub fn identity(client: &Client) -> &Identity {
    client.0.server.identity()
}

/// Returns the counts of the clients of these profiles in the text format of `OpenMetrics` 1.0, with the label
/// `profile`, and without the `# EOF` line.
pub fn openmetrics_of_profiles<'a>(
    profiles: impl IntoIterator<Item = (&'a str, &'a Client)>,
) -> String {
    let counts = profiles.into_iter().map(|(name, client)| (name, client.0.counts()));
    Count::profiles_to_openmetrics(&counts.collect::<Vec<_>>())
}

/// As [`Client::cached`], with the version of the cached token. A binding that keeps an object made
/// of the token asks [`holds`] with it whether the object is still current.
pub fn cached_with_version<R>(
    client: &Client,
    use_it: impl FnOnce(&Token, CacheVersion) -> R,
) -> Option<R> {
    client.0.cache.get_with_version(use_it)
}

/// Returns whether the token of that version, which this client returned, is still cached and
/// fresh. Costs less than [`Client::cached`].
#[inline]
pub fn holds(client: &Client, version: &CacheVersion) -> bool {
    client.0.cache.holds(version)
}

/// Waits while another thread asks this client for a token, for `limit` at most.
///
/// The first thread gets its slot at once. When it is done, `wakes` waiting threads are woken, and
/// each of them wakes one more. A thread that then finds no cached token calls [`Slot::lead`] and
/// asks. A thread that got no slot in time, or whose call was interrupted (`None`), asks as well.
pub fn slot(client: &Client, call: Begun, limit: Duration, wakes: usize) -> Option<Slot<'_>> {
    // On a thread of the library, the call that follows is an error.
    check_may_block().ok()?;
    client.0.wait_queue().wait(limit, wakes, || is_interrupted(client, call))
}

/// Begins a call of the client on this thread, which may wait on another one.
///
/// # Errors
/// `Config` in the client's own credentials function, for which the call would wait.
pub fn begin(client: &Client) -> Result<Begun> {
    client.0.begin()
}

/// Returns whether the call was interrupted.
pub fn is_interrupted(client: &Client, call: Begun) -> bool {
    client.0.interrupts.have_ended(call)
}

/// Awaits a call that began earlier until an interrupt ends it.
///
/// # Errors
/// Those of the call, and `Interrupted`.
pub async fn interruptible<R>(
    client: Client,
    call: Begun,
    work: impl Future<Output = Result<R>>,
) -> Result<R> {
    client.0.interruptible(call, work).await
}

/// Returns the runtime on which the client works, for a binding to wait on.
///
/// # Errors
/// `Forked` in any process but the one that made the client, and `Internal` if the system allows no
/// more threads.
pub fn runtime(client: &Client) -> Result<&'static Runtime> {
    client.0.runtime()
}

/// Sets a function that is called with each entry of the log, and with its event if it is one, on a
/// driver's or a caller's thread, before the call that caused it returns. It must not panic, block, or
/// call the client: a hook of the program belongs to [`ClientBuilder::on_event`].
pub fn observe(
    builder: ClientBuilder,
    observer: impl Fn(Option<&Event>, &LogEntry) + Send + Sync + 'static,
) -> ClientBuilder {
    builder.observer(observer)
}

/// Returns the client for this process, which was forked from the one that made the client: with the same
/// options, credentials and hook, and the tokens that the parent had in memory. It keeps nothing else of
/// the parent: the counts begin at zero, and calls in progress stay the parent's. The `observer` is that
/// of [`observe`].
///
/// It takes microseconds, and sends and opens nothing. The clients of one registry share a registry in
/// the child too. Keep the result: another call makes another client.
///
/// # Errors
/// `Forked` if the client's store does not support a fork ([`Store::after_fork`](crate::Store::after_fork)),
/// and `Internal` if the system provides no random numbers.
pub fn after_fork(
    client: &Client,
    observer: impl Fn(Option<&Event>, &LogEntry) + Send + Sync + 'static,
) -> Result<Client> {
    client.0.after_fork(Some(Arc::new(observer))).map(Client::new)
}

/// Returns the registry in this process: itself, or in a forked child the child's own.
///
/// # Errors
/// `Forked` if the registry's store does not support a fork.
pub fn registry_in_this_process(registry: &Registry) -> Result<Registry> {
    registry.in_this_process()
}

/// Returns a TLS configuration for a forked child. See [`Store::after_fork`](crate::Store::after_fork).
pub fn tls_after_fork(config: &rustls::ClientConfig) -> rustls::ClientConfig {
    crate::tls::after_fork(config)
}

/// Returns the verifier of servers' certificates that clients with these extra CAs (PEM) use.
///
/// # Errors
/// `Config` if an extra CA cannot be used.
pub fn server_verifier(extra: &[Vec<u8>]) -> Result<Arc<dyn ServerCertVerifier>> {
    crate::tls::verifier(extra)
}

/// Returns the TLS configuration of these options.
///
/// # Errors
/// `Config` if an extra CA or the client certificate cannot be used.
pub fn tls_config(options: &HttpOptions) -> Result<rustls::ClientConfig> {
    options.tls()
}

/// Asks an `http://` proxy to connect to a server, and returns the status. `None` if it does not answer.
pub async fn proxy_status(proxy: &reqwest::Url, server: &http::Uri) -> Option<http::StatusCode> {
    crate::transport::proxy_status(proxy, server).await
}

/// Returns the TLS configuration for a store: the same trust as for servers with these extra CAs (PEM).
///
/// # Errors
/// `Config` if an extra CA cannot be used.
pub fn store_tls_config(extra: &[Vec<u8>]) -> Result<rustls::ClientConfig> {
    crate::tls::any_protocol(extra, None)
}

/// Returns the URL of the proxy for requests to an address, with its user and password. `None` if they
/// go directly, or through a proxy that only the settings of Windows or macOS name.
///
/// # Errors
/// `Config` if an option or a variable of the environment names a proxy that cannot be used.
pub fn proxy_for(options: &HttpOptions, uri: &http::Uri) -> Result<Option<reqwest::Url>> {
    options.proxy_for(uri)
}
