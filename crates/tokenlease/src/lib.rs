//! One API token for its whole life: gets, caches, shares, validates, refetches, refuses and
//! revokes tokens of WinKAS Air, Wyn Enterprise and OAuth2 servers.
//!
//! This crate sends, waits and knows the hour; what is decided is decided in [`core`].
#![forbid(unsafe_code)]

pub mod authorize;
pub mod clock;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod memory;
#[cfg_attr(not(test), expect(dead_code, reason = "the client, which uses it, comes next"))]
mod random;
pub mod runtime;
pub mod store;
mod tls;
#[cfg_attr(not(test), expect(dead_code, reason = "the client, which uses it, comes next"))]
pub mod transport;

pub use tokenlease_core as core;
pub use tokenlease_core::{Error, ErrorKind, Result};

pub use crate::{
    authorize::Authorize,
    clock::{Clock, SteeredClock, SystemClock},
    memory::MemoryStore,
    store::Store,
    transport::{HttpOptions, Transport},
};
