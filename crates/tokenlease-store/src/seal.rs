//! Stores of the caller's own, whose records this crate encrypts.

use tokenlease::{AnyStore, Result, Store, runtime::Runtime};

use crate::{
    open::{Opened, StoreOptions, key},
    sealed::Sealed,
};

/// Encrypts the records of a store of your own, with the key of the options. The store keeps the salt
/// of a passphrase, or the name of a key in a keyring.
///
/// # Errors
/// [`Config`](tokenlease::ErrorKind::Config) if no key is given, or for a key that can't be read, and the errors of the
/// store.
pub async fn seal(store: impl Store, options: &StoreOptions) -> Result<Opened> {
    // A store of your own is not searched for records: a missing note decides.
    let key = key(options.key(), &store, async || Ok(false)).await?;
    Ok(Opened { store: AnyStore::new(Sealed::new(store, &key)), key })
}

/// Like [`seal`], for callers that block.
///
/// # Errors
/// The errors of [`seal`]; [`Internal`](tokenlease::ErrorKind::Internal) if the runtime can't be started.
pub fn seal_blocking(store: AnyStore, options: &StoreOptions) -> Result<Opened> {
    let options = options.clone();
    Runtime::current()?.block_on(async move { seal(store, &options).await })?
}
