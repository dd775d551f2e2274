//! Processes that die or are stopped in the middle of it.

use std::{
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use tokenlease_emulator::{Endpoint, Fault};

use crate::{
    engine::Engine,
    world::{Answer, Process, World, ask_all, assert_one_token},
};

/// A lock's life, and a moment more.
const LOCK_TTL: Duration = Duration::from_secs(31);
/// Longer than a test moves the hour by, so that nobody gives up.
const PATIENT: &str = "300000";

/// Waits for what is going to happen soon.
pub(crate) fn until<R>(mut look: impl FnMut() -> Option<R>) -> R {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "it never happened");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn lesson_31_a_leader_that_is_killed_at_any_moment_leaves_nothing_torn_and_nothing_locked() {
    for engine in Engine::all_steered() {
        engine.often(|world, round| {
            for endpoint in [Endpoint::WinkasLogin, Endpoint::WynLogin] {
                world.emulator.fault(endpoint, Fault::delay(Duration::from_millis(60)), 9);
            }
            for starter in world.both() {
                let before = (world.logins(), world.records().len());
                let starter = starter.with("DEADLINE", PATIENT);
                let mut crowd = starter.start_many(4);
                for process in &mut crowd {
                    process.order("token");
                }
                let leader = until(|| {
                    let owners = world.lock_owners();
                    let leads = crowd.iter().position(|process| owners.contains(&process.id()));
                    // On a busy machine it may be done before it is seen.
                    leads.or_else(|| (world.records().len() > before.1).then_some(0))
                });
                // From the first moment with the lock to after the answer.
                thread::sleep(Duration::from_millis(u64::from(round) * 13 % 97));
                crowd.remove(leader).kill();
                let saved = world.records().len() > before.1;
                if engine.server().is_some() {
                    world.pass(LOCK_TTL);
                }
                let began = Instant::now();
                let answers: Vec<_> = crowd.iter_mut().map(Process::take).collect();
                // A quarter of its life: they did not wait for the lock of the dead to end.
                assert!(began.elapsed() < LOCK_TTL / 4, "{}: {:?}", engine.name, began.elapsed());
                assert_one_token(&answers);
                let token = answers[0].token();
                assert!(world.emulator.token_is_active(token));
                // What was saved is used; what was issued and lost is found where it can be.
                let logins = world.logins() - before.0;
                let most = if saved || starter.is_winkas() { 1 } else { 2 };
                assert!((1..=most).contains(&logins), "{}: {logins}", engine.name);
                // A newcomer finds a whole record.
                let newcomer = starter.start_many(1).remove(0).ask("token");
                assert_eq!((newcomer.source(), newcomer.token()), ("Store", token));
            }
        });
    }
}

#[test]
fn lesson_31_a_leader_that_is_stopped_past_its_locks_life_is_passed_by_and_overwrites_nothing() {
    for engine in Engine::all_steered() {
        engine.seldom(|world, _| {
            let starter = world.wyn().with("DEADLINE", PATIENT);
            // Long enough to be stopped before the answer comes, however busy the machine is.
            world.emulator.fault(Endpoint::WynLogin, Fault::delay(Duration::from_secs(3)), 1);
            let mut stopped = starter.start_many(1).remove(0);
            stopped.order("token");
            until(|| (world.logins() == 1).then_some(()));
            stopped.signal(Signal::STOP);

            let mut others = starter.start_many(3);
            for process in &mut others {
                process.order("token");
            }
            world.pass(LOCK_TTL);
            let answers: Vec<_> = others.iter_mut().map(Process::take).collect();
            assert_one_token(&answers);
            assert_eq!(world.logins(), 2, "its token was not known to anybody");

            stopped.signal(Signal::CONT);
            let first = stopped.take();
            assert!(world.emulator.token_is_active(first.token()));
            agree(world, others, stopped, answers[0].token());
            assert_eq!(world.logins(), 2);
        });
    }
}

/// After their next look all serve the newer lease, and so does a newcomer.
fn agree(world: &World, mut all: Vec<Process>, woken: Process, token: &str) {
    world.pass(LOCK_TTL);
    all.push(woken);
    all.extend(world.wyn().start_many(1));
    let after: Vec<Answer> = ask_all(&mut all, "token");
    assert_one_token(&after);
    assert_eq!(after[0].token(), token, "the newer lease stands");
}
