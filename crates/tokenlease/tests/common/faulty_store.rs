//! A store whose calls fail while a test wants it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokenlease::{
    Error, ErrorKind, MemoryStore, Store,
    store::{Loaded, Locked, Owner, RecordName, StoreError, Swapped},
};

/// A store that can be away.
#[derive(Debug)]
pub struct Faulty {
    store: MemoryStore,
    is_away: Arc<AtomicBool>,
}

impl Faulty {
    pub fn new(store: MemoryStore, is_away: Arc<AtomicBool>) -> Self {
        Self { store, is_away }
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable(Error::new(ErrorKind::Store, "it is away")));
        }
        Ok(())
    }
}

impl Store for Faulty {
    async fn load(&self, name: &RecordName) -> Result<Loaded, StoreError> {
        self.check()?;
        self.store.load(name).await
    }

    async fn swap(
        &self,
        name: &RecordName,
        expected: Option<u64>,
        bytes: &[u8],
        keep: Option<Duration>,
    ) -> Result<Swapped, StoreError> {
        self.check()?;
        self.store.swap(name, expected, bytes, keep).await
    }

    async fn lock(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        self.check()?;
        self.store.lock(name, owner, ttl).await
    }

    async fn renew(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        self.check()?;
        self.store.renew(name, owner, ttl).await
    }

    async fn unlock(&self, name: &RecordName, owner: &Owner) -> Result<(), StoreError> {
        self.check()?;
        self.store.unlock(name, owner).await
    }
}
