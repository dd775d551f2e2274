//! The plan of a world: all its events, as data that can be printed, reduced and run again.

use std::fmt;

use crate::{Caller, Fault, Kind, M, Password, S, Setup, World};

/// An event of a world at a given time.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "`p` is a process, times are in milliseconds")]
pub enum PlanEvent {
    /// A process starts.
    Launch { p: usize },
    /// A process crashes, and restarts after `down`, perhaps with another password.
    Crash { p: usize, down: i64, password: Option<&'static str> },
    /// A caller asks for a token.
    Ask { p: usize, caller: Caller },
    /// A process is paused.
    Pause { p: usize, length: i64 },
    /// A process is paused between its next decision to send credentials and the send.
    PauseBeforeSend { p: usize, length: i64 },
    /// A host is suspended.
    SuspendHost { host: usize, length: i64 },
    /// A host is suspended and does not notice: of its clocks only the wall clock is corrected.
    FreezeHost { host: usize, length: i64 },
    /// The wall clock of a host jumps.
    JumpWallClock { host: usize, by: i64 },
    /// The wall clocks of all hosts jump, as with a wrong time zone.
    JumpAllWallClocks { by: i64 },
    /// The provider ends its newest token.
    EndNewestToken,
    /// A process revokes its current token.
    Revoke { p: usize },
    /// A process forgets its current token.
    Forget { p: usize },
    /// A process validates its current token.
    Validate { p: usize },
    /// A process refetches the provider's running token.
    Refetch { p: usize },
    /// An operator unblocks a process's credentials.
    Unblock { p: usize },
    /// A process reads the store.
    CheckStore { p: usize },
    /// A process adopts a token that another system obtained.
    Adopt { p: usize },
    /// Another system logs in with the same user.
    OtherLogin,
    /// APIs reject active tokens.
    ApiRejects { length: i64 },
    /// From now on the provider accepts these passwords; the last one is current.
    ChangePasswords { accepted: Vec<&'static str> },
    /// A process is configured with another password, without a restart.
    Configure { p: usize, password: &'static str },
    /// The user gets another ticket, which the process takes (worlds with subjects).
    ChangeTicket { p: usize },
    /// The provider locks the account.
    LockAccount { length: i64 },
    /// The lifetime of new tokens changes.
    ChangeLifetime { lifetime: i64 },
    /// The store loses all data.
    Flush,
    /// The store returns to its state of `by` ago.
    RollBackStore { by: i64 },
    /// The store loses its lock.
    LoseLock,
    /// The record can't be decrypted for some time.
    MakeRecordUnreadable { length: i64 },
    /// The answers of the next logins are lost.
    LoseLoginAnswers { count: u32 },
    /// This percentage of the calls to the store gets no answer.
    LoseStoreCalls { percent: i64 },
}

impl PlanEvent {
    /// Applies the event to a world.
    pub fn apply(self, world: &mut World) {
        match self {
            Self::Launch { p } => world.launch(p, None),
            Self::Crash { p, down, password } => world.crash(p, Some(down), password),
            Self::Ask { p, caller } => world.ask(p, caller),
            Self::Pause { p, length } => world.pause(p, length),
            Self::PauseBeforeSend { p, length } => world.pause_before_send(p, length),
            Self::SuspendHost { host, length } => world.suspend_host(host, length),
            Self::FreezeHost { host, length } => world.freeze_host(host, length),
            Self::JumpWallClock { host, by } => world.jump_wall_clock(host, by),
            Self::JumpAllWallClocks { by } => {
                for host in 0..world.hosts.len() {
                    world.jump_wall_clock(host, by);
                }
            }
            Self::EndNewestToken => world.end_newest_token(),
            Self::Revoke { p } => world.revoke(p),
            Self::Forget { p } => world.forget(p),
            Self::Validate { p } => world.validate(p),
            Self::Refetch { p } => world.refetch(p),
            Self::Unblock { p } => world.unblock(p),
            Self::CheckStore { p } => world.check_store(p),
            Self::Adopt { p } => world.adopt(p),
            Self::OtherLogin => world.other_login(),
            Self::ApiRejects { length } => {
                world.mark_faulty();
                world.api_rejects_until = world.now + length;
            }
            Self::ChangePasswords { accepted } => {
                world.mark_faulty();
                world.provider.passwords = accepted.into_iter().map(Password::from).collect();
                if world.setup.kind == Kind::Wyn {
                    world.restart_minimum();
                }
            }
            Self::Configure { p, password } => world.processes[p].password = password.into(),
            Self::ChangeTicket { p } => world.change_ticket(p),
            Self::LockAccount { length } => world.lock_account(length),
            Self::ChangeLifetime { lifetime } => {
                world.mark_faulty();
                world.provider.lifetime = lifetime;
            }
            Self::Flush => world.flush(),
            Self::RollBackStore { by } => world.roll_back(by),
            Self::LoseLock => world.lose_lock(),
            Self::MakeRecordUnreadable { length } => make_record_unreadable(world, length),
            Self::LoseLoginAnswers { count } => {
                world.mark_faulty();
                world.lost_login_answers = count;
            }
            Self::LoseStoreCalls { percent } => {
                world.mark_faulty();
                world.store_loss_percent = percent;
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

    /// Returns how long the event lasts, in milliseconds.
    fn length(&self) -> i64 {
        match self {
            Self::Crash { down: length, .. }
            | Self::Pause { length, .. }
            | Self::PauseBeforeSend { length, .. }
            | Self::SuspendHost { length, .. }
            | Self::ApiRejects { length }
            | Self::LockAccount { length }
            | Self::MakeRecordUnreadable { length } => *length,
            _ => 0,
        }
    }

    /// Returns the process that the event concerns, if it concerns one.
    pub fn process(&self) -> Option<usize> {
        match self {
            Self::Launch { p }
            | Self::Crash { p, .. }
            | Self::Ask { p, .. }
            | Self::Pause { p, .. }
            | Self::PauseBeforeSend { p, .. }
            | Self::Revoke { p }
            | Self::Forget { p }
            | Self::Validate { p }
            | Self::Refetch { p }
            | Self::Unblock { p }
            | Self::CheckStore { p }
            | Self::Adopt { p }
            | Self::ChangeTicket { p }
            | Self::Configure { p, .. } => Some(*p),
            _ => None,
        }
    }
}

fn make_record_unreadable(world: &mut World, length: i64) {
    world.mark_faulty();
    world.store.unreadable = true;
    world.faults.push((world.now, i64::MAX, Fault::Flush));
    world.at(world.now + length, |world| {
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
    /// The parameters of the world.
    pub setup: Setup,
    /// The length of the world, in milliseconds.
    pub span: i64,
    /// The time from which every caller with the right password must get a token.
    pub recovered_since: Option<i64>,
    /// The faults, with their start and end.
    pub faults: Vec<(i64, i64, Fault)>,
    /// The events, with their time.
    pub events: Vec<(i64, PlanEvent)>,
}

impl Plan {
    /// Returns a plan in which all processes start at time 0.
    pub fn new(setup: Setup, span: i64) -> Self {
        let many = setup.hosts * setup.processes;
        let events = (0..many).map(|p| (0, PlanEvent::Launch { p })).collect();
        Self { setup, span, recovered_since: None, faults: Vec::new(), events }
    }

    /// Returns the world at time 0.
    pub fn world(&self) -> World {
        let mut world = World::new(self.setup.clone());
        for (t, event) in &self.events {
            let event = event.clone();
            world.at(*t, |world| event.apply(world));
        }
        world.faults.clone_from(&self.faults);
        world.planned_events = self.size() as u64;
        world.oracle.recovered_since = self.recovered_since;
        world
    }

    /// Runs the plan to its end.
    pub fn run(&self) -> World {
        let mut world = self.world();
        world.run(self.span);
        world.judge_end();
        world.judge_history();
        world
    }

    /// Runs the plan to its end and keeps a log.
    pub fn run_logged(&self) -> World {
        let mut world = self.world();
        world.log = Some(Vec::new());
        world.run(self.span);
        world.judge_end();
        world.judge_history();
        world
    }

    /// Returns whether the plan violates an invariant.
    pub fn fails(&self) -> bool {
        !self.run().oracle.violations.is_empty()
    }

    /// Returns when the last fault or event other than a call ends.
    pub fn last_fault_end(&self) -> i64 {
        let ask = |event: &PlanEvent| matches!(event, PlanEvent::Ask { .. });
        let events = self.events.iter().filter(|(_, event)| !ask(event));
        let ends = events.map(|(t, event)| t + event.length());
        ends.chain(self.faults.iter().map(|(_, until, _)| *until)).max().unwrap_or_default()
    }

    /// Returns the number of events and faults.
    pub fn size(&self) -> usize {
        self.faults.len() + self.events.len()
    }

    /// Returns a smaller plan that still fails. Leaves out events and faults that the failure does
    /// not need, in halved pieces.
    #[must_use]
    pub fn shrunk(&self) -> Self {
        let mut plan = self.clone();
        if let Some(first) = plan.run().oracle.violations.first() {
            plan.span = plan.span.min(first.at + S);
        }
        plan.events.retain(|(t, _)| *t <= plan.span);
        for p in 0..plan.setup.hosts * plan.setup.processes {
            let mut without = plan.clone();
            without.events.retain(|(_, event)| event.process() != Some(p));
            if without.fails() {
                plan = without;
            }
        }
        for _ in 0..2 {
            let before = plan.size();
            leave_out(&mut plan, |plan| &mut plan.events);
            leave_out(&mut plan, |plan| &mut plan.faults);
            if plan.size() == before {
                break;
            }
        }
        plan
    }
}

fn leave_out<T: Clone>(plan: &mut Plan, list: fn(&mut Plan) -> &mut Vec<T>) {
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
            "{:?}, token lifetime {} min, {} hosts x {} processes, wall clock errors {:?} s, {}{}{}{} h",
            setup.kind,
            setup.lifetime / M,
            setup.hosts,
            setup.processes,
            setup.wall_offsets.iter().map(|wall| wall / S).collect::<Vec<_>>(),
            if setup.new_token_ends_old { "a new token ends the old one, " } else { "" },
            if setup.refetch_hides_rejection {
                "a refetch hides rejected credentials, "
            } else {
                ""
            },
            if setup.without_validation { "no validation, " } else { "" },
            self.span / M / 60,
        )?;
        if let Some(quirk) = setup.quirk {
            writeln!(f, "  a provider with the quirk {quirk:?}")?;
        }
        for (from, until, fault) in &self.faults {
            writeln!(f, "  {:>9} s to {} s: {fault:?}", from / S, until / S)?;
        }
        for (t, event) in &self.events {
            writeln!(f, "  {:>9}.{:03} s: {event:?}", t / S, t % S)?;
        }
        Ok(())
    }
}
