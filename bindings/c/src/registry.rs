//! What clients share.

use std::mem::MaybeUninit;

use tokenlease::Registry;

use crate::{
    boundary::{free, given, guard, hand_over},
    config::tokenlease_config,
    error::tokenlease_error,
    status::tokenlease_status,
};

/// What clients share: the store, trust, and how requests are sent. Threads may share it.
pub struct tokenlease_registry(Registry);

/// Makes a registry of the options "store", "store_key", "store_key_file",
/// "store_passphrase_file", "ca", "allow_plain_http" and "timeout" of a config, and opens its
/// store. Free it with tokenlease_registry_free.
///
/// Errors: TOKENLEASE_CONFIG, TOKENLEASE_STORE.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_registry_new(
    config: Option<&tokenlease_config>,
    registry: Option<&mut MaybeUninit<*mut tokenlease_registry>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (config, registry) = (given(config, "config")?, given(registry, "registry")?);
        hand_over(registry, tokenlease_registry(config.options().registry()?));
        Ok(())
    })
}

/// Frees a registry; its clients go on with it. Nothing for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_registry_free(registry: Option<Box<tokenlease_registry>>) {
    free(registry);
}

impl tokenlease_registry {
    pub(crate) fn inner(&self) -> &Registry {
        &self.0
    }
}
