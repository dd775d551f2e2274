//! What siblings tell each other of one identity: the record that a store keeps.
//!
//! A record is never written blindly. A writer reads it, merges its news into it, and swaps it
//! in only if nobody else wrote meanwhile. All times in it are the store's own.

pub(crate) mod change;
pub(crate) mod clock_mapping;
mod encoding;
mod inspect;
mod summary;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::{
    encoding::DecodeError,
    inspect::Inspection,
    summary::{BlockSummary, EntrySummary, LeaseSummary, Summary},
};
use crate::{
    credentials::CredentialsFingerprint,
    lease::{First, Lease},
    time::{Moment, StoreTime},
    token::TokenFingerprint,
};

/// Live leases a record keeps at most; of more, dead ones and old ones go first.
const MOST_LEASES: usize = 4;
/// Circuits a record keeps at most.
const MOST_CIRCUITS: usize = 32;
/// Holds and login_backoffs of entries a record keeps at most, each.
pub(crate) const MOST_BLOCKS: usize = 8;
/// Fingerprints whose fate a record remembers.
const MOST_FATES: usize = 16;
/// Rejections of credentials fingerprints never seen accepted that a record remembers.
const MOST_UNPROVEN: usize = 4;

/// The record of one identity, in the store's time. It holds tokens but no password, and is
/// opaque: [`encode`](Self::encode) and [`decode`](Self::decode) are all that a store needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(pub(crate) RecordState<StoreTime>);

impl Record {
    /// How long the record is of use to anyone: until its last end, and long enough that no
    /// circuit and no rejection is forgotten early; `None` means for ever.
    pub fn keep(&self, now: StoreTime) -> Option<Duration> {
        const AT_LEAST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
        let state = &self.0;
        if !state.circuits.is_empty() {
            return None;
        }
        state.leases.iter().try_fold(AT_LEAST, |longest, entry| {
            entry.lease.end().map(|end| longest.max(end.since(now)))
        })
    }

    /// How many tokens the identity has had.
    pub fn generation(&self) -> u64 {
        self.0.generation
    }
}

/// What is known of one identity, in the times of one clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordState<T> {
    /// How many tokens the identity has had. It never falls.
    pub(crate) generation: u64,
    pub(crate) leases: Vec<Entry<T>>,
    pub(crate) circuits: Vec<Block<T>>,
    pub(crate) entry_backoffs: Vec<Block<T>>,
    pub(crate) login_backoffs: Vec<LoginBackoff<T>>,
    pub(crate) unproven: Vec<(CredentialsFingerprint, T)>,
    pub(crate) hold: Option<ServerBackoff<T>>,
    /// The greatest age at which a token was seen active, or lower if tokens died younger than
    /// the base.
    pub(crate) learned: Option<Duration>,
    /// The age at which a token was last found dead younger than the base, and which it was.
    pub(crate) young_death: Option<(Duration, TokenFingerprint)>,
    pub(crate) fates: Vec<Fate<T>>,
}

/// The lease of a credentials fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry<T> {
    pub(crate) credentials: CredentialsFingerprint,
    #[serde(with = "encoding::lease")]
    #[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
    pub(crate) lease: Lease<T>,
}

/// A circuit, or the hold of one entry: nothing is sent for the credentials fingerprint until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Block<T> {
    pub(crate) credentials: CredentialsFingerprint,
    pub(crate) until: T,
    pub(crate) count: u32,
}

/// How logins that rejections without a validation cause are spaced for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoginBackoff<T> {
    pub(crate) credentials: CredentialsFingerprint,
    /// The last such login.
    pub(crate) last: Option<T>,
    pub(crate) count: u32,
    /// Whether the entry's next login is caused by such a rejection.
    pub(crate) armed: bool,
}

/// Nothing is sent for the identity until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerBackoff<T> {
    pub(crate) until: T,
    pub(crate) count: u32,
    pub(crate) reason: BackoffReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum BackoffReason {
    Throttled,
    ServerError,
}

/// What became of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fate<T> {
    pub(crate) fingerprint: TokenFingerprint,
    pub(crate) first: Option<First<T>>,
    pub(crate) tombstone: Option<Tombstone<T>>,
    /// When the refetch was sent that lifted a rejection; that happens once a token.
    pub(crate) lifted: Option<T>,
    pub(crate) forgotten: bool,
}

/// Why and when a token died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tombstone<T> {
    pub(crate) cause: TombstoneCause,
    /// For a rejection, when `report_rejected` was called, however late it was saved.
    pub(crate) at: T,
}

/// Causes of death, the ones that nothing lifts last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum TombstoneCause {
    /// An API rejected it and the provider had no word on it.
    Rejected,
    /// The provider said no.
    Inactive,
    /// We revoked it.
    Revoked,
}

impl<T> Default for RecordState<T> {
    fn default() -> Self {
        Self {
            generation: 0,
            leases: Vec::new(),
            circuits: Vec::new(),
            entry_backoffs: Vec::new(),
            login_backoffs: Vec::new(),
            unproven: Vec::new(),
            hold: None,
            learned: None,
            young_death: None,
            fates: Vec::new(),
        }
    }
}

impl<T: Moment> RecordState<T> {
    pub(crate) fn lease(&self, credentials: CredentialsFingerprint) -> Option<&Lease<T>> {
        self.leases.iter().find(|entry| entry.credentials == credentials).map(|entry| &entry.lease)
    }

    /// Whether the credentials fingerprint was seen accepted: a lease of its stands here, be it dead.
    pub(crate) fn was_accepted(&self, credentials: CredentialsFingerprint) -> bool {
        self.lease(credentials).is_some()
    }

    pub(crate) fn circuit(&self, credentials: CredentialsFingerprint) -> Option<&Block<T>> {
        self.circuits.iter().find(|circuit| circuit.credentials == credentials)
    }

    pub(crate) fn entry_backoff(&self, credentials: CredentialsFingerprint) -> Option<&Block<T>> {
        self.entry_backoffs.iter().find(|hold| hold.credentials == credentials)
    }

    pub(crate) fn login_backoff(
        &self,
        credentials: CredentialsFingerprint,
    ) -> Option<&LoginBackoff<T>> {
        self.login_backoffs.iter().find(|login_backoff| login_backoff.credentials == credentials)
    }

    pub(crate) fn fate(&self, fingerprint: TokenFingerprint) -> Option<&Fate<T>> {
        self.fates.iter().find(|fate| fate.fingerprint == fingerprint)
    }

    pub(crate) fn tombstone(&self, fingerprint: TokenFingerprint) -> Option<&Tombstone<T>> {
        self.fate(fingerprint).and_then(|fate| fate.tombstone.as_ref())
    }

    pub(crate) fn is_forgotten(&self, fingerprint: TokenFingerprint) -> bool {
        self.fate(fingerprint).is_some_and(|fate| fate.forgotten)
    }

    /// Whether the record holds this token as one that may be alive, and that is still handed
    /// out: what is left of a stated life must be more than its margin.
    pub(crate) fn is_live(&self, lease: &Lease<T>, now: T) -> bool {
        !lease.is_over(now.plus(lease.margin()))
            && self.tombstone(lease.fingerprint).is_none()
            && !self.is_forgotten(lease.fingerprint)
    }
}
