//! Rejected credentials, holds, and what stops a send.

use tokenlease_sim::{Caller, Fault, H, Kind, M, S, Setup, World};

use crate::{asks, asks_with, break_it, every, logins, setup, world};

#[test]
fn flight_proof_lesson_26_a_wrong_password_never_gets_the_right_ones_token() {
    for wrong_first in [false, true] {
        let mut world = world(Kind::Winkas, 12 * H, 1);
        world.at(5, move |world| {
            let callers = [Caller::with("p0"), Caller::with("bad")];
            let [first, second] = if wrong_first { [1, 0] } else { [0, 1] };
            world.ask(0, callers[first].clone());
            world.ask(0, callers[second].clone());
        });
        world.run(M);
        world.assert_kept();
        assert_eq!((logins(&world), world.stats.served, world.stats.errors()), (1, 1, 1));
    }
}

#[test]
fn merge_a_circuit_written_while_a_sibling_renews_is_not_lost() {
    let mut world = world(Kind::Wyn, H, 3);
    asks(&mut world, 0, &[0]);
    // p0 renews while the wrong password of p1 is rejected; both write.
    for late in 0..5 {
        asks_with(&mut world, 1, &[H - 30 * S + late * 20], &Caller::with("bad"));
    }
    asks(&mut world, 0, &[H - 30 * S]);
    asks_with(&mut world, 2, &[H + 5 * M], &Caller::with("bad"));
    world.run(2 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.provider.wrong.len()), (3, 1));
}

#[test]
fn circuit_own_another_proofs_success_never_closes_a_circuit() {
    let mut world = world(Kind::Wyn, H, 2);
    every(&mut world, 0, 0, 10 * H, 5 * M);
    world.ask_every(1, S, 10 * H, 10 * M, &Caller::with("bad"));
    world.run(10 * H);
    world.assert_kept();
    // Probes at 0, 1, 3 and 7 h.
    assert_eq!(world.provider.wrong.len(), 4);
}

#[test]
fn circuit_strip_a_newcomer_with_credentials_known_to_be_rejected_is_not_let_in() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    asks(&mut world, 0, &[0]);
    asks(&mut world, 1, &[S, 12 * H - 70 * S]);
    world.at(H, |world| {
        world.touch();
        world.provider.passwords = vec!["p1".into()];
    });
    world.at(12 * H - 66 * S, |world| world.launch(0, Some("p0")));
    asks_with(&mut world, 0, &[12 * H - 65 * S], &Caller::with("p0"));
    world.run(12 * H - 61 * S);
    world.assert_kept();
    // Who asked in the window was answered at once, before the provider was; the newcomer is not.
    assert_eq!((world.provider.wrong.len(), world.stats.served), (1, 3));
    assert_eq!(world.stats.errors(), 1);
}

#[test]
fn half_open_lesson_7_a_provider_that_called_right_credentials_wrong_is_probed_after_an_hour() {
    let mut world = world(Kind::Wyn, H, 2);
    world.touch();
    world.at(1, |world| world.provider.passwords = vec!["x".into()]);
    world.at(5 * M, |world| world.provider.passwords = vec!["p0".into()]);
    world.ask_every(0, 2, 12 * H, 10 * M, &Caller::with("p0"));
    world.run(12 * H);
    assert!(world.stats.errors() <= 7, "{}", world.stats.errors());
}

#[test]
fn circuit_probe_lesson_14_four_processes_with_a_wrong_password_probe_once_each_time() {
    for (kind, vague, sends) in
        [(Kind::Wyn, false, 8), (Kind::Winkas, false, 8), (Kind::Winkas, true, 16)]
    {
        let mut world = World::launched(Setup { vague, ..setup(kind, 12 * H, 4) });
        for p in 0..4 {
            let late = S * i64::try_from(p).unwrap();
            world.ask_every(p, late, 80 * H, M, &Caller::with("bad"));
        }
        world.run(80 * H);
        world.assert_kept();
        // Probes at 0, 1, 3, 7, 15, 31, 55 and 79 h.
        assert_eq!(world.provider.wrong.len(), sends, "{kind:?} {vague}");
    }
}

#[test]
fn lesson_14_a_reset_allows_one_send_and_a_success_reopens_for_siblings() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    world.touch();
    world.provider.passwords = vec!["x".into()];
    asks_with(&mut world, 0, &[0, M], &Caller::with("p0"));
    asks_with(&mut world, 1, &[2 * M], &Caller::with("p0"));
    world.at(3 * M, |world| {
        world.provider.passwords = vec!["p0".into()];
        world.unblock(0);
    });
    asks_with(&mut world, 1, &[4 * M], &Caller::with("p0"));
    asks_with(&mut world, 0, &[5 * M], &Caller::with("p0"));
    world.run(H);
    world.assert_kept();
    assert_eq!((world.provider.wrong.len(), logins(&world)), (1, 2));
    assert_eq!((world.stats.served, world.stats.errors()), (2, 3));
}

#[test]
fn shared_hold_nobody_calls_while_one_was_told_to_wait() {
    let mut world = world(Kind::Winkas, 12 * H, 16);
    break_it(&mut world, 0, 2 * M, Fault::Throttle);
    let caller = Caller { wait: 30 * S, ..Caller::default() };
    for p in 0..16 {
        world.ask_every(p, 100, 3 * M, 10 * S, &caller);
    }
    world.run(4 * M);
    world.assert_kept();
    assert_eq!((world.stats.hammered, logins(&world)), (0, 1));
}

#[test]
fn hold5xx_a_provider_that_is_down_is_asked_seldom_by_all_together() {
    let mut world = world(Kind::Winkas, 12 * H, 16);
    break_it(&mut world, 0, 30 * M, Fault::Provider);
    let caller = Caller { wait: 30 * S, ..Caller::default() };
    for p in 0..16_usize {
        let late = 600 * i64::try_from(p).unwrap();
        world.ask_every(p, 100 + late, 40 * M, 10 * S, &caller);
    }
    world.run(40 * M);
    world.assert_kept();
    assert_eq!(logins(&world), 1);
    assert!(world.stats.into_the_dark <= 200, "{}", world.stats.into_the_dark);
}

#[test]
fn many_wrong_lesson_14_a_program_that_passes_passwords_through_does_not_lock_the_account() {
    let mut world = world(Kind::Winkas, 12 * H, 2);
    for n in 0..50 {
        let (p, t) = (usize::try_from(n % 2).unwrap(), n * M);
        asks_with(&mut world, p, &[t], &Caller::with(&format!("bad{n}")));
    }
    world.run(H);
    world.assert_kept();
    assert!(world.provider.wrong.len() <= 9, "{:?}", world.provider.wrong);
    most_in_a_quarter(&world, 3);
}

fn most_in_a_quarter(world: &World, most: usize) {
    let times: Vec<i64> = world.provider.wrong.iter().map(|wrong| wrong.0).collect();
    for from in &times {
        let many = times.iter().filter(|t| (*from..from + 15 * M).contains(*t)).count();
        assert!(many <= most, "{many} sends in a quarter of an hour: {:?}", world.provider.wrong);
    }
}

#[test]
fn login_alone_a_mistyped_password_does_not_shut_out_the_right_one() {
    let mut setup = setup(Kind::Winkas, 12 * H, 2);
    setup.vague = true;
    let mut one = World::launched(setup.clone());
    asks_with(&mut one, 0, &[0], &Caller::with("bad"));
    asks(&mut one, 1, &[M]);
    one.run(5 * M);
    one.assert_kept();
    assert_eq!(one.stats.served, 1);

    let mut many = World::launched(setup);
    for n in 0..50 {
        let (p, t) = (usize::try_from(n % 2).unwrap(), n * M);
        asks_with(&mut many, p, &[t], &Caller::with(&format!("bad{n}")));
    }
    many.run(H);
    assert!(many.provider.wrong.len() <= 10, "{:?}", many.provider.wrong);
    most_in_a_quarter(&many, 3);
}

#[test]
fn login_alone_the_second_unproven_proof_has_one_send_beside_a_live_token() {
    let mut setup = setup(Kind::Winkas, 12 * H, 2);
    setup.vague = true;
    let mut world = World::launched(setup);
    asks(&mut world, 0, &[0]);
    for n in 0..3 {
        asks_with(&mut world, 1, &[M + n * M], &Caller::with(&format!("bad{n}")));
    }
    world.run(10 * M);
    world.assert_kept();
    let sends: Vec<_> = world.provider.wrong.iter().map(|wrong| wrong.2).collect();
    assert_eq!(sends, ["refetch", "login", "refetch"]);
}

#[test]
fn entry_hold_a_403_to_one_proof_holds_that_proof_alone() {
    let mut world = world(Kind::Wyn, 600 * S, 2);
    world.touch();
    world.provider.passwords = vec!["p0".into(), "p1".into()];
    world.forbidden = Some(("p1".into(), 30 * M));
    for (p, password) in [(0, "p0"), (1, "p1")] {
        world.processes[p].password = password.into();
        every(&mut world, p, i64::try_from(p).unwrap() * S, 2 * H, 20 * S);
    }
    world.run(30 * M);
    // Sent at 0, 1, 3, 7 and 15 minutes.
    assert_eq!(world.stats.forbidden, 5);
    assert_eq!(world.stats.errors(), 90);
    world.run(2 * H);
    world.assert_kept();
    assert!(world.stats.errors() <= 99, "{}", world.stats.errors());
}

#[test]
fn set_credentials_a_changed_password_at_winkas_costs_no_token() {
    let mut world = world(Kind::Winkas, 12 * H, 4);
    world.touch();
    for p in 0..4_usize {
        let late = i64::try_from(p).unwrap();
        every(&mut world, p, late * S, 3 * H, 20 * S);
        world.at(H + (late + 1) * 5 * M, move |world| world.processes[p].password = "p1".into());
    }
    world.at(H, |world| world.provider.passwords = vec!["p1".into()]);
    world.run(3 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.provider.wrong.len(), world.stats.errors()), (1, 0, 0));
}

#[test]
fn lesson_8_a_failed_refresh_keeps_the_lease_in_use_to_its_end() {
    let mut world = world(Kind::Wyn, H, 2);
    asks(&mut world, 0, &[0]);
    break_it(&mut world, 50 * M, 58 * M + 59 * S, Fault::Provider);
    for p in 0..2 {
        every(&mut world, p, 50 * M, 2 * H, 10 * S);
    }
    world.run(2 * H);
    world.assert_kept();
    assert_eq!((world.stats.errors(), world.stats.dead), (0, 0));
}

#[test]
fn lesson_8_an_unreachable_provider_in_the_window_costs_no_error() {
    let mut world = world(Kind::Wyn, H, 1);
    asks(&mut world, 0, &[0]);
    break_it(&mut world, 50 * M, 58 * M, Fault::Unreachable);
    every(&mut world, 0, 50 * M, 70 * M, S);
    world.run(2 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.errors()), (2, 0));
}

#[test]
fn lesson_8_a_wrong_configuration_is_sent_once_and_keeps_a_lease_that_still_works() {
    let mut world = world(Kind::Wyn, H, 1);
    asks(&mut world, 0, &[0]);
    break_it(&mut world, 50 * M, 3 * H, Fault::Config);
    every(&mut world, 0, 50 * M, 2 * H, 20 * S);
    world.run(58 * M);
    assert_eq!((world.stats.errors(), world.stats.forbidden), (0, 1));
    world.run(3 * H);
    assert!(world.stats.errors() > 150);
    assert_eq!(world.stats.forbidden, 1);
    world.at(3 * H, |world| {
        let now = world.clock(0);
        let password = "p0".into();
        world.machine(0, &password).unblock(now);
    });
    let errors = world.stats.errors();
    asks(&mut world, 0, &[3 * H + S]);
    world.run(4 * H);
    world.assert_kept();
    assert_eq!((logins(&world), world.stats.errors() - errors), (2, 0));
}

#[test]
fn shared_hold_a_hold_is_not_made_longer_by_looking_at_it() {
    let mut world = world(Kind::Wyn, H, 1);
    break_it(&mut world, 0, S, Fault::Throttle);
    asks_with(&mut world, 0, &[100], &Caller { wait: 120 * S, ..Caller::default() });
    world.run(5 * M);
    world.assert_kept();
    let done = world.stats.answered[0];
    assert!((60 * S..62 * S).contains(&done), "{done}");
}

#[test]
fn entry_hold_each_process_waits_though_the_record_keeps_only_eight_of_twelve_holds() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    break_it(&mut world, 0, 2 * H, Fault::Forbid);
    for n in 0..12_i64 {
        let caller = Caller::with(&format!("bad{n}"));
        for p in 0..2 {
            world.ask_every(p, (n + 1) * S, 2 * H, 20 * S, &caller);
        }
    }
    world.run(2 * H);
    world.assert_kept();
    // Each credentials fingerprint in each process: at once, then after 1, 2, 4, 8, 16 and 32 minutes.
    assert!(world.stats.forbidden <= 12 * 2 * 7, "{}", world.stats.forbidden);
}
