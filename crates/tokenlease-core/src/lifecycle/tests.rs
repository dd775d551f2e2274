//! Timelines that need a store or a server that answers late or falls back. Other timelines and random
//! worlds are in `tokenlease-sim`.

use std::time::Duration;

use super::*;
use crate::{
    Credentials, Identity, StoreTime, Token, TokenKind, WallTime,
    provider::{Answer, Call, Granted, Life},
    record::Record,
};

type Stored = Option<(u64, Record)>;

fn at(t: i64) -> Now {
    Now { elapsed: Timestamp(t), wall: WallTime(t) }
}

fn granted(number: u32, t: i64) -> Outcome {
    Outcome::Answered(Answer::Token(Granted {
        token: Token::new(TokenKind::Bearer, format!("token-{number}").as_str()),
        life: Life::Stated(Duration::from_secs(3600)),
        scope: None,
        refresh_token: None,
        sent_at: Timestamp(t),
    }))
}

fn machine_of(identity: Identity, store: bool) -> Lifecycle {
    let key = Key::new([0; 32]);
    let credentials = Credentials::password("p").with_client_secret("s");
    let credentials = CredentialsFingerprint::of(&key, &credentials);
    let policy = Policy { store, ..Policy::default() };
    Lifecycle::new(&Server::new(identity), credentials, key, policy, 1)
}

fn wyn() -> Identity {
    Identity::wyn("https://h", "u", "c").unwrap()
}

/// Asks as a caller that waits for up to a minute.
fn ask(machine: &mut Lifecycle, t: i64) -> Reply {
    machine.ask(&Ask::new(Timestamp(t), Duration::from_secs(60)), at(t))
}

/// Returns the request that the state machine sends next.
fn sent(machine: &mut Lifecycle, t: i64) -> (Call, Receipt) {
    match machine.poll(at(t)) {
        Step::Do(Effect::Send(call), receipt) => (call, receipt),
        other => panic!("no request, but {other:?}"),
    }
}

/// Polls until nothing is left to do.
fn settle(machine: &mut Lifecycle, t: i64) {
    while let Step::Do(..) = machine.poll(at(t)) {}
}

/// Drives the state machine until it has nothing to do, with a server and a store that work.
fn drive(machine: &mut Lifecycle, store: &mut Stored, issued: &mut u32, t: i64) {
    while let Step::Do(effect, receipt) = machine.poll(at(t)) {
        let now = StoreTime(t);
        let outcome = match effect {
            Effect::Load => Outcome::Loaded { stored: store.clone(), now },
            Effect::Save { record, .. } => {
                let revision = store.as_ref().map_or(0, |(revision, _)| *revision) + 1;
                *store = Some((revision, record.as_ref().clone()));
                Outcome::Saved { revision, now }
            }
            Effect::Unlock => Outcome::Unlocked,
            Effect::Send(Call::Login) => {
                *issued += 1;
                granted(*issued, t)
            }
            Effect::Send(Call::Revoke(_)) => Outcome::Answered(Answer::Revoked),
            Effect::Send(_) => Outcome::Answered(Answer::Inactive),
            _ => Outcome::Locked,
        };
        machine.handle(receipt, outcome, at(t));
    }
}

/// Rule: Revocation: a process that revoked a token does not serve it again when the store is restored
/// from a backup that has it.
#[test]
fn a_restored_store_does_not_bring_a_revoked_token_back() {
    let mut machine = machine_of(wyn(), true);
    let (mut store, mut issued) = (None, 0);
    let mut token = |machine: &mut Lifecycle, store: &mut Stored, t| {
        let ask = Ask::new(Timestamp(t), Duration::from_secs(30));
        for _ in 0..9 {
            if let Reply::Lease(served) = machine.ask(&ask, at(t)) {
                return served.lease.token().clone();
            }
            drive(machine, store, &mut issued, t);
        }
        panic!("no token");
    };
    let first = token(&mut machine, &mut store, 0);
    let backup = store.clone();
    machine.revoke(&first, at(1)).unwrap();
    drive(&mut machine, &mut store, &mut 0, 1);
    // The store is restored from the backup, and the record is due to be read.
    store = backup;
    let second = token(&mut machine, &mut store, 60_000);
    assert_ne!(first, second);
}

/// Rule: Login: of two logins that are answered late, the token that was requested last is used.
#[test]
fn of_two_late_logins_the_token_requested_last_is_used() {
    let mut machine = machine_of(wyn(), false);
    let ask = Ask::new(Timestamp(0), Duration::from_secs(60));
    assert!(matches!(machine.ask(&ask, at(0)), Reply::Later));
    let granted = |n: u32, sent: i64| {
        let token = Token::new(TokenKind::Bearer, format!("token-{n}").as_str());
        let (life, sent_at) = (Life::Stated(Duration::from_secs(3600)), Timestamp(sent));
        let token = Granted { token, life, scope: None, refresh_token: None, sent_at };
        Outcome::Answered(Answer::Token(token))
    };
    let Step::Do(Effect::Send(Call::Login), first) = machine.poll(at(0)) else { panic!() };
    // The first login is given up and sent once more. Then both are answered, in the order sent.
    let Step::Do(Effect::Send(Call::Login), second) = machine.poll(at(10_000)) else { panic!() };
    machine.handle(first, granted(1, 0), at(11_000));
    machine.handle(second, granted(2, 10_000), at(11_001));
    while let Step::Do(..) = machine.poll(at(11_002)) {}
    let Reply::Lease(answer) = machine.ask(&ask, at(11_002)) else { panic!() };
    assert_eq!(answer.lease.token().expose(), "token-2");
}

/// Rule: Lock: each lock has an epoch, so an unlock that arrives late or twice releases no later lock.
/// An unlock without an answer is sent again before the next lock is taken.
#[test]
fn a_late_or_repeated_unlock_releases_no_later_lock() {
    let mut machine = machine_of(wyn(), true);
    let mut steps = Vec::new();
    // The server is down, so each flight locks and unlocks. The first unlock is never answered.
    for t in (0..20_000).step_by(100) {
        let ask = Ask::new(Timestamp(0), Duration::from_secs(60));
        let _ = machine.ask(&ask, at(t));
        while let Step::Do(effect, receipt) = machine.poll(at(t)) {
            let (now, lock_epoch) = (StoreTime(t), receipt.lock_epoch());
            let outcome = match effect {
                Effect::Load => Outcome::Loaded { stored: None, now },
                Effect::Lock { .. } => Outcome::Locked,
                Effect::Save { .. } => Outcome::Saved { revision: 1, now },
                Effect::Unlock => Outcome::Unlocked,
                _ => Outcome::Answered(Answer::Failed(
                    Error::new(ErrorKind::Unavailable, "down").with_status(503),
                )),
            };
            let unlock = matches!(effect, Effect::Unlock);
            if unlock || matches!(effect, Effect::Lock { .. }) {
                steps.push((effect.to_string(), lock_epoch));
            }
            if unlock && steps.len() == 2 {
                break;
            }
            machine.handle(receipt, outcome, at(t));
        }
    }
    let steps: Vec<_> =
        steps.iter().map(|(effect, lock_epoch)| (effect.as_str(), *lock_epoch)).collect();
    // The unanswered unlock is repeated with its epoch before the next lock, which has another.
    let expected =
        [("lock", 0), ("unlock", 0), ("unlock", 0), ("lock", 1), ("unlock", 1), ("lock", 2)];
    assert_eq!(steps[..6], expected, "{steps:?}");
}

/// Drives the state machine until it requests such an effect, and lets time pass as it says.
fn until(
    machine: &mut Lifecycle,
    store: &Stored,
    t: &mut i64,
    wanted: fn(&Effect) -> bool,
) -> Receipt {
    loop {
        match machine.poll(at(*t)) {
            Step::Do(effect, receipt) if wanted(&effect) => return receipt,
            Step::Do(Effect::Load, receipt) => {
                let loaded = Outcome::Loaded { stored: store.clone(), now: StoreTime(*t) };
                machine.handle(receipt, loaded, at(*t));
            }
            Step::Do(Effect::Lock { .. }, receipt) => {
                machine.handle(receipt, Outcome::Locked, at(*t));
            }
            Step::Wait(until) => *t = until.0,
            other => panic!("{other:?}"),
        }
    }
}

/// Rule: Lock: a login that is answered late completes the flight, also if its lock was lost meanwhile.
#[test]
fn a_late_login_completes_the_flight_after_its_lock_was_lost() {
    let mut machine = machine_of(wyn(), true);
    let (mut store, mut issued) = (None, 0);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    drive(&mut machine, &mut store, &mut issued, 0);
    // In the refresh window a login is sent, and the process is suspended until its lock has expired.
    let mut t = 3_535_000;
    let _ = ask(&mut machine, t);
    let login =
        until(&mut machine, &store, &mut t, |effect| matches!(effect, Effect::Send(Call::Login)));
    t += 31_000;
    let renewal =
        until(&mut machine, &store, &mut t, |effect| matches!(effect, Effect::Renew { .. }));
    issued += 1;
    machine.handle(login, granted(issued, t), at(t));
    machine.handle(renewal, Outcome::Busy, at(t));
    drive(&mut machine, &mut store, &mut issued, t);
    assert_eq!(issued, 2, "logins, although the second was answered late");
    let Reply::Lease(served) = ask(&mut machine, t) else { panic!("no lease") };
    assert_eq!(served.lease.token().expose(), "token-2");
}

/// Rule: Validation: an inactive answer counts also when it arrives after its request was given up. The
/// server would not call the token active later (RFC 7662 section 2.2).
#[test]
fn a_late_inactive_validation_still_counts() {
    let mut machine = machine_of(Identity::winkas("https://h", "u", "c").unwrap(), false);
    let token = Token::new(TokenKind::Winkas, "adopted");
    machine.adopt(token.clone(), None, at(0)).unwrap();
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    let (call, late) = sent(&mut machine, 0);
    assert!(matches!(call, Call::Validate(_)), "{call:?}");
    // The validation is given up, and the next one is sent.
    let (call, _) = sent(&mut machine, 10_000);
    assert!(matches!(call, Call::Validate(_)), "{call:?}");
    machine.handle(late, Outcome::Answered(Answer::Inactive), at(10_001));
    assert!(machine.current().is_none());
    let error = machine.adopt(token, None, at(10_002)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
}

/// Returns a state machine without a store, with a token that a first login brought.
fn with_token() -> (Lifecycle, Token) {
    let mut machine = machine_of(wyn(), false);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    let (_, login) = sent(&mut machine, 0);
    machine.handle(login, granted(1, 0), at(0));
    settle(&mut machine, 0);
    let Reply::Lease(served) = ask(&mut machine, 0) else { panic!("no lease") };
    (machine, served.lease.token().clone())
}

/// Rule: Rejection: a report counts from when it is made, also if an earlier report of the same token
/// was not followed up. An older validation does not answer it.
#[test]
fn a_later_report_of_a_suspected_token_counts_from_when_it_is_made() {
    let (mut machine, token) = with_token();
    // The server calls the token active, and 11 seconds later it is reported again.
    assert_eq!(machine.report_rejected(&token, at(1_000)), Rejection::Suspected);
    assert!(matches!(ask(&mut machine, 1_000), Reply::Later));
    let (_, validation) = sent(&mut machine, 1_000);
    machine.handle(validation, Outcome::Answered(Answer::Active), at(1_000));
    settle(&mut machine, 1_000);
    assert_eq!(machine.report_rejected(&token, at(12_000)), Rejection::StillActive);
    // Ten minutes later it is reported once more, and the server can't be asked.
    let t = 600_000;
    assert_eq!(machine.report_rejected(&token, at(t)), Rejection::Suspected);
    assert!(matches!(ask(&mut machine, t), Reply::Later));
    let (call, validation) = sent(&mut machine, t);
    assert!(matches!(call, Call::Validate(_)), "{call:?}");
    let lost = Outcome::Lost(Error::new(ErrorKind::Transport, "no answer"));
    machine.handle(validation, lost, at(t));
    assert_eq!(sent(&mut machine, t).0, Call::Login);
}

/// Rule: Rejection: reports of a token while the server is asked about it join that validation, so that
/// steady reports cost no validation each.
#[test]
fn reports_during_a_validation_join_it() {
    let (mut machine, token) = with_token();
    assert_eq!(machine.report_rejected(&token, at(1_000)), Rejection::Suspected);
    assert!(matches!(ask(&mut machine, 1_000), Reply::Later));
    let (_, validation) = sent(&mut machine, 1_000);
    for t in 1_001..1_030 {
        assert_eq!(machine.report_rejected(&token, at(t)), Rejection::Suspected);
    }
    machine.handle(validation, Outcome::Answered(Answer::Active), at(1_030));
    settle(&mut machine, 1_030);
    assert!(matches!(ask(&mut machine, 1_031), Reply::Lease(_)));
}

/// Rule: Backoff: a caller that prefers a longer remaining lifetime gets the current lease while nothing
/// may be sent, not the error of the backoff.
#[test]
fn a_backoff_does_not_keep_the_current_lease_from_a_caller_that_prefers_a_longer_one() {
    let mut machine = machine_of(wyn(), true);
    let (mut store, mut issued) = (None, 0);
    let wait = Duration::from_secs(30);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    drive(&mut machine, &mut store, &mut issued, 0);
    // Another process has to wait for an hour, and this process reads that from the record.
    let mut record = store.take().map(|(_, record)| record).unwrap();
    let until = StoreTime(3_600_000);
    let reason = crate::record::BackoffReason::Throttled;
    record.0.server_backoff = Some(crate::record::ServerBackoff { until, count: 1, reason });
    store = Some((9, record));
    assert!(matches!(ask(&mut machine, 40_000), Reply::Later));
    drive(&mut machine, &mut store, &mut issued, 40_000);
    let min_remaining = Some(Duration::from_secs(1_800));
    let t = 1_900_000;
    assert!(matches!(ask(&mut machine, t), Reply::Later));
    drive(&mut machine, &mut store, &mut issued, t);
    let reply = machine.ask(&Ask { min_remaining, ..Ask::new(Timestamp(t), wait) }, at(t));
    assert!(matches!(reply, Reply::Lease(_)), "{reply:?}");
}

/// Rule: Circuit: a probe that is answered late closes the circuit, unless the server rejected the
/// credentials after the probe was sent.
#[test]
fn a_late_successful_probe_closes_the_circuit() {
    let hour = 3_600_001;
    let rejected = || {
        let error = Error::new(ErrorKind::CredentialsRejected, "wrong").with_status(401);
        Outcome::Answered(Answer::Failed(error))
    };
    // An hour after a rejection the probe is sent, given up, and sent once more.
    let probed = || {
        let mut machine = machine_of(wyn(), false);
        assert!(matches!(ask(&mut machine, 0), Reply::Later));
        let (_, login) = sent(&mut machine, 0);
        machine.handle(login, rejected(), at(0));
        settle(&mut machine, 0);
        assert!(matches!(ask(&mut machine, hour), Reply::Later));
        let (_, probe) = sent(&mut machine, hour);
        let (_, repeated) = sent(&mut machine, hour + 10_000);
        (machine, probe, repeated)
    };
    let (mut machine, probe, _) = probed();
    machine.handle(probe, granted(1, hour), at(hour + 10_001));
    settle(&mut machine, hour + 10_002);
    let reply = ask(&mut machine, hour + 10_003);
    assert!(matches!(reply, Reply::Lease(_)), "{reply:?}");
    // The rejection of the later request says more than the late success.
    let (mut machine, probe, repeated) = probed();
    machine.handle(repeated, rejected(), at(hour + 10_001));
    machine.handle(probe, granted(1, hour), at(hour + 10_002));
    settle(&mut machine, hour + 10_002);
    let reply = ask(&mut machine, hour + 10_003);
    assert!(matches!(reply, Reply::Error(_)), "{reply:?}");
}
