//! Tokens that an API rejected, or that were found inactive or revoked.

use super::*;

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
    machine.revoke(&first).unwrap();
    drive(&mut machine, &mut store, &mut 0, 1);
    // The store is restored from the backup, and the record is due to be read.
    store = backup;
    let second = token(&mut machine, &mut store, 60_000);
    assert_ne!(first, second);
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

/// Rule: Rejection: adopting a token whose rejection was reported does not settle the report.
#[test]
fn a_rejected_token_that_is_adopted_is_asked_about_before_it_is_served() {
    let mut machine = machine_of(wyn(), false);
    let token = Token::new(TokenKind::Bearer, "adopted");
    machine.adopt(token.clone(), None, at(0)).unwrap();
    assert_eq!(machine.report_rejected(&token, at(1)), Rejection::Suspected);
    machine.adopt(token, None, at(2)).unwrap();
    assert!(matches!(ask(&mut machine, 3), Reply::Later));
    let (call, _) = sent(&mut machine, 3);
    assert!(matches!(call, Call::Validate(_)), "{call:?}");
}

/// Rule: Validation: a token of no entry that the server called inactive is not adopted.
#[test]
fn an_unknown_token_that_is_inactive_is_not_adopted() {
    let mut machine = machine_of(wyn(), false);
    let token = Token::new(TokenKind::Bearer, "unknown");
    let job = machine.validate(&token).unwrap();
    settle_with(&mut machine, 0, || Outcome::Answered(Answer::Inactive));
    assert_eq!(machine.take_report(job).unwrap().unwrap(), Report::Validation(false));
    let error = machine.adopt(token, None, at(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected);
}
