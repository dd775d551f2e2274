//! The lock, lost answers, and how long things take.

use tokenlease_sim::{Caller, Fault, H, Kind, M, S, Setup, World};

use crate::{asks, asks_with, break_it, logins, setup, world};

fn patient() -> Caller {
    Caller { wait: 60 * S, ..Caller::default() }
}

#[test]
fn lesson_4_and_17_a_herd_of_processes_at_a_cold_start_sends_one_login() {
    for kind in [Kind::Winkas, Kind::Wyn] {
        let mut world = world(kind, 12 * H, 32);
        for p in 0..32 {
            asks(&mut world, p, &[100, 100, 101, 130]);
        }
        world.run(M);
        world.assert_kept();
        assert_eq!((logins(&world), world.stats.errors()), (1, 0));
    }
}

#[test]
fn wait_look_lesson_31_sixteen_cold_processes_are_done_soon_after_the_first() {
    let mut world = world(Kind::Winkas, 12 * H, 16);
    for p in 0..16 {
        asks(&mut world, p, &[100]);
    }
    world.run(M);
    world.assert_kept();
    let last = world.stats.answered.iter().max().unwrap() - 100;
    assert!(last <= 250, "{last}");
    assert_eq!(logins(&world), 1);
}

#[test]
fn slices_a_slow_provider_costs_few_looks_of_those_who_wait() {
    let mut world = world(Kind::Winkas, 12 * H, 16);
    world.rng = tokenlease_sim::rng::Rng::new(3);
    break_it(&mut world, 0, 10 * S, Fault::Slow);
    for p in 0..16 {
        asks_with(&mut world, p, &[100], &patient());
    }
    world.run(M);
    world.assert_kept();
    let seconds = u64::try_from(world.stats.answered.iter().max().unwrap() / S).unwrap() + 1;
    // Two calls each 250 ms for each of fifteen who wait, and what the first second costs.
    assert!(world.store.calls < 15 * 10 * seconds + 400, "{} in {seconds} s", world.store.calls);
}

#[test]
fn lock_fit_lesson_31_a_lock_outlives_each_request_that_is_sent_in_it() {
    let mut many = 0;
    for seed in 0..60 {
        let mut world = World::launched(Setup { seed, ..setup(Kind::Winkas, 12 * H, 4) });
        break_it(&mut world, 0, 50 * S, Fault::Slow);
        break_it(&mut world, 0, 60 * S, Fault::Refetch);
        for p in 0..4 {
            asks_with(&mut world, p, &[100], &patient());
        }
        world.run(2 * M);
        world.assert_kept();
        many += logins(&world);
    }
    // The rest are answers that took longer than ten seconds while refetch was down.
    assert!(many <= 80, "{many}");
}

#[test]
fn late_lesson_21_an_answer_that_comes_after_its_receipt_was_given_up_is_used() {
    let mut many = 0;
    for seed in 0..40 {
        let mut world = World::launched(Setup { seed, ..setup(Kind::Wyn, 12 * H, 1) });
        break_it(&mut world, 0, 30 * S, Fault::Slow);
        asks_with(&mut world, 0, &[100], &patient());
        world.run(2 * M);
        world.assert_kept();
        many += logins(&world);
        assert_eq!(world.stats.served, 1);
    }
    // Without a refetch one more is sent when an answer is given up after ten seconds; the token
    // that comes late is taken then, and no third is asked for.
    assert!(many <= 60, "{many}");
}

#[test]
fn outage_save_again_and_read_inside_lost_store_answers_cost_almost_no_login() {
    let mut many = 0;
    for seed in 0..200 {
        let mut world = World::launched(Setup { seed, ..setup(Kind::Wyn, 12 * H, 2) });
        // The provider's answers are lost too, which alone may cost logins: only the store's are.
        world.touch();
        world.lose_store_answers = 15;
        for p in 0..2 {
            asks(&mut world, p, &[100]);
        }
        world.run(M);
        world.assert_kept();
        assert_eq!(world.stats.errors(), 0, "seed {seed}");
        many += logins(&world);
    }
    // Three failed calls in a row are an outage, in which each process may log in once.
    assert!(many <= 212, "{many}");
}

#[test]
fn same_yes_a_siblings_yes_on_the_same_token_spares_the_login() {
    let mut many = 0;
    for seed in 0..60 {
        let mut world = World::launched(Setup { seed, ..setup(Kind::Winkas, 24 * H, 8) });
        for fault in [Fault::Refetch, Fault::Lossy] {
            break_it(&mut world, 12 * H + M, 12 * H + 5 * M, fault);
        }
        for p in 0..8 {
            asks_with(&mut world, p, &[0, 12 * H + 2 * M], &patient());
        }
        world.run(13 * H);
        world.assert_kept();
        many += logins(&world);
    }
    assert!(many <= 61, "{many}");
}

#[test]
fn lesson_31_a_dead_owner_holds_up_the_others_for_the_locks_life_at_most() {
    let mut world = world(Kind::Wyn, 12 * H, 3);
    asks_with(&mut world, 0, &[100], &patient());
    // It dies after it took the lock.
    world.at(125, |world| world.crash(0, None, None));
    for p in 1..3 {
        asks_with(&mut world, p, &[200], &patient());
    }
    world.run(2 * M);
    world.assert_kept();
    assert_eq!(world.stats.served, 2);
    assert!(*world.stats.answered.iter().max().unwrap() < 32 * S);
}

#[test]
fn lesson_31_a_paused_owner_that_wakes_takes_what_a_sibling_got_meanwhile() {
    for pause in [105, 110, 115, 120, 130, 150] {
        let mut world = world(Kind::Winkas, 12 * H, 2);
        asks_with(&mut world, 0, &[100], &patient());
        world.at(pause, |world| world.freeze(0, 40 * S));
        asks_with(&mut world, 1, &[200], &patient());
        asks(&mut world, 0, &[M, 2 * M]);
        world.run(5 * M);
        world.assert_kept();
        assert!(logins(&world) <= 2, "{pause}");
        assert_eq!(world.stats.errors(), 0, "{pause}");
    }
}

#[test]
fn lesson_5_a_caller_that_gives_up_does_not_end_the_flight_of_the_others() {
    let mut world = world(Kind::Wyn, 12 * H, 1);
    let hasty = Caller { wait: 20, ..Caller::default() };
    asks_with(&mut world, 0, &[100], &hasty);
    asks(&mut world, 0, &[110]);
    world.run(M);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.served, world.stats.errors()), (1, 1, 1));
}

#[test]
fn lesson_21_a_login_whose_answer_is_lost_is_found_by_refetch() {
    let mut world = world(Kind::Winkas, 12 * H, 1);
    world.touch();
    world.lose_next_login_answers = 1;
    asks_with(&mut world, 0, &[100], &patient());
    world.run(2 * M);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.served), (1, 1));
}

#[test]
fn lesson_21_a_login_whose_answer_is_lost_is_sent_once_more_where_there_is_no_refetch() {
    let mut world = world(Kind::Wyn, 12 * H, 1);
    world.touch();
    world.lose_next_login_answers = 9;
    asks(&mut world, 0, &[100]);
    world.run(31 * S);
    assert_eq!((logins(&world), world.stats.errors()), (2, 1));
    let lost = tokenlease_core::lifecycle::Event::LoginLost;
    assert_eq!(world.processes[0].events.iter().filter(|event| **event == lost).count(), 2);
}

#[test]
fn lesson_8_who_asks_in_the_window_is_served_while_the_refresh_runs() {
    let mut world = world(Kind::Wyn, H, 2);
    break_it(&mut world, 54 * M, 59 * M, Fault::Slow);
    asks(&mut world, 0, &[0]);
    for p in 0..2 {
        asks(&mut world, p, &[58 * M + 50 * S, 58 * M + 51 * S, 58 * M + 52 * S]);
    }
    world.run(2 * H);
    world.assert_kept();
    let last = *world.stats.answered.iter().max().unwrap();
    assert!(last < 58 * M + 53 * S, "{last}");
    assert_eq!(world.stats.errors(), 0);
}

#[test]
fn a_wish_for_a_longer_life_is_given_up_rather_than_the_lease_that_stands() {
    let mut world = world(Kind::Wyn, H, 2);
    asks(&mut world, 1, &[0]);
    asks(&mut world, 0, &[S]);
    let t = 40 * M;
    let wish = Caller {
        wait: 5 * S,
        min_remaining: Some(std::time::Duration::from_secs(1800)),
        ..Caller::default()
    };
    asks_with(&mut world, 1, &[t], &wish);
    // It dies with the lock, and the other waits in vain.
    world.at(t + 13, |world| world.crash(1, None, None));
    asks_with(&mut world, 0, &[t + 20], &wish);
    world.run(2 * H);
    assert_eq!((world.stats.served, world.stats.errors()), (3, 0));
}
