//! The answers of a server about a token: whether they are believed, and the ends of a revocation.

use super::*;

const MINUTE: i64 = 60_000;

/// Returns a state machine without a store, with a token that was issued at 0 for an hour.
fn with_token() -> (Lifecycle, Token) {
    let mut machine = machine_of(wyn(), false);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    let (_, login) = sent(&mut machine, 0);
    machine.handle(login, granted(1, 0), at(0));
    settle(&mut machine, 0);
    let Reply::Lease(served) = ask(&mut machine, 0) else { panic!() };
    (machine, served.lease.token().clone())
}

/// Answers the requests of a job in that order, and returns its report.
fn report(
    machine: &mut Lifecycle,
    job: JobId,
    t: i64,
    answers: impl IntoIterator<Item = Answer>,
) -> Result<Report, Error> {
    for answer in answers {
        let (_, receipt) = sent(machine, t);
        machine.handle(receipt, Outcome::Answered(answer), at(t));
    }
    settle(machine, t);
    machine.take_report(job).expect("the job has ended")
}

fn refused() -> Answer {
    let error = Error::new(ErrorKind::CredentialsRejected, "wrong secret").with_status(401);
    Answer::NotRevoked(error)
}

/// Returns whether a caller is served the token of the first login.
fn serves(machine: &mut Lifecycle, t: i64) -> bool {
    let _ = ask(machine, t);
    settle(machine, t);
    matches!(ask(machine, t), Reply::Lease(_))
}

/// Rule: Validation: a token that was issued less than 10 minutes ago is not believed to be inactive until
/// the server has called one active, and stays in use.
#[test]
fn a_new_token_is_not_believed_to_be_inactive_before_an_active_answer() {
    let (mut machine, token) = with_token();
    let job = machine.validate(&token).unwrap();
    let error = report(&mut machine, job, MINUTE, [Answer::Inactive]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse, "{error}");
    assert!(serves(&mut machine, MINUTE));
    let job = machine.validate(&token).unwrap();
    let answer = report(&mut machine, job, 2 * MINUTE, [Answer::Active]).unwrap();
    assert_eq!(answer, Report::Validation(true));
    let job = machine.validate(&token).unwrap();
    let answer = report(&mut machine, job, 3 * MINUTE, [Answer::Inactive]).unwrap();
    assert_eq!(answer, Report::Validation(false));
    assert!(!serves(&mut machine, 3 * MINUTE));
}

/// Rule: Validation: a token that was issued 10 minutes ago is believed to be inactive.
#[test]
fn an_older_token_is_believed_to_be_inactive() {
    let (mut machine, token) = with_token();
    let job = machine.validate(&token).unwrap();
    let answer = report(&mut machine, job, 10 * MINUTE + 1, [Answer::Inactive]).unwrap();
    assert_eq!(answer, Report::Validation(false));
    assert!(!serves(&mut machine, 10 * MINUTE + 1));
}

/// Rule: Revocation: a rejected revocation leaves the token in use, with the error of the rejection.
#[test]
fn a_rejected_revocation_leaves_the_token_in_use() {
    let (mut machine, token) = with_token();
    let job = machine.revoke(&token).unwrap();
    let error = report(&mut machine, job, MINUTE, [Answer::Active, refused()]).unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::CredentialsRejected, Some(401)));
    assert!(serves(&mut machine, MINUTE));
}

/// Rule: Revocation: a token that the server calls active after its revocation was not revoked, and stays
/// in use.
#[test]
fn a_token_that_is_active_after_its_revocation_stays_in_use() {
    let (mut machine, token) = with_token();
    let job = machine.revoke(&token).unwrap();
    let answers = [Answer::Active, Answer::Revoked, Answer::Active];
    let error = report(&mut machine, job, MINUTE, answers).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRevoked, "{error}");
    assert!(serves(&mut machine, MINUTE));
}

/// Rule: Revocation: a revocation is proven by a token that was active before and is inactive after it.
#[test]
fn a_revocation_is_proven_by_an_active_token_before_and_an_inactive_one_after() {
    for (before, expected) in
        [(Answer::Active, Revocation::Proven), (Answer::Inactive, Revocation::Unproven)]
    {
        let (mut machine, token) = with_token();
        let job = machine.revoke(&token).unwrap();
        let answers = [before, Answer::Revoked, Answer::Inactive];
        let answer = report(&mut machine, job, MINUTE, answers).unwrap();
        assert_eq!(answer, Report::Revoked(expected));
        assert!(!serves(&mut machine, MINUTE));
    }
}

/// Rule: Revocation: after a revocation that failed the token is not used, because it may be inactive. If the
/// server answers a later login with it, it is active, and serves again.
///
/// Servers such as WSO2 return the token that they have issued until it ends. A server that was down for a moment
/// must not cost its user all logins until then.
#[test]
fn after_a_failed_revocation_the_token_is_not_used_until_a_login_returns_it() {
    let (mut machine, token) = with_token();
    // The server is asked about the token before, once.
    for (t, before) in [(MINUTE, Some(Answer::Active)), (20 * MINUTE, None)] {
        let job = machine.revoke(&token).unwrap();
        let error = Error::new(ErrorKind::Unavailable, "down").with_status(503);
        let answers = before.into_iter().chain([Answer::Failed(error)]);
        let error = report(&mut machine, job, t, answers).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(matches!(ask(&mut machine, t + 1), Reply::Later));
        let (call, receipt) = sent(&mut machine, t + 1);
        assert_eq!(call, Call::Login);
        machine.handle(receipt, granted(1, t + 1), at(t + 1));
        settle(&mut machine, t + 1);
        assert!(serves(&mut machine, t + 2));
    }
}

/// Rule: Validation: an active answer about any token makes the validation believed.
#[test]
fn an_active_answer_about_another_token_makes_the_validation_believed() {
    let (mut machine, token) = with_token();
    let job = machine.validate(&Token::new(TokenKind::Bearer, "another")).unwrap();
    let answer = report(&mut machine, job, MINUTE, [Answer::Active]).unwrap();
    assert_eq!(answer, Report::Validation(true));
    let job = machine.validate(&token).unwrap();
    let answer = report(&mut machine, job, MINUTE, [Answer::Inactive]).unwrap();
    assert_eq!(answer, Report::Validation(false));
}

/// Rule: Validation: a new token that an API rejected, and a validation that is not believed calls
/// inactive, is replaced, and serves again if the login returns it.
#[test]
fn a_new_token_that_was_rejected_serves_again_if_the_login_returns_it() {
    let (mut machine, token) = with_token();
    assert_eq!(machine.report_rejected(&token, at(MINUTE)), Rejection::Suspected);
    assert!(matches!(ask(&mut machine, MINUTE), Reply::Later));
    let (call, receipt) = sent(&mut machine, MINUTE);
    assert!(matches!(call, Call::Validate(_)), "{call:?}");
    machine.handle(receipt, Outcome::Answered(Answer::Inactive), at(MINUTE));
    let (call, receipt) = sent(&mut machine, MINUTE + 1);
    assert_eq!(call, Call::Login);
    machine.handle(receipt, granted(1, MINUTE + 1), at(MINUTE + 1));
    settle(&mut machine, MINUTE + 1);
    assert!(serves(&mut machine, MINUTE + 2));
}

/// Rule: Validation: if a caller brings a token during a flight, the server is asked about it before a login.
#[test]
fn a_token_that_is_adopted_during_a_flight_is_validated_before_a_login() {
    let no_token =
        || Outcome::Answered(Answer::NoToken(Error::new(ErrorKind::TokenRejected, "none")));
    for answer in [Answer::Active, Answer::Inactive] {
        let mut machine = machine_of(Identity::winkas("https://h", "u", "c").unwrap(), false);
        assert!(matches!(ask(&mut machine, 0), Reply::Later));
        let (call, refetch) = sent(&mut machine, 0);
        assert!(matches!(call, Call::Refetch), "{call:?}");
        machine.adopt(Token::new(TokenKind::Winkas, "adopted"), None, at(1)).unwrap();
        let is_active = matches!(answer, Answer::Active);
        machine.handle(refetch, no_token(), at(2));
        let (call, validation) = sent(&mut machine, 2);
        assert!(matches!(call, Call::Validate(_)), "{call:?}");
        machine.handle(validation, Outcome::Answered(answer), at(3));
        if is_active {
            settle(&mut machine, 3);
            assert!(matches!(ask(&mut machine, 3), Reply::Lease(_)));
        } else {
            let (call, refetch) = sent(&mut machine, 3);
            assert!(matches!(call, Call::Refetch), "{call:?}");
            machine.handle(refetch, no_token(), at(3));
            assert_eq!(sent(&mut machine, 3).0, Call::Login);
        }
    }
}
