//! The status of one identity, in the wall clock's time.

use std::time::Duration;

use serde_json::{Value, json};
use tokenlease::{
    core::record::{EntrySummary, OwnEntries, Summary},
    status::{StoreClock, entry_json, server_backoff_json},
};

use tokenlease_config::duration::show;

use super::DIGITS;

/// The status of one identity.
pub(super) struct IdentityStatus {
    pub(super) identity: String,
    /// The record's name in the store.
    pub(super) record: String,
    pub(super) store: String,
    /// The entries of this command's credentials, if they could be read without a prompt, or of its
    /// subject.
    pub(super) own: Option<OwnEntries>,
    pub(super) summary: Summary,
    pub(super) clock: StoreClock,
}

impl IdentityStatus {
    /// Returns the entry of this command's credentials, or all entries if those are unknown.
    pub(super) fn own_entries(&self) -> impl Iterator<Item = &EntrySummary> {
        self.summary
            .entries
            .iter()
            .filter(|entry| self.own.is_none_or(|own| own.contains(entry.credentials)))
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
            "backoff": backoff.map(|backoff| server_backoff_json(backoff, self.clock)),
            "entries": entries,
        })
    }

    fn entry(&self, entry: &EntrySummary) -> Value {
        let mut object = entry_json(entry, self.clock);
        if let Value::Object(fields) = &mut object {
            fields
                .insert("yours".into(), self.own.map(|own| own.contains(entry.credentials)).into());
        }
        object
    }
}

/// Describes by how much the clocks have parted.
pub(crate) fn parted_text(by: i64) -> String {
    let side = if by > 0 { "ahead" } else { "back" };
    // Whole seconds.
    let by = Duration::from_secs(by.unsigned_abs() / 1000);
    format!("clocks parted: the wall clock went {} {side}", show(by))
}
