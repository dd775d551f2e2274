use super::{super::BackoffReason, *};
use crate::{
    host_clocks::{BootId, LeaseClocks, Parted},
    key::Key,
    lease::{Expiry, FirstSeen, Lease},
    time::{Timestamp, WallTime},
    token::{Token, TokenKind},
};

mod blocks;

const HOUR: i64 = 3_600_000;
const THEN: HostTime = HostTime { boot: BootId(1), wall: WallTime(5) };

type State = RecordState<Timestamp>;

fn credentials(n: u8) -> CredentialsFingerprint {
    CredentialsFingerprint::from_bytes([n; 32])
}

fn fingerprint(n: u8) -> TokenFingerprint {
    TokenFingerprint::of(&Key::new([0; 32]), &token(n))
}

fn token(n: u8) -> Token {
    Token::new(TokenKind::Bearer, format!("token-{n}").as_str())
}

fn lease(n: u8, end: i64) -> Lease<Timestamp> {
    let expiry = Expiry::Stated { end: Timestamp(end) };
    Lease {
        token: token(n),
        fingerprint: fingerprint(n),
        first: FirstSeen { generation: 0, sent_at: Timestamp(0), expiry },
        validated_at: None,
        clocks: None,
    }
}

fn leased(p: u8, n: u8, end: i64, origin: Origin) -> RecordChange<Timestamp> {
    RecordChange::Leased {
        credentials: credentials(p),
        options: None,
        lease: lease(n, end),
        replacing: None,
        origin,
    }
}

fn died(n: u8, cause: TombstoneCause, at: i64) -> RecordChange<Timestamp> {
    let tombstone = Tombstone { cause, at: Timestamp(at) };
    RecordChange::Ended { credentials: credentials(1), fingerprint: fingerprint(n), tombstone }
}

fn merged(changes: &[RecordChange<Timestamp>]) -> State {
    merged_at(0, changes)
}

fn merged_at(now: i64, changes: &[RecordChange<Timestamp>]) -> State {
    let mut state = State::default();
    for change in changes {
        state.merge(change, Timestamp(now));
    }
    state
}

fn cause(state: &State, n: u8) -> Option<TombstoneCause> {
    state.tombstone(fingerprint(n)).map(|tombstone| tombstone.cause)
}

/// Rule: Merge: every write is a change that is merged into the current record, and merging it twice
/// has no further effect.
#[test]
fn merging_a_change_twice_has_no_further_effect() {
    let all = [
        leased(1, 1, HOUR, Origin::Login),
        RecordChange::Validated { fingerprint: fingerprint(1), sent: Timestamp(5), then: THEN },
        died(2, TombstoneCause::Rejected, 7),
        RecordChange::RejectedUnaccepted { credentials: credentials(3), at: Timestamp(8) },
        RecordChange::Rejected {
            credentials: credentials(3),
            options: None,
            until: Timestamp(HOUR),
            count: 1,
            cause: None,
        },
        RecordChange::BackedOff {
            until: Timestamp(9),
            count: 1,
            reason: BackoffReason::Throttled,
            cause: None,
        },
        RecordChange::EntryBackedOff {
            credentials: credentials(4),
            options: None,
            until: Timestamp(9),
            count: 1,
            cause: None,
        },
        RecordChange::Learned(Some(Duration::from_secs(9))),
        RecordChange::Forgotten { credentials: credentials(5), fingerprint: fingerprint(5) },
    ];
    let once = merged(&all);
    let mut twice = once.clone();
    for change in &all {
        twice.merge(change, Timestamp(0));
    }
    assert_eq!(once.leases, twice.leases);
    assert_eq!(once.circuits, twice.circuits);
    assert_eq!(once.rejected_unaccepted, twice.rejected_unaccepted);
    assert_eq!(once.generation, twice.generation);
}

/// Rule: Merge: the generation counts the tokens of an identity and never decreases.
#[test]
fn a_generation_counts_tokens_and_never_decreases() {
    let mut state = merged(&[leased(1, 1, HOUR, Origin::Login)]);
    assert_eq!(state.generation, 1);
    state.merge(&leased(2, 1, HOUR, Origin::Returned), Timestamp(0));
    assert_eq!(state.generation, 1, "the same token under other credentials");
    state.merge(&leased(2, 2, HOUR, Origin::Login), Timestamp(0));
    state.merge(
        &RecordChange::Forgotten { credentials: credentials(2), fingerprint: fingerprint(2) },
        Timestamp(0),
    );
    assert_eq!(state.generation, 1, "the first lease is still there: it was not replaced");
    let replaced = RecordChange::Leased {
        credentials: credentials(1),
        options: None,
        lease: lease(3, HOUR),
        replacing: Some(fingerprint(1)),
        origin: Origin::Login,
    };
    state.merge(&replaced, Timestamp(0));
    assert_eq!(state.generation, 2);
}

/// Rule: Merge: a live lease that the writer did not know is not overwritten.
#[test]
fn a_live_lease_that_the_writer_did_not_know_is_not_overwritten() {
    let mut state = merged(&[leased(1, 1, HOUR, Origin::Login)]);
    state.merge(&leased(1, 2, HOUR, Origin::Login), Timestamp(0));
    assert_eq!(state.lease(credentials(1)).unwrap().fingerprint, fingerprint(1));
    // An expired lease is overwritten.
    state.merge(&leased(1, 2, 3 * HOUR, Origin::Login), Timestamp(HOUR));
    assert_eq!(state.lease(credentials(1)).unwrap().fingerprint, fingerprint(2));
}

/// Rule: Merge: of two concurrent logins, the token requested last wins.
#[test]
fn of_two_concurrent_logins_the_token_requested_last_wins() {
    let sent_at = |n: u8, at: i64, origin| {
        let mut lease = lease(n, HOUR);
        lease.first.sent_at = Timestamp(at);
        RecordChange::Leased {
            credentials: credentials(1),
            options: None,
            lease,
            replacing: None,
            origin,
        }
    };
    let (first, second) = (sent_at(1, 10, Origin::Login), sent_at(2, 20, Origin::Login));
    for order in [[&first, &second], [&second, &first]] {
        let mut state = merged(&order.map(Clone::clone));
        assert_eq!(state.lease(credentials(1)).unwrap().fingerprint, fingerprint(2));
        let generation = state.generation;
        // A process that kept the older lease and saves it again changes nothing.
        state.merge(&sent_at(1, 10, Origin::Kept), Timestamp(30));
        assert_eq!(state.lease(credentials(1)).unwrap().fingerprint, fingerprint(2));
        assert_eq!(state.generation, generation);
    }
}

/// Rule: Merge: a record keeps 4 leases; those that can't be served are dropped first, then the oldest.
#[test]
fn a_record_keeps_four_leases_and_drops_unusable_ones_first() {
    let mut state = State::default();
    for n in 1..=4 {
        state.merge(&leased(n, n, HOUR, Origin::Login), Timestamp(0));
    }
    state.merge(&died(3, TombstoneCause::Inactive, 1), Timestamp(1));
    state.merge(&leased(5, 5, HOUR, Origin::Login), Timestamp(2));
    let holders: Vec<_> = state.leases.iter().map(|entry| entry.credentials).collect();
    assert_eq!(holders, [credentials(1), credentials(2), credentials(4), credentials(5)]);
}

/// Rule: Rejection: a rejection counts from when it was made; a refetch sent after it lifts it, once.
#[test]
fn a_tombstone_is_lifted_once_by_a_refetch_sent_after_the_rejection() {
    let lift = |sent| RecordChange::Lifted {
        fingerprint: fingerprint(1),
        sent: Timestamp(sent),
        then: THEN,
    };
    let mut state = merged(&[died(1, TombstoneCause::Rejected, 10), lift(9)]);
    assert_eq!(
        cause(&state, 1),
        Some(TombstoneCause::Rejected),
        "the refetch was sent before the rejection"
    );
    state.merge(&lift(11), Timestamp(0));
    assert_eq!(cause(&state, 1), None);
    state.merge(&died(1, TombstoneCause::Rejected, 10), Timestamp(0));
    assert_eq!(cause(&state, 1), None, "rejected before the refetch, saved after it");
    state.merge(&died(1, TombstoneCause::Rejected, 12), Timestamp(0));
    assert_eq!(
        cause(&state, 1),
        Some(TombstoneCause::Inactive),
        "rejected again after the refetch"
    );
    state.merge(&lift(13), Timestamp(0));
    assert_eq!(cause(&state, 1), Some(TombstoneCause::Inactive));
}

/// Rule: Rejection: an inactive validation or a revocation is never lifted.
#[test]
fn no_refetch_lifts_an_inactive_validation_or_a_revocation() {
    for end in [TombstoneCause::Inactive, TombstoneCause::Revoked] {
        let lift =
            RecordChange::Lifted { fingerprint: fingerprint(1), sent: Timestamp(99), then: THEN };
        let state = merged(&[died(1, end, 1), lift, leased(1, 1, HOUR, Origin::Returned)]);
        assert_eq!(cause(&state, 1), Some(end));
        assert!(state.lease(credentials(1)).is_none());
    }
    let state =
        merged(&[died(1, TombstoneCause::Revoked, 1), died(1, TombstoneCause::Rejected, 2)]);
    assert_eq!(cause(&state, 1), Some(TombstoneCause::Revoked), "the stronger cause stays");
}

/// Rule: Revocation: each login that returns a token after a failed revocation lifts its tombstone. A later
/// revocation ends it again, and an earlier one does not, whenever it is saved.
#[test]
fn the_tombstone_of_a_failed_revocation_is_lifted_each_time_the_server_returns_the_token() {
    let failed = |at| died(1, TombstoneCause::RevocationFailed, at);
    let lift = |sent| RecordChange::Lifted {
        fingerprint: fingerprint(1),
        sent: Timestamp(sent),
        then: THEN,
    };
    let mut state = merged(&[failed(10), lift(10)]);
    assert_eq!(cause(&state, 1), Some(TombstoneCause::RevocationFailed), "sent before the end");
    for (change, expected) in [
        (lift(11), None),
        (failed(10), None),
        (failed(12), Some(TombstoneCause::RevocationFailed)),
        (lift(13), None),
        (failed(14), Some(TombstoneCause::RevocationFailed)),
        (died(1, TombstoneCause::Revoked, 15), Some(TombstoneCause::Revoked)),
        (lift(16), Some(TombstoneCause::Revoked)),
        (failed(17), Some(TombstoneCause::Revoked)),
    ] {
        state.merge(&change, Timestamp(0));
        assert_eq!(cause(&state, 1), expected, "{change:?}");
    }
}

/// Rule: Rejection: a rejection older than the last validation that found the token active is ignored.
#[test]
fn a_rejection_older_than_the_last_active_validation_is_not_merged() {
    let state = merged(&[
        leased(1, 1, HOUR, Origin::Login),
        RecordChange::Validated { fingerprint: fingerprint(1), sent: Timestamp(20), then: THEN },
        died(1, TombstoneCause::Rejected, 19),
    ]);
    assert_eq!(cause(&state, 1), None);
}

/// Rule: Clocks: a token that a host saves again does not count as requested later because the host was frozen. An
/// end that the server stated again counts.
#[test]
fn a_token_that_a_frozen_host_saves_again_keeps_its_end() {
    for (sent, stopped, moved) in [(HOUR / 4, HOUR / 4, 0), (1000, 0, 1000), (HOUR, HOUR / 4, HOUR)]
    {
        let mut again = lease(1, HOUR + sent);
        again.first.sent_at = Timestamp(sent);
        let wall = WallTime(0);
        let doubt = Some(Parted { since_issued: stopped, since_confirmed: stopped });
        again.clocks = Some(LeaseClocks { boot: BootId(1), issued: wall, confirmed: wall, doubt });
        let again = RecordChange::Leased {
            credentials: credentials(1),
            options: None,
            lease: again,
            replacing: None,
            origin: Origin::Kept,
        };
        let state = merged(&[leased(1, 1, HOUR, Origin::Login), again]);
        let known = state.lease(credentials(1)).unwrap();
        assert_eq!(known.first.end(), Some(Timestamp(HOUR + moved)), "{sent} {stopped}");
    }
}

/// Rule: Merge: a forgotten token is not saved again until a login or a refetch returns it.
#[test]
fn a_forgotten_token_is_not_saved_again_until_a_login_or_a_refetch_returns_it() {
    let forgotten =
        RecordChange::Forgotten { credentials: credentials(1), fingerprint: fingerprint(1) };
    let mut state = merged(&[leased(1, 1, HOUR, Origin::Login), forgotten]);
    state.merge(&leased(1, 1, HOUR, Origin::Kept), Timestamp(0));
    assert!(state.lease(credentials(1)).is_none() && state.is_forgotten(fingerprint(1)));
    state.merge(&leased(1, 1, HOUR, Origin::Returned), Timestamp(0));
    assert!(state.lease(credentials(1)).is_some() && !state.is_forgotten(fingerprint(1)));
}

/// Rule: Merge: a known token keeps its first-seen time and its generation.
#[test]
fn a_known_token_keeps_its_first_seen_time_and_generation() {
    let mut later = lease(1, HOUR);
    later.first.sent_at = Timestamp(99);
    later.first.expiry = Expiry::Unknown;
    let state = merged(&[
        leased(1, 1, HOUR, Origin::Login),
        leased(2, 2, HOUR, Origin::Login),
        RecordChange::Leased {
            credentials: credentials(3),
            options: None,
            lease: later,
            replacing: None,
            origin: Origin::Returned,
        },
    ]);
    let first = state.lease(credentials(3)).unwrap().first;
    assert_eq!((first.generation, first.sent_at), (1, Timestamp(0)));
    assert_eq!(first.expiry, Expiry::Stated { end: Timestamp(HOUR) });
}

/// Rule: Merge: a record keeps the histories of 16 tokens.
#[test]
fn the_histories_of_sixteen_tokens_are_kept() {
    let mut state = State::default();
    for n in 0..20 {
        state.merge(&died(n, TombstoneCause::Inactive, 0), Timestamp(0));
    }
    assert_eq!(state.histories.len(), 16);
    assert!(cause(&state, 3).is_none() && cause(&state, 4).is_some());
}
