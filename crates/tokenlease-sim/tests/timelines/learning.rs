//! Ends that nobody states: when the provider is asked, and what is learned from its answers.

use tokenlease_sim::{Fault, H, Kind, M, S, World};

use crate::{asks, break_it, every, logins, setup, world};

fn learned_hours(world: &World) -> f64 {
    world.store.inspect().learned.map_or(0.0, |age| age.as_secs_f64() / 3600.0)
}

/// Agreements, each for some lives; the logins, dead answers and questions of each.
fn lives(plan: &[(i64, i64)], step: i64) -> (Vec<(u32, u64, u32)>, World) {
    let mut world = world(Kind::Winkas, plan[0].0 * H, 4);
    world.touch();
    let mut rows = Vec::new();
    for (life, many) in plan {
        world.provider.life = life * H;
        let (a, before) = (world.now, (world.provider.calls, world.stats.dead));
        let end = a + life * many * H - 5 * M;
        for p in 0..4_usize {
            every(&mut world, p, a + 5 * S * i64::try_from(p).unwrap(), end, step);
        }
        world.run(end);
        let calls = world.provider.calls;
        rows.push((
            calls.login - before.0.login,
            world.stats.dead - before.1,
            calls.verify - before.0.verify,
        ));
    }
    world.assert_kept();
    (rows, world)
}

#[test]
fn validation_band_a_validation_before_the_assumed_end_says_nothing_of_after_it() {
    let mut world = world(Kind::Winkas, 12 * H, 2);
    break_it(&mut world, 0, 400, Fault::Slow);
    asks(&mut world, 0, &[0]);
    every(&mut world, 0, 12 * H - 70 * S, 12 * H + 60 * S, 700);
    world.run(13 * H);
    world.assert_kept();
    assert_eq!((logins(&world), learned_hours(&world)), (2, 0.0));
}

#[test]
fn learn_seen_an_agreement_of_14_hours_teaches_14_and_not_24() {
    let mut world = world(Kind::Winkas, 14 * H, 2);
    every(&mut world, 0, 0, 16 * H, 10 * S);
    world.run(30 * H);
    every(&mut world, 1, 30 * H, 44 * H, M);
    world.run(60 * H);
    world.assert_kept();
    let learned = learned_hours(&world);
    assert!((13.8..=14.0).contains(&learned), "{learned}");
    assert!(world.stats.dead <= 1 && world.provider.calls.verify < 60);
    assert_eq!(logins(&world), 3);
}

#[test]
fn learn_down_an_agreement_that_shrinks_costs_one_dead_answer_a_process_once() {
    let mut world = world(Kind::Winkas, 24 * H, 4);
    world.at(23 * H, |world| world.provider.life = 12 * H);
    for p in 0..4 {
        every(&mut world, p, 0, 24 * H - S, 10 * M);
        every(&mut world, p, 24 * H - M, 90 * H, M);
    }
    world.run(90 * H);
    world.assert_kept();
    // One of 24 hours, then six of 12.
    assert_eq!(logins(&world), 7);
    assert!(world.stats.dead <= 4, "{}", world.stats.dead);
}

#[test]
fn refetch_word_a_token_past_its_assumed_end_is_found_alive_by_refetch() {
    let mut world = world(Kind::Winkas, 24 * H, 2);
    break_it(&mut world, 11 * H + 48 * M, 12 * H + 30 * M, Fault::Validate);
    every(&mut world, 0, 0, 20 * H, 10 * M);
    world.run(20 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.errors()), (1, 0));
}

#[test]
fn noword_a_refetch_that_fails_is_not_taken_for_no_token() {
    let mut world = world(Kind::Winkas, 12 * H, 1);
    asks(&mut world, 0, &[0]);
    world.at(H, |world| {
        world.flush();
        world.crash(0, Some(S), None);
    });
    break_it(&mut world, H, H + 3 * S, Fault::Refetch);
    asks(&mut world, 0, &[H + 1500]);
    world.run(2 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.served), (1, 2));
}

#[test]
fn join_after_lesson_5_who_joins_later_is_not_answered_by_an_older_truth() {
    let mut world = world(Kind::Winkas, 12 * H, 1);
    asks(&mut world, 0, &[0]);
    every(&mut world, 0, 12 * H - 2 * S, 12 * H + 2 * S, 13);
    world.run(13 * H);
    world.assert_kept();
    assert_eq!(logins(&world), 2);
    assert!(world.stats.dead <= 1, "{}", world.stats.dead);
}

#[test]
fn after_e_a_doubt_just_before_the_assumed_end_serves_nothing_dead_after_it() {
    let mut dead = 0;
    for seed in 0..40 {
        let mut world =
            World::launched(tokenlease_sim::Setup { seed, ..setup(Kind::Winkas, 12 * H, 1) });
        asks(&mut world, 0, &[0]);
        // An API says no right before E: the yes to that was asked for before E, and by callers
        // who asked before it was.
        crate::api_rejects(&mut world, 12 * H - 60, 12 * H);
        let caller = tokenlease_sim::Caller { replay: false, ..Default::default() };
        world.ask_every(0, 12 * H - 2 * S, 12 * H + 2 * S, 13, &caller);
        world.run(13 * H);
        world.assert_kept();
        assert_eq!(logins(&world), 2, "{seed}");
        dead += world.stats.dead;
    }
    // What dies on its way from the provider is known to nobody.
    assert!(dead <= 40, "{dead}");
}

#[test]
fn fixed_e_the_validate_from_age_stands_in_the_lease_so_a_first_long_life_costs_few_questions() {
    let (rows, world) = lives(&[(24, 4), (14, 4)], 20 * S);
    assert_eq!((rows[0].0, rows[1].0), (4, 4));
    assert!(rows[0].1 == 0 && rows[0].2 < 200, "{rows:?}");
    assert!(rows[1].1 <= 8 && rows[1].2 < 150, "{rows:?}");
    assert!((13.8..=14.0).contains(&learned_hours(&world)));
}

#[test]
fn back_above_a_life_below_the_base_is_learned_and_kept() {
    let (rows, world) = lives(&[(6, 8)], 20 * S);
    assert_eq!(rows[0].0, 8);
    assert!(rows[0].1 <= 8, "{rows:?}");
    assert!((5.9..6.0).contains(&learned_hours(&world)), "{}", learned_hours(&world));
}

#[test]
fn lower_30_the_strict_minute_lies_around_the_death() {
    let (rows, _) = lives(&[(6, 10), (10, 10)], 20 * S);
    assert_eq!((rows[0].0, rows[1].0), (10, 10));
    assert!(rows[0].1 <= 8 && rows[1].1 <= 14, "{rows:?}");
}

#[test]
fn agreements_that_come_and_go_cost_one_login_a_life_throughout() {
    let plan = [(12, 2), (6, 6), (1, 8), (10, 4), (14, 4), (24, 3), (12, 4), (24, 2), (6, 5)];
    let (rows, _) = lives(&plan, 20 * S);
    for (row, (life, many)) in rows.iter().zip(plan) {
        assert_eq!(i64::from(row.0), many, "{life} h: {rows:?}");
        assert!(row.1 <= 8, "{life} h: {rows:?}");
    }
}

#[test]
fn seldom_who_asks_seldom_is_served_few_dead_tokens() {
    let (rows, _) = lives(&[(6, 40), (24, 4)], 3 * H);
    assert!(rows[0].0 <= 40 && rows[0].1 <= 4, "{rows:?}");
    assert!(rows[1].0 <= 4 && rows[1].1 == 0, "{rows:?}");
}

#[test]
fn no_validation_and_no_refetch_past_the_end_is_unavailable_if_the_provider_cannot_be_reached() {
    let mut world = world(Kind::Winkas, 24 * H, 1);
    asks(&mut world, 0, &[0]);
    break_it(&mut world, 12 * H, 13 * H, Fault::Unreachable);
    every(&mut world, 0, 12 * H + M, 13 * H - M, M);
    world.run(13 * H);
    assert_eq!((logins(&world), world.stats.served), (1, 1));
    asks(&mut world, 0, &[13 * H + M]);
    world.run(14 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.served), (1, 2));
}

#[test]
fn a_life_stated_by_the_caller_is_the_base() {
    let mut setup = setup(Kind::Winkas, 6 * H, 4);
    setup.policy.agreed_lifetime = Some(std::time::Duration::from_secs(6 * 3600));
    let mut world = World::launched(setup);
    for p in 0..4 {
        every(&mut world, p, 0, 60 * H - 5 * M, 20 * S);
    }
    world.run(60 * H);
    world.assert_kept();
    assert_eq!(logins(&world), 10);
    assert!(world.stats.dead <= 4, "{}", world.stats.dead);
}
