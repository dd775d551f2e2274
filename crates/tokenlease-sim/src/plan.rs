//! The plan of a world: all that is to happen in it, as data that can be told, cut and run again.

use std::fmt;

use crate::{Caller, Fault, Kind, M, Password, S, Setup, World};

/// Something that happens at a moment of a world.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "`p` is a process, times are milliseconds")]
pub enum Happening {
    /// A process starts.
    Launch { p: usize },
    /// A process dies, and starts again after a while, perhaps with another password.
    Crash { p: usize, down: i64, password: Option<&'static str> },
    /// Someone asks for a lease.
    Ask { p: usize, caller: Caller },
    /// A process stands still.
    Freeze { p: usize, long: i64 },
    /// A process stands still between its decision to send credentials and the send.
    StallSend { p: usize, long: i64 },
    /// A host sleeps.
    Suspend { host: usize, long: i64 },
    /// The wall clock of a host jumps.
    Jump { host: usize, by: i64 },
    /// The wall clocks of all hosts jump, as where someone takes a zone's clock for the hour.
    AllJump { by: i64 },
    /// The provider ends its newest token.
    EndNewest,
    /// A process revokes the token it holds.
    Revoke { p: usize },
    /// A process forgets the token it holds.
    Forget { p: usize },
    /// A process asks for a validation on the token it holds.
    Validate { p: usize },
    /// A process asks for the provider's running token.
    Refetch { p: usize },
    /// Someone says that a process's credentials are right.
    Unblock { p: usize },
    /// A process looks at the store.
    Look { p: usize },
    /// A process is given a token that another system got.
    Adopt { p: usize },
    /// Another system logs in with the same user.
    OtherLogin,
    /// APIs reject good tokens.
    ApiRejects { long: i64 },
    /// From now on the provider takes these passwords, the last is the current one.
    Passwords { take: Vec<&'static str> },
    /// A process is configured with another password.
    Configure { p: usize, password: &'static str },
    /// The provider locks the user out.
    LockOut { long: i64 },
    /// The life of the provider's new tokens changes.
    Life { life: i64 },
    /// The store loses everything.
    Flush,
    /// The store falls back to what it held that long ago.
    RollBack { by: i64 },
    /// The store loses its lock.
    LoseLock,
    /// The record can't be read.
    Unreadable { long: i64 },
    /// The answers of the next logins are lost.
    LoseLoginAnswers { many: u32 },
    /// So many of a hundred calls to the store get no answer.
    LoseStoreCalls { percent: i64 },
}

impl Happening {
    /// Lets it happen.
    pub fn happen(self, world: &mut World) {
        match self {
            Self::Launch { p } => world.launch(p, None),
            Self::Crash { p, down, password } => world.crash(p, Some(down), password),
            Self::Ask { p, caller } => world.ask(p, caller),
            Self::Freeze { p, long } => world.freeze(p, long),
            Self::StallSend { p, long } => world.stall_send(p, long),
            Self::Suspend { host, long } => {
                for p in 0..world.processes.len() {
                    if world.processes[p].host == host {
                        world.freeze(p, long);
                    }
                }
            }
            Self::Jump { host, by } => world.jump(host, by),
            Self::AllJump { by } => {
                for host in 0..world.hosts.len() {
                    world.jump(host, by);
                }
            }
            Self::EndNewest => world.end_newest(),
            Self::Revoke { p } => world.revoke(p),
            Self::Forget { p } => world.forget(p),
            Self::Validate { p } => world.validate(p),
            Self::Refetch { p } => world.refetch(p),
            Self::Unblock { p } => world.unblock(p),
            Self::Look { p } => world.look(p),
            Self::Adopt { p } => world.adopt(p),
            Self::OtherLogin => world.other_login(),
            Self::ApiRejects { long } => {
                world.touch();
                world.api_rejects_until = world.now + long;
            }
            Self::Passwords { take } => {
                world.touch();
                world.provider.passwords = take.into_iter().map(Password::from).collect();
                if world.setup.kind == Kind::Wyn {
                    world.minimum_restarts();
                }
            }
            Self::Configure { p, password } => world.processes[p].password = password.into(),
            Self::LockOut { long } => world.lock_out(long),
            Self::Life { life } => {
                world.touch();
                world.provider.life = life;
            }
            Self::Flush => world.flush(),
            Self::RollBack { by } => world.roll_back(by),
            Self::LoseLock => world.lose_lock(),
            Self::Unreadable { long } => unreadable(world, long),
            Self::LoseLoginAnswers { many } => {
                world.touch();
                world.lose_next_login_answers = many;
            }
            Self::LoseStoreCalls { percent } => {
                world.touch();
                world.lose_store_answers = percent;
                for fault in &mut world.faults {
                    if fault.2 == Fault::StoreCalls {
                        fault.1 = fault.1.min(world.now);
                    }
                }
                if percent > 0 {
                    world.faults.push((world.now, i64::MAX, Fault::StoreCalls));
                }
            }
        }
    }

    /// How long it lasts.
    fn long(&self) -> i64 {
        match self {
            Self::Crash { down: long, .. }
            | Self::Freeze { long, .. }
            | Self::StallSend { long, .. }
            | Self::Suspend { long, .. }
            | Self::ApiRejects { long }
            | Self::LockOut { long }
            | Self::Unreadable { long } => *long,
            _ => 0,
        }
    }

    /// The process it is about, if it is about one.
    pub fn process(&self) -> Option<usize> {
        match self {
            Self::Launch { p }
            | Self::Crash { p, .. }
            | Self::Ask { p, .. }
            | Self::Freeze { p, .. }
            | Self::StallSend { p, .. }
            | Self::Revoke { p }
            | Self::Forget { p }
            | Self::Validate { p }
            | Self::Refetch { p }
            | Self::Unblock { p }
            | Self::Look { p }
            | Self::Adopt { p }
            | Self::Configure { p, .. } => Some(*p),
            _ => None,
        }
    }
}

fn unreadable(world: &mut World, long: i64) {
    world.touch();
    world.store.unreadable = true;
    world.faults.push((world.now, i64::MAX, Fault::Flush));
    world.at(world.now + long, |world| {
        world.store.unreadable = false;
        for fault in &mut world.faults {
            if fault.2 == Fault::Flush && fault.1 == i64::MAX {
                fault.1 = world.now;
            }
        }
    });
}

/// A world before it runs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it is made of.
    pub setup: Setup,
    /// How long it lasts.
    pub span: i64,
    /// From then on all must be well.
    pub quiet_since: Option<i64>,
    /// What is broken when.
    pub faults: Vec<(i64, i64, Fault)>,
    /// What happens when.
    pub events: Vec<(i64, Happening)>,
}

impl Plan {
    /// An empty one, whose processes all run.
    pub fn new(setup: Setup, span: i64) -> Self {
        let many = setup.hosts * setup.processes;
        let events = (0..many).map(|p| (0, Happening::Launch { p })).collect();
        Self { setup, span, quiet_since: None, faults: Vec::new(), events }
    }

    /// The world, at its beginning.
    pub fn world(&self) -> World {
        let mut world = World::new(self.setup.clone());
        for (t, happening) in &self.events {
            let happening = happening.clone();
            world.at(*t, |world| happening.happen(world));
        }
        world.faults.clone_from(&self.faults);
        world.happenings = self.size() as u64;
        world.oracle.quiet_since = self.quiet_since;
        world
    }

    /// Runs it to its end.
    pub fn run(&self) -> World {
        let mut world = self.world();
        world.run(self.span);
        world.judge_end();
        world
    }

    /// Runs it to its end and keeps its story.
    pub fn told(&self) -> World {
        let mut world = self.world();
        world.story = Some(Vec::new());
        world.run(self.span);
        world.judge_end();
        world
    }

    /// Whether a promise is broken in it.
    pub fn fails(&self) -> bool {
        !self.run().oracle.violations.is_empty()
    }

    /// When the last of what breaks in it is over.
    pub fn last_trouble(&self) -> i64 {
        let ask = |happening: &Happening| matches!(happening, Happening::Ask { .. });
        let events = self.events.iter().filter(|(_, happening)| !ask(happening));
        let ends = events.map(|(t, happening)| t + happening.long());
        ends.chain(self.faults.iter().map(|(_, until, _)| *until)).max().unwrap_or_default()
    }

    /// How much is in it.
    pub fn size(&self) -> usize {
        self.faults.len() + self.events.len()
    }

    /// The smallest plan found that still fails: what is not needed for that is left out, in ever
    /// smaller pieces.
    #[must_use]
    pub fn shrunk(&self) -> Self {
        let mut plan = self.clone();
        if let Some(first) = plan.run().oracle.violations.first() {
            plan.span = plan.span.min(first.at + S);
        }
        plan.events.retain(|(t, _)| *t <= plan.span);
        for p in 0..plan.setup.hosts * plan.setup.processes {
            let mut without = plan.clone();
            without.events.retain(|(_, happening)| happening.process() != Some(p));
            if without.fails() {
                plan = without;
            }
        }
        for _ in 0..2 {
            let before = plan.size();
            cut(&mut plan, |plan| &mut plan.events);
            cut(&mut plan, |plan| &mut plan.faults);
            if plan.size() == before {
                break;
            }
        }
        plan
    }
}

fn cut<T: Clone>(plan: &mut Plan, list: fn(&mut Plan) -> &mut Vec<T>) {
    let mut piece = list(plan).len().next_power_of_two() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < list(plan).len() {
            let mut without = plan.clone();
            let end = (at + piece).min(list(plan).len());
            list(&mut without).drain(at..end);
            if without.fails() {
                *plan = without;
            } else {
                at = end;
            }
        }
        piece /= 2;
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let setup = &self.setup;
        writeln!(
            f,
            "{:?}, tokens live {} min, {} hosts x {} processes, walls off by {:?} s, {}{}{}for {} h",
            setup.kind,
            setup.life / M,
            setup.hosts,
            setup.processes,
            setup.walls.iter().map(|wall| wall / S).collect::<Vec<_>>(),
            if setup.kill { "a new token ends the old, " } else { "" },
            if setup.vague { "a refetch never says wrong, " } else { "" },
            if setup.mute { "no validations, " } else { "" },
            self.span / M / 60,
        )?;
        for (from, until, fault) in &self.faults {
            writeln!(f, "  {:>9} s to {} s: {fault:?}", from / S, until / S)?;
        }
        for (t, happening) in &self.events {
            writeln!(f, "  {:>9}.{:03} s: {happening:?}", t / S, t % S)?;
        }
        Ok(())
    }
}
