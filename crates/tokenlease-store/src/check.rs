//! Whether a store does what it must, tried out on a name of its own.

use std::{
    fmt,
    time::{Duration, Instant},
};

use tokenlease::{
    Clock as _, Error, ErrorKind, Result, Store, SystemClock,
    core::Identity,
    store::{Loaded, Locked, Owner, RecordName, StoreError, Stored, Swapped},
};

use crate::random;

/// How long the lock of a check lives: if the check is cut short, nobody else needs that lock.
const LIFE: Duration = Duration::from_secs(10);

/// What a [`check`] found. Each step is one call, and takes a round trip or little more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// The first call, which connects where that has to be done.
    pub connect: Duration,
    /// Taking a lock that is free.
    pub lock: Duration,
    /// Writing a record.
    pub write: Duration,
    /// Reading it back.
    pub read: Duration,
    /// Removing it.
    pub remove: Duration,
    /// Giving the lock back.
    pub unlock: Duration,
    /// How far the store's clock is ahead of this machine's wall clock, in milliseconds; it is
    /// known to within half of [`read`](Self::read). No harm is in a difference: it is told so
    /// that a clock that is set wrong is found.
    pub clock_ahead_ms: i64,
}

/// Connects, locks, writes, reads, removes and unlocks, on a name that nobody else uses.
///
/// # Errors
/// The first failure of a step; `Store` also where the store answered something else than it must.
pub async fn check(store: &dyn Store) -> Result<Check> {
    let number = random::number()?;
    let user = format!("check {number:016x}");
    let name = RecordName::new(Identity::oauth2("https://tokenlease.invalid", &user, "check")?);
    let (owner, other) = (Owner::new(number), Owner::new(number.wrapping_add(1)));
    let record = user.as_bytes();

    let (Loaded { record: none, .. }, connect) = timed(store.load(&name)).await?;
    expect(none.is_none(), "holds a record of a name that was never used")?;
    let (locked, lock) = timed(store.lock(&name, &owner, LIFE)).await?;
    expect(locked == Locked::Granted, "does not grant a lock that is free")?;
    let locked = store.lock(&name, &other, LIFE).await?;
    expect(locked == Locked::Busy, "grants a lock twice")?;

    let (swapped, write) = timed(store.swap(&name, None, record, Some(LIFE))).await?;
    let Swapped::Done { revision, .. } = swapped else {
        return Err(broken("does not take a record of a new name"));
    };
    let before = SystemClock.now().wall.0;
    let (Loaded { record: found, now }, read) = timed(store.load(&name)).await?;
    let after = SystemClock.now().wall.0;
    let same = found == Some(Stored::new(revision, record.to_vec()));
    expect(same, "does not answer the record that was written")?;
    let (removed, remove) =
        timed(store.swap(&name, Some(revision), b"", Some(Duration::ZERO))).await?;
    let removed = matches!(removed, Swapped::Done { .. });
    expect(removed, "does not replace a record of the right revision")?;
    let ((), unlock) = timed(store.unlock(&name, &owner)).await?;

    let clock_ahead_ms = now.0.saturating_sub(before.midpoint(after));
    Ok(Check { connect, lock, write, read, remove, unlock, clock_ahead_ms })
}

async fn timed<R>(call: impl Future<Output = Result<R, StoreError>>) -> Result<(R, Duration)> {
    let began = Instant::now();
    let result = call.await?;
    Ok((result, began.elapsed()))
}

fn expect(holds: bool, otherwise: &'static str) -> Result<()> {
    if holds { Ok(()) } else { Err(broken(otherwise)) }
}

fn broken(what: &str) -> Error {
    Error::new(ErrorKind::Store, format!("the store {what}"))
        .advice("look whether its clock, its replicas or its file system do what they should")
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = [
            ("connect", self.connect),
            ("lock", self.lock),
            ("write", self.write),
            ("read", self.read),
            ("remove", self.remove),
            ("unlock", self.unlock),
        ];
        for (step, took) in steps {
            writeln!(f, "{step:<8} {:.1} ms", took.as_secs_f64() * 1000.0)?;
        }
        let (amount, side) = match self.clock_ahead_ms {
            behind @ ..0 => (behind.unsigned_abs(), "behind"),
            ahead => (ahead.unsigned_abs(), "ahead of"),
        };
        write!(f, "clock    {amount} ms {side} this machine's")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokenlease::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_good_store_passes_and_is_left_as_it_was() {
        let store = MemoryStore::new(Arc::new(SystemClock));
        let checked = check(&store).await.unwrap();
        assert!(format!("{store:?}").contains("locks: 0"), "{store:?}");
        let text = checked.to_string();
        assert!(text.starts_with("connect") && text.contains("clock"), "{text}");
    }

    #[cfg(feature = "file")]
    #[tokio::test]
    async fn a_folder_passes_and_its_clock_is_near() {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::FileStore::open(folder.path().join("s")).unwrap();
        let checked = check(&store).await.unwrap();
        assert!(checked.clock_ahead_ms.abs() < 5000, "{checked}");
        println!("{checked}");
    }
}
