//! The lock: late unlocks, lost locks, and locks of other processes.

use super::*;

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

/// Rule: Lock: a login that is answered late completes the next flight, also if its lock was lost
/// meanwhile.
#[test]
fn a_late_login_completes_the_flight_after_its_lock_was_lost() {
    let mut machine = machine_of(Identity::winkas("https://h", "u", "1").unwrap(), true);
    let (mut store, mut logins, mut refetches) = (None, Vec::new(), 0);
    let mut t = 0;
    assert!(matches!(ask(&mut machine, t), Reply::Later));
    // The login gets no answer in time. The next flight refetches, and gets no answer either, until its
    // lock must be renewed.
    let renewal = loop {
        match machine.poll(at(t)) {
            Step::Do(Effect::Renew { .. }, renewal) => break renewal,
            Step::Do(Effect::Send(Call::Login), login) => logins.push(login),
            Step::Do(Effect::Send(Call::Refetch), refetch) if refetches == 0 => {
                refetches += 1;
                let error = Error::new(ErrorKind::TokenRejected, "no active token");
                machine.handle(refetch, Outcome::Answered(Answer::NoToken(error)), at(t));
            }
            Step::Do(Effect::Send(Call::Refetch), _) => refetches += 1,
            Step::Do(effect, receipt) => {
                machine.handle(receipt, stored(&effect, &mut store, t), at(t));
            }
            Step::Wait(until) => t = until.0,
            Step::Done => {
                t += 1_000;
                let _ = ask(&mut machine, t);
            }
        }
    };
    assert_eq!((logins.len(), refetches), (1, 3));
    machine.handle(logins.remove(0), granted(1, 0), at(t));
    machine.handle(renewal, Outcome::Busy, at(t));
    drive(&mut machine, &mut store, &mut 0, t);
    let Reply::Lease(served) = ask(&mut machine, t) else { panic!("no lease") };
    assert_eq!(served.lease.token().expose(), "token-1");
}

/// Rule: Lock: a process that finds another one refreshing serves its lease, and tries again after five
/// seconds.
#[test]
fn a_refresh_waits_while_another_process_refreshes() {
    let mut machine = machine_of(wyn(), true);
    let (mut store, mut issued) = (None, 0);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    drive(&mut machine, &mut store, &mut issued, 0);
    // Returns how often the lock is requested for a caller at `t`. Another process has it.
    let mut locks_at = |t: i64| {
        let first = ask(&mut machine, t);
        let locks = drive_busy(&mut machine, &store, t);
        let second = ask(&mut machine, t);
        assert!(matches!(second, Reply::Lease(_)), "{first:?}, then {second:?}");
        locks + drive_busy(&mut machine, &store, t)
    };
    let window = 3_533_000;
    assert_eq!(locks_at(window), 1);
    assert_eq!(locks_at(window + 1_000), 0);
    assert_eq!(locks_at(window + 6_000), 1);
}

/// Drives the state machine until it has nothing to do, while another process has the lock. Returns
/// how often the lock was requested.
fn drive_busy(machine: &mut Lifecycle, store: &Stored, t: i64) -> u32 {
    let mut locks = 0;
    while let Step::Do(effect, receipt) = machine.poll(at(t)) {
        let outcome = match effect {
            Effect::Load => Outcome::Loaded { stored: store.clone(), now: StoreTime(t) },
            Effect::Lock { .. } => {
                locks += 1;
                Outcome::Busy
            }
            other => panic!("{other}"),
        };
        machine.handle(receipt, outcome, at(t));
    }
    locks
}

/// Rule: Lock: callers are answered as soon as their token is saved. They do not wait until the lock is
/// released, and the next flight does.
#[test]
fn callers_are_answered_before_the_lock_is_released() {
    let mut machine = machine_of(wyn(), true);
    let (mut store, mut effects) = (None, Vec::new());
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    let completions = machine.completions();
    let unlock = loop {
        let Step::Do(effect, receipt) = machine.poll(at(0)) else { panic!("no effect") };
        effects.push(effect.to_string());
        if matches!(effect, Effect::Unlock) {
            break receipt;
        }
        assert_eq!(machine.completions(), completions, "answered before {effect}");
        let outcome = match effect {
            Effect::Send(_) => granted(1, 0),
            effect => stored(&effect, &mut store, 0),
        };
        machine.handle(receipt, outcome, at(0));
    };
    assert_eq!(effects, ["load", "lock", "load", "login", "save", "unlock"]);
    assert!(machine.completions() > completions, "the callers are woken");
    assert!(matches!(ask(&mut machine, 0), Reply::Lease(served) if served.source == Source::Login));
    assert!(machine.is_busy(), "a process that ends waits for the unlock");
    // A later flight does not begin before the unlock is answered.
    let later = 3_600_000;
    assert!(matches!(ask(&mut machine, later), Reply::Later));
    let deadline = unlock.deadline();
    assert!(matches!(machine.poll(at(0)), Step::Wait(until) if until == deadline));
    machine.handle(unlock, Outcome::Unlocked, at(later));
    assert!(matches!(machine.poll(at(later)), Step::Do(Effect::Load, _)));
}

/// Rule: Lock: an error is answered after the lock is released: a process that ends at it leaves no lock
/// for which others would wait.
#[test]
fn an_error_is_answered_after_the_lock_is_released() {
    let mut machine = machine_of(wyn(), true);
    let mut store = None;
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    let completions = machine.completions();
    let (mut unlocks, mut steps) = (0, 0);
    while let Step::Do(effect, receipt) = machine.poll(at(0)) {
        steps += 1;
        assert!(steps < 20, "the flight does not end");
        assert_eq!(machine.completions(), completions, "answered before {effect}");
        unlocks += u32::from(matches!(effect, Effect::Unlock));
        let outcome = match effect {
            Effect::Send(_) => Outcome::Answered(Answer::Failed(Error::new(
                ErrorKind::CredentialsRejected,
                "wrong password",
            ))),
            effect => stored(&effect, &mut store, 0),
        };
        machine.handle(receipt, outcome, at(0));
    }
    assert_eq!(unlocks, 1);
    assert!(machine.completions() > completions);
    assert!(matches!(ask(&mut machine, 0), Reply::Error(_)));
}
