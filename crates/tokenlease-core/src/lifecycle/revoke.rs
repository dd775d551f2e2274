//! Revocation (RFC 7009), and its local part: forgetting a token.
//!
//! A revocation has four ends: *revoked, proven*; *revoked, unproven*; *not revoked*, because the server
//! calls the token active afterwards; and *failed*. Servers also accept the revocation of a token that
//! they do not know or do not revoke, so only two validations prove it: active before, and inactive after.
//!
//! The token is shared until the server answered. A rejection proves that nothing was revoked, and the
//! token stays in use: a wrong secret must not cost other processes their token. Any other end takes
//! the token out of use for all processes. After a failed revocation, a login that the server answers with
//! the token shows that it is active, and it is used again.

use super::{
    CurrentLease, Lifecycle,
    event::Event,
    job::{JobKind, Report},
    reports::JobId,
};
use crate::{
    error::{Error, ErrorKind, Result},
    provider::Answer,
    record::{TombstoneCause, change::RecordChange},
    time::{Now, Timestamp},
    token::{Token, TokenFingerprint},
};

/// How certain it is that a revoked token is inactive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revocation {
    /// The token was active before, and the server called it inactive afterwards.
    Proven,
    /// The server accepted the revocation, which servers also do for tokens that they do not know or
    /// do not revoke (RFC 7009 section 2.2). It was not seen that an active token became inactive.
    Unproven,
}

/// The facts that a revocation has of its token.
#[derive(Debug, Default)]
pub(super) struct Revoking {
    /// The store knows the token as live, or the server called it active before the revocation.
    was_active: bool,
    /// The server called the token inactive before the revocation.
    was_inactive: bool,
    /// The lease that no caller gets until the server has confirmed its end.
    set_aside: Option<CurrentLease>,
}

impl Lifecycle {
    /// Revokes a token. The server is asked about it before, unless the store knows it as live, and
    /// afterwards. [`take_report`](Self::take_report) has the result.
    ///
    /// The token stays in use until the server accepts the revocation, and if it refuses it.
    ///
    /// # Errors
    /// `Unsupported` if the server has no revocation, `Internal` if another job is running.
    pub fn revoke(&mut self, token: &Token) -> Result<JobId> {
        if !self.can.revoke {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this provider, or this configuration, has no revocation",
            )
            .expected("Wyn Enterprise, or an OAuth2 server with a revocation path")
            .advice("`forget` drops the token here and in the store; it expires by itself"));
        }
        let id = self.start_job(JobKind::ValidateBefore, token)?;
        let fingerprint = TokenFingerprint::of(&self.key, token);
        self.store_check_requested |=
            !self.is_current(fingerprint) && self.store.known.history(fingerprint).is_none();
        Ok(id)
    }

    /// Whether the server must be asked about the token before its revocation. Not if the store knows
    /// the token as live, and the server's validations have worked before.
    pub(super) fn must_validate_before(&mut self) -> bool {
        let Some(job) = &self.job else { return false };
        let is_live = self.is_current(job.fingerprint) || self.is_leased(job.fingerprint);
        if let Some(job) = &mut self.job {
            job.revoking.was_active = is_live && self.validation_has_worked;
        }
        self.can.validate && !(is_live && self.validation_has_worked)
    }

    /// Whether the record has a lease with that token, and nothing against it.
    pub(super) fn is_leased(&self, fingerprint: TokenFingerprint) -> bool {
        let known = &self.store.known;
        known.leases.iter().any(|entry| entry.lease.fingerprint == fingerprint)
            && known.tombstone(fingerprint).is_none()
    }

    /// Whether the server accepted the revocation of the token, and is asked whether it is inactive.
    /// No caller gets the token until it has answered.
    pub(super) fn is_being_confirmed(&self, fingerprint: TokenFingerprint) -> bool {
        let job = self.job.as_ref().filter(|job| job.kind == JobKind::Confirm);
        job.is_some_and(|job| job.fingerprint == fingerprint)
    }

    /// Whether a flight waits, because its token may be in use again in a moment.
    pub(super) fn flights_wait_for_revocation(&self) -> bool {
        let job = self.job.as_ref().filter(|job| job.kind == JobKind::Confirm);
        job.is_some_and(|job| job.revoking.set_aside.is_some())
    }

    /// The server answered a request of a revocation.
    pub(super) fn revocation_answered(
        &mut self,
        kind: JobKind,
        answer: Answer,
        sent: Timestamp,
        t: Timestamp,
    ) {
        let Some(job) = &mut self.job else { return };
        let fingerprint = job.fingerprint;
        match (kind, answer) {
            (JobKind::ValidateBefore, answer) => {
                job.revoking.was_active = matches!(answer, Answer::Active);
                job.revoking.was_inactive = matches!(answer, Answer::Inactive);
                self.next_of_job(JobKind::Revoke);
            }
            (JobKind::Revoke, Answer::Revoked) if self.can.validate => {
                let is_it = |current: &mut CurrentLease| current.lease.fingerprint == fingerprint;
                job.revoking.set_aside = self.current.take_if(is_it);
                self.next_of_job(JobKind::Confirm);
            }
            (JobKind::Revoke, Answer::NotRevoked(error)) => {
                let error = error.within("nothing was revoked, and the token stays in use");
                self.finish_job(Err(error));
            }
            (JobKind::Confirm, Answer::Inactive) => {
                let was_active = job.revoking.was_active;
                self.revoked(if was_active { Revocation::Proven } else { Revocation::Unproven }, t);
            }
            (JobKind::Confirm, Answer::Active) => self.not_revoked(sent, t),
            // Nothing can confirm it.
            (JobKind::Revoke, Answer::Revoked) | (JobKind::Confirm, _) => {
                self.revoked(Revocation::Unproven, t);
            }
            (_, Answer::Failed(error)) => {
                self.end_revoked(TombstoneCause::RevocationFailed, t);
                let error = error.within("the token is not used any more, but it may be active");
                self.finish_job(Err(error.advice("revoke it again")));
            }
            (_, _) => {
                self.end_revoked(TombstoneCause::RevocationFailed, t);
                self.finish_job(Err(Error::new(
                    ErrorKind::InvalidResponse,
                    "the server's answer belongs to another call than the one that was sent",
                )));
            }
        }
    }

    fn revoked(&mut self, revocation: Revocation, t: Timestamp) {
        self.end_revoked(TombstoneCause::Revoked, t);
        self.finish_job(Ok(Report::Revoked(revocation)));
    }

    /// Takes the token out of use, for all processes that may have it.
    fn end_revoked(&mut self, cause: TombstoneCause, t: Timestamp) {
        let Some(job) = &self.job else { return };
        let fingerprint = job.fingerprint;
        if job.revoking.was_inactive && self.store.known.history(fingerprint).is_none() {
            // Not recorded: it could push out the tombstone of a token that other processes use.
            self.remember_ended(fingerprint, Some(cause), t);
        } else {
            self.record_end(fingerprint, cause, t, t);
        }
    }

    /// The server accepted the revocation, and called the token active in answer to a request sent at
    /// `sent`: it stays in use.
    fn not_revoked(&mut self, sent: Timestamp, t: Timestamp) {
        let set_aside = self.job.as_mut().and_then(|job| job.revoking.set_aside.take());
        let known = &self.store.known;
        if let Some(current) = set_aside
            && self.current.is_none()
            && !self.circuit_stops_serving()
            && known.is_usable(&current.lease, t)
        {
            self.current = Some(current);
            self.confirm_current(sent, t);
        }
        let error = Error::new(
            ErrorKind::NotRevoked,
            "the server accepted the revocation, but it calls the token active afterwards, so the token \
             stays in use",
        )
        .expected("an inactive token")
        .advice("use the client that received the token; some servers ignore any other");
        self.finish_job(Err(error));
    }

    /// Drops this entry's lease here and in the record, without revoking it. Other processes that
    /// have the token go on using it, but none adopts it any more.
    pub fn forget(&mut self, now: Now) {
        let t = now.elapsed;
        let credentials = self.holder;
        let current = self.current.take().map(|current| current.lease.fingerprint);
        let stored = self.store.known.lease(credentials).map(|lease| lease.fingerprint);
        let mut known: Vec<_> = current.into_iter().chain(stored).collect();
        known.dedup();
        for fingerprint in known {
            self.events.push(Event::Forgotten(fingerprint));
            self.record_change(RecordChange::Forgotten { credentials, fingerprint }, t);
        }
    }
}
