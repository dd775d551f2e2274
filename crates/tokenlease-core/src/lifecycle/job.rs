//! What callers ask for by name: a validation on any token, and a revocation.

use super::{
    Lifecycle, Next,
    effect::{Effect, EffectKind},
    event::Event,
};
use crate::{
    error::{Error, ErrorKind, Result},
    provider::{Answer, Call},
    record::{BackoffReason, TombstoneCause, change::RecordChange},
    time::{Now, Timestamp},
    token::{Token, TokenFingerprint},
};

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// The provider's word on a token: whether it is active.
    Validation(bool),
    /// A token was revoked.
    Revoked(Revocation),
    /// The provider returned the token in use; it is the lease now.
    Refetched,
}

/// How sure the end of a revoked token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revocation {
    /// The provider said afterwards that the token is not active.
    Proven,
    /// The provider accepted the revocation, which it also does for tokens that it does not end,
    /// and did not say afterwards that it is not active.
    Unproven,
}

/// Dead tokens that no record knows are remembered up to that many.
const MAX_FOREIGN_DEAD: usize = 16;

#[derive(Debug)]
pub(super) struct Job {
    kind: Kind,
    token: Token,
    sent_out: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Validation,
    Revoke,
    Evidence,
}

impl Lifecycle {
    /// Asks the provider whether a token is active; the word comes by [`take_report`].
    ///
    /// [`take_report`]: Self::take_report
    pub fn validate(&mut self, token: &Token) -> Result<()> {
        if !self.can_validate {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this server has no call that tells whether a token is active",
            )
            .expected("a userinfo or an introspection path")
            .advice("configure one of them, or present the token to an API"));
        }
        self.begin(Kind::Validation, token)?;
        // A no is told to the siblings who know the token: whether some do is looked up first.
        let fingerprint = TokenFingerprint::of(&self.key, token);
        let is_held = self.held.as_ref().is_some_and(|held| held.lease.fingerprint == fingerprint);
        self.look_wanted |= !is_held && self.view.known.fate(fingerprint).is_none();
        Ok(())
    }

    /// Revokes a token: it is dead for all who share it from now on, then the provider is told, then
    /// the evidence is asked for. What came of it comes by [`take_report`](Self::take_report).
    pub fn revoke(&mut self, token: &Token, now: Now) -> Result<()> {
        if !self.can_revoke {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this provider, or this configuration, has no revocation",
            )
            .expected("Wyn Enterprise, or an OAuth2 server with a revocation path")
            .advice("`forget` drops the token here and in the store; it ends by itself"));
        }
        self.begin(Kind::Revoke, token)?;
        let fingerprint = TokenFingerprint::of(&self.key, token);
        self.bury(fingerprint, TombstoneCause::Revoked, now.elapsed, now.elapsed);
        Ok(())
    }

    /// Wants the provider's running token, past what memory and store hold; whether it came is told
    /// by [`take_report`](Self::take_report). The caller then asks as usual.
    pub fn refetch_running(&mut self, ask: &super::Ask) -> Result<()> {
        if !self.can_refetch {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this provider has no call that returns the running token",
            )
            .expected("WinKAS Air")
            .advice("ask for a token: one in use is found in the store"));
        }
        self.refetch_wanted = true;
        self.want(ask);
        Ok(())
    }

    /// What came of the last job, once.
    pub fn take_report(&mut self) -> Option<Result<Report>> {
        self.report.take()
    }

    fn begin(&mut self, kind: Kind, token: &Token) -> Result<()> {
        if self.job.is_some() {
            return Err(Error::new(ErrorKind::Internal, "another job of this entry is running")
                .expected("one after the other"));
        }
        self.job = Some(Job { kind, token: token.clone(), sent_out: false });
        self.report = None;
        Ok(())
    }

    pub(super) fn job_step(&mut self, now: Now) -> Option<Next> {
        let t = now.elapsed;
        // A flight that holds the lock goes first.
        if self.flight.as_ref().is_some_and(|flight| flight.lock_until.is_some()) {
            return None;
        }
        // The tombstone first, then the call; a store that is away does not stop it.
        if self.view.has_news(t) {
            return None;
        }
        let hold = self.view.known.hold;
        let job = self.job.as_mut().filter(|job| !job.sent_out)?;
        if let Some(hold) = hold
            && hold.reason == BackoffReason::Throttled
            && hold.until > t
            && job.kind == Kind::Validation
        {
            let error = Error::new(ErrorKind::Throttled, BackoffReason::Throttled.words())
                .with_until(now.wall_at(hold.until));
            self.report(Err(error));
            return Some(Next::On);
        }
        job.sent_out = true;
        let token = job.token.clone();
        let call = match job.kind {
            Kind::Validation | Kind::Evidence => Call::Validate(token),
            Kind::Revoke => Call::Revoke(token),
        };
        Some(Next::Do(Effect::Send(call), EffectKind::Job))
    }

    /// The provider answered a job's call, or did not.
    pub(super) fn job_answered(&mut self, answer: Answer, sent: Timestamp, now: Now) {
        let t = now.elapsed;
        let Some(job) = &mut self.job else { return };
        let kind = job.kind;
        let fingerprint = TokenFingerprint::of(&self.key, &job.token);
        match (kind, answer) {
            (Kind::Validation, Answer::Active) => {
                if let Some(mut held) = self.held.take() {
                    if held.lease.fingerprint == fingerprint {
                        self.confirm(&mut held, sent, t);
                    }
                    self.held = Some(held);
                }
                self.report(Ok(Report::Validation(true)));
            }
            (Kind::Validation, Answer::Inactive) => {
                if self.held.as_ref().is_some_and(|held| held.lease.fingerprint == fingerprint) {
                    self.found_dead(sent, t);
                } else if self.view.known.fate(fingerprint).is_some() {
                    self.bury(fingerprint, TombstoneCause::Inactive, t, t);
                } else {
                    // A stranger: remembered here alone, or it would push out what siblings know.
                    self.foreign_dead.retain(|known| *known != fingerprint);
                    self.foreign_dead.push(fingerprint);
                    let many = self.foreign_dead.len().saturating_sub(MAX_FOREIGN_DEAD);
                    self.foreign_dead.drain(..many);
                }
                self.report(Ok(Report::Validation(false)));
            }
            (Kind::Revoke, Answer::Revoked) if self.can_validate => {
                job.kind = Kind::Evidence;
                job.sent_out = false;
            }
            (Kind::Revoke, Answer::Revoked) | (Kind::Evidence, Answer::Active) => {
                self.report(Ok(Report::Revoked(Revocation::Unproven)));
            }
            (Kind::Evidence, Answer::Inactive) => {
                self.report(Ok(Report::Revoked(Revocation::Proven)));
            }
            (Kind::Evidence, _) => self.report(Ok(Report::Revoked(Revocation::Unproven))),
            (Kind::Revoke, Answer::Failed(error)) => {
                let advice = "the token is not used any more by anyone who shares it, but it may \
                              still be active; revoke it again";
                self.report(Err(error.advice(advice)));
            }
            (_, Answer::Failed(error)) => self.report(Err(error)),
            _ => self.report(Err(Error::new(
                ErrorKind::InvalidResponse,
                "the provider answered another question than was asked",
            ))),
        }
    }

    fn report(&mut self, report: Result<Report>) {
        self.job = None;
        self.completions += 1;
        self.report = Some(report);
    }

    /// Drops this entry's lease here and in the record. Others who hold the token serve it on, but
    /// nobody adopts it any more.
    pub fn forget(&mut self, now: Now) {
        let t = now.elapsed;
        let mine = self.held.take().map(|held| held.lease.fingerprint);
        let theirs = self.view.known.lease(self.credentials).map(|lease| lease.fingerprint);
        let mut known: Vec<_> = mine.into_iter().chain(theirs).collect();
        known.dedup();
        for fingerprint in known {
            self.events.push(Event::Forgotten(fingerprint));
            self.tell(RecordChange::Forgotten { credentials: self.credentials, fingerprint }, t);
        }
    }

    /// A person says that the credentials are right, or that the account was unlocked: circuit,
    /// holds and login_backoff of this entry end, and the next caller is served by a probe.
    pub fn unblock(&mut self, now: Now) {
        if self.circuit_is_open() {
            self.events.push(Event::CircuitClosed);
        }
        self.rest = None;
        self.failures = 0;
        self.misconfigured = None;
        self.rejection = None;
        self.own_backoff = None;
        self.next_refresh = Timestamp::MIN;
        self.tell(RecordChange::Unblocked { credentials: self.credentials }, now.elapsed);
    }

    /// Looks at the store when it is driven next, whatever it knows.
    pub fn look(&mut self) {
        self.look_wanted = true;
    }

    /// Whether siblings have not yet been told of everything.
    pub fn is_unsaved(&self) -> bool {
        self.view.is_unsaved()
    }

    /// Why the store is silent, if it is.
    pub fn store_error(&self) -> Option<&Error> {
        self.view.last_error.as_ref()
    }
}
