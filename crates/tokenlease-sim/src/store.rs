//! The store that the processes of a world share: one record with a revision, one lock with an
//! owner and a life, and a clock of its own.

use std::{collections::VecDeque, rc::Rc, time::Duration};

use tokenlease_core::{
    Error, ErrorKind, StoreTime,
    lifecycle::Outcome,
    record::{Inspection, Record},
};

use crate::{Owner, millis, planted::Bug};

/// What it holds at a moment: nothing, or a record and its revision.
#[derive(Debug, Default)]
struct Kept {
    revision: Option<u64>,
    record: Record,
    inspection: Rc<Inspection>,
}

/// Who holds a lock: an owner, and which of its lock_epochs.
type Holder = (Owner, u64);

/// A store of one identity.
#[derive(Debug)]
pub struct Store {
    /// Its clock is that far off the true time.
    pub offset: i64,
    /// A key of another store, a newer version: the record is there and can't be read.
    pub unreadable: bool,
    /// A bug that it has.
    pub broken: Option<Bug>,
    /// Calls it answered.
    pub calls: u64,
    /// Calls that wrote a record.
    pub saves: u64,
    kept: Rc<Kept>,
    /// What it held, since when.
    history: VecDeque<(i64, Rc<Kept>)>,
    lock: Option<(Holder, i64)>,
}

impl Store {
    /// An empty one.
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

    /// What the record holds.
    pub fn inspect(&self) -> Rc<Inspection> {
        Rc::clone(&self.kept.inspection)
    }

    /// All is lost, the lock too.
    pub fn flush(&mut self) {
        self.kept = Rc::default();
        self.lock = None;
    }

    /// It holds what it held then, and no lock.
    pub fn roll_back(&mut self, to: i64) {
        let then = self.history.iter().rfind(|(t, _)| *t <= to);
        self.kept = then.map(|(_, kept)| Rc::clone(kept)).unwrap_or_default();
        self.lock = None;
    }

    /// It loses its lock.
    pub fn lose_lock(&mut self) {
        self.lock = None;
    }

    /// When it was written last.
    pub fn last_save(&self) -> Option<i64> {
        self.history.back().map(|(t, _)| *t)
    }

    /// Who holds the lock.
    pub fn owner(&self, t: i64) -> Option<&Owner> {
        self.holder(t).map(|(by, _)| by)
    }

    /// Whether that owner holds the lock.
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
            return Outcome::Unreadable(Error::new(ErrorKind::Store, "it does not authenticate"));
        }
        Outcome::Loaded { stored: self.read(), now: StoreTime(self.clock(t)) }
    }

    /// Puts the record in the place of the one with that revision.
    pub fn save(&mut self, t: i64, expected: Option<u64>, record: &Record) -> Outcome {
        self.calls += 1;
        if self.unreadable {
            return Outcome::Unreadable(Error::new(ErrorKind::Store, "it does not authenticate"));
        }
        let now = StoreTime(self.clock(t));
        if self.kept.revision != expected && self.broken != Some(Bug::NoCompare) {
            return Outcome::Conflict { stored: self.read(), now };
        }
        self.saves += 1;
        // By the clock too, as the engines do: none comes twice, even where the store fell back.
        let revision = (expected.unwrap_or_default() + 1).max(t.unsigned_abs());
        let record = Record::decode(&record.encode()).expect("what was encoded decodes");
        let inspection = Rc::new(record.inspect());
        self.kept = Rc::new(Kept { revision: Some(revision), record, inspection });
        if self.history.len() == 200 {
            self.history.pop_front();
        }
        self.history.push_back((t, Rc::clone(&self.kept)));
        Outcome::Saved { revision, now }
    }

    /// Grants the lock to who has it already, or to anyone if nobody has it.
    pub fn lock(&mut self, t: i64, holder: &Holder, life: Duration) -> Outcome {
        self.calls += 1;
        let now = self.clock(t);
        if self.lock.as_ref().is_some_and(|(by, until)| by != holder && *until > now) {
            return Outcome::Busy;
        }
        let short = if self.broken == Some(Bug::ShortLock) { 10 } else { 1 };
        self.lock = Some((*holder, now + millis(life) / short));
        Outcome::Locked
    }

    /// Lengthens the lock of who has it.
    pub fn renew(&mut self, t: i64, holder: &Holder, life: Duration) -> Outcome {
        let owned = self.is_owner(t, &holder.0, holder.1);
        if owned { self.lock(t, holder, life) } else { Outcome::Busy }
    }

    /// Takes the lock back from who has it.
    pub fn unlock(&mut self, holder: &Holder) -> Outcome {
        self.calls += 1;
        self.lock.take_if(|(by, _)| by == holder);
        Outcome::Unlocked
    }
}
