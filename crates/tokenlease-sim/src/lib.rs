//! A fleet on a virtual clock: hosts with clocks of their own, processes that run the real
//! machine of tokenlease, a store, a provider, faults, callers, and an oracle that knows the truth
//! and judges each answer and each send.
//!
//! Time is milliseconds and passes only from event to event; a seed tells all. So a world of days
//! runs in milliseconds, and a world that showed a fault shows it again.
#![forbid(unsafe_code)]
#![allow(
    clippy::missing_panics_doc,
    reason = "a world that can't go on is a bug of the world: it stops"
)]

pub mod compare;
pub mod exhaustive;
mod oracle;
mod password;
pub mod plan;
pub mod planted;
mod process;
pub mod provider;
pub mod rng;
mod setup;
pub mod store;
mod world;
pub mod worlds;
pub mod year;

use std::time::Duration;

pub use self::{
    oracle::{Oracle, Violation},
    password::Password,
    process::{Entry, Host, Process},
    provider::{Kind, Provider},
    setup::{Caller, Fault, Setup, Stats},
    world::{World, naive::Naive},
};

/// A second in milliseconds.
pub const S: i64 = 1_000;
/// A minute in milliseconds.
pub const M: i64 = 60 * S;
/// An hour in milliseconds.
pub const H: i64 = 60 * M;

/// Who holds a lock: a process, its start, and the entry in it.
pub type Owner = (usize, u32, Password);

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Milliseconds as a duration.
pub fn duration(millis: i64) -> Duration {
    Duration::from_millis(millis.max(0).unsigned_abs())
}
