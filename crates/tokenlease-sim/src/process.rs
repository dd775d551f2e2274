//! A process: one machine for each password that it was asked with.

use std::collections::{BTreeMap, BTreeSet};

use tokenlease_core::{
    Now, Timestamp, WallTime,
    lifecycle::{Event, Lifecycle, Outcome, Receipt},
};

use crate::Password;

/// A process of a world.
#[derive(Debug)]
pub struct Process {
    /// Whose clocks it reads.
    pub host: usize,
    /// How often it was started.
    pub epoch: u32,
    /// Whether it runs.
    pub alive: bool,
    /// The password that it is configured with.
    pub password: Password,
    /// It stands still until then.
    pub frozen: i64,
    /// Its machines.
    pub entries: BTreeMap<Password, Entry>,
    /// Which tokens it rejected or revoked itself, for whom, and when.
    pub told: BTreeMap<(Password, usize), i64>,
    /// What it said by events, since it started.
    pub events: Vec<Event>,
    /// Tokens that it buried.
    pub buried: BTreeSet<tokenlease_core::TokenFingerprint>,
    /// If it sends credentials until then, it stands still for that long before.
    pub(crate) stall: Option<(i64, i64)>,
    pub(crate) inbox: Vec<(Password, Receipt, Outcome)>,
}

/// A machine and who waits for it.
#[derive(Debug)]
pub struct Entry {
    /// The real machine.
    pub machine: Lifecycle,
    pub(crate) waiters: Vec<u64>,
    pub(crate) completions: u64,
    pub(crate) wake: Option<i64>,
    /// It said that the store is away, and not yet that it is back.
    pub(crate) away: bool,
    /// Calls to the store in a row that failed in truth.
    pub(crate) lost_calls: u8,
}

impl Process {
    pub(crate) fn new(host: usize, password: Password) -> Self {
        Self {
            host,
            epoch: 0,
            alive: false,
            password,
            frozen: i64::MIN,
            entries: BTreeMap::new(),
            told: BTreeMap::new(),
            events: Vec::new(),
            buried: BTreeSet::new(),
            stall: None,
            inbox: Vec::new(),
        }
    }

    /// Whether it can do anything.
    pub fn runs(&self, t: i64) -> bool {
        self.alive && t >= self.frozen
    }

    /// The machine of its own password.
    pub fn machine(&mut self) -> Option<&mut Lifecycle> {
        self.entries.get_mut(&self.password).map(|entry| &mut entry.machine)
    }

    /// Whether that machine of it said last that the store is away.
    pub(crate) fn has_lost_the_store(&self, of: &Password) -> bool {
        self.entries.get(of).is_some_and(|entry| entry.away)
    }

    pub(crate) fn stop(&mut self) -> Vec<u64> {
        self.alive = false;
        self.inbox.clear();
        std::mem::take(&mut self.entries).into_values().flat_map(|entry| entry.waiters).collect()
    }

    pub(crate) fn note(&mut self, events: Vec<Event>) {
        for event in &events {
            if let Event::Rejected(token) | Event::Inactive(token) | Event::Revoked(token) = event {
                self.buried.insert(*token);
            }
        }
        self.events.extend(events);
    }
}

/// The clocks of a host, as offsets from the true time.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Of the clock that runs through suspend.
    pub elapsed: i64,
    /// Of the wall clock.
    pub wall: i64,
}

impl Host {
    pub(crate) fn now(&self, t: i64) -> Now {
        Now { wall: WallTime(t + self.wall), elapsed: Timestamp(t + self.elapsed) }
    }
}
