//! Tokens that must not be served again.
//!
//! The record keeps a tombstone for the last 16 tokens that were found inactive, rejected or revoked.
//! This process also remembers some in memory: unknown tokens, which the record has no room for, and
//! tokens of this entry, because a store may be restored to a record without their tombstones.

use serde::{Deserialize, Serialize};

use super::{Lifecycle, event::Event};
use crate::{
    record::{HistoryResult, Tombstone, TombstoneCause, change::RecordChange},
    time::Timestamp,
    token::TokenFingerprint,
};

/// How many tokens a process remembers itself.
const MAX_REMEMBERED: usize = 32;

/// The ended tokens that this process remembers itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct EndedTokens(Vec<EndedToken>);

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct EndedToken {
    fingerprint: TokenFingerprint,
    at: Timestamp,
    /// `None`: it was replaced while the server had not confirmed its rejection.
    cause: Option<TombstoneCause>,
}

impl EndedTokens {
    fn remember(&mut self, ended: EndedToken) {
        self.0.retain(|known| known.fingerprint != ended.fingerprint);
        self.0.push(ended);
        let many = self.0.len().saturating_sub(MAX_REMEMBERED);
        self.0.drain(..many);
    }

    fn get(&self, fingerprint: TokenFingerprint) -> Option<&EndedToken> {
        self.0.iter().find(|ended| ended.fingerprint == fingerprint)
    }
}

impl Lifecycle {
    /// Returns why a token must not be served, as far as the record or this process knows.
    pub(super) fn cause_of_end(&self, fingerprint: TokenFingerprint) -> Option<TombstoneCause> {
        let tombstone = self.store.known.tombstone(fingerprint).map(|tombstone| tombstone.cause);
        tombstone.or_else(|| self.ended.get(fingerprint)?.cause)
    }

    /// Whether this process remembers the token as ended, and no process validated it since. Such a
    /// token is not adopted, whatever record the store is restored to.
    pub(super) fn is_remembered_ended(
        &self,
        fingerprint: TokenFingerprint,
        validated_at: Option<Timestamp>,
    ) -> bool {
        let ended = self.ended.get(fingerprint);
        ended.is_some_and(|ended| validated_at.is_none_or(|validated_at| validated_at <= ended.at))
    }

    /// Ends the token for every process: none serves it from now on.
    pub(super) fn record_end(
        &mut self,
        fingerprint: TokenFingerprint,
        cause: TombstoneCause,
        at: Timestamp,
        t: Timestamp,
    ) {
        if cause == TombstoneCause::Rejected {
            self.note_rejected_token(fingerprint, HistoryResult::Unconfirmed, at);
        }
        self.current.take_if(|current| current.lease.fingerprint == fingerprint);
        if let Some(flight) = &mut self.flight {
            flight.obtained.take_if(|obtained| obtained.lease.fingerprint == fingerprint);
        }
        self.events.push(match cause {
            TombstoneCause::Rejected => Event::Rejected(fingerprint),
            TombstoneCause::Inactive => Event::Inactive(fingerprint),
            TombstoneCause::Revoked | TombstoneCause::RevocationFailed => {
                Event::Revoked(fingerprint)
            }
        });
        self.remember_ended(fingerprint, Some(cause), t);
        let tombstone = Tombstone { cause, at };
        let credentials = self.holder;
        self.record_change(RecordChange::Ended { credentials, fingerprint, tombstone }, t);
    }

    /// This process uses the token no more, unless somebody validates it later.
    pub(super) fn remember_ended(
        &mut self,
        fingerprint: TokenFingerprint,
        cause: Option<TombstoneCause>,
        at: Timestamp,
    ) {
        self.ended.remember(EndedToken { fingerprint, at, cause });
    }

    /// Another lease replaces the current one. A suspicion against the latter is remembered.
    pub(super) fn drop_current(&mut self, t: Timestamp) {
        if let Some(old) = self.current.take()
            && let Some(suspicion) = old.suspicion
            && !suspicion.after_confirmation
        {
            self.note_rejected_token(
                old.lease.fingerprint,
                HistoryResult::Unconfirmed,
                suspicion.at,
            );
            self.remember_ended(old.lease.fingerprint, None, t);
        }
    }
}
