//! The store that the processes of a world share: one record with a revision, one lock with an
//! owner and a TTL, and its own clock.

use std::{collections::VecDeque, rc::Rc, time::Duration};

use tokenlease_core::{
    Error, ErrorKind, StoreTime,
    lifecycle::Outcome,
    record::{HistoryEntry, Inspection, Record},
};

use crate::{Owner, bugs::Bug, millis};

/// The content at one time: nothing, or a record and its revision.
#[derive(Debug, Default)]
struct Kept {
    revision: Option<u64>,
    record: Record,
    inspection: Rc<Inspection>,
}

/// The holder of a lock: an owner and its lock epoch.
type Holder = (Owner, u64);

/// A store of one identity.
#[derive(Debug)]
pub struct Store {
    /// The error of its clock, in milliseconds.
    pub offset: i64,
    /// Whether the record can't be decrypted, as with another key or a newer format.
    pub unreadable: bool,
    /// The injected bug, if any.
    pub broken: Option<Bug>,
    /// The number of calls that it answered.
    pub calls: u64,
    /// The number of calls that wrote a record.
    pub saves: u64,
    kept: Rc<Kept>,
    /// Earlier contents, with the time of each write.
    history: VecDeque<(i64, Rc<Kept>)>,
    lock: Option<(Holder, i64)>,
}

impl Store {
    /// Returns an empty store whose clock has this error.
    pub fn new(offset: i64) -> Self {
        Self {
            offset,
            unreadable: false,
            broken: None,
            calls: 0,
            saves: 0,
            kept: Rc::default(),
            history: VecDeque::new(),
            lock: None,
        }
    }

    pub(crate) fn with_bug(self, broken: Option<Bug>) -> Self {
        Self { broken, ..self }
    }

    fn clock(&self, t: i64) -> i64 {
        t + self.offset
    }

    fn read(&self) -> Option<(u64, Record)> {
        self.kept.revision.map(|revision| (revision, self.kept.record.clone()))
    }

    /// Returns the content of the record, without token texts.
    pub fn inspect(&self) -> Rc<Inspection> {
        Rc::clone(&self.kept.inspection)
    }

    /// Returns the content of the record at a revision, or now if that is long ago.
    pub(crate) fn inspect_at(&self, revision: Option<u64>) -> Rc<Inspection> {
        if revision.is_none() {
            return Rc::default();
        }
        let mut kept = self.history.iter().rev().map(|(_, kept)| kept);
        let kept = kept.find(|kept| kept.revision == revision).unwrap_or(&self.kept);
        Rc::clone(&kept.inspection)
    }

    /// Returns the history of the record.
    pub fn stated_history(&self) -> Vec<HistoryEntry<StoreTime>> {
        self.kept.record.history()
    }

    /// Removes the record and the lock.
    pub fn flush(&mut self) {
        self.kept = Rc::default();
        self.lock = None;
    }

    /// Restores the content of a time, without a lock.
    pub fn roll_back(&mut self, to: i64) {
        let then = self.history.iter().rfind(|(t, _)| *t <= to);
        self.kept = then.map(|(_, kept)| Rc::clone(kept)).unwrap_or_default();
        self.lock = None;
    }

    /// Removes the lock.
    pub fn lose_lock(&mut self) {
        self.lock = None;
    }

    /// Returns the time of the last write.
    pub fn last_save(&self) -> Option<i64> {
        self.history.back().map(|(t, _)| *t)
    }

    /// Returns the owner of the lock.
    pub fn owner(&self, t: i64) -> Option<&Owner> {
        self.holder(t).map(|(by, _)| by)
    }

    /// Returns whether this owner holds the lock in this lock epoch.
    pub fn is_owner(&self, t: i64, owner: &Owner, lock_epoch: u64) -> bool {
        self.holder(t).is_some_and(|(by, which)| by == owner && *which == lock_epoch)
    }

    fn holder(&self, t: i64) -> Option<&(Owner, u64)> {
        self.lock.as_ref().filter(|(_, until)| *until > self.clock(t)).map(|(holder, _)| holder)
    }

    /// Reads the record.
    pub fn load(&mut self, t: i64) -> Outcome {
        self.calls += 1;
        if self.unreadable {
            return Outcome::Unreadable(Error::new(
                ErrorKind::Store,
                "the record can't be decrypted",
            ));
        }
        Outcome::Loaded { stored: self.read(), now: StoreTime(self.clock(t)) }
    }

    /// Replaces the record, if it still has this revision.
    pub fn save(&mut self, t: i64, expected: Option<u64>, record: &Record) -> Outcome {
        self.calls += 1;
        if self.unreadable {
            return Outcome::Unreadable(Error::new(
                ErrorKind::Store,
                "the record can't be decrypted",
            ));
        }
        let now = StoreTime(self.clock(t));
        if self.kept.revision != expected && self.broken != Some(Bug::NoCompare) {
            return Outcome::Conflict { stored: self.read(), now };
        }
        self.saves += 1;
        // The clock is part of the revision, as in the real stores: no revision repeats after a rollback.
        let revision = (expected.unwrap_or_default() + 1).max(t.unsigned_abs());
        let record = Record::decode(&record.encode()).expect("an encoded record decodes");
        let inspection = Rc::new(record.inspect());
        self.kept = Rc::new(Kept { revision: Some(revision), record, inspection });
        if self.history.len() == 200 {
            self.history.pop_front();
        }
        self.history.push_back((t, Rc::clone(&self.kept)));
        Outcome::Saved { revision, now }
    }

    /// Grants the lock to its current holder, or to any caller if it is free.
    pub fn lock(&mut self, t: i64, holder: &Holder, lifetime: Duration) -> Outcome {
        self.calls += 1;
        let now = self.clock(t);
        if self.lock.as_ref().is_some_and(|(by, until)| by != holder && *until > now) {
            return Outcome::Busy;
        }
        let short = if self.broken == Some(Bug::ShortLock) { 10 } else { 1 };
        self.lock = Some((*holder, now + millis(lifetime) / short));
        Outcome::Locked
    }

    /// Extends the lock of its holder.
    pub fn renew(&mut self, t: i64, holder: &Holder, lifetime: Duration) -> Outcome {
        let owned = self.is_owner(t, &holder.0, holder.1);
        if owned { self.lock(t, holder, lifetime) } else { Outcome::Busy }
    }

    /// Releases the lock of its holder.
    pub fn unlock(&mut self, holder: &Holder) -> Outcome {
        self.calls += 1;
        self.lock.take_if(|(by, _)| by == holder);
        Outcome::Unlocked
    }
}
