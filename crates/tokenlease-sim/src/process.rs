//! A process of a world: one state machine for each password of its callers.

use std::collections::{BTreeMap, BTreeSet};

use tokenlease_core::{
    Now, Timestamp, WallTime,
    lifecycle::{Event, Lifecycle, Outcome, Receipt},
};

use crate::Password;

/// A process of a world.
#[derive(Debug)]
pub struct Process {
    /// The host whose clocks it reads.
    pub host: usize,
    /// How many times it was started.
    pub epoch: u32,
    /// Whether it runs.
    pub alive: bool,
    /// The configured password.
    pub password: Password,
    /// The time until which it is paused.
    pub paused_until: i64,
    /// Its state machines.
    pub entries: BTreeMap<Password, Entry>,
    /// When it reported or revoked each token itself, by password and token.
    pub reported: BTreeMap<(Password, usize), i64>,
    /// The events since its start.
    pub events: Vec<Event>,
    /// Tokens that it knows to be rejected, inactive or revoked.
    pub known_dead: BTreeSet<tokenlease_core::TokenFingerprint>,
    /// If it sends credentials before the first time, it is paused for the second one first.
    pub(crate) pending_pause: Option<(i64, i64)>,
    pub(crate) inbox: Vec<(Password, Receipt, Outcome)>,
}

/// A state machine and its waiting callers.
#[derive(Debug)]
pub struct Entry {
    /// The state machine of tokenlease.
    pub lifecycle: Lifecycle,
    pub(crate) waiters: Vec<u64>,
    pub(crate) completions: u64,
    pub(crate) wake: Option<i64>,
    /// It reported that the store is unavailable, and not yet that it is available.
    pub(crate) store_unavailable: bool,
    /// The store rejected a call, and has worked for none since.
    pub(crate) store_rejects: bool,
    /// Consecutive calls to the store that really failed.
    pub(crate) lost_calls: u8,
    /// The revision of the record that the state machine last read or wrote.
    pub(crate) known_revision: Option<u64>,
}

impl Process {
    pub(crate) fn new(host: usize, password: Password) -> Self {
        Self {
            host,
            epoch: 0,
            alive: false,
            password,
            paused_until: i64::MIN,
            entries: BTreeMap::new(),
            reported: BTreeMap::new(),
            events: Vec::new(),
            known_dead: BTreeSet::new(),
            pending_pause: None,
            inbox: Vec::new(),
        }
    }

    /// Returns whether it is started and not paused.
    pub fn runs(&self, t: i64) -> bool {
        self.alive && t >= self.paused_until
    }

    /// Returns the state machine of the configured password.
    pub fn lifecycle(&mut self) -> Option<&mut Lifecycle> {
        self.entries.get_mut(&self.password).map(|entry| &mut entry.lifecycle)
    }

    /// Returns whether this state machine last reported that the store is unavailable.
    pub(crate) fn lost_store(&self, of: &Password) -> bool {
        self.entries.get(of).is_some_and(|entry| entry.store_unavailable)
    }

    pub(crate) fn stop(&mut self) -> Vec<u64> {
        self.alive = false;
        self.inbox.clear();
        std::mem::take(&mut self.entries).into_values().flat_map(|entry| entry.waiters).collect()
    }

    pub(crate) fn note(&mut self, events: Vec<Event>) {
        for event in &events {
            if let Event::Rejected(token) | Event::Inactive(token) | Event::Revoked(token) = event {
                self.known_dead.insert(*token);
            }
        }
        self.events.extend(events);
    }
}

/// The clocks of a host, as offsets from the true time.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// The offset of the suspend-aware clock, in milliseconds.
    pub elapsed: i64,
    /// The offset of the wall clock, in milliseconds.
    pub wall: i64,
}

impl Host {
    pub(crate) fn now(&self, t: i64) -> Now {
        Now { wall: WallTime(t + self.wall), elapsed: Timestamp(t + self.elapsed) }
    }
}
