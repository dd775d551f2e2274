//! A thousand callers on a cold client.

use std::time::{Duration, Instant};

use tokenlease_emulator::{Endpoint, Fault};

use crate::{
    figure::{Figure, Wanted},
    request::{World, bare, http},
};

const CALLERS: usize = 1000;
pub(crate) const TURNS: usize = 11;
/// How long the server takes.
pub(crate) const SLOW: Duration = Duration::from_millis(50);

pub(crate) fn figures(wanted: &Wanted) -> Vec<Figure> {
    if !wanted.has("cold_1000_tasks") {
        return Vec::new();
    }
    let world = World::new();
    world.emulator.fault(Endpoint::WynLogin, Fault::delay(SLOW), 100);
    let ours = || {
        // Another registry has another store: a client of the same one would find the token.
        let client = world.client(&world.registry());
        let before = world.emulator.counts().wyn.login;
        let took = world.runtime.block_on(async {
            let began = Instant::now();
            let callers: Vec<_> = (0..CALLERS)
                .map(|_| {
                    let client = client.clone();
                    tokio::spawn(async move { client.token().await })
                })
                .collect();
            for caller in callers {
                caller.await.expect("a task").expect("a token");
            }
            began.elapsed().as_secs_f64() * 1e3
        });
        assert_eq!(world.emulator.counts().wyn.login - before, 1, "one login for all");
        took
    };
    let limit = one_request(&world);
    vec![Figure::measure("cold_1000_tasks", "ms", TURNS, ours, limit).at_most(1.25)]
}

/// How long one bare request takes, on a connection that is kept, in milliseconds.
pub(crate) fn one_request(world: &World) -> impl FnMut() -> f64 {
    let (form, http) = (world.form(), http());
    let url = format!("{}/connect/token", world.emulator.wyn().server());
    move || {
        world.runtime.block_on(async {
            let began = Instant::now();
            bare(&http, &url, &form).await;
            began.elapsed().as_secs_f64() * 1e3
        })
    }
}
