//! Where processes and hosts share API tokens: files, Redis or Valkey, and PostgreSQL, behind the
//! [`Store`](tokenlease::Store) of the client, and all of it encrypted.
//!
//! | URL | engine | feature | shared by |
//! | --- | --- | --- | --- |
//! | `memory:` | [`MemoryStore`](tokenlease::MemoryStore) | | the threads of a process |
//! | `file:`, `file:/path` | [`FileStore`] | `file` (default) | the processes of a host |
//!
//! Whatever leaves the process is [`Sealed`] under the store's key, see [`KeySource`].
#![forbid(unsafe_code)]

#[cfg(feature = "file")]
pub mod file;
mod keys;
mod open;
mod random;
mod sealed;

#[cfg(feature = "file")]
pub use crate::file::FileStore;
pub use crate::{
    keys::KeySource,
    open::{Opened, StoreOptions, open, open_blocking},
    sealed::Sealed,
};
