//! Many processes at once, on a store with nothing in it.

use std::time::{Duration, Instant};

use tokenlease_emulator::{Endpoint, Fault};

use crate::{
    engine::{Engine, many},
    world::{Starter, World, ask_all, assert_one_token},
};

const SLOW: Duration = Duration::from_millis(50);

/// Every call that a cold start makes takes that long at the provider.
fn slow_down(world: &World) {
    for endpoint in [Endpoint::WinkasRefetch, Endpoint::WinkasLogin, Endpoint::WynLogin] {
        world.emulator.fault(endpoint, Fault::delay(SLOW), 100);
    }
}

/// How long it takes from the word to the last answer.
fn a_cold_crowd(starter: &Starter, count: usize) -> Duration {
    let mut crowd = starter.start_many(count);
    let began = Instant::now();
    let answers = ask_all(&mut crowd, "token");
    let took = began.elapsed();
    assert_one_token(&answers);
    assert_eq!(answers.iter().filter(|answer| answer.source() == "Login").count(), 1);
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The least that can be done: a kernel lock around a file, and the same calls to the same provider.
/// What all that is more here may cost is a part of it.
#[test]
fn lesson_17_sixteen_processes_on_an_empty_folder_are_one_login_hardly_later_than_bare_ones() {
    let engine = Engine::folder();
    let (mut ours, mut least) = (Vec::new(), Vec::new());
    engine.often(|world, _| {
        slow_down(world);
        let bare = tempfile::tempdir().unwrap();
        let bare =
            |starter: Starter| starter.with("STORE", format!("bare:{}", bare.path().display()));
        ours.push(a_cold_crowd(&world.winkas(), 16));
        let token = world.emulator.winkas().active_tokens().remove(0);
        world.emulator.end_token(&token);
        least.push(a_cold_crowd(&bare(world.winkas()), 16));
        let counts = world.emulator.counts();
        assert_eq!((counts.winkas.login, counts.winkas.refetch, counts.wyn.login), (2, 2, 0));
        a_cold_crowd(&world.wyn(), 16);
        assert_eq!(world.emulator.counts().wyn.login, 1);
    });
    let (ours, least) = (median(ours), median(least));
    let ratio = ours.as_secs_f64() / least.as_secs_f64();
    println!("16 processes in a folder: {ours:?}, bare ones {least:?}: {ratio:.2} times that");
    // A median of few says more about the machine than about the store.
    assert!(many() < 20 || ratio < 1.3, "{ratio:.2}");
}

#[test]
fn lesson_17_sixty_four_processes_on_an_empty_server_are_one_login() {
    for engine in Engine::servers() {
        engine.seldom(|world, _| {
            slow_down(world);
            for starter in [world.winkas(), world.wyn()] {
                println!("{}: {:?}", engine.name, a_cold_crowd(&starter, 64));
            }
            let counts = world.emulator.counts();
            assert_eq!((counts.winkas.login, counts.wyn.login), (1, 1));
        });
    }
}
