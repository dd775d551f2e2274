//! The machine: one entry, that is one identity with one credentials fingerprint, and the one flight that gets a
//! lease for it.
//!
//! ```text
//!  ask ─► a lease in hand may be served ─► Reply::Lease      poll ─► Done | Do(effect) | Wait
//!   │no                                                        ▲             │
//!   ▼                                                          └── handle ◄──┘
//!  Look ─ load ─► Decide ── lease may be served ───────────────────────────────────► Landing
//!                  │ │ └─ the provider must be asked ─► Validate ── yes ───────────────► Landing
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
//!                                 Login ── token, rejected, throttled ─────┘
//!                                   └─ answer lost: Refetch, or once more
//!
//!  RecordChange of what happened are saved between any two steps, before the next one is taken.
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
mod validate;
mod view;

pub use self::{
    answer::{Ready, Rejection, Reply, Served},
    effect::{Ask, Effect, OnStoreOutage, Outcome, Policy, Receipt, Step},
    event::Event,
    job::{Report, Revocation},
};
use self::{effect::EffectKind, flight::Flight, job::Job, view::View};
use crate::{
    backoff,
    credentials::CredentialsFingerprint,
    error::{Error, ErrorKind, Result},
    expiry::Rules,
    key::Key,
    lease::{Lease, Source},
    provider::Server,
    record::Block,
    time::{Moment as _, Now, Timestamp},
    token::TokenFingerprint,
};

/// The machine of one entry.
///
/// It is driven by three calls: [`ask`](Self::ask) answers a caller or takes its demand,
/// [`poll`](Self::poll) names the next effect, [`handle`](Self::handle) takes what came of it.
#[expect(clippy::struct_excessive_bools, reason = "what a server can do, and one mark each")]
#[derive(Debug)]
pub struct Lifecycle {
    can_refetch: bool,
    can_validate: bool,
    can_revoke: bool,
    states_ends: bool,
    policy: Policy,
    rules: Rules,
    credentials: CredentialsFingerprint,
    key: Key,
    random: u64,

    view: View,
    held: Option<CurrentLease>,
    rest: Option<Backoff>,
    /// Why this process was stopped last; the record knows only that something is held.
    stopped: Option<Backoff>,
    next_refresh: Timestamp,
    failures: u32,
    /// What failed since the last success, for a caller whose deadline passes meanwhile.
    last_failure: Option<Error>,
    misconfigured: Option<Error>,
    /// Tokens that the provider called dead, and that were never of this entry.
    foreign_dead: Vec<TokenFingerprint>,
    /// Tokens that this process knew to be dead, or doubted to the end, and when: a store that fell
    /// back to an older record brings none of them back.
    known_dead: Vec<(TokenFingerprint, Timestamp)>,
    budget_until: Timestamp,
    /// The last hold of this entry that this process met: a record full of others' may lack it.
    own_backoff: Option<Block<Timestamp>>,
    /// Why the provider rejected the credentials, if it did so to this process.
    rejection: Option<Error>,

    demand: Option<Ask>,
    refetch_wanted: bool,
    /// On the heap: a machine that has its lease has none.
    flight: Option<Box<Flight>>,
    job: Option<Job>,
    report: Option<Result<Report>>,
    outstanding: Option<Receipt>,
    next_id: u64,
    /// Under which name the lock is taken: a new one after each unlock.
    lock_epoch: u64,
    /// A lock_epoch whose lock may stand.
    unreturned: Option<u64>,
    stray_lock: bool,
    look_wanted: bool,
    completions: u64,
    events: Vec<Event>,
}

/// The lease in hand.
#[derive(Clone, Debug)]
struct CurrentLease {
    lease: Lease<Timestamp>,
    source: Source,
    since: Timestamp,
    doubt: Option<Suspicion>,
    /// When a doubt was ended by a yes.
    confirmed_at: Option<Timestamp>,
    asked_again: Option<Timestamp>,
    /// Brought by the caller under a credentials fingerprint that nobody has seen accepted: it stays in here.
    foreign: bool,
}

impl CurrentLease {
    fn new(lease: Lease<Timestamp>, source: Source, since: Timestamp) -> Self {
        Self {
            lease,
            source,
            since,
            doubt: None,
            confirmed_at: None,
            asked_again: None,
            foreign: false,
        }
    }
}

/// An API rejected the token and the provider has not been heard since.
#[derive(Clone, Copy, Debug)]
struct Suspicion {
    at: Timestamp,
    /// It came within a minute of a yes: only a no counts.
    soft: bool,
}

/// After a failure, nothing is tried until then.
#[derive(Clone, Debug)]
struct Backoff {
    until: Timestamp,
    error: Error,
}

/// Where a step leads.
enum Next {
    Do(Effect, EffectKind),
    Wait(Timestamp),
    On,
    Done,
}

impl Lifecycle {
    /// The machine of the entry of that credentials fingerprint at that server. `key` is the store's key, `seed` a
    /// random number: jitter is drawn from it.
    pub fn new(
        server: &Server,
        credentials: CredentialsFingerprint,
        key: Key,
        policy: Policy,
        seed: u64,
    ) -> Self {
        Self {
            can_refetch: server.can_refetch(),
            can_validate: server.can_validate(),
            can_revoke: server.can_revoke(),
            states_ends: server.states_ends(),
            policy,
            rules: Rules { new_token_ends_old: server.new_token_ends_old(), seed },
            credentials,
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
            foreign_dead: Vec::new(),
            known_dead: Vec::new(),
            budget_until: Timestamp::MIN,
            own_backoff: None,
            rejection: None,
            demand: None,
            refetch_wanted: false,
            flight: None,
            job: None,
            report: None,
            outstanding: None,
            next_id: 0,
            lock_epoch: 0,
            unreturned: None,
            stray_lock: false,
            look_wanted: false,
            completions: 0,
            events: Vec::new(),
        }
    }

    /// The next effect to perform, or when to ask again. Each call makes progress or names a time.
    pub fn poll(&mut self, now: Now) -> Step {
        let t = now.elapsed;
        self.give_up(now);
        loop {
            if let Some(receipt) = &self.outstanding {
                return Step::Wait(receipt.deadline);
            }
            let mut go = match self.save(t) {
                Some(go) => go,
                None if self.flight.is_some() => self.advance(now),
                None => self.idle(t),
            };
            if let Next::Wait(_) = go
                && let Some(job) = self.job_step(now)
            {
                go = job;
            }
            match go {
                Next::Do(effect, what) => {
                    if let Some(step) = self.effect(effect, what, now) {
                        return step;
                    }
                }
                Next::Wait(until) => return Step::Wait(until),
                Next::On => {}
                Next::Done => return Step::Done,
            }
        }
    }

    /// Takes what came of an effect. A receipt that was given up is still taken if it is of use.
    #[expect(clippy::needless_pass_by_value, reason = "a receipt is good for one use")]
    pub fn handle(&mut self, receipt: Receipt, outcome: Outcome, now: Now) {
        let Receipt { id, what, sent, lock_epoch, .. } = receipt;
        if matches!(outcome, Outcome::Unlocked) {
            self.unreturned.take_if(|unreturned| *unreturned == lock_epoch);
        }
        if self.outstanding.as_ref().is_some_and(|current| current.id == id) {
            self.outstanding = None;
            self.arrived(what, outcome, sent, now);
        } else {
            if matches!(outcome, Outcome::Locked) && lock_epoch != self.lock_epoch {
                self.unreturned = Some(lock_epoch);
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
    pub fn completions(&self) -> u64 {
        self.completions
    }

    /// What happened since the last call.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The entry's credentials fingerprint.
    pub fn credentials_fingerprint(&self) -> CredentialsFingerprint {
        self.credentials
    }

    fn effect(&mut self, effect: Effect, what: EffectKind, now: Now) -> Option<Step> {
        let t = now.elapsed;
        let provider = matches!(effect, Effect::Send(_));
        if !provider && !self.policy.store {
            let outcome = self.view.without_store(what, t);
            self.arrived(what, outcome, t, now);
            return None;
        }
        let limit = if provider { self.policy.request_timeout } else { self.policy.store_timeout };
        self.next_id += 1;
        let earlier = self.unreturned.filter(|_| what == EffectKind::GiveBack);
        let lock_epoch = earlier.unwrap_or(self.lock_epoch);
        let receipt =
            Receipt { id: self.next_id, what, sent: t, deadline: t.plus(limit), lock_epoch };
        if what == EffectKind::Unlock {
            // Each lock_epoch has a name of its own: an unlock that lands late, or twice, frees no
            // later lock. Until it is answered, the lock may stand.
            self.unreturned = Some(self.lock_epoch);
            self.lock_epoch = self.lock_epoch.wrapping_add(1);
        }
        self.outstanding = Some(receipt.copy());
        Some(Step::Do(effect, receipt))
    }

    /// An effect whose deadline passed counts as failed.
    fn give_up(&mut self, now: Now) {
        if let Some(receipt) = self.outstanding.take_if(|receipt| receipt.deadline <= now.elapsed) {
            let outcome = match receipt.what {
                EffectKind::Login
                | EffectKind::Refetch
                | EffectKind::Validate
                | EffectKind::Job => Outcome::Lost(Error::new(
                    ErrorKind::Transport,
                    "the provider did not answer in time",
                )),
                _ => Outcome::Failed(Error::new(
                    ErrorKind::Store,
                    "the store did not answer in time",
                )),
            };
            self.arrived(receipt.what, outcome, receipt.sent, now);
        }
    }

    fn idle(&mut self, t: Timestamp) -> Next {
        if std::mem::take(&mut self.stray_lock) {
            let what =
                if self.unreturned.is_some() { EffectKind::GiveBack } else { EffectKind::Unlock };
            return Next::Do(Effect::Unlock, what);
        }
        if std::mem::take(&mut self.look_wanted) {
            return Next::Do(Effect::Load, EffectKind::Load);
        }
        let Some(demand) = self.demand else {
            // A job goes first; without one, only what the store could not be told is left.
            return match self.view.tell_at() {
                Some(t) => Next::Wait(t),
                None if self.job.is_some() => Next::Wait(Timestamp::MAX),
                None => Next::Done,
            };
        };
        if demand.deadline <= t {
            self.demand = None;
            return Next::On;
        }
        if t < self.view.next_look
            && !self.refetch_wanted
            && let Some(until) = self.blocked_until(t)
        {
            // Waiting for a hold is done unlocked, and looking meanwhile.
            return Next::Wait(until.min(self.view.next_look).min(demand.deadline));
        }
        let refetch_only = std::mem::take(&mut self.refetch_wanted);
        let refreshing = self.held.as_ref().is_some_and(|held| self.may_serve(held, &demand, t));
        self.flight = Some(Box::new(Flight::new(t, refreshing, refetch_only)));
        Next::On
    }

    /// The next number of this machine's own sequence.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(1);
        backoff::mix(self.random)
    }
}
