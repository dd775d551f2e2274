//! The store that the processes of a world share: one record with a revision, one lock with an
//! owner and a life, and a clock of its own.

use std::time::Duration;

use tokenlease_core::{
    Error, ErrorKind, StoreTime,
    lifecycle::Outcome,
    record::{Inspection, Record},
};

use crate::{Owner, millis, planted::Bug};

/// A record and its revision, if there is one.
type Stored = Option<(u64, Vec<u8>)>;

/// Who holds a lock: an owner, and which of its tenures.
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
    stored: Stored,
    /// What it held, since when.
    history: Vec<(i64, Stored)>,
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
            stored: None,
            history: Vec::new(),
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
        let (revision, bytes) = self.stored.as_ref()?;
        Some((*revision, Record::decode(bytes).expect("what was encoded decodes")))
    }

    /// The record as it stands.
    pub fn record(&self) -> Record {
        self.read().map(|(_, record)| record).unwrap_or_default()
    }

    /// What the record holds.
    pub fn inspect(&self) -> Inspection {
        self.record().inspect()
    }

    /// All is lost, the lock too.
    pub fn flush(&mut self) {
        self.stored = None;
        self.lock = None;
    }

    /// It holds what it held then, and no lock.
    pub fn roll_back(&mut self, to: i64) {
        let then = self.history.iter().rfind(|(t, _)| *t <= to);
        self.stored = then.and_then(|(_, stored)| stored.clone());
        self.lock = None;
    }

    /// It loses its lock.
    pub fn lose_lock(&mut self) {
        self.lock = None;
    }

    /// When it was written last.
    pub fn last_save(&self) -> Option<i64> {
        self.history.last().map(|(t, _)| *t)
    }

    /// Who holds the lock.
    pub fn owner(&self, t: i64) -> Option<&Owner> {
        self.holder(t).map(|(by, _)| by)
    }

    /// Whether that owner holds the lock.
    pub fn is_owner(&self, t: i64, owner: &Owner, tenure: u64) -> bool {
        self.holder(t).is_some_and(|(by, which)| by == owner && *which == tenure)
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
        if self.stored.as_ref().map(|(revision, _)| *revision) != expected
            && self.broken != Some(Bug::NoCompare)
        {
            return Outcome::Conflict { stored: self.read(), now };
        }
        self.saves += 1;
        // By the clock too, as the engines do: none comes twice, even where the store fell back.
        let revision = (expected.unwrap_or_default() + 1).max(t.unsigned_abs());
        self.stored = Some((revision, record.encode().to_vec()));
        if self.history.len() == 200 {
            self.history.remove(0);
        }
        self.history.push((t, self.stored.clone()));
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
        self.lock = Some((holder.clone(), now + millis(life) / short));
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
