//! What takes a store that lies to show; timelines and worlds are in `tokenlease-sim`.

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

/// Drives the machine until it has nothing to do: the provider logins and revokes, the store does as
/// it is told.
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

#[test]
fn a_store_that_fell_back_brings_no_token_back_that_this_process_revoked() {
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
    // A backup is put in place, and a look at it is due.
    store = backup;
    let second = token(&mut machine, &mut store, 60_000);
    assert_ne!(first, second);
}

#[test]
fn newest_of_two_late_answers_the_token_that_was_asked_for_last_is_used() {
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
    // It is given up, and sent once more; then both are answered, the first one first.
    let Step::Do(Effect::Send(Call::Login), second) = machine.poll(at(10_000)) else { panic!() };
    machine.handle(first, granted(1, 0), at(11_000));
    machine.handle(second, granted(2, 10_000), at(11_001));
    while let Step::Do(..) = machine.poll(at(11_002)) {}
    let Reply::Lease(answer) = machine.ask(&ask, at(11_002)) else { panic!() };
    assert_eq!(answer.lease.token().expose(), "token-2");
}

#[test]
fn lesson_31_an_unlock_that_lands_late_or_twice_frees_no_later_lock() {
    let server = Server::new(Identity::wyn("https://h", "u", "c").unwrap());
    let key = Key::new([0; 32]);
    let credentials =
        CredentialsFingerprint::of(&key, &Credentials::password("p").with_client_secret("s"));
    let mut machine = Lifecycle::new(&server, credentials, key, Policy::default(), 1);
    let mut steps = Vec::new();
    // The provider is down, so each flight locks and unlocks; the first unlock is never answered.
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
        steps.iter().map(|(what, lock_epoch)| (what.as_str(), *lock_epoch)).collect();
    // It is given back by its own name before the next lock, which has another.
    let told = [("lock", 0), ("unlock", 0), ("unlock", 0), ("lock", 1), ("unlock", 1), ("lock", 2)];
    assert_eq!(steps[..6], told, "{steps:?}");
}

/// Drives the machine until it names such an effect, and waits as it says.
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

#[test]
fn lesson_31_a_login_answered_late_ends_the_flight_though_its_lock_is_gone() {
    let mut machine = machine();
    let (mut store, mut issued) = (None, 0);
    let ask = |machine: &mut Lifecycle, t| {
        machine.ask(&Ask::new(Timestamp(t), Duration::from_secs(60)), at(t))
    };
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    drive(&mut machine, &mut store, &mut issued, 0);
    // In the refresh window a login goes out, and the process stands still past its lock's end.
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
