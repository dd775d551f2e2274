//! One timeline for each rule of the state machine: the shortest one in which a state machine without
//! the rule fails.

mod backoffs;
mod clocks;
mod credentials;
mod learning;
mod locks;
mod outages;
mod rejections;
mod rolled_back;
mod spent_logins;
mod store;
mod subjects;
mod worlds;

use tokenlease_core::lifecycle::OnStoreOutage;
use tokenlease_sim::{Caller, Kind, Setup, World};

fn setup(kind: Kind, lifetime: i64, processes: usize) -> Setup {
    Setup { kind, lifetime, processes, ..Setup::default() }
}

fn world(kind: Kind, lifetime: i64, processes: usize) -> World {
    World::launched(setup(kind, lifetime, processes))
}

/// A world whose processes may log in during a store outage.
fn world_with_budget(kind: Kind, lifetime: i64, processes: usize) -> World {
    World::launched(with_budget(setup(kind, lifetime, processes)))
}

fn with_budget(mut setup: Setup) -> Setup {
    setup.policy.on_store_outage = Some(OnStoreOutage::LoginWithinBudget);
    setup
}

fn asks(world: &mut World, p: usize, moments: &[i64]) {
    for t in moments {
        world.at(*t, move |world| world.ask(p, Caller::default()));
    }
}

fn asks_with(world: &mut World, p: usize, moments: &[i64], caller: &Caller) {
    for t in moments {
        let caller = caller.clone();
        world.at(*t, move |world| world.ask(p, caller));
    }
}

fn every(world: &mut World, p: usize, from: i64, to: i64, step: i64) {
    world.ask_every(p, from, to, step, &Caller::default());
}

fn add_fault(world: &mut World, from: i64, until: i64, fault: tokenlease_sim::Fault) {
    world.faults.push((from, until, fault));
}

fn logins(world: &World) -> u32 {
    world.provider.calls.login
}

/// Ends the newest token at a time, without a notice to any process.
fn end_newest_at(world: &mut World, t: i64) {
    world.at(t, World::end_newest_token);
}

/// APIs reject all tokens, also active ones, from one time to another.
fn api_rejects(world: &mut World, from: i64, until: i64) {
    world.at(from, move |world| {
        world.mark_faulty();
        world.api_rejects_until = until;
    });
}
