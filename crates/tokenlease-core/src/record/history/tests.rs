use proptest::prelude::*;

use super::*;
use crate::time::Moment as _;

const HOUR: i64 = 3_600_000;

fn entry(at: i64, writer: u32, sequence: u32) -> HistoryEntry<StoreTime> {
    HistoryEntry {
        at: StoreTime(at),
        kind: HistoryKind::Login,
        cause: HistoryCause::Expired,
        result: HistoryResult::Token,
        without_store: false,
        credentials: ShortFingerprint([1; 3]),
        token: Some(ShortFingerprint([2; 6])),
        lifetime: Some(Duration::from_secs(3600)),
        host: "host".into(),
        process: 4711,
        writer,
        sequence,
    }
}

fn history(entries: impl IntoIterator<Item = HistoryEntry<StoreTime>>) -> History {
    let mut history = History::default();
    history.add(entries);
    history
}

/// Rule: Formats: a record keeps the last 32 logins, refetches and rejections, each once.
#[test]
fn a_history_keeps_the_last_32_entries_each_once() {
    let all = history((0..40).map(|n| entry(i64::from(n), 7, n)));
    let again = history((0..40).rev().map(|n| entry(i64::from(n), 7, n)));
    let times: Vec<_> = all.entries().iter().map(|entry| entry.at.0).collect();
    assert_eq!(times, (8..40).collect::<Vec<_>>());
    assert_eq!(all, again);
    let mut twice = all.clone();
    twice.add(all.entries());
    assert_eq!(twice, all);
}

/// Rule: Formats: a history stays under 4 kilobytes, and the name of a host under 65 bytes, whatever names
/// hosts have.
#[test]
fn a_history_has_a_maximum_size() {
    let long = |n: u32| HistoryEntry {
        host: host_name(&format!("{n:03}{}\u{7}\n", "é".repeat(300))),
        at: StoreTime(1_795_306_940_000 + i64::from(n)),
        lifetime: Some(Duration::from_secs(315_360_000)),
        process: u32::MAX,
        ..entry(0, u32::MAX - n, u32::MAX)
    };
    let full = history((0..32).map(long));
    assert!(full.0.len() < 4096, "{}", full.0.len());
    for entry in full.entries() {
        assert!(entry.host.len() <= MAX_HOST && !entry.host.contains(char::is_control));
    }
}

/// Rule: Merge: a login whose answer arrives after it was given up is one entry of the history.
#[test]
fn a_late_answer_replaces_the_entry_of_the_lost_login() {
    let lost = HistoryEntry { result: HistoryResult::Lost, token: None, ..entry(5, 1, 1) };
    for order in [[lost.clone(), entry(4, 1, 1)], [entry(4, 1, 1), lost]] {
        let entries = history(order).entries();
        assert_eq!(entries, [entry(5, 1, 1)]);
    }
}

/// Rule: Merge: of the rejections of an active token the history keeps the last one.
#[test]
fn rejections_of_an_active_token_do_not_fill_the_history() {
    let rejection = |n: u32| HistoryEntry {
        kind: HistoryKind::Rejection,
        cause: HistoryCause::TokenRejected,
        result: HistoryResult::StillActive,
        lifetime: None,
        ..entry(i64::from(n), 1, n)
    };
    let all = history([entry(0, 1, 0)].into_iter().chain((1..90).map(rejection)));
    assert_eq!(all.entries(), [entry(0, 1, 0), rejection(89)]);
}

#[test]
fn bytes_of_a_later_version_and_broken_bytes_cause_no_error() {
    let mut rows: Vec<_> = [row(&entry(1, 1, 1), 9), row(&entry(2, 1, 2), 0)].to_vec();
    rows[1].kind = 99;
    (rows[0].cause, rows[0].result) = (99, 99);
    let bytes = postcard::to_allocvec(&Rows { hosts: vec!["h"], rows }).unwrap();
    let known = HistoryEntry {
        cause: HistoryCause::Other,
        result: HistoryResult::Other,
        host: "".into(),
        ..entry(1, 1, 1)
    };
    assert_eq!(History::from_bytes(&bytes).entries(), [known]);
    assert_eq!(History::from_bytes(&bytes[..bytes.len() - 1]).entries(), []);
}

#[test]
fn codes_and_names_are_unique() {
    fn check<W: Copy + PartialEq + fmt::Debug>(
        all: &[W],
        code: fn(W) -> u8,
        of: fn(u8) -> Option<W>,
        name: fn(W) -> &'static str,
    ) {
        let mut names: Vec<_> = all.iter().map(|word| name(*word)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().all(|word| of(code(*word)) == Some(*word)));
    }
    check(HistoryKind::ALL, HistoryKind::code, HistoryKind::of_code, HistoryKind::as_str);
    check(HistoryCause::ALL, HistoryCause::code, HistoryCause::of_code, HistoryCause::as_str);
    check(HistoryResult::ALL, HistoryResult::code, HistoryResult::of_code, HistoryResult::as_str);
}

/// Rule: Logins: a history names each login above one for each lifetime, with its cause.
#[test]
fn a_history_names_the_logins_above_the_minimum() {
    let login = |at: i64, cause| HistoryEntry { cause, ..entry(at, 1, u32::try_from(at).unwrap()) };
    let of = |entries: &[HistoryEntry<StoreTime>]| {
        let count = LoginCount::of(entries);
        assert_eq!(count.minimum + count.extra.len(), count.logins);
        let extra = count.extra.iter().map(|extra| (extra.index, extra.cause, extra.beside));
        (count.logins, extra.collect::<Vec<_>>())
    };
    // One for each lifetime, and one of other credentials.
    let other = HistoryEntry {
        credentials: ShortFingerprint([9; 3]),
        ..login(HOUR / 2, HistoryCause::NewCredentials)
    };
    let usual =
        [login(0, HistoryCause::First), other, login(HOUR - 200_000, HistoryCause::Expiring)];
    assert_eq!(of(&usual), (3, vec![]));
    // Two processes at once: the second one knew nothing of the first one's token.
    let first = login(0, HistoryCause::First);
    let beside = [first.clone(), HistoryEntry { writer: 2, ..login(1, HistoryCause::First) }];
    assert_eq!(of(&beside), (2, vec![(1, HistoryCause::First, Some(0))]));
    let requested = [first.clone(), login(9, HistoryCause::MinRemaining)];
    assert_eq!(of(&requested), (2, vec![(1, HistoryCause::MinRemaining, None)]));
    // The server ended the token: the next login is one of the minimum.
    assert_eq!(of(&[first.clone(), login(9, HistoryCause::Inactive)]), (2, vec![]));
    let lost =
        HistoryEntry { result: HistoryResult::Lost, token: None, lifetime: None, ..first.clone() };
    assert_eq!(
        of(&[lost, login(9, HistoryCause::AnswerLost), login(10, HistoryCause::Expired)]),
        (3, vec![(1, HistoryCause::AnswerLost, None), (2, HistoryCause::Expired, Some(1))])
    );
    let rejected = HistoryEntry {
        kind: HistoryKind::Rejection,
        result: HistoryResult::CircuitOpened,
        ..login(5, HistoryCause::CredentialsRejected)
    };
    assert_eq!(of(&[first, rejected, login(9, HistoryCause::First)]), (2, vec![]));
}

fn any_entry() -> impl Strategy<Value = HistoryEntry<StoreTime>> {
    (0..60_u32, 0..3_u32, 0..3_usize).prop_map(|(sequence, writer, kind)| {
        // The times of the entries of two writers mix.
        let at = i64::from(sequence * 3 + writer) / 2;
        let known = entry(at, writer, sequence);
        match kind {
            0 => known,
            1 => HistoryEntry { result: HistoryResult::Lost, ..known },
            _ => HistoryEntry {
                result: HistoryResult::StillActive,
                token: Some(ShortFingerprint([u8::try_from(sequence % 4).unwrap_or_default(); 6])),
                ..known
            },
        }
    })
}

/// Returns entries of which each key has one result, but for late answers.
fn any_entries() -> impl Strategy<Value = Vec<HistoryEntry<StoreTime>>> {
    proptest::collection::vec(any_entry(), 0..120)
}

proptest! {
    /// Rule: Merge: histories are merged alike in any order, and merging one twice has no further effect.
    #[test]
    fn histories_are_merged_alike_in_any_order(a in any_entries(), b in any_entries(), c in any_entries()) {
        let one = |entries: &[HistoryEntry<StoreTime>]| {
            // Of one event there are a lost login and its late answer, but no third report.
            history(entries.iter().filter(|entry| {
                (entry.sequence % 2 == 0) == (entry.result == HistoryResult::StillActive)
            }).cloned())
        };
        let [a, b, c] = [one(&a), one(&b), one(&c)];
        let join = |a: &History, b: &History| { let mut a = a.clone(); a.add(b.entries()); a };
        prop_assert_eq!(join(&a, &b), join(&b, &a));
        prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
        prop_assert_eq!(join(&a, &a), a);
    }

    #[test]
    fn arbitrary_bytes_are_bounded(bytes: Vec<u8>) {
        let entries = History::from_bytes(&bytes).entries();
        prop_assert!(entries.len() <= MAX_ENTRIES);
        for entry in entries {
            prop_assert!(entry.host.len() <= MAX_HOST);
            let _ = entry.at.plus(entry.lifetime.unwrap_or_default());
        }
    }
}
