//! Jobs: calls to the server that a caller requests by name, beside any flight. A job validates or
//! revokes one token, this entry's or any other.

use super::{
    Lifecycle, Next,
    effect::{Effect, EffectKind},
};
use crate::{
    error::{Error, ErrorKind, Result},
    provider::{Answer, Call},
    record::BackoffReason,
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

/// How certain it is that a revoked token is inactive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revocation {
    /// The server called the token inactive afterwards.
    Proven,
    /// The server accepted the revocation, which servers also do for tokens that they do not revoke
    /// (RFC 7009 section 2.2), and did not call the token inactive afterwards.
    Unproven,
}

#[derive(Debug)]
pub(super) struct Job {
    kind: JobKind,
    token: Token,
    is_sent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobKind {
    Validate,
    Revoke,
    /// The validation after a revocation.
    Confirm,
}

impl Lifecycle {
    /// Asks the server whether a token is active. [`take_report`](Self::take_report) has the result.
    ///
    /// # Errors
    /// `Unsupported` if the server has no such call, `Internal` if another job is running.
    pub fn validate(&mut self, token: &Token) -> Result<()> {
        if !self.can.validate {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this server has no call that tells whether a token is active",
            )
            .expected("a userinfo or an introspection path")
            .advice("configure one of them, or present the token to an API"));
        }
        self.start_job(JobKind::Validate, token)?;
        // If other processes know the token, an inactive one gets a tombstone. The record shows it.
        let fingerprint = TokenFingerprint::of(&self.key, token);
        let is_current = self.is_current(fingerprint);
        self.store_check_requested |=
            !is_current && self.store.known.history(fingerprint).is_none();
        Ok(())
    }

    /// Returns the result of the last job or requested refetch, once.
    pub fn take_report(&mut self) -> Option<Result<Report>> {
        self.report.take()
    }

    pub(super) fn start_job(&mut self, kind: JobKind, token: &Token) -> Result<()> {
        if self.job.is_some() {
            return Err(Error::new(ErrorKind::Internal, "another job of this entry is running")
                .expected("one after the other"));
        }
        self.job = Some(Job { kind, token: token.clone(), is_sent: false });
        self.report = None;
        Ok(())
    }

    /// The job's next step, if it can take one.
    pub(super) fn job_step(&mut self, now: Now) -> Option<Next> {
        let t = now.elapsed;
        // A flight that has the lock goes first.
        if self.flight.as_ref().is_some_and(|flight| flight.locked_until.is_some()) {
            return None;
        }
        // A tombstone is saved before the revocation is sent. A store outage does not stop it.
        if self.store.has_changes_to_save(t) {
            return None;
        }
        let server = self.store.known.server_backoff;
        let job = self.job.as_mut().filter(|job| !job.is_sent)?;
        if let Some(server) = server
            && server.reason == BackoffReason::Throttled
            && server.until > t
            && job.kind == JobKind::Validate
        {
            let error = Error::new(ErrorKind::Throttled, BackoffReason::Throttled.description())
                .with_until(now.wall_at(server.until));
            self.finish_job(Err(error));
            return Some(Next::Again);
        }
        job.is_sent = true;
        let token = job.token.clone();
        let call = match job.kind {
            JobKind::Validate | JobKind::Confirm => Call::Validate(token),
            JobKind::Revoke => Call::Revoke(token),
        };
        Some(Next::Do(Effect::Send(call), EffectKind::Job))
    }

    /// The server answered the job's request that was sent at `sent`, or it did not.
    pub(super) fn job_answered(&mut self, answer: Answer, sent: Timestamp, now: Now) {
        let t = now.elapsed;
        let Some(job) = &mut self.job else { return };
        let fingerprint = TokenFingerprint::of(&self.key, &job.token);
        match (job.kind, answer) {
            (JobKind::Validate, Answer::Active) => {
                if self.is_current(fingerprint) {
                    self.confirm_current(sent, t);
                }
                self.finish_job(Ok(Report::Validation(true)));
            }
            (JobKind::Validate, Answer::Inactive) => {
                self.is_inactive(fingerprint, sent, t);
                self.finish_job(Ok(Report::Validation(false)));
            }
            (JobKind::Revoke, Answer::Revoked) if self.can.validate => {
                job.kind = JobKind::Confirm;
                job.is_sent = false;
            }
            (JobKind::Confirm, Answer::Inactive) => {
                self.finish_job(Ok(Report::Revoked(Revocation::Proven)));
            }
            (JobKind::Revoke, Answer::Revoked) | (JobKind::Confirm, _) => {
                self.finish_job(Ok(Report::Revoked(Revocation::Unproven)));
            }
            (JobKind::Revoke, Answer::Failed(error)) => {
                let advice = "no process that shares the token uses it any more, but it may still \
                              be active; revoke it again";
                self.finish_job(Err(error.advice(advice)));
            }
            (_, Answer::Failed(error)) => self.finish_job(Err(error)),
            _ => self.finish_job(Err(Error::new(
                ErrorKind::InvalidResponse,
                "the server's answer belongs to another call than the one that was sent",
            ))),
        }
    }

    fn finish_job(&mut self, report: Result<Report>) {
        self.job = None;
        self.completions += 1;
        self.report = Some(report);
    }
}
