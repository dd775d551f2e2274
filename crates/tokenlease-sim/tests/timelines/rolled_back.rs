//! Store outages, lost data and rollbacks: which of two contradictory states wins.

use tokenlease_sim::{
    Caller, Fault, H, Kind, M, S, Setup, World, bugs::Bug, duration, plan::PlanEvent,
};

use crate::{
    add_fault, asks, asks_with, end_newest_at, every, logins, setup, with_budget, world,
    world_with_budget,
};

/// Returns a world whose provider ends the previous token with each login.
fn world_with_one_active_token(processes: usize) -> World {
    let setup = Setup { new_token_ends_old: true, ..setup(Kind::Wyn, 12 * H, processes) };
    World::launched(with_budget(setup))
}

/// Rule: Merge: of two concurrent leases, the one that was requested last wins.
///
/// Process 0 has a token in the record. Process 1 restarts, logs in during a store outage, and
/// reads the record after it.
#[test]
fn a_token_from_a_store_outage_is_kept_over_the_records_older_one() {
    let mut world = world_with_one_active_token(2);
    asks(&mut world, 0, &[0]);
    // p1 restarts, and has not read the record when the store outage begins.
    world.at(9 * M, |world| world.crash(1, Some(S), None));
    add_fault(&mut world, 10 * M, 11 * M, Fault::Store);
    asks(&mut world, 1, &[10 * M + 30 * S, 12 * M]);
    asks(&mut world, 0, &[12 * M + S, 13 * M]);
    world.run(H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.inactive_served, world.stats.errors()), (2, 0, 0));
}

/// Rule: Merge: of two logins during a store outage, the token that was requested last wins for
/// all processes.
///
/// Two processes log in during a store outage, in both orders. A new token ends the old one. After
/// the outage three processes ask, and no login follows.
#[test]
fn of_two_logins_during_a_store_outage_the_later_token_wins() {
    for order in [[0, 1], [1, 0]] {
        let mut world = world_with_one_active_token(3);
        add_fault(&mut world, 0, 10 * M, Fault::Store);
        asks(&mut world, order[0], &[M]);
        asks(&mut world, order[1], &[2 * M]);
        // Each process logged in during the outage; no login follows it.
        for p in 0..3 {
            every(&mut world, p, 11 * M, H, M);
        }
        world.run(H);
        world.assert_no_violation();
        assert_eq!((logins(&world), world.stats.inactive_served, world.stats.errors()), (2, 0, 0));
    }
}

/// Rule: Store: a process with a newer lease saves it to a store that was rolled back.
///
/// The record is rolled back to the first token, which the second one ended. Process 0 has the
/// second one, and process 1 has no token.
#[test]
fn a_rolled_back_store_is_corrected_by_the_process_with_the_newer_token() {
    let mut world = world_with_one_active_token(2);
    asks(&mut world, 0, &[0]);
    let min_remaining = Caller { min_remaining: Some(duration(6 * H)), ..Caller::default() };
    asks_with(&mut world, 0, &[7 * H], &min_remaining);
    // The record contains the first token again, which the second one ended.
    world.at(8 * H, |world| world.roll_back(2 * H));
    asks(&mut world, 0, &[8 * H + M]);
    asks(&mut world, 1, &[8 * H + 2 * M]);
    world.run(9 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.inactive_served), (2, 0));
}

/// Rule: Store: a rolled back store restores no token that this process suspected before.
///
/// Process 1 has the first token rejected after process 0 replaced it, and adopts the second one.
/// The record is rolled back to the first one, and the second one ends.
#[test]
fn a_rolled_back_store_restores_no_token_that_this_process_suspected() {
    let mut world = world(Kind::Winkas, 12 * H, 2);
    asks(&mut world, 0, &[0]);
    // An API rejects p1's first token after p0 replaced it, and p1 adopts the second one.
    let late = Caller { use_delay: 3 * M, ..Caller::default() };
    asks_with(&mut world, 1, &[9 * M], &late);
    end_newest_at(&mut world, 10 * M);
    asks(&mut world, 0, &[11 * M]);
    world.at(20 * M, |world| world.roll_back(10 * M + 30 * S));
    end_newest_at(&mut world, 20 * M);
    asks(&mut world, 1, &[21 * M]);
    world.run(H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.inactive_served), (3, 2));
}

/// Rule: Merge: of a rejection and a success of the same credentials the later one wins, in
/// whichever order they are saved.
///
/// During a store outage process 0 gets a rejection, and later process 1 a token. Both are saved
/// after the outage.
#[test]
fn a_rejection_that_is_saved_after_an_outage_does_not_undo_a_later_success() {
    let mut world = world_with_budget(Kind::Wyn, 12 * H, 2);
    add_fault(&mut world, 0, H, Fault::Store);
    // The account is locked when p0 logs in, and unlocked when p1 does.
    world.lock_account(10 * M);
    asks(&mut world, 0, &[M, H + 2 * M]);
    asks(&mut world, 1, &[20 * M, H + M, H + 3 * M]);
    world.run(2 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.served, world.stats.errors()), (2, 4, 1));
}

/// Rule: Merge: a success that is saved after an outage does not close a circuit that opened
/// later.
///
/// During a store outage process 1 gets a token. The password changes, and process 0 gets a
/// rejection. Both are saved after the outage.
#[test]
fn a_success_that_is_saved_after_an_outage_does_not_close_a_circuit_that_opened_later() {
    let mut world = world_with_budget(Kind::Wyn, 10 * M, 2);
    add_fault(&mut world, 0, H, Fault::Store);
    asks(&mut world, 1, &[M]);
    // p1's success is saved an hour after its answer. By then p0 has got the rejection.
    world.at(50 * M, |world| {
        world.mark_faulty();
        world.provider.passwords = vec!["p1".into()];
    });
    asks(&mut world, 0, &[55 * M, H + 2 * M, H + 10 * M]);
    world.run(2 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.provider.rejected_credentials.len()), (2, 1));
}

/// Rule: Clocks: a record contains times of the store, so a wall clock that is set back extends no
/// lease.
///
/// The wall clock of the only host is set back by two hours. Its process restarts, and has only
/// the record.
#[test]
fn a_wall_clock_that_is_set_back_extends_no_lease_in_the_record() {
    let run = |bug| {
        let mut world = World::launched(Setup { bug, ..setup(Kind::Wyn, H, 1) });
        asks(&mut world, 0, &[100]);
        world.at(10 * M, |world| world.jump_wall_clock(0, -2 * H));
        // A restarted process has only the record.
        world.at(11 * M, |world| PlanEvent::Crash { p: 0, down: S, password: None }.apply(world));
        every(&mut world, 0, 12 * M, 3 * H, M);
        world.run(3 * H);
        world
    };
    let world = run(None);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.inactive_served), (4, 0));
    // By the wall clock the lease would expire two hours late.
    assert!(run(Some(Bug::WallTimeInRecord)).oracle.known_inactive() > 0);
}
