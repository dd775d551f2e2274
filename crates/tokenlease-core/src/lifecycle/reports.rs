//! The reports of jobs and requested refetches: each belongs to the call that started it.
//!
//! A caller may be cancelled at any time. A request that was sent is completed, and its answer counts
//! for the entry, but its report is dropped: no later call gets it.

use super::{
    Lifecycle,
    job::{JobKind, Report},
};
use crate::error::Result;

/// Identifies a job or a requested refetch, for the caller that started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobId(u64);

/// The report that a caller waits for: that of the last job or requested refetch.
#[derive(Debug, Default)]
pub(super) struct Reports {
    last: u64,
    awaited: Option<JobId>,
    report: Option<Result<Report>>,
}

impl Reports {
    /// Makes the id of a new job, whose report is awaited from now on.
    pub(super) fn start(&mut self) -> JobId {
        self.last += 1;
        let id = JobId(self.last);
        *self = Self { last: self.last, awaited: Some(id), report: None };
        id
    }

    /// Whether a caller has yet to take its report.
    pub(super) fn has_report(&self) -> bool {
        self.report.is_some()
    }

    /// Keeps the report for its caller, if it still waits.
    pub(super) fn deliver(&mut self, id: JobId, report: Result<Report>) {
        if self.awaited == Some(id) {
            self.report = Some(report);
        }
    }
}

impl Lifecycle {
    /// Returns the report of that job or requested refetch, once. A newer job or requested refetch
    /// drops the reports of older ones.
    pub fn take_report(&mut self, id: JobId) -> Option<Result<Report>> {
        if self.reports.awaited == Some(id) { self.reports.report.take() } else { None }
    }

    /// The caller of that job or requested refetch waits no longer. A request that was not sent
    /// is withdrawn, unless it confirms a revocation that the server accepted.
    pub fn abandon(&mut self, id: JobId) {
        if self.reports.awaited == Some(id) {
            self.reports.awaited = None;
            self.reports.report = None;
        }
        self.refetch_requested.take_if(|requested| requested.id == id);
        let unsent =
            |job: &mut super::Job| job.id == id && job.kind != JobKind::Confirm && !job.is_sent;
        if self.job.take_if(|job| unsent(job)).is_some() {
            self.completions += 1;
        }
    }

    /// Whether a job is under way, also one that its caller has abandoned. Another one can be started
    /// after it.
    pub fn has_job(&self) -> bool {
        self.job.is_some()
    }
}
