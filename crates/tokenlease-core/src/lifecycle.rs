//! The machine: one entry, that is one identity with one proof, and the one flight that gets a
//! lease for it.
//!
//! ```text
//!  ask ─► a lease in hand may be served ─► Reply::Lease      poll ─► Done | Do(effect) | Wait
//!   │no                                                        ▲             │
//!   ▼                                                          └── handle ◄──┘
//!  Look ─ load ─► Decide ── lease may be served ───────────────────────────────────► Landing
//!                  │ │ └─ the vendor must be asked ─► Verify ── yes ───────────────► Landing
//!                  │ │                                  │ no, no word
//!                  │ └─ circuit, hold, rest ────────────┼──────────────────────────► Landing
//!                  ▼                                    ▼
//!                 Lock ◄──── Peek ◄─ busy ─┐   (no store: on to Choose)
//!                  │ granted       └───────┘   a sibling's lease ──────────────────► Landing
//!                  ▼
//!                Inside ─ load ─► Choose ─ a sibling's lease, circuit, hold ───────► Landing
//!                                   │
//!                                   ▼
//!                                Refetch ── token ─────────────────────────────────► Landing
//!                                   │ none, or no word three times        ▲
//!                                   ▼                                     │
//!                                 Issue ── token, refused, throttled ─────┘
//!                                   └─ answer lost: Refetch, or once more
//!
//!  News of what happened are saved between any two steps, before the next one is taken.
//!  Landing: unlock, then answer.
//! ```

mod answer;
mod credentials;
mod effect;
mod event;
mod job;
#[cfg(test)]
mod tests;
mod verdict;
mod view;

use std::time::Duration;

pub use self::{
    answer::{Ready, Refusal, Reply, Served},
    effect::{Ask, Effect, Outcome, Pending, Policy, Step, WhenStoreAway},
    event::Event,
    job::{Report, Revocation},
};
use self::{effect::What, job::Job, view::View};
use crate::{
    backoff,
    credentials::Proof,
    error::{Error, ErrorKind, Result},
    expiry::Rules,
    key::Key,
    lease::{Lease, Rung, WINKAS_USUAL_LIFE},
    record::Pause,
    time::{Moment as _, Now, Timestamp},
    token::Fingerprint,
    vendor::{Answer, Server},
};

/// A failed load is tried again after that.
const LOAD_AGAIN: Duration = Duration::from_millis(300);
/// Loads, locks and refetches are tried that often in a flight.
const TRIES: u8 = 3;
/// How long a refresh that nobody waits for waits for the lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// The machine of one entry.
///
/// It is driven by three calls: [`ask`](Self::ask) answers a caller or takes its demand,
/// [`poll`](Self::poll) names the next effect, [`handle`](Self::handle) takes what came of it.
#[expect(clippy::struct_excessive_bools, reason = "what a server can do, and one mark each")]
#[derive(Debug)]
pub struct Lifecycle {
    can_refetch: bool,
    can_verify: bool,
    can_revoke: bool,
    states_ends: bool,
    policy: Policy,
    rules: Rules,
    proof: Proof,
    key: Key,
    random: u64,

    view: View,
    held: Option<Held>,
    rest: Option<Rest>,
    /// Why this process was stopped last; the record knows only that something is held.
    stopped: Option<Rest>,
    next_refresh: Timestamp,
    failures: u32,
    /// What failed since the last success, for a caller whose deadline passes meanwhile.
    last_failure: Option<Error>,
    misconfigured: Option<Error>,
    /// Tokens that the vendor called dead, and that were never of this entry.
    strangers: Vec<Fingerprint>,
    /// Tokens that this process knew to be dead, or doubted to the end, and when: a store that fell
    /// back to an older record brings none of them back.
    buried: Vec<(Fingerprint, Timestamp)>,
    budget_until: Timestamp,
    /// The last hold of this entry that this process met: a record full of others' may lack it.
    own_hold: Option<Pause<Timestamp>>,
    /// Why the vendor refused the credentials, if it did so to this process.
    refusal: Option<Error>,

    demand: Option<Ask>,
    refetch_wanted: bool,
    /// On the heap: a machine that has its lease has none.
    flight: Option<Box<Flight>>,
    job: Option<Job>,
    report: Option<Result<Report>>,
    outstanding: Option<Pending>,
    next_id: u64,
    /// Under which name the lock is taken: a new one after each unlock.
    tenure: u64,
    /// A tenure whose lock may stand.
    unreturned: Option<u64>,
    stray_lock: bool,
    look_wanted: bool,
    landings: u64,
    events: Vec<Event>,
}

/// The lease in hand.
#[derive(Clone, Debug)]
struct Held {
    lease: Lease<Timestamp>,
    rung: Rung,
    since: Timestamp,
    doubt: Option<Doubt>,
    /// When a doubt was ended by a yes.
    absolved: Option<Timestamp>,
    asked_again: Option<Timestamp>,
    /// Brought by the caller under a proof that nobody has seen accepted: it stays in here.
    foreign: bool,
}

impl Held {
    fn new(lease: Lease<Timestamp>, rung: Rung, since: Timestamp) -> Self {
        Self { lease, rung, since, doubt: None, absolved: None, asked_again: None, foreign: false }
    }
}

/// An API refused the token and the vendor has not been heard since.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    at: Timestamp,
    /// It came within a minute of a yes: only a no counts.
    soft: bool,
}

/// After a failure, nothing is tried until then.
#[derive(Clone, Debug)]
struct Rest {
    until: Timestamp,
    error: Error,
}

/// One attempt to get a lease.
#[expect(clippy::struct_excessive_bools, reason = "facts of one attempt, each set by one step")]
#[derive(Debug)]
struct Flight {
    stage: Stage,
    /// The lease in hand may be served meanwhile.
    refreshing: bool,
    /// The caller wants the vendor's running token, not just any.
    refetch_only: bool,
    began: Timestamp,
    pause_until: Timestamp,
    /// The token that it set out to replace.
    replacing: Option<Fingerprint>,
    /// It goes on without the store.
    storeless: bool,
    lock_until: Option<Timestamp>,
    /// A lock may be ours although no answer said so.
    maybe_locked: bool,
    tries: u8,
    not_sent: u8,
    lost_issues: u8,
    verified_inside: bool,
    /// An earlier tenure's lock was just given back, or could not be.
    gave_back: bool,
    /// The token that the vendor is asked about.
    asked_about: Option<Fingerprint>,
    got: Option<Held>,
    result: Result<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Look,
    Decide,
    Verify { inside: bool },
    Lock,
    Peek,
    Inside,
    Choose,
    Refetch,
    Issue,
    Landing,
    Landed,
}

/// Where a step leads.
enum Go {
    Do(Effect, What),
    Wait(Timestamp),
    On,
    Done,
}

impl Lifecycle {
    /// The machine of the entry of that proof at that server. `key` is the store's key, `seed` a
    /// random number: jitter is drawn from it.
    pub fn new(server: &Server, proof: Proof, key: Key, policy: Policy, seed: u64) -> Self {
        Self {
            can_refetch: server.can_refetch(),
            can_verify: server.can_verify(),
            can_revoke: server.can_revoke(),
            states_ends: server.states_ends(),
            policy,
            rules: Rules { new_token_ends_old: server.new_token_ends_old(), seed },
            proof,
            key,
            random: seed,
            view: View::default(),
            held: None,
            rest: None,
            stopped: None,
            next_refresh: Timestamp::MIN,
            failures: 0,
            last_failure: None,
            misconfigured: None,
            strangers: Vec::new(),
            buried: Vec::new(),
            budget_until: Timestamp::MIN,
            own_hold: None,
            refusal: None,
            demand: None,
            refetch_wanted: false,
            flight: None,
            job: None,
            report: None,
            outstanding: None,
            next_id: 0,
            tenure: 0,
            unreturned: None,
            stray_lock: false,
            look_wanted: false,
            landings: 0,
            events: Vec::new(),
        }
    }

    /// The next effect to perform, or when to ask again. Each call makes progress or names a time.
    pub fn poll(&mut self, now: Now) -> Step {
        let t = now.elapsed;
        self.give_up(now);
        loop {
            if let Some(pending) = &self.outstanding {
                return Step::Wait(pending.deadline);
            }
            let mut go = match self.save(t) {
                Some(go) => go,
                None if self.flight.is_some() => self.climb(now),
                None => self.idle(t),
            };
            if let Go::Wait(_) = go
                && let Some(job) = self.job_step(now)
            {
                go = job;
            }
            match go {
                Go::Do(effect, what) => {
                    if let Some(step) = self.effect(effect, what, now) {
                        return step;
                    }
                }
                Go::Wait(until) => return Step::Wait(until),
                Go::On => {}
                Go::Done => return Step::Done,
            }
        }
    }

    /// Takes what came of an effect. A receipt that was given up is still taken if it is of use.
    #[expect(clippy::needless_pass_by_value, reason = "a receipt is good for one use")]
    pub fn handle(&mut self, pending: Pending, outcome: Outcome, now: Now) {
        let Pending { id, what, sent, tenure, .. } = pending;
        if matches!(outcome, Outcome::Unlocked) {
            self.unreturned.take_if(|unreturned| *unreturned == tenure);
        }
        if self.outstanding.as_ref().is_some_and(|current| current.id == id) {
            self.outstanding = None;
            self.arrived(what, outcome, sent, now);
        } else {
            if matches!(outcome, Outcome::Locked) && tenure != self.tenure {
                self.unreturned = Some(tenure);
            }
            self.late(what, outcome, sent, now);
        }
    }

    /// Whether `poll` has something to do or to wait for.
    pub fn has_work(&self, _now: Now) -> bool {
        self.outstanding.is_some()
            || self.flight.is_some()
            || self.demand.is_some()
            || self.job.is_some()
            || self.stray_lock
            || self.look_wanted
            || self.view.is_unsaved()
    }

    /// Whether something is under way or asked for. What is only unsaved because the store is away
    /// does not count: who ends need not wait for that.
    pub fn is_busy(&self) -> bool {
        self.outstanding.is_some()
            || self.flight.is_some()
            || self.demand.is_some()
            || self.job.is_some()
            || self.stray_lock
            || self.look_wanted
            || (self.view.is_unsaved() && self.view.last_error.is_none())
    }

    /// How many flights and jobs have ended: when it grows, those who wait should ask again.
    pub fn landings(&self) -> u64 {
        self.landings
    }

    /// What happened since the last call.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The entry's proof.
    pub fn proof(&self) -> Proof {
        self.proof
    }

    fn effect(&mut self, effect: Effect, what: What, now: Now) -> Option<Step> {
        let t = now.elapsed;
        let vendor = matches!(effect, Effect::Send(_));
        if !vendor && !self.policy.store {
            let outcome = self.view.without_store(what, t);
            self.arrived(what, outcome, t, now);
            return None;
        }
        let limit = if vendor { self.policy.request_timeout } else { self.policy.store_timeout };
        self.next_id += 1;
        let earlier = self.unreturned.filter(|_| what == What::GiveBack);
        let tenure = earlier.unwrap_or(self.tenure);
        let pending = Pending { id: self.next_id, what, sent: t, deadline: t.plus(limit), tenure };
        if what == What::Unlock {
            // Each tenure has a name of its own: an unlock that lands late, or twice, frees no
            // later lock. Until it is answered, the lock may stand.
            self.unreturned = Some(self.tenure);
            self.tenure = self.tenure.wrapping_add(1);
        }
        self.outstanding = Some(pending.copy());
        Some(Step::Do(effect, pending))
    }

    /// An effect whose deadline passed counts as failed.
    fn give_up(&mut self, now: Now) {
        if let Some(pending) = self.outstanding.take_if(|pending| pending.deadline <= now.elapsed) {
            let outcome = match pending.what {
                What::Issue | What::Refetch | What::Verify | What::Job => Outcome::Lost(
                    Error::new(ErrorKind::Transport, "the vendor did not answer in time"),
                ),
                _ => Outcome::Failed(Error::new(
                    ErrorKind::Store,
                    "the store did not answer in time",
                )),
            };
            self.arrived(pending.what, outcome, pending.sent, now);
        }
    }

    fn idle(&mut self, t: Timestamp) -> Go {
        if std::mem::take(&mut self.stray_lock) {
            let what = if self.unreturned.is_some() { What::GiveBack } else { What::Unlock };
            return Go::Do(Effect::Unlock, what);
        }
        if std::mem::take(&mut self.look_wanted) {
            return Go::Do(Effect::Load, What::Load);
        }
        let Some(demand) = self.demand else {
            // A job goes first; without one, only what the store could not be told is left.
            return match self.view.tell_at() {
                Some(t) => Go::Wait(t),
                None if self.job.is_some() => Go::Wait(Timestamp::MAX),
                None => Go::Done,
            };
        };
        if demand.deadline <= t {
            self.demand = None;
            return Go::On;
        }
        if t < self.view.next_look
            && !self.refetch_wanted
            && let Some(until) = self.blocked_until(t)
        {
            // Waiting for a hold is done unlocked, and looking meanwhile.
            return Go::Wait(until.min(self.view.next_look).min(demand.deadline));
        }
        let refetch_only = std::mem::take(&mut self.refetch_wanted);
        self.flight = Some(Box::new(Flight {
            stage: Stage::Look,
            refreshing: self.held.as_ref().is_some_and(|held| self.may_serve(held, &demand, t)),
            refetch_only,
            began: t,
            pause_until: Timestamp::MIN,
            replacing: None,
            storeless: false,
            lock_until: None,
            maybe_locked: false,
            tries: 0,
            not_sent: 0,
            lost_issues: 0,
            verified_inside: false,
            gave_back: false,
            asked_about: None,
            got: None,
            result: Ok(()),
        }));
        Go::On
    }

    fn climb(&mut self, now: Now) -> Go {
        let t = now.elapsed;
        let Some(flight) = &mut self.flight else { return Go::Done };
        if flight.pause_until > t {
            return Go::Wait(flight.pause_until);
        }
        match flight.stage {
            Stage::Look => {
                if self.view.is_away(t) {
                    flight.storeless = true;
                    return self.go(Stage::Decide);
                }
                Go::Do(Effect::Load, What::Load)
            }
            Stage::Decide => self.decide(now),
            Stage::Verify { inside } => self.verify(inside, now),
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
                        ErrorKind::Deadline,
                        "another process was still getting the token",
                    );
                    return self.land(Err(error));
                }
                // It names its own tenure: whenever it lands, it frees no other's lock.
                if self.unreturned.is_some() && !flight.gave_back {
                    flight.gave_back = true;
                    return Go::Do(Effect::Unlock, What::GiveBack);
                }
                Go::Do(Effect::Lock { life: self.policy.lock_life }, What::Lock)
            }
            Stage::Peek | Stage::Inside => Go::Do(Effect::Load, What::Load),
            Stage::Choose => self.choose(now),
            Stage::Refetch => self.refetch(now),
            Stage::Issue => self.issue(now),
            Stage::Landing => {
                flight.stage = Stage::Landed;
                if flight.lock_until.is_some() || flight.maybe_locked {
                    return Go::Do(Effect::Unlock, What::Unlock);
                }
                Go::On
            }
            Stage::Landed => {
                self.touch_down(t);
                Go::On
            }
        }
    }

    /// Rungs 1 and 2: may what is in hand now be served?
    fn decide(&mut self, now: Now) -> Go {
        let t = now.elapsed;
        if let Some(error) = self.circuit_open(now) {
            return self.land(Err(error));
        }
        let demand = self.demand_now(t);
        let refetch_only = self.flight.as_ref().is_some_and(|flight| flight.refetch_only);
        let held = self.held.as_ref().filter(|_| !refetch_only && !self.is_shut());
        let fit = held.map(|held| self.fit(held, &demand, t));
        match fit {
            Some(answer::Fit::Serve) => return self.land(Ok(())),
            Some(answer::Fit::Ask) => return self.go(Stage::Verify { inside: false }),
            // Those who wait can be answered; the flight goes on for those who come.
            Some(answer::Fit::Refresh) => self.landings += 1,
            Some(answer::Fit::Replace) | None => {}
        }
        if let Some((until, error)) = self.blocked(now) {
            return self.stop(until, error, t);
        }
        self.set_out();
        self.go(Stage::Lock)
    }

    /// Remembers which token is to be replaced.
    fn set_out(&mut self) {
        if let (Some(flight), Some(held)) = (&mut self.flight, &self.held) {
            flight.replacing = flight.replacing.or(Some(held.lease.fingerprint));
        }
    }

    /// Inside the lock, or without a store: what did the others do, and what may be sent?
    fn choose(&mut self, now: Now) -> Go {
        let t = now.elapsed;
        if let Some(go) = self.settled_by_a_sibling(t) {
            return go;
        }
        let Some(flight) = &self.flight else { return Go::Done };
        let (replacing, tried) = (flight.replacing, flight.verified_inside);
        if let Some(held) = &self.held
            && !self.is_shut()
            && !flight.refetch_only
            && !tried
            && self.can_verify
            && Some(held.lease.fingerprint) != replacing
            && matches!(self.fit(held, &self.demand_now(t), t), answer::Fit::Ask)
        {
            return self.go(Stage::Verify { inside: true });
        }
        if let Some(error) = self.circuit_open(now) {
            return self.land(Err(error));
        }
        if let Some((until, error)) = self.blocked(now) {
            return self.stop(until, error, t);
        }
        let refetch = self.can_refetch && (self.is_any_live(t) || !self.is_alone(t));
        self.go(if refetch { Stage::Refetch } else { Stage::Issue })
    }

    /// Whether a sibling's lease, or its verdict on ours, serves those who wait.
    fn settled_by_a_sibling(&mut self, t: Timestamp) -> Option<Go> {
        let flight = self.flight.as_ref()?;
        let held = self.held.as_ref().filter(|_| !flight.refetch_only && !self.is_shut())?;
        let fit = self.fit(held, &self.demand_now(t), t);
        let same = Some(held.lease.fingerprint) == flight.replacing;
        // The very token that is being replaced counts only by a sibling's yes on it.
        let asked_about = !matches!(
            held.lease.expiry(),
            crate::lease::Expiry::Stated { .. } | crate::lease::Expiry::Capped { .. }
        );
        (matches!(fit, answer::Fit::Serve) && (!same || asked_about)).then(|| self.land(Ok(())))
    }

    fn arrived(&mut self, what: What, outcome: Outcome, sent: Timestamp, now: Now) {
        let t = now.elapsed;
        match outcome {
            Outcome::Loaded { stored, now: store_now }
            | Outcome::Conflict { stored, now: store_now } => {
                self.absorb(stored, store_now, sent, t);
                if what == What::Load {
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
    fn looked(&mut self, t: Timestamp) {
        let Some(stage) = self.flight.as_ref().map(|flight| flight.stage) else { return };
        match stage {
            Stage::Look => self.go(Stage::Decide),
            Stage::Inside => self.go(Stage::Choose),
            Stage::Peek => match self.settled_by_a_sibling(t) {
                Some(landed) => landed,
                None if self.is_shut() => self.go(Stage::Decide),
                None => self.go(Stage::Lock),
            },
            _ => Go::On,
        };
    }

    fn locked(&mut self, sent: Timestamp) {
        let life = self.policy.lock_life;
        if let Some(flight) = &mut self.flight {
            flight.lock_until = Some(sent.plus(life));
            if flight.stage == Stage::Lock {
                flight.tries = 0;
                flight.stage = Stage::Inside;
            }
        }
    }

    fn busy(&mut self, t: Timestamp) {
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
    fn store_silent(&mut self, what: What, t: Timestamp) {
        let demand = self.demand_now(t);
        let served = self.held.as_ref().is_some_and(|held| self.may_serve(held, &demand, t));
        let away = self.view.is_away(t);
        let error = self.view.last_error.clone();
        let Some(flight) = &mut self.flight else { return };
        flight.tries = flight.tries.saturating_add(1);
        match (what, flight.stage) {
            // Memory answers if the store is silent.
            (What::Load, Stage::Look) if served => {
                self.land(Ok(()));
            }
            (What::Load, Stage::Look) if away => {
                flight.storeless = true;
                flight.stage = Stage::Decide;
            }
            (What::Load, Stage::Look) => flight.pause_until = t.plus(LOAD_AGAIN),
            (What::Load, Stage::Peek) => flight.stage = Stage::Lock,
            // Not read, not decided.
            (What::Load, Stage::Inside) if away || flight.tries >= TRIES => {
                let error = error.unwrap_or_else(|| {
                    Error::new(ErrorKind::Store, "the record could not be read inside the lock")
                });
                self.fail(t, error, t);
            }
            (What::Lock, Stage::Lock) => {
                flight.maybe_locked = true;
                flight.pause_until = t.plus(Duration::from_millis(100));
            }
            (What::Renew, _) => {
                let error = error.unwrap_or_else(|| {
                    Error::new(ErrorKind::Store, "the lock could not be renewed")
                });
                self.fail(t, error, t);
            }
            _ => {}
        }
    }

    /// The flight ends with this; what is left is to save, to unlock and to answer.
    fn land(&mut self, result: Result<()>) -> Go {
        if let Some(flight) = &mut self.flight {
            flight.result = result;
            flight.pause_until = Timestamp::MIN;
            flight.stage = Stage::Landing;
        }
        Go::On
    }

    /// The flight failed, and nothing is tried until then. A lease that still works stays in use.
    fn fail(&mut self, until: Timestamp, error: Error, t: Timestamp) -> Go {
        self.failures = self.failures.saturating_add(1);
        self.last_failure = Some(error.clone());
        let jitter = self.draw();
        let until = until.max(t.plus(backoff::attempt(self.failures, jitter)));
        self.rest = Some(Rest { until, error: error.clone() });
        self.stop(until, error, t)
    }

    /// Nothing may be sent until then. A lease that still works stays in use.
    fn stop(&mut self, until: Timestamp, error: Error, t: Timestamp) -> Go {
        self.next_refresh = until;
        self.last_failure = Some(error.clone());
        self.stopped = Some(Rest { until, error: error.clone() });
        let demand = self.demand_now(t);
        let refetch_only = self.flight.as_ref().is_some_and(|flight| flight.refetch_only);
        let served = self.held.as_ref().is_some_and(|held| self.may_serve(held, &demand, t));
        self.land(if served && !refetch_only { Ok(()) } else { Err(error) })
    }

    fn touch_down(&mut self, t: Timestamp) {
        let Some(flight) = self.flight.take() else { return };
        self.demand = None;
        self.landings += 1;
        let spent = flight
            .got
            .as_ref()
            .is_some_and(|got| matches!(got.lease.expiry(), crate::lease::Expiry::Spent { .. }));
        if let Some(got) = flight.got {
            self.take(got, t);
        }
        if spent {
            // Its callers are served; a vendor that goes on so is not asked at once again.
            self.failures = self.failures.saturating_add(1);
            let until = t.plus(backoff::attempt(self.failures, self.random));
            let error = Error::new(
                ErrorKind::Unavailable,
                "the vendor's last token was over when it came (expires_in was not positive)",
            );
            self.rest = Some(Rest { until, error });
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
    fn take(&mut self, mut got: Held, t: Timestamp) {
        let known = &self.view.known;
        if known.tombstone(got.lease.fingerprint).is_some() || self.is_shut() {
            return;
        }
        let doubted = self.held.as_ref().filter(|held| held.doubt.is_some());
        let doubted = doubted.map(|held| held.lease.fingerprint);
        match known.lease(self.proof) {
            Some(stands) if stands.fingerprint == got.lease.fingerprint => {
                got.lease.first.generation = stands.generation();
                got.lease.verdict = got.lease.verdict.max(stands.verdict);
            }
            // A sibling's lease that was got later stands there: two tokens live, one is used.
            Some(stands) if known.is_live(stands, t) && Some(stands.fingerprint) != doubted => {
                got = Held::new(stands.clone(), Rung::Store, t);
            }
            _ => {}
        }
        if self.held.as_ref().is_none_or(|held| held.lease.fingerprint != got.lease.fingerprint) {
            self.put_down(t);
        }
        self.held = Some(got);
    }

    fn answered(&mut self, what: What, answer: Answer, sent: Timestamp, now: Now) {
        let t = now.elapsed;
        match (what, answer) {
            (What::Job, answer) => self.job_answered(answer, sent, now),
            (What::Verify, answer) => self.verdict(answer, sent, now),
            (_, Answer::Token(granted)) => self.granted(what, &granted, sent, t),
            (What::Refetch, Answer::NoToken(_)) => self.no_token(t),
            (_, Answer::Failed(error)) => self.turned_down(what, &error, now),
            (_, _) => {
                let error = Error::new(
                    ErrorKind::Unintelligible,
                    "the vendor answered another question than was asked",
                );
                self.turned_down(what, &error, now);
            }
        }
    }

    /// No answer came to a call.
    fn unanswered(&mut self, what: What, error: Error, sent: bool, at: Timestamp, now: Now) {
        match what {
            What::Job => self.job_answered(Answer::Failed(error), at, now),
            // It failed on this side, before it was sent: sending again would fail alike.
            _ if !sent && !error.is_retryable() => {
                self.fail(now.elapsed, error, now.elapsed);
            }
            What::Verify => self.unheard(Some(error), now),
            _ => self.no_word(what, error, sent, now.elapsed),
        }
    }

    /// What came back after its receipt was given up.
    fn late(&mut self, what: What, outcome: Outcome, sent: Timestamp, now: Now) {
        match outcome {
            Outcome::Answered(answer) if matches!(what, What::Issue | What::Refetch) => {
                self.late_answer(what, answer, sent, now);
                // If that ends the flight, what it still asks the vendor is of no use to it.
                if self.flight.as_ref().is_some_and(|flight| flight.stage == Stage::Landing) {
                    self.outstanding.take_if(|current| {
                        matches!(current.what, What::Issue | What::Refetch | What::Verify)
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

    fn go(&mut self, stage: Stage) -> Go {
        if let Some(flight) = &mut self.flight {
            if !matches!(stage, Stage::Decide) {
                flight.tries = 0;
            }
            flight.stage = stage;
        }
        Go::On
    }

    /// What the flight is for. Without a caller it is to have a lease that serves now.
    fn demand_now(&self, t: Timestamp) -> Ask {
        let nobody =
            || Ask { asked: Timestamp::MIN, deadline: t.plus(PATIENCE), min_remaining: None };
        self.demand.unwrap_or_else(nobody)
    }

    /// The age at which tokens whose end nobody states are asked about: what was learned, else
    /// what the caller stated, else the vendor's rule.
    fn probe_age(&self) -> (Duration, bool) {
        let base = self.base();
        let age = self.view.known.learned.unwrap_or(base);
        (age.min(crate::lease::WINKAS_LONGEST_LIFE), age != base)
    }

    fn base(&self) -> Duration {
        self.policy.stated_life.unwrap_or(WINKAS_USUAL_LIFE)
    }

    /// The next number of this machine's own sequence.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(1);
        backoff::mix(self.random)
    }
}
