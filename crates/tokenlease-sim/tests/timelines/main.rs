//! One timeline a rule of the machine: the shortest that tells a machine which keeps the rule from
//! one that does not. A test's name begins with its rule.

mod credentials;
mod fallen_back;
mod learning;
mod locks;
mod rejections;
mod time_and_store;
mod worlds;

use tokenlease_sim::{Caller, Kind, Setup, World};

fn setup(kind: Kind, life: i64, processes: usize) -> Setup {
    Setup { kind, life, processes, ..Setup::default() }
}

fn world(kind: Kind, life: i64, processes: usize) -> World {
    World::launched(setup(kind, life, processes))
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

fn break_it(world: &mut World, from: i64, until: i64, fault: tokenlease_sim::Fault) {
    world.faults.push((from, until, fault));
}

fn logins(world: &World) -> u32 {
    world.provider.calls.login
}

/// Ends the newest token at a moment, without anyone being told.
fn end_newest_at(world: &mut World, t: i64) {
    world.at(t, World::end_newest);
}

/// An API rejects all tokens for reasons of its own, from one moment to another.
fn api_rejects(world: &mut World, from: i64, until: i64) {
    world.at(from, move |world| {
        world.touch();
        world.api_rejects_until = until;
    });
}
