//! A store of your own: five methods on anything that keeps rows, reads a clock and changes a row
//! atomically. This example uses a table in memory; a database needs one statement for each method.
//!
//! `cargo run -p tokenlease-store --features conformance --example own_store` runs the checks that
//! every store must pass, and then uses the store in a registry.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, SystemTime},
};

use tokenlease::{
    Registry, Store,
    core::{Key, StoreTime},
    store::{Loaded, Locked, Owner, RecordName, StoreError, Stored, Swapped},
};
use tokenlease_store::{Sealed, conformance};

/// One row for each identity: a record and a lock, each with its expiry.
#[derive(Debug, Default)]
struct Row {
    record: Option<(Stored, Option<StoreTime>)>,
    lock: Option<(Owner, StoreTime)>,
    /// This outlives the record: no revision may be used twice.
    last_revision: u64,
}

#[derive(Debug, Default)]
struct Table(Mutex<HashMap<String, Row>>);

impl Table {
    /// Runs a method atomically: no other caller sees a partial change.
    fn step<R>(&self, name: &RecordName, change: impl FnOnce(&mut Row, StoreTime) -> R) -> R {
        let mut rows = self.0.lock().expect("no step panics");
        // The store's own clock, the same for all its callers.
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = StoreTime(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let row = rows.entry(name.key().to_owned()).or_default();
        row.record.take_if(|(_, end)| end.is_some_and(|end| end <= now));
        row.lock.take_if(|(_, until)| *until <= now);
        change(row, now)
    }
}

fn after(now: StoreTime, ttl: Duration) -> StoreTime {
    StoreTime(now.0.saturating_add(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX)))
}

fn loaded(row: &Row, now: StoreTime) -> Loaded {
    Loaded { record: row.record.as_ref().map(|(stored, _)| stored.clone()), now }
}

impl Store for Table {
    async fn load(&self, name: &RecordName) -> Result<Loaded, StoreError> {
        Ok(self.step(name, |row, now| loaded(row, now)))
    }

    async fn swap(
        &self,
        name: &RecordName,
        expected: Option<u64>,
        record: &[u8],
        keep: Option<Duration>,
    ) -> Result<Swapped, StoreError> {
        Ok(self.step(name, |row, now| {
            if row.record.as_ref().map(|(stored, _)| stored.revision()) != expected {
                return Swapped::Conflict(loaded(row, now));
            }
            row.last_revision += 1;
            let revision = row.last_revision;
            let end = keep.map(|keep| after(now, keep));
            row.record = Some((Stored::new(revision, record.to_vec()), end));
            Swapped::Done { revision, now }
        }))
    }

    async fn lock(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        Ok(self.step(name, |row, now| {
            if row.lock.as_ref().is_some_and(|(other, _)| other != owner) {
                return Locked::Busy;
            }
            row.lock = Some((owner.clone(), after(now, ttl)));
            Locked::Granted
        }))
    }

    async fn renew(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        Ok(self.step(name, |row, now| match &mut row.lock {
            Some((holder, until)) if holder == owner => {
                *until = after(now, ttl);
                Locked::Granted
            }
            _ => Locked::Busy,
        }))
    }

    async fn unlock(&self, name: &RecordName, owner: &Owner) -> Result<(), StoreError> {
        self.step(name, |row, _| row.lock.take_if(|(holder, _)| holder == owner));
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> tokenlease::Result<()> {
    conformance::all(&Table::default(), Duration::from_millis(50), tokio::time::sleep).await;
    println!("the table passes the checks");

    // `Sealed` encrypts the records; all processes of the store need this key.
    let key = Key::new([7; 32]); // use random bytes in production
    let store = Sealed::new(Table::default(), &key);
    let registry = Registry::builder().store(store, key).build()?;
    println!("{registry:?} uses it");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Store: the example of your own store passes the conformance checks of every store.
    #[tokio::test]
    async fn your_own_store_passes_the_conformance_checks() {
        let unit = Duration::from_millis(100);
        conformance::all(&Table::default(), unit, tokio::time::sleep).await;
    }
}
