//! The limits that bound what a slow or hostile client can cost.

use std::{num::NonZeroU32, time::Duration};

/// The limits of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many connections may be open. Further ones wait. Default: 16,384.
    pub connections: usize,
    /// In which time a request's head must arrive, and how long an idle connection is kept. Default: 30 s.
    pub head_timeout: Duration,
    /// The longest head of a request, in bytes. Default: 16 KiB.
    pub head_len: usize,
    /// In which time the body of a token request must arrive. Default: 10 s.
    pub body_timeout: Duration,
    /// The longest body of a token request, in bytes. Default: 64 KiB.
    pub body_len: usize,
    /// How long a client may take to read a part of an answer, or to send the next part of a forwarded
    /// body. Default: 30 s.
    pub idle_timeout: Duration,
    /// How much of a forwarded request is kept for a replay, how long a body in JSON may be to which a token
    /// is added, and how much of an answer is read for a rejection, in bytes. Default: 1 MiB.
    pub replay_len: usize,
    /// In which time an upstream must begin its answer, and send each further part of it. Default: 120 s.
    pub upstream_timeout: Duration,
    /// How many requests with wrong credentials are answered in a second. Default: 10.
    pub failures_per_second: NonZeroU32,
    /// How long requests in progress may take after the server was stopped. Default: 10 s.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connections: 16 * 1024,
            head_timeout: seconds(30),
            head_len: 16 * 1024,
            body_timeout: seconds(10),
            body_len: 64 * 1024,
            idle_timeout: seconds(30),
            replay_len: 1024 * 1024,
            upstream_timeout: seconds(120),
            failures_per_second: NonZeroU32::new(10).unwrap_or(NonZeroU32::MIN),
            drain_timeout: seconds(10),
        }
    }
}
