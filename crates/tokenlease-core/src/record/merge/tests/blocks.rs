//! How circuits and backoffs are merged.

use super::*;

/// Rule: Merge: of a rejection and a success of the same credentials, the later one wins, in any order
/// of merging.
#[test]
fn of_a_rejection_and_a_success_the_later_one_wins_in_any_order_of_merging() {
    let rejected_at = |at: i64| RecordChange::Rejected {
        credentials: credentials(1),
        options: None,
        until: Timestamp(at + HOUR),
        count: 1,
        cause: None,
    };
    let mut state = merged(&[RecordChange::Leased {
        credentials: credentials(1),
        options: None,
        lease: Lease {
            first: FirstSeen { sent_at: Timestamp(100), ..lease(1, HOUR).first },
            ..lease(1, HOUR)
        },
        replacing: None,
        origin: Origin::Login,
    }]);
    state.merge(&rejected_at(50), Timestamp(200));
    assert!(state.circuit(credentials(1), None).is_none() && state.was_accepted(credentials(1)));
    state.merge(&rejected_at(150), Timestamp(200));
    assert!(state.circuit(credentials(1), None).is_some() && !state.was_accepted(credentials(1)));
    // A success that was requested before the rejection does not close its circuit.
    state.merge(
        &RecordChange::Accepted {
            credentials: credentials(1),
            options: None,
            sent: Timestamp(100),
        },
        Timestamp(200),
    );
    assert!(state.circuit(credentials(1), None).is_some());
    state.merge(
        &RecordChange::Accepted {
            credentials: credentials(1),
            options: None,
            sent: Timestamp(151),
        },
        Timestamp(200),
    );
    assert!(state.circuit(credentials(1), None).is_none());
}

/// Rule: Merge: a record keeps 32 circuits, and never drops one for a lease.
#[test]
fn an_open_circuit_is_never_dropped_for_a_lease_and_32_circuits_are_kept() {
    let mut state = State::default();
    for n in 0..40 {
        let until = Timestamp(HOUR);
        state.merge(
            &RecordChange::Rejected {
                credentials: credentials(n),
                options: None,
                until,
                count: 1,
                cause: None,
            },
            Timestamp(0),
        );
    }
    for n in 50..60 {
        state.merge(&leased(n, n, HOUR, Origin::Login), Timestamp(0));
    }
    assert_eq!((state.circuits.len(), state.leases.len()), (32, 4));
    assert!(
        state.circuit(credentials(39), None).is_some()
            && state.circuit(credentials(7), None).is_none()
    );
}

/// Rule: Circuit: rejected credentials lose their lease and save none until they are accepted; no
/// success of other credentials closes their circuit.
#[test]
fn rejected_credentials_lose_their_lease_and_save_none_until_they_are_accepted() {
    let mut state = merged(&[
        leased(1, 1, HOUR, Origin::Login),
        RecordChange::Rejected {
            credentials: credentials(1),
            options: None,
            until: Timestamp(HOUR),
            count: 1,
            cause: None,
        },
        leased(1, 1, HOUR, Origin::Kept),
    ]);
    assert!(state.lease(credentials(1)).is_none());
    state.merge(
        &RecordChange::Accepted { credentials: credentials(2), options: None, sent: Timestamp(0) },
        Timestamp(0),
    );
    assert!(
        state.circuit(credentials(1), None).is_some(),
        "a success of other credentials closes nothing"
    );
    state.merge(
        &RecordChange::Accepted { credentials: credentials(1), options: None, sent: Timestamp(0) },
        Timestamp(0),
    );
    state.merge(&leased(1, 1, HOUR, Origin::Returned), Timestamp(0));
    assert!(state.lease(credentials(1)).is_some());
}

/// Rule: Backoff: the backoff of logins that rejections cause outlives the lease, and restarts after an
/// active validation or two hours.
#[test]
fn a_login_backoff_outlives_the_lease_and_restarts_after_an_active_validation_or_two_hours() {
    let mut state =
        merged(&[leased(1, 1, 9 * HOUR, Origin::Login), died(1, TombstoneCause::Rejected, 1)]);
    assert!(
        state
            .login_backoff(credentials(1))
            .is_some_and(|backoff| backoff.armed && backoff.count == 0)
    );
    state.merge(&leased(1, 2, 9 * HOUR, Origin::Login), Timestamp(2));
    state.merge(&died(2, TombstoneCause::Rejected, 3), Timestamp(3));
    let login_backoff = *state.login_backoff(credentials(1)).unwrap();
    assert!(
        login_backoff.armed && login_backoff.count == 1 && login_backoff.last == Some(Timestamp(2))
    );
    let mut later = state.clone();
    later.merge(&leased(1, 3, 9 * HOUR, Origin::Login), Timestamp(4));
    later.merge(&died(3, TombstoneCause::Rejected, 3 * HOUR), Timestamp(3 * HOUR));
    assert_eq!(later.login_backoff(credentials(1)).unwrap().count, 0, "two hours later");
    state.merge(&leased(1, 4, 9 * HOUR, Origin::Login), Timestamp(4));
    state.merge(
        &RecordChange::Validated { fingerprint: fingerprint(4), sent: Timestamp(5), then: THEN },
        Timestamp(5),
    );
    assert!(state.login_backoff(credentials(1)).is_none(), "validated as active");
}

/// Rule: Backoff: a success ends the doubling of a server backoff, but not the current wait.
#[test]
fn a_success_ends_the_doubling_of_a_server_backoff_but_not_its_current_wait() {
    let backoff = RecordChange::BackedOff {
        until: Timestamp(50),
        count: 6,
        reason: BackoffReason::Throttled,
        cause: None,
    };
    let state = merged_at(10, &[backoff.clone(), leased(1, 1, HOUR, Origin::Login)]);
    assert!(
        state
            .server_backoff
            .is_some_and(|backoff| backoff.count == 0 && backoff.until == Timestamp(50))
    );
    let state = merged_at(60, &[backoff, leased(1, 1, HOUR, Origin::Login)]);
    assert!(state.server_backoff.is_none());
}

/// Rule: Circuit: `unblock` removes the circuit and the counted rejections at once.
#[test]
fn unblock_removes_the_circuit_and_the_counted_rejections() {
    let state = merged(&[
        RecordChange::RejectedUnaccepted { credentials: credentials(1), at: Timestamp(0) },
        RecordChange::Rejected {
            credentials: credentials(1),
            options: None,
            until: Timestamp(HOUR),
            count: 3,
            cause: None,
        },
        RecordChange::Unblocked { credentials: credentials(1), at: Timestamp(HOUR) },
    ]);
    assert_eq!(state, State::default());
}

/// Rule: Circuit: `unblock` does not remove a rejection that came after it, even if its change is saved
/// later, as after a store outage.
#[test]
fn unblock_does_not_remove_a_rejection_that_came_after_it() {
    let at = Timestamp(2 * HOUR);
    let rejected = [
        RecordChange::RejectedUnaccepted { credentials: credentials(1), at },
        RecordChange::Rejected {
            credentials: credentials(1),
            options: None,
            until: Timestamp(3 * HOUR),
            count: 1,
            cause: None,
        },
        RecordChange::LoginSpent { credentials: credentials(1), at, count: 1, lost: false },
    ];
    let unblocked =
        |at| [RecordChange::Unblocked { credentials: credentials(1), at: Timestamp(at) }];
    let state = merged(&rejected);
    assert_eq!(merged(&[&rejected[..], &unblocked(HOUR)].concat()), state);
    assert_eq!(merged(&[&rejected[..], &unblocked(2 * HOUR + 1)].concat()), State::default());
}
