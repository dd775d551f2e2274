//! What a record holds, for people and for tests: no token in it.

use std::time::Duration;

use super::{Record, TombstoneCause};
use crate::{credentials::CredentialsFingerprint, time::StoreTime, token::TokenFingerprint};

/// A record's contents without its tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// How many tokens the identity has had.
    pub generation: u64,
    /// Which token each credentials fingerprint has.
    pub leases: Vec<(CredentialsFingerprint, TokenFingerprint)>,
    /// Tokens that are not used any more, and whether a refetch may lift that.
    pub dead: Vec<(TokenFingerprint, bool)>,
    /// Tokens that their holder forgot.
    pub forgotten: Vec<TokenFingerprint>,
    /// CredentialsFingerprints that the provider rejected, and until when they are not sent.
    pub circuits: Vec<(CredentialsFingerprint, StoreTime)>,
    /// Until when nothing is sent for the identity.
    pub hold: Option<StoreTime>,
    /// The age from which tokens are asked about, if it was learned.
    pub learned: Option<Duration>,
}

impl Record {
    /// What the record holds, without its tokens.
    pub fn inspect(&self) -> Inspection {
        let state = &self.0;
        let dead = state.fates.iter().filter_map(|fate| {
            fate.tombstone
                .map(|tombstone| (fate.fingerprint, tombstone.cause == TombstoneCause::Rejected))
        });
        let forgotten = state.fates.iter().filter(|fate| fate.forgotten);
        Inspection {
            generation: state.generation,
            leases: state.leases.iter().map(|e| (e.credentials, e.lease.fingerprint)).collect(),
            dead: dead.collect(),
            forgotten: forgotten.map(|fate| fate.fingerprint).collect(),
            circuits: state.circuits.iter().map(|c| (c.credentials, c.until)).collect(),
            hold: state.hold.map(|hold| hold.until),
            learned: state.learned,
        }
    }
}
