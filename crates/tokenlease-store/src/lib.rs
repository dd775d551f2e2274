//! Encrypted stores for API tokens that processes and hosts share: files, Redis or Valkey, and
//! PostgreSQL. All implement [`Store`](tokenlease::Store) of the client.
//!
//! | URL | type | feature | shared by |
//! | --- | --- | --- | --- |
//! | `memory:` | [`MemoryStore`](tokenlease::MemoryStore) | | the threads of a process |
//! | `file:`, `file:/path` | [`FileStore`] | `file` (default) | the processes of a host |
//! | `redis://…`, `rediss://…` | `RedisStore` | `redis` | many hosts |
//! | `redis+cluster://…`, `redis+sentinel://…` | `RedisStore` | `redis` | many hosts |
//! | `postgres://…` | `PostgresStore` | `postgres` | many hosts |
//!
//! [`open`] opens a store by its URL. It encrypts all records that leave the process with
//! [`Sealed`], under the key from a [`KeySource`].
//!
//! ```no_run
//! use tokenlease::{Client, Registry, core::{Credentials, Identity, provider::Server}};
//! use tokenlease_store::{StoreOptions, open};
//!
//! # async fn example() -> tokenlease::Result<()> {
//! let opened = open("file:", &StoreOptions::new()).await?; // ~/.local/state/tokenlease
//! let registry = Registry::builder().store(opened.store, opened.key).build()?;
//! let identity = Identity::winkas("https://air.winkas.net", "NAME", "CODE")?;
//! let client = Client::builder(Server::new(identity), Credentials::password("PASSWORD"))
//!     .registry(&registry)
//!     .build()?;
//! let token = client.token().await?; // from memory or the folder; a login only if needed
//! # let _ = token;
//! # Ok(())
//! # }
//! ```
//!
//! # Your own store
//! Any type with the five methods of [`Store`](tokenlease::Store) is a store.
//! `examples/own_store.rs` shows one. The feature `conformance` has the checks that all stores
//! pass:
//!
//! ```
//! # #[cfg(feature = "conformance")]
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use std::{sync::Arc, time::Duration};
//! use tokenlease::{MemoryStore, SystemClock};
//! use tokenlease_store::conformance;
//!
//! let your_store = MemoryStore::new(Arc::new(SystemClock));
//! // The locks and records of the checks live for a few of these time units.
//! let unit = Duration::from_millis(50);
//! conformance::all(&your_store, unit, tokio::time::sleep).await; // panics if a check fails
//! # });
//! ```
#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod busy;
mod check;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod connection;
#[cfg(feature = "file")]
pub mod file;
#[cfg(feature = "file")]
mod folder_access;
#[cfg(feature = "file")]
mod folder_url;
#[cfg(feature = "keyring")]
mod keyring;
mod keys;
mod open;
#[cfg(feature = "postgres")]
pub mod postgres;
mod random;
#[cfg(feature = "redis")]
pub mod redis;
mod seal;
mod sealed;
#[cfg(feature = "file")]
mod state_folder;
#[cfg(feature = "tls")]
mod tls;
#[cfg(all(feature = "file", any(windows, test)))]
#[doc(hidden)]
pub mod windows_rights;

/// The checks that every store must pass, for the tests of your own store.
#[cfg(feature = "conformance")]
pub use tokenlease::conformance;

#[cfg(feature = "file")]
pub use crate::file::{FileStore, FolderAccess};
#[cfg(feature = "postgres")]
pub use crate::postgres::PostgresStore;
#[cfg(feature = "redis")]
pub use crate::redis::RedisStore;
pub use crate::{
    check::{Check, check, check_record},
    keys::{KeySource, Keyring},
    open::{Opened, StoreOptions, open, open_blocking, open_existing},
    seal::{seal, seal_blocking},
    sealed::Sealed,
};

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
