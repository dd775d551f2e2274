//! The world: true time, what happens in it, and the processes that live through it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

use tokenlease_core::{
    Credentials, Error, ErrorKind, Key, Proof, Timestamp,
    lifecycle::{Ask, Effect, Lifecycle, Outcome, Pending, Policy, Refusal, Reply, Served, Step},
    vendor::{Answer, Call},
};

use crate::{
    H, Kind, Oracle, Password, Process, S, Vendor, duration, millis,
    process::{Entry, Host},
    rng::Rng,
    store::Store,
    vendor,
};

/// What a world is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// All chance comes from it.
    pub seed: u64,
    /// Whose ways the vendor has.
    pub kind: Kind,
    /// The life of its tokens.
    pub life: i64,
    /// Hosts.
    pub hosts: usize,
    /// Processes on each host.
    pub processes: usize,
    /// How far the wall clocks of the hosts are off; the rest are right.
    pub walls: Vec<i64>,
    /// How the machines behave.
    pub policy: Policy,
    /// A new token ends the one before.
    pub kill: bool,
    /// The vendor's refetch does not tell wrong credentials from no token.
    pub vague: bool,
    /// The vendor has no verdict on tokens.
    pub mute: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            seed: 1,
            kind: Kind::Winkas,
            life: 12 * H,
            hosts: 1,
            processes: 2,
            walls: Vec::new(),
            policy: Policy::default(),
            kill: false,
            vague: false,
            mute: false,
        }
    }
}

/// What is broken for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The store fails at once.
    Store,
    /// The store takes up to four seconds.
    SlowStore,
    /// Of all calls, one in seven is lost on the way there, and one in seven on the way back.
    Lossy,
    /// The vendor answers 503.
    Vendor,
    /// The vendor can't be reached.
    Unreachable,
    /// The vendor answers credentials with 429, to wait for a minute.
    Throttle,
    /// Half of the vendor's answers take up to 20 seconds more.
    Slow,
    /// The refetch alone answers 503.
    Refetch,
    /// The verdict alone answers 503.
    Verify,
    /// Credentials are answered 403.
    Forbid,
    /// Credentials are answered with an error that only another configuration mends.
    Config,
    /// The store lost its data at the beginning of it.
    Flush,
}

/// Who asks, and how.
#[derive(Clone, Debug)]
pub struct Caller {
    /// With another password than the process's.
    pub password: Option<Password>,
    /// How long it waits.
    pub wait: i64,
    /// Whether it asks again when its call is refused.
    pub replay: bool,
    /// The life that it wants left.
    pub min_remaining: Option<Duration>,
}

impl Default for Caller {
    fn default() -> Self {
        Self { password: None, wait: 20 * S, replay: true, min_remaining: None }
    }
}

impl Caller {
    /// One with that password.
    pub fn with(password: &str) -> Self {
        Self { password: Some(password.into()), ..Self::default() }
    }
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Calls for a lease.
    pub asks: u64,
    /// Leases served.
    pub served: u64,
    /// Of these, dead when they were served.
    pub dead: u64,
    /// Errors answered, by kind.
    pub errors: BTreeMap<ErrorKind, u64>,
    /// The logins that an all-knowing client would have sent.
    pub minimum: u32,
    /// Sends of credentials while told to wait.
    pub hammered: u64,
    /// Calls that the vendor received while it was down.
    pub into_the_dark: u64,
    /// Credentials that were answered 403, or that the configuration is wrong.
    pub forbidden: u64,
    /// When each answer was given.
    pub answered: Vec<i64>,
    /// Logins beside a good token, by cause.
    pub extra: BTreeMap<&'static str, u64>,
    /// Refusals that were answered with "still active": no replay.
    pub still_active: u64,
}

impl Stats {
    /// Errors of all kinds.
    pub fn errors(&self) -> u64 {
        self.errors.values().sum()
    }
}

type Action = Box<dyn FnOnce(&mut World)>;

struct Scheduled(Reverse<(i64, u64)>, Action);

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl Eq for Scheduled {}
impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

struct Waiting {
    process: usize,
    password: Password,
    ask: Ask,
    asked: i64,
    deadline: i64,
    caller: Caller,
}

/// A fleet, its store, its vendor, and what becomes of them.
pub struct World {
    /// What it was made of.
    pub setup: Setup,
    /// The true time.
    pub now: i64,
    /// Chance.
    pub rng: Rng,
    /// The store.
    pub store: Store,
    /// The vendor.
    pub vendor: Vendor,
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
    /// Until then an API refuses tokens for reasons of its own.
    pub api_refuses_until: i64,
    /// So many of a hundred calls to the store get no answer, half of them are not even heard.
    pub lose_store_answers: i64,
    /// Who is answered 403, and until when.
    pub forbidden: Option<(Password, i64)>,
    /// So many answers to issues are lost.
    pub lose_next_issue_answers: u32,
    /// What is told of each event, if anyone wants to read it.
    pub story: Option<Vec<String>>,
    pub(crate) key: Key,
    proofs: BTreeMap<Password, Proof>,
    queue: BinaryHeap<Scheduled>,
    sequence: u64,
    callers: BTreeMap<u64, Waiting>,
    minimum_until: i64,
    told_to_wait: i64,
    busy: (i64, u32),
}

impl World {
    /// A world at its beginning; its processes are to be launched.
    pub fn new(setup: Setup) -> Self {
        let mut rng = Rng::new(setup.seed);
        let mut vendor = Vendor::new(setup.kind, setup.life);
        (vendor.kill, vendor.vague, vendor.mute) = (setup.kill, setup.vague, setup.mute);
        let hosts = (0_i64..)
            .zip((0..setup.hosts).map(|host| setup.walls.get(host).copied().unwrap_or_default()))
            .map(|(host, wall)| Host { elapsed: 777 * S * (host + 1), wall })
            .collect();
        let processes = (0..setup.hosts * setup.processes)
            .map(|n| Process::new(n / setup.processes, vendor.password()))
            .collect();
        Self {
            now: 0,
            store: Store::new(rng.range(-H, H)),
            rng,
            vendor,
            hosts,
            processes,
            faults: Vec::new(),
            stats: Stats::default(),
            oracle: Oracle::default(),
            api_refuses_until: i64::MIN,
            forbidden: None,
            lose_store_answers: 0,
            lose_next_issue_answers: 0,
            story: None,
            key: Key::new([7; 32]),
            proofs: BTreeMap::new(),
            queue: BinaryHeap::new(),
            sequence: 0,
            callers: BTreeMap::new(),
            minimum_until: i64::MIN,
            told_to_wait: i64::MIN / 2,
            busy: (i64::MIN, 0),
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
        self.sequence += 1;
        let at = Reverse((t.max(self.now), self.sequence));
        self.queue.push(Scheduled(at, Box::new(action)));
    }

    /// Lets time pass until then.
    pub fn run(&mut self, until: i64) {
        while self.queue.peek().is_some_and(|next| next.0.0.0 <= until)
            && self.oracle.violations.len() < 20
        {
            let Some(Scheduled(Reverse((t, _)), action)) = self.queue.pop() else { break };
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

    pub(crate) fn proof_of(&mut self, password: &Password) -> Proof {
        let proof = || Proof::of(&self.key, &Credentials::password(&**password));
        *self.proofs.entry(password.clone()).or_insert_with(proof)
    }

    /// What the clocks of a process show.
    pub fn clock(&self, p: usize) -> tokenlease_core::Now {
        self.hosts[self.processes[p].host].now(self.now)
    }

    // ---- processes ---------------------------------------------------------------------------

    /// Starts a process, with the vendor's current password or another.
    pub fn launch(&mut self, p: usize, password: Option<&str>) {
        let password = password.map_or_else(|| self.vendor.password(), Into::into);
        let process = &mut self.processes[p];
        let host = process.host;
        *process =
            Process { epoch: process.epoch + 1, alive: true, ..Process::new(host, password) };
        self.say(|| format!("p{p} starts"));
    }

    /// Kills a process; it may start again after a while.
    pub fn crash(&mut self, p: usize, restart: Option<i64>, password: Option<&'static str>) {
        self.say(|| format!("p{p} crashes"));
        self.touch();
        for caller in self.processes[p].stop() {
            self.callers.remove(&caller);
        }
        if let Some(after) = restart {
            self.at(self.now + after, move |world| world.launch(p, password));
        }
    }

    /// Stops a process for a while, as SIGSTOP and a suspended host do.
    pub fn freeze(&mut self, p: usize, for_millis: i64) {
        self.touch();
        let until = self.now + for_millis;
        self.processes[p].frozen = self.processes[p].frozen.max(until);
        self.say(|| format!("p{p} stands still for {for_millis} ms"));
        self.at(until, move |world| world.thaw(p));
    }

    fn thaw(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        for (password, pending, outcome) in std::mem::take(&mut self.processes[p].inbox) {
            self.hand_in(p, &password, pending, outcome);
        }
        let passwords: Vec<_> = self.processes[p].entries.keys().cloned().collect();
        for password in passwords {
            self.drive(p, &password);
            self.past_deadline(p, &password);
        }
    }

    /// The wall clock of a host jumps.
    pub fn jump(&mut self, host: usize, by: i64) {
        self.touch();
        self.hosts[host].wall += by;
    }

    /// The machine of that password in a process; it is made when first asked for.
    pub fn machine(&mut self, p: usize, password: &Password) -> &mut Lifecycle {
        if !self.processes[p].entries.contains_key(password) {
            let (server, proof) = (self.vendor.server(), self.proof_of(password));
            let seed = self.rng.draw();
            let machine = Lifecycle::new(&server, proof, self.key.clone(), self.setup.policy, seed);
            let entry = Entry { machine, waiters: Vec::new(), landings: 0, wake: None };
            self.processes[p].entries.insert(password.clone(), entry);
        }
        &mut self.processes[p].entries.get_mut(password).expect("made just now").machine
    }

    /// Lets a machine work as far as it can without an answer.
    pub fn drive(&mut self, p: usize, password: &Password) {
        for round in 0.. {
            if !self.processes[p].runs(self.now) {
                return;
            }
            let now = self.clock(p);
            let Some(entry) = self.processes[p].entries.get_mut(password) else { return };
            let step = entry.machine.poll(now);
            let events = entry.machine.events();
            let landings = entry.machine.landings();
            let landed = std::mem::replace(&mut entry.landings, landings) != landings;
            self.processes[p].note(events);
            if let Step::Do(effect, pending) = step {
                self.perform(p, password, effect, pending);
            } else {
                let wake = if let Step::Wait(until) = step { Some(until) } else { None };
                self.wake_at(p, password, wake);
                if !landed {
                    return;
                }
            }
            if landed {
                self.answer_waiters(p, password);
            }
            if round > 500 {
                return self.violate("a machine works without end", format!("p{p} {password}"));
            }
        }
    }

    fn wake_at(&mut self, p: usize, password: &Password, until: Option<Timestamp>) {
        let Some(until) = until else { return };
        let wait = until.0.saturating_sub(self.clock(p).elapsed.0).clamp(0, 10_000 * H);
        let (t, now) = (self.now + wait, self.now);
        let Some(entry) = self.processes[p].entries.get_mut(password) else { return };
        if entry.wake.is_some_and(|wake| wake > now && wake <= t) {
            return;
        }
        entry.wake = Some(t);
        let (epoch, password) = (self.processes[p].epoch, password.clone());
        self.at(t, move |world| {
            if world.processes[p].epoch != epoch {
                return;
            }
            if let Some(entry) = world.processes[p].entries.get_mut(&password) {
                entry.wake.take_if(|wake| *wake == t);
            }
            world.drive(p, &password);
        });
    }

    // ---- effects -----------------------------------------------------------------------------

    fn perform(&mut self, p: usize, password: &Password, effect: Effect, pending: Pending) {
        let vendor = matches!(effect, Effect::Send(_));
        let (mut there, back) = if vendor {
            (self.rng.range(10, 40), self.rng.range(10, 40))
        } else {
            (self.rng.range(1, 5), self.rng.range(1, 5))
        };
        if vendor && self.is_broken(Fault::Slow) && self.rng.chance(50) {
            there += self.rng.range(1, 20) * S;
        }
        if !vendor && self.is_broken(Fault::SlowStore) && self.rng.chance(50) {
            there += self.rng.range(100, 4 * S);
        }
        self.oracle.touched |= !self.faults.is_empty();
        let lossy = self.is_broken(Fault::Lossy);
        let store_lossy = !vendor && self.rng.range(0, 99) < self.lose_store_answers;
        let lot = match (lossy, store_lossy) {
            (true, _) => self.rng.range(0, 99),
            (false, true) => self.rng.range(0, 29),
            (false, false) => 99,
        };
        if lot < 15 {
            return self.say(|| format!("p{p} {password} {effect}: lost on the way there"));
        }
        let (epoch, password, sent) = (self.processes[p].epoch, password.clone(), self.now);
        let sent_at = self.clock(p).elapsed;
        self.at(self.now + there, move |world| {
            let owner = (p, epoch, password.clone());
            let outcome = world.execute(&owner, &effect, sent, sent_at);
            world.say(|| format!("p{p} {password} {effect}: {}", told(&outcome)));
            let issue = matches!(effect, Effect::Send(Call::Issue));
            if issue && world.lose_next_issue_answers > 0 {
                world.lose_next_issue_answers -= 1;
                return;
            }
            if lot < 30 {
                return;
            }
            world.at(world.now + back, move |world| {
                if world.processes[p].epoch == epoch && world.processes[p].alive {
                    if world.processes[p].runs(world.now) {
                        world.hand_in(p, &password, pending, outcome);
                        world.drive(p, &password);
                    } else {
                        world.processes[p].inbox.push((password, pending, outcome));
                    }
                }
            });
        });
    }

    fn execute(
        &mut self,
        owner: &crate::Owner,
        effect: &Effect,
        sent: i64,
        sent_at: Timestamp,
    ) -> Outcome {
        let t = self.now;
        if let Effect::Send(call) = effect {
            return self.call(owner, call, sent, sent_at);
        }
        if self.is_broken(Fault::Store) {
            return Outcome::Failed(Error::new(ErrorKind::Store, "the store is down"));
        }
        match effect {
            Effect::Load => self.store.load(t),
            Effect::Lock { life } => self.store.lock(t, owner, *life),
            Effect::Renew { life } => self.store.renew(t, owner, *life),
            Effect::Unlock => self.store.unlock(owner),
            Effect::Save { expected, record, .. } => {
                let outcome = self.store.save(t, *expected, record);
                if matches!(outcome, Outcome::Saved { .. }) {
                    self.note_saved();
                }
                outcome
            }
            _ => Outcome::Failed(Error::new(ErrorKind::Internal, "an effect the world lacks")),
        }
    }

    fn call(
        &mut self,
        owner: &crate::Owner,
        call: &Call,
        sent: i64,
        sent_at: Timestamp,
    ) -> Outcome {
        let t = self.now;
        let credentials = call.takes_credentials();
        if self.is_broken(Fault::Unreachable) {
            return Outcome::NotSent(Error::new(ErrorKind::Transport, "connection refused"));
        }
        if credentials && self.is_broken(Fault::Throttle) {
            if sent < self.told_to_wait - 500 {
                self.stats.hammered += 1;
            }
            self.told_to_wait = self.told_to_wait.max(t + 60 * S);
            return Outcome::Answered(Answer::Failed(vendor::throttled(duration(60 * S))));
        }
        if self.is_broken(Fault::Vendor)
            || matches!(call, Call::Refetch) && self.is_broken(Fault::Refetch)
            || matches!(call, Call::Verify(_)) && self.is_broken(Fault::Verify)
        {
            self.stats.into_the_dark += u64::from(credentials);
            return Outcome::Answered(Answer::Failed(vendor::down()));
        }
        let forbidden = self.forbidden.as_ref();
        let forbidden = forbidden.is_some_and(|(who, until)| *who == owner.2 && t < *until);
        if credentials && (forbidden || self.is_broken(Fault::Forbid)) {
            self.stats.forbidden += 1;
            return Outcome::Answered(Answer::Failed(vendor::forbidden()));
        }
        if credentials && self.is_broken(Fault::Config) {
            self.stats.forbidden += 1;
            return Outcome::Answered(Answer::Failed(vendor::misconfigured()));
        }
        self.judge_send(owner, call, sent);
        let answer = self.vendor.answer(t, call, &owner.2, sent, sent_at);
        let said_yes = match (&answer, call) {
            (Answer::Active, Call::Verify(token)) => Some(Vendor::number(token)),
            (Answer::Token(granted), Call::Refetch) => Some(Vendor::number(&granted.token)),
            _ => None,
        };
        if let Some(number) = said_yes {
            self.oracle.verdicts.entry(number).or_default().push(sent);
        }
        Outcome::Answered(answer)
    }

    fn hand_in(&mut self, p: usize, password: &Password, pending: Pending, outcome: Outcome) {
        let now = self.clock(p);
        if let Some(entry) = self.processes[p].entries.get_mut(password) {
            entry.machine.handle(pending, outcome, now);
        }
    }

    // ---- callers -----------------------------------------------------------------------------

    /// Someone in that process asks for a lease, and calls an API with it.
    pub fn ask(&mut self, p: usize, caller: Caller) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        self.stats.asks += 1;
        let password =
            caller.password.clone().unwrap_or_else(|| self.processes[p].password.clone());
        if password == self.vendor.password() && self.now >= self.minimum_until {
            self.stats.minimum += 1;
            self.minimum_until = self.now + self.vendor.life;
        }
        let ask = Ask {
            min_remaining: caller.min_remaining,
            ..Ask::new(self.clock(p).elapsed, duration(caller.wait))
        };
        let (asked, deadline) = (self.now, self.now + caller.wait);
        let waiting = Waiting { process: p, password, ask, asked, deadline, caller };
        let id = self.stats.asks;
        self.at(deadline, move |world| world.answer(id));
        self.callers.insert(id, waiting);
        self.answer(id);
    }

    /// Asks the machine for a caller, once more.
    fn answer(&mut self, id: u64) {
        let Some(waiting) = self.callers.get(&id) else { return };
        let (p, password, ask) = (waiting.process, waiting.password.clone(), waiting.ask);
        if !self.processes[p].runs(self.now) {
            return;
        }
        let now = self.clock(p);
        match self.machine(p, &password).ask(&ask, now) {
            Reply::Later => {
                if now.elapsed >= ask.deadline {
                    self.violate("not answered at the deadline", format!("p{p} {password}"));
                    self.callers.remove(&id);
                } else if let Some(entry) = self.processes[p].entries.get_mut(&password)
                    && !entry.waiters.contains(&id)
                {
                    entry.waiters.push(id);
                }
            }
            reply => {
                if let Some(waiting) = self.callers.remove(&id) {
                    self.answered(waiting, reply);
                }
            }
        }
        if let Some(entry) = self.processes[p].entries.get_mut(&password) {
            entry.waiters.retain(|waiter| self.callers.contains_key(waiter));
        }
        self.drive(p, &password);
    }

    fn answer_waiters(&mut self, p: usize, password: &Password) {
        let Some(entry) = self.processes[p].entries.get_mut(password) else { return };
        for id in std::mem::take(&mut entry.waiters) {
            let Some(waiting) = self.callers.get(&id) else { continue };
            let (ask, now) = (waiting.ask, self.clock(p));
            match self.machine(p, password).ask(&ask, now) {
                Reply::Later => {
                    if let Some(entry) = self.processes[p].entries.get_mut(password) {
                        entry.waiters.push(id);
                    }
                }
                reply => {
                    if let Some(waiting) = self.callers.remove(&id) {
                        self.answered(waiting, reply);
                    }
                }
            }
        }
    }

    /// The longest remaining life that a caller who waits there may insist on.
    pub(crate) fn longest_wish(&self, p: usize, password: &Password) -> i64 {
        let half = duration(self.setup.life / 2);
        let there = self.callers.values().filter(|w| w.process == p && w.password == *password);
        there
            .filter_map(|w| w.caller.min_remaining)
            .map(|wish| millis(wish.min(half)))
            .max()
            .unwrap_or(0)
    }

    fn past_deadline(&mut self, p: usize, password: &Password) {
        let Some(entry) = self.processes[p].entries.get(password) else { return };
        for id in entry.waiters.clone() {
            if self.callers.get(&id).is_some_and(|waiting| waiting.deadline <= self.now) {
                self.answer(id);
            }
        }
    }

    fn answered(&mut self, waiting: Waiting, reply: Reply) {
        let p = waiting.process;
        self.stats.answered.push(self.now);
        let frozen = self.processes[p].frozen > waiting.asked;
        if self.now > waiting.deadline + 50 && !frozen {
            self.violate("answered after the deadline", format!("p{p} {}", waiting.password));
        }
        match reply {
            Reply::Lease(served) => self.served(waiting, &served),
            Reply::Error(error) => {
                self.say(|| format!("p{p} {} is answered: {error}", waiting.password));
                *self.stats.errors.entry(error.kind()).or_default() += 1;
                if self.oracle.quiet_since.is_some_and(|since| waiting.asked > since)
                    && self.vendor.takes(&waiting.password)
                {
                    self.violate("no lease although all is well again", format!("p{p} {error}"));
                }
            }
            Reply::Later => {}
        }
    }

    /// A caller has its lease, and uses it.
    fn served(&mut self, waiting: Waiting, served: &Served) {
        let Waiting { process: p, password, asked, caller, .. } = waiting;
        self.stats.served += 1;
        let token = served.lease.token();
        let number = Vendor::number(token);
        self.judge_answer(p, &password, number, served, asked);
        let dead = !self.vendor.is_active(number, self.now);
        self.stats.dead += u64::from(dead);
        if dead {
            self.say(|| format!("p{p} {password} is served the dead token {number}"));
        }
        if !dead && self.now >= self.api_refuses_until {
            return;
        }
        let now = self.clock(p);
        let refusal = self.machine(p, &password).refuse(token, now);
        self.say(|| format!("p{p} {password} has token {number} refused: {refusal:?}"));
        if refusal == Refusal::StillActive {
            self.stats.still_active += 1;
        } else {
            self.processes[p].told.insert((password.clone(), number), self.now);
            if caller.replay {
                let again =
                    Caller { password: Some(password), wait: 20 * S, replay: false, ..caller };
                self.at(self.now + 1, move |world| world.ask(p, again));
            }
        }
    }

    /// The process revokes the token it holds.
    pub fn revoke(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        self.touch();
        let (now, password) = (self.clock(p), self.processes[p].password.clone());
        let machine = self.machine(p, &password);
        let Some(token) = machine.held().map(|(lease, _)| lease.token().clone()) else { return };
        if machine.revoke(&token, now).is_ok() {
            let number = Vendor::number(&token);
            self.say(|| format!("p{p} revokes {number}"));
            self.minimum_restarts();
            self.processes[p].told.insert((password.clone(), number), self.now);
        }
        self.drive(p, &password);
    }

    /// The process forgets the token it holds.
    pub fn forget(&mut self, p: usize) {
        if !self.processes[p].runs(self.now) {
            return;
        }
        self.touch();
        let (now, password) = (self.clock(p), self.processes[p].password.clone());
        let machine = self.machine(p, &password);
        if let Some(token) = machine.held().map(|(lease, _)| lease.fingerprint()) {
            machine.forget(now);
            self.oracle.forgotten.insert(token);
        }
        self.drive(p, &password);
    }

    /// The vendor ends its newest token early.
    pub fn end_newest(&mut self) {
        self.touch();
        let newest = self.vendor.tokens.len();
        if self.vendor.is_active(newest, self.now) {
            self.minimum_restarts();
        }
        self.vendor.end(newest, self.now);
    }

    /// How long before its end a token may be replaced.
    pub fn early(&self) -> i64 {
        let life = duration(self.setup.life);
        match self.setup.kind {
            Kind::Winkas => 0,
            Kind::Wyn => millis(
                tokenlease_core::expiry::window(life) + tokenlease_core::expiry::margin(life),
            ),
        }
    }

    /// Asks in a process from one moment to another, each that often.
    pub fn ask_every(&mut self, p: usize, from: i64, to: i64, step: i64, caller: &Caller) {
        for t in (0..).map(|n| from + n * step).take_while(|t| *t < to) {
            let caller = caller.clone();
            self.at(t, move |world| world.ask(p, caller));
        }
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(Answer::Token(granted)) => format!("token {}", granted.token.expose()),
        Outcome::Answered(answer) => format!("{answer:?}"),
        Outcome::Loaded { stored, .. } => format!("loaded {:?}", stored.as_ref().map(|s| s.0)),
        Outcome::Saved { revision, .. } => format!("saved {revision}"),
        Outcome::Conflict { .. } => "conflict".into(),
        other => format!("{other:?}"),
    }
}

/// How long ends may lie apart by latencies alone.
pub(crate) const SLACK: i64 = 50;
/// The time until a refusal or a circuit that is in the record is known to all.
pub(crate) const KNOWN_AFTER: i64 = 32 * S + SLACK;
