//! The store as this process knows it: the record as it was last read, the changes that are not
//! saved yet, and whether the store is available.
//!
//! A process never writes a record blindly. It merges its changes into the record as it is, and
//! replaces the record only if its revision is still the one that was read.

pub(super) mod packed;

use std::{sync::Arc, time::Duration};

use super::{
    Lifecycle, Next,
    effect::{Effect, EffectKind, Outcome},
    event::Event,
};
use crate::{
    credentials::CredentialsFingerprint,
    error::Error,
    host_clocks::HostClocks,
    lease::Lease,
    record::{
        HistoryEntry, MAX_BLOCKS, Record, RecordState,
        change::RecordChange,
        clock_mapping::{ClockMapping, Translate as _},
    },
    time::{Moment as _, StoreTime, Timestamp},
};

/// After a failed read, memory answers for this long before the next read.
const READ_AGAIN: Duration = Duration::from_secs(5);
/// Memory answers for this long after a read at least.
const MIN_FROM_MEMORY: Duration = Duration::from_millis(250);
/// A save without an answer is sent again after this time.
const SAVE_AGAIN: Duration = Duration::from_millis(200);
/// This many conflicts in a row are retried at once, because other processes write seldom.
const FREE_CONFLICTS: u32 = 5;
/// This many failures in a row are an outage.
const FAILURES_OF_OUTAGE: u8 = 3;

/// The store as this process knows it.
#[derive(Debug)]
pub(super) struct StoreView {
    /// The record as it was last read.
    stored: Option<Box<Stored>>,
    /// The record in this process's time, with the unsaved changes merged in. All decisions are made
    /// from it.
    pub(super) known: RecordState<Timestamp>,
    /// Changes that no answer has confirmed.
    unsaved: Vec<RecordChange<Timestamp>>,
    /// The record being written, and how many of the unsaved changes it contains.
    saving: Option<(Arc<Record>, usize)>,
    save_at: Timestamp,
    /// Saves in a row that met another revision.
    conflicts: u32,
    /// When the record was last read.
    read_at: Timestamp,
    /// When the record is to be read again. Until then callers may be answered from memory.
    pub(super) next_check: Timestamp,
    failures: u8,
    in_outage: bool,
    /// When the store is tried again in an outage.
    retry_at: Timestamp,
    /// The store answers and a person has to correct it: which event says so, and the cause.
    blocked: Option<(Event, Error)>,
    pub(super) last_error: Option<Error>,
}

#[derive(Debug)]
struct Stored {
    record: Record,
    revision: Option<u64>,
    clocks: ClockMapping,
    /// The clocks of this host when the record was read.
    read_by: HostClocks,
}

impl Default for StoreView {
    fn default() -> Self {
        Self {
            stored: None,
            known: RecordState::default(),
            unsaved: Vec::new(),
            saving: None,
            save_at: Timestamp::MIN,
            conflicts: 0,
            read_at: Timestamp::MIN,
            next_check: Timestamp::MIN,
            failures: 0,
            in_outage: false,
            retry_at: Timestamp::MIN,
            blocked: None,
            last_error: None,
        }
    }
}

impl StoreView {
    /// Whether the store is in an outage and not to be tried yet.
    pub(super) fn is_unavailable(&self, t: Timestamp) -> bool {
        self.in_outage && t < self.retry_at
    }

    /// Why a person has to correct the store, if it answers and does not work.
    pub(super) fn blocked(&self) -> Option<&Error> {
        self.blocked.as_ref().map(|(_, error)| error)
    }

    /// Why the store rejects calls, if it does.
    pub(super) fn rejection(&self) -> Option<&Error> {
        let is_rejection = |(event, _): &&(Event, Error)| *event == Event::StoreRejected;
        self.blocked.as_ref().filter(is_rejection).map(|(_, error)| error)
    }

    /// Whether the store has not answered since an outage began.
    pub(super) fn is_in_outage(&self) -> bool {
        self.in_outage
    }

    /// How long ago the record was read.
    pub(super) fn age(&self, t: Timestamp) -> Duration {
        t.since(self.read_at)
    }

    /// Whether there are changes that the store could be given now.
    pub(super) fn has_changes_to_save(&self, t: Timestamp) -> bool {
        self.is_unsaved() && !self.is_unavailable(t)
    }

    pub(super) fn is_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }

    /// The unsaved lease that was requested at that time.
    pub(super) fn unsaved_lease(&self, sent: Timestamp) -> Option<&Lease<Timestamp>> {
        let mut leases = self.unsaved.iter().filter_map(|change| match change {
            RecordChange::Leased { lease, .. } => Some(lease),
            _ => None,
        });
        leases.find(|lease| lease.sent_at() == sent)
    }

    /// The lease of that holder in the record as it was last read, in this process's time.
    pub(super) fn stored_lease(&self, holder: CredentialsFingerprint) -> Option<Lease<Timestamp>> {
        let Stored { record, clocks, .. } = self.stored.as_deref()?;
        record.0.lease(holder).map(|lease| lease.map(|t| clocks.lower_bound(t)))
    }

    /// When the store is tried again, if there are changes to save.
    pub(super) fn save_due(&self) -> Option<Timestamp> {
        self.is_unsaved().then(|| self.save_at.max(self.retry_at))
    }

    /// Returns the history of the record as it was last read, in this process's time.
    pub(super) fn history(&self) -> Vec<HistoryEntry<Timestamp>> {
        let Some(stored) = &self.stored else { return Vec::new() };
        let entries = stored.record.history().into_iter();
        entries.map(|entry| entry.map(|at| stored.clocks.lower_bound(*at))).collect()
    }

    /// The store answered: resets the count of failures.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
    }

    /// The answers to the state machine's own effects where there is no store.
    pub(super) fn without_store(&self, kind: EffectKind, t: Timestamp) -> Outcome {
        let now = StoreTime(t.0);
        match kind {
            EffectKind::Load => Outcome::Loaded {
                stored: self
                    .stored
                    .as_ref()
                    .map(|stored| (stored.revision.unwrap_or_default(), stored.record.clone())),
                now,
            },
            EffectKind::Save => {
                let revision = self.stored.as_ref().and_then(|stored| stored.revision);
                Outcome::Saved { revision: revision.unwrap_or_default().saturating_add(1), now }
            }
            EffectKind::Unlock | EffectKind::UnlockEarlier => Outcome::Unlocked,
            _ => Outcome::Locked,
        }
    }
}

impl Lifecycle {
    /// Something changed: it counts at once in this process, and in others when it is saved.
    pub(super) fn record_change(&mut self, change: RecordChange<Timestamp>, t: Timestamp) {
        self.store.known.merge(&change, t);
        self.store.unsaved.push(change);
    }

    /// The next step towards a record that has this process's changes, if there is one.
    pub(super) fn save(&mut self, t: Timestamp) -> Option<Next> {
        if !self.store.has_changes_to_save(t) {
            return None;
        }
        if self.store.save_at > t {
            return Some(Next::Wait(self.store.save_at));
        }
        // After an outage the record is read first: this process's clock may have stopped meanwhile, so that it
        // can't translate a time to the store's clock. A store that rejects calls is read only if it has.
        let was_away = self.store.in_outage && self.store.blocked.is_none();
        let has_stopped = |stored: &Stored| self.clocks.has_stopped_since(stored.read_by);
        let stored = self.store.stored.as_deref();
        let Some(stored) = stored.filter(|stored| !was_away && !has_stopped(stored)) else {
            return Some(Next::Do(Effect::Load, EffectKind::Load));
        };
        let mut record = stored.record.clone();
        let store_now: StoreTime = stored.clocks.lower_bound(t);
        for change in &self.store.unsaved {
            record.0.merge(&self.with_doubt(change).translate(&stored.clocks), store_now);
        }
        if record == stored.record {
            self.store.unsaved.clear();
            self.refresh_known(t);
            return None;
        }
        record.0.history.add(self.history.begin_save(&stored.clocks));
        let expected = stored.revision;
        let keep = record.keep(store_now);
        let record = Arc::new(record);
        self.store.saving = Some((Arc::clone(&record), self.store.unsaved.len()));
        Some(Next::Do(Effect::Save { expected, record, keep }, EffectKind::Save))
    }

    /// Takes the record as it was read by a request sent at `sent`.
    pub(super) fn take_record(
        &mut self,
        stored: Option<(u64, Record)>,
        store_now: StoreTime,
        sent: Timestamp,
        t: Timestamp,
    ) {
        let (revision, mut record) =
            stored.map_or_else(Default::default, |(revision, record)| (Some(revision), record));
        if std::mem::take(&mut self.store.in_outage) {
            self.events.push(Event::StoreAvailable);
        }
        self.store.answered();
        self.store.blocked = None;
        self.store.last_error = None;
        self.store.read_at = t;
        // However slow the store is, memory answers the callers that waited for this read.
        self.store.next_check =
            sent.plus(self.policy.store_check_interval).max(t.plus(MIN_FROM_MEMORY));
        let clocks = ClockMapping::new(sent, t, store_now);
        record.0.shrink_to_fit();
        let read_by = self.clocks;
        self.store.stored = Some(Box::new(Stored { record, revision, clocks, read_by }));
        self.refresh_known(t);
        self.compare_with_record(t);
    }

    /// A save met another revision. The changes are merged again; after five conflicts in a row with a
    /// pause.
    pub(super) fn save_conflicted(&mut self, t: Timestamp) {
        self.store.conflicts = self.store.conflicts.saturating_add(1);
        if self.store.conflicts > FREE_CONFLICTS {
            self.store.save_at = t.plus(SAVE_AGAIN);
        }
    }

    /// The record was written by a request sent at `sent`.
    pub(super) fn saved(
        &mut self,
        revision: u64,
        store_now: StoreTime,
        sent: Timestamp,
        t: Timestamp,
    ) {
        self.store.conflicts = 0;
        if let Some((record, saved)) = self.store.saving.take() {
            self.store.unsaved.drain(..saved.min(self.store.unsaved.len()));
            self.store.unsaved.shrink_to_fit();
            self.history.saved();
            self.take_record(Some((revision, Arc::unwrap_or_clone(record))), store_now, sent, t);
        }
    }

    /// A store effect failed. Three failures in a row start an outage; each further one extends it.
    pub(super) fn store_failed(&mut self, kind: EffectKind, error: Error, t: Timestamp) {
        let store = &mut self.store;
        store.failures = store.failures.saturating_add(1);
        store.last_error = Some(error);
        match kind {
            EffectKind::Load => {
                store.next_check = store.next_check.max(t.plus(READ_AGAIN));
                store.save_at = t.plus(SAVE_AGAIN);
            }
            EffectKind::Save => store.save_at = t.plus(SAVE_AGAIN),
            _ => {}
        }
        if store.in_outage || store.failures >= FAILURES_OF_OUTAGE {
            self.outage(t);
        }
    }

    /// The store answered, and rejected the call or has a record that can't be read, as `event` says.
    /// It is tried as in an outage, and no login is sent meanwhile.
    pub(super) fn store_blocks(&mut self, event: Event, error: Error, t: Timestamp) {
        self.store.next_check = t.plus(READ_AGAIN);
        self.store.last_error = Some(error.clone());
        let before = self.store.blocked.replace((event, error));
        if before.is_none_or(|(before, _)| before != event) {
            self.events.push(event);
        }
        self.without_store_for_now(t);
    }

    fn outage(&mut self, t: Timestamp) {
        if !self.without_store_for_now(t) {
            self.events.push(Event::StoreUnavailable);
        }
    }

    /// The store is tried again after a pause. Returns whether that was so before.
    fn without_store_for_now(&mut self, t: Timestamp) -> bool {
        let store = &mut self.store;
        store.failures = 0;
        store.retry_at = t.plus(READ_AGAIN);
        // Memory answers meanwhile.
        store.next_check = store.next_check.max(store.retry_at);
        std::mem::replace(&mut store.in_outage, true)
    }

    fn refresh_known(&mut self, t: Timestamp) {
        let own = self.own_entry_backoff();
        let unsaved: Vec<_> =
            self.store.unsaved.iter().map(|change| self.with_doubt(change)).collect();
        let store = &mut self.store;
        let Some(stored) = &store.stored else { return };
        store.known = stored.record.0.translate(&stored.clocks);
        for change in &unsaved {
            store.known.merge(change, t);
        }
        // If the record is not full, a missing backoff has ended. A full one may have dropped it.
        let known = &mut store.known.entry_backoffs;
        if let Some(own) = own
            && known.len() >= MAX_BLOCKS
            && known.iter().all(|block| !block.concerns(own.credentials, own.options))
        {
            known.push(own);
        }
    }

    /// Reads the record when the state machine is driven next, whatever is known.
    pub fn check_store(&mut self) {
        self.store_check_requested = true;
    }

    /// Whether there are changes that are not saved yet.
    pub fn is_unsaved(&self) -> bool {
        self.store.is_unsaved()
    }

    /// Returns why the store is unavailable, if it is.
    pub fn store_error(&self) -> Option<&Error> {
        self.store.last_error.as_ref()
    }
}
