//! Counts of what a client did. Answers from the fast path are not counted: they cost nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use tokenlease_core::vendor::Call;

/// What a client has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests for a new token that were sent.
    pub issues: u64,
    /// Requests for the running token that were sent.
    pub refetches: u64,
    /// Questions about a token that were sent: Validate, userinfo or introspection.
    pub verdicts: u64,
    /// Revocations that were sent.
    pub revocations: u64,
    /// Calls of the store.
    pub store_calls: u64,
    /// Callers that the fast path could not answer.
    pub slow_asks: u64,
    /// Callers that were answered with an error.
    pub errors: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    issues: AtomicU64,
    refetches: AtomicU64,
    verdicts: AtomicU64,
    revocations: AtomicU64,
    store_calls: AtomicU64,
    slow_asks: AtomicU64,
    errors: AtomicU64,
}

impl Counters {
    pub(crate) fn sent(&self, call: &Call) {
        add(match call {
            Call::Issue => &self.issues,
            Call::Refetch => &self.refetches,
            Call::Verify(_) => &self.verdicts,
            Call::Revoke(_) => &self.revocations,
        });
    }

    pub(crate) fn store_called(&self) {
        add(&self.store_calls);
    }

    pub(crate) fn asked(&self) {
        add(&self.slow_asks);
    }

    pub(crate) fn failed(&self) {
        add(&self.errors);
    }

    pub(crate) fn read(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            issues: read(&self.issues),
            refetches: read(&self.refetches),
            verdicts: read(&self.verdicts),
            revocations: read(&self.revocations),
            store_calls: read(&self.store_calls),
            slow_asks: read(&self.slow_asks),
            errors: read(&self.errors),
        }
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
