//! Clocks, and what siblings tell each other by the record.

use std::time::Duration;

use tokenlease_core::lifecycle::{Event, OnStoreOutage, Policy};
use tokenlease_sim::{Caller, Fault, H, Kind, M, S, World};

use crate::{asks, asks_with, break_it, every, logins, setup, world};

#[test]
fn store_time_lesson_27_hosts_whose_walls_are_wrong_agree_on_an_end() {
    let mut setup = setup(Kind::Wyn, H, 1);
    (setup.hosts, setup.walls) = (2, vec![10 * M, -10 * M]);
    let mut world = World::launched(setup);
    asks(&mut world, 0, &[0]);
    every(&mut world, 1, 20 * S, 80 * M, 20 * S);
    world.run(2 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.dead), (2, 0));
}

#[test]
fn boot_only_lesson_10_a_wall_clock_that_jumps_costs_nothing() {
    let mut setup = setup(Kind::Wyn, 12 * H, 2);
    setup.hosts = 2;
    let mut world = World::launched(setup);
    for p in 0..4 {
        every(&mut world, p, 0, 11 * H, 10 * M);
    }
    world.at(H, |world| world.jump(0, 13 * H));
    world.at(2 * H, |world| world.jump(0, -13 * H));
    world.run(11 * H);
    world.assert_kept();
    assert_eq!(logins(&world), 1);
}

#[test]
fn lesson_10_a_host_that_sleeps_past_the_end_serves_nothing_dead_when_it_wakes() {
    let mut world = world(Kind::Wyn, H, 1);
    asks(&mut world, 0, &[0, 3 * H + 1]);
    world.at(M, |world| world.freeze(0, 3 * H - M));
    world.run(4 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.dead), (2, 0));
}

#[test]
fn look_first_lesson_23_an_idle_process_looks_before_it_answers_from_memory() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    asks(&mut world, 0, &[0]);
    asks(&mut world, 1, &[M, 3 * H]);
    world.at(10 * M, |world| world.revoke(0));
    world.run(4 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.dead), (2, 0));
    assert_eq!(world.provider.calls.revoke, 1);
}

#[test]
fn drop_seen_a_token_that_one_found_dead_is_served_by_no_sibling() {
    let mut world = world(Kind::Winkas, 12 * H, 8);
    for p in 0..8 {
        asks(&mut world, p, &[100]);
    }
    crate::end_newest_at(&mut world, H);
    break_it(&mut world, H, H + 10 * M, Fault::Throttle);
    for p in 0..8_usize {
        let first = H + S + 2 * S * i64::try_from(p).unwrap();
        every(&mut world, p, first, H + 9 * M, 40 * S);
    }
    world.run(2 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.dead), (1, 1));
    assert_eq!(world.stats.hammered, 0);
}

#[test]
fn resave_what_was_got_while_the_store_was_away_is_saved_when_it_is_back() {
    let mut world = world(Kind::Wyn, H, 9);
    asks(&mut world, 0, &[100]);
    break_it(&mut world, 140, 60 * S, Fault::Store);
    every(&mut world, 0, M, 2 * M, 20 * S);
    for p in 0..9 {
        every(&mut world, p, 2 * M, 50 * M, 5 * M);
    }
    world.run(50 * M);
    world.assert_kept();
    assert_eq!(logins(&world), 1);
}

#[test]
fn adopt_live_holders_of_a_higher_generation_do_not_all_log_in_after_a_flush() {
    let mut world = world(Kind::Wyn, H, 5);
    // Four tokens were had before.
    for n in 0..4 {
        asks(&mut world, 4, &[n * H]);
    }
    let t = 4 * H;
    for p in 0..4 {
        asks(&mut world, p, &[t, t + 57 * M, t + 59 * M + 30 * S, t + 61 * M, t + 70 * M]);
    }
    world.at(t + 30 * M, World::flush);
    world.at(t + 30 * M + 1, |world| world.crash(4, Some(S), None));
    asks(&mut world, 4, &[t + 31 * M]);
    world.run(t + 80 * M);
    world.assert_kept();
    // 4 of before, the one that was held, the newcomer's after the flush at most, the next.
    assert!(logins(&world) <= 7, "{}", logins(&world));
}

#[test]
fn resave_an_emptied_store_is_healed_by_the_next_who_looks() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    asks(&mut world, 0, &[0, 2 * H]);
    world.at(H, World::flush);
    asks(&mut world, 1, &[2 * H + S]);
    world.run(3 * H);
    world.assert_kept();
    assert_eq!(logins(&world), 1);
}

#[test]
fn slots_lesson_30_two_valid_secrets_do_not_throw_out_each_others_lease() {
    let mut world = world(Kind::Wyn, 12 * H, 4);
    world.provider.passwords = vec!["p0".into(), "p1".into()];
    for p in 0..4_usize {
        let password = ["p0", "p1"][p % 2];
        let late = S * i64::try_from(p).unwrap();
        for hour in 0..11 {
            asks_with(&mut world, p, &[hour * H + 10 * S + late], &Caller::with(password));
            world
                .at(hour * H + 30 * M + late, move |world| world.crash(p, Some(S), Some(password)));
        }
    }
    world.run(12 * H - 10 * M);
    world.assert_kept();
    assert_eq!(logins(&world), 2);
}

#[test]
fn lesson_20_a_store_outage_costs_one_login_a_process_at_most() {
    let mut world = world(Kind::Wyn, H, 3);
    break_it(&mut world, 0, 30 * M, Fault::Store);
    for p in 0..3 {
        every(&mut world, p, 100, 30 * M, 20 * S);
    }
    world.run(30 * M);
    world.assert_kept();
    assert_eq!(logins(&world), 3);
}

#[test]
fn lesson_20_winkas_asks_for_no_new_token_while_the_store_is_away() {
    let mut world = world(Kind::Winkas, 12 * H, 2);
    asks(&mut world, 0, &[0]);
    break_it(&mut world, H, 2 * H, Fault::Store);
    // One restarts and finds the running token by refetch; then that ends and none is issued.
    world.at(H + M, |world| world.crash(0, Some(S), None));
    every(&mut world, 0, H + 2 * M, H + 10 * M, M);
    world.run(H + 10 * M);
    assert_eq!((logins(&world), world.stats.errors()), (1, 0));
    crate::end_newest_at(&mut world, H + 10 * M);
    every(&mut world, 0, H + 10 * M + S, H + 50 * M, M);
    world.run(H + 50 * M);
    world.assert_kept();
    assert_eq!(logins(&world), 1);
    every(&mut world, 0, 2 * H + M, 2 * H + 5 * M, M);
    world.run(3 * H);
    assert_eq!(logins(&world), 2);
}

#[test]
fn lesson_20_the_policy_may_forbid_all_while_the_store_is_away() {
    let mut setup = setup(Kind::Wyn, H, 1);
    setup.policy = Policy { on_store_outage: Some(OnStoreOutage::Fail), ..Policy::default() };
    let mut world = World::launched(setup);
    break_it(&mut world, 0, 30 * M, Fault::Store);
    every(&mut world, 0, 100, 20 * M, M);
    world.run(40 * M);
    assert_eq!((logins(&world), world.stats.served), (0, 0));
}

#[test]
fn lesson_29_nothing_is_issued_while_a_record_cannot_be_read() {
    for kind in [Kind::Wyn, Kind::Winkas] {
        let mut world = world(kind, 12 * H, 1);
        world.touch();
        world.store.unreadable = true;
        every(&mut world, 0, 100, H, M);
        world.run(H);
        assert_eq!((logins(&world), world.stats.served), (0, 0), "{kind:?}");
        assert!(world.processes[0].events.contains(&Event::RecordUnreadable));
        world.at(H, |world| world.store.unreadable = false);
        asks(&mut world, 0, &[H + M]);
        world.run(2 * H);
        assert_eq!((logins(&world), world.stats.served), (1, 1), "{kind:?}");
    }
}

#[test]
fn lesson_29_who_meets_a_record_that_cannot_be_read_is_told_so_at_once() {
    let mut world = world(Kind::Wyn, 12 * H, 1);
    world.touch();
    world.store.unreadable = true;
    asks(&mut world, 0, &[100]);
    // A caller waits for 20 s if waiting may help.
    world.run(8 * S);
    assert_eq!((world.stats.errors(), world.stats.served), (1, 0));
}

#[test]
fn lesson_23_a_revocation_during_an_outage_is_told_when_it_ends() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    asks(&mut world, 0, &[0, 2 * H]);
    asks(&mut world, 1, &[S]);
    break_it(&mut world, H, H + 10 * M, Fault::Store);
    world.at(H + M, |world| world.revoke(0));
    asks(&mut world, 1, &[2 * H + M]);
    world.run(3 * H);
    world.assert_kept();
    assert_eq!((world.provider.calls.revoke, world.stats.dead), (1, 0));
}

#[test]
fn lesson_23_a_token_forgotten_during_an_outage_is_adopted_by_nobody_afterwards() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    asks(&mut world, 0, &[0]);
    break_it(&mut world, H, H + 10 * M, Fault::Store);
    world.at(H + M, |world| world.forget(0));
    world.run(H + 11 * M);
    // Nobody asks: a process that has something to tell must say so itself.
    assert!(world.store.inspect().leases.is_empty());
    asks(&mut world, 1, &[2 * H]);
    world.run(3 * H);
    world.assert_kept();
    assert_eq!(logins(&world), 2);
}

#[test]
fn while_the_store_is_away_who_has_news_for_it_calls_it_once_in_five_seconds() {
    let mut world = world(Kind::Wyn, 12 * H, 1);
    world.story = Some(Vec::new());
    asks(&mut world, 0, &[0]);
    break_it(&mut world, H, 2 * H, Fault::Store);
    world.at(H + M, |world| world.forget(0));
    world.run(2 * H + M);
    world.assert_kept();
    let story = world.story.iter().flatten();
    let calls = story.filter(|line| line.contains("the store is down")).count();
    assert!((690..=59 * 60 / 5 + 3).contains(&calls), "{calls}");
    assert!(world.store.inspect().leases.is_empty(), "it is told when the store is back");
}

#[test]
fn lesson_12_a_token_of_ten_years_is_kept_for_months() {
    let mut world = world(Kind::Wyn, 10 * 365 * 24 * H, 1);
    every(&mut world, 0, 0, 200 * 24 * H, 24 * H);
    world.run(200 * 24 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.errors()), (1, 0));
}

#[test]
fn lesson_13_a_token_of_seconds_is_not_refreshed_in_a_busy_loop() {
    let mut world = world(Kind::Wyn, 10 * S, 1);
    every(&mut world, 0, 0, 10 * M, 500);
    world.run(11 * M);
    world.assert_kept();
    // 9 s of use each, or a second or two less where the window's moment comes early.
    assert!((60..=90).contains(&logins(&world)), "{}", logins(&world));
}

#[test]
fn lesson_25_each_change_of_the_token_is_an_event() {
    let mut world = world(Kind::Wyn, H, 2);
    asks(&mut world, 0, &[0, 59 * M]);
    asks(&mut world, 1, &[S, 59 * M + 30 * S]);
    world.run(2 * H);
    let names = |p: usize| -> Vec<String> {
        let events = &world.processes[p].events;
        let name = |event: &Event| event.to_string().split(' ').next().unwrap().to_owned();
        events.iter().map(name).collect()
    };
    assert_eq!(names(0), ["logged", "logged"]);
    assert_eq!(names(1), ["adopted", "adopted"]);
}

#[test]
fn a_minimum_remaining_life_is_clamped_and_costs_one_login_a_lease() {
    let mut world = world(Kind::Wyn, H, 2);
    let wish = Caller { min_remaining: Some(Duration::from_secs(7200)), ..Caller::default() };
    world.touch();
    for p in 0..2 {
        world.ask_every(p, 0, H, 10 * S, &wish);
    }
    world.run(H);
    world.assert_kept();
    // Each lease is replaced when half of its life is over, by one of the two.
    assert!((2..=3).contains(&logins(&world)), "{}", logins(&world));
}

#[test]
fn a_minimum_remaining_life_means_a_validation_now_and_never_a_login_at_winkas() {
    let mut world = world(Kind::Winkas, 12 * H, 1);
    let wish = Caller { min_remaining: Some(Duration::from_secs(60)), ..Caller::default() };
    asks(&mut world, 0, &[0]);
    asks_with(&mut world, 0, &[H, 2 * H, 3 * H], &wish);
    world.run(4 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.provider.calls.verify), (1, 3));
}

#[test]
fn without_a_store_the_machine_keeps_its_own_view() {
    for kind in [Kind::Wyn, Kind::Winkas] {
        let mut setup = setup(kind, 6 * H, 1);
        setup.policy = Policy { store: false, ..Policy::default() };
        let mut world = World::launched(setup);
        every(&mut world, 0, 0, 5 * H, 10 * S);
        asks_with(&mut world, 0, &[M, 2 * M, 3 * M], &Caller::with("bad"));
        world.run(5 * H);
        assert_eq!((logins(&world), world.store.calls), (if kind == Kind::Wyn { 2 } else { 1 }, 0));
        assert_eq!(world.provider.wrong.len(), 1, "{kind:?}");
        assert_eq!(world.stats.errors(), 3);
    }
}

#[test]
fn lesson_20_an_login_in_an_outage_whose_answer_is_lost_is_not_repeated() {
    let mut world = world(Kind::Wyn, H, 1);
    break_it(&mut world, 0, 30 * M, Fault::Store);
    world.lose_next_login_answers = 9;
    every(&mut world, 0, 100, 20 * M, 20 * S);
    world.run(20 * M);
    assert_eq!((logins(&world), world.stats.served), (1, 0));
}

#[test]
fn lesson_20_a_login_with_the_store_does_not_spend_the_budget_without_it() {
    let mut world = world(Kind::Wyn, H, 1);
    asks(&mut world, 0, &[0]);
    break_it(&mut world, 10 * M, 50 * M, Fault::Store);
    crate::end_newest_at(&mut world, 20 * M);
    every(&mut world, 0, 15 * M, 40 * M, 20 * S);
    world.run(40 * M);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.errors()), (2, 0));
}
