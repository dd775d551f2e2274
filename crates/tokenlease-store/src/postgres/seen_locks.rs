//! The locks that reads saw. A process that waits for a lock reads the record and then tries the lock,
//! again and again. The read returns the lock too, so a lock that is taken needs no second statement,
//! which would lock the table's row against its owner.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokenlease::store::{Owner, RecordName};

/// How long a read tells whether a lock is taken. The owner may release it meanwhile, which costs the
/// waiting process one more read.
const MAX_AGE: Duration = Duration::from_millis(100);

/// The number of names that are kept. When it is reached, all are forgotten.
const CAPACITY: usize = 1024;

/// The owners of locks by the last read of each record.
#[derive(Debug, Default)]
pub(super) struct SeenLocks(Mutex<HashMap<String, Seen>>);

#[derive(Debug)]
struct Seen {
    owner: String,
    at: Instant,
}

impl SeenLocks {
    /// Notes the owner that a read found; `None` if the lock is free.
    pub(super) fn note(&self, name: &RecordName, owner: Option<String>) {
        let mut seen = self.lock();
        let Some(owner) = owner else {
            seen.remove(name.key());
            return;
        };
        if seen.len() >= CAPACITY {
            seen.clear();
        }
        seen.insert(name.key().to_owned(), Seen { owner, at: Instant::now() });
    }

    /// Returns whether the last read found the lock taken by another owner, just now. The next call
    /// returns false: a lock is tried at least every second time.
    pub(super) fn is_taken(&self, name: &RecordName, owner: &Owner) -> bool {
        let seen = self.lock().remove(name.key());
        seen.is_some_and(|seen| seen.owner != owner.as_str() && seen.at.elapsed() < MAX_AGE)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        // Each change is one insertion or removal, so the map is intact even after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
