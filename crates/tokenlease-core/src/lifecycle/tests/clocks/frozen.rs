//! Hosts that were frozen, and their tokens in the record that other hosts read.

use super::*;
use crate::record::{HistoryCause, Tombstone, TombstoneCause};

/// Rule: Clocks: a process that was frozen in a store outage saves its doubt with the token, so that a
/// process of another host validates the token before it serves it.
#[test]
fn a_doubt_that_is_saved_reaches_other_hosts() {
    let mut host = Host::new();
    host.freeze_in_outage(HOUR);
    // That host was not frozen: its clocks agree with the store's.
    let mut other = machine_of(wyn(), true).with_boot(BootId(8));
    host.validation = || Answer::Inactive;
    assert_eq!(host.token(&mut other, MINUTE).0, "token-2");
    assert_eq!((host.validations, host.logins), (1, 2));
}

/// Rule: Clocks: a doubt of another host is settled by one validation, for all hosts.
#[test]
fn a_doubt_of_another_host_is_settled_once() {
    let mut host = Host::new();
    host.freeze_in_outage(HOUR / 2);
    for boot in [8, 9, 7, 8] {
        let mut other = machine_of(wyn(), true).with_boot(BootId(boot));
        assert_eq!(host.token(&mut other, MINUTE).0, "token-1");
    }
    assert_eq!((host.validations, host.logins), (1, 1));
}

/// Rule: Clocks: how much older a token may be than a frozen host saved stays known to all hosts: from
/// that end on it is validated.
#[test]
fn a_doubt_about_the_age_of_a_token_outlasts_its_validation() {
    let mut host = Host::new();
    host.freeze_in_outage(HOUR / 2);
    for (boot, t, validations) in [(8, MINUTE, 1), (9, 29 * MINUTE, 1), (9, 31 * MINUTE, 2)] {
        let mut other = machine_of(wyn(), true).with_boot(BootId(boot));
        assert_eq!(host.token(&mut other, t).0, "token-1");
        assert_eq!(host.validations, validations, "{t}");
    }
    assert_eq!(host.logins, 1);
}

/// Rule: Clocks: a token that a frozen host got in a store outage does not replace a token that another
/// host got while the clock stopped.
#[test]
fn the_token_of_a_frozen_host_does_not_replace_a_newer_one() {
    let mut host = Host::new();
    let mut frozen = host.log_in_in_outage();
    let mut other = machine_of(wyn(), true).with_boot(BootId(8));
    assert_eq!(host.token(&mut other, 30 * MINUTE).0, "token-2");
    host.freeze(HOUR);
    // By its clock it got its token an hour later. The server has ended that token.
    host.drive(&mut frozen, MINUTE);
    host.validation = || Answer::Inactive;
    assert_eq!(host.token(&mut frozen, MINUTE + 1).0, "token-2");
    let mut third = machine_of(wyn(), true).with_boot(BootId(9));
    assert_eq!(host.token(&mut third, MINUTE + 2).0, "token-2");
    assert_eq!(host.logins, 2);
}

/// Rule: Clocks: a host that was frozen and saves its token again does not postpone the end that other hosts know.
///
/// The store loses its data. Also if the other host has saved the token before.
#[test]
fn a_frozen_host_does_not_postpone_the_end_of_a_token_for_others() {
    for saved_before in [false, true] {
        let (mut host, mut second) = (Host::new(), Host::new());
        let mut frozen = process();
        let mut other = machine_of(wyn(), true).with_boot(BootId(8));
        host.token(&mut frozen, 0);
        (second.store, second.logins) = (host.store.take(), 1);
        assert_eq!(second.token(&mut other, MINUTE).0, "token-1");
        if saved_before {
            host.store = second.store.take();
        }
        host.freeze(HOUR / 2);
        assert_eq!(host.token(&mut frozen, 2 * MINUTE).0, "token-1");
        host.drive(&mut frozen, 2 * MINUTE);
        second.store = host.store.take();
        assert!(second.store.is_some(), "it is saved again");
        assert_eq!(second.token(&mut other, HOUR / 2 + 3 * MINUTE).0, "token-1");
        // A process that knows nothing but the record asks the server first, if only the frozen host saved it.
        let mut third = machine_of(wyn(), true).with_boot(BootId(9));
        let expected = if saved_before { "token-2" } else { "token-1" };
        assert_eq!(second.clone().token(&mut third, HOUR + MINUTE).0, expected);
        assert_eq!(second.token(&mut other, HOUR + MINUTE).0, "token-2", "{saved_before}");
    }
}

/// Rule: Clocks: a validation that a frozen host saves counts from when it was sent, also for other hosts.
///
/// Without that, another host would serve the token too long after the last validation.
#[test]
fn a_frozen_host_does_not_make_its_validation_a_later_one() {
    let winkas = || machine_of(Identity::winkas("https://h", "u", "c").unwrap(), true);
    let (mut host, mut frozen) = (Host::new(), winkas().with_boot(BootId(7)));
    host.token(&mut frozen, 0);
    let token = frozen.current().unwrap().0.token().clone();
    host.store_is_away = true;
    frozen.validate(&token).unwrap();
    for second in 0..5 {
        host.drive(&mut frozen, 15 * HOUR + second * 1000);
    }
    host.store_is_away = false;
    assert_eq!(host.validations, 1);
    host.freeze(HOUR);
    host.drive(&mut frozen, 15 * HOUR + MINUTE);
    host.drive(&mut frozen, 15 * HOUR + 2 * MINUTE);
    assert!(!frozen.is_unsaved());
    let mut second = Host { ahead: 0, store_ahead: 0, ..host };
    let mut other = winkas().with_boot(BootId(8));
    assert_eq!(second.token(&mut other, 16 * HOUR + 3 * MINUTE).0, "token-1");
    assert_eq!((second.validations, second.logins), (2, 1));
}

/// Rule: Clocks: a frozen host that saves that a login lifted a rejection does not lift a later one of another
/// host.
#[test]
fn a_frozen_host_does_not_lift_a_later_rejection() {
    let (mut host, mut frozen) = (Host::new(), process());
    host.token(&mut frozen, 0);
    let lease = frozen.current().unwrap().0.clone();
    let (fingerprint, credentials) = (lease.fingerprint(), frozen.credentials_fingerprint());
    let rejected = |at| {
        let (cause, at) = (TombstoneCause::Rejected, Timestamp(at));
        RecordChange::Ended { credentials, fingerprint, tombstone: Tombstone { cause, at } }
    };
    frozen.record_change(rejected(1_000), Timestamp(1_000));
    host.drive(&mut frozen, 1_000);
    let (sent, then) = (Timestamp(2_000), frozen.clocks.wall(Timestamp(2_000)));
    frozen.record_change(RecordChange::Lifted { fingerprint, sent, then }, sent);
    host.freeze(HOUR);
    host.drive(&mut frozen, MINUTE);
    let mut other = machine_of(wyn(), true).with_boot(BootId(8));
    let mut second = Host { ahead: 0, store_ahead: 0, ..host };
    other.record_change(rejected(HOUR / 2), Timestamp(HOUR / 2));
    second.drive(&mut other, HOUR + 2 * MINUTE);
    let (_, Record(record)) = second.store.unwrap();
    let history = record.history(fingerprint).unwrap();
    assert!(history.tombstone.is_some(), "{history:?}");
}

/// Rule: Clocks: a host that was frozen reads the record before it saves a time, also where the store rejected its
/// calls meanwhile.
#[test]
fn a_frozen_host_translates_times_by_a_record_that_it_reads_again() {
    let mut host = Host::new();
    let mut machine = process();
    host.token(&mut machine, 0);
    let token = machine.current().unwrap().0.token().clone();
    host.store_rejects = true;
    host.freeze(HOUR / 2);
    machine.validate(&token).unwrap();
    host.drive(&mut machine, 10 * MINUTE);
    host.store_rejects = false;
    host.drive(&mut machine, 11 * MINUTE);
    assert!(!machine.is_unsaved());
    let (_, Record(record)) = host.store.unwrap();
    let lease = &record.leases[0].lease;
    assert_eq!(lease.validated_at(), Some(StoreTime(40 * MINUTE)));
    assert_eq!(lease.clocks.unwrap().issued, WallTime(0));
}

/// Rule: Clocks: a refetched token that is older by the record keeps that doubt: what the clocks showed when
/// it was issued is taken from the record with its age.
#[test]
fn a_refetched_token_takes_the_clocks_of_its_login_from_the_record() {
    let winkas = || machine_of(Identity::winkas("https://h", "u", "c").unwrap(), true);
    let process = || winkas().with_boot(BootId(7));
    // The refetch comes an hour before a freeze of an hour with the store's host, or two hours before.
    for (refetched, store_is_frozen) in [(2 * HOUR, false), (HOUR, true)] {
        let mut host = Host::new();
        host.token(&mut process(), 0);
        let mut machine = process();
        host.record_is_unreadable = true;
        assert_eq!(host.token(&mut machine, refetched).0, "token-1");
        host.record_is_unreadable = false;
        host.drive(&mut machine, refetched + MINUTE);
        host.token(&mut machine, refetched + MINUTE);
        host.freeze(HOUR);
        host.store_ahead -= if store_is_frozen { HOUR } else { 0 };
        host.token(&mut machine, 10 * HOUR);
        let before = host.validations;
        // Twelve hours after its login, the server has ended it.
        host.token(&mut machine, 11 * HOUR + MINUTE / 2);
        assert_eq!((host.validations, host.logins), (before + 1, 1), "{refetched}");
    }
}

/// Rule: Clocks: an end of a running token that the server states to another process again raises no doubt, and
/// is no reason for a login if the host was frozen since: the token is validated.
///
/// The store loses its data, and the other process saves the token again while this one gets the lock.
#[test]
fn an_end_that_was_stated_to_another_process_raises_no_doubt_and_causes_no_login() {
    for (frozen, validations) in [(0, 0), (HOUR / 4, 1)] {
        let (mut host, mut machine, mut other) = (Host::new(), process(), process());
        host.token(&mut machine, 0);
        // The server returns its running token.
        host.logins = 0;
        let (t, later) = (HOUR - MINUTE / 2, HOUR + MINUTE);
        assert_eq!(host.token(&mut other, t).0, "token-1");
        host.drive(&mut other, t);
        assert_eq!((host.validations, host.logins), (0, 1));
        // The store is on that host.
        host.ahead += frozen;
        let saved = host.store.take();
        // By the first end, the token has expired.
        let ask = Ask::new(Timestamp(later), Duration::from_secs(20));
        assert!(matches!(machine.ask(&ask, host.now(later)), Reply::Later));
        while let Step::Do(effect, receipt) = machine.poll(host.now(later)) {
            if matches!(effect, Effect::Lock { .. }) {
                host.store.clone_from(&saved);
            }
            let outcome = host.outcome(&machine, &effect, later);
            machine.handle(receipt, outcome, host.now(later));
        }
        assert!(matches!(machine.ask(&ask, host.now(later)), Reply::Lease(_)));
        assert_eq!((host.validations, host.logins), (validations, 1), "{frozen}");
    }
}

/// Rule: Clocks: a host that is frozen again notices it, also in a process that starts later.
#[test]
fn a_host_that_was_frozen_in_an_outage_notices_when_it_is_frozen_again() {
    let mut host = Host::new();
    host.freeze_in_outage(HOUR / 4);
    host.token(&mut process(), MINUTE);
    assert_eq!(host.validations, 1);
    host.ahead += HOUR / 4;
    host.token(&mut process(), 2 * MINUTE);
    assert_eq!((host.validations, host.logins), (2, 1));
}

/// Rule: Clocks: a host that was frozen since its login closes no circuit that another host opened meanwhile.
#[test]
fn a_frozen_host_closes_no_circuit_of_another_host() {
    let mut host = Host::new();
    let mut frozen = host.log_in_in_outage();
    host.failure = Some(rejected);
    let is_rejected = |host: &mut Host, machine: &mut Lifecycle, t: i64| {
        let ask = Ask::new(Timestamp(t), Duration::from_secs(20));
        while let Reply::Later = machine.ask(&ask, host.now(t)) {
            host.drive(machine, t);
        }
        let reply = machine.ask(&ask, host.now(t));
        matches!(reply, Reply::Error(error) if error.kind() == ErrorKind::CredentialsRejected)
    };
    let mut other = machine_of(wyn(), true).with_boot(BootId(8));
    assert!(is_rejected(&mut host, &mut other, 30 * MINUTE));
    host.freeze(HOUR);
    host.failure = None;
    // By its clock it logged in an hour later.
    host.drive(&mut frozen, MINUTE);
    let mut third = machine_of(wyn(), true).with_boot(BootId(9));
    assert!(is_rejected(&mut host, &mut third, 2 * MINUTE));
}

/// Rule: Clocks: where the server can't be asked, a doubt and a caller that prefers a longer remaining lifetime
/// together are no reason for a login.
#[test]
fn a_doubt_and_a_longer_remaining_lifetime_cause_no_login() {
    let winkas = machine_of(Identity::winkas("https://h", "u", "c").unwrap(), true);
    let (mut host, mut machine) = (Host::new(), winkas.with_boot(BootId(7)));
    host.token(&mut machine, 0);
    host.ahead = HOUR;
    host.validation = unavailable;
    let locks = host.locks;
    let t = 30 * MINUTE;
    let preferred = Some(Duration::from_secs(3600));
    let ask = Ask { min_remaining: preferred, ..Ask::new(Timestamp(t), Duration::from_secs(20)) };
    for _ in 0..5 {
        if matches!(machine.ask(&ask, host.now(t)), Reply::Lease(_)) {
            // One lock for the doubt, and none for a refetch.
            assert_eq!((host.logins, host.locks), (1, locks + 1));
            return;
        }
        host.drive(&mut machine, t);
    }
    panic!("no lease");
}

/// Rule: Logins: clocks that have parted are not the cause of a login that was decided before.
#[test]
fn clocks_that_part_during_a_flight_are_not_the_cause_of_its_login() {
    let (mut host, mut machine) = (Host::new(), process());
    host.token(&mut machine, 0);
    let t = HOUR - MINUTE - 1;
    let ask = Ask::new(Timestamp(t), Duration::from_secs(20));
    assert!(matches!(machine.ask(&ask, host.now(t)), Reply::Later));
    while let Step::Do(effect, receipt) = machine.poll(host.now(t)) {
        // The wall clock is set while the process gets the lock.
        host.ahead += if matches!(effect, Effect::Lock { .. }) { HOUR } else { 0 };
        let is_login = matches!(effect, Effect::Send(Call::Login));
        let outcome = if is_login { granted(2, t) } else { stored(&effect, &mut host.store, t) };
        machine.handle(receipt, outcome, host.now(t));
    }
    assert_eq!(machine.cause_of_last_login(), Some((HistoryCause::Expiring, false)));
}

/// Rule: Validation: if the server calls a token inactive, and the record has another one, the server is asked
/// about that one too, before a login.
///
/// A host is frozen, and the store loses its data. The record has the token of another host, which is older by the
/// clock of the frozen one.
#[test]
fn a_token_that_is_adopted_after_another_was_found_inactive_is_validated_before_a_login() {
    let winkas = || machine_of(Identity::winkas("https://h", "u", "c").unwrap(), true);
    let active = || Answer::Active;
    let inactive = || Answer::Inactive;
    for (second, expected) in [(active as fn() -> Answer, "token-2"), (inactive, "token-3")] {
        let (mut host, mut frozen) = (Host::new(), winkas().with_boot(BootId(7)));
        host.token(&mut frozen, 0);
        host.validation = inactive;
        host.store = None;
        let mut other = winkas().with_boot(BootId(8));
        assert_eq!(host.token(&mut other, HOUR).0, "token-2");
        host.freeze(14 * HOUR);
        let ask = Ask::new(Timestamp(MINUTE), Duration::from_secs(20));
        assert!(matches!(frozen.ask(&ask, host.now(MINUTE)), Reply::Later));
        while let Step::Do(effect, receipt) = frozen.poll(host.now(MINUTE)) {
            let outcome = host.outcome(&frozen, &effect, MINUTE);
            if matches!(effect, Effect::Send(Call::Validate(_))) {
                host.validation = second;
            }
            frozen.handle(receipt, outcome, host.now(MINUTE));
        }
        let Reply::Lease(served) = frozen.ask(&ask, host.now(MINUTE)) else { panic!("no lease") };
        assert_eq!((served.lease.token().expose(), host.validations), (expected, 2));
        if expected == "token-3" {
            assert_eq!(frozen.cause_of_last_login(), Some((HistoryCause::Inactive, false)));
        }
    }
}

/// Rule: Clocks: without a shared store, a wall clock that is set after a login does not lose its token: no
/// other host can have been rejected meanwhile.
///
/// Credentials are rejected, and accepted an hour later. Then the wall clock is set by more than an hour.
#[test]
fn without_a_store_a_login_stays_later_than_a_rejection_before_it() {
    let (mut host, mut machine) = (Host::new(), machine_of(wyn(), false).with_boot(BootId(7)));
    let ask = |t: i64| Ask::new(Timestamp(t), Duration::from_secs(20));
    host.failure = Some(rejected);
    assert!(matches!(machine.ask(&ask(0), host.now(0)), Reply::Later));
    host.drive(&mut machine, 0);
    assert!(matches!(machine.ask(&ask(0), host.now(0)), Reply::Error(_)));
    assert!(matches!(machine.ask(&ask(HOUR), host.now(HOUR)), Reply::Later));
    let Step::Do(Effect::Send(Call::Login), receipt) = machine.poll(host.now(HOUR)) else {
        panic!("no login");
    };
    machine.handle(receipt, granted(1, HOUR), host.now(HOUR));
    host.ahead = HOUR + 1;
    host.drive(&mut machine, HOUR);
    host.failure = None;
    let _ = machine.ask(&ask(HOUR), host.now(HOUR));
    host.drive(&mut machine, HOUR);
    assert_eq!((host.logins, host.validations), (0, 1));
    assert!(matches!(machine.ask(&ask(HOUR), host.now(HOUR)), Reply::Lease(_)));
}
