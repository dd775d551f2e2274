//! What an API's rejection of a token leads to.

use tokenlease_sim::{Fault, H, Kind, M, S, World};

use crate::{api_rejects, asks, break_it, end_newest_at, every, logins, setup, world};

#[test]
fn doubt_lesson_28_a_permission_error_costs_validations_and_no_login() {
    let mut world = world(Kind::Winkas, 12 * H, 2);
    every(&mut world, 0, 0, H, 20 * S);
    api_rejects(&mut world, 10 * M, 30 * M);
    world.run(2 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.errors()), (1, 0));
    assert!(world.provider.calls.verify <= 60, "{}", world.provider.calls.verify);
}

#[test]
fn absolve_a_rejection_within_a_minute_of_a_yes_is_not_replayed() {
    let mut world = world(Kind::Winkas, 12 * H, 1);
    every(&mut world, 0, 0, H, 20 * S);
    api_rejects(&mut world, 10 * M, 30 * M);
    world.run(2 * H);
    // One rejection a minute is replayed, the replay and two more are not.
    assert!(world.stats.still_active >= 40, "{}", world.stats.still_active);
}

#[test]
fn storm_four_processes_that_are_rejected_for_20_minutes_send_no_login() {
    let mut world = world(Kind::Winkas, 12 * H, 4);
    for p in 0..4 {
        every(&mut world, p, i64::try_from(p).unwrap(), H, 20 * S);
    }
    api_rejects(&mut world, 10 * M, 30 * M);
    world.run(2 * H);
    world.assert_kept();
    assert_eq!(logins(&world), 1);
    assert!(world.provider.calls.verify <= 240, "{}", world.provider.calls.verify);
}

#[test]
fn told_again_a_token_that_dies_right_after_a_yes_is_found_dead_within_seconds() {
    let mut world = world(Kind::Winkas, 12 * H, 1);
    every(&mut world, 0, 0, 70 * M, 2 * S);
    api_rejects(&mut world, H - S, H + S);
    end_newest_at(&mut world, H + 10 * S);
    world.run(70 * M);
    world.assert_kept();
    assert_eq!(logins(&world), 2);
    assert!(world.stats.dead <= 4, "{}", world.stats.dead);
}

#[test]
fn tomb_time_a_rejection_counts_from_when_it_was_made_however_late_it_is_saved() {
    let mut many = 0;
    for seed in 0..20 {
        let mut world =
            World::launched(tokenlease_sim::Setup { seed, ..setup(Kind::Winkas, 12 * H, 4) });
        break_it(&mut world, H - S, H + 30 * S, Fault::Validate);
        break_it(&mut world, H - S, H + 30 * S, Fault::Slow);
        for p in 0..4 {
            asks(&mut world, p, &[0, H + 10]);
        }
        api_rejects(&mut world, H, H + 100);
        world.run(2 * H);
        world.assert_kept();
        many += logins(&world);
    }
    assert!(many <= 23, "{many}");
}

#[test]
fn entry_space_logins_that_rejections_without_a_validation_cause_are_spaced() {
    let mut setup = setup(Kind::Wyn, 12 * H, 2);
    setup.mute = true;
    let mut world = World::launched(setup);
    for p in 0..2 {
        every(&mut world, p, i64::try_from(p).unwrap(), 5 * H, 20 * S);
    }
    api_rejects(&mut world, H, 4 * H);
    world.run(5 * H);
    world.assert_kept();
    assert!(logins(&world) <= 10, "{}", logins(&world));
}

#[test]
fn space_reset_the_spacing_of_a_bad_day_is_over_on_the_next() {
    let mut setup = setup(Kind::Wyn, H, 2);
    setup.mute = true;
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
    world.assert_kept();
    let minutes = (world.stats.errors() - before) / 6;
    assert!(minutes <= 2, "{minutes}");
    assert!(logins(&world) <= 41, "{}", logins(&world));
}

#[test]
fn entry_space_a_login_at_the_end_of_a_good_token_is_no_matter_of_an_older_rejection() {
    // The first token would live for 12 hours, but APIs rejected it; those after it live for ten
    // minutes and work. Each of their ends is a login, and none of these is spaced.
    let mut setup = setup(Kind::Wyn, 12 * H, 1);
    setup.mute = true;
    let mut world = World::launched(setup);
    world.at(H, |world| world.provider.life = 10 * M);
    api_rejects(&mut world, H, H + 10 * S);
    every(&mut world, 0, 0, 4 * H, M);
    world.run(4 * H);
    world.assert_kept();
    assert_eq!(world.stats.errors(), 0);
    // Ten minutes less a margin and a moment of the window each.
    assert!((20..=27).contains(&logins(&world)), "{}", logins(&world));
}

#[test]
fn doubt_a_token_that_is_over_is_replaced_and_not_asked_about() {
    let mut world = world(Kind::Wyn, 10 * M, 1);
    let caller = tokenlease_sim::Caller { replay: false, ..Default::default() };
    crate::asks_with(&mut world, 0, &[0, 5 * M], &caller);
    api_rejects(&mut world, 5 * M, 5 * M + S);
    asks(&mut world, 0, &[20 * M]);
    world.run(H);
    world.assert_kept();
    assert_eq!((logins(&world), world.provider.calls.verify), (2, 0));
}

#[test]
fn lesson_9_a_rejection_names_its_token_and_a_late_one_hurts_no_newer_lease() {
    let mut world = world(Kind::Winkas, 12 * H, 1);
    world.touch();
    asks(&mut world, 0, &[0, H]);
    end_newest_at(&mut world, H - S);
    // A thousand callers still hold the first token when the second is in use.
    world.at(2 * H, |world| {
        let (now, token, password) = (world.clock(0), world.provider.text(1), "p0".into());
        for _ in 0..1000 {
            let rejection = world.machine(0, &password).report_rejected(&token, now);
            assert_eq!(rejection, tokenlease_core::lifecycle::Rejection::Outdated);
        }
    });
    asks(&mut world, 0, &[2 * H + S]);
    world.run(3 * H);
    world.assert_kept();
    assert_eq!(logins(&world), 2);
}
