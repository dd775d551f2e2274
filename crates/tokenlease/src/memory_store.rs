//! The store that lives in the memory of a process.

use std::{
    borrow::Borrow,
    collections::{HashMap, HashSet},
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokenlease_core::{StoreTime, time::Moment as _};
use zeroize::Zeroizing;

use crate::{
    clock::Clock,
    store::{BoxFuture, Loaded, Locked, Owner, RecordName, Store, StoreError, Stored, Swapped},
};

/// A full store for the threads and tasks of one process. Its clock is the client's, so its time
/// runs through suspend. It is never away.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
}

impl MemoryStore {
    /// An empty store whose time is that clock's.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept: Mutex::default() }
    }

    /// What is kept, and the time.
    fn open(&self) -> (MutexGuard<'_, Kept>, StoreTime) {
        // Nothing that is kept is ever half done, so a panic elsewhere spoils nothing.
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Read inside the lock: two who come in order see times in order.
        (kept, StoreTime(self.clock.elapsed().0))
    }
}

#[derive(Default)]
struct Kept {
    // By the digests of names: a million identities cost little more than their tokens.
    records: HashSet<ByDigest>,
    locks: HashMap<[u8; 32], Lock>,
    /// Counts the writes to all records: so no revision is used twice, even where a record ends
    /// and is made anew.
    writes: u64,
    /// How many records there may be before those that have ended are cleared away.
    clear_at: usize,
}

/// A record in one place, with its name and the count of those who hold it: of a million, each
/// further place that a look touches is one more that no cache has.
struct Record {
    digest: [u8; 32],
    revision: u64,
    /// The end of time where none is stated.
    until: StoreTime,
    bytes: Zeroizing<Vec<u8>>,
}

struct ByDigest(Arc<Record>);

struct Lock {
    owner: Owner,
    until: StoreTime,
}

impl Record {
    fn lives(&self, now: StoreTime) -> bool {
        now < self.until
    }
}

impl AsRef<[u8]> for Record {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Borrow<[u8; 32]> for ByDigest {
    fn borrow(&self) -> &[u8; 32] {
        &self.0.digest
    }
}

impl Hash for ByDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.digest.hash(state);
    }
}

impl PartialEq for ByDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest == other.0.digest
    }
}

impl Eq for ByDigest {}

impl Lock {
    fn lives(&self, now: StoreTime) -> bool {
        now < self.until
    }
}

impl Kept {
    /// Clears away what has ended and nobody asks for any more, each time there is twice as much
    /// as the last time: ten thousand tenants cost no more a call than one.
    fn clear(&mut self, now: StoreTime) {
        if self.records.len() + self.locks.len() >= self.clear_at {
            self.records.retain(|ByDigest(record)| record.lives(now));
            self.locks.retain(|_, lock| lock.lives(now));
            self.clear_at = (2 * (self.records.len() + self.locks.len())).max(64);
        }
    }

    fn record(&self, name: &RecordName, now: StoreTime) -> Option<&Arc<Record>> {
        let ByDigest(record) = self.records.get(name.digest())?;
        record.lives(now).then_some(record)
    }

    fn loaded(&self, name: &RecordName, now: StoreTime) -> Loaded {
        let stored = |record: &Arc<Record>| Stored::shared(record.revision, record.clone());
        Loaded { record: self.record(name, now).map(stored), now }
    }

    fn hold(&mut self, name: &RecordName, owner: &Owner, until: StoreTime) -> Locked {
        self.locks.insert(*name.digest(), Lock { owner: owner.clone(), until });
        Locked::Granted
    }

    fn owner(&self, name: &RecordName, now: StoreTime) -> Option<&Owner> {
        self.locks.get(name.digest()).filter(|lock| lock.lives(now)).map(|lock| &lock.owner)
    }
}

impl Store for MemoryStore {
    fn load<'a>(&'a self, name: &'a RecordName) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        Box::pin(async move {
            let (kept, now) = self.open();
            Ok(kept.loaded(name, now))
        })
    }

    fn swap<'a>(
        &'a self,
        name: &'a RecordName,
        expected: Option<u64>,
        record: &'a [u8],
        keep: Option<Duration>,
    ) -> BoxFuture<'a, Result<Swapped, StoreError>> {
        Box::pin(async move {
            let (mut kept, now) = self.open();
            if kept.record(name, now).map(|record| record.revision) != expected {
                return Ok(Swapped::Conflict(kept.loaded(name, now)));
            }
            kept.clear(now);
            kept.writes += 1;
            let revision = kept.writes;
            let until = keep.map_or(StoreTime::MAX, |keep| now.plus(keep));
            let (digest, bytes) = (*name.digest(), Zeroizing::new(record.to_vec()));
            let record = Record { digest, revision, until, bytes };
            kept.records.replace(ByDigest(Arc::new(record)));
            Ok(Swapped::Done { revision, now })
        })
    }

    fn lock<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
        life: Duration,
    ) -> BoxFuture<'a, Result<Locked, StoreError>> {
        Box::pin(async move {
            let (mut kept, now) = self.open();
            Ok(match kept.owner(name, now) {
                Some(holder) if holder != owner => Locked::Busy,
                _ => kept.hold(name, owner, now.plus(life)),
            })
        })
    }

    fn renew<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
        life: Duration,
    ) -> BoxFuture<'a, Result<Locked, StoreError>> {
        Box::pin(async move {
            let (mut kept, now) = self.open();
            Ok(match kept.owner(name, now) {
                Some(holder) if holder == owner => kept.hold(name, owner, now.plus(life)),
                _ => Locked::Busy,
            })
        })
    }

    fn unlock<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let (mut kept, now) = self.open();
            if kept.owner(name, now) == Some(owner) {
                kept.locks.remove(name.digest());
            }
            Ok(())
        })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("MemoryStore")
            .field("records", &kept.records.len())
            .field("locks", &kept.locks.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokenlease_core::Identity;

    use super::*;
    use crate::{clock::SteeredClock, conformance};

    fn store() -> (SteeredClock, MemoryStore) {
        let clock = SteeredClock::new();
        (clock.clone(), MemoryStore::new(Arc::new(clock)))
    }

    fn name(user: usize) -> RecordName {
        RecordName::new(Identity::wyn("https://wyn.example", &user.to_string(), "c").unwrap())
    }

    #[tokio::test]
    async fn the_memory_store_is_a_full_store() {
        let (clock, store) = store();
        let pass = async |duration| clock.advance(duration);
        conformance::all(&store, Duration::from_secs(10), pass).await;
    }

    #[tokio::test]
    async fn its_time_is_the_clock_that_runs_through_suspend() {
        let (clock, store) = store();
        let before = store.load(&name(1)).await.unwrap().now;
        clock.jump_wall(86_400_000);
        clock.advance(Duration::from_secs(60));
        let passed = store.load(&name(1)).await.unwrap().now.since(before);
        assert!((60..62).contains(&passed.as_secs()), "{passed:?}");
    }

    #[tokio::test]
    async fn a_record_that_has_ended_is_not_there_and_its_revision_is_not_used_again() {
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

    #[tokio::test]
    async fn lesson_22_what_has_ended_does_not_pile_up() {
        let (clock, store) = store();
        let (owner, life) = (Owner::new(1), Duration::from_secs(30));
        for user in 0..1000 {
            store.lock(&name(user), &owner, life).await.unwrap();
            store.swap(&name(user), None, b"record", Some(life)).await.unwrap();
            clock.advance(life);
        }
        let kept = store.kept.lock().unwrap();
        assert!(kept.records.len() + kept.locks.len() <= 65);
    }

    #[tokio::test]
    async fn lesson_2_debug_shows_numbers_alone() {
        let (_, store) = store();
        store.swap(&name(1), None, b"canary", None).await.unwrap();
        let text = format!("{store:?}");
        assert!(text.contains("records: 1") && !text.contains("canary"), "{text}");
    }
}
