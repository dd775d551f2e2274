//! The identity's lock: who may send credentials, and how a lock is released for certain.
//!
//! Each time the lock is released, the next lock is taken under a new name, the lock epoch. So an
//! unlock that arrives late, or twice, releases no later lock. A lock whose unlock was not answered
//! may still be held: it is released again before the next lock is taken.

use std::time::Duration;

use super::{
    Lifecycle, Next,
    caller::BACKGROUND_WAIT,
    effect::{Effect, EffectKind, Outcome, Receipt},
    flight::Flight,
    machine::{Progress, Stage},
};
use crate::{
    backoff,
    error::{Error, ErrorKind},
    time::{Moment as _, Timestamp},
};

/// When a refresh is tried again that found another process refreshing.
const PEER_REFRESHES: Duration = Duration::from_secs(5);

/// The locks of this process, beyond the one of the flight.
#[derive(Debug, Default)]
pub(super) struct Lock {
    /// The name under which the lock is taken: a new one after each unlock.
    pub(super) epoch: u64,
    /// An epoch whose lock may still be held.
    pub(super) unreleased: Option<u64>,
    /// A lock was granted that no flight waits for.
    pub(super) is_stray: bool,
}

impl Lifecycle {
    /// The stage `Lock`.
    pub(super) fn take_lock(&mut self, t: Timestamp) -> Next {
        let Some(flight) = &mut self.flight else { return Next::Done };
        if flight.without_store || self.store.is_unavailable(t) {
            flight.without_store = true;
            return self.progress(Progress::StoreUnavailable);
        }
        let deadline = self
            .demand
            .map_or_else(|| flight.began.plus(BACKGROUND_WAIT), |demand| demand.deadline);
        if t >= deadline {
            let error = "another process was still getting the token";
            return self.complete(Err(Error::new(ErrorKind::DeadlineExceeded, error)));
        }
        if self.lock.unreleased.is_some() && !flight.released_earlier_lock {
            flight.released_earlier_lock = true;
            return Next::Do(Effect::Unlock, EffectKind::UnlockEarlier);
        }
        Next::Do(Effect::Lock { ttl: self.policy.lock_ttl }, EffectKind::Lock)
    }

    /// Takes the lock instead of sending credentials without it, if the store has answered again.
    pub(super) fn lock_after_outage(&mut self) -> Option<Next> {
        let in_outage = self.store.is_in_outage();
        let flight = self.flight.as_mut().filter(|flight| flight.without_store && !in_outage)?;
        flight.without_store = false;
        Some(self.progress(Progress::LockLost))
    }

    /// The step that releases the lock of a flight that ends, once. The next flight begins after it.
    pub(super) fn release_lock(flight: &mut Flight) -> Next {
        let was_locked = flight.locked_until.take().is_some();
        if std::mem::take(&mut flight.maybe_locked) || was_locked {
            Next::Do(Effect::Unlock, EffectKind::Unlock)
        } else {
            Next::Again
        }
    }

    /// A lock that no flight waits for is to be released.
    pub(super) fn release_stray_lock(&mut self) -> Option<Next> {
        std::mem::take(&mut self.lock.is_stray).then(|| {
            let is_earlier = self.lock.unreleased.is_some();
            let kind = if is_earlier { EffectKind::UnlockEarlier } else { EffectKind::Unlock };
            Next::Do(Effect::Unlock, kind)
        })
    }

    /// The epoch that an effect belongs to. An unlock ends the current one.
    pub(super) fn lock_epoch_of(&mut self, kind: EffectKind) -> u64 {
        let earlier = self.lock.unreleased.filter(|_| kind == EffectKind::UnlockEarlier);
        let epoch = earlier.unwrap_or(self.lock.epoch);
        if kind == EffectKind::Unlock {
            // Until the unlock is answered, the lock may still be held.
            self.lock.unreleased = Some(self.lock.epoch);
            self.lock.epoch = self.lock.epoch.wrapping_add(1);
        }
        epoch
    }

    /// An unlock was answered.
    pub(super) fn note_unlock(&mut self, receipt: &Receipt, outcome: &Outcome) {
        if matches!(outcome, Outcome::Unlocked) {
            self.lock.unreleased.take_if(|unreleased| *unreleased == receipt.lock_epoch);
        }
    }

    /// A lock was granted after its receipt was given up. If its epoch has ended, its unlock is to be
    /// sent again.
    pub(super) fn note_late_lock(&mut self, receipt: &Receipt, outcome: &Outcome) {
        if matches!(outcome, Outcome::Locked) && receipt.lock_epoch != self.lock.epoch {
            self.lock.unreleased = Some(receipt.lock_epoch);
        }
    }

    /// The lock was granted or renewed, by a request sent at `sent`.
    pub(super) fn locked(&mut self, sent: Timestamp) {
        let ttl = self.policy.lock_ttl;
        if let Some(flight) = &mut self.flight {
            flight.locked_until = Some(sent.plus(ttl));
        }
        self.progress(Progress::Locked);
    }

    /// A lock was granted that nobody waits for any more: it is released.
    pub(super) fn locked_late(&mut self) {
        match &mut self.flight {
            Some(flight) => {
                flight.maybe_locked = true;
                flight.released_earlier_lock = false;
            }
            None => self.lock.is_stray = true,
        }
    }

    /// Another process has the lock.
    pub(super) fn busy(&mut self, t: Timestamp) {
        let jitter = self.draw();
        let demand = self.demand_now(t);
        let serves = self.current.as_ref().is_some_and(|lease| self.may_serve(lease, &demand, t));
        let Some(flight) = &mut self.flight else { return };
        flight.tries = 0;
        match flight.stage {
            // Another process refreshes; the current lease serves meanwhile.
            Stage::Lock if serves && flight.refreshing => {
                self.delay_refresh(t.plus(PEER_REFRESHES));
                self.complete(Ok(()));
            }
            Stage::Lock => {
                flight.released_earlier_lock = false;
                flight.pause_until = t.plus(backoff::lock_slice(t.since(flight.began), jitter));
                self.progress(Progress::Busy);
            }
            // A late answer completed the flight meanwhile: it needs no lock any more.
            Stage::Complete => flight.locked_until = None,
            // The lock was lost before it could be renewed: start again.
            _ => {
                flight.locked_until = None;
                self.progress(Progress::LockLost);
            }
        }
    }
}
