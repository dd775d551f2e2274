//! Counts of what a client did.

use pyo3::prelude::*;

/// What a client has done since it was made.
#[pyclass(frozen, get_all, eq, module = "tokenlease")]
#[derive(PartialEq)]
pub(crate) struct Stats {
    issues: u64,
    refetches: u64,
    verdicts: u64,
    revocations: u64,
    store_calls: u64,
    slow_asks: u64,
    errors: u64,
}

impl From<tokenlease::Stats> for Stats {
    fn from(stats: tokenlease::Stats) -> Self {
        Self {
            issues: stats.issues,
            refetches: stats.refetches,
            verdicts: stats.verdicts,
            revocations: stats.revocations,
            store_calls: stats.store_calls,
            slow_asks: stats.slow_asks,
            errors: stats.errors,
        }
    }
}

#[pymethods]
impl Stats {
    fn __repr__(&self) -> String {
        let Self { issues, refetches, verdicts, revocations, store_calls, slow_asks, errors } =
            self;
        format!(
            "<Stats issues={issues} refetches={refetches} verdicts={verdicts} \
             revocations={revocations} store_calls={store_calls} slow_asks={slow_asks} \
             errors={errors}>"
        )
    }
}
