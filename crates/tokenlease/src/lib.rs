//! One API token for its whole life: gets, caches, shares, validates, refetches, refuses and
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
mod entry;
mod inner;
pub mod memory;
mod provider;
mod random;
mod registry;
pub mod runtime;
mod stats;
pub mod store;
mod tls;
pub mod transport;
mod turnstile;

pub use tokenlease_core as core;
pub use tokenlease_core::{Error, ErrorKind, Result};

pub use crate::{
    authorize::Authorize,
    builder::ClientBuilder,
    cached::Mark,
    client::{Client, Refusal, TokenOptions},
    clock::{Clock, SteeredClock, SystemClock},
    memory::MemoryStore,
    provider::CredentialsSource,
    registry::{Registry, RegistryBuilder},
    stats::Stats,
    store::Store,
    transport::{HttpOptions, SendError, Transport},
    turnstile::Turn,
};
