//! What a record holds, for people and for tests: no token in it.

use std::time::Duration;

use super::{Death, Record};
use crate::{credentials::Proof, time::StoreTime, token::Fingerprint};

/// A record's contents without its tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// How many tokens the identity has had.
    pub generation: u64,
    /// Which token each proof has.
    pub leases: Vec<(Proof, Fingerprint)>,
    /// Tokens that are not used any more, and whether a refetch may lift that.
    pub dead: Vec<(Fingerprint, bool)>,
    /// Tokens that their holder forgot.
    pub forgotten: Vec<Fingerprint>,
    /// Proofs that the vendor refused, and until when they are not sent.
    pub circuits: Vec<(Proof, StoreTime)>,
    /// Until when nothing is sent for the identity.
    pub hold: Option<StoreTime>,
    /// The age from which tokens are asked about, if it was learned.
    pub learned: Option<Duration>,
}

impl Record {
    /// What the record holds, without its tokens.
    pub fn inspect(&self) -> Inspection {
        let facts = &self.0;
        let dead = facts.fates.iter().filter_map(|fate| {
            fate.tombstone.map(|tombstone| (fate.fingerprint, tombstone.cause == Death::Refused))
        });
        let forgotten = facts.fates.iter().filter(|fate| fate.forgotten);
        Inspection {
            generation: facts.generation,
            leases: facts.leases.iter().map(|e| (e.proof, e.lease.fingerprint)).collect(),
            dead: dead.collect(),
            forgotten: forgotten.map(|fate| fate.fingerprint).collect(),
            circuits: facts.circuits.iter().map(|c| (c.proof, c.until)).collect(),
            hold: facts.hold.map(|hold| hold.until),
            learned: facts.learned,
        }
    }
}
