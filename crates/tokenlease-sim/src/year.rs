//! A year of a fleet: 8 hosts with 4 processes each. Each process has 8 callers, and restarts once a
//! day. The year has the same calls, restarts and faults for every client.

use std::cell::Cell;

use tokenlease_core::lifecycle::{OnStoreOutage, Policy};

use crate::{
    Caller, Fault, H, Kind, M, S, Setup, World,
    rng::Rng,
    world::naive::{Fleet, Naive},
};

const DAY: i64 = 24 * H;
const HOSTS: usize = 8;
const PROCESSES: usize = 4;
/// The mean time between two calls of a process: its eight callers ask about once an hour each.
const PAUSE: i64 = H / 8;

/// The faults: which, how many in a year, and their mean length.
const FAULTS: [(Fault, i64, i64); 7] = [
    (Fault::Provider, 60, 10 * M),
    (Fault::Refetch, 12, H),
    (Fault::Validate, 12, H),
    (Fault::Throttle, 24, 5 * M),
    (Fault::Slow, 100, 30 * M),
    (Fault::Lossy, 100, 30 * M),
    (Fault::Store, 60, 10 * M),
];
/// How many times in a year the provider ends all tokens, and APIs reject active ones for a minute.
const ENDS: i64 = 12;
/// How many times in a year a process is paused for up to ten minutes, and a wall clock jumps by up
/// to an hour.
const PAUSES: i64 = 50;

/// A year, or a number of its days.
#[derive(Clone, Copy, Debug)]
pub struct Year {
    /// The seed of all random numbers.
    pub seed: u64,
    /// The provider.
    pub kind: Kind,
    /// The lifetime of its tokens, in milliseconds.
    pub lifetime: i64,
    /// Whether there are faults.
    pub faults: bool,
    /// The client; `None` is tokenlease.
    pub client: Option<Naive>,
    /// The number of days.
    pub days: i64,
}

impl Year {
    /// Runs the year.
    pub fn run(&self) -> World {
        let mut rng = Rng::new(self.seed);
        let off = if self.faults { 10 * M } else { 100 };
        let mut world = World::launched(Setup {
            seed: self.seed,
            kind: self.kind,
            lifetime: self.lifetime,
            hosts: HOSTS,
            processes: PROCESSES,
            wall_offsets: (0..HOSTS).map(|_| rng.range(-off, off)).collect(),
            policy: services(self.kind),
            ..Setup::default()
        });
        world.naive = self.client.map(|client| Fleet::new(client, HOSTS * PROCESSES));
        for p in 0..HOSTS * PROCESSES {
            let callers = Rng::new(rng.draw());
            world.at(S, move |world| callers_ask(world, p, callers));
            for day in 0..self.days {
                let t = day * DAY + rng.range(10 * S, DAY - 10 * S);
                world.at(t, move |world| world.crash(p, Some(S), None));
            }
        }
        if self.faults {
            for day in 0..self.days {
                add_faults(&mut world, &mut rng, day * DAY);
            }
        }
        world.run(self.days * DAY);
        world
    }
}

/// The policy of long-running services, which log in without the store where no token can be refetched.
fn services(kind: Kind) -> Policy {
    let budget = (kind == Kind::Wyn).then_some(OnStoreOutage::LoginWithinBudget);
    Policy { on_store_outage: budget, ..Policy::default() }
}

/// A caller of a process asks now, and the next one after a random time.
fn callers_ask(world: &mut World, p: usize, mut rng: Rng) {
    world.planned_events += 1;
    world.ask(p, Caller { timeout: 30 * S, ..Caller::default() });
    let next = world.now + rng.range(0, 2 * PAUSE);
    world.at(next, move |world| callers_ask(world, p, rng));
}

/// Adds the faults of a day.
fn add_faults(world: &mut World, rng: &mut Rng, day: i64) {
    let count = Cell::new(0);
    let mut due = |a_year: i64| {
        let (occurs, at) = (rng.range(1, 365) <= a_year, day + rng.range(0, DAY - 1));
        count.set(count.get() + u64::from(occurs));
        (occurs.then_some(at), rng.draw())
    };
    for (fault, a_year, mean) in FAULTS {
        let (at, mut chance) = due(a_year);
        let Some(at) = at else { continue };
        chance %= 2 * mean.unsigned_abs();
        let until = at.saturating_add_unsigned(chance) + S;
        world.at(at, move |world| world.faults.push((at, until, fault)));
        // The oracle does not need a fault two days after its end.
        world.at(until + 2 * DAY, |world| {
            world.faults.remove(0);
        });
    }
    if let Some(at) = due(ENDS).0 {
        world.at(at, |world| {
            world.mark_faulty();
            world.restart_minimum();
            for number in 1..=world.provider.tokens.len() {
                world.provider.end(number, world.now);
            }
        });
    }
    if let Some(at) = due(ENDS).0 {
        world.at(at, |world| {
            world.mark_faulty();
            world.api_rejects_until = world.now + M;
        });
    }
    if let (Some(at), chance) = due(PAUSES) {
        let mut rng = Rng::new(chance);
        let (p, long) = (rng.range(0, 31), rng.range(10, 600) * S);
        world.at(at, move |world| world.pause(usize::try_from(p).unwrap_or_default(), long));
    }
    if let (Some(at), chance) = due(PAUSES) {
        let mut rng = Rng::new(chance);
        let (host, by) = (rng.range(0, 7), rng.range(-3600, 3600) * S);
        world.at(at, move |world| {
            world.jump_wall_clock(usize::try_from(host).unwrap_or_default(), by);
        });
    }
    world.planned_events += count.get();
}
