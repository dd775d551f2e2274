//! Jobs: calls to the server that a caller requests by name, beside any flight. A job validates or
//! revokes one token, this entry's or any other.

use super::{
    Lifecycle, Next,
    effect::{Effect, EffectKind},
    reports::JobId,
    revoke::{Revocation, Revoking},
    validate,
};
use crate::{
    error::{Error, ErrorKind, Result},
    provider::{Answer, Call},
    record::{BackoffReason, change::RecordChange},
    time::{Now, Timestamp},
    token::{Token, TokenFingerprint},
};

/// The result of a job, or of a requested refetch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// Whether the server called the token active.
    Validation(bool),
    /// A token was revoked.
    Revoked(Revocation),
    /// The server returned the running token; it is the current lease now.
    Refetched,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) kind: JobKind,
    pub(super) token: Token,
    pub(super) fingerprint: TokenFingerprint,
    pub(super) is_sent: bool,
    /// The facts that a revocation has of its token.
    pub(super) revoking: Revoking,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobKind {
    Validate,
    /// The validation before a revocation.
    ValidateBefore,
    Revoke,
    /// The validation after a revocation.
    Confirm,
}

impl Lifecycle {
    /// Asks the server whether a token is active. [`take_report`](Self::take_report) has the result.
    ///
    /// # Errors
    /// `Unsupported` if the server has no such call, `Internal` if another job is running.
    pub fn validate(&mut self, token: &Token) -> Result<JobId> {
        if !self.can.validate {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this server has no call that tells whether a token is active",
            )
            .expected("a userinfo or an introspection path")
            .advice("configure one of them, or present the token to an API"));
        }
        let id = self.start_job(JobKind::Validate, token)?;
        // If other processes know the token, an inactive one gets a tombstone. The record shows it.
        let fingerprint = TokenFingerprint::of(&self.key, token);
        let is_current = self.is_current(fingerprint);
        self.store_check_requested |=
            !is_current && self.store.known.history(fingerprint).is_none();
        Ok(id)
    }

    pub(super) fn start_job(&mut self, kind: JobKind, token: &Token) -> Result<JobId> {
        if self.job.is_some() {
            return Err(Error::new(ErrorKind::Internal, "another job of this entry is running")
                .expected("one after the other"));
        }
        let fingerprint = TokenFingerprint::of(&self.key, token);
        let (token, revoking) = (token.clone(), Revoking::default());
        let id = self.reports.start();
        let job = Job { id, kind, token, fingerprint, is_sent: false, revoking };
        self.job = Some(Box::new(job));
        Ok(id)
    }

    /// The job's next step, if it can take one.
    pub(super) fn job_step(&mut self, now: Now) -> Option<Next> {
        let t = now.elapsed;
        // A flight that has the lock goes first.
        if self.flight.as_ref().is_some_and(|flight| flight.locked_until.is_some()) {
            return None;
        }
        // Changes are saved first. A store outage does not stop the job.
        if self.store.has_changes_to_save(t) {
            return None;
        }
        let server = self.store.known.server_backoff;
        let server =
            server.filter(|server| server.reason == BackoffReason::Throttled && server.until > t);
        let job = self.job.as_mut().filter(|job| !job.is_sent)?;
        if let Some(server) = server {
            match job.kind {
                JobKind::Validate => {
                    let error = self.server_backoff_error(server, now);
                    self.finish_job(Err(error));
                    return Some(Next::Again);
                }
                JobKind::ValidateBefore => job.kind = JobKind::Revoke,
                JobKind::Revoke | JobKind::Confirm => {}
            }
        }
        if job.kind == JobKind::ValidateBefore && !self.must_validate_before() {
            self.next_of_job(JobKind::Revoke);
        }
        let job = self.job.as_mut()?;
        job.is_sent = true;
        let token = job.token.clone();
        let call = match job.kind {
            JobKind::Revoke => Call::Revoke(token),
            JobKind::Validate | JobKind::ValidateBefore | JobKind::Confirm => Call::Validate(token),
        };
        Some(Next::Do(Effect::Send(call), EffectKind::Job))
    }

    /// The server answered the job's request that was sent at `sent`, or it did not.
    pub(super) fn job_answered(&mut self, answer: Answer, sent: Timestamp, now: Now) {
        let t = now.elapsed;
        let Some(job) = &self.job else { return };
        let fingerprint = job.fingerprint;
        if matches!(answer, Answer::Active) {
            self.validation_has_worked = true;
        }
        match (job.kind, answer) {
            (JobKind::Validate, Answer::Active) => {
                if self.is_current(fingerprint) {
                    self.confirm_current(sent, t);
                } else if self.is_leased(fingerprint) {
                    let then = self.sent_clocks.wall(sent);
                    self.record_change(RecordChange::Validated { fingerprint, sent, then }, t);
                }
                self.finish_job(Ok(Report::Validation(true)));
            }
            (JobKind::Validate, Answer::Inactive) if self.is_believed(fingerprint, sent) => {
                self.is_inactive(fingerprint, sent, t);
                self.finish_job(Ok(Report::Validation(false)));
            }
            (JobKind::Validate, Answer::Inactive) => {
                self.finish_job(Err(validate::not_believed()));
            }
            (JobKind::Validate, Answer::Failed(error)) => self.finish_job(Err(error)),
            (JobKind::Validate, _) => self.finish_job(Err(Error::new(
                ErrorKind::InvalidResponse,
                "the server's answer belongs to another call than the one that was sent",
            ))),
            (kind, answer) => self.revocation_answered(kind, answer, sent, t),
        }
    }

    /// The job's request can't have reached the server.
    pub(super) fn job_not_sent(&mut self, error: Error, sent: Timestamp, now: Now) {
        let is_revocation = self.job.as_ref().is_some_and(|job| job.kind == JobKind::Revoke);
        let answer = if is_revocation { Answer::NotRevoked(error) } else { Answer::Failed(error) };
        self.job_answered(answer, sent, now);
    }

    /// The job goes on with another request.
    pub(super) fn next_of_job(&mut self, kind: JobKind) {
        if let Some(job) = &mut self.job {
            job.kind = kind;
            job.is_sent = false;
        }
    }

    pub(super) fn finish_job(&mut self, report: Result<Report>) {
        if let Some(job) = self.job.take() {
            self.reports.deliver(job.id, report);
        }
        self.completions += 1;
    }
}
