//! The store that processes share: the [`Store`] trait and the types of its methods.
//!
//! The `tokenlease-store` crate has stores in files, Redis and PostgreSQL. Its example
//! `own_store.rs` shows how to write another one.

mod any;
mod names;

use std::{error::Error as StdError, fmt, future::Future, sync::Arc, time::Duration};

use tokenlease_core::{
    Error, ErrorKind, Result, StoreTime,
    record::{DecodeError, Record},
};
use zeroize::Zeroizing;

pub(crate) use self::names::host;
pub use self::{
    any::AnyStore,
    names::{Owner, RecordName},
};

/// Keeps one record for each identity, and a lock that says which process may log in.
///
/// A store does not know what a lease is. It keeps bytes, compares revisions and grants locks.
///
/// All times of a store come from one clock that every process sees alike: the clock of the place
/// where the records are kept. The lock TTL and the lifetime of records are measured by that clock.
///
/// A method that returns `Ok` has completed its work. A method that fails may or may not have
/// completed it, and so may a method whose future was dropped. The client sets a deadline for each
/// call.
///
/// An implementation writes the methods as `async fn`, and its futures must be `Send`. Use
/// [`AnyStore`] where the store is chosen at run time.
///
/// ```
/// use std::time::Duration;
/// use tokenlease::{
///     MemoryStore, Store,
///     store::{Loaded, Locked, Owner, RecordName, StoreError, Swapped},
/// };
///
/// /// Logs each call, and passes it on.
/// #[derive(Debug)]
/// struct Logged(MemoryStore);
///
/// impl Store for Logged {
///     async fn load(&self, name: &RecordName) -> Result<Loaded, StoreError> {
///         println!("load {}", name.identity());
///         self.0.load(name).await
///     }
///
///     async fn swap(
///         &self,
///         name: &RecordName,
///         expected: Option<u64>,
///         record: &[u8],
///         keep: Option<Duration>,
///     ) -> Result<Swapped, StoreError> {
///         println!("swap revision {expected:?} of {}", name.identity());
///         self.0.swap(name, expected, record, keep).await
///     }
///
///     async fn lock(
///         &self,
///         name: &RecordName,
///         owner: &Owner,
///         ttl: Duration,
///     ) -> Result<Locked, StoreError> {
///         println!("{owner} locks {}", name.identity());
///         self.0.lock(name, owner, ttl).await
///     }
///
///     async fn renew(
///         &self,
///         name: &RecordName,
///         owner: &Owner,
///         ttl: Duration,
///     ) -> Result<Locked, StoreError> {
///         self.0.renew(name, owner, ttl).await
///     }
///
///     async fn unlock(&self, name: &RecordName, owner: &Owner) -> Result<(), StoreError> {
///         self.0.unlock(name, owner).await
///     }
/// }
///
/// # use std::sync::Arc;
/// # use tokenlease::{Registry, SystemClock, core::Key};
/// let store = Logged(MemoryStore::new(Arc::new(SystemClock)));
/// let registry = Registry::builder().store(store, Key::new([7; 32])).build()?;
/// # let _ = registry;
/// # Ok::<(), tokenlease::Error>(())
/// ```
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Returns the record and the store's time, read together.
    ///
    /// # Errors
    /// [`StoreError`], as for every method of this trait.
    fn load(&self, name: &RecordName) -> impl Future<Output = Result<Loaded, StoreError>> + Send;

    /// Returns the result of [`load`](Self::load) if the store can read at once, without a network,
    /// another thread and a runtime. `None`, the default: call `load`.
    ///
    /// A caller of a new process that finds its token this way starts no thread.
    fn load_now(&self, _name: &RecordName) -> Option<Result<Loaded, StoreError>> {
        None
    }

    /// Returns this store for a process that was forked from the one that made it. Such a process has
    /// none of its parent's threads, and must not use its parent's connections or wait for its locks.
    /// `None`, the default: clients of this store fail there with kind
    /// [`Forked`](crate::ErrorKind::Forked).
    ///
    /// It is called in the child, at most once for each thread that makes a call there at the same
    /// time. It must not block. Records in memory are copied, and locks are not: their owners are
    /// threads of the parent.
    fn after_fork(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }

    /// Replaces the record if its revision is `expected` (`None`: if there is no record).
    /// Otherwise changes nothing and returns the current record.
    ///
    /// After `keep` the record is no longer of use, and the store may drop it. `None` keeps the
    /// record until it is replaced. A revision must never be used twice for one name while a
    /// process may remember it, not even after an old record expired and a new one was created.
    ///
    /// # Errors
    /// [`StoreError`], as for every method of this trait.
    fn swap(
        &self,
        name: &RecordName,
        expected: Option<u64>,
        record: &[u8],
        keep: Option<Duration>,
    ) -> impl Future<Output = Result<Swapped, StoreError>> + Send;

    /// Takes the lock of a record for `ttl` unless another owner holds it. Never waits.
    ///
    /// The record need not exist. An owner that already holds the lock gets it again for `ttl` from
    /// now, so a repeated call does no harm. The owner logs in under the lock, so fail here if its
    /// token could not be saved, as on a full disk.
    ///
    /// # Errors
    /// [`StoreError`], as for every method of this trait.
    fn lock(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> impl Future<Output = Result<Locked, StoreError>> + Send;

    /// Extends the lock to `ttl` from now if the owner still holds it.
    ///
    /// An expired lock is not renewed: the result is `Busy` even if no other owner took it since.
    ///
    /// # Errors
    /// [`StoreError`], as for every method of this trait.
    fn renew(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> impl Future<Output = Result<Locked, StoreError>> + Send;

    /// Releases the lock if the owner holds it. Another owner's lock is left as it is.
    ///
    /// # Errors
    /// [`StoreError`], as for every method of this trait.
    fn unlock(
        &self,
        name: &RecordName,
        owner: &Owner,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl<S: Store> Store for Arc<S> {
    async fn load(&self, name: &RecordName) -> Result<Loaded, StoreError> {
        (**self).load(name).await
    }

    fn load_now(&self, name: &RecordName) -> Option<Result<Loaded, StoreError>> {
        (**self).load_now(name)
    }

    fn after_fork(&self) -> Option<Self> {
        (**self).after_fork().map(Self::new)
    }

    async fn swap(
        &self,
        name: &RecordName,
        expected: Option<u64>,
        record: &[u8],
        keep: Option<Duration>,
    ) -> Result<Swapped, StoreError> {
        (**self).swap(name, expected, record, keep).await
    }

    async fn lock(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        (**self).lock(name, owner, ttl).await
    }

    async fn renew(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        (**self).renew(name, owner, ttl).await
    }

    async fn unlock(&self, name: &RecordName, owner: &Owner) -> Result<(), StoreError> {
        (**self).unlock(name, owner).await
    }
}

/// The result of a [`Store::load`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The record, if there is one.
    pub record: Option<Stored>,
    /// The store's time when the record was read.
    pub now: StoreTime,
}

impl Loaded {
    /// Decodes the record. A torn or missing one is empty: the next write replaces it.
    ///
    /// # Errors
    /// `Store` if a newer version wrote the record.
    pub fn decode(&self) -> Result<Record> {
        let Some(stored) = &self.record else { return Ok(Record::default()) };
        Record::decode(stored.bytes()).or_else(|error| match error {
            DecodeError::Torn => Ok(Record::default()),
            error => Err(Error::new(ErrorKind::Store, error.to_string())),
        })
    }
}

/// A record as the store keeps it, with its revision.
///
/// Clones share the bytes, which are overwritten when the last clone is dropped. `Debug` shows only
/// the number of bytes.
#[derive(Clone)]
pub struct Stored {
    revision: u64,
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
}

impl Stored {
    /// Creates a record of that revision. It takes ownership of the bytes, so no copy stays behind.
    pub fn new(revision: u64, bytes: Vec<u8>) -> Self {
        Self::shared(revision, Arc::new(Zeroizing::new(bytes)))
    }

    /// Creates a record that shares its bytes with the store. The owner of `bytes` overwrites them
    /// on drop.
    pub(crate) fn shared(revision: u64, bytes: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Self {
        Self { revision, bytes }
    }

    /// Returns the revision, which a swap must name to replace this record.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the bytes of the record.
    pub fn bytes(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }
}

impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        (self.revision, self.bytes()) == (other.revision, other.bytes())
    }
}

impl Eq for Stored {}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stored(revision {}, [redacted], {} bytes)", self.revision, self.bytes().len())
    }
}

/// The result of a [`Store::swap`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swapped {
    /// The record was replaced.
    Done {
        /// The new revision of the record.
        revision: u64,
        /// The store's time when the record was written.
        now: StoreTime,
    },
    /// The record did not have the expected revision. This is the current one.
    Conflict(Loaded),
}

/// The result of a [`Store::lock`] or [`Store::renew`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// The owner holds the lock for the requested TTL.
    Granted,
    /// The owner does not hold the lock.
    Busy,
}

/// Why a store call failed. The client reacts differently to each kind.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// The store is unreachable or failing. The client follows its
    /// [policy for store outages](crate::ClientBuilder::on_store_outage).
    Unavailable(Error),
    /// The store answers and rejects the call: a wrong password, a missing permission, a full disk.
    /// Only a person can correct that, so the client sends neither a login nor a refetch, whatever its
    /// policy for outages says.
    Rejected(Error),
    /// The record exists and cannot be trusted: it does not authenticate under this key, or a newer
    /// version wrote it. The record stays as it is, and no process may log in.
    Unreadable(Error),
}

impl StoreError {
    /// Returns the underlying error: what happened, and what to do.
    pub fn error(&self) -> &Error {
        match self {
            Self::Unavailable(error) | Self::Rejected(error) | Self::Unreadable(error) => error,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error().fmt(f)
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error().source()
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(error)
            | StoreError::Rejected(error)
            | StoreError::Unreadable(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Secrets: the Debug text of a stored record shows its length and none of its bytes.
    #[test]
    fn debug_shows_nothing_of_a_record() {
        let loaded = Loaded { record: Some(Stored::new(7, b"canary".to_vec())), now: StoreTime(0) };
        let text = format!("{loaded:?}");
        assert!(text.contains("Stored(revision 7, [redacted], 6 bytes)"), "{text}");
    }
}
