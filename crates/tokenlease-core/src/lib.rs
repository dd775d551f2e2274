#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

#[doc(hidden)]
pub mod backoff;
mod credentials;
mod error;
mod expiry;
mod host_clocks;
pub mod http;
pub mod identity;
mod key;
pub mod lease;
pub mod lifecycle;
pub mod machine;
pub mod provider;
pub mod record;
mod redact;
mod secret;
pub mod time;
mod token;

pub use crate::{
    credentials::{Credentials, CredentialsFingerprint},
    error::{Error, ErrorKind, Result},
    host_clocks::BootId,
    identity::Identity,
    key::Key,
    secret::Secret,
    time::{Now, StoreTime, Timestamp, WallTime},
    token::{Token, TokenFingerprint, TokenKind},
};
