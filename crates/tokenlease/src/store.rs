//! Where siblings share records: the trait, and the words it speaks in.

use std::{error::Error as StdError, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use once_cell::race::OnceBox;
use tokenlease_core::{Error, Identity, StoreTime};
use zeroize::Zeroizing;

/// A future of a trait's method, boxed so that a store can be chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where all who share tokens keep one record an identity, and agree on who may ask for a new
/// token. A store knows nothing of leases: it keeps bytes, compares revisions, and holds locks.
///
/// Its time is its own: one clock, read where the record is kept, that all who use the store see.
/// Lives of locks and records are counted by it.
///
/// A method that answers has done all of its work; one that fails may have done it or not. A
/// future that is dropped may have done its work too. The client gives each call a deadline.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The record and the store's time, read together.
    fn load<'a>(&'a self, name: &'a RecordName) -> BoxFuture<'a, Result<Loaded, StoreError>>;

    /// Replaces the record if it is still the `expected` revision (none: if there is no record),
    /// else changes nothing and answers with what is there.
    ///
    /// `keep` says how long the record is of use; afterwards the store may drop it. None keeps it
    /// until it is replaced. A revision is never used twice for one name while somebody may
    /// remember it, not even for a record that is made anew after the end of an old one.
    fn swap<'a>(
        &'a self,
        name: &'a RecordName,
        expected: Option<u64>,
        record: &'a [u8],
        keep: Option<Duration>,
    ) -> BoxFuture<'a, Result<Swapped, StoreError>>;

    /// Takes the lock of a record (which need not exist) for that life, if nobody else holds it.
    /// The owner who holds it already is granted it anew: asking twice does no harm. It never
    /// waits.
    fn lock<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
        life: Duration,
    ) -> BoxFuture<'a, Result<Locked, StoreError>>;

    /// Counts the lock's life from now on, if the owner holds it still. A lock whose life has
    /// ended is not renewed: `Busy`, even if nobody took it since.
    fn renew<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
        life: Duration,
    ) -> BoxFuture<'a, Result<Locked, StoreError>>;

    /// Gives the lock back. Another owner's lock, or none, is left as it is.
    fn unlock<'a>(
        &'a self,
        name: &'a RecordName,
        owner: &'a Owner,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// Names a record: the identity, and the key that it has in stores. Clones share both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName(Arc<Name>);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Name {
    digest: [u8; 32],
    key: String,
    identity: Identity,
}

impl RecordName {
    /// The name of an identity's record.
    pub fn new(identity: Identity) -> Self {
        let (digest, key) = (identity.digest(), identity.key());
        Self(Arc::new(Name { digest, key, identity }))
    }

    /// Whose record it is. Stores that encrypt authenticate it.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// 64 hexadecimal digits, apart for any two identities.
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// The key as bytes.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        &self.0.digest
    }
}

/// Who holds a lock: the host, the process and a random number. No secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(String);

impl Owner {
    /// This process as an owner; the `random` number sets it apart from a process that had the
    /// same id before, and from other owners of this process. The text is
    /// `host:process id:number`, ASCII without spaces and at most 100 characters long.
    pub fn new(random: u64) -> Self {
        static HOST: OnceBox<String> = OnceBox::new();
        let host = HOST.get_or_init(|| {
            let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            let host: String = host().chars().filter(allowed).take(64).collect();
            Box::new(if host.is_empty() { "host".into() } else { host })
        });
        Self(format!("{host}:{}:{random:016x}", std::process::id()))
    }

    /// The text, the same for as long as the owner lives.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// What a look at the store shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The record, if there is one.
    pub record: Option<Stored>,
    /// The store's time when the record was read.
    pub now: StoreTime,
}

/// A record as the store keeps it. Clones share the bytes, which are overwritten when the last is
/// dropped; Debug shows their number alone.
#[derive(Clone)]
pub struct Stored {
    revision: u64,
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
}

impl Stored {
    /// A record of that revision. It takes the bytes over, so no copy of them is left behind.
    pub fn new(revision: u64, bytes: Vec<u8>) -> Self {
        Self::shared(revision, Arc::new(Zeroizing::new(bytes)))
    }

    /// A record that shares the bytes with whoever keeps them, and overwrites them in the end.
    pub(crate) fn shared(revision: u64, bytes: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Self {
        Self { revision, bytes }
    }

    /// What a swap has to name to replace the record.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The record itself.
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

/// What came of a [`Store::swap`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swapped {
    /// The record was replaced.
    Done {
        /// The revision that it has now.
        revision: u64,
        /// The store's time when it was written.
        now: StoreTime,
    },
    /// The record was not of the expected revision; this is what is there.
    Conflict(Loaded),
}

/// What came of a [`Store::lock`] or [`Store::renew`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// The owner holds the lock for the life that was asked for.
    Granted,
    /// The owner does not hold it.
    Busy,
}

/// Why a store did not answer: the two kinds call for different things.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// The store can't be reached, or fails. The client goes by its policy for outages.
    Away(Error),
    /// There is a record that can't be trusted: it does not authenticate under this key, or is of
    /// a newer version. It is left as it is, and nobody may ask for a new token.
    Unreadable(Error),
}

impl StoreError {
    /// What was wrong and what to do, for whoever asked for a token.
    pub fn error(&self) -> &Error {
        match self {
            Self::Away(error) | Self::Unreadable(error) => error,
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
            StoreError::Away(error) | StoreError::Unreadable(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_differ_by_their_number_and_are_short_plain_text() {
        let (one, other) = (Owner::new(1), Owner::new(u64::MAX));
        assert_ne!(one, other);
        for owner in [one, other] {
            let parts: Vec<_> = owner.as_str().split(':').collect();
            assert_eq!(parts.len(), 3, "{owner}");
            assert_eq!(parts[1], std::process::id().to_string());
            assert!(owner.as_str().len() <= 100);
            assert!(owner.as_str().is_ascii() && !owner.as_str().contains(' '));
        }
    }

    #[test]
    fn lesson_3_a_records_name_is_its_identitys() {
        let of = |tenant| {
            RecordName::new(Identity::wyn("https://h", "u", "c").unwrap().with_tenant(tenant))
        };
        assert_ne!(of("/a").key(), of("/b").key());
        assert_eq!(of("/a"), of("/a"));
        assert_eq!(of("/a").identity().realm(), "/a");
    }

    #[test]
    fn lesson_2_debug_shows_nothing_of_a_record() {
        let loaded = Loaded { record: Some(Stored::new(7, b"canary".to_vec())), now: StoreTime(0) };
        let text = format!("{loaded:?}");
        assert!(text.contains("Stored(revision 7, [redacted], 6 bytes)"), "{text}");
    }
}
