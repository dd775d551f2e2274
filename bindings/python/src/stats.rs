//! Counters of what a client did.

use pyo3::prelude::*;

/// Counters of what a client has done since it was made.
#[pyclass(frozen, get_all, eq, module = "tokenlease")]
#[derive(PartialEq)]
pub(crate) struct Stats {
    logins: u64,
    refetches: u64,
    validations: u64,
    revocations: u64,
    store_calls: u64,
    cache_misses: u64,
    errors: u64,
    events_dropped: u64,
}

impl From<tokenlease::Stats> for Stats {
    fn from(stats: tokenlease::Stats) -> Self {
        Self {
            logins: stats.logins,
            refetches: stats.refetches,
            validations: stats.validations,
            revocations: stats.revocations,
            store_calls: stats.store_calls,
            cache_misses: stats.cache_misses,
            errors: stats.errors,
            events_dropped: stats.events_dropped,
        }
    }
}

#[pymethods]
impl Stats {
    fn __repr__(&self) -> String {
        let Self {
            logins,
            refetches,
            validations,
            revocations,
            store_calls,
            cache_misses,
            errors,
            events_dropped,
        } = self;
        format!(
            "<Stats logins={logins} refetches={refetches} validations={validations} \
             revocations={revocations} store_calls={store_calls} cache_misses={cache_misses} \
             errors={errors} events_dropped={events_dropped}>"
        )
    }
}
