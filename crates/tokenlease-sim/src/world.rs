//! The world: true time, its queue of actions, and the state of everything in it.

mod callers;
pub(crate) mod choices;
mod effects;
mod external;
pub(crate) mod naive;
mod processes;
mod queue;
pub(crate) mod tickets;

use std::collections::BTreeMap;

use tokenlease_core::{Credentials, CredentialsFingerprint, Key, lifecycle::Ask};

use self::queue::Queue;
use crate::{
    Caller, Fault, H, Oracle, Password, Process, Provider, S, Setup, Stats,
    bugs::{self, Bug},
    duration,
    process::Host,
    rng::Rng,
    store::Store,
};

type Action = Box<dyn FnOnce(&mut World)>;

struct Waiting {
    process: usize,
    /// The caller's own password; an injected bug may send it to the entry of another one.
    of: Password,
    password: Password,
    ask: Ask,
    asked: i64,
    deadline: i64,
    caller: Caller,
}

/// A fleet with its store and its provider.
pub struct World {
    /// Its parameters.
    pub setup: Setup,
    /// The true time, in milliseconds.
    pub now: i64,
    /// The source of all random numbers.
    pub rng: Rng,
    /// The store.
    pub store: Store,
    /// The provider.
    pub provider: Provider,
    /// The hosts' clocks.
    pub hosts: Vec<Host>,
    /// The processes.
    pub processes: Vec<Process>,
    /// The faults, with their start and end.
    pub faults: Vec<(i64, i64, Fault)>,
    /// The statistics.
    pub stats: Stats,
    /// The oracle, which checks the invariants.
    pub oracle: Oracle,
    /// Until then APIs also reject active tokens.
    pub api_rejects_until: i64,
    /// This percentage of the calls to the store gets no answer; half of these do not arrive.
    pub store_loss_percent: i64,
    /// The password that is answered with 403, and until when.
    pub forbidden: Option<(Password, i64)>,
    /// The number of next answers to logins that are lost.
    pub lost_login_answers: u32,
    /// The log of all events, if it is kept.
    pub log: Option<Vec<String>>,
    pub(crate) key: Key,
    credentials_fingerprints: BTreeMap<Password, CredentialsFingerprint>,
    queue: Queue<Action>,
    callers: BTreeMap<u64, Waiting>,
    pub(crate) planned_events: u64,
    minimum_valid_until: i64,
    backoffs: i64,
    busy: (i64, u32),
    pub(crate) bug_state: bugs::BugState,
    pub(crate) tickets: tickets::Tickets,
    /// Choices that replace random numbers and times in an exhaustive search.
    pub(crate) choices: Option<choices::Choices>,
    /// Hand-written clients that replace the state machines.
    pub(crate) naive: Option<naive::Fleet>,
}

impl World {
    /// Returns a world at time 0, without running processes.
    pub fn new(mut setup: Setup) -> Self {
        if setup.bug == Some(Bug::StoreOnlyWhenEmpty) {
            setup.policy.store_check_interval = duration(10_000 * H);
        }
        let mut rng = Rng::new(setup.seed);
        let mut provider = Provider::new(setup.kind, setup.lifetime);
        (
            provider.new_token_ends_old,
            provider.refetch_hides_rejection,
            provider.without_validation,
        ) = (setup.new_token_ends_old, setup.refetch_hides_rejection, setup.without_validation);
        provider.quirk = setup.quirk;
        provider.subject = setup.subject && setup.bug != Some(Bug::LeasePerTicket);
        let hosts = (0_i64..)
            .zip(
                (0..setup.hosts)
                    .map(|host| setup.wall_offsets.get(host).copied().unwrap_or_default()),
            )
            .map(|(host, wall)| Host { elapsed: 777 * S * (host + 1), wall })
            .collect();
        let processes = (0..setup.hosts * setup.processes)
            .map(|n| Process::new(n / setup.processes, provider.password()))
            .collect();
        Self {
            now: 0,
            store: Store::new(rng.range(-H, H)).with_bug(setup.bug),
            rng,
            provider,
            hosts,
            processes,
            faults: Vec::new(),
            stats: Stats::default(),
            oracle: Oracle::new(setup.quirk.is_some()),
            api_rejects_until: i64::MIN,
            forbidden: None,
            store_loss_percent: 0,
            lost_login_answers: 0,
            log: None,
            key: Key::new([7; 32]),
            credentials_fingerprints: BTreeMap::new(),
            queue: Queue::new(),
            callers: BTreeMap::new(),
            planned_events: 0,
            minimum_valid_until: i64::MIN,
            backoffs: i64::MIN / 2,
            busy: (i64::MIN, 0),
            bug_state: bugs::BugState::default(),
            tickets: tickets::Tickets::default(),
            choices: None,
            naive: None,
            setup,
        }
    }

    /// Returns a world at time 0, in which all processes run.
    pub fn launched(setup: Setup) -> Self {
        let mut world = Self::new(setup);
        for process in 0..world.processes.len() {
            world.launch(process, None);
        }
        world
    }

    /// Schedules an action.
    pub fn at(&mut self, t: i64, action: impl FnOnce(&mut Self) + 'static) {
        self.queue.push(t.max(self.now), Box::new(action));
    }

    /// Runs all actions up to a time.
    pub fn run(&mut self, until: i64) {
        while self.oracle.violations.len() < 20
            && let Some((t, action)) = self.queue.pop(until)
        {
            self.now = t;
            if self.busy.0 == t {
                self.busy.1 += 1;
                if self.busy.1 > 200_000 {
                    self.violate("more than 200,000 actions at one time", String::new());
                    return;
                }
            } else {
                self.busy = (t, 0);
            }
            action(self);
        }
        self.now = until;
    }

    /// Returns the number of calls, other events and faults of its plan.
    pub fn events(&self) -> u64 {
        self.planned_events
    }

    /// Returns the number of actions that were scheduled, including those that follow from events.
    pub fn steps(&self) -> u64 {
        self.queue.sequence()
    }

    pub(crate) fn log_line(&mut self, text: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            let ms = self.now;
            log.push(format!("{:>8}.{:03} {}", ms / 1000, ms % 1000, text()));
        }
    }

    pub(crate) fn violate(&mut self, what: &'static str, detail: String) {
        self.log_line(|| format!("VIOLATION {what}: {detail}"));
        self.oracle.violate(self.now, what, detail);
    }

    /// Returns whether a fault is active now.
    pub fn is_broken(&self, fault: Fault) -> bool {
        self.faults
            .iter()
            .any(|(from, until, f)| *f == fault && (*from..*until).contains(&self.now))
    }

    /// Notes that the world has a fault or an external event, which may cause extra logins.
    pub fn mark_faulty(&mut self) {
        self.oracle.had_fault = true;
    }

    /// Adds a login to the minimum with the next call, because a token was ended early.
    pub fn restart_minimum(&mut self) {
        self.minimum_valid_until = i64::MIN;
    }

    pub(crate) fn credentials_fingerprint_of(
        &mut self,
        password: &Password,
    ) -> CredentialsFingerprint {
        let holder =
            CredentialsFingerprint::of_subject(&self.key, self.provider.server().identity());
        if let Some(holder) = holder {
            return holder;
        }
        let one: Password = "p0".into();
        let of =
            if self.setup.bug == Some(Bug::OneCredentialsFingerprint) { &one } else { password };
        let credentials_fingerprint =
            || CredentialsFingerprint::of(&self.key, &Credentials::password(of.text().as_str()));
        *self.credentials_fingerprints.entry(*password).or_insert_with(credentials_fingerprint)
    }

    /// Returns the times that the clocks of a process show.
    pub fn clock(&self, p: usize) -> tokenlease_core::Now {
        let mut now = self.hosts[self.processes[p].host].now(self.now);
        if self.setup.bug == Some(Bug::WallClockOnly) {
            now.elapsed.0 = now.wall.0;
        }
        if self.setup.bug == Some(Bug::WallClockIgnored) {
            now.wall.0 = now.elapsed.0;
        }
        now
    }
}

/// The difference between two clocks' view of an expiry that latencies alone explain.
pub(crate) const SLACK: i64 = 50;
/// The time after which every process knows a rejection or a circuit that is in the record.
pub(crate) const KNOWN_AFTER: i64 = 32 * S + SLACK;
