//! Backoffs after failed calls, and failed refreshes.

use tokenlease_sim::{Caller, Fault, H, Kind, M, S};

use crate::{add_fault, asks, asks_with, every, logins, world};

/// Rule: Backoff: after throttling or a server error all processes back off.
///
/// The provider throttles for two minutes, with `Retry-After` of one minute, while 16 processes
/// ask.
#[test]
fn no_process_sends_before_the_retry_after_of_another_has_passed() {
    let mut world = world(Kind::Winkas, 12 * H, 16);
    add_fault(&mut world, 0, 2 * M, Fault::Throttle);
    let caller = Caller { timeout: 30 * S, ..Caller::default() };
    for p in 0..16 {
        world.ask_every(p, 100, 3 * M, 10 * S, &caller);
    }
    world.run(4 * M);
    world.assert_no_violation();
    assert_eq!((world.stats.sent_in_backoff, logins(&world)), (0, 1));
}

/// Rule: Backoff: a provider that is down gets few calls from the whole fleet.
///
/// The provider answers 503 for 30 minutes, while 16 processes ask every ten seconds.
#[test]
fn a_provider_that_is_down_gets_few_calls_from_the_whole_fleet() {
    let mut world = world(Kind::Winkas, 12 * H, 16);
    add_fault(&mut world, 0, 30 * M, Fault::Provider);
    let caller = Caller { timeout: 30 * S, ..Caller::default() };
    for p in 0..16_usize {
        let late = 600 * i64::try_from(p).unwrap();
        world.ask_every(p, 100 + late, 40 * M, 10 * S, &caller);
    }
    world.run(40 * M);
    world.assert_no_violation();
    assert_eq!(logins(&world), 1);
    assert!(world.stats.sent_while_down <= 200, "{}", world.stats.sent_while_down);
}

/// Rule: Backoff: an unusable answer, as 403, makes only the entry of these credentials back off,
/// for 1, 2, 4 … 60 minutes.
///
/// Two passwords are valid, and the provider answers 403 to one of them for 30 minutes.
#[test]
fn a_403_for_one_password_makes_only_its_entry_back_off() {
    let mut world = world(Kind::Wyn, 600 * S, 2);
    world.mark_faulty();
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
    world.assert_no_violation();
    assert!(world.stats.errors() <= 99, "{}", world.stats.errors());
}

/// Rule: Expiry: a failed refresh keeps the cached token until its expiry.
///
/// The provider is down from ten minutes to one minute before the expiry.
///
/// Reported as googleapis/google-cloud-rust#5809.
#[test]
fn a_failed_refresh_keeps_the_cached_token_until_its_expiry() {
    let mut world = world(Kind::Wyn, H, 2);
    asks(&mut world, 0, &[0]);
    add_fault(&mut world, 50 * M, 58 * M + 59 * S, Fault::Provider);
    for p in 0..2 {
        every(&mut world, p, 50 * M, 2 * H, 10 * S);
    }
    world.run(2 * H);
    world.assert_no_violation();
    assert_eq!((world.stats.errors(), world.stats.inactive_served), (0, 0));
}

/// Rule: Expiry: an unreachable provider in the refresh window costs no caller an error.
///
/// Reported as googleapis/google-cloud-rust#5809.
#[test]
fn an_unreachable_provider_in_the_refresh_window_costs_no_error() {
    let mut world = world(Kind::Wyn, H, 1);
    asks(&mut world, 0, &[0]);
    add_fault(&mut world, 50 * M, 58 * M, Fault::Unreachable);
    every(&mut world, 0, 50 * M, 70 * M, S);
    world.run(2 * H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.errors()), (2, 0));
}

/// Rule: Backoff: an error that only another configuration corrects is probed hourly by one process, keeps
/// the cached token until its expiry, and ends without a person.
///
/// The provider answers with `invalid_scope` from ten minutes before the expiry until three hours. 4
/// processes ask every 20 s.
#[test]
fn a_wrong_configuration_is_probed_hourly_by_one_process_and_keeps_the_cached_token() {
    let mut world = world(Kind::Wyn, H, 4);
    asks(&mut world, 0, &[0]);
    add_fault(&mut world, 50 * M, 3 * H, Fault::Config);
    for p in 0..4 {
        every(&mut world, p, 50 * M, 4 * H, 20 * S);
    }
    world.run(58 * M);
    assert_eq!((world.stats.errors(), world.stats.forbidden), (0, 1));
    world.run(3 * H);
    assert!(world.stats.errors() > 600, "{}", world.stats.errors());
    // At 50 minutes, and then an hour and two hours later.
    assert_eq!((world.stats.forbidden, logins(&world)), (3, 1));
    world.run(4 * H);
    world.assert_no_violation();
    // The probe three hours later succeeds.
    assert_eq!((world.stats.forbidden, logins(&world)), (3, 2));
}

/// Rule: Backoff: `unblock` ends the wait for the next probe of a configuration.
///
/// The provider answers with `invalid_scope` for 40 minutes.
#[test]
fn unblock_ends_the_wait_for_the_next_probe_of_a_configuration() {
    let mut world = world(Kind::Wyn, H, 1);
    add_fault(&mut world, 0, 40 * M, Fault::Config);
    every(&mut world, 0, S, 50 * M, 20 * S);
    world.run(50 * M);
    assert_eq!((world.stats.forbidden, logins(&world)), (1, 0));
    world.at(50 * M, |world| {
        let now = world.clock(0);
        let password = "p0".into();
        world.lifecycle(0, &password).unblock(now);
    });
    let errors = world.stats.errors();
    asks(&mut world, 0, &[50 * M + S]);
    world.run(H);
    world.assert_no_violation();
    assert_eq!((logins(&world), world.stats.errors() - errors), (1, 0));
}

/// Rule: Backoff: reading a backoff from the record does not extend it.
///
/// The provider throttles once with `Retry-After` of 60 s. A waiting caller has its token between
/// 60 s and 62 s.
#[test]
fn reading_a_backoff_does_not_extend_it() {
    let mut world = world(Kind::Wyn, H, 1);
    add_fault(&mut world, 0, S, Fault::Throttle);
    asks_with(&mut world, 0, &[100], &Caller { timeout: 120 * S, ..Caller::default() });
    world.run(5 * M);
    world.assert_no_violation();
    let done = world.stats.answer_times[0];
    assert!((60 * S..62 * S).contains(&done), "{done}");
}

/// Rule: Backoff: a process backs off for an entry even if the record has no room for its backoff.
///
/// The provider answers 403 to twelve passwords in two processes for two hours.
#[test]
fn each_process_backs_off_although_the_record_keeps_only_eight_of_twelve_backoffs() {
    let mut world = world(Kind::Wyn, 12 * H, 2);
    add_fault(&mut world, 0, 2 * H, Fault::Forbid);
    for n in 0..12_i64 {
        let caller = Caller::with(&format!("bad{n}"));
        for p in 0..2 {
            world.ask_every(p, (n + 1) * S, 2 * H, 20 * S, &caller);
        }
    }
    world.run(2 * H);
    world.assert_no_violation();
    // For each password in each process: at once, then after 1, 2, 4, 8, 16 and 32 minutes.
    assert!(world.stats.forbidden <= 12 * 2 * 7, "{}", world.stats.forbidden);
}
