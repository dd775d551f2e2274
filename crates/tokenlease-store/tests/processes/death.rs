//! Processes that die or are stopped in the middle of it.

use std::{
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use tokenlease_emulator::{Endpoint, Fault};

use crate::world::{Answer, Process, World, ask_all, assert_one_token};

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

/// The process that holds the lock, by the name of its file in the folder.
fn leader(world: &World) -> u32 {
    until(|| {
        let file = world.files(".owner").pop()?;
        file.to_string_lossy().rsplit('+').nth(1)?.parse().ok()
    })
}

#[test]
fn lesson_31_a_leader_that_is_killed_at_any_moment_leaves_nothing_torn_and_nothing_locked() {
    for round in 0..12_u64 {
        let world = World::new();
        world.emulator.fault(Endpoint::WinkasIssue, Fault::delay(Duration::from_millis(60)), 9);
        let mut crowd = world.winkas().start_many(4);
        for process in &mut crowd {
            process.order("token");
        }
        let leader = leader(&world);
        // From the first moment with the lock to after the answer.
        thread::sleep(Duration::from_millis(round * 8));
        let at = crowd.iter().position(|process| process.id() == leader).unwrap();
        crowd.remove(at).kill();
        let began = Instant::now();
        let answers: Vec<_> = crowd.iter_mut().map(Process::take).collect();
        println!("round {round}: the others had it after {:?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(8), "they did not wait for the lock to end");
        assert_one_token(&answers);
        assert_eq!(world.logins(), 1, "what was issued is found by a refetch");
        assert!(world.emulator.token_is_active(answers[0].token()));
        // A newcomer finds a whole record.
        let newcomer = world.winkas().start_many(1).remove(0).ask("token");
        assert_eq!((newcomer.rung(), newcomer.token()), ("Store", answers[0].token()));
    }
}

#[test]
fn lesson_31_a_leader_that_is_stopped_past_its_locks_life_is_passed_by_and_overwrites_nothing() {
    let world = World::new();
    let starter = world.wyn().with("LOCK", "11000").with("REFRESH", "100");
    // Long enough to be stopped before the answer comes, however busy the machine is.
    world.emulator.fault(Endpoint::WynIssue, Fault::delay(Duration::from_secs(5)), 1);
    let mut stopped = starter.start_many(1).remove(0);
    stopped.order("token");
    until(|| (world.logins() == 1).then_some(()));
    stopped.signal(Signal::STOP);

    let began = Instant::now();
    let mut others = starter.start_many(3);
    let answers = ask_all(&mut others, "token");
    println!("passed by after {:?}", began.elapsed());
    assert_one_token(&answers);
    assert_eq!(world.logins(), 2, "its token was not known to anybody");

    stopped.signal(Signal::CONT);
    let first = stopped.take();
    assert!(world.emulator.token_is_active(first.token()));
    thread::sleep(Duration::from_millis(200));
    others.push(stopped);
    others.extend(starter.start_many(1));
    let after: Vec<Answer> = ask_all(&mut others, "token");
    assert_one_token(&after);
    assert_eq!(after[0].token(), answers[0].token(), "the newer lease stands");
    assert_eq!(world.logins(), 2);
}
