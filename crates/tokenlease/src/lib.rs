#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod authorize;
#[doc(hidden)]
pub mod bindings;
pub mod blocking;
mod builder;
mod cache;
mod callbacks;
mod client;
pub mod clock;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod counts;
mod credentials_source;
mod discovery;
mod driver;
mod entry;
mod event_queue;
mod facts;
mod fetch_credentials;
mod get_lease;
mod history;
pub mod hosted;
mod interrupts;
mod log;
mod login_turns;
mod memory_store;
mod random;
mod registry;
pub mod runtime;
mod spans;
mod state;
mod stats;
pub mod status;
pub mod store;
mod tls;
mod token_options;
pub mod transport;
mod wait_options;
mod wait_queue;

pub use tokenlease_core as core;
pub use tokenlease_core::{Error, ErrorKind, Result};

pub use crate::{
    authorize::Authorize,
    builder::ClientBuilder,
    client::{Client, Rejection},
    clock::{Clock, SteeredClock, SystemClock},
    counts::{Count, Counter},
    credentials_source::CredentialsSource,
    facts::TokenFacts,
    history::History,
    log::{LogEntry, LogLevel},
    memory_store::MemoryStore,
    registry::{
        EndBy, EndReport, Ended, EndedEntry, EntryFilter, Registry, RegistryBuilder, RegistryEntry,
    },
    stats::Stats,
    status::Status,
    store::{AnyStore, Store},
    token_options::TokenOptions,
    transport::{HttpOptions, SendError, Transport},
    wait_options::WaitOptions,
};
