//! The client of one identity: how it is made and freed.

use std::{
    mem::MaybeUninit,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use tokenlease::blocking::Client;

use crate::{
    boundary::{free, guard, hand_over, required},
    config::tokenlease_config,
    error::tokenlease_error,
    log::Log,
    registry::tokenlease_registry,
    status::tokenlease_status,
    wait_options::{tokenlease_wait_options, wait_options},
};

/// Gets, caches and shares the token of one identity. Thread-safe: concurrent callers share one
/// request to the provider.
pub struct tokenlease_client(pub(crate) Client, Option<Arc<Log>>);

/// Makes a client from a config, in a registry. If registry is NULL, the config's own registry
/// options apply; without any, the client shares the memory store of the process. The call sends
/// nothing. Free the client with tokenlease_client_free.
///
/// Errors: TOKENLEASE_CONFIG if options are missing, belong to another provider or contradict each
/// other; TOKENLEASE_STORE.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_new(
    config: Option<&tokenlease_config>,
    registry: Option<&tokenlease_registry>,
    client: Option<&mut MaybeUninit<*mut tokenlease_client>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (config, client) = (required(config, "config")?, required(client, "client")?);
        let registry = registry.map(tokenlease_registry::inner);
        let options = config.options();
        let mut builder = options.client_with(config.credentials()?, registry, &config.parts)?;
        let log = config.log.clone().map(|function| Arc::new(Log::new(function)));
        if let Some(log) = log.clone() {
            builder = builder.on_log(move |entry| log.write(entry));
        }
        hand_over(client, tokenlease_client(builder.build()?.blocking(), log));
        Ok(())
    })
}

/// Replaces the client's credentials with those of a config, and ignores the config's other
/// options. Later calls get only tokens that were obtained with the new credentials.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_set_credentials(
    client: Option<&tokenlease_client>,
    config: Option<&tokenlease_config>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, config) = (required(client, "client")?, required(config, "config")?);
        Ok(client.0.set_credentials(config.credentials()?)?)
    })
}

/// Waits until the client has no work in progress, so that a program that ends leaves no unfinished
/// login and no lock behind. It revokes no token, and the client remains usable. options may be NULL.
///
/// Errors: TOKENLEASE_DEADLINE_EXCEEDED if work is still in progress at the deadline;
/// TOKENLEASE_CONFIG in a callback of this client, for which the call would wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_close(
    client: Option<&tokenlease_client>,
    options: *const tokenlease_wait_options,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let client = required(client, "client")?;
        // SAFETY: the caller passes a struct with its size.
        Ok(client.0.close_with(unsafe { wait_options(options) }?)?)
    })
}

/// Ends all waits of this client that are under way, from any thread: these calls return
/// TOKENLEASE_INTERRUPTED at once. Later calls wait as before, and a login that was sent goes on. A
/// call that begins at the same time may be missed, so a host that cancels one call repeats this until
/// the call has returned. It never blocks. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_interrupt(client: Option<&tokenlease_client>) {
    if let Some(client) = client {
        // A call without a status: a panic ends nothing that the caller could do otherwise.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| client.0.interrupt()));
    }
}

/// Frees a client. It does not wait for work in progress (see tokenlease_client_close) and revokes
/// no token. Freeing NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_free(client: Option<Box<tokenlease_client>>) {
    free(client);
}

impl Drop for tokenlease_client {
    fn drop(&mut self) {
        if let Some(log) = &self.1 {
            log.stop();
        }
    }
}
