//! The record of a packed state machine.

use serde::{Deserialize, Serialize};

use super::{StoreView, Stored};
use crate::{
    host_clocks::HostClocks,
    lifecycle::Lifecycle,
    record::{Record, RecordState, clock_mapping::ClockMapping},
    time::{StoreTime, Timestamp},
    token::{Token, TokenFingerprint},
};

/// The store as a packed state machine knows it.
#[derive(Serialize, Deserialize)]
pub(in crate::lifecycle) struct PackedView {
    stored: Option<PackedRecord>,
    save_at: Option<Timestamp>,
    read_at: Timestamp,
    next_check: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct PackedRecord {
    record: RecordState<StoreTime>,
    /// Its lease with the current token, whose text is kept once.
    shares_token: Option<usize>,
    revision: Option<u64>,
    clocks: ClockMapping,
    /// [`HostClocks::ahead`] when it was read, in the same start of the host.
    ahead: i64,
}

impl StoreView {
    /// Returns what is known of the store, without the text of that token. `None` after a failure of
    /// the store, or if it lacks a change.
    pub(in crate::lifecycle) fn pack(&self, token: Option<TokenFingerprint>) -> Option<PackedView> {
        let is_well = self.conflicts == 0
            && self.failures == 0
            && !self.in_outage
            && self.blocked.is_none()
            && self.last_error.is_none();
        let stored = self.stored.as_deref();
        // A change that was not saved may be known here alone.
        let in_own_time = stored.map(|stored| stored.record.0.translate(&stored.clocks));
        let is_same = self.unsaved.is_empty()
            && self.saving.is_none()
            && self.known == in_own_time.unwrap_or_default();
        (is_well && is_same).then(|| PackedView {
            stored: stored.map(|stored| stored.pack(token)),
            save_at: (self.save_at > Timestamp::MIN).then_some(self.save_at),
            read_at: self.read_at,
            next_check: self.next_check,
        })
    }
}

impl Stored {
    fn pack(&self, token: Option<TokenFingerprint>) -> PackedRecord {
        let mut record = self.record.0.clone();
        let is_it = |lease: TokenFingerprint| Some(lease) == token;
        let shares_token = record.leases.iter().position(|entry| is_it(entry.lease.fingerprint));
        if let Some(entry) = shares_token.and_then(|at| record.leases.get_mut(at)) {
            entry.lease.token = Token::new(entry.lease.token.kind(), "");
        }
        PackedRecord {
            record,
            shares_token,
            revision: self.revision,
            clocks: self.clocks,
            ahead: self.read_by.ahead,
        }
    }
}

impl Lifecycle {
    /// Takes what it knew of the store when it was packed. `token` is its current token.
    pub(in crate::lifecycle) fn unpack_store(&mut self, packed: PackedView, token: Option<&Token>) {
        let PackedView { stored, save_at, read_at, next_check } = packed;
        let boot = self.clocks.boot;
        let save_at = save_at.unwrap_or(Timestamp::MIN);
        let stored = stored.map(|stored| {
            let PackedRecord { mut record, shares_token, revision, clocks, ahead } = stored;
            let shared = shares_token.and_then(|at| record.leases.get_mut(at));
            if let (Some(entry), Some(token)) = (shared, token) {
                entry.lease.token = token.clone();
            }
            let read_by = HostClocks { boot, ahead };
            Box::new(Stored { record: Record(record), revision, clocks, read_by })
        });
        self.store = StoreView { stored, save_at, read_at, next_check, ..StoreView::default() };
        self.refresh_known(read_at);
    }
}
