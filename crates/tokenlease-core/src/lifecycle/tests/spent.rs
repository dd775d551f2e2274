//! Logins that bring nothing better, and the margin before a token's end.

use super::*;
use crate::record::{
    RecordState,
    change::{Origin, RecordChange},
};

/// The answer to a login at `t`: this token, with a life of so many seconds.
fn token(number: u32, life: u64, t: i64) -> Outcome {
    let Outcome::Answered(Answer::Token(granted)) = granted(number, t) else { unreachable!() };
    let life = Life::Stated(Duration::from_secs(life));
    Outcome::Answered(Answer::Token(Granted { life, ..granted }))
}

fn down() -> Outcome {
    let error = Error::new(ErrorKind::Unavailable, "down").with_status(503);
    Outcome::Answered(Answer::Failed(error))
}

/// Asks as a caller that waits for so many milliseconds.
fn ask_for(machine: &mut Lifecycle, t: i64, wait: u64) -> Reply {
    machine.ask(&Ask::new(Timestamp(t), Duration::from_millis(wait)), at(t))
}

/// Returns a state machine without a store whose token lives for 600 s. Its margin begins at 540 s.
fn with_token() -> Lifecycle {
    let mut machine = machine_of(wyn(), false);
    log_in(&mut machine, 0, 1, 600);
    machine
}

/// Asks, and answers the login that follows.
fn log_in(machine: &mut Lifecycle, t: i64, number: u32, life: u64) {
    assert!(matches!(ask(machine, t), Reply::Later), "{t}");
    let (call, receipt) = sent(machine, t);
    assert_eq!(call, Call::Login);
    machine.handle(receipt, token(number, life, t), at(t));
    settle(machine, t);
}

/// Rule: Expiry: in the margin a caller waits for a new token, and gets the old one at its deadline.
#[test]
fn in_the_margin_a_caller_waits_for_a_new_token_up_to_its_deadline() {
    let mut machine = with_token();
    let impatient = Ask::new(Timestamp(545_000), Duration::from_secs(5));
    assert!(matches!(machine.ask(&impatient, at(545_000)), Reply::Later));
    let (call, _) = sent(&mut machine, 545_000);
    assert_eq!(call, Call::Login);
    assert!(matches!(machine.ask(&impatient, at(545_001)), Reply::Later));
    let reply = machine.ask(&impatient, at(550_000));
    assert!(matches!(reply, Reply::Lease(_)), "{reply:?}");
}

/// Rule: Expiry: in the margin the old token serves at once while no login may be sent.
#[test]
fn in_the_margin_the_old_token_serves_at_once_during_a_backoff() {
    let mut machine = with_token();
    assert!(matches!(ask(&mut machine, 545_000), Reply::Later));
    let (_, login) = sent(&mut machine, 545_000);
    machine.handle(login, down(), at(545_000));
    settle(&mut machine, 545_000);
    let reply = ask(&mut machine, 545_001);
    assert!(matches!(reply, Reply::Lease(_)), "{reply:?}");
}

/// Rule: Logins: after a login whose answer was lost in the margin, the next one is sent 10 s later, and
/// not only at the old token's end.
#[test]
fn a_login_that_was_lost_in_the_margin_is_repeated_before_the_end() {
    let mut machine = with_token();
    assert!(matches!(ask(&mut machine, 545_000), Reply::Later));
    let (_, login) = sent(&mut machine, 545_000);
    let error = Error::new(ErrorKind::Transport, "the answer was cut off");
    machine.handle(login, Outcome::Lost(error), at(545_000));
    settle(&mut machine, 545_000);
    assert!(matches!(ask(&mut machine, 554_000), Reply::Lease(_)), "it is too soon");
    assert!(matches!(ask(&mut machine, 575_000), Reply::Later));
    let (call, _) = sent(&mut machine, 575_000);
    assert_eq!(call, Call::Login);
}

/// Rule: Logins: a row of logins that brought nothing better is forgotten after an hour.
#[test]
fn a_row_of_spent_logins_is_forgotten_after_an_hour() {
    let mut machine = machine_of(wyn(), false);
    // Tokens that have expired on arrival: the waits between their logins double from 1 s.
    let mut t = 0;
    for number in 1..5 {
        log_in(&mut machine, t, number, 0);
        t += 20_000;
    }
    assert_eq!(machine.spent_logins_in_a_row(Timestamp(t)), 4);
    t += 3_600_000;
    log_in(&mut machine, t, 9, 0);
    assert_eq!(machine.spent_logins_in_a_row(Timestamp(t)), 1);
    log_in(&mut machine, t + 1_500, 10, 0);
}

/// Rule: Rejection: a login that is sent after a rejection without a validation lifts it, once, if the
/// server returns the same token.
#[test]
fn a_login_lifts_an_unconfirmed_rejection_once() {
    let mut machine = machine_of(wyn(), false);
    log_in(&mut machine, 0, 1, 3_600);
    let reject = |machine: &mut Lifecycle, t: i64| {
        // The record is read first if that was long ago.
        let _ = ask(machine, t);
        settle(machine, t);
        let Reply::Lease(served) = ask(machine, t) else { panic!("{t}") };
        let _ = machine.report_rejected(served.lease.token(), at(t));
        assert!(matches!(ask(machine, t), Reply::Later));
        let (call, validation) = sent(machine, t);
        assert!(matches!(call, Call::Validate(_)), "{call:?}");
        machine.handle(validation, down(), at(t));
    };
    for t in [1_000, 200_000] {
        reject(&mut machine, t);
        let (call, login) = sent(&mut machine, t + 1);
        assert_eq!(call, Call::Login);
        machine.handle(login, token(1, 3_600, t + 1), at(t + 1));
        settle(&mut machine, t + 1);
    }
    let reply = ask_for(&mut machine, 200_002, 10);
    assert!(matches!(reply, Reply::Error(_)), "{reply:?}");
}

/// Rule: Rejection: the running token that a caller requests after it reported it serves again.
#[test]
fn a_refetch_that_is_sent_after_a_rejection_settles_it() {
    let mut machine = machine_of(Identity::winkas("https://h", "u", "c").unwrap(), false);
    let running = || {
        let Outcome::Answered(Answer::Token(granted)) = granted(1, 0) else { unreachable!() };
        Outcome::Answered(Answer::Token(Granted { life: Life::Unstated, ..granted }))
    };
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    let (call, refetch) = sent(&mut machine, 0);
    assert_eq!(call, Call::Refetch);
    machine.handle(refetch, running(), at(1));
    settle(&mut machine, 2);
    let Reply::Lease(served) = ask(&mut machine, 3) else { panic!() };
    let _ = machine.report_rejected(served.lease.token(), at(1_000));
    machine.refetch_running(&Ask::new(Timestamp(1_001), Duration::from_secs(60))).unwrap();
    let (call, refetch) = sent(&mut machine, 1_001);
    assert_eq!(call, Call::Refetch);
    machine.handle(refetch, running(), at(1_002));
    settle(&mut machine, 1_003);
    let reply = ask(&mut machine, 1_004);
    assert!(matches!(reply, Reply::Lease(_)), "{reply:?}");
}

/// Rule: Store: a token in the record that has expired is not adopted.
#[test]
fn an_expired_token_of_the_record_is_not_adopted() {
    let mut first = machine_of(wyn(), true);
    let (mut store, mut issued) = (None, 0);
    assert!(matches!(ask(&mut first, 0), Reply::Later));
    drive(&mut first, &mut store, &mut issued, 0);
    assert_eq!(issued, 1);
    let mut second = machine_of(wyn(), true);
    let later = 3_600_001;
    assert!(matches!(ask(&mut second, later), Reply::Later));
    drive(&mut second, &mut store, &mut issued, later);
    assert_eq!(issued, 2);
    assert!(!second.events().iter().any(|event| matches!(event, Event::Adopted(_))));
}

/// Rule: Outage: a flight that went on without the store takes the lock before a login, if the store has
/// answered again.
#[test]
fn a_flight_takes_the_lock_again_if_the_store_is_back_before_its_login() {
    let mut machine = machine_of(Identity::winkas("https://h", "u", "c").unwrap(), true);
    Arc::make_mut(&mut machine.policy).on_store_outage = Some(OnStoreOutage::LoginWithinBudget);
    machine.unblock(at(0));
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    let mut t = 0;
    let refetch = loop {
        match machine.poll(at(t)) {
            Step::Do(Effect::Send(Call::Refetch), receipt) => break receipt,
            Step::Do(effect, receipt) => {
                assert!(!matches!(effect, Effect::Send(_)), "{effect}");
                let error = Error::new(ErrorKind::Store, "down");
                machine.handle(receipt, Outcome::Failed(error), at(t));
            }
            Step::Wait(until) => t = until.0,
            Step::Done => panic!(),
        }
    };
    t += 8_000;
    let none = Error::new(ErrorKind::TokenRejected, "no active token");
    machine.handle(refetch, Outcome::Answered(Answer::NoToken(none)), at(t));
    let mut store = None;
    let mut locked = false;
    loop {
        match machine.poll(at(t)) {
            Step::Do(Effect::Send(_), _) => break,
            Step::Do(effect, receipt) => {
                locked |= matches!(effect, Effect::Lock { .. });
                machine.handle(receipt, stored(&effect, &mut store, t), at(t));
            }
            Step::Wait(until) => t = until.0,
            Step::Done => panic!(),
        }
    }
    assert!(locked);
}

/// Rule: Logins: `unblock` allows a login at once, also after logins that brought nothing better.
#[test]
fn unblock_forgets_spent_logins() {
    let mut machine = machine_of(wyn(), false);
    log_in(&mut machine, 0, 1, 0);
    log_in(&mut machine, 5_000, 2, 0);
    assert_eq!(machine.spent_logins_in_a_row(Timestamp(5_000)), 2);
    machine.unblock(at(5_001));
    assert_eq!(machine.spent_logins_in_a_row(Timestamp(5_001)), 0);
    log_in(&mut machine, 5_002, 3, 0);
}

fn spent(sent: i64, count: u32, lost: bool) -> RecordChange<Timestamp> {
    let credentials = machine_of(wyn(), false).credentials;
    RecordChange::LoginSpent { credentials, at: Timestamp(sent), count, lost }
}

/// Rule: Merge: the last of two rows of spent logins counts, with the higher count; a token that was requested
/// after it ends the row.
#[test]
fn the_last_row_of_spent_logins_counts_until_a_token_comes() {
    let machine = with_token();
    let credentials = machine.credentials;
    let mut record = RecordState::default();
    record.merge(&spent(9_000, 1, true), Timestamp(9_000));
    record.merge(&spent(5_000, 3, false), Timestamp(9_001));
    let row = record.spent_logins(credentials).unwrap();
    assert_eq!((row.last, row.count, row.lost), (Timestamp(9_000), 3, true));
    let lease = machine.current().unwrap().0.clone();
    let mut later = lease.clone();
    later.first.sent_at = Timestamp(9_001);
    for (lease, origin, ends) in [
        (&lease, Origin::Login, false),
        (&later, Origin::Kept, false),
        (&later, Origin::Login, true),
    ] {
        let lease = lease.clone();
        let change = RecordChange::Leased {
            credentials,
            lease,
            replacing: None,
            origin,
            options: machine.options,
        };
        record.merge(&change, Timestamp(9_002));
        assert_eq!(record.spent_logins(credentials).is_none(), ends, "{origin:?}");
    }
}
