//! The state machine of one entry: one identity with one set of credentials, and the flight that
//! gets a lease for it.
//!
//! Three calls drive it. [`Lifecycle::ask`] answers a caller, or takes its demand.
//! [`Lifecycle::poll`] names the next effect, and [`Lifecycle::handle`] takes the effect's outcome:
//!
//! ```text
//! ask ─► Reply::Lease | Reply::Error | Reply::Later
//!                                          │
//!        ┌─────────────────────────────────┘
//!        ▼
//!      poll ─► Step::Do(effect, receipt) ─► perform the effect ─► handle(receipt, outcome) ─► poll
//!          ├─► Step::Wait(until)         ─► poll then
//!          └─► Step::Done                ─► ask again
//! ```
//!
//! | rule | file |
//! | --- | --- |
//! | the stages of a flight and their transitions | `machine.rs` |
//! | the choice between the store, a refetch and a login; the end of a flight | `flight.rs` |
//! | what a caller is answered | `caller.rs` |
//! | login, what a refetch shares with it, and what their answers mean | `login.rs`, `acquire.rs` |
//! | refetch, as a step of a flight and as a caller's request | `refetch.rs` |
//! | logins that bring nothing better or are lost; why logins are sent | `spent.rs`, `history.rs` |
//! | bounds on what a fault of the rules could cost | `fuse.rs` |
//! | validation of the current lease, and of one that an API rejected | `validate.rs`, `reject.rs` |
//! | rejected credentials, and the changing ones of a subject | `circuit.rs`, `subject.rs` |
//! | backoffs: why nothing is tried, until when, for whom; a failed refresh | `backoff.rs` |
//! | tokens that must not be served again | `ended.rs` |
//! | the learned lifetime of tokens without a stated expiry | `lifetime.rs` |
//! | the lock, unlocks that arrive late, and the policy for a store outage | `lock.rs`, `outage.rs` |
//! | the record as it was last read, unsaved changes, and adopted leases | `store_view.rs`, `adopt.rs` |
//! | validations and revocations that callers request, and their reports | `job.rs`, `revoke.rs`, `reports.rs` |
//! | outcomes of effects, also late ones | `outcome.rs` |
//! | a machine without work, in few bytes | `packed.rs`, `store_view/packed.rs` |
//! | effects, events, options, and the state in words | `effect.rs`, `event.rs`, `policy.rs`, `explain.rs` |

mod acquire;
mod adopt;
mod backoff;
mod caller;
mod capabilities;
mod circuit;
mod clocks;
mod current;
mod effect;
mod ended;
mod event;
mod explain;
mod flight;
mod fuse;
mod history;
mod job;
mod lifetime;
mod lock;
mod login;
mod machine;
mod outage;
mod outcome;
mod packed;
mod policy;
mod refetch;
mod reject;
mod reports;
mod revoke;
mod spent;
mod store_view;
mod subject;
#[cfg(test)]
mod tests;
mod validate;

use std::sync::Arc;

use self::{
    backoff::Backoffs, capabilities::Capabilities, current::CurrentLease, effect::EffectKind,
    ended::EndedTokens, flight::Flight, history::HistoryLog, job::Job, lock::Lock,
    refetch::RequestedRefetch, reports::Reports, store_view::StoreView,
};
pub use self::{
    caller::{Ask, Ready, Reply, Served},
    effect::{Effect, Outcome, Receipt, Step},
    event::Event,
    job::Report,
    outage::OnStoreOutage,
    packed::Packed,
    policy::Policy,
    reject::Rejection,
    reports::JobId,
    revoke::Revocation,
};
use crate::{
    backoff::mix,
    credentials::CredentialsFingerprint,
    error::{Error, ErrorKind},
    expiry::Rules,
    host_clocks::{BootId, HostClocks},
    key::Key,
    provider::{Call, OptionsFingerprint, Server},
    time::{Moment as _, Now, Timestamp},
    token::TokenFingerprint,
};

/// The state machine of one entry.
#[derive(Debug)]
pub struct Lifecycle {
    can: Capabilities,
    policy: Arc<Policy>,
    rules: Rules,
    /// The clocks of this host, as of the last call.
    clocks: HostClocks,
    /// The clocks when the request was sent whose outcome is handled.
    sent_clocks: HostClocks,
    /// The credentials that are sent, for which circuits and backoffs are kept.
    credentials: CredentialsFingerprint,
    /// The holder of the leases: the credentials, or the subject for which the application vouches.
    holder: CredentialsFingerprint,
    /// The options that its logins are sent with.
    options: Option<OptionsFingerprint>,
    key: Key,
    /// The state of the machine's own sequence of random numbers.
    random: u64,

    store: StoreView,
    current: Option<CurrentLease>,
    ended: EndedTokens,
    history: HistoryLog,
    backoffs: Backoffs,
    lock: Lock,
    /// The server called a token active, so its "inactive" is believed.
    validation_has_worked: bool,

    /// The combined demand of all waiting callers.
    demand: Option<Ask>,
    refetch_requested: Option<RequestedRefetch>,
    store_check_requested: bool,
    // On the heap, because a machine that has its lease has none: a portal holds thousands of them.
    flight: Option<Box<Flight>>,
    job: Option<Box<Job>>,
    reports: Reports,
    outstanding: Option<Box<Receipt>>,
    next_id: u64,
    completions: u64,
    events: Vec<Event>,
}

/// Where a step of the state machine leads.
enum Next {
    Do(Effect, EffectKind),
    Wait(Timestamp),
    /// The state changed: look for the next step again.
    Again,
    Done,
}

impl Lifecycle {
    /// The state machine of the entry of those credentials at that server. `key` is the store's key,
    /// `seed` a random number from which jitter is drawn.
    pub fn new(
        server: &Server,
        credentials: CredentialsFingerprint,
        key: Key,
        policy: impl Into<Arc<Policy>>,
        seed: u64,
    ) -> Self {
        let clocks = HostClocks { boot: BootId(seed), ahead: 0 };
        let holder = CredentialsFingerprint::of_subject(&key, server.identity());
        let holder = holder.unwrap_or(credentials);
        Self {
            can: Capabilities {
                refetch: server.can_refetch(),
                validate: server.can_validate(),
                configures_validation: server.validation_is_configured(),
                revoke: server.can_revoke(),
                state_expiry: server.states_ends(),
            },
            policy: policy.into(),
            rules: Rules { new_token_ends_old: server.new_token_ends_old(), seed, clocks: None },
            clocks,
            sent_clocks: clocks,
            credentials,
            holder,
            options: Some(server.options_fingerprint(&key)),
            key,
            random: seed,
            store: StoreView::default(),
            current: None,
            ended: EndedTokens::default(),
            history: HistoryLog::new(seed),
            backoffs: Backoffs::default(),
            lock: Lock::default(),
            validation_has_worked: false,
            demand: None,
            refetch_requested: None,
            store_check_requested: false,
            flight: None,
            job: None,
            reports: Reports::default(),
            outstanding: None,
            next_id: 0,
            completions: 0,
            events: Vec::new(),
        }
    }

    /// Takes the id of this start of the host. Then processes that share a store recognize that the host's
    /// clocks have parted since another process of the host used the token; without it, only this
    /// machine's own leases are compared.
    #[must_use]
    pub fn with_boot(mut self, boot: BootId) -> Self {
        self.clocks.boot = boot;
        self.sent_clocks.boot = boot;
        self
    }

    /// Takes which calls the server has, after its discovery document was read.
    pub fn set_calls_of(&mut self, server: &Server) {
        self.can.validate = server.can_validate();
        self.can.revoke = server.can_revoke();
    }

    /// Returns the next effect to perform, or when to poll again. Each call makes progress or names a
    /// time.
    pub fn poll(&mut self, now: Now) -> Step {
        let t = now.elapsed;
        self.read_clocks(now);
        self.give_up(now);
        let mut turns = 0;
        while self.within_turns(turns, t) {
            turns += 1;
            if let Some(receipt) = &self.outstanding {
                return Step::Wait(receipt.deadline);
            }
            let mut next = match self.save(t) {
                Some(next) => next,
                None if self.flight.is_some() => self.advance(now),
                None => self.idle(t),
            };
            if let Next::Wait(_) = next
                && let Some(job) = self.job_step(now)
            {
                next = job;
            }
            match next {
                Next::Do(effect, kind) => {
                    if self.within_fuse(&effect, t)
                        && let Some(step) = self.perform(effect, kind, now)
                    {
                        return step;
                    }
                }
                Next::Wait(until) if until > t => return Step::Wait(until),
                Next::Wait(_) | Next::Again => {}
                Next::Done => return Step::Done,
            }
        }
        Step::Done
    }

    /// Takes the outcome of an effect. An outcome whose receipt was given up is still taken if it is
    /// of use.
    #[expect(clippy::needless_pass_by_value, reason = "a receipt is good for one use")]
    pub fn handle(&mut self, receipt: Receipt, outcome: Outcome, now: Now) {
        self.note_unlock(&receipt, &outcome);
        self.read_clocks(now);
        let Receipt { id, kind, sent, clocks, credentials, .. } = receipt;
        self.sent_clocks = clocks;
        // The outcome concerns the credentials that were sent.
        let latest = std::mem::replace(&mut self.credentials, credentials);
        if self.outstanding.as_ref().is_some_and(|current| current.id == id) {
            self.outstanding = None;
            self.arrived(kind, outcome, sent, now);
        } else {
            self.note_late_lock(&receipt, &outcome);
            self.arrived_late(&receipt, outcome, now);
        }
        self.credentials = latest;
    }

    /// Whether `poll` has something to do or to wait for.
    pub fn has_work(&self) -> bool {
        self.is_busy() || self.store.is_unsaved()
    }

    /// Whether something is under way or requested. Changes that are unsaved only because the store
    /// is unavailable do not count: a process that ends need not wait for them.
    pub fn is_busy(&self) -> bool {
        self.outstanding.is_some()
            || self.flight.is_some()
            || self.demand.is_some()
            || self.job.is_some()
            || self.lock.is_stray
            || self.store_check_requested
            || (self.store.is_unsaved() && self.store.last_error.is_none())
    }

    /// Returns how many flights and jobs have ended. When it grows, waiting callers ask again.
    pub fn completions(&self) -> u64 {
        self.completions
    }

    /// Returns the events since the last call.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Returns the random number that the state machine was made with.
    pub fn seed(&self) -> u64 {
        self.rules.seed
    }

    fn perform(&mut self, effect: Effect, kind: EffectKind, now: Now) -> Option<Step> {
        let t = now.elapsed;
        let is_request = matches!(effect, Effect::Send(_));
        if !is_request && !self.policy.store {
            let outcome = self.store.without_store(kind, t);
            self.arrived(kind, outcome, t, now);
            return None;
        }
        let policy = &self.policy;
        let limit = if is_request { policy.request_timeout } else { policy.store_timeout };
        self.next_id += 1;
        let lock_epoch = self.lock_epoch_of(kind);
        let token = match &effect {
            Effect::Send(Call::Validate(token)) => Some(TokenFingerprint::of(&self.key, token)),
            _ => None,
        };
        let deadline = t.plus(limit);
        let (id, clocks, credentials) = (self.next_id, self.clocks, self.credentials);
        let receipt =
            Receipt { id, kind, sent: t, deadline, lock_epoch, token, clocks, credentials };
        self.outstanding = Some(Box::new(receipt.copy()));
        Some(Step::Do(effect, receipt))
    }

    /// An effect whose deadline passed counts as failed.
    fn give_up(&mut self, now: Now) {
        if let Some(receipt) = self.outstanding.take_if(|receipt| receipt.deadline <= now.elapsed) {
            let outcome = match receipt.kind {
                EffectKind::Login
                | EffectKind::Refetch
                | EffectKind::Validate
                | EffectKind::Job => Outcome::Lost(Error::new(
                    ErrorKind::Transport,
                    "the server did not answer in time",
                )),
                _ => Outcome::Failed(Error::new(
                    ErrorKind::Store,
                    "the store did not answer in time",
                )),
            };
            self.arrived(receipt.kind, outcome, receipt.sent, now);
        }
    }

    /// The next step where there is no flight.
    fn idle(&mut self, t: Timestamp) -> Next {
        if let Some(next) = self.release_stray_lock() {
            return next;
        }
        if std::mem::take(&mut self.store_check_requested) {
            return Next::Do(Effect::Load, EffectKind::Load);
        }
        let Some(demand) = self.demand else {
            // A job goes first. Without one, only changes are left that could not be saved.
            return match self.store.save_due() {
                Some(t) => Next::Wait(t),
                None if self.job.is_some() => Next::Wait(Timestamp::MAX),
                None => Next::Done,
            };
        };
        if demand.deadline <= t {
            self.demand = None;
            self.refetch_requested = None;
            return Next::Again;
        }
        if self.flights_wait_for_revocation() {
            return Next::Wait(demand.deadline);
        }
        let next_check = self.store.next_check;
        if t < next_check
            && self.refetch_requested.is_none()
            && let Some(until) = self.backed_off_until(t)
        {
            // The lock is not held during a backoff, and the record is read meanwhile.
            return Next::Wait(until.min(next_check).min(demand.deadline));
        }
        let refetch = self.refetch_requested.take().map(|requested| requested.id);
        let refreshing =
            self.current.as_ref().is_some_and(|current| self.may_serve(current, &demand, t));
        self.flight = Some(Box::new(Flight::new(t, refreshing, refetch)));
        Next::Again
    }

    /// The next number of the machine's own sequence.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(1);
        mix(self.random)
    }
}
