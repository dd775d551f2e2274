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

fn machine() -> Lifecycle {
    let server = Server::new(Identity::wyn("https://h", "u", "c").unwrap());
    let key = Key::new([0; 32]);
    let credentials = Credentials::password("p").with_client_secret("s");
    let credentials = CredentialsFingerprint::of(&key, &credentials);
    Lifecycle::new(&server, credentials, key, Policy::default(), 1)
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
    let mut machine = machine();
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
    let server = Server::new(Identity::wyn("https://h", "u", "c").unwrap());
    let key = Key::new([0; 32]);
    let credentials =
        CredentialsFingerprint::of(&key, &Credentials::password("p").with_client_secret("s"));
    let policy = Policy { store: false, ..Policy::default() };
    let mut machine = Lifecycle::new(&server, credentials, key, policy, 1);
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
    let server = Server::new(Identity::wyn("https://h", "u", "c").unwrap());
    let key = Key::new([0; 32]);
    let credentials =
        CredentialsFingerprint::of(&key, &Credentials::password("p").with_client_secret("s"));
    let mut machine = Lifecycle::new(&server, credentials, key, Policy::default(), 1);
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
    let mut machine = machine();
    let (mut store, mut issued) = (None, 0);
    let ask = |machine: &mut Lifecycle, t| {
        machine.ask(&Ask::new(Timestamp(t), Duration::from_secs(60)), at(t))
    };
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
    let server = Server::new(Identity::winkas("https://h", "u", "c").unwrap());
    let key = Key::new([0; 32]);
    let credentials = CredentialsFingerprint::of(&key, &Credentials::password("p"));
    let policy = Policy { store: false, ..Policy::default() };
    let mut machine = Lifecycle::new(&server, credentials, key, policy, 1);
    let token = Token::new(TokenKind::Winkas, "adopted");
    machine.adopt(token.clone(), None, at(0)).unwrap();
    assert!(matches!(
        machine.ask(&Ask::new(Timestamp(0), Duration::from_secs(60)), at(0)),
        Reply::Later
    ));
    let Step::Do(Effect::Send(Call::Validate(_)), receipt) = machine.poll(at(0)) else { panic!() };
    // The validation is given up, and the next one is sent.
    let Step::Do(Effect::Send(Call::Validate(_)), _) = machine.poll(at(10_000)) else { panic!() };
    machine.handle(receipt, Outcome::Answered(Answer::Inactive), at(10_001));
    assert!(machine.current().is_none());
    let error = machine.adopt(token, None, at(10_002)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
}

/// Rule: Rejection: a report counts from when it is made, also if an earlier report of the same token
/// was not followed up. A validation from before the report does not answer it.
#[test]
fn a_later_report_of_a_suspected_token_counts_from_when_it_is_made() {
    let server = Server::new(Identity::wyn("https://h", "u", "c").unwrap());
    let key = Key::new([0; 32]);
    let credentials =
        CredentialsFingerprint::of(&key, &Credentials::password("p").with_client_secret("s"));
    let policy = Policy { store: false, ..Policy::default() };
    let mut machine = Lifecycle::new(&server, credentials, key, policy, 1);
    let ask = |machine: &mut Lifecycle, t| {
        machine.ask(&Ask::new(Timestamp(t), Duration::from_secs(60)), at(t))
    };
    let answer = |machine: &mut Lifecycle, t, answer| {
        let Step::Do(Effect::Send(call), receipt) = machine.poll(at(t)) else {
            panic!("no request")
        };
        machine.handle(receipt, answer, at(t));
        call
    };
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    answer(&mut machine, 0, granted(1, 0));
    while let Step::Do(..) = machine.poll(at(0)) {}
    let Reply::Lease(reply) = ask(&mut machine, 0) else { panic!("no lease") };
    let token = reply.lease.token().clone();
    // The server calls the token active, and 11 seconds later it is reported again.
    assert_eq!(machine.report_rejected(&token, at(1_000)), Rejection::Suspected);
    assert!(matches!(ask(&mut machine, 1_000), Reply::Later));
    answer(&mut machine, 1_000, Outcome::Answered(Answer::Active));
    while let Step::Do(..) = machine.poll(at(1_000)) {}
    assert_eq!(machine.report_rejected(&token, at(12_000)), Rejection::StillActive);
    // Ten minutes later it is reported once more, and the server can't be asked.
    assert_eq!(machine.report_rejected(&token, at(600_000)), Rejection::Suspected);
    assert!(matches!(ask(&mut machine, 600_000), Reply::Later));
    let down = || Outcome::Lost(Error::new(ErrorKind::Transport, "no answer"));
    let calls = [down(), granted(2, 600_000)].map(|outcome| answer(&mut machine, 600_000, outcome));
    assert!(matches!(calls, [Call::Validate(_), Call::Login]), "{calls:?}");
}

/// Rule: Backoff: a caller that prefers a longer remaining lifetime gets the current lease while nothing
/// may be sent, not the error of the backoff.
#[test]
fn a_backoff_does_not_keep_the_current_lease_from_a_caller_that_prefers_a_longer_one() {
    let mut machine = machine();
    let (mut store, mut issued) = (None, 0);
    let wait = Duration::from_secs(30);
    let ask = |machine: &mut Lifecycle, t| machine.ask(&Ask::new(Timestamp(t), wait), at(t));
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

/// Rule: Circuit: a probe that is answered late closes the circuit; only a rejection after its request
/// says more than its success.
#[test]
fn a_late_successful_probe_closes_the_circuit() {
    let server = Server::new(Identity::wyn("https://h", "u", "c").unwrap());
    let key = Key::new([0; 32]);
    let credentials =
        CredentialsFingerprint::of(&key, &Credentials::password("p").with_client_secret("s"));
    let policy = Policy { store: false, ..Policy::default() };
    let mut machine = Lifecycle::new(&server, credentials, key, policy, 1);
    let ask = |machine: &mut Lifecycle, t| {
        machine.ask(&Ask::new(Timestamp(t), Duration::from_secs(15)), at(t))
    };
    let login = |machine: &mut Lifecycle, t| {
        let Step::Do(Effect::Send(Call::Login), receipt) = machine.poll(at(t)) else { panic!() };
        receipt
    };
    let rejected = Error::new(ErrorKind::CredentialsRejected, "wrong").with_status(401);
    let rejected = || Outcome::Answered(Answer::Failed(rejected.clone()));
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    let first = login(&mut machine, 0);
    machine.handle(first, rejected(), at(0));
    while let Step::Do(..) = machine.poll(at(0)) {}
    // An hour later the probe is sent, and its answer comes after the request was given up.
    let hour = 3_600_001;
    assert!(matches!(ask(&mut machine, hour), Reply::Later));
    let probe = login(&mut machine, hour);
    let repeated = login(&mut machine, hour + 10_000);
    machine.handle(probe, granted(1, hour), at(hour + 10_001));
    while let Step::Do(..) = machine.poll(at(hour + 10_002)) {}
    let reply = ask(&mut machine, hour + 10_003);
    assert!(matches!(reply, Reply::Lease(_)), "{reply:?}");
    // A rejection that was answered to the later request opens it again, and a success from before
    // that does not close it.
    machine.handle(repeated, rejected(), at(hour + 11_000));
    assert!(matches!(ask(&mut machine, hour + 11_001), Reply::Error(_)));
}
