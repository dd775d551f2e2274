//! What is known of one identity, in the wall clock's time.

use std::time::Duration;

use serde_json::{Value, json};
use tokenlease::core::{
    CredentialsFingerprint, StoreTime, WallTime,
    record::{BlockSummary, EntrySummary, LeaseSummary, Summary},
    time::Moment as _,
};

use super::DIGITS;
use crate::session::end_of;

/// What the store holds of one identity.
pub(super) struct Known {
    pub(super) identity: String,
    /// The record's name in the store.
    pub(super) key: String,
    pub(super) store: String,
    /// The credentials fingerprint of the credentials at hand, if they could be read without asking anyone.
    pub(super) mine: Option<CredentialsFingerprint>,
    pub(super) summary: Summary,
    pub(super) clocks: Clocks,
}

/// What the store's clock and the wall clock showed at one moment.
#[derive(Clone, Copy)]
pub(super) struct Clocks {
    pub(super) store: StoreTime,
    pub(super) wall: WallTime,
}

impl Clocks {
    /// The wall clock's time at a moment of the store's.
    pub(super) fn wall(self, at: StoreTime) -> WallTime {
        WallTime(self.wall.0.saturating_add(at.0.saturating_sub(self.store.0)))
    }

    pub(super) fn since(self, at: StoreTime) -> Duration {
        self.store.since(at)
    }

    fn text(self, at: StoreTime) -> String {
        self.wall(at).to_string()
    }

    fn pause(self, pause: BlockSummary) -> Value {
        json!({ "until": self.text(pause.until), "count": pause.count })
    }
}

/// What credentials are called: the first digits of their credentials fingerprint, a keyed hash.
pub(super) fn name(credentials_fingerprint: CredentialsFingerprint) -> String {
    credentials_fingerprint.as_bytes().iter().take(3).map(|byte| format!("{byte:02x}")).collect()
}

impl Known {
    /// The entries that the credentials at hand are served from: all, if there are none at hand.
    pub(super) fn own(&self) -> impl Iterator<Item = &EntrySummary> {
        self.summary
            .entries
            .iter()
            .filter(|entry| self.mine.is_none_or(|mine| mine == entry.credentials))
    }

    pub(super) fn json(&self, profile: Option<&str>) -> Value {
        let entries: Vec<Value> =
            self.summary.entries.iter().map(|entry| self.entry(entry)).collect();
        let hold = self.summary.hold;
        json!({
            "identity": self.identity,
            "profile": profile,
            "store": self.store,
            "key": self.key.chars().take(DIGITS).collect::<String>(),
            "generation": self.summary.generation,
            "hold": hold.map(|(until, reason)| {
                json!({ "until": self.clocks.text(until), "reason": reason })
            }),
            "entries": entries,
        })
    }

    fn entry(&self, entry: &EntrySummary) -> Value {
        json!({
            "credentials": name(entry.credentials),
            "yours": self.mine.map(|mine| mine == entry.credentials),
            "lease": entry.lease.map(|lease| self.lease(&lease)),
            "circuit": entry.circuit.map(|circuit| self.clocks.pause(circuit)),
            "hold": entry.hold.map(|hold| self.clocks.pause(hold)),
        })
    }

    fn lease(&self, lease: &LeaseSummary) -> Value {
        let (end, at) = end_of(lease.expiry, lease.sent_at);
        json!({
            "token": lease.fingerprint.to_string(),
            "live": lease.is_live,
            "generation": lease.generation,
            "sent_at": self.clocks.text(lease.sent_at),
            "age_s": self.clocks.since(lease.sent_at).as_secs(),
            "end": end,
            "expires_at": at.map(|at| self.clocks.text(at)),
            "left_s": lease.left.map(|left| left.as_secs()),
            "validated_at": lease.validated_at.map(|at| self.clocks.text(at)),
        })
    }
}
