//! Store outages.

use tokenlease_core::{
    ErrorKind,
    lifecycle::{Event, OnStoreOutage, Policy},
};
use tokenlease_sim::{Fault, H, Kind, M, S, World};

use crate::{add_fault, asks, every, logins, setup, world, world_with_budget};

/// Rule: Outage: changes during a store outage are saved when it ends.
///
/// A store outage begins while process 0 logs in. After it, eight more processes use the token.
#[test]
fn a_token_from_a_store_outage_is_saved_when_the_store_is_available() {
    let mut world = world(Kind::Wyn, H, 9);
    asks(&mut world, 0, &[100]);
    add_fault(&mut world, 140, 60 * S, Fault::Store);
    every(&mut world, 0, M, 2 * M, 20 * S);
    for p in 0..9 {
        every(&mut world, p, 2 * M, 50 * M, 5 * M);
    }
    world.run(50 * M);
    world.assert_no_violation();
    assert_eq!(logins(&world), 1);
}

/// Rule: Outage: with the policy `login-within-budget` each process logs in once in a token's lifetime
/// at most during a store outage.
#[test]
fn a_store_outage_costs_one_login_a_process_at_most() {
    let mut world = world_with_budget(Kind::Wyn, H, 3);
    add_fault(&mut world, 0, 30 * M, Fault::Store);
    for p in 0..3 {
        every(&mut world, p, 100, 30 * M, 20 * S);
    }
    world.run(30 * M);
    world.assert_no_violation();
    assert_eq!(logins(&world), 3);
}

/// Rule: Outage: by default no login is sent during a store outage, and callers get the store's error.
///
/// A job starts every two minutes, and a token lives for ten years.
#[test]
fn by_default_no_login_is_sent_during_a_store_outage() {
    let mut world = world(Kind::Wyn, 10 * 365 * 24 * H, 1);
    add_fault(&mut world, 0, 30 * M, Fault::Store);
    for n in 0..10 {
        asks(&mut world, 0, &[n * 2 * M + 100]);
        world.at(n * 2 * M + 100 + M, |world| world.crash(0, Some(S), None));
    }
    world.run(30 * M);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.served), (0, 0));
    assert_eq!(world.stats.errors.get(&ErrorKind::Store), Some(&10));
    asks(&mut world, 0, &[31 * M]);
    world.run(32 * M);
    assert_eq!((logins(&world), world.stats.served), (1, 1));
}

/// Rule: Outage: during a store outage a process refetches at WinKAS and does not log in.
#[test]
fn winkas_gets_no_login_during_a_store_outage() {
    let mut world = world(Kind::Winkas, 12 * H, 2);
    asks(&mut world, 0, &[0]);
    add_fault(&mut world, H, 2 * H, Fault::Store);
    // A process restarts and refetches the running token. Then that ends, and no login follows.
    world.at(H + M, |world| world.crash(0, Some(S), None));
    every(&mut world, 0, H + 2 * M, H + 10 * M, M);
    world.run(H + 10 * M);
    assert_eq!((logins(&world), world.stats.errors()), (1, 0));
    crate::end_newest_at(&mut world, H + 10 * M);
    every(&mut world, 0, H + 10 * M + S, H + 50 * M, M);
    world.run(H + 50 * M);
    world.assert_no_violation();
    assert_eq!(logins(&world), 1);
    every(&mut world, 0, 2 * H + M, 2 * H + 5 * M, M);
    world.run(3 * H);
    assert_eq!(logins(&world), 2);
}

/// Rule: Outage: the policy for a store outage is to fail, to refetch only, or to log in within a
/// budget.
#[test]
fn the_policy_may_forbid_refetches_and_logins_during_a_store_outage() {
    for kind in [Kind::Wyn, Kind::Winkas] {
        let mut setup = setup(kind, H, 1);
        setup.policy = Policy { on_store_outage: Some(OnStoreOutage::Fail), ..Policy::default() };
        let mut world = World::launched(setup);
        // WinKAS has an active token, which a refetch would return.
        world.other_login();
        add_fault(&mut world, 0, 30 * M, Fault::Store);
        every(&mut world, 0, 100, 20 * M, M);
        world.run(40 * M);
        assert_eq!((logins(&world), world.stats.served), (0, 0), "{kind:?}");
        assert_eq!(world.provider.calls.refetch, 0, "{kind:?}");
    }
}

/// Rule: Revocation: a revocation during a store outage is sent at once, and saved for the other
/// processes when the outage ends.
#[test]
fn a_revocation_during_a_store_outage_is_saved_when_it_ends() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    asks(&mut world, 0, &[0, 2 * H]);
    asks(&mut world, 1, &[S]);
    add_fault(&mut world, H, H + 10 * M, Fault::Store);
    world.at(H + M, |world| world.revoke(0));
    asks(&mut world, 1, &[2 * H + M]);
    world.run(3 * H);
    world.assert_no_violation();
    assert_eq!((world.provider.calls.revoke, world.stats.inactive_served), (1, 0));
}

/// Rule: Revocation: a token that is forgotten during a store outage is adopted by no process
/// after it.
#[test]
fn a_token_forgotten_during_a_store_outage_is_adopted_by_no_process_after_it() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    asks(&mut world, 0, &[0]);
    add_fault(&mut world, H, H + 10 * M, Fault::Store);
    world.at(H + M, |world| world.forget(0));
    world.run(H + 11 * M);
    // The process saves its change without a call.
    assert!(world.store.inspect().leases.is_empty());
    asks(&mut world, 1, &[2 * H]);
    world.run(3 * H);
    world.assert_no_violation();
    assert_eq!(logins(&world), 2);
}

/// Rule: Outage: an outage is three consecutive failed calls and lasts until one succeeds; a
/// process with unsaved changes tries the store once in five seconds.
///
/// A process forgets its token during a store outage of an hour, and nobody asks.
#[test]
fn an_unavailable_store_is_tried_once_in_five_seconds() {
    let mut world = world(Kind::Wyn, 12 * H, 1);
    world.log = Some(Vec::new());
    asks(&mut world, 0, &[0]);
    add_fault(&mut world, H, 2 * H, Fault::Store);
    world.at(H + M, |world| world.forget(0));
    world.run(2 * H + M);
    world.assert_no_violation();
    let log = world.log.iter().flatten();
    let calls = log.filter(|line| line.contains("the store is down")).count();
    assert!((690..=59 * 60 / 5 + 3).contains(&calls), "{calls}");
    assert!(world.store.inspect().leases.is_empty(), "the change is saved after the outage");
}

/// Rule: Outage: a login in a store outage whose answer is lost also uses the budget.
#[test]
fn a_login_in_a_store_outage_whose_answer_is_lost_is_not_repeated() {
    let mut world = world_with_budget(Kind::Wyn, H, 1);
    add_fault(&mut world, 0, 30 * M, Fault::Store);
    world.lost_login_answers = 9;
    every(&mut world, 0, 100, 20 * M, 20 * S);
    world.run(20 * M);
    assert_eq!((logins(&world), world.stats.served), (1, 0));
}

/// Rule: Outage: a login before a store outage does not use the budget of the outage.
///
/// A process logs in, the store fails, and the token ends early.
#[test]
fn a_login_before_a_store_outage_does_not_use_its_budget() {
    let mut world = world_with_budget(Kind::Wyn, H, 1);
    asks(&mut world, 0, &[0]);
    add_fault(&mut world, 10 * M, 50 * M, Fault::Store);
    crate::end_newest_at(&mut world, 20 * M);
    every(&mut world, 0, 15 * M, 40 * M, 20 * S);
    world.run(40 * M);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.errors()), (2, 0));
}

/// Rule: Outage: while the store rejects calls, processes that start send nothing under any policy; a
/// process with a token serves it.
///
/// A job without a token starts every two minutes, for an hour.
#[test]
fn nothing_is_sent_while_the_store_rejects_calls_under_any_policy() {
    let budget = Some(OnStoreOutage::LoginWithinBudget);
    for fault in [Fault::StoreRejects, Fault::StoreFull] {
        for (kind, policy) in [
            (Kind::Wyn, None),
            (Kind::Wyn, budget),
            (Kind::Winkas, None),
            (Kind::Winkas, budget),
            (Kind::Winkas, Some(OnStoreOutage::Fail)),
        ] {
            let mut setup = setup(kind, 12 * H, 2);
            setup.policy.on_store_outage = policy;
            let mut world = World::launched(setup);
            asks(&mut world, 0, &[0]);
            // The record is lost, so that only process 0 has the token.
            world.at(M, World::flush);
            add_fault(&mut world, M + 1, H, fault);
            every(&mut world, 0, 2 * M, H, M);
            for n in 1..29 {
                asks(&mut world, 1, &[n * 2 * M]);
                world.at(n * 2 * M + M, |world| world.crash(1, Some(S), None));
            }
            world.run(H - M);
            world.assert_no_violation();
            let what = format!("{fault:?} {kind:?} {policy:?}");
            // The first process refetches once at WinKAS before it logs in.
            assert_eq!(logins(&world), 1, "{what}");
            assert_eq!(world.provider.calls.refetch, u32::from(kind == Kind::Winkas), "{what}");
            assert_eq!(world.stats.errors.get(&ErrorKind::Store), Some(&28), "{what}");
            assert_eq!(world.stats.errors(), 28, "{what}");
            let events = &world.processes[0].events;
            assert!(events.contains(&Event::StoreRejected), "{what}");
            assert!(!events.contains(&Event::StoreUnavailable), "{what}");
            asks(&mut world, 1, &[H + M]);
            world.run(H + 2 * M);
            assert_eq!(world.stats.errors(), 28, "{what}");
        }
    }
}
