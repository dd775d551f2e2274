#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![allow(clippy::missing_panics_doc, reason = "only a bug of the simulation itself panics")]

pub mod bugs;
pub mod compare;
pub mod exhaustive;
mod oracle;
mod password;
pub mod plan;
mod process;
pub mod provider;
mod quirk;
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
    quirk::Quirk,
    setup::{Caller, Fault, Setup, Stats},
    world::{World, naive::Naive},
};

/// A second in milliseconds.
pub const S: i64 = 1_000;
/// A minute in milliseconds.
pub const M: i64 = 60 * S;
/// An hour in milliseconds.
pub const H: i64 = 60 * M;

/// The owner of a lock: a process, the number of its start, and the password of the entry.
pub type Owner = (usize, u32, Password);

/// Returns a duration in milliseconds.
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Returns milliseconds as a duration; negative ones as zero.
pub fn duration(millis: i64) -> Duration {
    Duration::from_millis(millis.max(0).unsigned_abs())
}
