//! The commands that run random worlds.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use tokenlease_sim::{
    Kind, World,
    worlds::{self, profile},
    year::Year,
};

/// The figures of many worlds.
#[derive(Default)]
struct Totals {
    worlds: u64,
    events: u64,
    asks: u64,
    violations: usize,
    extra_logins: u64,
    unexplained: usize,
    inactive_served: u64,
    known_inactive: usize,
    causes: BTreeMap<&'static str, u64>,
    failed: BTreeMap<u64, &'static str>,
    /// How long each world took, with its seed.
    took: Vec<(Duration, u64)>,
}

impl Totals {
    fn count(&mut self, seed: u64, world: &World) {
        self.worlds += 1;
        self.events += world.events();
        self.asks += world.stats.asks;
        self.violations += world.oracle.violations.len();
        self.extra_logins +=
            u64::from(world.provider.calls.login.saturating_sub(world.stats.minimum));
        self.unexplained += world.oracle.unexplained();
        self.inactive_served += world.stats.inactive_served;
        self.known_inactive += world.oracle.known_inactive();
        for (cause, many) in &world.stats.extra_logins {
            *self.causes.entry(cause).or_default() += many;
        }
        if let Some(first) = world.oracle.violations.first() {
            self.failed.insert(seed, first.what);
        }
    }

    fn add(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.events += other.events;
        self.asks += other.asks;
        self.violations += other.violations;
        self.extra_logins += other.extra_logins;
        self.unexplained += other.unexplained;
        self.inactive_served += other.inactive_served;
        self.known_inactive += other.known_inactive;
        for (cause, many) in other.causes {
            *self.causes.entry(cause).or_default() += many;
        }
        self.failed.extend(other.failed);
        self.took.extend(other.took);
    }

    /// Prints how long the worlds took. Other work on the machine makes them slower.
    fn print_timings(&mut self) {
        self.took.sort_unstable();
        let at =
            |percent: usize| self.took[(self.took.len() - 1) * percent / 100].0.as_secs_f64() * 1e3;
        let (_, slowest) = self.took[self.took.len() - 1];
        eprintln!(
            "a world took {:.1} ms (median), {:.1} ms (99 of 100), {:.1} ms (the slowest, seed {slowest})",
            at(50),
            at(99),
            at(100),
        );
    }

    fn print(&self) {
        println!(
            "{{\"seeds\":{},\"events\":{},\"violations\":{},\"logins_over_minimum\":{},\
             \"unexplained_logins\":{},\"inactive_served\":{},\"known_inactive_served\":{}}}",
            self.worlds,
            self.events,
            self.violations,
            self.extra_logins,
            self.unexplained,
            self.inactive_served,
            self.known_inactive,
        );
    }
}

/// Runs a year with faults. Returns whether all invariants hold.
pub(crate) fn year(seed: u64) -> bool {
    let lifetime = 12 * tokenlease_sim::H;
    let year = Year { seed, kind: Kind::Winkas, lifetime, faults: true, client: None, days: 365 };
    let mut totals = Totals::default();
    let world = year.run();
    totals.count(seed, &world);
    for violation in &world.oracle.violations {
        eprintln!("violated: {violation:?}");
    }
    totals.print();
    totals.violations == 0
}

/// Runs random worlds on all cores. Returns whether all invariants hold.
pub(crate) fn seeds(first: u64, many: u64, json: bool, timings: bool) -> bool {
    let (next, last) = (AtomicU64::new(first), first + many);
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut totals = Totals::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores)
            .zip(first..last)
            .map(|_| {
                scope.spawn(|| {
                    let mut totals = Totals::default();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= last {
                            return totals;
                        }
                        let began = Instant::now();
                        totals.count(seed, &worlds::run(seed, profile(seed)));
                        totals.took.push((began.elapsed(), seed));
                    }
                })
            })
            .collect();
        for worker in workers {
            totals.add(worker.join().expect("a world panics only by a bug of the simulation"));
        }
    });
    if !json {
        println!("{} calls; logins while a usable token was active, by cause:", totals.asks);
        for (cause, many) in &totals.causes {
            println!("{many:>9}  {cause}");
        }
    }
    if timings {
        totals.print_timings();
    }
    report(&totals, json);
    totals.print();
    totals.violations == 0
}

fn report(totals: &Totals, json: bool) {
    if totals.failed.is_empty() {
        return;
    }
    let mut kinds: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (seed, what) in &totals.failed {
        kinds.entry(what).or_default().push(*seed);
    }
    for (what, seeds) in &kinds {
        eprintln!(
            "violated in {} worlds: {what}; seeds {:?}",
            seeds.len(),
            &seeds[..seeds.len().min(8)]
        );
    }
    if json {
        return;
    }
    for seeds in kinds.values().take(3) {
        let seed = seeds[0];
        let plan = worlds::plan(seed, profile(seed)).shrunk();
        eprintln!("\nSeed {seed}, reduced to the events that it needs to fail:\n{plan}");
        let world = plan.run_logged();
        for line in world.log.iter().flatten() {
            eprintln!("{line}");
        }
        eprintln!("For the whole log: cargo run --release -p tokenlease-sim -- replay {seed}");
    }
}

/// Prints the plan and the log of a seed's world. Returns whether all invariants hold.
pub(crate) fn replay(seed: u64) -> bool {
    let plan = worlds::plan(seed, profile(seed));
    println!("{plan}");
    let world = plan.run_logged();
    for line in world.log.iter().flatten() {
        println!("{line}");
    }
    let (calls, stats) = (world.provider.calls, &world.stats);
    println!("{} logins, minimum {}; {calls:?}", calls.login, stats.minimum);
    println!("extra logins {:?}, errors {:?}", stats.extra_logins, stats.errors);
    println!("violations {:#?}", world.oracle.violations);
    world.oracle.violations.is_empty()
}
