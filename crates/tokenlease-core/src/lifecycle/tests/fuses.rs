//! Fuses: a fault of another rule costs an error, not a flood.

use super::{super::fuse::Fuse, *};

/// Rule: Logins: an attempt that calls the store over and over without a pause ends in an internal error.
///
/// A lock that is shorter than a request would be renewed before each request, for ever.
#[test]
fn a_lock_that_is_shorter_than_a_request_ends_in_an_error() {
    let mut machine = machine_of(wyn(), true);
    Arc::make_mut(&mut machine.policy).lock_ttl = Duration::from_secs(5);
    assert!(machine.policy.lock_ttl < machine.policy.request_timeout);
    let mut store = None;
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    let mut effects = 0;
    while let Step::Do(effect, receipt) = machine.poll(at(effects / 10)) {
        assert!(!matches!(effect, Effect::Send(_)), "{effect}");
        effects += 1;
        assert!(effects < 1_000, "it never ends");
        machine.handle(receipt, stored(&effect, &mut store, effects / 10), at(effects / 10));
    }
    let short = Ask::new(Timestamp(effects / 10), Duration::from_secs(1));
    let Reply::Error(error) = machine.ask(&short, at(effects / 10)) else { panic!() };
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
    assert!(error.to_string().contains("over and over"), "{error}");
}

/// Rule: Logins: steps that name no effect end in an internal error, and a second time without the attempt.
#[test]
fn a_poll_that_names_no_effect_ends() {
    let mut machine = machine_of(wyn(), false);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    let (_, login) = sent(&mut machine, 0);
    assert!((0..100).all(|turns| machine.within_turns(turns, Timestamp(0))));
    assert!(machine.within_turns(100, Timestamp(0)));
    machine.handle(login, granted(1, 0), at(1));
    settle(&mut machine, 2);
    assert!(!machine.within_turns(200, Timestamp(2)));
    assert!(matches!(machine.poll(at(3)), Step::Done));
}

/// Rule: Logins: a flight sends at most three logins and sixteen requests, whatever the rules say.
#[test]
fn a_flight_sends_three_logins_and_sixteen_requests_at_most() {
    let token = Token::new(TokenKind::Bearer, "running");
    for (call, most) in [(Call::Login, 3), (Call::Validate(token), 16)] {
        let mut machine = machine_of(wyn(), false);
        assert!(matches!(ask(&mut machine, 0), Reply::Later));
        let (_, _first) = sent(&mut machine, 0);
        machine.flight.as_mut().unwrap().fuse = Fuse::default();
        let effect = Effect::Send(call);
        let allowed = (0..100).take_while(|t| machine.within_fuse(&effect, Timestamp(t * 1000)));
        assert_eq!(allowed.count(), most, "{effect}");
    }
}
