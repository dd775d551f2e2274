//! Answers that arrive after their receipts were given up.

use super::*;

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
    // The first login is given up, and 10 s later another one is sent. Then both are answered, in the
    // order sent.
    settle(&mut machine, 10_000);
    assert!(matches!(machine.ask(&ask, at(20_000)), Reply::Later));
    let (_, second) = sent(&mut machine, 20_000);
    machine.handle(first, granted(1, 0), at(21_000));
    machine.handle(second, granted(2, 20_000), at(21_001));
    settle(&mut machine, 21_002);
    let Reply::Lease(answer) = machine.ask(&ask, at(21_002)) else { panic!() };
    assert_eq!(answer.lease.token().expose(), "token-2");
}

/// Rule: Rejection: a request that was sent before the report of a rejection does not settle it, although
/// it returns the same token afterwards.
#[test]
fn a_late_refetch_does_not_settle_a_rejection_that_was_reported_since() {
    let mut machine = machine_of(Identity::winkas("https://h", "u", "c").unwrap(), false);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    let returned = |sent: i64| {
        let token = Token::new(TokenKind::Winkas, "running");
        let (life, sent_at) = (Life::Unstated, Timestamp(sent));
        let token = Granted { token, life, scope: None, refresh_token: None, sent_at };
        Outcome::Answered(Answer::Token(token))
    };
    // The first refetch is given up, and the second one is answered.
    let (call, late) = sent(&mut machine, 0);
    assert!(matches!(call, Call::Refetch), "{call:?}");
    settle(&mut machine, 11_000);
    let (call, second) = sent(&mut machine, 12_000);
    assert!(matches!(call, Call::Refetch), "{call:?}");
    machine.handle(second, returned(12_000), at(12_001));
    settle(&mut machine, 12_002);
    let Reply::Lease(served) = ask(&mut machine, 12_003) else { panic!() };
    let rejection = machine.report_rejected(served.lease.token(), at(12_004));
    assert_eq!(rejection, Rejection::Suspected);
    machine.handle(late, returned(0), at(12_005));
    settle(&mut machine, 12_006);
    assert!(matches!(ask(&mut machine, 12_007), Reply::Later));
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

/// Rule: Circuit: a probe that is answered late closes the circuit, unless the server rejected the
/// credentials after the probe was sent.
#[test]
fn a_late_successful_probe_closes_the_circuit() {
    let hour = 3_600_001;
    let rejected = || {
        let error = Error::new(ErrorKind::CredentialsRejected, "wrong").with_status(401);
        Outcome::Answered(Answer::Failed(error))
    };
    // An hour after a rejection the probe is sent, given up, and sent once more 10 s later.
    let probed = || {
        let mut machine = machine_of(wyn(), false);
        assert!(matches!(ask(&mut machine, 0), Reply::Later));
        let (_, login) = sent(&mut machine, 0);
        machine.handle(login, rejected(), at(0));
        settle(&mut machine, 0);
        assert!(matches!(ask(&mut machine, hour), Reply::Later));
        let (_, probe) = sent(&mut machine, hour);
        settle(&mut machine, hour + 10_000);
        assert!(matches!(ask(&mut machine, hour + 20_000), Reply::Later));
        let (_, repeated) = sent(&mut machine, hour + 20_000);
        (machine, probe, repeated)
    };
    let (mut machine, probe, _) = probed();
    machine.handle(probe, granted(1, hour), at(hour + 20_001));
    settle(&mut machine, hour + 20_002);
    let reply = ask(&mut machine, hour + 20_003);
    assert!(matches!(reply, Reply::Lease(_)), "{reply:?}");
    // The rejection of the later request says more than the late success.
    let (mut machine, probe, repeated) = probed();
    machine.handle(repeated, rejected(), at(hour + 20_001));
    machine.handle(probe, granted(1, hour), at(hour + 20_002));
    settle(&mut machine, hour + 20_002);
    let reply = ask(&mut machine, hour + 20_003);
    assert!(matches!(reply, Reply::Error(_)), "{reply:?}");
    assert!(!machine.events().contains(&Event::CircuitClosed));
}
