//! Many processes at once.

use std::{
    fs::File,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use tokenlease_emulator::{Endpoint, Fault};

#[cfg(any(feature = "redis", feature = "postgres"))]
use crate::servers;
use crate::world::{World, ask_all, assert_one_token};

const SLOW: Duration = Duration::from_millis(50);

fn a_cold_crowd(world: &World, count: usize, what: &str) {
    world.emulator.fault(Endpoint::WinkasIssue, Fault::delay(SLOW), 100);
    world.emulator.fault(Endpoint::WynIssue, Fault::delay(SLOW), 100);
    for starter in [world.winkas(), world.wyn()] {
        let mut crowd = starter.start_many(count);
        let began = Instant::now();
        let answers = ask_all(&mut crowd, "token");
        println!("{what}, {count} processes: {:?}", began.elapsed());
        assert_one_token(&answers);
        assert_eq!(answers.iter().filter(|answer| answer.rung() == "Issue").count(), 1);
    }
    let counts = world.emulator.counts();
    assert_eq!((counts.winkas.issue, counts.wyn.issue), (1, 1));
}

#[test]
fn lesson_17_sixteen_processes_on_an_empty_folder_are_one_login() {
    a_cold_crowd(&World::new(), 16, "a folder");
    bare(16);
}

/// What the least that can be done takes: each thread in turn takes a kernel lock on one file, and
/// the first one waits as long as the vendor does.
fn bare(count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let barrier = Barrier::new(count + 1);
    let took = thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| {
                barrier.wait();
                let file = File::options().create(true).append(true).open(&path).unwrap();
                file.lock().unwrap();
                if file.metadata().unwrap().len() == 0 {
                    thread::sleep(SLOW);
                    std::io::Write::write_all(&mut &file, b"token").unwrap();
                }
            });
        }
        barrier.wait();
        Instant::now()
    });
    println!("a bare kernel lock, {count} threads: {:?}", took.elapsed());
}

#[cfg(feature = "redis")]
#[test]
fn lesson_17_sixty_four_processes_on_an_empty_redis_are_one_login() {
    let Some(server) = servers::redis() else { return };
    a_cold_crowd(&World::with_store(server.url()), 64, "redis");
}

#[cfg(feature = "postgres")]
#[test]
fn lesson_17_sixty_four_processes_on_an_empty_postgres_are_one_login() {
    let Some(server) = servers::postgres() else { return };
    let store = tokenlease_store::PostgresStore::open(&server.url(), &[]).unwrap();
    let runtime = tokenlease::runtime::Runtime::current().unwrap();
    runtime.block_on(async move { store.init().await }).unwrap().unwrap();
    a_cold_crowd(&World::with_store(server.url()), 64, "postgres");
}

#[test]
fn lesson_14_sixteen_processes_with_a_wrong_password_are_one_login_and_at_most_one_refetch() {
    let world = World::new();
    let mut crowd = world.winkas().with("PASSWORD", "wrong").start_many(16);
    for _ in 0..2 {
        for answer in ask_all(&mut crowd, "token") {
            assert_eq!(answer.kind(), "credentials_refused", "{answer:?}");
        }
        let counts = world.emulator.counts().winkas;
        assert_eq!(counts.issue, 1);
        assert!(counts.refetch <= 1, "{}", counts.refetch);
    }
    let mut crowd = world.wyn().with("SECRET", "wrong").start_many(16);
    for answer in ask_all(&mut crowd, "token") {
        assert_eq!(answer.kind(), "credentials_refused", "{answer:?}");
    }
    assert_eq!(world.emulator.counts().wyn.issue, 1);
}
