//! All interleavings of two processes around one expiry, with no fault or one of a kind anywhere.
//!
//! A run is told by its choices: which of the requests under way arrives next, whether a timer that
//! is due soon overtakes them, and where the fault strikes. An answer is handed over when it was
//! given: it changes only the process that gets it, so another order of answers shows nothing else.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

pub use crate::world::choices::Strike;
use crate::{Caller, H, Kind, M, S, Setup, World, planted::Bug, world::choices::Choices};

/// What all runs of a search have in common.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// Whose token it is.
    pub kind: Kind,
    /// The token's life.
    pub life: i64,
    /// When both ask, after the token was made.
    pub asked: i64,
    /// The fault.
    pub strike: Strike,
    /// So often a timer may come before what is under way.
    pub overtakes: u8,
    /// Only so many choices are made in a run; what comes later takes its first way.
    pub depth: usize,
    /// A bug that is planted around the machine.
    pub bug: Option<Bug>,
}

/// What all runs of a search showed.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The runs.
    pub runs: u64,
    /// Of these, cut off at the depth.
    pub cut: u64,
    /// The most choices in a run.
    pub choices: usize,
    /// Events of all runs.
    pub events: u64,
    /// Runs by the logins that the expiry cost.
    pub logins: BTreeMap<u32, u64>,
    /// Callers that were answered with an error.
    pub errors: u64,
    /// Dead tokens that were served.
    pub dead: u64,
    /// Runs in which a promise was broken.
    pub broken: u64,
    /// The choices of the first of these.
    pub first: Option<Vec<u8>>,
}

impl Found {
    fn count(&mut self, world: &World, choices: &Choices) {
        self.runs += 1;
        self.cut += u64::from(choices.cut);
        self.choices = self.choices.max(choices.taken.len());
        self.events += world.steps();
        *self.logins.entry(world.provider.calls.login - 1).or_default() += 1;
        self.errors += world.stats.errors();
        self.dead += world.stats.dead;
        if !world.oracle.violations.is_empty() {
            self.broken += 1;
            let list = || choices.taken.iter().map(|(choice, _)| *choice).collect();
            self.first.get_or_insert_with(list);
        }
    }

    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.cut += other.cut;
        self.choices = self.choices.max(other.choices);
        self.events += other.events;
        self.errors += other.errors;
        self.dead += other.dead;
        self.broken += other.broken;
        self.first = self.first.take().or(other.first);
        for (logins, runs) in other.logins {
            *self.logins.entry(logins).or_default() += runs;
        }
    }
}

impl Search {
    /// One run. Where the given choices end, the first way is taken.
    pub fn run(&self, given: &[u8], told: bool) -> World {
        self.play(given, self.depth, told).0
    }

    fn play(&self, given: &[u8], depth: usize, told: bool) -> (World, Choices) {
        let mut world = World::launched(Setup {
            kind: self.kind,
            life: self.life,
            bug: self.bug,
            ..Setup::default()
        });
        world.story = told.then(Vec::new);
        let caller = Caller { wait: 60 * S, ..Caller::default() };
        let both = |world: &mut World, t| {
            for p in 0..2 {
                let caller = caller.clone();
                world.at(t, move |world| world.ask(p, caller));
            }
        };
        // Both hold the token, then both ask around its end.
        both(&mut world, 0);
        world.run(self.asked - 1);
        both(&mut world, self.asked);
        world.choices = Some(Choices::new(given.to_vec(), depth, self.strike, self.overtakes));
        world.run_chosen(self.asked + 2 * M);
        let choices = world.choices.take().expect("it was set above");
        if choices.shown {
            return (world, choices);
        }
        // When the longest hold is over, all is well.
        let quiet = self.asked + 70 * M;
        world.oracle.quiet_since = Some(quiet);
        both(&mut world, quiet + 1);
        if world.oracle.violations.is_empty() {
            world.run(quiet + M);
        }
        (world, choices)
    }

    /// All runs that begin with those choices.
    fn below(&self, prefix: &[u8], depth: usize, mut each: impl FnMut(&World, &Choices)) {
        let mut given = prefix.to_vec();
        loop {
            let (world, mut choices) = self.play(&given, depth, false);
            if !choices.shown {
                each(&world, &choices);
            }
            loop {
                if choices.taken.len() <= prefix.len() {
                    return;
                }
                let Some((choice, of)) = choices.taken.pop() else { return };
                if choice + 1 < of {
                    given = choices.taken.iter().map(|(choice, _)| *choice).collect();
                    given.push(choice + 1);
                    break;
                }
            }
        }
    }

    /// All runs, on all cores.
    pub fn all(&self) -> Found {
        let mut prefixes = Vec::new();
        self.below(&[], self.depth.min(6), |_, choices| {
            prefixes.push(choices.taken.iter().map(|(choice, _)| *choice).collect::<Vec<_>>());
        });
        let next = AtomicUsize::new(0);
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut found = Found::default();
        thread::scope(|scope| {
            let workers: Vec<_> = (0..cores)
                .map(|_| {
                    scope.spawn(|| {
                        let mut found = Found::default();
                        while let Some(prefix) = prefixes.get(next.fetch_add(1, Ordering::Relaxed))
                        {
                            self.below(prefix, self.depth, |world, choices| {
                                found.count(world, choices);
                            });
                        }
                        found
                    })
                })
                .collect();
            for worker in workers {
                found.add(worker.join().expect("a world does not panic"));
            }
        });
        found
    }
}

/// The searches that make up the whole: both providers, tokens that are over, that can be renewed
/// early, and that live longer than assumed; no fault, and one of each kind. Where a process dies,
/// no timer comes before what is under way: its successor and what it left make many runs already.
pub fn searches(depth: usize) -> Vec<Search> {
    let scenes = [
        (Kind::Winkas, 12 * H, 12 * H + 5 * S),
        (Kind::Winkas, 24 * H, 12 * H + 5 * S),
        (Kind::Wyn, 12 * H, 12 * H + 5 * S),
        (Kind::Wyn, 12 * H, 12 * H - 61 * S),
    ];
    let strikes = [Strike::Nothing, Strike::Crash, Strike::Loss, Strike::Pause];
    let search = |(kind, life, asked)| {
        strikes.map(|strike| Search {
            kind,
            life,
            asked,
            strike,
            overtakes: u8::from(strike != Strike::Crash),
            depth,
            bug: None,
        })
    };
    scenes.into_iter().flat_map(search).collect()
}
