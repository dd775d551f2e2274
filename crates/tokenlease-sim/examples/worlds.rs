//! Runs random worlds: `worlds FIRST COUNT [calm]`, or tells the story of one: `worlds SEED`.

use std::collections::BTreeMap;

use tokenlease_sim::{Kind, worlds};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let calm = args.iter().any(|arg| arg == "calm");
    let number = |at: usize| args.get(at).and_then(|arg| arg.parse::<u64>().ok());
    let first = number(0).unwrap_or_default();
    let Some(count) = number(1) else {
        let world = worlds::told(first, calm);
        println!("{:#?}\nfaults {:?}", world.setup, world.faults);
        println!("{}", world.story.as_ref().map(|story| story.join("\n")).unwrap_or_default());
        println!(
            "{:#?} {:#?} {:#?}",
            world.stats.errors, world.vendor.calls, world.oracle.violations
        );
        return;
    };
    let mut broken: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let (mut asks, mut dead, mut extra) = (0, 0, BTreeMap::<&str, u64>::new());
    let mut logins = [(0, 0); 2];
    let mut over: Vec<(u32, u64)> = Vec::new();
    for seed in first..first + count {
        let world = worlds::run(seed, calm);
        for violation in &world.oracle.violations {
            let seeds = broken.entry(violation.what).or_default();
            if seeds.last() != Some(&seed) {
                seeds.push(seed);
            }
        }
        asks += world.stats.asks;
        dead += world.stats.dead;
        for (cause, many) in &world.stats.extra {
            *extra.entry(cause).or_default() += many;
        }
        let of = &mut logins[usize::from(world.vendor.kind == Kind::Wyn)];
        of.0 += world.vendor.calls.issue;
        of.1 += world.stats.minimum;
        over.push((world.vendor.calls.issue.saturating_sub(world.stats.minimum), seed));
    }
    over.sort_unstable();
    let most: Vec<_> = over.iter().rev().take(6).collect();
    println!("{count} worlds, {asks} asks, {dead} dead");
    println!(
        "WinKAS {} logins for {}, Wyn {} for {}",
        logins[0].0, logins[0].1, logins[1].0, logins[1].1
    );
    println!("logins over the minimum: {most:?}; beside a good token: {extra:#?}");
    for (what, seeds) in &broken {
        println!("BROKEN {what}: {} worlds, {:?}", seeds.len(), &seeds[..seeds.len().min(8)]);
    }
}
