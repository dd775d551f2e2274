//! Clocks, lifetimes and requested remaining lifetimes.

use std::time::Duration;

use tokenlease_sim::{Caller, Fault, H, Kind, M, S, World};

use crate::{add_fault, asks, asks_with, every, logins, setup, world};

/// Rule: Clocks: hosts with wrong wall clocks agree on an expiry, because a record contains times
/// of the store.
///
/// The wall clocks of two hosts differ by 20 minutes. One host obtains the token, and the other
/// one uses it.
#[test]
fn hosts_with_wrong_wall_clocks_agree_on_an_expiry() {
    let mut setup = setup(Kind::Wyn, H, 1);
    (setup.hosts, setup.wall_offsets) = (2, vec![10 * M, -10 * M]);
    let mut world = World::launched(setup);
    asks(&mut world, 0, &[0]);
    every(&mut world, 1, 20 * S, 80 * M, 20 * S);
    world.run(2 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.inactive_served), (2, 0));
}

/// Rule: Clocks: only the suspend-aware clock ends a lease; a wall clock that jumps costs a validation and
/// no login.
///
/// The wall clock of one of two hosts jumps by 13 hours forward, and back an hour later.
///
/// Reported as librespot-org/librespot#1617.
#[test]
fn a_wall_clock_that_jumps_costs_no_login() {
    let mut setup = setup(Kind::Wyn, 12 * H, 2);
    setup.hosts = 2;
    let mut world = World::launched(setup);
    for p in 0..4 {
        every(&mut world, p, 0, 11 * H, 10 * M);
    }
    world.at(H, |world| world.jump_wall_clock(0, 13 * H));
    world.at(2 * H, |world| world.jump_wall_clock(0, -13 * H));
    world.run(11 * H);
    world.assert_no_violation();
    assert_eq!(logins(&world), 1);
}

/// Rule: Clocks: the time in suspend counts, so a host that sleeps past the expiry serves no
/// expired token.
///
/// A host sleeps for almost three hours with a token of one hour.
///
/// Reported as librespot-org/librespot#1617.
#[test]
fn a_host_that_sleeps_past_the_expiry_serves_no_expired_token() {
    let mut world = world(Kind::Wyn, H, 1);
    asks(&mut world, 0, &[0, 3 * H + 1]);
    world.at(M, |world| world.pause(0, 3 * H - M));
    world.run(4 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.inactive_served), (2, 0));
}

/// Rule: Clocks: a host that is suspended and does not notice serves no token that ended meanwhile: its wall
/// clock shows that it was frozen. All its processes together send one validation.
///
/// A virtual machine is suspended for two hours with a token of one hour, then for ten minutes with the
/// next one.
///
/// Reported as microsoft/WSL#5324 and docker/for-mac#17.
#[test]
fn a_frozen_host_serves_no_token_that_ended_meanwhile() {
    let mut world = world(Kind::Wyn, H, 4);
    for p in 0..4 {
        asks(&mut world, p, &[0, 2 * H + 30 * M, 3 * H]);
    }
    world.at(M, |world| world.freeze_host(0, 2 * H));
    world.at(2 * H + 40 * M, |world| world.freeze_host(0, 10 * M));
    world.run(4 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.inactive_served), (2, 0));
    let validations: usize = world.oracle.validations.values().map(Vec::len).sum();
    assert_eq!(validations, 1);
}

/// Rule: Expiry: a lifetime of ten years does not overflow.
///
/// Reported as directus/directus#4054.
#[test]
fn a_token_of_ten_years_is_used_for_months() {
    let mut world = world(Kind::Wyn, 10 * 365 * 24 * H, 1);
    every(&mut world, 0, 0, 200 * 24 * H, 24 * H);
    world.run(200 * 24 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.errors()), (1, 0));
}

/// Rule: Expiry: the margin and the refresh window are clamped to the lifetime.
///
/// Reported as googleapis/google-cloud-rust#6678.
#[test]
fn a_token_of_seconds_is_not_refreshed_in_a_busy_loop() {
    let mut world = world(Kind::Wyn, 10 * S, 1);
    every(&mut world, 0, 0, 10 * M, 500);
    world.run(11 * M);
    world.assert_no_violation();
    // Each token is used for 9 s, or for a second or two less if its refresh comes early in the window.
    assert!((60..=90).contains(&logins(&world)), "{}", logins(&world));
}

/// Rule: Expiry: `min_remaining` is clamped to half of the lifetime, and costs one login for each
/// lease.
///
/// All callers of two processes request more than the whole lifetime.
#[test]
fn a_minimum_remaining_lifetime_is_clamped_and_costs_one_login_a_lease() {
    let mut world = world(Kind::Wyn, H, 2);
    let min_remaining =
        Caller { min_remaining: Some(Duration::from_secs(7200)), ..Caller::default() };
    world.mark_faulty();
    for p in 0..2 {
        world.ask_every(p, 0, H, 10 * S, &min_remaining);
    }
    world.run(H);
    world.assert_no_violation();
    // One of the two processes replaces each lease at half of its lifetime.
    assert!((2..=3).contains(&logins(&world)), "{}", logins(&world));
}

/// Rule: Expiry: `min_remaining` is a validation at once at WinKAS, and never a login.
#[test]
fn a_minimum_remaining_lifetime_at_winkas_is_a_validation_and_never_a_login() {
    let mut world = world(Kind::Winkas, 12 * H, 1);
    let min_remaining =
        Caller { min_remaining: Some(Duration::from_secs(60)), ..Caller::default() };
    asks(&mut world, 0, &[0]);
    asks_with(&mut world, 0, &[H, 2 * H, 3 * H], &min_remaining);
    world.run(4 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.provider.calls.validate), (1, 3));
}

/// Rule: Clocks: a record that was read slowly leaves a doubt about the store's clock; the read under
/// the lock settles it before a login is sent.
///
/// Seven processes prefer five minutes of remaining lifetime. Their requests take up to two seconds
/// to the store, which has a token that lives a little longer than that.
#[test]
fn a_slow_read_of_a_token_that_lives_long_enough_causes_no_login() {
    let mut world = world(Kind::Wyn, 10 * M, 8);
    asks(&mut world, 0, &[0]);
    add_fault(&mut world, 297_000, 298_000, Fault::SlowStore);
    let caller = Caller { min_remaining: Some(Duration::from_secs(300)), ..Caller::default() };
    for p in 1..8 {
        asks_with(&mut world, p, &[297_500], &caller);
    }
    world.run(6 * M);
    world.assert_no_violation();
    assert_eq!((world.stats.errors(), logins(&world)), (0, 1));
}
