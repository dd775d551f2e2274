//! A store of one's own: five calls on whatever keeps a row, reads a clock and changes a row in one
//! step. Here that is a table in memory; a database does each call in one statement.
//!
//! `cargo run -p tokenlease-store --features conformance --example own_store` runs it through the
//! checks that every store must pass, and then shares it between two clients.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use tokenlease::{
    Registry, Store,
    core::{Key, StoreTime},
    store::{BoxFuture, Loaded, Locked, Owner, RecordName, StoreError, Stored, Swapped},
};
use tokenlease_store::{Sealed, conformance};

/// One row for each identity: a record with its end, and a lock with its own.
#[derive(Debug, Default)]
struct Row {
    record: Option<(Stored, Option<StoreTime>)>,
    lock: Option<(Owner, StoreTime)>,
    /// It outlives the record: no revision may come twice.
    last_revision: u64,
}

#[derive(Debug, Default)]
struct Table(Mutex<HashMap<String, Row>>);

impl Table {
    /// Does all of a call in one step: nobody sees a row half changed.
    fn step<R>(&self, name: &RecordName, change: impl FnOnce(&mut Row, StoreTime) -> R) -> R {
        let mut rows = self.0.lock().expect("no step panics");
        // The store's own clock, the same for all who use it.
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = StoreTime(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let row = rows.entry(name.key().to_owned()).or_default();
        row.record.take_if(|(_, end)| end.is_some_and(|end| end <= now));
        row.lock.take_if(|(_, until)| *until <= now);
        change(row, now)
    }
}

fn after(now: StoreTime, life: Duration) -> StoreTime {
    StoreTime(now.0.saturating_add(i64::try_from(life.as_millis()).unwrap_or(i64::MAX)))
}

fn look(row: &Row, now: StoreTime) -> Loaded {
    Loaded { record: row.record.as_ref().map(|(stored, _)| stored.clone()), now }
}

impl Store for Table {
    fn load<'a>(&'a self, name: &'a RecordName) -> BoxFuture<'a, Result<Loaded, StoreError>> {
        Box::pin(async move { Ok(self.step(name, |row, now| look(row, now))) })
    }

    fn swap<'a>(
        &'a self,
        name: &'a RecordName,
        expected: Option<u64>,
        record: &'a [u8],
        keep: Option<Duration>,
    ) -> BoxFuture<'a, Result<Swapped, StoreError>> {
        Box::pin(async move {
            Ok(self.step(name, |row, now| {
                if row.record.as_ref().map(|(stored, _)| stored.revision()) != expected {
                    return Swapped::Conflict(look(row, now));
                }
                row.last_revision += 1;
                let revision = row.last_revision;
                let end = keep.map(|keep| after(now, keep));
                row.record = Some((Stored::new(revision, record.to_vec()), end));
                Swapped::Done { revision, now }
            }))
        })
    }

    fn lock<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
        life: Duration,
    ) -> BoxFuture<'a, Result<Locked, StoreError>> {
        Box::pin(async move {
            Ok(self.step(name, |row, now| {
                if row.lock.as_ref().is_some_and(|(other, _)| other != owner) {
                    return Locked::Busy;
                }
                row.lock = Some((owner.clone(), after(now, life)));
                Locked::Granted
            }))
        })
    }

    fn renew<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
        life: Duration,
    ) -> BoxFuture<'a, Result<Locked, StoreError>> {
        Box::pin(async move {
            Ok(self.step(name, |row, now| match &mut row.lock {
                Some((holder, until)) if holder == owner => {
                    *until = after(now, life);
                    Locked::Granted
                }
                _ => Locked::Busy,
            }))
        })
    }

    fn unlock<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.step(name, |row, _| row.lock.take_if(|(holder, _)| holder == owner));
            Ok(())
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> tokenlease::Result<()> {
    conformance::all(&Table::default(), Duration::from_millis(50), tokio::time::sleep).await;
    println!("the table is a store");

    // What leaves the process is encrypted; all who share the store have this key.
    let key = Key::new([7; 32]); // random, in earnest
    let store = Arc::new(Sealed::new(Table::default(), &key));
    let registry = Registry::builder().store(store, key).build()?;
    println!("{registry:?} shares it");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_of_one_s_own_passes_the_checks_that_every_store_must_pass() {
        let unit = Duration::from_millis(100);
        conformance::all(&Table::default(), unit, tokio::time::sleep).await;
    }
}
