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
mod arrival;
mod credentials;
mod effect;
mod event;
mod flight;
mod job;
#[cfg(test)]
mod tests;
mod verdict;
mod view;

pub use self::{
    answer::{Ready, Refusal, Reply, Served},
    effect::{Ask, Effect, Outcome, Pending, Policy, Step, WhenStoreAway},
    event::Event,
    job::{Report, Revocation},
};
use self::{effect::What, flight::Flight, job::Job, view::View};
use crate::{
    backoff,
    credentials::Proof,
    error::{Error, ErrorKind, Result},
    expiry::Rules,
    key::Key,
    lease::{Lease, Rung},
    record::Pause,
    time::{Moment as _, Now, Timestamp},
    token::Fingerprint,
    vendor::Server,
};

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
    pub fn has_work(&self) -> bool {
        self.is_busy() || self.view.is_unsaved()
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
        let refreshing = self.held.as_ref().is_some_and(|held| self.may_serve(held, &demand, t));
        self.flight = Some(Box::new(Flight::new(t, refreshing, refetch_only)));
        Go::On
    }

    /// The next number of this machine's own sequence.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(1);
        backoff::mix(self.random)
    }
}
