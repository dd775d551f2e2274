//! All interleavings of two processes around one expiry, without a fault or with one fault anywhere.
//!
//! The choices determine a run: which request in flight arrives next, whether a timer that is due soon
//! fires before it, and where the fault is. An answer is delivered at once: it changes only the process
//! that gets it, so another order of answers makes no difference.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

pub use crate::world::choices::SearchFault;
use crate::{Caller, H, Kind, M, S, Setup, World, bugs::Bug, world::choices::Choices};

/// The parameters of all runs of a search.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// The provider.
    pub kind: Kind,
    /// The lifetime of its tokens, in milliseconds.
    pub lifetime: i64,
    /// When both processes ask, after the token was issued, in milliseconds.
    pub ask_at: i64,
    /// The kind of the fault.
    pub fault: SearchFault,
    /// How often a timer may fire before requests in flight.
    pub overtakes: u8,
    /// The most choices of a run; later ones take the first alternative.
    pub depth: usize,
    /// A bug to inject around the state machines.
    pub bug: Option<Bug>,
}

/// The result of all runs of a search.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The number of runs.
    pub runs: u64,
    /// The runs that were truncated at the depth.
    pub truncated: u64,
    /// The most choices of a run.
    pub choices: usize,
    /// The actions of all runs.
    pub events: u64,
    /// The runs by the number of logins that the expiry cost.
    pub logins: BTreeMap<u32, u64>,
    /// The calls that got an error.
    pub errors: u64,
    /// The served tokens that were inactive.
    pub inactive_served: u64,
    /// The runs that violated an invariant.
    pub violating: u64,
    /// The choices of the first of them.
    pub first: Option<Vec<u8>>,
}

impl Found {
    fn count(&mut self, world: &World, choices: &Choices) {
        self.runs += 1;
        self.truncated += u64::from(choices.truncated);
        self.choices = self.choices.max(choices.taken.len());
        self.events += world.steps();
        *self.logins.entry(world.provider.calls.login - 1).or_default() += 1;
        self.errors += world.stats.errors();
        self.inactive_served += world.stats.inactive_served;
        if !world.oracle.violations.is_empty() {
            self.violating += 1;
            let list = || choices.taken.iter().map(|(choice, _)| *choice).collect();
            self.first.get_or_insert_with(list);
        }
    }

    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.truncated += other.truncated;
        self.choices = self.choices.max(other.choices);
        self.events += other.events;
        self.errors += other.errors;
        self.inactive_served += other.inactive_served;
        self.violating += other.violating;
        self.first = self.first.take().or(other.first);
        for (logins, runs) in other.logins {
            *self.logins.entry(logins).or_default() += runs;
        }
    }
}

impl Search {
    /// Runs the given choices; later ones take the first alternative.
    pub fn run(&self, given: &[u8], logged: bool) -> World {
        self.play(given, self.depth, logged).0
    }

    fn play(&self, given: &[u8], depth: usize, logged: bool) -> (World, Choices) {
        let mut world = World::launched(Setup {
            kind: self.kind,
            lifetime: self.lifetime,
            bug: self.bug,
            ..Setup::default()
        });
        world.log = logged.then(Vec::new);
        let caller = Caller { timeout: 60 * S, ..Caller::default() };
        let both = |world: &mut World, t| {
            for p in 0..2 {
                let caller = caller.clone();
                world.at(t, move |world| world.ask(p, caller));
            }
        };
        // Both processes cache the token, then both ask around its expiry.
        both(&mut world, 0);
        world.run(self.ask_at - 1);
        both(&mut world, self.ask_at);
        world.choices = Some(Choices::new(given.to_vec(), depth, self.fault, self.overtakes));
        world.run_chosen(self.ask_at + 2 * M);
        let choices = world.choices.take().expect("it was set above");
        if choices.redundant {
            return (world, choices);
        }
        // After the longest backoff, every caller must get a token.
        let quiet = self.ask_at + 70 * M;
        world.oracle.recovered_since = Some(quiet);
        both(&mut world, quiet + 1);
        if world.oracle.violations.is_empty() {
            world.run(quiet + M);
        }
        (world, choices)
    }

    /// Runs all lists of choices that begin with a prefix.
    fn below(&self, prefix: &[u8], depth: usize, mut each: impl FnMut(&World, &Choices)) {
        let mut given = prefix.to_vec();
        loop {
            let (world, mut choices) = self.play(&given, depth, false);
            if !choices.redundant {
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

    /// Runs all lists of choices, on all cores.
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
                found.add(worker.join().expect("a world panics only by a bug of the simulation"));
            }
        });
        found
    }
}

/// Returns the searches of the command `exhaustive`: both providers; tokens that have expired, that
/// are in the refresh window, and that live longer than assumed; without a fault, and with one of each
/// kind. With a crash, no timer fires before requests in flight: the restart alone makes many runs.
pub fn searches(depth: usize) -> Vec<Search> {
    let scenarios = [
        (Kind::Winkas, 12 * H, 12 * H + 5 * S),
        (Kind::Winkas, 24 * H, 12 * H + 5 * S),
        (Kind::Wyn, 12 * H, 12 * H + 5 * S),
        (Kind::Wyn, 12 * H, 12 * H - 61 * S),
    ];
    let faults = [SearchFault::Nothing, SearchFault::Crash, SearchFault::Loss, SearchFault::Pause];
    let search = |(kind, lifetime, ask_at)| {
        faults.map(|fault| Search {
            kind,
            lifetime,
            ask_at,
            fault,
            overtakes: u8::from(fault != SearchFault::Crash),
            depth,
            bug: None,
        })
    };
    scenarios.into_iter().flat_map(search).collect()
}
