//! The state machine of one client with all its exchanges, in bytes: for hosts that send requests
//! with their own HTTP library, on their own threads, or in a test.
//!
//! [`Lifecycle`] decides which step comes next. A [`Machine`] adds what
//! lies between such a step and the outside: the bytes of a request and of a record, the discovery
//! document, and the calls of a client that take several steps. So a host only moves bytes:
//!
//! ```text
//!            ┌──────────────────────────────────────────────────────────────┐
//!            ▼                                                              │
//! begin ─► poll ─┬─► Do(effect) ─► send the request, or call the store ─► handle
//!            ▲   ├─► Wait(until) ─► wait ──┐
//!            │   │                         │
//!            └───│─────────────────────────┘
//!                └─► Done ─► take the result of the call
//! ```
//!
//! | rule | file |
//! | --- | --- |
//! | the loop above | `machine.rs` |
//! | effects and outcomes in bytes | `effect.rs` |
//! | the bytes of a record, as the outcome of a store effect | `stored.rs` |
//! | the request of a call, and what its answer means | `exchange.rs` |
//! | the steps of a client's calls | `calls.rs`, `report.rs` |
//! | the discovery document, before a request that needs it | `discovering.rs` |

mod calls;
mod discovering;
mod effect;
mod exchange;
mod report;
mod stored;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, time::Duration};

use self::{
    calls::Progress,
    discovering::{Discovering, Found},
    effect::Origin,
};
pub use self::{
    calls::{CallResult, ChangeSteps, ClientCall, JobSteps},
    effect::{Action, Effect, Outcome, Step},
    exchange::{Exchange, lasting},
    report::{ReportStep, ReportSteps},
    stored::{conflict, loaded},
};
use crate::{
    credentials::{Credentials, CredentialsFingerprint},
    error::{Error, ErrorKind, Result},
    host_clocks::BootId,
    key::Key,
    lifecycle::{self, Event, Lifecycle, Policy, Receipt},
    provider::{Call, Server},
    time::{Moment as _, Now, Timestamp},
    token::Token,
};

/// More steps than one poll ever needs before it comes to an effect or a wait.
const TURNS: u32 = 100;

/// The settings of a [`Machine`], of its process and of its store.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// The key of the store.
    pub key: Key,
    /// The limits and lifetimes.
    pub policy: Policy,
    /// A random number, from which jitter and the names of lock owners are drawn.
    pub seed: u64,
    /// The name of this start of the host, if the host's own clocks are passed to the machine.
    pub boot: Option<BootId>,
    /// The name of this host, for the record's history.
    pub host: &'a str,
    /// The id of this process, for the record's history.
    pub process: u32,
    /// How long a call waits that sets no deadline.
    pub wait: Duration,
}

/// Identifies a call of a client that was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(u64);

/// The state machine of one client, in bytes.
pub struct Machine {
    lifecycle: Lifecycle,
    /// The server, with its discovery document where it was read.
    server: Server,
    credentials: Credentials,
    discovering: Option<Discovering>,
    /// A request that waits for the discovery document, until that time.
    waiting: Option<(Call, Receipt, Timestamp)>,
    seed: u64,
    wait: Duration,
    calls: BTreeMap<CallId, OpenCall>,
    last_call: u64,
}

/// A call that was begun, and its result once it has one.
struct OpenCall {
    progress: Progress,
    result: Option<Result<CallResult>>,
}

impl Machine {
    /// Makes the machine of that server and those credentials. It sends nothing.
    ///
    /// # Errors
    /// `Config` for credentials that the grant lacks, and for a policy with which the machine could
    /// get no token.
    pub fn new(server: Server, credentials: Credentials, settings: Settings<'_>) -> Result<Self> {
        let Settings { key, policy, seed, boot, host, process, wait } = settings;
        if !policy.without_login {
            server.check(&credentials)?;
        }
        policy.check(&server, wait)?;
        let fingerprint = CredentialsFingerprint::of(&key, &credentials);
        let mut lifecycle = Lifecycle::new(&server, fingerprint, key, policy, seed);
        if let Some(boot) = boot {
            lifecycle = lifecycle.with_boot(boot);
        }
        lifecycle.set_process(host, process);
        let discovering =
            server.needs_discovery().then(|| Discovering::new(server.identity(), seed));
        Ok(Self {
            lifecycle,
            server,
            credentials,
            discovering,
            waiting: None,
            seed,
            wait,
            calls: BTreeMap::new(),
            last_call: 0,
        })
    }

    /// Begins a call. `wait`: how long it may take; `None` for the machine's own limit. Poll until
    /// [`take`](Self::take) returns its result.
    pub fn begin(&mut self, call: ClientCall, wait: Option<Duration>, now: Now) -> CallId {
        self.last_call += 1;
        let id = CallId(self.last_call);
        let needs_document = self.discovering.is_some();
        let wait = wait.unwrap_or(self.wait);
        let progress = Progress::new(call, now.elapsed, wait, needs_document);
        self.calls.insert(id, OpenCall { progress, result: None });
        self.step_calls(now);
        id
    }

    /// Returns whether the result of a call can be taken.
    pub fn is_complete(&self, id: CallId) -> bool {
        self.calls.get(&id).is_none_or(|call| call.result.is_some())
    }

    /// Returns the result of a call, once. `None` as long as it is not complete.
    pub fn take(&mut self, id: CallId) -> Option<Result<CallResult>> {
        let result = self.calls.get_mut(&id)?.result.take()?;
        self.calls.remove(&id);
        Some(result)
    }

    /// Ends a call whose result nobody waits for. A request that was sent is completed, and its
    /// answer counts for other calls.
    pub fn abandon(&mut self, id: CallId) {
        if let Some(call) = self.calls.remove(&id) {
            call.progress.abandon(&mut self.lifecycle);
        }
    }

    /// Returns the next effect to perform, or when to poll again. `Done`: no call is open, and nothing
    /// is under way.
    ///
    /// An effect that is not returned by [`handle`](Self::handle) counts as failed at its deadline.
    pub fn poll(&mut self, now: Now) -> Step {
        let mut until = Timestamp::MAX;
        for _ in 0..TURNS {
            self.step_calls(now);
            until = match self.discover(now) {
                Some(Step::Do(effect)) => return Step::Do(effect),
                Some(Step::Wait(until)) => until,
                _ => Timestamp::MAX,
            };
            match self.lifecycle.poll(now) {
                lifecycle::Step::Do(effect, receipt) => {
                    if let Some(effect) = self.effect(effect, receipt, now) {
                        return Step::Do(Box::new(effect));
                    }
                }
                lifecycle::Step::Wait(next) => {
                    until = until.min(next);
                    if !self.step_calls(now) {
                        break;
                    }
                }
                lifecycle::Step::Done => {
                    if !self.step_calls(now) && !self.lifecycle.is_busy() {
                        break;
                    }
                }
            }
        }
        let open = || self.calls.values().filter(|call| call.result.is_none());
        // Changes that only an unavailable store leaves unsaved need nobody to wait for them.
        if open().next().is_none() && !self.lifecycle.is_busy() {
            return Step::Done;
        }
        let deadline = open().map(|call| call.progress.deadline()).min().unwrap_or(Timestamp::MAX);
        // A call that is past its deadline has its result.
        Step::Wait(until.min(deadline).max(now.elapsed.plus(Duration::from_millis(1))))
    }

    /// Takes the outcome of an effect. A late outcome is still taken if it is of use. An outcome that
    /// does not [fit](Effect::takes) counts as a failure of the effect.
    pub fn handle(&mut self, effect: Effect, outcome: Outcome<'_>, now: Now) {
        let outcome = if effect.takes(&outcome) {
            outcome
        } else {
            let detail = format!("`{}` got the outcome of another effect", effect.action);
            effect.failed(
                Error::new(ErrorKind::Internal, detail)
                    .advice("return the outcome that belongs to the effect"),
            )
        };
        match effect.origin {
            Origin::Store(receipt) => self.lifecycle.handle(receipt, outcome.of_store(), now),
            Origin::Exchange { receipt, exchange, sent_at } => {
                let outcome = exchange.outcome(outcome, sent_at);
                self.lifecycle.handle(receipt, outcome, now);
            }
            Origin::Discovery(id) => {
                if let Some(discovering) = &mut self.discovering {
                    discovering.handle(id, outcome, now.elapsed);
                }
            }
        }
        self.step_calls(now);
    }

    /// Uses a token that was obtained elsewhere. It expires after `lifetime`; `None` if that is not
    /// known. See [`Lifecycle::adopt`].
    ///
    /// # Errors
    /// `TokenRejected` if the token is known to be inactive, and `Config` if it has expired.
    pub fn adopt(&mut self, token: Token, lifetime: Option<Duration>, now: Now) -> Result<()> {
        let end = lifetime.map(|lifetime| now.elapsed.plus(lifetime));
        self.lifecycle.adopt(token, end, now)
    }

    /// Returns whether a call is open, or something is under way.
    pub fn is_busy(&self) -> bool {
        self.lifecycle.is_busy() || self.calls.values().any(|call| call.result.is_none())
    }

    /// Returns the server, with its discovery document where it was read.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Returns the events since the last call.
    pub fn events(&mut self) -> Vec<Event> {
        self.lifecycle.events()
    }

    /// Describes the current token and its source in words. The text holds no secret.
    pub fn explain(&self, now: Now) -> String {
        self.lifecycle.explain(now)
    }

    /// Takes the steps of the open calls that need no effect. Returns whether one came further.
    fn step_calls(&mut self, now: Now) -> bool {
        let mut moved = false;
        for call in self.calls.values_mut().filter(|call| call.result.is_none()) {
            moved |= call.progress.step(&mut self.lifecycle, now);
            call.result = call.progress.result();
        }
        moved
    }

    /// Reads the discovery document where a request or a call needs it.
    fn discover(&mut self, now: Now) -> Option<Step> {
        let calls = self.calls.values().filter(|call| call.result.is_none());
        let calls = calls.filter(|call| call.progress.needs_document());
        let until = calls
            .map(|call| call.progress.deadline())
            .chain(self.waiting.as_ref().map(|(_, _, until)| *until))
            .max()?;
        let found = match &mut self.discovering {
            Some(discovering) => discovering.poll(now, until),
            None => Found::Ready(Ok(None)),
        };
        match found {
            Found::Do(effect) => Some(Step::Do(effect)),
            Found::Wait(next) => {
                // The request is given up after half of its time, whatever else waits.
                let late = self.waiting.take_if(|(_, _, until)| *until <= now.elapsed);
                if let Some((_, receipt, _)) = late {
                    let outcome = lifecycle::Outcome::NotSent(discovering::too_late());
                    self.lifecycle.handle(receipt, outcome, now);
                }
                Some(Step::Wait(next))
            }
            Found::Ready(result) => {
                let server = result.and_then(|found| self.server.clone().with_metadata(found));
                if let Ok(server) = &server {
                    self.lifecycle.set_calls_of(server);
                }
                for call in self.calls.values_mut() {
                    call.progress.found_document(server.as_ref().err());
                }
                let (call, receipt, _) = self.waiting.take()?;
                let server = match server {
                    Ok(server) => server,
                    Err(error) => {
                        let outcome = lifecycle::Outcome::NotSent(lasting(error));
                        self.lifecycle.handle(receipt, outcome, now);
                        return None;
                    }
                };
                self.exchange(server, call, receipt, now).map(|effect| Step::Do(Box::new(effect)))
            }
        }
    }

    /// Returns an effect of the lifecycle in bytes. `None`: its outcome is known already, or it waits
    /// for the discovery document.
    fn effect(&mut self, effect: lifecycle::Effect, receipt: Receipt, now: Now) -> Option<Effect> {
        match effect {
            lifecycle::Effect::Send(call) if self.discovering.is_some() => {
                // The call itself has at least half of the time.
                let half = receipt.deadline().since(now.elapsed) / 2;
                self.waiting = Some((call, receipt, now.elapsed.plus(half)));
                None
            }
            lifecycle::Effect::Send(call) => self.exchange(self.server.clone(), call, receipt, now),
            effect => {
                let owner = self.seed.wrapping_add(receipt.lock_epoch());
                match Effect::of_store(effect, receipt, self.server.identity(), owner) {
                    Ok(effect) => Some(effect),
                    Err(failed) => {
                        let (receipt, outcome) = *failed;
                        self.lifecycle.handle(receipt, outcome, now);
                        None
                    }
                }
            }
        }
    }

    fn exchange(
        &mut self,
        server: Server,
        call: Call,
        receipt: Receipt,
        now: Now,
    ) -> Option<Effect> {
        match Exchange::new(server, call, self.credentials.clone()) {
            Ok((exchange, request)) => {
                let deadline = receipt.deadline();
                let (sent_at, exchange) = (now.elapsed, Box::new(exchange));
                let origin = Origin::Exchange { receipt, exchange, sent_at };
                Some(Effect { action: Action::Send(request), origin, deadline })
            }
            Err(outcome) => {
                self.lifecycle.handle(receipt, *outcome, now);
                None
            }
        }
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Machine({})", self.server.identity())
    }
}
