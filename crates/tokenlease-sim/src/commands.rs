//! What the program does.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use tokenlease_sim::{
    Kind, World,
    worlds::{self, weather},
    year::Year,
};

/// What became of many worlds.
#[derive(Default)]
struct Totals {
    worlds: u64,
    events: u64,
    asks: u64,
    violations: usize,
    over: u64,
    unexplained: usize,
    dead: u64,
    knowably_dead: usize,
    causes: BTreeMap<&'static str, u64>,
    failed: BTreeMap<u64, &'static str>,
    /// How long each world took, and which it was.
    took: Vec<(Duration, u64)>,
}

impl Totals {
    fn count(&mut self, seed: u64, world: &World) {
        self.worlds += 1;
        self.events += world.events();
        self.asks += world.stats.asks;
        self.violations += world.oracle.violations.len();
        self.over += u64::from(world.provider.calls.login.saturating_sub(world.stats.minimum));
        self.unexplained += world.oracle.unexplained();
        self.dead += world.stats.dead;
        self.knowably_dead += world.oracle.knowably_dead();
        for (cause, many) in &world.stats.extra {
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
        self.over += other.over;
        self.unexplained += other.unexplained;
        self.dead += other.dead;
        self.knowably_dead += other.knowably_dead;
        for (cause, many) in other.causes {
            *self.causes.entry(cause).or_default() += many;
        }
        self.failed.extend(other.failed);
        self.took.extend(other.took);
    }

    /// How long the worlds took, for people: beside other work they take longer.
    fn tell_timings(&mut self) {
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

    fn tell(&self) {
        println!(
            "{{\"seeds\":{},\"events\":{},\"violations\":{},\"logins_over_minimum\":{},\
             \"unexplained_logins\":{},\"dead\":{},\"knowably_dead\":{}}}",
            self.worlds,
            self.events,
            self.violations,
            self.over,
            self.unexplained,
            self.dead,
            self.knowably_dead,
        );
    }
}

/// Lets a year of faults pass. Whether all promises were kept.
pub(crate) fn year(seed: u64) -> bool {
    let life = 12 * tokenlease_sim::H;
    let year = Year { seed, kind: Kind::Winkas, life, faults: true, client: None, days: 365 };
    let mut totals = Totals::default();
    let world = year.run();
    totals.count(seed, &world);
    for violation in &world.oracle.violations {
        eprintln!("BROKEN {violation:?}");
    }
    totals.tell();
    totals.violations == 0
}

/// Runs that many random worlds on all cores. Whether all promises were kept.
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
                        totals.count(seed, &worlds::run(seed, weather(seed)));
                        totals.took.push((began.elapsed(), seed));
                    }
                })
            })
            .collect();
        for worker in workers {
            totals.add(worker.join().expect("a world does not panic"));
        }
    });
    if !json {
        println!("{} asks; logins beside a good token, by cause:", totals.asks);
        for (cause, many) in &totals.causes {
            println!("{many:>9}  {cause}");
        }
    }
    if timings {
        totals.tell_timings();
    }
    report(&totals, json);
    totals.tell();
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
        eprintln!("BROKEN {what}: {} worlds, {:?}", seeds.len(), &seeds[..seeds.len().min(8)]);
    }
    if json {
        return;
    }
    for seeds in kinds.values().take(3) {
        let seed = seeds[0];
        let plan = worlds::plan(seed, weather(seed)).shrunk();
        eprintln!("\nSeed {seed}, cut down to what it needs to fail:\n{plan}");
        let world = plan.told();
        for line in world.story.iter().flatten() {
            eprintln!("{line}");
        }
        eprintln!("The whole story: cargo run --release -p tokenlease-sim -- replay {seed}");
    }
}

/// Tells the story of a seed's world. Whether all promises were kept.
pub(crate) fn replay(seed: u64) -> bool {
    let plan = worlds::plan(seed, weather(seed));
    println!("{plan}");
    let world = plan.told();
    for line in world.story.iter().flatten() {
        println!("{line}");
    }
    let (calls, stats) = (world.provider.calls, &world.stats);
    println!("{} logins, at least {} were needed; {calls:?}", calls.login, stats.minimum);
    println!("extra logins {:?}, errors {:?}", stats.extra, stats.errors);
    println!("violations {:#?}", world.oracle.violations);
    world.oracle.violations.is_empty()
}
