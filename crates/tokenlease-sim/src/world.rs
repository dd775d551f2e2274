//! The world: true time, and what happens in it.

mod callers;
pub(crate) mod choices;
mod effects;
mod incidents;
pub(crate) mod naive;
mod processes;
mod queue;

use std::collections::BTreeMap;

use tokenlease_core::{Credentials, CredentialsFingerprint, Key, lifecycle::Ask};

use self::queue::Queue;
use crate::{
    Caller, Fault, H, Oracle, Password, Process, Provider, S, Setup, Stats, duration,
    planted::{self, Bug},
    process::Host,
    rng::Rng,
    store::Store,
};

type Action = Box<dyn FnOnce(&mut World)>;

struct Waiting {
    process: usize,
    /// The caller's own password, whichever entry it was sent to.
    of: Password,
    password: Password,
    ask: Ask,
    asked: i64,
    deadline: i64,
    caller: Caller,
}

/// A fleet, its store, its provider, and what becomes of them.
pub struct World {
    /// What it was made of.
    pub setup: Setup,
    /// The true time.
    pub now: i64,
    /// Chance.
    pub rng: Rng,
    /// The store.
    pub store: Store,
    /// The provider.
    pub provider: Provider,
    /// The hosts' clocks.
    pub hosts: Vec<Host>,
    /// The processes.
    pub processes: Vec<Process>,
    /// What is broken when.
    pub faults: Vec<(i64, i64, Fault)>,
    /// What was counted.
    pub stats: Stats,
    /// Who knows the truth.
    pub oracle: Oracle,
    /// Until then an API rejects tokens for reasons of its own.
    pub api_rejects_until: i64,
    /// So many of a hundred calls to the store get no answer, half of them are not even heard.
    pub lose_store_answers: i64,
    /// Who is answered 403, and until when.
    pub forbidden: Option<(Password, i64)>,
    /// So many answers to logins are lost.
    pub lose_next_login_answers: u32,
    /// What is told of each event, if anyone wants to read it.
    pub story: Option<Vec<String>>,
    pub(crate) key: Key,
    credentials_fingerprints: BTreeMap<Password, CredentialsFingerprint>,
    queue: Queue<Action>,
    callers: BTreeMap<u64, Waiting>,
    pub(crate) happenings: u64,
    minimum_until: i64,
    told_to_wait: i64,
    busy: (i64, u32),
    pub(crate) planted: planted::Memory,
    /// Who decides in place of chance and time.
    pub(crate) choices: Option<choices::Choices>,
    /// Who asks in place of the machine.
    pub(crate) naive: Option<naive::Fleet>,
}

impl World {
    /// A world at its beginning; its processes are to be launched.
    pub fn new(mut setup: Setup) -> Self {
        if setup.bug == Some(Bug::StoreOnlyWhenEmpty) {
            setup.policy.store_check_interval = duration(10_000 * H);
        }
        let mut rng = Rng::new(setup.seed);
        let mut provider = Provider::new(setup.kind, setup.life);
        (provider.kill, provider.vague, provider.mute) = (setup.kill, setup.vague, setup.mute);
        let hosts = (0_i64..)
            .zip((0..setup.hosts).map(|host| setup.walls.get(host).copied().unwrap_or_default()))
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
            oracle: Oracle::default(),
            api_rejects_until: i64::MIN,
            forbidden: None,
            lose_store_answers: 0,
            lose_next_login_answers: 0,
            story: None,
            key: Key::new([7; 32]),
            credentials_fingerprints: BTreeMap::new(),
            queue: Queue::new(),
            callers: BTreeMap::new(),
            happenings: 0,
            minimum_until: i64::MIN,
            told_to_wait: i64::MIN / 2,
            busy: (i64::MIN, 0),
            planted: planted::Memory::default(),
            choices: None,
            naive: None,
            setup,
        }
    }

    /// A world whose processes all run.
    pub fn launched(setup: Setup) -> Self {
        let mut world = Self::new(setup);
        for process in 0..world.processes.len() {
            world.launch(process, None);
        }
        world
    }

    /// Something happens then.
    pub fn at(&mut self, t: i64, action: impl FnOnce(&mut Self) + 'static) {
        self.queue.push(t.max(self.now), Box::new(action));
    }

    /// Lets time pass until then.
    pub fn run(&mut self, until: i64) {
        while self.oracle.violations.len() < 20
            && let Some((t, action)) = self.queue.pop(until)
        {
            self.now = t;
            if self.busy.0 == t {
                self.busy.1 += 1;
                if self.busy.1 > 200_000 {
                    self.violate("the world stands still", String::new());
                    return;
                }
            } else {
                self.busy = (t, 0);
            }
            action(self);
        }
        self.now = until;
    }

    /// How much its plan made happen: callers who ask, incidents, and faults.
    pub fn events(&self) -> u64 {
        self.happenings
    }

    /// How many steps were taken: asks and incidents, and all that came of them.
    pub fn steps(&self) -> u64 {
        self.queue.sequence()
    }

    pub(crate) fn say(&mut self, text: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            let ms = self.now;
            story.push(format!("{:>8}.{:03} {}", ms / 1000, ms % 1000, text()));
        }
    }

    pub(crate) fn violate(&mut self, what: &'static str, detail: String) {
        self.say(|| format!("VIOLATION {what}: {detail}"));
        self.oracle.violate(self.now, what, detail);
    }

    /// Whether that is broken now.
    pub fn is_broken(&self, fault: Fault) -> bool {
        self.faults
            .iter()
            .any(|(from, until, f)| *f == fault && (*from..*until).contains(&self.now))
    }

    /// An answer to credentials, or a fault, has a part in this world: extra logins may be due.
    pub fn touch(&mut self) {
        self.oracle.touched = true;
    }

    /// The minimum counts anew: a token was ended early.
    pub fn minimum_restarts(&mut self) {
        self.minimum_until = i64::MIN;
    }

    pub(crate) fn credentials_fingerprint_of(
        &mut self,
        password: &Password,
    ) -> CredentialsFingerprint {
        let one: Password = "p0".into();
        let of = if self.setup.bug == Some(Bug::OneProof) { &one } else { password };
        let credentials_fingerprint =
            || CredentialsFingerprint::of(&self.key, &Credentials::password(of.text().as_str()));
        *self.credentials_fingerprints.entry(*password).or_insert_with(credentials_fingerprint)
    }

    /// What the clocks of a process show.
    pub fn clock(&self, p: usize) -> tokenlease_core::Now {
        let mut now = self.hosts[self.processes[p].host].now(self.now);
        if self.setup.bug == Some(Bug::WallClockOnly) {
            now.elapsed.0 = now.wall.0;
        }
        now
    }
}

/// How long ends may lie apart by latencies alone.
pub(crate) const SLACK: i64 = 50;
/// The time until a rejection or a circuit that is in the record is known to all.
pub(crate) const KNOWN_AFTER: i64 = 32 * S + SLACK;
