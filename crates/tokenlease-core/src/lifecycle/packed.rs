//! A packed state machine: an idle one, in few bytes.
//!
//! A state machine takes 3 KB with its record, and a program may hold a hundred thousand that wait for the next
//! call of their users. A packed one takes 200 to 400 bytes. It can be packed only if nothing is under way and
//! no failure counts any more, so that it goes on exactly as if it had not been packed.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Capabilities, CurrentLease, EndedTokens, Lifecycle, Policy, store_view::packed::PackedView,
};
use crate::{
    credentials::CredentialsFingerprint,
    host_clocks::{HostClocks, LeaseClocks},
    key::Key,
    lease::{FirstSeen, Lease, Source},
    provider::Server,
    time::Timestamp,
    token::{Token, TokenFingerprint},
};

/// An idle state machine in few bytes. [`unpack`](Self::unpack) returns the state machine as it was.
pub struct Packed {
    credentials: CredentialsFingerprint,
    seed: u64,
    /// The current token. Its text is not in `state`.
    token: Option<Token>,
    /// [`State`] in the `postcard` format. The record may have tokens of other credentials.
    state: Zeroizing<Box<[u8]>>,
}

/// The facts that an idle state machine has, except for its options.
#[derive(Serialize, Deserialize)]
struct State {
    can: Capabilities,
    clocks: HostClocks,
    /// How many random numbers were drawn.
    draws: u64,
    store: PackedView,
    current: Option<PackedLease>,
    ended: EndedTokens,
    history_entries: u32,
    lock_epoch: u64,
    last_receipt: u64,
    validation_has_worked: bool,
}

/// The current lease without its token, from which its fingerprint is made again.
#[derive(Serialize, Deserialize)]
struct PackedLease {
    first: FirstSeen<Timestamp>,
    validated_at: Option<Timestamp>,
    clocks: Option<LeaseClocks>,
    source: Source,
    since: Timestamp,
    confirmed_at: Option<Timestamp>,
    asked_again: Option<Timestamp>,
    is_private: bool,
    unasked_until: Option<Timestamp>,
}

impl Lifecycle {
    /// Packs the state machine. `None` if something is under way, or a failure still counts. The count of
    /// completions starts again at zero.
    pub fn pack(&self, t: Timestamp) -> Option<Packed> {
        if !self.may_be_packed(t) {
            return None;
        }
        let current = self.current.as_ref();
        let state = State {
            can: self.can,
            clocks: self.clocks,
            draws: self.random.wrapping_sub(self.rules.seed),
            store: self.store.pack(current.map(|current| current.lease.fingerprint))?,
            current: current.map(PackedLease::of),
            ended: self.ended.clone(),
            history_entries: self.history.entries(),
            lock_epoch: self.lock.epoch,
            last_receipt: self.next_id,
            validation_has_worked: self.validation_has_worked,
        };
        // Full capacity from the start, so that a growing vector leaves no copy behind.
        let size = postcard::experimental::serialized_size(&state).ok()?;
        let bytes = postcard::to_extend(&state, Vec::with_capacity(size)).ok()?;
        Some(Packed {
            credentials: self.credentials,
            seed: self.rules.seed,
            token: current.map(|current| current.lease.token.clone()),
            state: Zeroizing::new(bytes.into()),
        })
    }

    fn may_be_packed(&self, t: Timestamp) -> bool {
        let is_suspected = self.current.as_ref().is_some_and(|current| current.suspicion.is_some());
        !self.has_work()
            && !is_suspected
            && self.refetch_requested.is_none()
            && self.lock.unreleased.is_none()
            && self.events.is_empty()
            && self.backoffs.have_passed(t)
            && self.history.is_saved()
            && !self.reports.has_report()
    }

    fn restore(&mut self, state: State, token: Option<Token>) {
        let State { can, clocks, draws, store, current, .. } = state;
        self.can = can;
        self.clocks = clocks;
        self.sent_clocks = clocks;
        self.rules.clocks = can.validate.then_some(clocks);
        self.random = self.rules.seed.wrapping_add(draws);
        self.unpack_store(store, token.as_ref());
        self.current = current.zip(token).map(|(current, token)| current.with(token, &self.key));
        self.ended = state.ended;
        self.history.go_on_from(state.history_entries);
        self.lock.epoch = state.lock_epoch;
        self.next_id = state.last_receipt;
        self.validation_has_worked = state.validation_has_worked;
    }
}

impl PackedLease {
    fn of(current: &CurrentLease) -> Self {
        let CurrentLease { lease, source, since, .. } = current;
        Self {
            first: lease.first,
            validated_at: lease.validated_at,
            clocks: lease.clocks,
            source: *source,
            since: *since,
            confirmed_at: current.confirmed_at,
            asked_again: current.asked_again,
            is_private: current.is_private,
            unasked_until: current.unasked_until,
        }
    }

    fn with(self, token: Token, key: &Key) -> CurrentLease {
        let Self { first, validated_at, clocks, .. } = self;
        let fingerprint = TokenFingerprint::of(key, &token);
        CurrentLease {
            lease: Lease { token, fingerprint, first, validated_at, clocks },
            source: self.source,
            since: self.since,
            suspicion: None,
            confirmed_at: self.confirmed_at,
            asked_again: self.asked_again,
            is_private: self.is_private,
            unasked_until: self.unasked_until,
        }
    }
}

impl Packed {
    /// Returns the state machine as it was, of the same server, key and policy.
    pub fn unpack(&self, server: &Server, key: Key, policy: impl Into<Arc<Policy>>) -> Lifecycle {
        let mut machine = Lifecycle::new(server, self.credentials, key, policy, self.seed);
        // These bytes never left the process, so that they are always read.
        if let Ok(state) = postcard::from_bytes(&self.state) {
            machine.restore(state, self.token.clone());
        }
        machine
    }

    /// Returns the fingerprint of the credentials that the state machine sends.
    pub fn credentials_fingerprint(&self) -> CredentialsFingerprint {
        self.credentials
    }
}

#[cfg(test)]
impl Packed {
    pub(super) fn size(&self) -> usize {
        size_of::<Self>() + self.state.len()
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packed({} bytes)", self.state.len())
    }
}
