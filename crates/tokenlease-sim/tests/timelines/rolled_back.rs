//! Stores that were away, forgot, or fell back to an older record: what stands when two truths meet.

use tokenlease_sim::{
    Caller, Fault, H, Kind, M, S, Setup, World, duration, plan::Happening, planted::Bug,
};

use crate::{asks, asks_with, break_it, end_newest_at, every, logins, setup, world};

/// A new token of this provider ends the one before.
fn killing(processes: usize) -> World {
    World::launched(Setup { kill: true, ..setup(Kind::Wyn, 12 * H, processes) })
}

#[test]
fn newest_a_token_got_while_the_store_was_away_is_not_given_up_for_the_records_older_one() {
    let mut world = killing(2);
    asks(&mut world, 0, &[0]);
    // p1 starts anew and has never seen the record when the store goes away.
    world.at(9 * M, |world| world.crash(1, Some(S), None));
    break_it(&mut world, 10 * M, 11 * M, Fault::Store);
    asks(&mut world, 1, &[10 * M + 30 * S, 12 * M]);
    asks(&mut world, 0, &[12 * M + S, 13 * M]);
    world.run(H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.dead, world.stats.errors()), (2, 0, 0));
}

#[test]
fn newest_of_two_who_logged_in_while_the_store_was_away_the_later_ones_token_stands() {
    for order in [[0, 1], [1, 0]] {
        let mut world = killing(3);
        break_it(&mut world, 0, 10 * M, Fault::Store);
        asks(&mut world, order[0], &[M]);
        asks(&mut world, order[1], &[2 * M]);
        // One a process, while the store was away; nobody logs in after that.
        for p in 0..3 {
            every(&mut world, p, 11 * M, H, M);
        }
        world.run(H);
        world.assert_kept();
        assert_eq!((logins(&world), world.stats.dead, world.stats.errors()), (2, 0, 0));
    }
}

#[test]
fn newest_a_store_that_fell_back_is_healed_by_who_holds_the_newer_token() {
    let mut world = killing(2);
    asks(&mut world, 0, &[0]);
    let wish = Caller { min_remaining: Some(duration(6 * H)), ..Caller::default() };
    asks_with(&mut world, 0, &[7 * H], &wish);
    // The record has the first token again, which the second one ended.
    world.at(8 * H, |world| world.roll_back(2 * H));
    asks(&mut world, 0, &[8 * H + M]);
    asks(&mut world, 1, &[8 * H + 2 * M]);
    world.run(9 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.dead), (2, 0));
}

#[test]
fn doubted_a_store_that_fell_back_brings_no_token_back_that_this_process_doubted() {
    let mut world = world(Kind::Winkas, 12 * H, 2);
    asks(&mut world, 0, &[0]);
    // p1 has the first token rejected when a sibling has replaced it already, and takes the second.
    let late = Caller { uses_after: 3 * M, ..Caller::default() };
    asks_with(&mut world, 1, &[9 * M], &late);
    end_newest_at(&mut world, 10 * M);
    asks(&mut world, 0, &[11 * M]);
    world.at(20 * M, |world| world.roll_back(10 * M + 30 * S));
    end_newest_at(&mut world, 20 * M);
    asks(&mut world, 1, &[21 * M]);
    world.run(H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.dead), (3, 2));
}

#[test]
fn late_rejection_one_that_is_told_after_an_outage_undoes_no_success_since() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    break_it(&mut world, 0, H, Fault::Store);
    // The user is locked out when p0 tries, and is not when p1 does.
    world.lock_out(10 * M);
    asks(&mut world, 0, &[M, H + 2 * M]);
    asks(&mut world, 1, &[20 * M, H + M, H + 3 * M]);
    world.run(2 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.served, world.stats.errors()), (2, 4, 1));
}

#[test]
fn late_success_one_that_is_told_after_an_outage_closes_no_circuit_that_opened_since() {
    let mut world = world(Kind::Wyn, 10 * M, 2);
    break_it(&mut world, 0, H, Fault::Store);
    asks(&mut world, 1, &[M]);
    // p1's answer is an hour old, and its store calls fail until then, when p0 hears the password
    // rejected.
    world.at(50 * M, |world| {
        world.touch();
        world.provider.passwords = vec!["p1".into()];
    });
    asks(&mut world, 0, &[55 * M, H + 2 * M, H + 10 * M]);
    world.run(2 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.provider.wrong.len()), (2, 1));
}

#[test]
fn file_boot_a_wall_clock_that_is_set_back_lengthens_no_lease_in_the_record() {
    let run = |bug| {
        let mut world = World::launched(Setup { bug, ..setup(Kind::Wyn, H, 1) });
        asks(&mut world, 0, &[100]);
        world.at(10 * M, |world| world.jump(0, -2 * H));
        // It starts anew, and has only the record to go by.
        world.at(11 * M, |world| Happening::Crash { p: 0, down: S, password: None }.happen(world));
        every(&mut world, 0, 12 * M, 3 * H, M);
        world.run(3 * H);
        world
    };
    let world = run(None);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.dead), (4, 0));
    // By the wall clock it would have ended two hours late.
    assert!(run(Some(Bug::WallTimeInRecord)).oracle.knowably_dead() > 0);
}
