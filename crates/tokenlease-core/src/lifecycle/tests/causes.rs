//! Causes in the record, and options that were changed.

use super::*;

/// A state machine with these options, and a store.
fn machine_with(token_path: &str) -> Lifecycle {
    let key = Key::new([0; 32]);
    let credentials = Credentials::password("p").with_client_secret("s");
    let credentials = CredentialsFingerprint::of(&key, &credentials);
    let server = Server::new(wyn()).with_token_path(token_path).unwrap();
    Lifecycle::new(&server, credentials, key, Policy::default(), 1)
}

fn invalid_scope() -> Error {
    Error::new(ErrorKind::Config, "the server said \"no such scope\"")
        .with_status(400)
        .with_code("invalid_scope")
        .advice("set a scope that the server grants")
}

fn invalid_grant() -> Error {
    Error::new(ErrorKind::CredentialsRejected, "the server said \"wrong password\"")
        .with_status(400)
        .with_code("invalid_grant")
        .advice("correct the password, then call `unblock`")
}

/// Asks, and answers a login with `error` if one is sent. Returns the error that the caller gets, or
/// `None` for a lease, and how many logins were sent.
fn get(
    machine: &mut Lifecycle,
    store: &mut Stored,
    error: Option<&Error>,
    t: i64,
) -> (Option<Error>, u32) {
    let mut logins = 0;
    let request = Ask::new(Timestamp(t), Duration::from_secs(30));
    for _ in 0..2 {
        match machine.ask(&request, at(t)) {
            Reply::Lease(_) => return (None, logins),
            Reply::Error(error) => return (Some(error), logins),
            Reply::Later => {}
        }
        while let Step::Do(effect, receipt) = machine.poll(at(t)) {
            let outcome = match effect {
                Effect::Send(Call::Login) => {
                    logins += 1;
                    match error {
                        Some(error) => Outcome::Answered(Answer::Failed(error.clone())),
                        None => granted(logins, t),
                    }
                }
                effect => stored(&effect, store, t),
            };
            machine.handle(receipt, outcome, at(t));
        }
    }
    panic!("no answer at {t}")
}

fn fields(error: &Error) -> (ErrorKind, Option<u16>, Option<&str>, String) {
    // The end of a backoff is converted to the store's time and back.
    let text = error.to_string();
    let until = error.until().map(|until| format!("; until {until}")).unwrap_or_default();
    (error.kind(), error.status(), error.code(), text.replace(&until, ""))
}

/// Rule: Backoff: a second process reports the first one's cause: kind, code, status, texts and `until`.
#[test]
fn a_second_process_reports_the_cause_that_the_first_one_met() {
    let throttled = Error::new(ErrorKind::Throttled, "the server said \"slow down\"")
        .with_status(429)
        .with_retry_after(Duration::from_secs(600));
    let down = Error::new(ErrorKind::Unavailable, "the server said \"maintenance\"")
        .with_status(503)
        .with_retry_after(Duration::from_secs(600));
    let forbidden =
        Error::new(ErrorKind::Unavailable, "the server said \"blocked\"").with_status(403);
    for cause in [invalid_scope(), invalid_grant(), throttled, down, forbidden] {
        let mut store = None;
        let mut first = machine_with("/t");
        let (error, logins) = get(&mut first, &mut store, Some(&cause), 0);
        assert_eq!(logins, 1);
        let error = error.unwrap();
        assert_eq!(fields(&error), fields(&cause));
        let mut second = machine_with("/t");
        let (again, logins) = get(&mut second, &mut store, None, 1_000);
        assert_eq!(logins, 0, "{cause}");
        let again = again.unwrap();
        assert_eq!(fields(&again), fields(&cause));
        assert_eq!(again.until(), error.until(), "{cause}");
        assert!(again.until().is_some(), "{cause}");
        let (own, _) = get(&mut first, &mut store, None, 1_000);
        assert_eq!(own.unwrap().to_string(), again.to_string());
        assert!(second.explain(at(1_000)).contains(cause.detail()), "{cause}");
    }
}

/// Rule: Backoff: a configuration that the server does not accept is probed once an hour, by one process,
/// and recovers by itself.
#[test]
fn a_configuration_error_is_probed_hourly_and_ends_without_a_person() {
    const HOUR: i64 = 3_600_000;
    let (mut store, cause) = (None, invalid_scope());
    let mut all = [machine_with("/t"), machine_with("/t"), machine_with("/t")];
    let mut logins = 0;
    for t in (0..5 * HOUR).step_by(60_000) {
        for machine in &mut all {
            logins += get(machine, &mut store, Some(&cause), t).1;
        }
    }
    assert_eq!(logins, 5);
    let (error, logins) = get(&mut all[1], &mut store, None, 5 * HOUR);
    assert_eq!((error.map(|error| error.to_string()), logins), (None, 1));
    assert_eq!(get(&mut all[2], &mut store, None, 5 * HOUR).1, 0);
}

/// Rule: Backoff: a changed option is tried at once, and the credentials keep their circuit or backoff with
/// the former options.
#[test]
fn a_changed_option_is_tried_at_once() {
    for cause in [invalid_scope(), invalid_grant()] {
        let mut store = None;
        let mut wrong = machine_with("/wrong");
        assert_eq!(get(&mut wrong, &mut store, Some(&cause), 0).1, 1);
        let mut right = machine_with("/right");
        let (error, logins) = get(&mut right, &mut store, None, 1_000);
        assert!(error.is_none() && logins == 1, "{error:?}");
        // Other processes with these options share the token.
        let (error, logins) = get(&mut machine_with("/right"), &mut store, None, 2_000);
        assert!(error.is_none() && logins == 0, "{error:?}");
        // Those with the former options do not send the credentials again.
        assert_eq!(get(&mut machine_with("/wrong"), &mut store, Some(&cause), 3_000).1, 0);
        assert_eq!(get(&mut wrong, &mut store, Some(&cause), 6_000).1, 0);
        assert!(get(&mut right, &mut store, None, 12_000).0.is_none());
    }
}

/// Rule: Circuit: a rejection with wrong options does not end the lease that the credentials have with
/// other options.
#[test]
fn a_rejection_keeps_the_lease_of_other_options() {
    let mut store = None;
    let mut right = machine_with("/right");
    assert!(get(&mut right, &mut store, None, 0).0.is_none());
    // The other process does not know of the lease.
    let mut wrong = machine_with("/wrong");
    let mut own = None;
    assert_eq!(get(&mut wrong, &mut own, Some(&invalid_grant()), 1_000).1, 1);
    let credentials = wrong.credentials_fingerprint();
    let (_, record) = store.as_mut().unwrap();
    let rejected = &own.unwrap().1.0.circuits[0];
    let (options, until, count, cause) = (rejected.options, rejected.until, rejected.count, None);
    let change = RecordChange::Rejected { credentials, options, until, count, cause };
    record.0.merge(&change, StoreTime(1_000));
    assert!(record.0.circuit(credentials, options).is_some());
    let (error, logins) = get(&mut machine_with("/right"), &mut store, None, 2_000);
    assert!(error.is_none() && logins == 0, "{error:?}");
}

/// Rule: Circuit: credentials that were rejected with four sets of options wait with a fifth one, so that
/// options that change with each start do not lock the account.
#[test]
fn rejected_credentials_are_tried_with_a_bounded_number_of_options() {
    let (mut store, cause) = (None, invalid_grant());
    let mut sent = 0;
    for n in 0..20 {
        let mut machine = machine_with(&format!("/{n}"));
        let (error, logins) = get(&mut machine, &mut store, Some(&cause), n * 1_000);
        let error = error.unwrap();
        assert_eq!((error.kind(), error.code()), (ErrorKind::CredentialsRejected, cause.code()));
        assert!(error.until().is_some());
        sent += logins;
    }
    assert_eq!(sent, 4);
    // An unblock by any process ends all of them.
    let mut machine = machine_with("/0");
    machine.unblock(at(20_000));
    assert!(get(&mut machine, &mut store, None, 20_000).0.is_none());
    assert!(get(&mut machine_with("/7"), &mut store, None, 21_000).0.is_none());
}

/// Rule: Backoff: the error of a deadline that passes while the store is read states when the server may be
/// asked again.
#[test]
fn the_error_of_a_passed_deadline_states_when_the_server_may_be_asked_again() {
    let (mut machine, mut store) = (machine_with("/token"), Stored::default());
    let (error, _) = get(&mut machine, &mut store, Some(&invalid_scope()), 0);
    let until = error.and_then(|error| error.until()).expect("a backoff");
    // The store does not answer.
    let request = Ask::new(Timestamp(60_000), Duration::from_secs(1));
    assert!(matches!(machine.ask(&request, at(60_000)), Reply::Later));
    assert!(matches!(machine.poll(at(60_000)), Step::Do(Effect::Load, _)));
    let Reply::Error(error) = machine.ask(&request, at(61_000)) else { panic!() };
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(error.until(), Some(until), "{error}");
}

/// Rule: Validation: a throttled validation reports the server's answer that caused the backoff.
#[test]
fn a_throttled_validation_reports_the_answer_that_caused_the_backoff() {
    let (mut machine, mut store) = (machine_with("/token"), Stored::default());
    let throttled = Error::new(ErrorKind::Throttled, "the server said \"too many\"");
    let throttled = throttled.with_status(429).with_retry_after(Duration::from_secs(120));
    get(&mut machine, &mut store, Some(&throttled), 0);
    let job = machine.validate(&Token::new(TokenKind::Bearer, "t")).unwrap();
    while let Step::Do(effect, receipt) = machine.poll(at(1)) {
        assert!(!matches!(effect, Effect::Send(_)), "{effect:?}");
        machine.handle(receipt, stored(&effect, &mut store, 1), at(1));
    }
    let error = machine.take_report(job).expect("a report").unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Throttled, Some(429)));
    assert!(error.detail().contains("too many") && error.until().is_some(), "{error}");
}

/// Rule: Circuit: a store that is restored from a backup brings no circuit back that ended before the login for
/// the token in use.
#[test]
fn a_restored_store_does_not_bring_an_ended_circuit_back() {
    let (mut machine, mut store) = (machine_with("/token"), None);
    let rejected = invalid_grant();
    let (error, _) = get(&mut machine, &mut store, Some(&rejected), 0);
    assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::CredentialsRejected));
    let backup = store.clone();
    machine.unblock(at(60_000));
    let logins = |machine: &mut Lifecycle, store: &mut Stored, t| {
        let (error, logins) = get(machine, store, None, t);
        assert!(error.is_none(), "{error:?}");
        logins
    };
    assert_eq!(logins(&mut machine, &mut store, 60_000), 1);
    store = backup;
    assert_eq!(logins(&mut machine, &mut store, 120_000), 0);
    // The others learn of it.
    machine.check_store();
    drive(&mut machine, &mut store, &mut 0, 121_000);
    assert_eq!(logins(&mut machine_with("/token"), &mut store, 122_000), 0);
}
