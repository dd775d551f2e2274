//! What comes of an effect: the answers of the store and of the provider, their silence, and what comes
//! late.

use std::time::Duration;

use super::{
    Lifecycle, Next,
    effect::{EffectKind, Outcome},
    flight::Stage,
};
use crate::{
    backoff,
    error::{Error, ErrorKind},
    provider::Answer,
    time::{Moment as _, Now, Timestamp},
};

/// A failed load is tried again after that.
const LOAD_AGAIN: Duration = Duration::from_millis(300);
/// A load inside the lock is tried that often.
const TRIES: u8 = 3;

impl Lifecycle {
    pub(super) fn arrived(
        &mut self,
        what: EffectKind,
        outcome: Outcome,
        sent: Timestamp,
        now: Now,
    ) {
        let t = now.elapsed;
        match outcome {
            Outcome::Loaded { stored, now: store_now }
            | Outcome::Conflict { stored, now: store_now } => {
                self.absorb(stored, store_now, sent, t);
                if what == EffectKind::Load {
                    self.looked(t);
                } else {
                    self.conflicted(t);
                }
            }
            Outcome::Saved { revision, now: store_now } => self.saved(revision, store_now, sent, t),
            Outcome::Locked => {
                self.view.answered();
                self.locked(sent);
            }
            Outcome::Busy => {
                self.view.answered();
                self.busy(t);
            }
            Outcome::Unlocked => self.view.answered(),
            Outcome::Answered(answer) => self.answered(what, answer, sent, now),
            Outcome::NotSent(error) => self.unanswered(what, error, false, sent, now),
            Outcome::Lost(error) => self.unanswered(what, error, true, sent, now),
            Outcome::Failed(error) => {
                self.store_failed(what, error, t);
                self.store_silent(what, t);
            }
            Outcome::Unreadable(error) => {
                self.store_unreadable(error, t);
                self.store_silent(what, t);
            }
        }
    }

    /// A look at the record came back.
    pub(super) fn looked(&mut self, t: Timestamp) {
        let Some(stage) = self.flight.as_ref().map(|flight| flight.stage) else { return };
        match stage {
            Stage::Look => self.go(Stage::Decide),
            Stage::Inside => self.go(Stage::Choose),
            Stage::Peek => match self.settled_by_peer(t) {
                Some(landed) => landed,
                None if self.circuit_is_open() => self.go(Stage::Decide),
                None => self.go(Stage::Lock),
            },
            _ => Next::On,
        };
    }

    pub(super) fn locked(&mut self, sent: Timestamp) {
        let life = self.policy.lock_ttl;
        if let Some(flight) = &mut self.flight {
            flight.lock_until = Some(sent.plus(life));
            if flight.stage == Stage::Lock {
                flight.tries = 0;
                flight.stage = Stage::Inside;
            }
        }
    }

    pub(super) fn busy(&mut self, t: Timestamp) {
        let jitter = self.draw();
        let demand = self.demand_now(t);
        let served = self.held.as_ref().is_some_and(|held| self.may_serve(held, &demand, t));
        let Some(flight) = &mut self.flight else { return };
        flight.tries = 0;
        match flight.stage {
            // Somebody else refreshes; the old lease serves meanwhile.
            Stage::Lock if served && flight.refreshing => {
                self.next_refresh = t.plus(Duration::from_secs(5));
                self.land(Ok(()));
            }
            Stage::Lock => {
                flight.gave_back = false;
                flight.pause_until = t.plus(backoff::lock_slice(t.since(flight.began), jitter));
                flight.stage = Stage::Peek;
            }
            // A late answer ended the flight meanwhile: it needs no lock any more.
            Stage::Landing | Stage::Landed => flight.lock_until = None,
            // The lock was lost while it was to be renewed: begin anew.
            _ => {
                flight.lock_until = None;
                flight.stage = Stage::Lock;
            }
        }
    }

    /// A store effect failed: again, or on without the store.
    pub(super) fn store_silent(&mut self, what: EffectKind, t: Timestamp) {
        let demand = self.demand_now(t);
        let served = self.held.as_ref().is_some_and(|held| self.may_serve(held, &demand, t));
        let away = self.view.is_away(t);
        let error = self.view.last_error.clone();
        let Some(flight) = &mut self.flight else { return };
        flight.tries = flight.tries.saturating_add(1);
        match (what, flight.stage) {
            // Memory answers if the store is silent.
            (EffectKind::Load, Stage::Look) if served => {
                self.land(Ok(()));
            }
            (EffectKind::Load, Stage::Look) if away => {
                flight.storeless = true;
                flight.stage = Stage::Decide;
            }
            (EffectKind::Load, Stage::Look) => flight.pause_until = t.plus(LOAD_AGAIN),
            (EffectKind::Load, Stage::Peek) => flight.stage = Stage::Lock,
            // Not read, not decided.
            (EffectKind::Load, Stage::Inside) if away || flight.tries >= TRIES => {
                let error = error.unwrap_or_else(|| {
                    Error::new(ErrorKind::Store, "the record could not be read inside the lock")
                });
                self.fail(t, error, t);
            }
            (EffectKind::Lock, Stage::Lock) => {
                flight.maybe_locked = true;
                flight.pause_until = t.plus(Duration::from_millis(100));
            }
            (EffectKind::Renew, _) => {
                let error = error.unwrap_or_else(|| {
                    Error::new(ErrorKind::Store, "the lock could not be renewed")
                });
                self.fail(t, error, t);
            }
            _ => {}
        }
    }

    pub(super) fn answered(&mut self, what: EffectKind, answer: Answer, sent: Timestamp, now: Now) {
        let t = now.elapsed;
        match (what, answer) {
            (EffectKind::Job, answer) => self.job_answered(answer, sent, now),
            (EffectKind::Validate, answer) => self.validation(answer, sent, now),
            (_, Answer::Token(granted)) => self.granted(what, &granted, sent, t),
            (EffectKind::Refetch, Answer::NoToken(_)) => self.no_token(t),
            (_, Answer::Failed(error)) => self.turned_down(what, &error, now),
            (_, _) => {
                let error = Error::new(
                    ErrorKind::InvalidResponse,
                    "the provider answered another question than was asked",
                );
                self.turned_down(what, &error, now);
            }
        }
    }

    /// No answer came to a call.
    pub(super) fn unanswered(
        &mut self,
        what: EffectKind,
        error: Error,
        sent: bool,
        at: Timestamp,
        now: Now,
    ) {
        match what {
            EffectKind::Job => self.job_answered(Answer::Failed(error), at, now),
            // It failed on this side, before it was sent: sending again would fail alike.
            _ if !sent && !error.is_retryable() => {
                self.fail(now.elapsed, error, now.elapsed);
            }
            EffectKind::Validate => self.validation_inconclusive(Some(error), now),
            _ => self.inconclusive(what, error, sent, now.elapsed),
        }
    }

    /// What came back after its receipt was given up.
    pub(super) fn late(&mut self, what: EffectKind, outcome: Outcome, sent: Timestamp, now: Now) {
        match outcome {
            Outcome::Answered(answer)
                if matches!(what, EffectKind::Login | EffectKind::Refetch) =>
            {
                self.late_answer(what, answer, sent, now);
                // If that ends the flight, what it still asks the provider is of no use to it.
                if self.flight.as_ref().is_some_and(|flight| flight.stage == Stage::Landing) {
                    self.outstanding.take_if(|current| {
                        matches!(
                            current.what,
                            EffectKind::Login | EffectKind::Refetch | EffectKind::Validate
                        )
                    });
                }
            }
            // A lock that nobody waits for any more is given back.
            Outcome::Locked => match &mut self.flight {
                Some(flight) => {
                    flight.maybe_locked = true;
                    flight.gave_back = false;
                }
                None => self.stray_lock = true,
            },
            _ => {}
        }
    }
}
