//! The record that processes share, and events.

use tokenlease_core::lifecycle::{Event, Policy};
use tokenlease_sim::{Caller, Fault, H, Kind, M, S, World};

use crate::{add_fault, asks, asks_with, every, logins, setup, world};

/// Rule: Memory: a fresh lease is served if the store was read within 30 s; otherwise the process
/// reads the store first, and serves the lease if the store does not answer.
///
/// Process 0 revokes the shared token. Process 1 was idle for three hours.
#[test]
fn an_idle_process_reads_the_store_before_it_serves_from_memory() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    asks(&mut world, 0, &[0]);
    asks(&mut world, 1, &[M, 3 * H]);
    world.at(10 * M, |world| world.revoke(0));
    world.run(4 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.inactive_served), (2, 0));
    assert_eq!(world.provider.calls.revoke, 1);
}

/// Rule: Store: the tombstone of a token that one process found inactive is obeyed by all
/// processes.
///
/// The token of eight processes ends, while the provider throttles. They ask one after the other.
#[test]
fn a_token_that_one_process_found_inactive_is_served_by_no_other() {
    let mut world = world(Kind::Winkas, 12 * H, 8);
    for p in 0..8 {
        asks(&mut world, p, &[100]);
    }
    crate::end_newest_at(&mut world, H);
    add_fault(&mut world, H, H + 10 * M, Fault::Throttle);
    for p in 0..8_usize {
        let first = H + S + 2 * S * i64::try_from(p).unwrap();
        every(&mut world, p, first, H + 9 * M, 40 * S);
    }
    world.run(2 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.inactive_served), (1, 1));
    assert_eq!(world.stats.sent_in_backoff, 0);
}

/// Rule: Store: after a flush, processes with tokens of a higher generation adopt the newer lease
/// of the record.
///
/// Four processes have the fifth token when the store loses its data. A restarted process logs in.
#[test]
fn processes_with_a_token_of_a_higher_generation_do_not_all_log_in_after_a_flush() {
    let mut world = world(Kind::Wyn, H, 5);
    // Four earlier tokens.
    for n in 0..4 {
        asks(&mut world, 4, &[n * H]);
    }
    let t = 4 * H;
    for p in 0..4 {
        asks(&mut world, p, &[t, t + 57 * M, t + 59 * M + 30 * S, t + 61 * M, t + 70 * M]);
    }
    world.at(t + 30 * M, World::flush);
    world.at(t + 30 * M + 1, |world| world.crash(4, Some(S), None));
    asks(&mut world, 4, &[t + 31 * M]);
    world.run(t + 80 * M);
    world.assert_no_violation();
    // Four earlier ones, the current one, at most one by the restarted process, and the next one.
    assert!(logins(&world) <= 7, "{}", logins(&world));
}

/// Rule: Store: an emptied store is filled again by the next process with a lease that reads it.
#[test]
fn an_emptied_store_is_filled_again_by_the_next_process_that_reads_it() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    asks(&mut world, 0, &[0, 2 * H]);
    world.at(H, World::flush);
    asks(&mut world, 1, &[2 * H + S]);
    world.run(3 * H);
    world.assert_no_violation();
    assert_eq!(logins(&world), 1);
}

/// Rule: Identity: two valid secrets of one user have separate leases, which do not replace each
/// other.
///
/// Four processes use two passwords, and restart every hour.
#[test]
fn two_valid_secrets_keep_separate_leases() {
    let mut world = world(Kind::Wyn, 12 * H, 4);
    world.provider.passwords = vec!["p0".into(), "p1".into()];
    for p in 0..4_usize {
        let password = ["p0", "p1"][p % 2];
        let late = S * i64::try_from(p).unwrap();
        for hour in 0..11 {
            asks_with(&mut world, p, &[hour * H + 10 * S + late], &Caller::with(password));
            world
                .at(hour * H + 30 * M + late, move |world| world.crash(p, Some(S), Some(password)));
        }
    }
    world.run(12 * H - 10 * M);
    world.assert_no_violation();
    assert_eq!(logins(&world), 2);
}

/// Rule: Store: while a record can't be read, no login is sent under any policy, and an event
/// reports it.
#[test]
fn no_login_is_sent_while_a_record_is_unreadable() {
    for kind in [Kind::Wyn, Kind::Winkas] {
        let mut world = world(kind, 12 * H, 1);
        world.mark_faulty();
        world.store.unreadable = true;
        every(&mut world, 0, 100, H, M);
        world.run(H);
        assert_eq!((logins(&world), world.stats.served), (0, 0), "{kind:?}");
        assert!(world.processes[0].events.contains(&Event::RecordUnreadable));
        world.at(H, |world| world.store.unreadable = false);
        asks(&mut world, 0, &[H + M]);
        world.run(2 * H);
        assert_eq!((logins(&world), world.stats.served), (1, 1), "{kind:?}");
    }
}

/// Rule: Store: a record that can't be read is an error at once.
#[test]
fn an_unreadable_record_is_an_error_at_once() {
    let mut world = world(Kind::Wyn, 12 * H, 1);
    world.mark_faulty();
    world.store.unreadable = true;
    asks(&mut world, 0, &[100]);
    // The timeout of the caller is 20 s.
    world.run(8 * S);
    assert_eq!((world.stats.errors(), world.stats.served), (1, 0));
}

/// Rule: Events: each change of the token is an event.
///
/// Reported as golang/oauth2#84.
#[test]
fn each_change_of_the_token_is_an_event() {
    let mut world = world(Kind::Wyn, H, 2);
    asks(&mut world, 0, &[0, 59 * M]);
    asks(&mut world, 1, &[S, 59 * M + 30 * S]);
    world.run(2 * H);
    let names = |p: usize| -> Vec<String> {
        let events = &world.processes[p].events;
        let name = |event: &Event| event.to_string().split(' ').next().unwrap().to_owned();
        events.iter().map(name).collect()
    };
    assert_eq!(names(0), ["logged", "logged"]);
    assert_eq!(names(1), ["adopted", "adopted"]);
}

/// Rule: Memory: without a store a process keeps its own record of tokens and circuits.
#[test]
fn without_a_store_a_process_keeps_its_own_record() {
    for kind in [Kind::Wyn, Kind::Winkas] {
        let mut setup = setup(kind, 6 * H, 1);
        setup.policy = Policy { store: false, ..Policy::default() };
        let mut world = World::launched(setup);
        every(&mut world, 0, 0, 5 * H, 10 * S);
        asks_with(&mut world, 0, &[M, 2 * M, 3 * M], &Caller::with("bad"));
        world.run(5 * H);
        assert_eq!((logins(&world), world.store.calls), (if kind == Kind::Wyn { 2 } else { 1 }, 0));
        assert_eq!(world.provider.rejected_credentials.len(), 1, "{kind:?}");
        assert_eq!(world.stats.errors(), 3);
    }
}
