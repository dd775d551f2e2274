//! The store in the memory of a process.

#[cfg(test)]
mod tests;

use std::{
    borrow::Borrow,
    collections::{HashMap, HashSet},
    fmt,
    hash::{Hash, Hasher},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use once_cell::race::OnceBox;
use tokenlease_core::{StoreTime, time::Moment as _};
use zeroize::Zeroizing;

use crate::{
    clock::Clock,
    store::{Loaded, Locked, Owner, RecordName, Store, StoreError, Stored, Swapped},
};

/// A store for the threads and tasks of one process. It is the default of a registry.
///
/// Its time is that of the clock it is given, so it runs through suspend. It is always available.
///
/// ```
/// use std::sync::Arc;
/// use tokenlease::{MemoryStore, Store, SystemClock, core::Identity, store::{RecordName, Swapped}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new(Arc::new(SystemClock));
/// let name = RecordName::new(Identity::wyn("https://wyn.example", "NAME", "CLIENT")?);
/// let swapped = store.swap(&name, None, b"record", None).await?;
/// assert!(matches!(swapped, Swapped::Done { .. }));
/// assert_eq!(store.load(&name).await?.record.unwrap().bytes(), b"record");
/// # Ok(())
/// # }
/// ```
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    /// The contents by the first bytes of the digest, made when they are first used. Growth, and the search
    /// for expired records, go through all records of a part. With a million of them in one part, all
    /// callers would wait for a tenth of a second.
    parts: Box<[OnceBox<Mutex<Contents>>]>,
    /// Counts the writes to all records. So no revision is used twice, even if a record expires and
    /// is created again.
    writes: AtomicU64,
}

const PARTS: usize = 4096;

/// The most records that one call removes. To overwrite and free a record takes longer than to find it.
const MAX_REMOVED: usize = 32;

impl MemoryStore {
    /// Creates an empty store whose time is that of the clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let parts = (0..PARTS).map(|_| OnceBox::new()).collect();
        Self { clock, parts, writes: AtomicU64::new(0) }
    }

    /// Locks the part of a record, and reads the time.
    fn locked(&self, name: &RecordName) -> (MutexGuard<'_, Contents>, StoreTime) {
        let [first, second, ..] = *name.digest();
        let part = usize::from(u16::from_be_bytes([first, second])) % PARTS;
        let part = self.parts[part].get_or_init(Box::default);
        // Each change is complete when the lock is released, so a panic elsewhere breaks nothing.
        let contents = part.lock().unwrap_or_else(PoisonError::into_inner);
        // Read inside the lock, so that the times of two calls are in the order of the calls.
        (contents, StoreTime(self.clock.elapsed().0))
    }
}

/// How often a forked child tries a lock of its parent. Another thread of the child needs microseconds to
/// copy the records; a thread of the parent does not exist here.
const FORK_TRIES: u32 = 10_000;

#[derive(Default)]
struct Contents {
    // Keyed by the digests of names: a million identities cost little more than their tokens.
    records: HashSet<ByDigest>,
    locks: HashMap<[u8; 32], Lock>,
    /// The number of records and locks at which the expired ones are removed.
    remove_expired_at: usize,
}

/// A record in one allocation, with its name and its reference count. With a million records, each
/// further memory location that a read touches is one more cache miss.
struct Record {
    digest: [u8; 32],
    revision: u64,
    /// The largest time if the record does not expire.
    until: StoreTime,
    bytes: Zeroizing<Vec<u8>>,
    /// Of up to 128 bytes, glibc would list freed memory, and merge a million such parts in one later call.
    _size: [u64; 5],
}

#[derive(Clone)]
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

impl Contents {
    /// Copies the records for a forked child. The locks belong to threads that do not exist there.
    fn after_fork(&self) -> Self {
        let Self { records, remove_expired_at, .. } = self;
        Self {
            records: records.clone(),
            locks: HashMap::new(),
            remove_expired_at: *remove_expired_at,
        }
    }

    /// Removes expired records and locks each time that their number has doubled. So a call costs
    /// the same with ten thousand tenants as with one. Further calls remove what is above the maximum.
    fn remove_expired(&mut self, now: StoreTime) {
        if self.records.len() + self.locks.len() >= self.remove_expired_at {
            let expired = self.records.extract_if(|ByDigest(record)| !record.lives(now));
            let removed = expired.take(MAX_REMOVED).count();
            self.locks.retain(|_, lock| lock.lives(now));
            if removed < MAX_REMOVED {
                self.remove_expired_at = (2 * (self.records.len() + self.locks.len())).max(4);
            }
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

    fn grant(&mut self, name: &RecordName, owner: &Owner, until: StoreTime) -> Locked {
        self.locks.insert(*name.digest(), Lock { owner: owner.clone(), until });
        Locked::Granted
    }

    fn owner(&self, name: &RecordName, now: StoreTime) -> Option<&Owner> {
        self.locks.get(name.digest()).filter(|lock| lock.lives(now)).map(|lock| &lock.owner)
    }
}

/// Copies a part for a forked child, unless a thread of the parent was just changing it.
fn copied(part: &Mutex<Contents>) -> Option<Contents> {
    (0..FORK_TRIES).find_map(|_| match part.try_lock() {
        Ok(contents) => Some(contents.after_fork()),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner().after_fork()),
        Err(TryLockError::WouldBlock) => {
            std::thread::yield_now();
            None
        }
    })
}

impl Store for MemoryStore {
    async fn load(&self, name: &RecordName) -> Result<Loaded, StoreError> {
        let (contents, now) = self.locked(name);
        Ok(contents.loaded(name, now))
    }

    fn load_now(&self, name: &RecordName) -> Option<Result<Loaded, StoreError>> {
        let (contents, now) = self.locked(name);
        Some(Ok(contents.loaded(name, now)))
    }

    /// The part of the store that a thread of the parent was just changing is empty in the child.
    fn after_fork(&self) -> Option<Self> {
        let child = Self::new(self.clock.clone());
        for (part, of_child) in self.parts.iter().zip(child.parts.iter()) {
            if let Some(contents) = part.get().and_then(copied) {
                _ = of_child.set(Box::new(Mutex::new(contents)));
            }
        }
        child.writes.store(self.writes.load(Ordering::Relaxed), Ordering::Relaxed);
        Some(child)
    }

    async fn swap(
        &self,
        name: &RecordName,
        expected: Option<u64>,
        record: &[u8],
        keep: Option<Duration>,
    ) -> Result<Swapped, StoreError> {
        let (mut contents, now) = self.locked(name);
        if contents.record(name, now).map(|record| record.revision) != expected {
            return Ok(Swapped::Conflict(contents.loaded(name, now)));
        }
        contents.remove_expired(now);
        let revision = self.writes.fetch_add(1, Ordering::Relaxed) + 1;
        let until = keep.map_or(StoreTime::MAX, |keep| now.plus(keep));
        let (digest, bytes) = (*name.digest(), Zeroizing::new(record.to_vec()));
        let record = Record { digest, revision, until, bytes, _size: [0; 5] };
        contents.records.replace(ByDigest(Arc::new(record)));
        Ok(Swapped::Done { revision, now })
    }

    async fn lock(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        let (mut contents, now) = self.locked(name);
        Ok(match contents.owner(name, now) {
            Some(holder) if holder != owner => Locked::Busy,
            _ => contents.grant(name, owner, now.plus(ttl)),
        })
    }

    async fn renew(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        let (mut contents, now) = self.locked(name);
        Ok(match contents.owner(name, now) {
            Some(holder) if holder == owner => contents.grant(name, owner, now.plus(ttl)),
            _ => Locked::Busy,
        })
    }

    async fn unlock(&self, name: &RecordName, owner: &Owner) -> Result<(), StoreError> {
        let (mut contents, now) = self.locked(name);
        if contents.owner(name, now) == Some(owner) {
            contents.locks.remove(name.digest());
        }
        Ok(())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut records, mut locks) = (0, 0);
        for part in self.parts.iter().filter_map(OnceBox::get) {
            let contents = part.lock().unwrap_or_else(PoisonError::into_inner);
            records += contents.records.len();
            locks += contents.locks.len();
        }
        f.debug_struct("MemoryStore")
            .field("records", &records)
            .field("locks", &locks)
            .finish_non_exhaustive()
    }
}
