//! The slow path in parts: where the time of a cold call goes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokenlease::{Client, Registry};
use tokenlease_store::FileStore;

use crate::{
    figure::{Figure, Wanted, nanoseconds},
    request::{World, bare, http, http_options},
};

const TURNS: usize = 31;
/// Requests a turn.
const LOOPS: u32 = 100;
/// Each token is past its end when the next is asked for.
pub(crate) const LONG: Duration = Duration::from_secs(400 * 24 * 3600 * 11);

pub(crate) fn figures(wanted: &Wanted) -> Vec<Figure> {
    let mut figures = Vec::new();
    if wanted.has("slow_registry") {
        let ours = || nanoseconds(10, || Registry::builder().build()) / 1e3;
        let limit = || nanoseconds(10, http) / 1e3;
        figures.push(Figure::measure("slow_registry", "µs", TURNS, ours, limit));
    }
    if wanted.has("slow_look") {
        figures.push(look());
    }
    if wanted.has("slow_connection") {
        figures.push(connection());
    }
    if wanted.has("slow_flight") {
        let world = World::new();
        let url = format!("{}/connect/token", world.emulator.wyn().server());
        let (form, http) = (world.form(), http());
        let client = world.client(&world.registry());
        let limit = || each(&world, async || drop(bare(&http, &url, &form).await));
        figures.push(Figure::measure(
            "slow_flight",
            "µs",
            TURNS,
            || flight(&world, &client),
            limit,
        ));
    }
    if wanted.has("slow_flight_in_a_folder") {
        figures.push(folder());
    }
    figures
}

/// A client made anew whose token the store has, beside a task that does nothing.
fn look() -> Figure {
    let world = World::new();
    let registry = world.registry();
    world.runtime.block_on(world.client(&registry).token()).expect("a token");
    let logins = world.emulator.counts().wyn.login;
    let ours = || each(&world, async || drop(world.client(&registry).token().await.expect("one")));
    let limit = || each(&world, async || tokio::spawn(async {}).await.expect("a task"));
    let figure = Figure::measure("slow_look", "µs", TURNS, ours, limit);
    assert_eq!(world.emulator.counts().wyn.login, logins, "the store has the token");
    figure
}

/// What a connection costs that is not kept: a request by hand on one of its own, beside one on a
/// kept connection.
fn connection() -> Figure {
    let world = World::new();
    let url = format!("{}/connect/token", world.emulator.wyn().server());
    let (form, kept) = (world.form(), http());
    let fresh = http_options().pool_max_idle_per_host(0).build().expect("a client");
    let ours = || each(&world, async || drop(bare(&fresh, &url, &form).await));
    let limit = || each(&world, async || drop(bare(&kept, &url, &form).await));
    Figure::measure("slow_connection", "µs", TURNS, ours, limit)
}

/// A flight that shares its record in a folder, beside one in memory.
fn folder() -> Figure {
    let world = World::new();
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(world.clock.clone());
    let store = FileStore::with_clock(folder.path().join("store"), clock.clone()).expect("a store");
    let key = store.own_key().expect("a key");
    let registry = Registry::builder().clock(clock).store(Arc::new(store), key).build();
    let client = world.client(&registry.expect("a registry"));
    let in_memory = world.client(&world.registry());
    let (ours, limit) = (|| flight(&world, &client), || flight(&world, &in_memory));
    Figure::measure("slow_flight_in_a_folder", "µs", TURNS, ours, limit)
}

fn flight(world: &World, client: &Client) -> f64 {
    each(world, async || {
        world.clock.advance(LONG);
        client.token().await.expect("a token");
    })
}

/// Microseconds that each of some calls takes, one after the other.
fn each(world: &World, mut call: impl AsyncFnMut()) -> f64 {
    world.runtime.block_on(async {
        let began = Instant::now();
        for _ in 0..LOOPS {
            call().await;
        }
        began.elapsed().as_secs_f64() * 1e6 / f64::from(LOOPS)
    })
}
