//! Tests of the store in memory.

use tokenlease_core::Identity;

use super::*;
use crate::{clock::SteeredClock, conformance};

fn store() -> (SteeredClock, MemoryStore) {
    let clock = SteeredClock::new();
    (clock.clone(), MemoryStore::new(Arc::new(clock)))
}

impl MemoryStore {
    fn len(&self) -> usize {
        let parts = self.parts.iter().filter_map(OnceBox::get).map(|part| part.lock().unwrap());
        parts.map(|contents| contents.records.len() + contents.locks.len()).sum()
    }
}

fn name(user: usize) -> RecordName {
    RecordName::new(Identity::wyn("https://wyn.example", &user.to_string(), "c").unwrap())
}

#[tokio::test]
async fn the_memory_store_passes_the_checks_of_every_store() {
    let (clock, store) = store();
    let pass = async |duration| clock.advance(duration);
    conformance::all(&store, Duration::from_secs(10), pass).await;
}

#[tokio::test]
async fn the_time_of_the_memory_store_runs_through_suspend() {
    let (clock, store) = store();
    let before = store.load(&name(1)).await.unwrap().now;
    clock.jump_wall(86_400_000);
    clock.advance(Duration::from_secs(60));
    let passed = store.load(&name(1)).await.unwrap().now.since(before);
    assert!((60..86_400).contains(&passed.as_secs()), "{passed:?}");
}

#[tokio::test]
async fn an_expired_record_is_absent_and_its_revision_is_not_used_again() {
    let (clock, store) = store();
    let (name, life) = (name(1), Duration::from_secs(30));
    let Ok(Swapped::Done { revision: old, .. }) =
        store.swap(&name, None, b"record", Some(life)).await
    else {
        panic!("not saved");
    };
    assert!(store.load(&name).await.unwrap().record.is_some());
    clock.advance(life);
    assert_eq!(store.load(&name).await.unwrap().record, None);
    let swapped = store.swap(&name, None, b"record", Some(life)).await;
    assert!(matches!(swapped, Ok(Swapped::Done { revision, .. }) if revision > old));
}

/// Rule: Memory: expired records and locks are removed from the memory store.
#[tokio::test]
async fn expired_records_and_locks_are_removed() {
    let (clock, store) = store();
    let (owner, ttl) = (Owner::new(1), Duration::from_secs(30));
    for user in 0..50_000 {
        store.lock(&name(user), &owner, ttl).await.unwrap();
        store.swap(&name(user), None, b"record", Some(ttl)).await.unwrap();
        clock.advance(ttl);
    }
    assert!(store.len() <= 5 * PARTS, "{}", store.len());
}

/// Rule: Memory: a call to the memory store removes a small number of expired records.
#[tokio::test]
async fn expired_records_are_removed_part_by_part() {
    const RECORDS: usize = 20_000;
    let (clock, store) = store();
    let ttl = Duration::from_secs(30);
    for user in 0..RECORDS {
        store.swap(&name(user), None, b"record", Some(ttl)).await.unwrap();
    }
    clock.advance(ttl);
    for user in RECORDS..4 * RECORDS {
        let name = name(user);
        let before = store.locked(&name).0.records.len();
        store.swap(&name, None, b"record", Some(ttl)).await.unwrap();
        let removed = (before + 1).saturating_sub(store.locked(&name).0.records.len());
        assert!(removed <= MAX_REMOVED, "{removed} were removed at once");
    }
    assert!(store.len() < 4 * RECORDS, "none was removed");
}

/// Rule: Memory: expired records above the number that one call removes are removed by the next calls.
#[test]
fn many_expired_records_are_removed_by_several_calls() {
    let record = |n: u16| {
        let digest = std::array::from_fn(|at| n.to_be_bytes()[at % 2]);
        let (revision, until) = (u64::from(n), StoreTime(0));
        let bytes = Zeroizing::new(Vec::new());
        ByDigest(Arc::new(Record { digest, revision, until, bytes, _size: [0; 5] }))
    };
    let records = (0..100).map(record).collect();
    let mut contents = Contents { records, ..Contents::default() };
    let left = [100 - MAX_REMOVED, 100 - 2 * MAX_REMOVED, 100 - 3 * MAX_REMOVED, 0, 0];
    for left in left {
        contents.remove_expired(StoreTime(1));
        assert_eq!(contents.records.len(), left);
    }
}

/// Rule: Fork: a forked child copies the records of a store in memory, and none of the locks.
#[tokio::test]
async fn a_forked_child_copies_the_records_and_not_the_locks() {
    let (_, store) = store();
    let (owner, ttl) = (Owner::new(1), Duration::from_secs(30));
    store.swap(&name(1), None, b"record", None).await.unwrap();
    store.lock(&name(1), &owner, ttl).await.unwrap();
    let child = store.after_fork().unwrap();
    let record = child.load(&name(1)).await.unwrap().record;
    assert_eq!(record, store.load(&name(1)).await.unwrap().record);
    assert_eq!(child.lock(&name(1), &Owner::new(2), ttl).await.unwrap(), Locked::Granted);
    // A write of the child does not reach the parent.
    child.swap(&name(2), None, b"of the child", None).await.unwrap();
    assert_eq!(store.load(&name(2)).await.unwrap().record, None);
    // A thread of the parent was changing that part.
    let (held, _) = store.locked(&name(1));
    let child = store.after_fork().unwrap();
    drop(held);
    assert_eq!(child.load(&name(1)).await.unwrap().record, None);
}

/// Rule: Secrets: the Debug text of the memory store shows counts and no record.
#[tokio::test]
async fn debug_shows_only_counts() {
    let (_, store) = store();
    store.swap(&name(1), None, b"canary", None).await.unwrap();
    let text = format!("{store:?}");
    assert!(text.contains("records: 1") && !text.contains("canary"), "{text}");
}
