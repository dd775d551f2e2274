//! Tests that the oracle finds each injected bug, in a world that is made for it.
//!
//! The bugs are in the simulated driver, store and callers; the state machine has no switch for them.

use tokenlease_core::lifecycle::OnStoreOutage;
use tokenlease_sim::{
    Caller, Fault, H, Kind, M, Quirk, S, Setup, World,
    bugs::Bug,
    plan::{Plan, PlanEvent},
};

fn setup(kind: Kind, lifetime: i64, processes: usize) -> Setup {
    Setup { kind, lifetime, processes, ..Setup::default() }
}

fn asks(plan: &mut Plan, p: usize, moments: impl IntoIterator<Item = i64>, caller: &Caller) {
    for t in moments {
        plan.events.push((t, PlanEvent::Ask { p, caller: caller.clone() }));
    }
}

fn every(plan: &mut Plan, p: usize, from: i64, to: i64, step: i64) {
    asks(plan, p, (0..).map(|n| from + n * step).take_while(|t| *t < to), &Caller::default());
}

/// Returns a plan in which all processes ask at once.
fn all_ask_at_once(kind: Kind, many: usize) -> Plan {
    let mut plan = Plan::new(setup(kind, 12 * H, many), 5 * M);
    for p in 0..many {
        asks(&mut plan, p, [100, 100, 101, 130], &Caller::default());
    }
    plan
}

/// Returns a plan in which thirty processes ask a provider with a quirk every ten seconds.
fn quirk(quirk: Quirk, lifetime: i64) -> Plan {
    let setup = Setup { quirk: Some(quirk), ..setup(Kind::Wyn, lifetime, 30) };
    let mut plan = Plan::new(setup, 10 * M);
    for p in 0..30 {
        every(&mut plan, p, 100, 10 * M, 10 * S);
    }
    plan
}

/// Returns a plan in which the bug violates an invariant.
#[expect(clippy::too_many_lines, reason = "one plan for each bug")]
fn plan_for(bug: Bug) -> Plan {
    let caller = Caller { timeout: 60 * S, ..Caller::default() };
    match bug {
        Bug::LockWithoutStore | Bug::StaleReadInsideLock | Bug::WrongCause => {
            all_ask_at_once(Kind::Wyn, 4)
        }
        Bug::LostSaveIgnored => {
            // The token of process 0 is not saved. Then process 1 asks for one.
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 2), 5 * M);
            asks(&mut plan, 0, [100], &caller);
            plan.events.push((0, PlanEvent::LoseStoreCalls { percent: 40 }));
            plan.events.push((2 * S, PlanEvent::LoseStoreCalls { percent: 0 }));
            asks(&mut plan, 1, [M], &caller);
            plan
        }
        Bug::FailedReadIgnored | Bug::OneLossOutage => {
            let mut plan = all_ask_at_once(Kind::Wyn, 4);
            plan.events.push((0, PlanEvent::LoseStoreCalls { percent: 40 }));
            plan
        }
        Bug::StoreRejectionMeansOutage => {
            let mut setup = setup(Kind::Wyn, 12 * H, 1);
            setup.policy.on_store_outage = Some(OnStoreOutage::LoginWithinBudget);
            let mut plan = Plan::new(setup, 10 * M);
            plan.faults.push((0, 5 * M, Fault::StoreRejects));
            every(&mut plan, 0, 100, 10 * M, 10 * S);
            plan
        }
        Bug::EvictionOnFailure => {
            let mut plan = Plan::new(setup(Kind::Wyn, H, 1), 2 * H);
            every(&mut plan, 0, 0, H, 5 * S);
            plan.faults.push((50 * M, 58 * M, Fault::Provider));
            plan
        }
        Bug::NoCompare | Bug::OverwriteOnConflict => {
            // Process 1 saves a change into the record that it read before process 0 saved a rejection.
            // Then process 2 sends the rejected password again.
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 3), 2 * M);
            asks(&mut plan, 1, [100], &caller);
            asks(&mut plan, 0, [5 * S], &Caller::with("bad"));
            plan.events.push((10 * S, PlanEvent::Forget { p: 1 }));
            asks(&mut plan, 2, [M], &Caller::with("bad"));
            plan
        }
        Bug::CredentialsRetried | Bug::CircuitNotSaved => {
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 3), 30 * M);
            for p in 0..3_usize {
                let from = M + i64::try_from(p).unwrap() * 7 * S;
                let moments = (0..25).map(|n| from + n * M);
                asks(&mut plan, p, moments, &Caller::with("bad"));
            }
            plan
        }
        Bug::OneCredentialsFingerprint | Bug::OneFlight => {
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 1), M);
            asks(&mut plan, 0, [100], &caller);
            asks(&mut plan, 0, [S], &Caller::with("bad"));
            plan
        }
        Bug::WallClockOnly => {
            let mut plan = Plan::new(setup(Kind::Wyn, H, 1), 2 * H);
            every(&mut plan, 0, 0, 2 * H, M);
            plan.events.push((30 * M, PlanEvent::JumpWallClock { host: 0, by: -H }));
            // The oracle finds the expired token before an API rejects it.
            plan
        }
        Bug::WallClockIgnored => {
            let mut plan = Plan::new(setup(Kind::Wyn, H, 1), 4 * H);
            asks(&mut plan, 0, [100, 2 * H + 30 * M], &caller);
            plan.events.push((M, PlanEvent::FreezeHost { host: 0, length: 2 * H }));
            plan
        }
        Bug::WallTimeInRecord => {
            let wall_offsets = vec![0, -30 * M];
            let setup = Setup { wall_offsets, hosts: 2, ..setup(Kind::Wyn, H, 1) };
            let mut plan = Plan::new(setup, 2 * H);
            asks(&mut plan, 1, [100], &caller);
            every(&mut plan, 0, M, 2 * H, M);
            plan
        }
        Bug::StoreOnlyWhenEmpty => {
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 2), H);
            for p in 0..2 {
                asks(&mut plan, p, [100, M], &caller);
            }
            plan.events.push((2 * M, PlanEvent::Revoke { p: 0 }));
            asks(&mut plan, 1, [10 * M], &caller);
            plan
        }
        Bug::RejectionNotValidated => {
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 1), H);
            every(&mut plan, 0, 100, H, M);
            plan.events.push((10 * M, PlanEvent::ApiRejects { length: 5 * M }));
            plan
        }
        Bug::WrongTokenRejected => {
            let setup = Setup { without_validation: true, ..setup(Kind::Wyn, 12 * H, 1) };
            let mut plan = Plan::new(setup, 2 * H);
            let late = Caller { use_delay: H, ..caller.clone() };
            asks(&mut plan, 0, [100], &late);
            plan.events.push((M, PlanEvent::Revoke { p: 0 }));
            asks(&mut plan, 0, [2 * M, H + 2 * M], &caller);
            plan
        }
        Bug::OldValidationJoined => {
            let mut plan = Plan::new(setup(Kind::Winkas, 12 * H + 30 * S, 1), 13 * H);
            asks(&mut plan, 0, [0], &caller);
            every(&mut plan, 0, 12 * H + S, 12 * H + M, S);
            plan
        }
        Bug::OldValidationServes => {
            // A refetch returns the token after the store has lost it.
            let mut plan = Plan::new(setup(Kind::Winkas, 12 * H, 1), 4 * H);
            asks(&mut plan, 0, [100], &caller);
            plan.events.push((M, PlanEvent::Flush));
            plan.events.push((M, PlanEvent::Crash { p: 0, down: S, password: None }));
            every(&mut plan, 0, 2 * M, 2 * H, M);
            plan.events.push((20 * M, PlanEvent::EndNewestToken));
            plan
        }
        Bug::FailedRefetchMeansNoToken => {
            let mut plan = Plan::new(setup(Kind::Winkas, 12 * H, 1), H);
            asks(&mut plan, 0, [100], &caller);
            for n in 1..40 {
                plan.events.push((n * M, PlanEvent::Flush));
                plan.events.push((n * M, PlanEvent::Crash { p: 0, down: S, password: None }));
                asks(&mut plan, 0, [n * M + 2 * S], &caller);
                plan.faults.push((n * M + 2 * S, n * M + 3 * S, Fault::Lossy));
            }
            plan
        }
        Bug::ShortLock => {
            let mut plan = all_ask_at_once(Kind::Wyn, 4);
            plan.faults.push((0, M, Fault::Slow));
            plan
        }
        Bug::BackoffNotSaved => {
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 4), 5 * M);
            plan.faults.push((0, M, Fault::Throttle));
            for p in 0..4 {
                let from = 100 + i64::try_from(p).unwrap() * 4 * S;
                every(&mut plan, p, from, 2 * M, 10 * S);
            }
            plan
        }
        Bug::OneLockEpoch => {
            // A first flight fails. Its duplicated unlock arrives while a second flight waits for the
            // provider, and releases the lock for another process.
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 2), 2 * M);
            plan.faults.push((0, S, Fault::Provider));
            plan.faults.push((0, 5 * S, Fault::Duplicate));
            plan.faults.push((S, 40 * S, Fault::Slow));
            asks(&mut plan, 0, [100, 1200, 2400], &caller);
            asks(&mut plan, 1, [1500, 3000], &caller);
            plan
        }
        Bug::ResentByDriver => {
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 1), M);
            plan.faults.push((0, M, Fault::Unreachable));
            asks(&mut plan, 0, [100], &caller);
            plan
        }
        Bug::LeasePerTicket => {
            let setup = Setup { subject: true, ..setup(Kind::Wyn, 12 * H, 2) };
            let mut plan = Plan::new(setup, H);
            asks(&mut plan, 0, [100], &caller);
            asks(&mut plan, 1, [M], &caller);
            plan
        }
        Bug::SpentLoginNotSaved => quirk(Quirk::ExpiredOnArrival, 1),
        Bug::CutOffMeansNotSent => quirk(Quirk::CutOff, H),
        Bug::RunningTokenMeansNew => quirk(Quirk::RunningToken, M),
        Bug::RefusedMeansInactive => {
            let quirk = Some(Quirk::ValidationRefused);
            let mut plan = Plan::new(Setup { quirk, ..setup(Kind::Wyn, 12 * H, 1) }, H);
            every(&mut plan, 0, 100, H, M);
            plan.events.push((20 * M, PlanEvent::ApiRejects { length: 5 * M }));
            plan
        }
        Bug::EntryBackoffNotSaved => {
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 4), 2 * H);
            plan.faults.push((0, 90 * M, Fault::Config));
            for p in 0..4 {
                let from = 100 + i64::try_from(p).unwrap() * 4 * S;
                every(&mut plan, p, from, 2 * H, M);
            }
            plan
        }
        Bug::LateAnswerDropped => {
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 1), H);
            plan.faults.push((0, 5 * M, Fault::Slow));
            asks(&mut plan, 0, (0..40).map(|n| 100 + n * 10 * S), &caller);
            plan
        }
    }
}

fn first_violation(bug: Option<Bug>, of: Bug, seed: u64) -> Option<&'static str> {
    let mut plan = plan_for(of);
    (plan.setup.bug, plan.setup.seed) = (bug, seed);
    let world: World = plan.run();
    world.oracle.violations.first().map(|violation| violation.what)
}

#[test]
fn the_oracle_finds_each_injected_bug() {
    let mut missed = Vec::new();
    for bug in Bug::ALL {
        let found =
            (0..1_000).find_map(|seed| Some((seed, first_violation(Some(bug), bug, seed)?)));
        match found {
            Some((seed, what)) => println!("{bug:?}: {what} (seed {seed})"),
            None => missed.push(bug),
        }
    }
    assert!(missed.is_empty(), "the oracle did not find {missed:?}");
}

#[test]
fn the_same_worlds_without_their_bug_violate_no_invariant() {
    for bug in Bug::ALL {
        for seed in 0..40 {
            assert_eq!(first_violation(None, bug, seed), None, "{bug:?}, seed {seed}");
        }
    }
}

/// Rule: Backoff: failed calls of an entry are not repeated without backoff.
#[test]
fn the_limit_of_an_entry_finds_a_driver_that_resends_failed_requests() {
    let found = first_violation(Some(Bug::ResentByDriver), Bug::ResentByDriver, 0);
    assert_eq!(found, Some("failed calls are repeated without backoff"));
}

/// Rule: Backoff: failed logins of a fleet are not repeated without backoff.
#[test]
fn the_limit_of_the_fleet_finds_a_backoff_that_is_not_saved() {
    let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 9), 30 * M);
    plan.faults.push((0, 30 * M, Fault::Provider));
    for p in 0..9 {
        every(&mut plan, p, 100 + i64::try_from(p).unwrap() * S, 30 * M, 10 * S);
    }
    assert_eq!(plan.run().oracle.violations, []);
    plan.setup.bug = Some(Bug::BackoffNotSaved);
    let found = plan.run().oracle.violations;
    assert!(found.iter().all(|violation| violation.what.ends_with("without backoff by the fleet")));
    assert!(!found.is_empty());
}
