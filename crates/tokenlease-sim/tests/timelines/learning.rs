//! Tokens without a stated expiry: when they are validated, and how their lifetime is learned.

use tokenlease_sim::{Fault, H, Kind, M, S, World};

use crate::{add_fault, asks, every, logins, setup, world};

fn learned_hours(world: &World) -> f64 {
    world.store.inspect().learned.map_or(0.0, |age| age.as_secs_f64() / 3600.0)
}

/// Runs lifetimes in hours, each a number of times. Returns the logins, inactive tokens served and
/// validations of each.
fn lives(plan: &[(i64, i64)], step: i64) -> (Vec<(u32, u64, u32)>, World) {
    let mut world = world(Kind::Winkas, plan[0].0 * H, 4);
    world.mark_faulty();
    let mut rows = Vec::new();
    for (lifetime, many) in plan {
        world.provider.lifetime = lifetime * H;
        let (a, before) = (world.now, (world.provider.calls, world.stats.inactive_served));
        let end = a + lifetime * many * H - 5 * M;
        for p in 0..4_usize {
            every(&mut world, p, a + 5 * S * i64::try_from(p).unwrap(), end, step);
        }
        world.run(end);
        let calls = world.provider.calls;
        rows.push((
            calls.login - before.0.login,
            world.stats.inactive_served - before.1,
            calls.validate - before.0.validate,
        ));
    }
    world.assert_no_violation();
    (rows, world)
}

/// Rule: Expiry: a validation before the assumed expiry does not count after it.
///
/// A process asks every 0.7 s around the assumed expiry, which is the real one.
#[test]
fn a_validation_before_the_assumed_expiry_does_not_count_after_it() {
    let mut world = world(Kind::Winkas, 12 * H, 2);
    add_fault(&mut world, 0, 400, Fault::Slow);
    asks(&mut world, 0, &[0]);
    every(&mut world, 0, 12 * H - 70 * S, 12 * H + 60 * S, 700);
    world.run(13 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), learned_hours(&world)), (2, 0.0));
}

/// Rule: Expiry: a longer lifetime is learned from the ages at which tokens were active, and
/// shared with all processes.
///
/// Tokens live for 14 hours, and the default is 12. Process 0 learns the lifetime, and process 1
/// uses it.
#[test]
fn a_lifetime_of_14_hours_is_learned_as_14_hours() {
    let mut world = world(Kind::Winkas, 14 * H, 2);
    every(&mut world, 0, 0, 16 * H, 10 * S);
    world.run(30 * H);
    every(&mut world, 1, 30 * H, 44 * H, M);
    world.run(60 * H);
    world.assert_no_violation();
    let learned = learned_hours(&world);
    assert!((13.8..=14.0).contains(&learned), "{learned}");
    assert!(world.stats.inactive_served <= 1 && world.provider.calls.validate < 60);
    assert_eq!(logins(&world), 3);
}

/// Rule: Expiry: a shorter lifetime is learned from a token that ended early, at the cost of one
/// inactive token for each process.
///
/// The lifetime shrinks from 24 to 12 hours, with four processes.
#[test]
fn a_lifetime_that_shrinks_costs_each_process_one_inactive_token_once() {
    let mut world = world(Kind::Winkas, 24 * H, 4);
    world.at(23 * H, |world| world.provider.lifetime = 12 * H);
    for p in 0..4 {
        every(&mut world, p, 0, 24 * H - S, 10 * M);
        every(&mut world, p, 24 * H - M, 90 * H, M);
    }
    world.run(90 * H);
    world.assert_no_violation();
    // One token of 24 hours, then six of 12.
    assert_eq!(logins(&world), 7);
    assert!(world.stats.inactive_served <= 4, "{}", world.stats.inactive_served);
}

/// Rule: Refetch: a refetch that returns the token confirms it, also past its assumed expiry.
///
/// Tokens live for 24 hours. The validation fails around the assumed expiry of 12 hours.
#[test]
fn a_token_past_its_assumed_expiry_is_confirmed_by_refetch() {
    let mut world = world(Kind::Winkas, 24 * H, 2);
    add_fault(&mut world, 11 * H + 48 * M, 12 * H + 30 * M, Fault::Validate);
    every(&mut world, 0, 0, 20 * H, 10 * M);
    world.run(20 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.errors()), (1, 0));
}

/// Rule: Refetch: a failed refetch does not mean that there is no token.
///
/// The store loses its data and the process restarts, while refetches fail for three seconds.
#[test]
fn a_failed_refetch_does_not_mean_that_there_is_no_token() {
    let mut world = world(Kind::Winkas, 12 * H, 1);
    asks(&mut world, 0, &[0]);
    world.at(H, |world| {
        world.flush();
        world.crash(0, Some(S), None);
    });
    add_fault(&mut world, H, H + 3 * S, Fault::Refetch);
    asks(&mut world, 0, &[H + 1500]);
    world.run(2 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.served), (1, 2));
}

/// Rule: Validation: a caller never gets the result of a validation that was sent before its call,
/// if it needs its own one.
///
/// A process asks every 13 ms around the assumed expiry.
#[test]
fn a_caller_is_not_answered_by_a_validation_that_was_sent_before_its_call() {
    let mut world = world(Kind::Winkas, 12 * H, 1);
    asks(&mut world, 0, &[0]);
    every(&mut world, 0, 12 * H - 2 * S, 12 * H + 2 * S, 13);
    world.run(13 * H);
    world.assert_no_violation();
    assert_eq!(logins(&world), 2);
    assert!(world.stats.inactive_served <= 1, "{}", world.stats.inactive_served);
}

/// Rule: Rejection: an active validation after a rejection does not count past the assumed expiry,
/// if it was sent before.
#[test]
fn a_rejection_just_before_the_assumed_expiry_serves_no_inactive_token_after_it() {
    let mut inactive = 0;
    for seed in 0..40 {
        let mut world =
            World::launched(tokenlease_sim::Setup { seed, ..setup(Kind::Winkas, 12 * H, 1) });
        asks(&mut world, 0, &[0]);
        // An API rejects the token just before its assumed expiry. The active validation was sent before
        // that, for callers that asked even earlier.
        crate::api_rejects(&mut world, 12 * H - 60, 12 * H);
        let caller = tokenlease_sim::Caller { replay: false, ..Default::default() };
        world.ask_every(0, 12 * H - 2 * S, 12 * H + 2 * S, 13, &caller);
        world.run(13 * H);
        world.assert_no_violation();
        assert_eq!(logins(&world), 2, "{seed}");
        inactive += world.stats.inactive_served;
    }
    // No process can know that a token ended while its validation was in transit.
    assert!(inactive <= 40, "{inactive}");
}

/// Rule: Expiry: the age from which a token is validated is stored in its lease, so that a first
/// longer lifetime costs few validations.
///
/// Tokens live for 24 hours, four times, and then for 14 hours, four times.
#[test]
fn the_age_of_the_first_validation_is_stored_in_the_lease() {
    let (rows, world) = lives(&[(24, 4), (14, 4)], 20 * S);
    assert_eq!((rows[0].0, rows[1].0), (4, 4));
    assert!(rows[0].1 == 0 && rows[0].2 < 200, "{rows:?}");
    assert!(rows[1].1 <= 8 && rows[1].2 < 150, "{rows:?}");
    assert!((13.8..=14.0).contains(&learned_hours(&world)));
}

/// Rule: Expiry: a lifetime below the default is learned and kept.
///
/// Tokens live for six hours, eight times. The default is 12 hours.
#[test]
fn a_lifetime_below_the_default_is_learned_and_kept() {
    let (rows, world) = lives(&[(6, 8)], 20 * S);
    assert_eq!(rows[0].0, 8);
    assert!(rows[0].1 <= 8, "{rows:?}");
    assert!((5.9..6.0).contains(&learned_hours(&world)), "{}", learned_hours(&world));
}

/// Rule: Expiry: the minute in which each answer needs its own validation includes the real
/// expiry, also after it was learned.
///
/// Tokens live for six hours, ten times, and then for ten hours, ten times.
#[test]
fn the_minute_of_strict_validation_includes_the_real_expiry() {
    let (rows, _) = lives(&[(6, 10), (10, 10)], 20 * S);
    assert_eq!((rows[0].0, rows[1].0), (10, 10));
    assert!(rows[0].1 <= 8 && rows[1].1 <= 14, "{rows:?}");
}

/// Rule: Logins: a provider whose lifetime changes costs one login in each lifetime.
///
/// Nine lifetimes between one hour and 24 hours follow each other.
#[test]
fn changing_lifetimes_cost_one_login_a_lifetime() {
    let plan = [(12, 2), (6, 6), (1, 8), (10, 4), (14, 4), (24, 3), (12, 4), (24, 2), (6, 5)];
    let (rows, _) = lives(&plan, 20 * S);
    for (row, (lifetime, many)) in rows.iter().zip(plan) {
        assert_eq!(i64::from(row.0), many, "{lifetime} h: {rows:?}");
        assert!(row.1 <= 8, "{lifetime} h: {rows:?}");
    }
}

/// Rule: Expiry: callers that ask only every three hours are served few inactive tokens.
///
/// Tokens live for six hours, 40 times, and then for 24 hours, four times.
#[test]
fn rare_callers_are_served_few_inactive_tokens() {
    let (rows, _) = lives(&[(6, 40), (24, 4)], 3 * H);
    assert!(rows[0].0 <= 40 && rows[0].1 <= 4, "{rows:?}");
    assert!(rows[1].0 <= 4 && rows[1].1 == 0, "{rows:?}");
}

/// Rule: Login: if the provider can't be reached at all, no login is sent, and a token past its
/// assumed expiry is not served.
///
/// The provider is unreachable for an hour after the assumed expiry. The token is served again
/// after it.
#[test]
fn an_unreachable_provider_past_the_assumed_expiry_is_an_error_and_no_login() {
    let mut world = world(Kind::Winkas, 24 * H, 1);
    asks(&mut world, 0, &[0]);
    add_fault(&mut world, 12 * H, 13 * H, Fault::Unreachable);
    every(&mut world, 0, 12 * H + M, 13 * H - M, M);
    world.run(13 * H);
    assert_eq!((logins(&world), world.stats.served), (1, 1));
    asks(&mut world, 0, &[13 * H + M]);
    world.run(14 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.served), (1, 2));
}

/// Rule: Expiry: an agreed lifetime in the configuration replaces the default of 12 hours.
///
/// Tokens live for six hours, as agreed, for 60 hours in four processes.
#[test]
fn an_agreed_lifetime_replaces_the_default() {
    let mut setup = setup(Kind::Winkas, 6 * H, 4);
    setup.policy.agreed_lifetime = Some(std::time::Duration::from_secs(6 * 3600));
    let mut world = World::launched(setup);
    for p in 0..4 {
        every(&mut world, p, 0, 60 * H - 5 * M, 20 * S);
    }
    world.run(60 * H);
    world.assert_no_violation();
    assert_eq!(logins(&world), 10);
    assert!(world.stats.inactive_served <= 4, "{}", world.stats.inactive_served);
}
