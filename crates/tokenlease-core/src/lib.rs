//! The decisions of tokenlease, without I/O: request builders and response parsers for WinKAS
//! Air, Wyn Enterprise and OAuth2 servers, expiry math, and the one machine that decides when a
//! token may be served and when a new one must be asked for.
//!
//! Nothing here reads a clock, draws a random number, opens a socket or a file: time, seeds and
//! answers are arguments, requests and store accesses are values that the caller performs.
//!
//! - **Level 1**, [`provider`]: one type per provider call, a request builder and a response parser.
//! - **Level 2**, [`lifecycle`]: the machine that climbs the ladder memory, store, refetch,
//!   login, and hands out one token for its whole life.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod backoff;
pub mod credentials;
pub mod error;
pub mod expiry;
pub mod http;
pub mod identity;
pub mod key;
pub mod lease;
pub mod lifecycle;
pub mod provider;
pub mod record;
pub mod secret;
pub mod time;
pub mod token;

pub use crate::{
    credentials::{Credentials, CredentialsFingerprint},
    error::{Error, ErrorKind, Result},
    identity::Identity,
    key::Key,
    secret::Secret,
    time::{Now, StoreTime, Timestamp, WallTime},
    token::{Token, TokenFingerprint, TokenKind},
};
