//! Clocks that have parted: a doubt about the current lease, and how it is settled.
//!
//! The server is asked once, by one process under the lock. No answer changes nothing: the token is served
//! on, and the server is asked again later. Where the server can't be asked, an event says it.

use std::time::Duration;

use super::{CurrentLease, Lifecycle, event::Event};
use crate::{
    expiry::{self, Freshness, Rules},
    host_clocks::{HostClocks, MAX_PARTED, Parted},
    lease::Lease,
    record::{BackoffReason, change::RecordChange},
    time::{Moment as _, Now, Timestamp},
};

impl Lifecycle {
    /// Reads the clocks. Each call of the machine that may serve or judge a lease begins so.
    pub(super) fn read_clocks(&mut self, now: Now) {
        self.clocks = HostClocks::new(self.clocks.boot, now);
        self.rules.clocks = self.can.validate.then_some(self.clocks);
        if self.can.validate {
            return;
        }
        let Some(current) = &mut self.current else { return };
        if current.lease.parted(self.clocks).is_some_and(Parted::is_suspect) {
            current.lease.confirm_clocks(self.clocks);
            self.events.push(Event::ClocksParted(current.lease.fingerprint));
        }
    }

    /// Reports the doubt that a flight is about to settle.
    pub(super) fn report_parted_clocks(&mut self) {
        let Some(current) = &self.current else { return };
        self.events.push(Event::ClocksParted(current.lease.fingerprint));
    }

    /// The record was read. If the wall clock and the store's clock agree that the monotonic clock stopped
    /// since the current token was issued, its times are those in the record.
    pub(super) fn take_times_of_record(&mut self) {
        let Some(current) = &mut self.current else { return };
        let lease = &mut current.lease;
        let Some(stopped) = lease.parted(self.clocks).and_then(Parted::may_end_earlier_by) else {
            return;
        };
        let history = self.store.known.history(lease.fingerprint);
        let Some(first) = history.and_then(|history| history.first) else { return };
        let earlier = lease.sent_at().since(first.sent_at);
        let mut stored = self.store.known.leases.iter().map(|entry| &entry.lease);
        let stored = stored.find(|stored| stored.fingerprint == lease.fingerprint);
        let known = stored.and_then(|stored| stored.clocks);
        let is_same_boot = known.is_some_and(|known| known.boot == self.clocks.boot);
        if earlier <= MAX_PARTED {
            // Both are the same sighting.
        } else if is_same_boot || earlier > stopped.saturating_add(MAX_PARTED) {
            // An earlier sighting of the token.
            lease.take_first(first, known);
        } else {
            lease.first = first;
        }
    }

    /// The freshness of the current lease, or of one that a flight got.
    pub(super) fn freshness(&self, current: &CurrentLease, t: Timestamp) -> Freshness {
        expiry::freshness(&current.lease, t, self.rules_of(current, t))
    }

    /// The freshness of the current lease by the monotonic clock alone. It decides when a token is replaced:
    /// clocks that have parted cause a validation, and never a login.
    pub(super) fn freshness_by_elapsed(&self, current: &CurrentLease, t: Timestamp) -> Freshness {
        expiry::freshness(&current.lease, t, Rules { clocks: None, ..self.rules })
    }

    /// The rules for a lease, by clocks that are read now.
    pub(super) fn rules_for(&self, current: &CurrentLease, now: Now) -> Rules {
        let clocks = HostClocks::new(self.clocks.boot, now);
        let clocks = self.rules.clocks.map(|_| clocks);
        let rules = self.rules_of(current, now.elapsed);
        Rules { clocks: rules.clocks.and(clocks), ..rules }
    }

    fn rules_of(&self, current: &CurrentLease, t: Timestamp) -> Rules {
        let is_unasked = current.unasked_until.is_some_and(|until| t < until);
        let server = self.store.known.server_backoff;
        let is_throttled = server
            .is_some_and(|server| server.reason == BackoffReason::Throttled && server.until > t);
        let clocks = self.rules.clocks.filter(|_| !is_unasked && !is_throttled);
        Rules { clocks, ..self.rules }
    }

    /// Whether only the clocks are a reason to ask the server about the current lease.
    pub(super) fn doubts_clocks(&self, t: Timestamp) -> bool {
        self.current.as_ref().is_some_and(|current| self.doubts_clocks_of(current, t))
    }

    pub(super) fn doubts_clocks_of(&self, current: &CurrentLease, t: Timestamp) -> bool {
        let by_elapsed = self.freshness_by_elapsed(current, t);
        current.suspicion.is_none()
            && !matches!(by_elapsed, Freshness::Validate { .. } | Freshness::Expired)
            && matches!(self.freshness(current, t), Freshness::Validate { .. })
    }

    /// How long the monotonic clock may have stopped since the token was issued.
    pub(super) fn stopped_for(&self, lease: &Lease<Timestamp>) -> Duration {
        lease.parted(self.clocks).and_then(Parted::may_end_earlier_by).unwrap_or_default()
    }

    /// When the current lease was requested, or the earliest such moment if the clocks leave a doubt: in an
    /// outage a host that was frozen can't see that another one logged in meanwhile. It keeps its token, but to
    /// save it over the newer one would lose the token that the others use.
    pub(super) fn requested_at(&self, lease: &Lease<Timestamp>) -> Timestamp {
        lease.sent_at().minus(self.stopped_for(lease))
    }

    /// A lease from the record. If a host with other clocks confirmed it, this host's clocks count from
    /// now on.
    pub(super) fn by_own_clocks(&self, mut lease: Lease<Timestamp>) -> Lease<Timestamp> {
        if lease.clocks.is_none_or(|clocks| clocks.boot != self.clocks.boot) {
            lease.set_clocks(self.clocks);
        }
        lease
    }

    /// A change that is about to be saved: other hosts learn of the doubt about its lease, and when its request
    /// was sent at the earliest.
    pub(super) fn with_doubt(&self, change: &RecordChange<Timestamp>) -> RecordChange<Timestamp> {
        let mut change = change.clone();
        match &mut change {
            RecordChange::Leased { lease, .. } => lease.pass_on_doubt(self.clocks),
            // The host may have been frozen since.
            RecordChange::Validated { sent, then, .. }
            | RecordChange::Lifted { sent, then, .. }
                if self.policy.store && then.boot == self.clocks.boot =>
            {
                let stopped = self.clocks.stopped_since(*sent, then.wall);
                *sent = sent.minus(stopped.unwrap_or_default());
            }
            // A rejection of another host may be later. Without a shared store there is no other host.
            RecordChange::Accepted { sent, .. } if self.policy.store => {
                if let Some(lease) = self.store.unsaved_lease(*sent) {
                    *sent = self.requested_at(lease);
                }
            }
            _ => {}
        }
        change
    }

    /// The server returned the token in answer to the request whose outcome is handled. If it is a token
    /// that is known here, so is what the clocks showed when it was issued.
    pub(super) fn keep_clocks(&self, lease: &mut Lease<Timestamp>) {
        lease.set_clocks(self.sent_clocks);
        let current = self.current.as_ref().map(|current| &current.lease);
        let stored = self.store.known.leases.iter().map(|entry| &entry.lease);
        let known = current.into_iter().chain(stored);
        let mut known = known.filter(|known| {
            let [early, late] =
                [known.sent_at().minus(MAX_PARTED), known.sent_at().plus(MAX_PARTED)];
            known.fingerprint == lease.fingerprint && (early..=late).contains(&lease.sent_at())
        });
        let issued = known.find_map(|known| {
            let clocks = known.clocks.filter(|it| it.boot == self.clocks.boot)?;
            // The server may have stated the end again since, so that the token counts as requested later.
            let later = lease.sent_at().since(known.sent_at());
            let earlier = known.sent_at().since(lease.sent_at());
            Some(clocks.issued.plus(later).minus(earlier))
        });
        if let (Some(clocks), Some(issued)) = (&mut lease.clocks, issued) {
            clocks.issued = issued;
        }
    }
}
