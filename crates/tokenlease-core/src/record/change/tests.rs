use super::*;
use crate::{
    key::Key,
    lease::{Expiry, First},
    time::Timestamp,
    token::{Token, TokenKind},
};

const HOUR: i64 = 3_600_000;

type Known = RecordState<Timestamp>;

fn credentials(n: u8) -> CredentialsFingerprint {
    CredentialsFingerprint::from_bytes([n; 32])
}

fn print(n: u8) -> TokenFingerprint {
    TokenFingerprint::of(&Key::new([0; 32]), &token(n))
}

fn token(n: u8) -> Token {
    Token::new(TokenKind::Bearer, format!("token-{n}").as_str())
}

fn lease(n: u8, end: i64) -> Lease<Timestamp> {
    let expiry = Expiry::Stated { end: Timestamp(end) };
    Lease {
        token: token(n),
        fingerprint: print(n),
        first: First { generation: 0, sent_at: Timestamp(0), expiry },
        validated_at: None,
    }
}

fn leased(p: u8, n: u8, end: i64, how: Gained) -> RecordChange<Timestamp> {
    RecordChange::Leased { credentials: credentials(p), lease: lease(n, end), replacing: None, how }
}

fn died(n: u8, cause: TombstoneCause, at: i64) -> RecordChange<Timestamp> {
    let tombstone = Tombstone { cause, at: Timestamp(at) };
    RecordChange::Died { credentials: credentials(1), fingerprint: print(n), tombstone }
}

fn merged(news: &[RecordChange<Timestamp>]) -> Known {
    merged_at(0, news)
}

fn merged_at(now: i64, news: &[RecordChange<Timestamp>]) -> Known {
    let mut known = Known::default();
    for news in news {
        known.merge(news, Timestamp(now));
    }
    known
}

fn cause(known: &Known, n: u8) -> Option<TombstoneCause> {
    known.tombstone(print(n)).map(|tombstone| tombstone.cause)
}

#[test]
fn merging_the_same_news_twice_changes_nothing_more() {
    let all = [
        leased(1, 1, HOUR, Gained::Login),
        RecordChange::Yes { fingerprint: print(1), sent: Timestamp(5) },
        died(2, TombstoneCause::Rejected, 7),
        RecordChange::Unproven { credentials: credentials(3), at: Timestamp(8) },
        RecordChange::Rejected { credentials: credentials(3), until: Timestamp(HOUR), count: 1 },
        RecordChange::BackedOff(ServerBackoff {
            until: Timestamp(9),
            count: 1,
            reason: BackoffReason::Throttled,
        }),
        RecordChange::EntryBackedOff { credentials: credentials(4), until: Timestamp(9), count: 1 },
        RecordChange::Learned(Some(Duration::from_secs(9))),
        RecordChange::Forgotten { credentials: credentials(5), fingerprint: print(5) },
    ];
    let once = merged(&all);
    let mut twice = once.clone();
    for news in &all {
        twice.merge(news, Timestamp(0));
    }
    assert_eq!(once.leases, twice.leases);
    assert_eq!(once.circuits, twice.circuits);
    assert_eq!(once.unproven, twice.unproven);
    assert_eq!(once.generation, twice.generation);
}

#[test]
fn a_generation_counts_tokens_and_never_falls() {
    let mut known = merged(&[leased(1, 1, HOUR, Gained::Login)]);
    assert_eq!(known.generation, 1);
    known.merge(&leased(2, 1, HOUR, Gained::Returned), Timestamp(0));
    assert_eq!(known.generation, 1, "the same token under a second credentials");
    known.merge(&leased(2, 2, HOUR, Gained::Login), Timestamp(0));
    known.merge(
        &RecordChange::Forgotten { credentials: credentials(2), fingerprint: print(2) },
        Timestamp(0),
    );
    assert_eq!(known.generation, 1, "a lease of another stands: nobody replaced it");
    let replaced = RecordChange::Leased {
        credentials: credentials(1),
        lease: lease(3, HOUR),
        replacing: Some(print(1)),
        how: Gained::Login,
    };
    known.merge(&replaced, Timestamp(0));
    assert_eq!(known.generation, 2);
}

#[test]
fn lesson_9_a_lease_that_its_writer_had_not_seen_is_not_overwritten() {
    let mut known = merged(&[leased(1, 1, HOUR, Gained::Login)]);
    known.merge(&leased(1, 2, HOUR, Gained::Login), Timestamp(0));
    assert_eq!(known.lease(credentials(1)).unwrap().fingerprint, print(1));
    // Once it is over, it is.
    known.merge(&leased(1, 2, 3 * HOUR, Gained::Login), Timestamp(HOUR));
    assert_eq!(known.lease(credentials(1)).unwrap().fingerprint, print(2));
}

#[test]
fn of_two_leases_that_knew_nothing_of_each_other_that_which_was_asked_for_last_stands() {
    let sent_at = |n: u8, at: i64, how| {
        let mut lease = lease(n, HOUR);
        lease.first.sent_at = Timestamp(at);
        RecordChange::Leased { credentials: credentials(1), lease, replacing: None, how }
    };
    let (first, second) = (sent_at(1, 10, Gained::Login), sent_at(2, 20, Gained::Login));
    for order in [[&first, &second], [&second, &first]] {
        let mut known = merged(&order.map(Clone::clone));
        assert_eq!(known.lease(credentials(1)).unwrap().fingerprint, print(2));
        let generation = known.generation;
        // Who kept the older one, and saves it back, changes nothing.
        known.merge(&sent_at(1, 10, Gained::Kept), Timestamp(30));
        assert_eq!(known.lease(credentials(1)).unwrap().fingerprint, print(2));
        assert_eq!(known.generation, generation);
    }
}

#[test]
fn of_a_rejection_and_a_success_the_later_stands_in_whichever_order_they_are_told() {
    let rejected_at = |at: i64| RecordChange::Rejected {
        credentials: credentials(1),
        until: Timestamp(at + HOUR),
        count: 1,
    };
    let mut known = merged(&[RecordChange::Leased {
        credentials: credentials(1),
        lease: Lease {
            first: First { sent_at: Timestamp(100), ..lease(1, HOUR).first },
            ..lease(1, HOUR)
        },
        replacing: None,
        how: Gained::Login,
    }]);
    known.merge(&rejected_at(50), Timestamp(200));
    assert!(known.circuit(credentials(1)).is_none() && known.was_accepted(credentials(1)));
    known.merge(&rejected_at(150), Timestamp(200));
    assert!(known.circuit(credentials(1)).is_some() && !known.was_accepted(credentials(1)));
    // Nor does a success that was asked for before it close its circuit.
    known.merge(
        &RecordChange::Accepted { credentials: credentials(1), sent: Timestamp(100) },
        Timestamp(200),
    );
    assert!(known.circuit(credentials(1)).is_some());
    known.merge(
        &RecordChange::Accepted { credentials: credentials(1), sent: Timestamp(151) },
        Timestamp(200),
    );
    assert!(known.circuit(credentials(1)).is_none());
}

#[test]
fn a_record_keeps_four_leases_and_drops_dead_ones_first() {
    let mut known = Known::default();
    for n in 1..=4 {
        known.merge(&leased(n, n, HOUR, Gained::Login), Timestamp(0));
    }
    known.merge(&died(3, TombstoneCause::Inactive, 1), Timestamp(1));
    known.merge(&leased(5, 5, HOUR, Gained::Login), Timestamp(2));
    let credentials_fingerprints: Vec<_> =
        known.leases.iter().map(|entry| entry.credentials).collect();
    assert_eq!(
        credentials_fingerprints,
        [credentials(1), credentials(2), credentials(4), credentials(5)]
    );
}

#[test]
fn an_open_circuit_is_never_dropped_for_a_lease_and_32_are_kept() {
    let mut known = Known::default();
    for n in 0..40 {
        let until = Timestamp(HOUR);
        known.merge(
            &RecordChange::Rejected { credentials: credentials(n), until, count: 1 },
            Timestamp(0),
        );
    }
    for n in 50..60 {
        known.merge(&leased(n, n, HOUR, Gained::Login), Timestamp(0));
    }
    assert_eq!((known.circuits.len(), known.leases.len()), (32, 4));
    assert!(known.circuit(credentials(39)).is_some() && known.circuit(credentials(7)).is_none());
}

#[test]
fn a_rejected_proof_loses_its_lease_and_saves_none_until_it_is_accepted() {
    let mut known = merged(&[
        leased(1, 1, HOUR, Gained::Login),
        RecordChange::Rejected { credentials: credentials(1), until: Timestamp(HOUR), count: 1 },
        leased(1, 1, HOUR, Gained::Kept),
    ]);
    assert!(known.lease(credentials(1)).is_none());
    known.merge(
        &RecordChange::Accepted { credentials: credentials(2), sent: Timestamp(0) },
        Timestamp(0),
    );
    assert!(
        known.circuit(credentials(1)).is_some(),
        "another credentials's success closes nothing"
    );
    known.merge(
        &RecordChange::Accepted { credentials: credentials(1), sent: Timestamp(0) },
        Timestamp(0),
    );
    known.merge(&leased(1, 1, HOUR, Gained::Returned), Timestamp(0));
    assert!(known.lease(credentials(1)).is_some());
}

#[test]
fn a_tombstone_is_lifted_once_by_a_refetch_sent_after_the_rejection() {
    let lift = |sent| RecordChange::Lifted { fingerprint: print(1), sent: Timestamp(sent) };
    let mut known = merged(&[died(1, TombstoneCause::Rejected, 10), lift(9)]);
    assert_eq!(cause(&known, 1), Some(TombstoneCause::Rejected), "the refetch was sent before it");
    known.merge(&lift(11), Timestamp(0));
    assert_eq!(cause(&known, 1), None);
    known.merge(&died(1, TombstoneCause::Rejected, 10), Timestamp(0));
    assert_eq!(cause(&known, 1), None, "made before the refetch, saved after it");
    known.merge(&died(1, TombstoneCause::Rejected, 12), Timestamp(0));
    assert_eq!(cause(&known, 1), Some(TombstoneCause::Inactive), "rejected again: known dead");
    known.merge(&lift(13), Timestamp(0));
    assert_eq!(cause(&known, 1), Some(TombstoneCause::Inactive));
}

#[test]
fn nothing_lifts_a_no_or_a_revocation() {
    for end in [TombstoneCause::Inactive, TombstoneCause::Revoked] {
        let lift = RecordChange::Lifted { fingerprint: print(1), sent: Timestamp(99) };
        let known = merged(&[died(1, end, 1), lift, leased(1, 1, HOUR, Gained::Returned)]);
        assert_eq!(cause(&known, 1), Some(end));
        assert!(known.lease(credentials(1)).is_none());
    }
    let known =
        merged(&[died(1, TombstoneCause::Revoked, 1), died(1, TombstoneCause::Rejected, 2)]);
    assert_eq!(cause(&known, 1), Some(TombstoneCause::Revoked), "the stronger stays");
}

#[test]
fn a_rejection_older_than_the_records_last_yes_is_not_merged() {
    let known = merged(&[
        leased(1, 1, HOUR, Gained::Login),
        RecordChange::Yes { fingerprint: print(1), sent: Timestamp(20) },
        died(1, TombstoneCause::Rejected, 19),
    ]);
    assert_eq!(cause(&known, 1), None);
}

#[test]
fn spacing_outlives_the_lease_and_begins_anew_after_a_yes_or_two_hours() {
    let mut known =
        merged(&[leased(1, 1, 9 * HOUR, Gained::Login), died(1, TombstoneCause::Rejected, 1)]);
    assert!(known.login_backoff(credentials(1)).is_some_and(|s| s.armed && s.count == 0));
    known.merge(&leased(1, 2, 9 * HOUR, Gained::Login), Timestamp(2));
    known.merge(&died(2, TombstoneCause::Rejected, 3), Timestamp(3));
    let login_backoff = *known.login_backoff(credentials(1)).unwrap();
    assert!(
        login_backoff.armed && login_backoff.count == 1 && login_backoff.last == Some(Timestamp(2))
    );
    let mut later = known.clone();
    later.merge(&leased(1, 3, 9 * HOUR, Gained::Login), Timestamp(4));
    later.merge(&died(3, TombstoneCause::Rejected, 3 * HOUR), Timestamp(3 * HOUR));
    assert_eq!(later.login_backoff(credentials(1)).unwrap().count, 0, "two hours later");
    known.merge(&leased(1, 4, 9 * HOUR, Gained::Login), Timestamp(4));
    known.merge(&RecordChange::Yes { fingerprint: print(4), sent: Timestamp(5) }, Timestamp(5));
    assert!(known.login_backoff(credentials(1)).is_none(), "a yes");
}

#[test]
fn a_forgotten_token_is_not_saved_back_but_an_login_or_a_refetch_brings_it_back() {
    let forgotten = RecordChange::Forgotten { credentials: credentials(1), fingerprint: print(1) };
    let mut known = merged(&[leased(1, 1, HOUR, Gained::Login), forgotten]);
    known.merge(&leased(1, 1, HOUR, Gained::Kept), Timestamp(0));
    assert!(known.lease(credentials(1)).is_none() && known.is_forgotten(print(1)));
    known.merge(&leased(1, 1, HOUR, Gained::Returned), Timestamp(0));
    assert!(known.lease(credentials(1)).is_some() && !known.is_forgotten(print(1)));
}

#[test]
fn a_token_that_is_known_keeps_its_first_seen_time_and_generation() {
    let mut later = lease(1, HOUR);
    later.first.sent_at = Timestamp(99);
    later.first.expiry = Expiry::Unknown;
    let known = merged(&[
        leased(1, 1, HOUR, Gained::Login),
        leased(2, 2, HOUR, Gained::Login),
        RecordChange::Leased {
            credentials: credentials(3),
            lease: later,
            replacing: None,
            how: Gained::Returned,
        },
    ]);
    let first = known.lease(credentials(3)).unwrap().first;
    assert_eq!((first.generation, first.sent_at), (1, Timestamp(0)));
    assert_eq!(first.expiry, Expiry::Stated { end: Timestamp(HOUR) });
}

#[test]
fn a_success_ends_the_doubling_of_holds_but_not_a_wait_that_was_asked_for() {
    let hold = RecordChange::BackedOff(ServerBackoff {
        until: Timestamp(50),
        count: 6,
        reason: BackoffReason::Throttled,
    });
    let known = merged_at(10, &[hold.clone(), leased(1, 1, HOUR, Gained::Login)]);
    assert!(known.hold.is_some_and(|hold| hold.count == 0 && hold.until == Timestamp(50)));
    let known = merged_at(60, &[hold, leased(1, 1, HOUR, Gained::Login)]);
    assert!(known.hold.is_none());
}

#[test]
fn sixteen_fates_are_remembered() {
    let mut known = Known::default();
    for n in 0..20 {
        known.merge(&died(n, TombstoneCause::Inactive, 0), Timestamp(0));
    }
    assert_eq!(known.fates.len(), 16);
    assert!(cause(&known, 3).is_none() && cause(&known, 4).is_some());
}

#[test]
fn a_reset_closes_the_circuit_and_counts_no_rejections() {
    let known = merged(&[
        RecordChange::Unproven { credentials: credentials(1), at: Timestamp(0) },
        RecordChange::Rejected { credentials: credentials(1), until: Timestamp(HOUR), count: 3 },
        RecordChange::Unblocked { credentials: credentials(1) },
    ]);
    assert_eq!(known, Known::default());
}
