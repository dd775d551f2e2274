//! One API token for its whole life: gets, caches, shares, validates, refetches, rejects and
//! revokes tokens of WinKAS Air, Wyn Enterprise and OAuth2 servers.
//!
//! This crate sends, waits and knows the hour; what is decided is decided in [`core`].
#![forbid(unsafe_code)]

pub mod authorize;
pub mod blocking;
mod builder;
mod cached;
mod client;
pub mod clock;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod credentials_source;
mod entry;
pub mod memory;
mod random;
mod registry;
pub mod runtime;
mod state;
mod stats;
pub mod store;
mod tls;
pub mod transport;
mod wait_queue;

pub use tokenlease_core as core;
pub use tokenlease_core::{Error, ErrorKind, Result};

pub use crate::{
    authorize::Authorize,
    builder::ClientBuilder,
    cached::CacheVersion,
    client::{Client, Rejection, TokenOptions},
    clock::{Clock, SteeredClock, SystemClock},
    credentials_source::CredentialsSource,
    memory::MemoryStore,
    registry::{Registry, RegistryBuilder},
    stats::Stats,
    store::Store,
    transport::{HttpOptions, SendError, Transport},
    wait_queue::Slot,
};
