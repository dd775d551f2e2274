//! The flight: one attempt to get a lease, from the first look at the record to its landing.

use std::time::Duration;

use super::{
    Backoff, CurrentLease, Lifecycle, Next, answer,
    effect::{Ask, Effect, EffectKind},
    job::Report,
};
use crate::{
    backoff,
    error::{Error, ErrorKind, Result},
    lease::{Expiry, Source},
    time::{Moment as _, Now, Timestamp},
    token::TokenFingerprint,
};

/// How long a refresh that nobody waits for waits for the lock.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// One attempt to get a lease.
#[expect(clippy::struct_excessive_bools, reason = "state of one attempt, each set by one step")]
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) stage: Stage,
    /// The lease in hand may be served meanwhile.
    pub(super) refreshing: bool,
    /// The caller wants the provider's running token, not just any.
    pub(super) refetch_only: bool,
    pub(super) began: Timestamp,
    pub(super) pause_until: Timestamp,
    /// The token that it set out to replace.
    pub(super) replacing: Option<TokenFingerprint>,
    /// It goes on without the store.
    pub(super) storeless: bool,
    pub(super) lock_until: Option<Timestamp>,
    /// A lock may be ours although no answer said so.
    pub(super) maybe_locked: bool,
    pub(super) tries: u8,
    pub(super) not_sent: u8,
    pub(super) lost_logins: u8,
    pub(super) validated_inside: bool,
    /// An earlier lock_epoch's lock was just given back, or could not be.
    pub(super) gave_back: bool,
    /// The token that the provider is asked about.
    pub(super) asked_about: Option<TokenFingerprint>,
    pub(super) got: Option<CurrentLease>,
    pub(super) result: Result<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Look,
    Decide,
    Validate { inside: bool },
    Lock,
    Peek,
    Inside,
    Choose,
    Refetch,
    Login,
    Landing,
    Landed,
}

impl Flight {
    pub(super) fn new(t: Timestamp, refreshing: bool, refetch_only: bool) -> Self {
        Self {
            stage: Stage::Look,
            refreshing,
            refetch_only,
            began: t,
            pause_until: Timestamp::MIN,
            replacing: None,
            storeless: false,
            lock_until: None,
            maybe_locked: false,
            tries: 0,
            not_sent: 0,
            lost_logins: 0,
            validated_inside: false,
            gave_back: false,
            asked_about: None,
            got: None,
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
            Stage::Look => {
                if self.view.is_away(t) {
                    flight.storeless = true;
                    return self.go(Stage::Decide);
                }
                Next::Do(Effect::Load, EffectKind::Load)
            }
            Stage::Decide => self.decide(now),
            Stage::Validate { inside } => self.verify(inside, now),
            Stage::Lock => {
                if flight.storeless || self.view.is_away(t) {
                    flight.storeless = true;
                    return self.go(Stage::Choose);
                }
                let give_up = self
                    .demand
                    .map_or_else(|| flight.began.plus(PATIENCE), |demand| demand.deadline);
                if t >= give_up {
                    let error = Error::new(
                        ErrorKind::DeadlineExceeded,
                        "another process was still getting the token",
                    );
                    return self.land(Err(error));
                }
                // It names its own lock_epoch: whenever it lands, it frees no other's lock.
                if self.unreturned.is_some() && !flight.gave_back {
                    flight.gave_back = true;
                    return Next::Do(Effect::Unlock, EffectKind::GiveBack);
                }
                Next::Do(Effect::Lock { life: self.policy.lock_ttl }, EffectKind::Lock)
            }
            Stage::Peek | Stage::Inside => Next::Do(Effect::Load, EffectKind::Load),
            Stage::Choose => self.choose(now),
            Stage::Refetch => self.refetch(now),
            Stage::Login => self.login(now),
            Stage::Landing => {
                flight.stage = Stage::Landed;
                if flight.lock_until.is_some() || flight.maybe_locked {
                    return Next::Do(Effect::Unlock, EffectKind::Unlock);
                }
                Next::On
            }
            Stage::Landed => {
                self.finish(t);
                Next::On
            }
        }
    }

    /// Sources 1 and 2: may what is in hand now be served?
    pub(super) fn decide(&mut self, now: Now) -> Next {
        let t = now.elapsed;
        if let Some(error) = self.circuit_open(now) {
            return self.land(Err(error));
        }
        let demand = self.demand_now(t);
        let refetch_only = self.flight.as_ref().is_some_and(|flight| flight.refetch_only);
        let held = self.held.as_ref().filter(|_| !refetch_only && !self.circuit_is_open());
        let fit = held.map(|held| self.fit(held, &demand, t));
        match fit {
            Some(answer::Fit::Serve) => return self.land(Ok(())),
            Some(answer::Fit::Ask) => return self.go(Stage::Validate { inside: false }),
            // Those who wait can be answered; the flight goes on for those who come.
            Some(answer::Fit::Refresh) => self.completions += 1,
            Some(answer::Fit::Replace) | None => {}
        }
        if let Some((until, error)) = self.blocked(now) {
            return self.stop(until, error, t);
        }
        self.set_out();
        self.go(Stage::Lock)
    }

    /// Remembers which token is to be replaced.
    pub(super) fn set_out(&mut self) {
        if let (Some(flight), Some(held)) = (&mut self.flight, &self.held) {
            flight.replacing = flight.replacing.or(Some(held.lease.fingerprint));
        }
    }

    /// Inside the lock, or without a store: what did the others do, and what may be sent?
    pub(super) fn choose(&mut self, now: Now) -> Next {
        let t = now.elapsed;
        if let Some(go) = self.settled_by_peer(t) {
            return go;
        }
        let Some(flight) = &self.flight else { return Next::Done };
        let (replacing, tried) = (flight.replacing, flight.validated_inside);
        if let Some(held) = &self.held
            && !self.circuit_is_open()
            && !flight.refetch_only
            && !tried
            && self.can_validate
            && Some(held.lease.fingerprint) != replacing
            && matches!(self.fit(held, &self.demand_now(t), t), answer::Fit::Ask)
        {
            return self.go(Stage::Validate { inside: true });
        }
        if let Some(error) = self.circuit_open(now) {
            return self.land(Err(error));
        }
        if let Some((until, error)) = self.blocked(now) {
            return self.stop(until, error, t);
        }
        let refetch = self.can_refetch && (self.is_any_live(t) || !self.limited_to_one_send(t));
        self.go(if refetch { Stage::Refetch } else { Stage::Login })
    }

    /// Whether a sibling's lease, or its validation on ours, serves those who wait.
    pub(super) fn settled_by_peer(&mut self, t: Timestamp) -> Option<Next> {
        let flight = self.flight.as_ref()?;
        let held =
            self.held.as_ref().filter(|_| !flight.refetch_only && !self.circuit_is_open())?;
        let fit = self.fit(held, &self.demand_now(t), t);
        let same = Some(held.lease.fingerprint) == flight.replacing;
        // The very token that is being replaced counts only by a sibling's yes on it.
        let asked_about =
            !matches!(held.lease.expiry(), Expiry::Stated { .. } | Expiry::Capped { .. });
        (matches!(fit, answer::Fit::Serve) && (!same || asked_about)).then(|| self.land(Ok(())))
    }

    pub(super) fn go(&mut self, stage: Stage) -> Next {
        if let Some(flight) = &mut self.flight {
            if !matches!(stage, Stage::Decide) {
                flight.tries = 0;
            }
            flight.stage = stage;
        }
        Next::On
    }

    /// The flight ends with this; what is left is to save, to unlock and to answer.
    pub(super) fn land(&mut self, result: Result<()>) -> Next {
        if let Some(flight) = &mut self.flight {
            flight.result = result;
            flight.pause_until = Timestamp::MIN;
            flight.stage = Stage::Landing;
        }
        Next::On
    }

    /// The flight failed, and nothing is tried until then. A lease that still works stays in use.
    pub(super) fn fail(&mut self, until: Timestamp, error: Error, t: Timestamp) -> Next {
        self.failures = self.failures.saturating_add(1);
        self.last_failure = Some(error.clone());
        let jitter = self.draw();
        let until = until.max(t.plus(backoff::attempt(self.failures, jitter)));
        self.rest = Some(Backoff { until, error: error.clone() });
        self.stop(until, error, t)
    }

    /// Nothing may be sent until then. A lease that still works stays in use.
    pub(super) fn stop(&mut self, until: Timestamp, error: Error, t: Timestamp) -> Next {
        self.next_refresh = until;
        self.last_failure = Some(error.clone());
        self.stopped = Some(Backoff { until, error: error.clone() });
        let demand = self.demand_now(t);
        let refetch_only = self.flight.as_ref().is_some_and(|flight| flight.refetch_only);
        let served = self.held.as_ref().is_some_and(|held| self.may_serve(held, &demand, t));
        self.land(if served && !refetch_only { Ok(()) } else { Err(error) })
    }

    pub(super) fn finish(&mut self, t: Timestamp) {
        let Some(flight) = self.flight.take() else { return };
        self.demand = None;
        self.completions += 1;
        let spent = flight
            .got
            .as_ref()
            .is_some_and(|got| matches!(got.lease.expiry(), Expiry::ExpiredOnArrival { .. }));
        if let Some(got) = flight.got {
            self.take(got, t);
        }
        if spent {
            // Its callers are served; a provider that goes on so is not asked at once again.
            self.failures = self.failures.saturating_add(1);
            let until = t.plus(backoff::attempt(self.failures, self.random));
            let error = Error::new(
                ErrorKind::Unavailable,
                "the provider's last token was over when it came (expires_in was not positive)",
            );
            self.rest = Some(Backoff { until, error });
            return;
        }
        // A lease that stays in use is no success of the flight.
        if flight.result.is_ok() && self.next_refresh <= t {
            self.failures = 0;
            self.last_failure = None;
            self.rest = None;
        }
        if flight.refetch_only {
            self.report = Some(flight.result.map(|()| Report::Refetched));
        }
    }

    /// Takes a lease that the flight brought, unless the record says otherwise by now.
    pub(super) fn take(&mut self, mut got: CurrentLease, t: Timestamp) {
        let known = &self.view.known;
        if known.tombstone(got.lease.fingerprint).is_some() || self.circuit_is_open() {
            return;
        }
        let doubted = self.held.as_ref().filter(|held| held.doubt.is_some());
        let doubted = doubted.map(|held| held.lease.fingerprint);
        match known.lease(self.credentials) {
            Some(stands) if stands.fingerprint == got.lease.fingerprint => {
                got.lease.first.generation = stands.generation();
                got.lease.validated_at = got.lease.validated_at.max(stands.validated_at);
            }
            // A sibling's lease that was got later stands there: two tokens live, one is used.
            Some(stands) if known.is_live(stands, t) && Some(stands.fingerprint) != doubted => {
                got = CurrentLease::new(stands.clone(), Source::Store, t);
            }
            _ => {}
        }
        if self.held.as_ref().is_none_or(|held| held.lease.fingerprint != got.lease.fingerprint) {
            self.put_down(t);
        }
        self.held = Some(got);
    }

    /// What the flight is for. Without a caller it is to have a lease that serves now.
    pub(super) fn demand_now(&self, t: Timestamp) -> Ask {
        let nobody =
            || Ask { asked: Timestamp::MIN, deadline: t.plus(PATIENCE), min_remaining: None };
        self.demand.unwrap_or_else(nobody)
    }
}
