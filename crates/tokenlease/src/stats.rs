//! The counts of a client. Answers from the cache are not counted, so that they stay cheap.

use std::sync::atomic::{AtomicU64, Ordering};

use tokenlease_core::provider::Call;

/// The counts of a client since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Login requests sent.
    pub logins: u64,
    /// Refetch requests sent (WinKAS).
    pub refetches: u64,
    /// Validation requests sent: Validate, userinfo or introspection.
    pub validations: u64,
    /// Revocation requests sent.
    pub revocations: u64,
    /// Calls to the store.
    pub store_calls: u64,
    /// Callers that found no fresh token in the cache.
    pub cache_misses: u64,
    /// Callers that got an error.
    pub errors: u64,
    /// Events that the hook did not get, because more than 256 waited for it.
    pub events_dropped: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    logins: AtomicU64,
    refetches: AtomicU64,
    validations: AtomicU64,
    revocations: AtomicU64,
    store_calls: AtomicU64,
    cache_misses: AtomicU64,
    errors: AtomicU64,
}

impl Counters {
    pub(crate) fn sent(&self, call: &Call) {
        add(match call {
            Call::Login => &self.logins,
            Call::Refetch => &self.refetches,
            Call::Validate(_) => &self.validations,
            Call::Revoke(_) => &self.revocations,
        });
    }

    pub(crate) fn store_called(&self) {
        add(&self.store_calls);
    }

    pub(crate) fn asked(&self) {
        add(&self.cache_misses);
    }

    pub(crate) fn failed(&self) {
        add(&self.errors);
    }

    pub(crate) fn read(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            logins: read(&self.logins),
            refetches: read(&self.refetches),
            validations: read(&self.validations),
            revocations: read(&self.revocations),
            store_calls: read(&self.store_calls),
            cache_misses: read(&self.cache_misses),
            errors: read(&self.errors),
            // The queue of the hook counts them.
            events_dropped: 0,
        }
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
