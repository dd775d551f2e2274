//! Tokens that an API rejects.

use tokenlease_sim::{Fault, H, Kind, M, S, World};

use crate::{add_fault, api_rejects, asks, end_newest_at, every, logins, setup, world};

/// Rule: Rejection: a rejected token is suspected until a validation that is sent afterwards; an
/// active validation keeps it.
///
/// APIs reject an active token for 20 minutes.
#[test]
fn a_permission_error_costs_validations_and_no_login() {
    let mut world = world(Kind::Winkas, 12 * H, 2);
    every(&mut world, 0, 0, H, 20 * S);
    api_rejects(&mut world, 10 * M, 30 * M);
    world.run(2 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.errors()), (1, 0));
    assert!(world.provider.calls.validate <= 60, "{}", world.provider.calls.validate);
}

/// Rule: Rejection: a rejection within a minute of an active validation is answered with "still
/// active", so that the caller does not repeat its call.
///
/// APIs reject an active token for 20 minutes. One rejection in a minute is repeated.
#[test]
fn a_rejection_within_a_minute_of_an_active_validation_is_not_repeated() {
    let mut world = world(Kind::Winkas, 12 * H, 1);
    every(&mut world, 0, 0, H, 20 * S);
    api_rejects(&mut world, 10 * M, 30 * M);
    world.run(2 * H);
    // One rejection in a minute is repeated; the repetition and two more rejections are not.
    assert!(world.stats.still_active >= 40, "{}", world.stats.still_active);
}

/// Rule: Rejection: rejections of an active token cost validations in each process and no login.
///
/// APIs reject an active token for 20 minutes in four processes.
#[test]
fn four_processes_with_rejections_for_20_minutes_send_no_login() {
    let mut world = world(Kind::Winkas, 12 * H, 4);
    for p in 0..4 {
        every(&mut world, p, i64::try_from(p).unwrap(), H, 20 * S);
    }
    api_rejects(&mut world, 10 * M, 30 * M);
    world.run(2 * H);
    world.assert_no_violation();
    assert_eq!(logins(&world), 1);
    assert!(world.provider.calls.validate <= 240, "{}", world.provider.calls.validate);
}

/// Rule: Rejection: a further rejection within a minute of an active validation is validated
/// again, and only an inactive validation counts.
///
/// An API rejects an active token, which a validation confirms. Ten seconds later the token ends.
#[test]
fn a_token_that_ends_right_after_an_active_validation_is_found_inactive_within_seconds() {
    let mut world = world(Kind::Winkas, 12 * H, 1);
    every(&mut world, 0, 0, 70 * M, 2 * S);
    api_rejects(&mut world, H - S, H + S);
    end_newest_at(&mut world, H + 10 * S);
    world.run(70 * M);
    world.assert_no_violation();
    assert_eq!(logins(&world), 2);
    assert!(world.stats.inactive_served <= 4, "{}", world.stats.inactive_served);
}

/// Rule: Rejection: a rejection counts from when it was made, however late it is saved; a refetch
/// that is sent after it clears it once.
///
/// In 20 worlds four processes have a token rejected at once, while validations fail and the
/// provider is slow.
#[test]
fn a_rejection_counts_from_when_it_was_made_however_late_it_is_saved() {
    let mut many = 0;
    for seed in 0..20 {
        let mut world =
            World::launched(tokenlease_sim::Setup { seed, ..setup(Kind::Winkas, 12 * H, 4) });
        add_fault(&mut world, H - S, H + 30 * S, Fault::Validate);
        add_fault(&mut world, H - S, H + 30 * S, Fault::Slow);
        for p in 0..4 {
            asks(&mut world, p, &[0, H + 10]);
        }
        api_rejects(&mut world, H, H + 100);
        world.run(2 * H);
        world.assert_no_violation();
        many += logins(&world);
    }
    assert!(many <= 23, "{many}");
}

/// Rule: Backoff: logins that rejections without a validation cause back off: at once, then after
/// 1, 2, 4 … 60 minutes.
///
/// A provider without validation; APIs reject active tokens for three hours in two processes.
#[test]
fn logins_after_rejections_without_a_validation_back_off() {
    let mut setup = setup(Kind::Wyn, 12 * H, 2);
    setup.without_validation = true;
    let mut world = World::launched(setup);
    for p in 0..2 {
        every(&mut world, p, i64::try_from(p).unwrap(), 5 * H, 20 * S);
    }
    api_rejects(&mut world, H, 4 * H);
    world.run(5 * H);
    world.assert_no_violation();
    assert!(logins(&world) <= 10, "{}", logins(&world));
}

/// Rule: Backoff: the login backoff restarts two hours after its last login.
///
/// A provider without validation; APIs reject active tokens for three hours. A day later two
/// tokens end early.
#[test]
fn the_login_backoff_restarts_after_two_hours() {
    let mut setup = setup(Kind::Wyn, H, 2);
    setup.without_validation = true;
    let mut world = World::launched(setup);
    for p in 0..2 {
        every(&mut world, p, i64::try_from(p).unwrap(), 30 * H, 20 * S);
    }
    api_rejects(&mut world, H, 4 * H);
    world.run(24 * H);
    let before = world.stats.errors();
    end_newest_at(&mut world, 24 * H + 20 * M);
    end_newest_at(&mut world, 24 * H + 25 * M);
    world.run(30 * H);
    world.assert_no_violation();
    let minutes = (world.stats.errors() - before) / 6;
    assert!(minutes <= 2, "{minutes}");
    assert!(logins(&world) <= 41, "{}", logins(&world));
}

/// Rule: Backoff: a login at the expiry of an accepted token is not delayed by an older rejection.
#[test]
fn a_login_at_a_tokens_expiry_is_not_delayed_by_an_older_rejection() {
    // The first token has a lifetime of 12 hours, and APIs reject it. The later ones have ten minutes,
    // and APIs accept them. Each expiry causes a login without a backoff.
    let mut setup = setup(Kind::Wyn, 12 * H, 1);
    setup.without_validation = true;
    let mut world = World::launched(setup);
    world.at(H, |world| world.provider.lifetime = 10 * M);
    api_rejects(&mut world, H, H + 10 * S);
    every(&mut world, 0, 0, 4 * H, M);
    world.run(4 * H);
    world.assert_no_violation();
    assert_eq!(world.stats.errors(), 0);
    // Each token is used for ten minutes without the margin and a part of the refresh window.
    assert!((20..=27).contains(&logins(&world)), "{}", logins(&world));
}

/// Rule: Rejection: a suspected token that has expired is replaced without a validation.
///
/// A token is rejected five minutes before its expiry, and the next call comes ten minutes after
/// it.
#[test]
fn a_rejected_token_that_has_expired_is_replaced_without_a_validation() {
    let mut world = world(Kind::Wyn, 10 * M, 1);
    let caller = tokenlease_sim::Caller { replay: false, ..Default::default() };
    crate::asks_with(&mut world, 0, &[0, 5 * M], &caller);
    api_rejects(&mut world, 5 * M, 5 * M + S);
    asks(&mut world, 0, &[20 * M]);
    world.run(H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.provider.calls.validate), (2, 0));
}

/// Rule: Rejection: a rejection names its token, so a late one does not affect a newer lease.
///
/// Reported as apache/gravitino#12531.
#[test]
fn a_late_rejection_of_an_older_token_keeps_the_newer_one() {
    let mut world = world(Kind::Winkas, 12 * H, 1);
    world.mark_faulty();
    asks(&mut world, 0, &[0, H]);
    end_newest_at(&mut world, H - S);
    // A thousand callers report the first token when the second one is current.
    world.at(2 * H, |world| {
        let (now, token, password) = (world.clock(0), world.provider.text(1), "p0".into());
        for _ in 0..1000 {
            let rejection = world.lifecycle(0, &password).report_rejected(&token, now);
            assert_eq!(rejection, tokenlease_core::lifecycle::Rejection::Outdated);
        }
    });
    asks(&mut world, 0, &[2 * H + S]);
    world.run(3 * H);
    world.assert_no_violation();
    assert_eq!(logins(&world), 2);
}
