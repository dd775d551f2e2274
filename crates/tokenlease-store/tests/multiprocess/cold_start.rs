//! Many processes that start at once on an empty store.

use std::time::{Duration, Instant};

use tokenlease_emulator::{Endpoint, Fault};

use crate::{
    engine::{Engine, rounds},
    process::{Starter, ask_all, assert_one_token},
    world::World,
};

const PROVIDER_DELAY: Duration = Duration::from_millis(50);

/// Delays every call that a cold start makes to the provider.
fn slow_down(world: &World) {
    for endpoint in [Endpoint::WinkasRefetch, Endpoint::WinkasLogin, Endpoint::WynLogin] {
        world.emulator.fault(endpoint, Fault::delay(PROVIDER_DELAY), 100);
    }
}

/// Starts that many processes, and returns the time from the commands to the last answer.
fn time_cold_start(starter: &Starter, count: usize) -> Duration {
    let mut processes = starter.start_many(count);
    let began = Instant::now();
    let answers = ask_all(&mut processes, "token");
    let took = began.elapsed();
    assert_one_token(&answers);
    assert_eq!(answers.iter().filter(|answer| answer.source() == "Login").count(), 1);
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Rule: Lock: sixteen processes that start at once on an empty folder cost one login, because each
/// decides inside the lock after reading again; they take at most 1.3 times as long as with the
/// baseline, a kernel lock around a file.
///
/// Reported as DuendeArchive/Support#1286 and databricks/cli#6051
#[test]
fn sixteen_processes_on_an_empty_folder_cost_one_login_and_little_more_time_than_the_baseline() {
    let engine = Engine::folder();
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    engine.repeat_race(|world, _| {
        slow_down(world);
        let folder = tempfile::tempdir().unwrap();
        let store = format!("baseline:{}", folder.path().display());
        ours.push(time_cold_start(&world.winkas(), 16));
        let token = world.emulator.winkas().active_tokens().remove(0);
        world.emulator.end_token(&token);
        baseline.push(time_cold_start(&world.winkas().with("STORE", store), 16));
        let counts = world.emulator.counts();
        assert_eq!((counts.winkas.login, counts.winkas.refetch, counts.wyn.login), (2, 2, 0));
        time_cold_start(&world.wyn(), 16);
        assert_eq!(world.emulator.counts().wyn.login, 1);
    });
    let (ours, baseline) = (median(ours), median(baseline));
    let ratio = ours.as_secs_f64() / baseline.as_secs_f64();
    println!("16 processes in a folder: {ours:?}, baseline {baseline:?}: {ratio:.2} times that");
    // The median of a few rounds depends more on the machine than on the store.
    assert!(rounds() < 20 || ratio < 1.3, "{ratio:.2}");
}

/// Rule: Lock: sixty-four processes that start at once on an empty server cost one login.
///
/// Reported as DuendeArchive/Support#1286 and databricks/cli#6051
#[test]
fn sixty_four_processes_on_an_empty_server_cost_one_login() {
    for engine in Engine::servers() {
        engine.repeat(|world, _| {
            slow_down(world);
            for starter in [world.winkas(), world.wyn()] {
                println!("{}: {:?}", engine.name, time_cold_start(&starter, 64));
            }
            let counts = world.emulator.counts();
            assert_eq!((counts.winkas.login, counts.wyn.login), (1, 1));
        });
    }
}
