//! A flight: one attempt to get a lease, which all callers of the entry wait for together.
//!
//! [`machine`](super::machine) has its stages. This file has what each stage does that needs no
//! server, and the flight's end.

use super::{
    CurrentLease, Lifecycle, Next, caller,
    caller::{Ask, BACKGROUND_WAIT},
    effect::{Effect, EffectKind},
    fuse::Fuse,
    job::Report,
    machine::{Progress, Stage, next},
    reports::JobId,
};
use crate::{
    error::{Error, ErrorKind, Result},
    expiry::Freshness,
    lease::Source,
    time::{Moment as _, Now, Timestamp},
    token::TokenFingerprint,
};

/// One attempt to get a lease.
#[expect(clippy::struct_excessive_bools, reason = "facts of one attempt, each set by one step")]
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) stage: Stage,
    /// The current lease may be served meanwhile.
    pub(super) refreshing: bool,
    /// A caller wants the server's running token, not just any.
    pub(super) refetch_only: bool,
    /// The requested refetch that the flight is.
    refetch: Option<JobId>,
    pub(super) began: Timestamp,
    pub(super) pause_until: Timestamp,
    /// The token that the flight set out to replace.
    pub(super) replacing: Option<TokenFingerprint>,
    /// The store is unavailable, and the flight goes on without it.
    pub(super) without_store: bool,
    pub(super) locked_until: Option<Timestamp>,
    /// The lock may be ours although no answer said so.
    pub(super) maybe_locked: bool,
    /// Failed effects of the current stage.
    pub(super) tries: u8,
    /// Requests in a row that can't have reached the server.
    pub(super) not_sent: u8,
    pub(super) fuse: Fuse,
    /// The token that the server was last asked about under the lock.
    pub(super) validated_under_lock: Option<TokenFingerprint>,
    /// The lock of an earlier epoch was released again, or could not be.
    pub(super) released_earlier_lock: bool,
    /// The token that the server is asked about.
    pub(super) validating: Option<TokenFingerprint>,
    /// The lease that the flight got.
    pub(super) obtained: Option<CurrentLease>,
    pub(super) result: Result<()>,
}

impl Flight {
    pub(super) fn new(t: Timestamp, refreshing: bool, refetch: Option<JobId>) -> Self {
        Self {
            stage: Stage::ReadStore,
            refreshing,
            refetch_only: refetch.is_some(),
            refetch,
            began: t,
            pause_until: Timestamp::MIN,
            replacing: None,
            without_store: false,
            locked_until: None,
            maybe_locked: false,
            tries: 0,
            not_sent: 0,
            fuse: Fuse::default(),
            validated_under_lock: None,
            released_earlier_lock: false,
            validating: None,
            obtained: None,
            result: Ok(()),
        }
    }
}

impl Lifecycle {
    /// The flight's next step.
    pub(super) fn advance(&mut self, now: Now) -> Next {
        let t = now.elapsed;
        let Some(flight) = &mut self.flight else { return Next::Done };
        if flight.pause_until > t {
            return Next::Wait(flight.pause_until);
        }
        match flight.stage {
            Stage::ReadStore if self.store.is_unavailable(t) => {
                flight.without_store = true;
                self.progress(Progress::StoreUnavailable)
            }
            Stage::ReadStore | Stage::WaitForLock | Stage::ReadLocked => {
                Next::Do(Effect::Load, EffectKind::Load)
            }
            Stage::Decide => self.decide(now),
            Stage::Validate | Stage::ValidateLocked => self.validate_current(now),
            Stage::Lock => self.take_lock(t),
            Stage::Choose => self.choose(now),
            Stage::Refetch => self.refetch(now),
            Stage::Login => self.login(now),
            Stage::Complete => self.end(t),
        }
    }

    /// Moves the flight to the stage that follows from `progress`.
    pub(super) fn progress(&mut self, progress: Progress) -> Next {
        if let Some(flight) = &mut self.flight {
            let stage = next(flight.stage, progress);
            // Entering `Decide` does not reset the count of failed reads.
            if stage != flight.stage && stage != Stage::Decide {
                flight.tries = 0;
            }
            flight.stage = stage;
        }
        Next::Again
    }

    /// Decides whether the current lease serves the callers.
    fn decide(&mut self, now: Now) -> Next {
        let t = now.elapsed;
        if let Some(error) = self.circuit_error(now) {
            return self.complete(Err(error));
        }
        let demand = self.demand_now(t);
        let refetch_only = self.flight.as_ref().is_some_and(|flight| flight.refetch_only);
        let usable = !refetch_only && !self.circuit_stops_serving();
        let current = self.current.as_ref().filter(|_| usable);
        match current.map(|current| self.fit(current, &demand, t)) {
            Some(caller::Fit::Serve) => return self.complete(Ok(())),
            // All processes wake up at once: one of them asks the server, under the lock.
            Some(caller::Fit::Validate) if self.doubts_clocks(t) => {
                self.report_parted_clocks();
                return self.progress(Progress::MustReplace);
            }
            Some(caller::Fit::Validate) => return self.progress(Progress::MustValidate),
            // The waiting callers can be answered; the flight goes on for later ones.
            Some(caller::Fit::Refresh) => self.completions += 1,
            Some(caller::Fit::Replace | caller::Fit::ReplaceOrServe) | None => {}
        }
        if let Some((until, error)) = self.backed_off(now) {
            return self.stop(until, error, t);
        }
        self.remember_replaced();
        self.progress(Progress::MustReplace)
    }

    /// Remembers which token the flight replaces.
    pub(super) fn remember_replaced(&mut self) {
        if let (Some(flight), Some(current)) = (&mut self.flight, &self.current) {
            flight.replacing = flight.replacing.or(Some(current.lease.fingerprint));
        }
    }

    /// Chooses, under the lock or without a store, what is sent, if anything is.
    fn choose(&mut self, now: Now) -> Next {
        let t = now.elapsed;
        if self.peer_serves(t) {
            return self.complete(Ok(()));
        }
        if self.must_validate_locked(t) {
            return self.progress(Progress::MustValidate);
        }
        if let Some(error) = self.circuit_error(now) {
            return self.complete(Err(error));
        }
        if let Some((until, error)) = self.backed_off(now) {
            return self.stop(until, error, t);
        }
        if self.policy.without_login {
            return self.fail(t, never_logs_in(), t);
        }
        let known = &self.store.known;
        let is_any_live = known.leases.iter().any(|entry| known.is_live(&entry.lease, t));
        let only = self.flight.as_ref().is_some_and(|flight| flight.refetch_only);
        let refetch = self.can.refetch && (only || is_any_live || !self.limited_to_one_send(t));
        self.progress(if refetch { Progress::TryRefetch } else { Progress::TryLogin })
    }

    /// Whether the server is to be asked first about a lease that another process saved.
    pub(super) fn must_validate_locked(&self, t: Timestamp) -> bool {
        let (Some(flight), Some(current)) = (&self.flight, &self.current) else { return false };
        // Another process may have got a new end for the token that is being replaced.
        let is_fresh = || matches!(self.freshness_by_elapsed(current, t), Freshness::Fresh { .. });
        !self.circuit_stops_serving()
            && !flight.refetch_only
            && flight.validated_under_lock != Some(current.lease.fingerprint)
            && self.can.validate
            && (Some(current.lease.fingerprint) != flight.replacing
                || self.doubts_clocks_of(current, t) && is_fresh())
            && self.fit(current, &self.demand_now(t), t) == caller::Fit::Validate
    }

    /// Whether a lease that another process saved, or its validation of ours, serves the callers.
    pub(super) fn peer_serves(&self, t: Timestamp) -> bool {
        let Some(flight) = &self.flight else { return false };
        let usable = !flight.refetch_only && !self.circuit_stops_serving();
        let Some(current) = self.current.as_ref().filter(|_| usable) else { return false };
        // Also the token that is being replaced serves again: another process validated it, or got a
        // new end for it, or its end is known better since the record was read again.
        self.fit(current, &self.demand_now(t), t) == caller::Fit::Serve
    }

    /// The flight has a result. It still saves, answers its callers and releases the lock.
    pub(super) fn complete(&mut self, result: Result<()>) -> Next {
        if let Some(flight) = &mut self.flight {
            flight.result = result;
            flight.pause_until = Timestamp::MIN;
        }
        self.progress(Progress::Completed)
    }

    /// The stage `Complete`: lets the callers ask again, and releases the lock. Callers of a flight that
    /// got a token are first: it is saved. Callers of any other flight wait until the lock is released:
    /// if their process ends at its error, no other process has to wait for the lock to expire.
    fn end(&mut self, t: Timestamp) -> Next {
        let Some(flight) = &mut self.flight else { return Next::Done };
        let release = Self::release_lock(flight);
        if flight.obtained.is_none() && matches!(release, Next::Do(..)) {
            return release;
        }
        self.finish(t);
        release
    }

    /// Takes what the flight obtained, and lets the callers ask again.
    fn finish(&mut self, t: Timestamp) {
        let Some(mut flight) = self.flight.take() else { return };
        // A refetch that was requested meanwhile is the next flight's.
        self.demand = self.refetch_requested.map(|requested| requested.ask);
        self.completions += 1;
        if let Some(obtained) = flight.obtained.take() {
            self.take(obtained, t);
        }
        // Serving the current lease after a failed refresh does not reset the failures.
        if flight.result.is_ok() && !self.is_refresh_delayed(t) {
            self.backoffs.succeeded();
        }
        if let Some(id) = flight.refetch {
            self.reports.deliver(id, flight.result.map(|()| Report::Refetched));
        }
    }

    /// Makes a lease that the flight obtained the current one, unless the record knows better.
    pub(super) fn take(&mut self, mut obtained: CurrentLease, t: Timestamp) {
        let known = &self.store.known;
        if known.tombstone(obtained.lease.fingerprint).is_some() || self.circuit_stops_serving() {
            return;
        }
        let suspected = self.current.as_ref().filter(|current| current.suspicion.is_some());
        let suspected = suspected.map(|current| current.lease.fingerprint);
        match known.lease(self.holder) {
            Some(stored) if stored.fingerprint == obtained.lease.fingerprint => {
                obtained.lease.first.generation = stored.generation();
                obtained.lease.take_peer_validation(stored, self.clocks);
            }
            // Another process saved a lease that was requested later. Both tokens are active; all
            // processes use that one.
            Some(stored) if known.is_live(stored, t) && Some(stored.fingerprint) != suspected => {
                obtained = CurrentLease::new(self.by_own_clocks(stored.clone()), Source::Store, t);
            }
            _ => {}
        }
        let replaces = self
            .current
            .as_ref()
            .is_none_or(|current| current.lease.fingerprint != obtained.lease.fingerprint);
        if replaces {
            self.drop_current(t);
        }
        self.current = Some(obtained);
    }

    /// The demand that the flight is for. Without a caller, any lease that may be served now.
    pub(super) fn demand_now(&self, t: Timestamp) -> Ask {
        self.demand.unwrap_or_else(|| Ask {
            asked: Timestamp::MIN,
            deadline: t.plus(BACKGROUND_WAIT),
            min_remaining: None,
        })
    }
}

/// The error of a flight that would need a login, in a client that never logs in.
fn never_logs_in() -> Error {
    Error::new(
        ErrorKind::Config,
        "no token is stored, and this client never logs in (`without_login`)",
    )
    .advice("let another process log in, or set no `without_login` here")
    .lasting()
}
