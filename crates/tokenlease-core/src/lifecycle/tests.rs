//! Timelines that need a store or a server that answers late or falls back. Other timelines and random
//! worlds are in `tokenlease-sim`.

mod backoffs;
mod causes;
mod clocks;
mod fuses;
mod history;
mod late_answers;
mod locks;
mod outage;
mod outcomes;
mod packed;
mod rejections;
mod reports;
mod slow_store;
mod spent;
mod store_rejects;
mod subject;

use std::time::Duration;

use super::*;
use crate::{
    Credentials, Identity, StoreTime, Token, TokenKind, WallTime,
    lease::Source,
    provider::{Answer, Call, Granted, Life},
    record::{Record, change::RecordChange},
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
        let outcome = match effect {
            Effect::Send(Call::Login) => {
                *issued += 1;
                granted(*issued, t)
            }
            Effect::Send(Call::Revoke(_)) => Outcome::Answered(Answer::Revoked),
            Effect::Send(_) => Outcome::Answered(Answer::Inactive),
            effect => stored(&effect, store, t),
        };
        machine.handle(receipt, outcome, at(t));
    }
}

/// Performs a store effect. The lock is always free.
fn stored(effect: &Effect, store: &mut Stored, t: i64) -> Outcome {
    let now = StoreTime(t);
    match effect {
        Effect::Load => Outcome::Loaded { stored: store.clone(), now },
        Effect::Save { record, .. } => {
            let revision = store.as_ref().map_or(0, |(revision, _)| *revision) + 1;
            *store = Some((revision, record.as_ref().clone()));
            Outcome::Saved { revision, now }
        }
        Effect::Unlock => Outcome::Unlocked,
        _ => Outcome::Locked,
    }
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

/// Polls until nothing is left to do, and gives each request that outcome.
fn settle_with(machine: &mut Lifecycle, t: i64, outcome: impl Fn() -> Outcome) {
    while let Step::Do(effect, receipt) = machine.poll(at(t)) {
        assert!(matches!(effect, Effect::Send(_)), "{effect}");
        machine.handle(receipt, outcome(), at(t));
    }
}

/// A portal holds a machine for each of its users. A field that is set only during a flight or a job belongs
/// on the heap.
#[test]
fn a_machine_without_a_flight_is_small() {
    assert!(size_of::<Lifecycle>() <= 1250, "{} bytes", size_of::<Lifecycle>());
}
