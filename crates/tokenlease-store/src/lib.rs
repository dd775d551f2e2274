//! Where processes and hosts share API tokens: files, Redis or Valkey, and PostgreSQL, behind the
//! [`Store`](tokenlease::Store) of the client, and all of it encrypted.
//!
//! | URL | engine | feature | shared by |
//! | --- | --- | --- | --- |
//! | `memory:` | [`MemoryStore`](tokenlease::MemoryStore) | | the threads of a process |
//! | `file:`, `file:/path` | [`FileStore`] | `file` (default) | the processes of a host |
//! | `redis://…`, `rediss://…` | `RedisStore` | `redis` | many hosts |
//! | `postgres://…` | `PostgresStore` | `postgres` | many hosts |
//!
//! A store of one's own is five calls: `examples/own_store.rs` shows one, and runs it through the
//! checks of `conformance` (a feature) that all of these pass too.
//!
//! Whatever leaves the process is [`Sealed`] under the store's key, see [`KeySource`].
#![forbid(unsafe_code)]

mod check;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod connection;
#[cfg(feature = "file")]
pub mod file;
#[cfg(feature = "keyring")]
mod keyring;
mod keys;
mod open;
#[cfg(feature = "postgres")]
pub mod postgres;
mod random;
#[cfg(feature = "redis")]
pub mod redis;
mod sealed;
#[cfg(feature = "tls")]
mod tls;

/// What every store must do, as checks that a store of one's own can be run through.
#[cfg(feature = "conformance")]
pub use tokenlease::conformance;

#[cfg(feature = "file")]
pub use crate::file::FileStore;
#[cfg(feature = "postgres")]
pub use crate::postgres::PostgresStore;
#[cfg(feature = "redis")]
pub use crate::redis::RedisStore;
pub use crate::{
    check::{Check, check},
    keys::{KeySource, Keyring},
    open::{Opened, StoreOptions, open, open_blocking},
    sealed::Sealed,
};
