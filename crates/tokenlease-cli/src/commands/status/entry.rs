//! The status of one identity, in the wall clock's time.

use std::time::Duration;

use serde_json::{Value, json};
use tokenlease::{
    Clock as _, Error, SystemClock,
    core::{
        BootId, CredentialsFingerprint, StoreTime, WallTime,
        record::{BlockSummary, EntrySummary, LeaseSummary, Summary},
        time::Moment as _,
    },
};

use tokenlease_config::duration::show;

use super::DIGITS;
use crate::session::expiry_of;

/// The status of one identity.
pub(super) struct IdentityStatus {
    pub(super) identity: String,
    /// The record's name in the store.
    pub(super) record: String,
    pub(super) store: String,
    /// The fingerprint of this command's credentials, if they could be read without a prompt.
    pub(super) own: Option<CredentialsFingerprint>,
    pub(super) summary: Summary,
    pub(super) clocks: Clocks,
}

/// The times of the store's clock and the wall clock at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Clocks {
    pub(super) store: StoreTime,
    pub(super) wall: WallTime,
}

impl Clocks {
    /// Reads the wall clock, at a time of the store's.
    pub(crate) fn at(store: StoreTime) -> Self {
        Self { store, wall: SystemClock.now().wall }
    }

    /// Converts the store's time to the wall clock's.
    pub(super) fn wall(self, at: StoreTime) -> WallTime {
        WallTime(self.wall.0.saturating_add(at.0.saturating_sub(self.store.0)))
    }

    /// Returns by how many milliseconds this host's clocks have parted since the token was confirmed, if
    /// it is served only after a validation for that.
    pub(crate) fn parted(self, lease: &LeaseSummary) -> Option<i64> {
        let boot = SystemClock.boot().map(BootId::of)?;
        lease.clocks_parted(boot, self.store, self.wall)
    }

    pub(super) fn since(self, at: StoreTime) -> Duration {
        self.store.since(at)
    }

    fn text(self, at: StoreTime) -> String {
        self.wall(at).to_string()
    }

    fn block(self, block: &BlockSummary) -> Value {
        let cause = block.cause.as_ref().map(cause);
        json!({ "until": self.text(block.until), "count": block.count, "cause": cause })
    }
}

/// Returns the server's answer that caused a circuit or a backoff.
fn cause(error: &Error) -> Value {
    json!({
        "kind": error.kind().as_str(),
        "message": error.to_string(),
        "status": error.status(),
        "code": error.code(),
    })
}

/// Returns the first six hexadecimal digits of a credentials fingerprint, a keyed hash.
pub(super) fn name(credentials_fingerprint: CredentialsFingerprint) -> String {
    credentials_fingerprint.as_bytes().iter().take(3).map(|byte| format!("{byte:02x}")).collect()
}

impl IdentityStatus {
    /// Returns the entry of this command's credentials, or all entries if those are unknown.
    pub(super) fn own_entries(&self) -> impl Iterator<Item = &EntrySummary> {
        self.summary
            .entries
            .iter()
            .filter(|entry| self.own.is_none_or(|own| own == entry.credentials))
    }

    pub(super) fn json(&self, profile: Option<&str>) -> Value {
        let entries: Vec<Value> =
            self.summary.entries.iter().map(|entry| self.entry(entry)).collect();
        let backoff = self.summary.server_backoff.as_ref();
        json!({
            "identity": self.identity,
            "profile": profile,
            "store": self.store,
            "record": self.record.chars().take(DIGITS).collect::<String>(),
            "generation": self.summary.generation,
            "backoff": backoff.map(|backoff| json!({
                "until": self.clocks.text(backoff.until),
                "reason": backoff.reason,
                "cause": backoff.cause.as_ref().map(cause),
            })),
            "entries": entries,
        })
    }

    fn entry(&self, entry: &EntrySummary) -> Value {
        json!({
            "credentials": name(entry.credentials),
            "yours": self.own.map(|own| own == entry.credentials),
            "lease": entry.lease.map(|lease| self.lease(&lease)),
            "circuit": entry.circuit.as_ref().map(|circuit| self.clocks.block(circuit)),
            "backoff": entry.backoff.as_ref().map(|backoff| self.clocks.block(backoff)),
        })
    }

    fn lease(&self, lease: &LeaseSummary) -> Value {
        let (expiry, at) = expiry_of(lease.expiry, lease.sent_at);
        json!({
            "fingerprint": lease.fingerprint.to_string(),
            "live": lease.is_live,
            "generation": lease.generation,
            "sent_at": self.clocks.text(lease.sent_at),
            "age_s": self.clocks.since(lease.sent_at).as_secs(),
            "expiry": expiry,
            "expires_at": at.map(|at| self.clocks.text(at)),
            "remaining_s": lease.left.map(|left| left.as_secs()),
            "validated_at": lease.validated_at.map(|at| self.clocks.text(at)),
            "clocks_parted_s": self.clocks.parted(lease).map(|by| by / 1000),
        })
    }
}

/// Describes by how much the clocks have parted.
pub(crate) fn parted_text(by: i64) -> String {
    let side = if by > 0 { "ahead" } else { "back" };
    // Whole seconds.
    let by = Duration::from_secs(by.unsigned_abs() / 1000);
    format!("clocks parted: the wall clock went {} {side}", show(by))
}
