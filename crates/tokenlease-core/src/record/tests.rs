use super::*;
use crate::{
    key::Key,
    lease::Expiry,
    token::{Token, TokenKind},
};

const NOW: StoreTime = StoreTime(1_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn credentials() -> CredentialsFingerprint {
    CredentialsFingerprint::from_bytes([1; 32])
}

fn leased(expiry: Expiry<StoreTime>) -> RecordState<StoreTime> {
    let token = Token::new(TokenKind::Bearer, "token");
    let lease = Lease {
        fingerprint: TokenFingerprint::of(&Key::new([0; 32]), &token),
        token,
        first: FirstSeen { generation: 1, sent_at: NOW, expiry },
        validated_at: None,
        clocks: None,
    };
    let leases = vec![Entry { credentials: credentials(), options: None, lease }];
    RecordState { leases, ..RecordState::default() }
}

fn keep(state: RecordState<StoreTime>) -> Duration {
    Record(state).keep(NOW).expect("a limit")
}

/// Rule: Expiry: a record is kept until 30 days after the last end of a lease, a circuit, a
/// backoff or a tombstone in it, and for 7 days at least.
#[test]
fn a_record_expires_30_days_after_the_last_end_of_anything_in_it() {
    let block =
        |until| Block { credentials: credentials(), options: None, until, count: 1, cause: None };
    assert_eq!(keep(RecordState::default()), 7 * DAY);
    let circuits = vec![block(NOW.plus(DAY))];
    assert_eq!(keep(RecordState { circuits, ..RecordState::default() }), 31 * DAY);
    let entry_backoffs = vec![block(NOW.minus(20 * DAY)), block(NOW.minus(5 * DAY))];
    assert_eq!(keep(RecordState { entry_backoffs, ..RecordState::default() }), 25 * DAY);
    let circuits = vec![block(NOW.minus(90 * DAY))];
    assert_eq!(keep(RecordState { circuits, ..RecordState::default() }), 7 * DAY);
    let rejected_unaccepted = vec![(credentials(), NOW)];
    assert_eq!(keep(RecordState { rejected_unaccepted, ..RecordState::default() }), 30 * DAY);
    let stated = Expiry::Stated { end: NOW.plus(3 * DAY) };
    assert_eq!(keep(leased(stated)), 33 * DAY);
    let circuits = vec![block(NOW.plus(DAY))];
    assert_eq!(keep(RecordState { circuits, ..leased(stated) }), 33 * DAY);
    let ten_years = Expiry::Stated { end: NOW.plus(3650 * DAY) };
    assert_eq!(keep(leased(ten_years)), 3680 * DAY);
}

/// Rule: Expiry: a record whose token has no known end is kept for more than a year after its
/// last write, with or without a circuit.
#[test]
fn a_record_with_a_lease_without_end_is_kept_for_more_than_a_year() {
    let block = Block {
        credentials: credentials(),
        options: None,
        until: NOW.plus(DAY),
        count: 1,
        cause: None,
    };
    assert_eq!(keep(leased(Expiry::Unstated)), 395 * DAY);
    let state = RecordState { circuits: vec![block], ..leased(Expiry::Unstated) };
    assert_eq!(keep(state), 395 * DAY);
}
