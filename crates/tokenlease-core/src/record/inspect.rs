//! The contents of a record without its tokens, for tests and simulations.

use std::time::Duration;

use super::{Block, Record, TombstoneCause};
use crate::{credentials::CredentialsFingerprint, time::StoreTime, token::TokenFingerprint};

/// The contents of a record, without its tokens.
#[doc(hidden)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// The number of tokens that the identity has had.
    pub generation: u64,
    /// The token of each set of credentials.
    pub leases: Vec<(CredentialsFingerprint, TokenFingerprint)>,
    /// The tokens with a tombstone, and whether a refetch may lift it.
    pub tombstones: Vec<(TokenFingerprint, bool)>,
    /// The tokens that their holder forgot.
    pub forgotten: Vec<TokenFingerprint>,
    /// The rejected credentials, and until when they are not sent.
    pub circuits: Vec<(CredentialsFingerprint, StoreTime)>,
    /// The credentials whose answers could not be used, and until when they are not sent.
    pub entry_backoffs: Vec<(CredentialsFingerprint, StoreTime)>,
    /// Until when nothing is sent for the identity, if its server backs off.
    pub server_backoff: Option<StoreTime>,
    /// How many logins in a row brought nothing better, or whose answers were lost.
    pub spent_logins: Vec<(CredentialsFingerprint, u32)>,
    /// The learned age from which tokens are validated, if there is one.
    pub learned: Option<Duration>,
}

impl Record {
    /// Returns the contents without the tokens.
    #[doc(hidden)]
    pub fn inspect(&self) -> Inspection {
        let state = &self.0;
        let tombstones = state.histories.iter().filter_map(|history| {
            history
                .tombstone
                .map(|tombstone| (history.fingerprint, tombstone.cause == TombstoneCause::Rejected))
        });
        let forgotten = state.histories.iter().filter(|history| history.forgotten);
        Inspection {
            generation: state.generation,
            leases: state
                .leases
                .iter()
                .map(|entry| (entry.credentials, entry.lease.fingerprint))
                .collect(),
            tombstones: tombstones.collect(),
            forgotten: forgotten.map(|history| history.fingerprint).collect(),
            circuits: blocks(&state.circuits),
            entry_backoffs: blocks(&state.entry_backoffs),
            server_backoff: state.server_backoff.map(|backoff| backoff.until),
            spent_logins: state
                .spent_logins
                .iter()
                .map(|spent| (spent.credentials, spent.count))
                .collect(),
            learned: state.learned,
        }
    }
}

fn blocks(blocks: &[Block<StoreTime>]) -> Vec<(CredentialsFingerprint, StoreTime)> {
    blocks.iter().map(|block| (block.credentials, block.until)).collect()
}
