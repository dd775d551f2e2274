//! The counts of this process, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;

/// The endpoints, as the label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Token,
    TokenOfProfile,
    Introspect,
    Revoke,
    Discovery,
    Healthz,
    Metrics,
    Forward,
    Unknown,
}

impl Endpoint {
    pub(crate) const ALL: [Self; 9] = [
        Self::Token,
        Self::TokenOfProfile,
        Self::Introspect,
        Self::Revoke,
        Self::Discovery,
        Self::Healthz,
        Self::Metrics,
        Self::Forward,
        Self::Unknown,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::TokenOfProfile => "token_of_profile",
            Self::Introspect => "introspect",
            Self::Revoke => "revoke",
            Self::Discovery => "discovery",
            Self::Healthz => "healthz",
            Self::Metrics => "metrics",
            Self::Forward => "forward",
            Self::Unknown => "unknown",
        }
    }
}

/// The classes of statuses that answers have.
pub(crate) const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// The counts since the process began.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    requests: [[AtomicU64; CLASSES.len()]; Endpoint::ALL.len()],
    pub(crate) connections: AtomicU64,
    pub(crate) rejected_users: AtomicU64,
    pub(crate) failed_authentications: AtomicU64,
    pub(crate) rate_limited: AtomicU64,
    pub(crate) replays: AtomicU64,
}

impl Counts {
    pub(crate) fn answered(&self, endpoint: Endpoint, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(2, 5) - 2;
        add(&self.requests[endpoint as usize][class]);
    }

    /// Returns how many requests of an endpoint were answered with each class of status.
    pub(crate) fn requests(&self, endpoint: Endpoint) -> [u64; CLASSES.len()] {
        self.requests[endpoint as usize].each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}

pub(crate) fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}
