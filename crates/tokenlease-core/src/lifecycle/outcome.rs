//! The outcomes of effects: what the store and the server answered, that they did not, and what
//! arrived late.

use std::time::Duration;

use super::{
    Lifecycle,
    effect::{EffectKind, Outcome, Receipt},
    event::Event,
    machine::{Progress, Stage},
};
use crate::{
    error::{Error, ErrorKind},
    provider::Answer,
    time::{Moment as _, Now, Timestamp},
};

/// A failed read at the beginning of a flight is tried again after this time.
const READ_AGAIN: Duration = Duration::from_millis(300);
/// A lock that was not answered is requested again after this time.
const LOCK_AGAIN: Duration = Duration::from_millis(100);
/// This many reads under the lock are tried.
const TRIES: u8 = 3;

impl Lifecycle {
    /// The outcome of the outstanding effect, which was sent at `sent`.
    pub(super) fn arrived(
        &mut self,
        kind: EffectKind,
        outcome: Outcome,
        sent: Timestamp,
        now: Now,
    ) {
        let t = now.elapsed;
        match outcome {
            Outcome::Loaded { stored, now: store_now }
            | Outcome::Conflict { stored, now: store_now } => {
                self.take_record(stored, store_now, sent, t);
                if kind == EffectKind::Load {
                    self.record_read(t);
                } else {
                    self.save_conflicted(t);
                }
            }
            Outcome::Saved { revision, now: store_now } => self.saved(revision, store_now, sent, t),
            Outcome::Locked => {
                self.store.answered();
                self.locked(sent);
            }
            Outcome::Busy => {
                self.store.answered();
                self.busy(t);
            }
            Outcome::Unlocked => self.store.answered(),
            Outcome::Answered(answer) => self.answered(kind, answer, sent, now),
            Outcome::NotSent(error) => self.unanswered(kind, error, false, sent, now),
            Outcome::Lost(error) => self.unanswered(kind, error, true, sent, now),
            Outcome::Failed(error) => {
                self.store_failed(kind, error, t);
                self.flight_without_store_answer(kind, t);
            }
            Outcome::Rejected(error) => {
                self.store_blocks(Event::StoreRejected, error, t);
                self.flight_without_store_answer(kind, t);
            }
            Outcome::Unreadable(error) => {
                self.store_blocks(Event::RecordUnreadable, error, t);
                self.flight_without_store_answer(kind, t);
            }
        }
    }

    /// An outcome that arrived after its receipt was given up.
    pub(super) fn arrived_late(&mut self, receipt: &Receipt, outcome: Outcome, now: Now) {
        let Receipt { kind, sent, token, .. } = *receipt;
        match outcome {
            Outcome::Answered(Answer::Inactive) => {
                if let Some(token) = token {
                    self.is_inactive(token, sent, now.elapsed);
                }
            }
            Outcome::Answered(answer)
                if matches!(kind, EffectKind::Login | EffectKind::Refetch) =>
            {
                self.late_answer(kind, answer, sent, now);
                // If that completes the flight, it needs no answer of the server any more.
                if self.flight.as_ref().is_some_and(|flight| flight.stage == Stage::Complete) {
                    self.outstanding.take_if(|current| {
                        matches!(
                            current.kind,
                            EffectKind::Login | EffectKind::Refetch | EffectKind::Validate
                        )
                    });
                }
            }
            Outcome::Locked => self.locked_late(),
            _ => {}
        }
    }

    fn record_read(&mut self, t: Timestamp) {
        let Some(stage) = self.flight.as_ref().map(|flight| flight.stage) else { return };
        if stage == Stage::WaitForLock && self.peer_serves(t) {
            self.complete(Ok(()));
            return;
        }
        if stage == Stage::WaitForLock && self.circuit_is_open() {
            self.progress(Progress::CircuitOpened);
            return;
        }
        self.progress(Progress::RecordRead);
    }

    /// The store did not answer the flight, which tries again or goes on without it.
    fn flight_without_store_answer(&mut self, kind: EffectKind, t: Timestamp) {
        let demand = self.demand_now(t);
        let serves = self.current.as_ref().is_some_and(|lease| self.may_serve(lease, &demand, t));
        let in_outage = self.store.is_unavailable(t);
        let error = self.store.last_error.clone();
        let error = |detail| error.unwrap_or_else(|| Error::new(ErrorKind::Store, detail));
        let Some(flight) = &mut self.flight else { return };
        if kind == EffectKind::Save
            || matches!(flight.stage, Stage::Refetch | Stage::Login) && kind == EffectKind::Load
        {
            // A save or a read between two requests is not a try of the stage.
            return;
        }
        flight.tries = flight.tries.saturating_add(1);
        match (kind, flight.stage) {
            (EffectKind::Load, Stage::ReadStore) if serves => {
                self.complete(Ok(()));
            }
            (EffectKind::Load, Stage::ReadStore) if in_outage => {
                flight.without_store = true;
                self.progress(Progress::StoreUnavailable);
            }
            (EffectKind::Load, Stage::ReadStore) => flight.pause_until = t.plus(READ_AGAIN),
            (EffectKind::Load, Stage::WaitForLock) => {
                self.progress(Progress::StoreUnavailable);
            }
            // Without the record nothing may be decided.
            (EffectKind::Load, Stage::ReadLocked) if in_outage || flight.tries >= TRIES => {
                self.fail(t, error("the record could not be read under the lock"), t);
            }
            // A rejected lock was not granted, and is not requested again.
            (EffectKind::Lock, Stage::Lock) if self.store.blocked().is_some() => {}
            (EffectKind::Lock, Stage::Lock) => {
                flight.maybe_locked = true;
                flight.pause_until = t.plus(LOCK_AGAIN);
            }
            (EffectKind::Renew, _) => {
                self.fail(t, error("the lock could not be renewed"), t);
            }
            _ => {}
        }
    }

    /// The server answered a request.
    fn answered(&mut self, kind: EffectKind, answer: Answer, sent: Timestamp, now: Now) {
        let t = now.elapsed;
        match (kind, answer) {
            (EffectKind::Job, answer) => self.job_answered(answer, sent, now),
            (EffectKind::Validate, answer) => self.validated(answer, sent, now),
            (_, Answer::Token(granted)) => self.granted(kind, &granted, sent, t),
            (EffectKind::Refetch, Answer::NoToken(_)) => self.no_token(t),
            (_, Answer::Failed(error)) => self.answered_with_error(kind, &error, now),
            (_, _) => {
                let error = Error::new(
                    ErrorKind::InvalidResponse,
                    "the server's answer belongs to another call than the one that was sent",
                );
                self.answered_with_error(kind, &error, now);
            }
        }
    }

    /// The server did not answer a request. `is_sent`: it may have reached the server.
    fn unanswered(
        &mut self,
        kind: EffectKind,
        error: Error,
        is_sent: bool,
        sent: Timestamp,
        now: Now,
    ) {
        let takes_credentials = !matches!(kind, EffectKind::Job | EffectKind::Validate);
        if let Some(until) = error.until().filter(|_| !is_sent && takes_credentials) {
            // Nothing was sent, because the discovery document can't be had before that time.
            let left = until.0.saturating_sub(now.wall.0).max(0).unsigned_abs();
            let not_before = now.elapsed.plus(Duration::from_millis(left));
            self.fail(not_before, error, now.elapsed);
            return;
        }
        match kind {
            EffectKind::Job if is_sent => self.job_answered(Answer::Failed(error), sent, now),
            EffectKind::Job => self.job_not_sent(error, sent, now),
            // It failed on this side, before it was sent: sending it again would fail alike.
            _ if !is_sent && !error.is_retryable() => {
                self.fail(now.elapsed, error, now.elapsed);
            }
            EffectKind::Validate => self.validation_inconclusive(Some(error), now),
            _ => self.inconclusive(kind, error, is_sent, now.elapsed),
        }
    }
}
