//! Lock owners that are killed or stopped in the middle of a login.

use std::{
    thread,
    time::{Duration, Instant},
};

#[cfg(unix)]
use rustix::process::Signal;
use tokenlease_emulator::{Endpoint, Fault};

use crate::{
    engine::Engine,
    process::{Process, assert_one_token},
    world::wait_until,
};

/// The lock TTL of 30 s, and 1 s more.
const LOCK_TTL: Duration = Duration::from_secs(31);
/// A deadline of 300 s, longer than these tests advance the clock, so that no caller times out.
const LONG_DEADLINE: &str = "300000";

/// Rule: Lock: an owner that is killed at any moment leaves no torn record and no lock; a folder
/// notices its death at once, a server when the lock's TTL ends. The other processes need one
/// login, and one more only if the killed process's token was lost and can't be refetched.
#[test]
fn an_owner_that_is_killed_at_any_moment_leaves_no_torn_record_and_no_lock() {
    for engine in Engine::all_with_clock() {
        engine.repeat_race(|world, round| {
            for endpoint in [Endpoint::WinkasLogin, Endpoint::WynLogin] {
                world.emulator.fault(endpoint, Fault::delay(Duration::from_millis(60)), 9);
            }
            for starter in world.both() {
                let before = (world.logins(), world.records().len());
                let starter = starter.with("DEADLINE", LONG_DEADLINE);
                let mut processes = starter.start_many(4);
                for process in &mut processes {
                    process.order("token");
                }
                let owner = wait_until(|| {
                    let owners = world.lock_owners();
                    let owner = processes.iter().position(|one| owners.contains(&one.id()));
                    // On a busy machine the owner may be done before this test sees its lock.
                    owner.or_else(|| (world.records().len() > before.1).then_some(0))
                });
                // The delays reach from the first moment with the lock to after the answer.
                thread::sleep(Duration::from_millis(u64::from(round) * 13 % 97));
                processes.remove(owner).kill();
                let saved = world.records().len() > before.1;
                if engine.server().is_some() {
                    world.pass(LOCK_TTL);
                }
                let began = Instant::now();
                let answers: Vec<_> = processes.iter_mut().map(Process::take).collect();
                // A quarter of the TTL: they did not wait for the killed owner's lock to expire.
                assert!(began.elapsed() < LOCK_TTL / 4, "{}: {:?}", engine.name, began.elapsed());
                assert_one_token(&answers);
                let token = answers[0].token();
                assert!(world.emulator.token_is_active(token));
                // A saved token is used. A lost one is refetched at WinKAS; Wyn needs a login.
                let logins = world.logins() - before.0;
                let most = if saved || starter.is_winkas() { 1 } else { 2 };
                assert!((1..=most).contains(&logins), "{}: {logins}", engine.name);
                let later = starter.start_one().ask("token");
                assert_eq!((later.source(), later.token()), ("Store", token));
            }
        });
    }
}

/// Rule: Lock: another process takes the lock of an owner that was stopped for longer than the
/// lock's TTL, and the owner overwrites nothing when it continues.
#[cfg(unix)]
#[test]
fn an_owner_that_is_stopped_past_its_lock_ttl_loses_the_lock_and_overwrites_nothing() {
    for engine in Engine::all_with_clock() {
        engine.repeat(|world, _| {
            let starter = world.wyn().with("DEADLINE", LONG_DEADLINE);
            // Long enough to stop the process before the answer comes, even on a busy machine.
            world.emulator.fault(Endpoint::WynLogin, Fault::delay(Duration::from_secs(3)), 1);
            let mut stopped = starter.start_one();
            stopped.order("token");
            wait_until(|| (world.logins() == 1).then_some(()));
            stopped.signal(Signal::STOP);

            let mut others = starter.start_many(3);
            for process in &mut others {
                process.order("token");
            }
            world.pass(LOCK_TTL);
            let answers: Vec<_> = others.iter_mut().map(Process::take).collect();
            assert_one_token(&answers);
            assert_eq!(world.logins(), 2, "the stopped process had not saved its token");

            stopped.signal(Signal::CONT);
            let first = stopped.take();
            assert!(world.emulator.token_is_active(first.token()));
            assert_all_agree(world, others, stopped, answers[0].token());
            assert_eq!(world.logins(), 2);
        });
    }
}

/// Checks that all processes, and a new one, serve the newer lease after their next store check.
#[cfg(unix)]
fn assert_all_agree(
    world: &crate::world::World,
    mut all: Vec<Process>,
    continued: Process,
    token: &str,
) {
    world.pass(LOCK_TTL);
    all.push(continued);
    all.push(world.wyn().start_one());
    let after = crate::process::ask_all(&mut all, "token");
    assert_one_token(&after);
    assert_eq!(after[0].token(), token, "all serve the newer lease");
}
