//! Jobs and requested refetches whose caller stops waiting.

use super::*;

fn winkas() -> Identity {
    Identity::winkas("https://h", "u", "c").unwrap()
}

fn no_token() -> Outcome {
    Outcome::Answered(Answer::NoToken(Error::new(ErrorKind::TokenRejected, "none")))
}

/// A machine without a store that has a token.
fn with_token(identity: Identity) -> (Lifecycle, Token) {
    let mut machine = machine_of(identity, false);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    let (mut call, mut receipt) = sent(&mut machine, 0);
    if call == Call::Refetch {
        machine.handle(receipt, no_token(), at(0));
        (call, receipt) = sent(&mut machine, 0);
    }
    assert_eq!(call, Call::Login);
    machine.handle(receipt, granted(1, 0), at(0));
    settle(&mut machine, 0);
    let Reply::Lease(served) = ask(&mut machine, 0) else { panic!() };
    (machine, served.lease.token().clone())
}

fn refetch(machine: &mut Lifecycle, t: i64) -> JobId {
    machine.refetch_running(&Ask::new(Timestamp(t), Duration::from_secs(10))).unwrap()
}

/// Rule: Validation: the answer to a validation whose caller is cancelled counts, and its report is dropped.
#[test]
fn the_answer_to_an_abandoned_validation_counts_and_is_reported_to_nobody() {
    let (mut machine, token) = with_token(wyn());
    let first = machine.validate(&token).unwrap();
    let (_, receipt) = sent(&mut machine, 1);
    machine.abandon(first);
    assert!(machine.has_job());
    machine.handle(receipt, Outcome::Answered(Answer::Active), at(2));
    assert!(!machine.has_job());
    let second = machine.validate(&token).unwrap();
    assert!(machine.take_report(first).is_none() && machine.take_report(second).is_none());
    let (_, receipt) = sent(&mut machine, 3);
    machine.abandon(second);
    machine.handle(receipt, Outcome::Answered(Answer::Inactive), at(4));
    settle(&mut machine, 4);
    assert!(machine.take_report(second).is_none());
    assert!(matches!(ask(&mut machine, 5), Reply::Later), "the token is inactive");
}

/// Rule: Validation: a validation that was not sent yet is withdrawn when its caller is cancelled.
#[test]
fn a_validation_that_was_not_sent_is_withdrawn() {
    let (mut machine, token) = with_token(wyn());
    let job = machine.validate(&token).unwrap();
    let completions = machine.completions();
    machine.abandon(job);
    assert!(!machine.has_job());
    assert!(machine.completions() > completions, "the next call can start");
    settle(&mut machine, 1);
    assert!(!machine.is_busy());
}

/// Rule: Refetch: a refetch that is requested during a flight is sent after it.
#[test]
fn a_refetch_that_is_requested_during_a_flight_is_sent_after_it() {
    let (mut machine, _) = with_token(winkas());
    let first = refetch(&mut machine, 1);
    let (_, receipt) = sent(&mut machine, 1);
    machine.abandon(first);
    let second = refetch(&mut machine, 2);
    machine.handle(receipt, granted(1, 1), at(3));
    let (call, receipt) = sent(&mut machine, 3);
    assert_eq!(call, Call::Refetch);
    assert!(machine.take_report(second).is_none());
    machine.handle(receipt, no_token(), at(4));
    settle(&mut machine, 4);
    assert!(machine.take_report(first).is_none());
    let error = machine.take_report(second).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
}

/// Rule: Refetch: a refetch whose caller is cancelled, or whose deadline passes before it is sent, is not
/// sent for a later caller.
#[test]
fn a_refetch_without_a_caller_is_not_sent_later() {
    for is_cancelled in [true, false] {
        let (mut machine, _) = with_token(winkas());
        let job = refetch(&mut machine, 1);
        if is_cancelled {
            machine.abandon(job);
        }
        settle(&mut machine, 20_000);
        assert!(matches!(ask(&mut machine, 20_000), Reply::Lease(_)));
        assert!(matches!(machine.poll(at(20_000)), Step::Done));
    }
}
