//! Each planted bug is found by the oracle: at once by a world that is shaped for it.
//!
//! The bugs live in the simulator's driver, store and callers; the machine has no switch for them.

use tokenlease_sim::{
    Caller, Fault, H, Kind, M, S, Setup, World,
    plan::{Happening, Plan},
    planted::Bug,
};

fn setup(kind: Kind, life: i64, processes: usize) -> Setup {
    Setup { kind, life, processes, ..Setup::default() }
}

fn asks(plan: &mut Plan, p: usize, moments: impl IntoIterator<Item = i64>, caller: &Caller) {
    for t in moments {
        plan.events.push((t, Happening::Ask { p, caller: caller.clone() }));
    }
}

fn every(plan: &mut Plan, p: usize, from: i64, to: i64, step: i64) {
    asks(plan, p, (0..).map(|n| from + n * step).take_while(|t| *t < to), &Caller::default());
}

/// All processes ask at once.
fn herd(kind: Kind, many: usize) -> Plan {
    let mut plan = Plan::new(setup(kind, 12 * H, many), 5 * M);
    for p in 0..many {
        asks(&mut plan, p, [100, 100, 101, 130], &Caller::default());
    }
    plan
}

/// A world in which the bug can do its harm.
#[expect(clippy::too_many_lines, reason = "a world a bug")]
fn shaped(bug: Bug) -> Plan {
    let caller = Caller { wait: 60 * S, ..Caller::default() };
    match bug {
        Bug::LockUnasked | Bug::InsideFromBefore => herd(Kind::Wyn, 4),
        Bug::FailedLookIgnored | Bug::LostSaveIgnored | Bug::OneLossOutage => {
            let mut plan = herd(Kind::Wyn, 4);
            plan.events.push((0, Happening::LoseStoreCalls { percent: 40 }));
            plan
        }
        Bug::EvictionOnFailure => {
            let mut plan = Plan::new(setup(Kind::Wyn, H, 1), 2 * H);
            every(&mut plan, 0, 0, H, 5 * S);
            plan.faults.push((50 * M, 58 * M, Fault::Provider));
            plan
        }
        Bug::NoCompare | Bug::OverwriteOnConflict => {
            // One process writes what it has to tell into the record that it saw, after another has
            // written that a password is wrong: a third asks the provider again.
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 3), 2 * M);
            asks(&mut plan, 1, [100], &caller);
            asks(&mut plan, 0, [5 * S], &Caller::with("bad"));
            plan.events.push((10 * S, Happening::Forget { p: 1 }));
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
        Bug::OneProof | Bug::OneFlight => {
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 1), M);
            asks(&mut plan, 0, [100], &caller);
            asks(&mut plan, 0, [S], &Caller::with("bad"));
            plan
        }
        Bug::WallClockOnly => {
            let mut plan = Plan::new(setup(Kind::Wyn, H, 1), 2 * H);
            every(&mut plan, 0, 0, 2 * H, M);
            plan.events.push((30 * M, Happening::Jump { host: 0, by: -H }));
            // No rejection tells it meanwhile: the caller uses its token much later.
            plan
        }
        Bug::WallTimeInRecord => {
            let walls = vec![0, -30 * M];
            let setup = Setup { walls, hosts: 2, ..setup(Kind::Wyn, H, 1) };
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
            plan.events.push((2 * M, Happening::Revoke { p: 0 }));
            asks(&mut plan, 1, [10 * M], &caller);
            plan
        }
        Bug::RejectionBelieved => {
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 1), H);
            every(&mut plan, 0, 100, H, M);
            plan.events.push((10 * M, Happening::ApiRejects { long: 5 * M }));
            plan
        }
        Bug::AnyTokenRejected => {
            let setup = Setup { mute: true, ..setup(Kind::Wyn, 12 * H, 1) };
            let mut plan = Plan::new(setup, 2 * H);
            let late = Caller { uses_after: H, ..caller.clone() };
            asks(&mut plan, 0, [100], &late);
            plan.events.push((M, Happening::Revoke { p: 0 }));
            asks(&mut plan, 0, [2 * M, H + 2 * M], &caller);
            plan
        }
        Bug::ValidationJoined => {
            let mut plan = Plan::new(setup(Kind::Winkas, 12 * H + 30 * S, 1), 13 * H);
            asks(&mut plan, 0, [0], &caller);
            every(&mut plan, 0, 12 * H + S, 12 * H + M, S);
            plan
        }
        Bug::OldValidationServes => {
            // It comes back by a refetch, after the store had forgotten it.
            let mut plan = Plan::new(setup(Kind::Winkas, 12 * H, 1), 4 * H);
            asks(&mut plan, 0, [100], &caller);
            plan.events.push((M, Happening::Flush));
            plan.events.push((M, Happening::Crash { p: 0, down: S, password: None }));
            every(&mut plan, 0, 2 * M, 2 * H, M);
            plan.events.push((20 * M, Happening::EndNewest));
            plan
        }
        Bug::SilenceTakenForNone => {
            let mut plan = Plan::new(setup(Kind::Winkas, 12 * H, 1), H);
            asks(&mut plan, 0, [100], &caller);
            for n in 1..40 {
                plan.events.push((n * M, Happening::Flush));
                plan.events.push((n * M, Happening::Crash { p: 0, down: S, password: None }));
                asks(&mut plan, 0, [n * M + 2 * S], &caller);
                plan.faults.push((n * M + 2 * S, n * M + 3 * S, Fault::Lossy));
            }
            plan
        }
        Bug::ShortLock => {
            let mut plan = herd(Kind::Wyn, 4);
            plan.faults.push((0, M, Fault::Slow));
            plan
        }
        Bug::HoldNotSaved => {
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 4), 5 * M);
            plan.faults.push((0, M, Fault::Throttle));
            for p in 0..4 {
                let from = 100 + i64::try_from(p).unwrap() * 4 * S;
                every(&mut plan, p, from, 2 * M, 10 * S);
            }
            plan
        }
        Bug::OneLockEpoch => {
            // A first flight fails, and its unlock arrives once more while a second one waits for
            // the provider: a sibling is let in beside it.
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 2), 2 * M);
            plan.faults.push((0, S, Fault::Provider));
            plan.faults.push((0, 5 * S, Fault::Duplicate));
            plan.faults.push((S, 40 * S, Fault::Slow));
            asks(&mut plan, 0, [100, 1200, 2400], &caller);
            asks(&mut plan, 1, [1500, 3000], &caller);
            plan
        }
        Bug::SentAgain => {
            let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 1), M);
            plan.faults.push((0, M, Fault::Unreachable));
            asks(&mut plan, 0, [100], &caller);
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
    let mut plan = shaped(of);
    (plan.setup.bug, plan.setup.seed) = (bug, seed);
    let world: World = plan.run();
    world.oracle.violations.first().map(|violation| violation.what)
}

#[test]
fn each_planted_bug_is_found_in_a_world_shaped_for_it() {
    let mut missed = Vec::new();
    for bug in Bug::ALL {
        let found =
            (0..1_000).find_map(|seed| Some((seed, first_violation(Some(bug), bug, seed)?)));
        match found {
            Some((seed, what)) => println!("{bug:?}: {what} (seed {seed})"),
            None => missed.push(bug),
        }
    }
    assert!(missed.is_empty(), "nobody noticed {missed:?}");
}

#[test]
fn the_same_worlds_without_their_bug_keep_every_promise() {
    for bug in Bug::ALL {
        for seed in 0..40 {
            assert_eq!(first_violation(None, bug, seed), None, "{bug:?}, seed {seed}");
        }
    }
}

#[test]
fn a_driver_that_sends_failed_requests_again_by_itself_is_found_by_the_pace_of_an_entrys_failures()
{
    let found = first_violation(Some(Bug::SentAgain), Bug::SentAgain, 0);
    assert_eq!(found, Some("failed calls are repeated undamped"));
}

#[test]
fn a_hold_that_siblings_are_not_told_is_found_by_the_pace_of_the_fleets_failed_logins() {
    let mut plan = Plan::new(setup(Kind::Wyn, 12 * H, 9), 30 * M);
    plan.faults.push((0, 30 * M, Fault::Provider));
    for p in 0..9 {
        every(&mut plan, p, 100 + i64::try_from(p).unwrap() * S, 30 * M, 10 * S);
    }
    assert_eq!(plan.run().oracle.violations, []);
    plan.setup.bug = Some(Bug::HoldNotSaved);
    let found = plan.run().oracle.violations;
    assert!(found.iter().all(|violation| violation.what.ends_with("undamped by the fleet")));
    assert!(!found.is_empty());
}
