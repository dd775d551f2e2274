//! A year of a fleet: 8 hosts with 4 processes each, of which each has 8 callers and is started
//! anew once a day. Whoever asks, the year has the same calls, starts and faults.

use std::cell::Cell;

use crate::{
    Caller, Fault, H, Kind, M, S, Setup, World,
    rng::Rng,
    world::naive::{Fleet, Naive},
};

const DAY: i64 = 24 * H;
const HOSTS: usize = 8;
const PROCESSES: usize = 4;
/// Eight callers of a process, each of whom asks about once an hour, ask that often together.
const PAUSE: i64 = H / 8;

/// Faults: which, how many a year, and how long.
const FAULTS: [(Fault, i64, i64); 7] = [
    (Fault::Provider, 60, 10 * M),
    (Fault::Refetch, 12, H),
    (Fault::Validate, 12, H),
    (Fault::Throttle, 24, 5 * M),
    (Fault::Slow, 100, 30 * M),
    (Fault::Lossy, 100, 30 * M),
    (Fault::Store, 60, 10 * M),
];
/// Of each a year: the provider ends all tokens, an API rejects good ones for a minute.
const ENDS: i64 = 12;
/// Of each a year: a process stands still for up to ten minutes, a wall clock jumps by up to an hour.
const JOLTS: i64 = 50;

/// A year, or as many days of it.
#[derive(Clone, Copy, Debug)]
pub struct Year {
    /// All chance comes from it.
    pub seed: u64,
    /// Whose tokens.
    pub kind: Kind,
    /// Their life.
    pub life: i64,
    /// Whether anything breaks.
    pub faults: bool,
    /// Who asks; `None` is tokenlease.
    pub client: Option<Naive>,
    /// So many days.
    pub days: i64,
}

impl Year {
    /// Lets it pass.
    pub fn run(&self) -> World {
        let mut rng = Rng::new(self.seed);
        let off = if self.faults { 10 * M } else { 100 };
        let mut world = World::launched(Setup {
            seed: self.seed,
            kind: self.kind,
            life: self.life,
            hosts: HOSTS,
            processes: PROCESSES,
            walls: (0..HOSTS).map(|_| rng.range(-off, off)).collect(),
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
                trouble(&mut world, &mut rng, day * DAY);
            }
        }
        world.run(self.days * DAY);
        world
    }
}

/// The callers of a process ask, now and ever again.
fn callers_ask(world: &mut World, p: usize, mut rng: Rng) {
    world.happenings += 1;
    world.ask(p, Caller { wait: 30 * S, ..Caller::default() });
    let next = world.now + rng.range(0, 2 * PAUSE);
    world.at(next, move |world| callers_ask(world, p, rng));
}

/// What goes wrong on a day.
fn trouble(world: &mut World, rng: &mut Rng, day: i64) {
    let troubles = Cell::new(0);
    let mut due = |a_year: i64| {
        let (strikes, at) = (rng.range(1, 365) <= a_year, day + rng.range(0, DAY - 1));
        troubles.set(troubles.get() + u64::from(strikes));
        (strikes.then_some(at), rng.draw())
    };
    for (fault, a_year, mean) in FAULTS {
        let (at, mut chance) = due(a_year);
        let Some(at) = at else { continue };
        chance %= 2 * mean.unsigned_abs();
        let until = at.saturating_add_unsigned(chance) + S;
        world.at(at, move |world| world.faults.push((at, until, fault)));
        // Long after it nobody looks back.
        world.at(until + 2 * DAY, |world| {
            world.faults.remove(0);
        });
    }
    if let Some(at) = due(ENDS).0 {
        world.at(at, |world| {
            world.touch();
            world.minimum_restarts();
            for number in 1..=world.provider.tokens.len() {
                world.provider.end(number, world.now);
            }
        });
    }
    if let Some(at) = due(ENDS).0 {
        world.at(at, |world| {
            world.touch();
            world.api_rejects_until = world.now + M;
        });
    }
    if let (Some(at), chance) = due(JOLTS) {
        let mut rng = Rng::new(chance);
        let (p, long) = (rng.range(0, 31), rng.range(10, 600) * S);
        world.at(at, move |world| world.freeze(usize::try_from(p).unwrap_or_default(), long));
    }
    if let (Some(at), chance) = due(JOLTS) {
        let mut rng = Rng::new(chance);
        let (host, by) = (rng.range(0, 7), rng.range(-3600, 3600) * S);
        world.at(at, move |world| world.jump(usize::try_from(host).unwrap_or_default(), by));
    }
    world.happenings += troubles.get();
}
