//! What the machine knows of the store: the last look at the record, the news that the record
//! lacks, and how the lease in hand compares with it.

use std::{sync::Arc, time::Duration};

use super::{
    CurrentLease, Lifecycle, Next,
    effect::{Effect, EffectKind, Outcome},
    event::Event,
};
use crate::{
    error::Error,
    expiry::{self, Standing},
    lease::{Lease, Source},
    record::{
        MOST_BLOCKS, Record, RecordState,
        change::{Gained, RecordChange},
        clock_mapping::{ClockMapping, Translate as _},
    },
    time::{Moment as _, StoreTime, Timestamp},
};

/// After a failed look, memory answers for that long before the next.
const AFTER_SILENCE: Duration = Duration::from_secs(5);
/// A save whose answer got lost is sent again after that.
const SAVE_AGAIN: Duration = Duration::from_millis(200);
/// So many conflicts in a row are met at once again: siblings write seldom.
const FREE_CONFLICTS: u32 = 5;
/// Failures in a row that make an outage; one lost answer is none.
const OUTAGE: u8 = 3;

/// The store as this process knows it.
#[derive(Debug)]
pub(super) struct View {
    /// The record as it stood, its revision, and the clocks at that look.
    stored: Option<Stored>,
    /// The entry's lease in the record, in this process's time.
    seen: Option<Lease<Timestamp>>,
    /// The record in this process's time, with our own news merged in: what all decisions are made
    /// from.
    pub(super) known: RecordState<Timestamp>,
    /// RecordChange that no answer has confirmed.
    outbox: Vec<RecordChange<Timestamp>>,
    /// The record being written, and how many of the news it holds.
    saving: Option<(Arc<Record>, usize)>,
    save_at: Timestamp,
    /// Saves in a row that met another's revision.
    conflicts: u32,
    /// When the next look is due: what it knows may be served until then.
    pub(super) next_look: Timestamp,
    failures: u8,
    away_until: Timestamp,
    away: bool,
    pub(super) unreadable: Option<Error>,
    pub(super) last_error: Option<Error>,
}

#[derive(Debug)]
struct Stored {
    record: Record,
    revision: Option<u64>,
    clock_mapping: ClockMapping,
}

impl Default for View {
    fn default() -> Self {
        Self {
            stored: None,
            seen: None,
            known: RecordState::default(),
            outbox: Vec::new(),
            saving: None,
            save_at: Timestamp::MIN,
            conflicts: 0,
            next_look: Timestamp::MIN,
            failures: 0,
            away_until: Timestamp::MIN,
            away: false,
            unreadable: None,
            last_error: None,
        }
    }
}

impl View {
    /// Whether the store is given up for now.
    pub(super) fn is_away(&self, t: Timestamp) -> bool {
        self.away && t < self.away_until
    }

    /// Whether something stands in this process that the record lacks and could be told.
    pub(super) fn has_news(&self, t: Timestamp) -> bool {
        !self.outbox.is_empty() && !self.is_away(t)
    }

    /// The store answers: the failures before were no outage.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
    }

    /// When the store is tried again, if there is something to tell it.
    pub(super) fn tell_at(&self) -> Option<Timestamp> {
        (!self.outbox.is_empty()).then(|| self.save_at.max(self.away_until))
    }

    pub(super) fn is_unsaved(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// The store's answer to the machine's own effects where there is no store.
    pub(super) fn without_store(&self, what: EffectKind, t: Timestamp) -> Outcome {
        let now = StoreTime(t.0);
        let revision = self.stored.as_ref().and_then(|stored| stored.revision);
        match what {
            EffectKind::Load => Outcome::Loaded {
                stored: self
                    .stored
                    .as_ref()
                    .map(|stored| (stored.revision.unwrap_or_default(), stored.record.clone())),
                now,
            },
            EffectKind::Save => {
                Outcome::Saved { revision: revision.unwrap_or_default().saturating_add(1), now }
            }
            EffectKind::Unlock | EffectKind::GiveBack => Outcome::Unlocked,
            _ => Outcome::Locked,
        }
    }
}

impl Lifecycle {
    /// Something happened: it counts at once here, and for siblings when it is saved.
    pub(super) fn tell(&mut self, news: RecordChange<Timestamp>, t: Timestamp) {
        self.view.known.merge(&news, t);
        self.view.outbox.push(news);
    }

    /// The next step towards a record that has our news, if there is one to take.
    pub(super) fn save(&mut self, t: Timestamp) -> Option<Next> {
        if !self.view.has_news(t) {
            return None;
        }
        if self.view.save_at > t {
            return Some(Next::Wait(self.view.save_at));
        }
        let Some(stored) = &self.view.stored else {
            return Some(Next::Do(Effect::Load, EffectKind::Load));
        };
        let mut record = stored.record.clone();
        let store_now: StoreTime = stored.clock_mapping.shorten(t);
        for news in &self.view.outbox {
            record.0.merge(&news.translate(&stored.clock_mapping), store_now);
        }
        if record == stored.record {
            self.view.outbox.clear();
            self.refresh_known(t);
            return None;
        }
        let expected = stored.revision;
        let keep = record.keep(store_now);
        let record = Arc::new(record);
        self.view.saving = Some((Arc::clone(&record), self.view.outbox.len()));
        Some(Next::Do(Effect::Save { expected, record, keep }, EffectKind::Save))
    }

    /// The record as it stands, by a look that was sent then.
    pub(super) fn absorb(
        &mut self,
        stored: Option<(u64, Record)>,
        store_now: StoreTime,
        sent: Timestamp,
        t: Timestamp,
    ) {
        let (revision, record) =
            stored.map_or_else(Default::default, |(revision, record)| (Some(revision), record));
        if std::mem::take(&mut self.view.away) {
            self.events.push(Event::StoreAvailable);
        }
        self.view.answered();
        self.view.unreadable = None;
        self.view.last_error = None;
        self.view.next_look = sent.plus(self.policy.store_check_interval);
        let clock_mapping = ClockMapping::new(sent, t, store_now);
        self.view.stored = Some(Stored { record, revision, clock_mapping });
        self.refresh_known(t);
        self.compare(t);
    }

    /// A save met another's revision. It is merged anew, and not at the network's speed if that
    /// goes on.
    pub(super) fn conflicted(&mut self, t: Timestamp) {
        self.view.conflicts = self.view.conflicts.saturating_add(1);
        if self.view.conflicts > FREE_CONFLICTS {
            self.view.save_at = t.plus(SAVE_AGAIN);
        }
    }

    /// What was written stands in the store.
    pub(super) fn saved(
        &mut self,
        revision: u64,
        store_now: StoreTime,
        sent: Timestamp,
        t: Timestamp,
    ) {
        self.view.conflicts = 0;
        if let Some((record, told)) = self.view.saving.take() {
            self.view.outbox.drain(..told.min(self.view.outbox.len()));
            self.absorb(Some((revision, Arc::unwrap_or_clone(record))), store_now, sent, t);
        }
    }

    /// A store effect failed. Three in a row are an outage, and while it lasts each one more.
    pub(super) fn store_failed(&mut self, what: EffectKind, error: Error, t: Timestamp) {
        self.view.failures = self.view.failures.saturating_add(1);
        self.view.last_error = Some(error);
        match what {
            EffectKind::Load => {
                self.view.next_look = self.view.next_look.max(t.plus(AFTER_SILENCE));
                self.view.save_at = t.plus(SAVE_AGAIN);
            }
            EffectKind::Save => self.view.save_at = t.plus(SAVE_AGAIN),
            _ => {}
        }
        if self.view.away || self.view.failures >= OUTAGE {
            self.store_away(t);
        }
    }

    /// A record stands there that can't be read: the store is away, and nothing may be issued.
    pub(super) fn store_unreadable(&mut self, error: Error, t: Timestamp) {
        self.view.next_look = t.plus(AFTER_SILENCE);
        self.view.last_error = Some(error.clone());
        if self.view.unreadable.replace(error).is_none() {
            self.events.push(Event::RecordUnreadable);
        }
        self.store_away(t);
    }

    fn store_away(&mut self, t: Timestamp) {
        self.view.failures = 0;
        self.view.away_until = t.plus(AFTER_SILENCE);
        // Memory answers meanwhile.
        self.view.next_look = self.view.next_look.max(self.view.away_until);
        if !std::mem::replace(&mut self.view.away, true) {
            self.events.push(Event::StoreUnavailable);
        }
    }

    fn refresh_known(&mut self, t: Timestamp) {
        let Some(stored) = &self.view.stored else { return };
        self.view.known = stored.record.0.translate(&stored.clock_mapping);
        self.view.seen = self.view.known.lease(self.credentials).cloned();
        for news in &self.view.outbox {
            self.view.known.merge(news, t);
        }
        // A record with room for it lacks it because it is over; a full one may have lost it.
        let holds = &mut self.view.known.entry_backoffs;
        if let Some(own) = self.own_backoff
            && holds.len() >= MOST_BLOCKS
            && holds.iter().all(|hold| hold.credentials != own.credentials)
        {
            holds.push(own);
        }
    }

    /// Holds the lease in hand against the record: obeys tombstones, shares validations, adopts what
    /// is newer, and saves back what the record lost.
    fn compare(&mut self, t: Timestamp) {
        if let Some(fingerprint) = self.held.as_ref().map(|held| held.lease.fingerprint)
            && self.view.known.tombstone(fingerprint).is_some()
        {
            self.held = None;
            self.remember_dead(fingerprint, t);
        }
        if self.view.known.circuit(self.credentials).is_some() {
            // What these credentials obtained is served no more, also after a reset.
            self.held = None;
            return;
        }
        // What this flight brought is taken when it lands, not adopted, nor what is older.
        let ours = self.flight.as_ref().and_then(|flight| flight.got.as_ref());
        let theirs = self.view.seen.as_ref().filter(|lease| {
            let known_dead = self.known_dead.iter().find(|(known, _)| *known == lease.fingerprint);
            ours.is_none_or(|got| {
                got.lease.fingerprint != lease.fingerprint && got.lease.sent_at() < lease.sent_at()
            }) && known_dead.is_none_or(|(_, at)| lease.validated_at.is_some_and(|yes| yes > *at))
                && !self.is_ended_by_ours(lease)
                && self.view.known.is_live(lease, t)
                && expiry::standing(lease, t, self.rules) != Standing::Over
        });
        let replacing = self.flight.as_ref().and_then(|flight| flight.replacing);
        match (&mut self.held, theirs) {
            (Some(mine), Some(theirs)) if mine.lease.fingerprint == theirs.fingerprint => {
                mine.lease.first.generation = theirs.generation();
                if theirs.validated_at > mine.lease.validated_at {
                    mine.lease.validated_at = theirs.validated_at;
                    if mine.doubt.is_some_and(|doubt| Some(doubt.at) <= theirs.validated_at) {
                        mine.doubt = None;
                        mine.confirmed_at = theirs.validated_at;
                    }
                }
            }
            (Some(mine), Some(theirs)) => {
                let worn = mine.doubt.is_some()
                    || expiry::standing(&mine.lease, t, self.rules) == Standing::Over;
                if theirs.sent_at() > mine.lease.sent_at()
                    || Some(mine.lease.fingerprint) == replacing
                    || worn
                {
                    self.adopt_from_store(theirs.clone(), t);
                } else {
                    self.save_back(t);
                }
            }
            (None, Some(theirs)) => self.adopt_from_store(theirs.clone(), t),
            (Some(_), None) => self.save_back(t),
            (None, None) => {}
        }
    }

    /// Whether that lease was ended by the login that brought ours.
    fn is_ended_by_ours(&self, theirs: &Lease<Timestamp>) -> bool {
        self.rules.new_token_ends_old
            && self
                .held
                .as_ref()
                .is_some_and(|mine| !mine.foreign && mine.lease.sent_at() > theirs.sent_at())
    }

    /// The record lacks the lease in hand, or holds an older one: a store that was emptied, or fell
    /// back, heals.
    fn save_back(&mut self, t: Timestamp) {
        let landing = self.flight.as_ref().is_some_and(|flight| flight.got.is_some());
        let mine = self.held.as_ref().filter(|held| !held.foreign && held.doubt.is_none());
        let Some(mine) = mine.filter(|_| !landing) else { return };
        let lease = mine.lease.clone();
        let spent = matches!(lease.expiry(), crate::lease::Expiry::ExpiredOnArrival { .. });
        let known = &self.view.known;
        let lacks = known.lease(self.credentials).is_none_or(|stands| {
            stands.fingerprint != lease.fingerprint && stands.sent_at() < lease.sent_at()
        });
        if lacks && !spent && known.is_live(&lease, t) && !known.is_forgotten(lease.fingerprint) {
            let credentials = self.credentials;
            self.tell(
                RecordChange::Leased { credentials, lease, replacing: None, how: Gained::Kept },
                t,
            );
        }
    }

    fn adopt_from_store(&mut self, lease: Lease<Timestamp>, t: Timestamp) {
        self.put_down(t);
        self.events.push(Event::Adopted(lease.fingerprint));
        self.held = Some(CurrentLease::new(lease, Source::Store, t));
    }
}
