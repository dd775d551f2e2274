//! The registry: what clients share.

use std::mem::MaybeUninit;

use tokenlease::Registry;

use crate::{
    boundary::{free, guard, hand_over, required},
    config::tokenlease_config,
    error::tokenlease_error,
    status::tokenlease_status,
};

/// The store, the trusted certificates and the HTTP settings that several clients share.
/// Thread-safe.
pub struct tokenlease_registry(Registry);

/// Makes a registry from a config's options of registries, which the comment "OPTIONS" of this
/// header marks with R, and from its store and secrets of registries, and opens its store. Free the
/// registry with tokenlease_registry_free.
///
/// Errors: TOKENLEASE_CONFIG, TOKENLEASE_STORE.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_registry_new(
    config: Option<&tokenlease_config>,
    registry: Option<&mut MaybeUninit<*mut tokenlease_registry>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (config, registry) = (required(config, "config")?, required(registry, "registry")?);
        hand_over(registry, tokenlease_registry(config.options().registry_with(&config.parts)?));
        Ok(())
    })
}

/// Frees a registry. Its clients keep what they need of it. Freeing NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_registry_free(registry: Option<Box<tokenlease_registry>>) {
    free(registry);
}

impl tokenlease_registry {
    pub(crate) fn inner(&self) -> &Registry {
        &self.0
    }
}
