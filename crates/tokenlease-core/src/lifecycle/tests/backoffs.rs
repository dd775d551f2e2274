//! Backoffs.

use super::*;

/// Rule: Backoff: a caller that prefers a longer remaining lifetime gets the current lease while nothing
/// may be sent, not the error of the backoff.
#[test]
fn a_backoff_does_not_keep_the_current_lease_from_a_caller_that_prefers_a_longer_one() {
    let mut machine = machine_of(wyn(), true);
    let (mut store, mut issued) = (None, 0);
    let wait = Duration::from_secs(30);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    drive(&mut machine, &mut store, &mut issued, 0);
    // Another process has to wait for an hour, and this process reads that from the record.
    let mut record = store.take().map(|(_, record)| record).unwrap();
    let until = StoreTime(3_600_000);
    let reason = crate::record::BackoffReason::Throttled;
    record.0.server_backoff =
        Some(crate::record::ServerBackoff { until, count: 1, reason, cause: None });
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

/// Rule: Backoff: a success ends the row of failed attempts, so that the next failure waits a second
/// again.
#[test]
fn a_success_resets_the_wait_after_failed_attempts() {
    let mut machine = machine_of(wyn(), false);
    let not_sent = || Outcome::NotSent(Error::new(ErrorKind::Transport, "no route"));
    let wait_after_failure = |machine: &mut Lifecycle, t: i64| {
        assert!(matches!(ask(machine, t), Reply::Later));
        settle_with(machine, t, not_sent);
        machine.backed_off_until(Timestamp(t)).unwrap().since(Timestamp(t))
    };
    let waits = [0, 10_000, 20_000].map(|t| wait_after_failure(&mut machine, t));
    assert!(waits[2] >= Duration::from_secs(2), "{waits:?}");
    assert!(matches!(ask(&mut machine, 30_000), Reply::Later));
    settle_with(&mut machine, 30_000, || granted(1, 30_000));
    assert!(matches!(ask(&mut machine, 30_000), Reply::Lease(_)));
    // The token has expired, and the next login fails.
    let wait = wait_after_failure(&mut machine, 3_700_000);
    assert!(wait <= Duration::from_secs(1), "{wait:?}");
}

/// Rule: Backoff: after a success, an unusable answer to the same credentials backs off for a minute
/// again, also if the record is full of other backoffs.
#[test]
fn a_success_resets_the_backoff_of_its_credentials() {
    let mut machine = machine_of(wyn(), true);
    let forbidden = || {
        let error = Error::new(ErrorKind::Unavailable, "forbidden").with_status(403);
        Outcome::Answered(Answer::Failed(error))
    };
    let (mut store, mut issued) = (None, 0);
    let mut fail = |machine: &mut Lifecycle, store: &mut Stored, t: i64| {
        assert!(matches!(ask(machine, t), Reply::Later));
        let mut now = t;
        let login =
            until(machine, store, &mut now, |effect| matches!(effect, Effect::Send(Call::Login)));
        machine.handle(login, forbidden(), at(now));
        drive(machine, store, &mut issued, now);
        machine.backed_off_until(Timestamp(now)).unwrap().since(Timestamp(now))
    };
    assert!(fail(&mut machine, &mut store, 0) >= Duration::from_secs(60));
    assert!(matches!(ask(&mut machine, 61_000), Reply::Later));
    drive(&mut machine, &mut store, &mut 0, 61_000);
    assert!(matches!(ask(&mut machine, 61_000), Reply::Lease(_)));
    // Other credentials fill the record's list of backoffs.
    let (_, mut record) = store.take().unwrap();
    record.0.entry_backoffs = (0..8)
        .map(|n: u8| {
            let secret = [n].map(char::from).into_iter().collect::<String>();
            let other = Credentials::password(secret.as_str());
            let credentials = CredentialsFingerprint::of(&Key::new([0; 32]), &other);
            crate::record::Block {
                credentials,
                options: None,
                until: StoreTime(9_000_000),
                count: 1,
                cause: None,
            }
        })
        .collect();
    store = Some((9, record));
    let wait = fail(&mut machine, &mut store, 3_700_000);
    assert!(wait <= Duration::from_secs(61), "{wait:?}");
}

/// Rule: Backoff: during a backoff, callers of the process that met its cause get the server's error.
#[test]
fn a_backoff_is_explained_by_its_cause() {
    let mut machine = machine_of(wyn(), false);
    let error = Error::new(ErrorKind::Unavailable, "forbidden").with_status(403);
    assert!(matches!(ask(&mut machine, 0), Reply::Later));
    settle_with(&mut machine, 0, || Outcome::Answered(Answer::Failed(error.clone())));
    let reply = machine.ask(&Ask::new(Timestamp(1_000), Duration::from_secs(30)), at(1_000));
    let Reply::Error(error) = reply else { panic!("{reply:?}") };
    assert_eq!((error.status(), error.detail()), (Some(403), "forbidden"));
}

/// Rule: Backoff: a failure whose cause lasts until somebody corrects it ends the wait of all callers at
/// once; one that may pass does not.
#[test]
fn a_failure_whose_cause_lasts_ends_the_wait_of_callers() {
    let transport = || Error::new(ErrorKind::Transport, "no route");
    let config = || Error::new(ErrorKind::Config, "no password");
    let errors = [
        (transport(), false),
        (transport().lasting(), true),
        // New credentials of a function come with such an error.
        (config(), false),
        (config().lasting(), true),
    ];
    for (error, ends_at_once) in errors {
        for identity in [wyn(), Identity::winkas("https://h", "u", "c").unwrap()] {
            let mut machine = machine_of(identity, false);
            assert!(matches!(ask(&mut machine, 0), Reply::Later));
            let mut t = 0;
            while machine.completions() == 0 {
                match machine.poll(at(t)) {
                    Step::Do(_, receipt) => {
                        machine.handle(receipt, Outcome::NotSent(error.clone()), at(t));
                    }
                    Step::Wait(until) => t = until.0,
                    Step::Done => {}
                }
            }
            assert!(!ends_at_once || t == 0, "{t}");
            match ask(&mut machine, t) {
                Reply::Error(reported) if ends_at_once => {
                    assert_eq!(reported.kind(), error.kind());
                    assert!(!reported.is_retryable());
                }
                Reply::Later if !ends_at_once => {}
                reply => panic!("{error}: {reply:?}"),
            }
            // The cause may be corrected: the next attempt is due within 30 s.
            let next = machine.next_attempt(Timestamp(t)).unwrap();
            assert!(next.since(Timestamp(t)) <= Duration::from_secs(1));
            assert!(matches!(ask(&mut machine, t + 30_000), Reply::Later));
        }
    }
}
