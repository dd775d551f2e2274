//! A check of a running store.

use std::{
    fmt,
    time::{Duration, Instant},
};

use tokenlease::{
    Clock as _, Error, ErrorKind, Result, Store, SystemClock,
    core::{
        Identity,
        record::{DecodeError, Record},
    },
    store::{Loaded, Locked, Owner, RecordName, StoreError, Stored, Swapped},
};

use crate::random;

/// The TTL of the check's lock and record. No other caller needs them if the check is cut short.
const TTL: Duration = Duration::from_secs(10);

/// The result of a [`check`]: how long each step took. A step is one call, which takes one round
/// trip to the server or little more. `Display` prints one line for each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// The first call, including the connection to a server.
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
    /// How far the store's clock is ahead of this host's wall clock, in milliseconds, to within
    /// half of [`read`](Self::read). A difference does no harm to leases; it shows a clock that is
    /// set wrong.
    pub clock_ahead_ms: i64,
}

/// Checks a record that callers use: reads it, takes its lock if that is free, and gives it back.
/// Returns whether the record exists.
///
/// # Errors
/// [`ErrorKind::Store`] if the record can't be read or locked, for example because another user owns it.
pub async fn check_record(store: &impl Store, name: &RecordName) -> Result<bool> {
    let owner = Owner::new(random::number()?);
    let loaded = store.load(name).await?;
    if let Some(stored) = &loaded.record {
        match Record::decode(stored.bytes()) {
            // The next write replaces a torn record.
            Ok(_) | Err(DecodeError::Torn) => {}
            Err(error) => return Err(Error::new(ErrorKind::Store, error.to_string())),
        }
    }
    if store.lock(name, &owner, TTL).await? == Locked::Granted {
        store.unlock(name, &owner).await?;
    }
    Ok(loaded.record.is_some())
}

/// Checks a running store: connects, locks, writes, reads, removes and unlocks, under a name that
/// no other caller uses.
///
/// # Errors
/// - [`ErrorKind::Store`] if a step fails, or if its answer is wrong for a store.
/// - [`ErrorKind::Config`] if a server rejects the connection's settings.
/// - [`ErrorKind::Internal`] if the system has no random numbers.
pub async fn check(store: &impl Store) -> Result<Check> {
    let number = random::number()?;
    let user = format!("check {number:016x}");
    let name = RecordName::new(Identity::oauth2("https://tokenlease.invalid", &user, "check")?);
    let (owner, other) = (Owner::new(number), Owner::new(number.wrapping_add(1)));
    let record = user.as_bytes();

    let (Loaded { record: none, .. }, connect) = timed(store.load(&name)).await?;
    expect(none.is_none(), "has a record under a name that was never used")?;
    let (locked, lock) = timed(store.lock(&name, &owner, TTL)).await?;
    expect(locked == Locked::Granted, "does not grant a free lock")?;
    let locked = store.lock(&name, &other, TTL).await?;
    expect(locked == Locked::Busy, "grants a lock twice")?;

    let (swapped, write) = timed(store.swap(&name, None, record, Some(TTL))).await?;
    let Swapped::Done { revision, .. } = swapped else {
        return Err(broken("rejects a record under a new name"));
    };
    let before = SystemClock.now().wall.0;
    let (Loaded { record: found, now }, read) = timed(store.load(&name)).await?;
    let after = SystemClock.now().wall.0;
    let same = found == Some(Stored::new(revision, record.to_vec()));
    expect(same, "does not return the record that was written")?;
    let (removed, remove) =
        timed(store.swap(&name, Some(revision), b"", Some(Duration::ZERO))).await?;
    let removed = matches!(removed, Swapped::Done { .. });
    expect(removed, "does not replace a record whose revision was given")?;
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
        .advice("check its clock, its replicas and its file system")
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
    async fn a_store_in_memory_passes_the_check_and_is_left_unchanged() {
        let store = MemoryStore::new(Arc::new(SystemClock));
        let checked = check(&store).await.unwrap();
        assert!(format!("{store:?}").contains("locks: 0"), "{store:?}");
        let text = checked.to_string();
        assert!(text.starts_with("connect") && text.contains("clock"), "{text}");
    }

    #[cfg(feature = "file")]
    #[tokio::test]
    async fn a_folder_passes_the_check_with_a_clock_near_the_wall_clock() {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::FileStore::open(folder.path().join("s")).unwrap();
        let checked = check(&store).await.unwrap();
        assert!(checked.clock_ahead_ms.abs() < 5000, "{checked}");
        println!("{checked}");
    }
}
