//! What siblings tell each other of one identity: the record that a store keeps.
//!
//! A record is never written blindly. A writer reads it, merges its news into it, and swaps it
//! in only if nobody else wrote meanwhile. All times in it are the store's own.

pub(crate) mod bridge;
mod encoding;
mod inspect;
pub(crate) mod news;
mod summary;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::{
    encoding::DecodeError,
    inspect::Inspection,
    summary::{EntrySummary, LeaseSummary, PauseSummary, Summary},
};
use crate::{
    credentials::Proof,
    lease::{First, Lease},
    time::{Moment, StoreTime},
    token::Fingerprint,
};

/// Live leases a record keeps at most; of more, dead ones and old ones go first.
const MOST_LEASES: usize = 4;
/// Circuits a record keeps at most.
const MOST_CIRCUITS: usize = 32;
/// Holds and spacings of entries a record keeps at most, each.
pub(crate) const MOST_PAUSES: usize = 8;
/// Fingerprints whose fate a record remembers.
const MOST_FATES: usize = 16;
/// Refusals of proofs never seen accepted that a record remembers.
const MOST_UNPROVEN: usize = 4;

/// The record of one identity, in the store's time. It holds tokens but no password, and is
/// opaque: [`encode`](Self::encode) and [`decode`](Self::decode) are all that a store needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(pub(crate) Facts<StoreTime>);

impl Record {
    /// How long the record is of use to anyone: until its last end, and long enough that no
    /// circuit and no refusal is forgotten early; `None` means for ever.
    pub fn keep(&self, now: StoreTime) -> Option<Duration> {
        const AT_LEAST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
        let facts = &self.0;
        if !facts.circuits.is_empty() {
            return None;
        }
        facts.leases.iter().try_fold(AT_LEAST, |longest, entry| {
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
pub(crate) struct Facts<T> {
    /// How many tokens the identity has had. It never falls.
    pub(crate) generation: u64,
    pub(crate) leases: Vec<Entry<T>>,
    pub(crate) circuits: Vec<Pause<T>>,
    pub(crate) entry_holds: Vec<Pause<T>>,
    pub(crate) spacings: Vec<Spacing<T>>,
    pub(crate) unproven: Vec<(Proof, T)>,
    pub(crate) hold: Option<Hold<T>>,
    /// The greatest age at which a token was seen active, or lower if tokens died younger than
    /// the base.
    pub(crate) learned: Option<Duration>,
    /// The age at which a token was last found dead younger than the base, and which it was.
    pub(crate) young_death: Option<(Duration, Fingerprint)>,
    pub(crate) fates: Vec<Fate<T>>,
}

/// The lease of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry<T> {
    pub(crate) proof: Proof,
    #[serde(with = "encoding::lease")]
    #[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
    pub(crate) lease: Lease<T>,
}

/// A circuit, or the hold of one entry: nothing is sent for the proof until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pause<T> {
    pub(crate) proof: Proof,
    pub(crate) until: T,
    pub(crate) count: u32,
}

/// How issues that refusals without a verdict cause are spaced for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spacing<T> {
    pub(crate) proof: Proof,
    /// The last such issue.
    pub(crate) last: Option<T>,
    pub(crate) count: u32,
    /// Whether the entry's next issue is caused by such a refusal.
    pub(crate) armed: bool,
}

/// Nothing is sent for the identity until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hold<T> {
    pub(crate) until: T,
    pub(crate) count: u32,
    pub(crate) reason: HoldReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HoldReason {
    Throttled,
    ServerError,
}

/// What became of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fate<T> {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) first: Option<First<T>>,
    pub(crate) tombstone: Option<Tombstone<T>>,
    /// When the refetch was sent that lifted a refusal; that happens once a token.
    pub(crate) lifted: Option<T>,
    pub(crate) forgotten: bool,
}

/// Why and when a token died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tombstone<T> {
    pub(crate) cause: Death,
    /// For a refusal, when `refuse` was called, however late it was saved.
    pub(crate) at: T,
}

/// Causes of death, the ones that nothing lifts last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Death {
    /// An API refused it and the vendor had no word on it.
    Refused,
    /// The vendor said no.
    Dead,
    /// We revoked it.
    Revoked,
}

impl<T> Default for Facts<T> {
    fn default() -> Self {
        Self {
            generation: 0,
            leases: Vec::new(),
            circuits: Vec::new(),
            entry_holds: Vec::new(),
            spacings: Vec::new(),
            unproven: Vec::new(),
            hold: None,
            learned: None,
            young_death: None,
            fates: Vec::new(),
        }
    }
}

impl<T: Moment> Facts<T> {
    pub(crate) fn lease(&self, proof: Proof) -> Option<&Lease<T>> {
        self.leases.iter().find(|entry| entry.proof == proof).map(|entry| &entry.lease)
    }

    /// Whether the proof was seen accepted: a lease of its stands here, be it dead.
    pub(crate) fn is_proven(&self, proof: Proof) -> bool {
        self.lease(proof).is_some()
    }

    pub(crate) fn circuit(&self, proof: Proof) -> Option<&Pause<T>> {
        self.circuits.iter().find(|circuit| circuit.proof == proof)
    }

    pub(crate) fn entry_hold(&self, proof: Proof) -> Option<&Pause<T>> {
        self.entry_holds.iter().find(|hold| hold.proof == proof)
    }

    pub(crate) fn spacing(&self, proof: Proof) -> Option<&Spacing<T>> {
        self.spacings.iter().find(|spacing| spacing.proof == proof)
    }

    pub(crate) fn fate(&self, fingerprint: Fingerprint) -> Option<&Fate<T>> {
        self.fates.iter().find(|fate| fate.fingerprint == fingerprint)
    }

    pub(crate) fn tombstone(&self, fingerprint: Fingerprint) -> Option<&Tombstone<T>> {
        self.fate(fingerprint).and_then(|fate| fate.tombstone.as_ref())
    }

    pub(crate) fn is_forgotten(&self, fingerprint: Fingerprint) -> bool {
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
