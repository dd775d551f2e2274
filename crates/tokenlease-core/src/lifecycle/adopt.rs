//! Adoption: how the current lease follows the record, and tokens that a caller brings.

use super::{CurrentLease, Lifecycle, event::Event};
use crate::{
    error::{Error, ErrorKind, Result},
    expiry::Freshness,
    host_clocks::HostClocks,
    lease::{Expiry, FirstSeen, Lease, Source},
    record::change::{Origin, RecordChange},
    time::{Now, Timestamp},
    token::{Token, TokenFingerprint},
};

impl Lifecycle {
    /// Takes a token that was obtained elsewhere; `end` is when it expires, if that is known. The
    /// token serves this entry. Other processes get it only if these credentials were accepted
    /// before.
    ///
    /// # Errors
    /// `TokenRejected` if the token is known to be inactive, `Config` if `end` has passed.
    pub fn adopt(&mut self, token: Token, end: Option<Timestamp>, now: Now) -> Result<()> {
        let t = now.elapsed;
        let fingerprint = TokenFingerprint::of(&self.key, &token);
        if let Some(cause) = self.cause_of_end(fingerprint) {
            return Err(Error::new(
                ErrorKind::TokenRejected,
                format!("the token {fingerprint} is known to be inactive ({cause:?})"),
            )
            .advice("adopt another one, or ask for one"));
        }
        if end.is_some_and(|end| end <= t) {
            return Err(Error::new(ErrorKind::Config, "the adopted token has expired")
                .expected("an expiry in the future"));
        }
        let expiry = match end {
            Some(end) => Expiry::Stated { end },
            None if self.can.state_expiry => Expiry::Unstated,
            None => Expiry::Unknown,
        };
        let known = &self.store.known;
        let generation = known.generation.saturating_add(1);
        let first = known.history(fingerprint).and_then(|history| history.first);
        let first = first.unwrap_or(FirstSeen { generation, sent_at: t, expiry });
        let mut lease = Lease { token, fingerprint, first, validated_at: None, clocks: None };
        lease.set_clocks(HostClocks::new(self.clocks.boot, now));
        let (credentials, options) = (self.holder, self.options);
        let is_private = !known.was_accepted(credentials);
        if !is_private {
            let replacing = known.lease(credentials).map(|lease| lease.fingerprint);
            let (lease, origin) = (lease.clone(), Origin::Returned);
            let leased = RecordChange::Leased { credentials, options, lease, replacing, origin };
            self.record_change(leased, t);
        }
        // A rejection that was reported of this token is still open.
        let suspicion = self.suspicion_of(fingerprint);
        let current = CurrentLease::new(lease, Source::Adopted, t);
        self.current = Some(CurrentLease { suspicion, is_private, ..current });
        Ok(())
    }

    /// Compares the current lease with the record that was just read: obeys tombstones, shares
    /// validations, adopts a newer lease, and saves what the record lost.
    pub(super) fn compare_with_record(&mut self, t: Timestamp) {
        if let Some(fingerprint) = self.current.as_ref().map(|current| current.lease.fingerprint)
            && let Some(tombstone) = self.store.known.tombstone(fingerprint)
        {
            let cause = tombstone.cause;
            self.current = None;
            self.remember_ended(fingerprint, Some(cause), t);
        }
        self.close_earlier_circuit(t);
        if self.circuit_stops_serving() {
            // A lease of these credentials is served no more, also after `unblock`.
            self.current = None;
            return;
        }
        self.take_times_of_record();
        let stored = self.store.stored_lease(self.holder);
        let stored = stored.filter(|lease| self.may_adopt(lease, t));
        let replacing = self.flight.as_ref().and_then(|flight| flight.replacing);
        let clocks = self.clocks;
        let freshness = self.current.as_ref();
        let freshness = freshness.map(|current| self.freshness_by_elapsed(current, t));
        match (&mut self.current, stored) {
            (Some(current), Some(stored)) if current.lease.fingerprint == stored.fingerprint => {
                // The server may have stated its end to another process again.
                let first = FirstSeen {
                    generation: stored.generation(),
                    ..stored.first_after(current.lease.first)
                };
                current.lease.take_first(first, stored.clocks);
                if stored.validated_at > current.lease.validated_at {
                    current.lease.take_peer_validation(&stored, clocks);
                    let suspicion = current.suspicion;
                    if suspicion.is_some_and(|suspicion| Some(suspicion.at) <= stored.validated_at)
                    {
                        current.suspicion = None;
                        current.confirmed_at = stored.validated_at;
                    }
                }
            }
            (Some(current), Some(stored)) => {
                let does_not_serve = current.suspicion.is_some()
                    || match freshness {
                        Some(Freshness::Expired) => true,
                        Some(Freshness::Margin { .. }) => self.store.known.is_live(&stored, t),
                        _ => false,
                    };
                if stored.sent_at() > current.lease.sent_at()
                    || Some(current.lease.fingerprint) == replacing
                    || does_not_serve
                {
                    self.adopt_from_store(stored, t);
                } else {
                    self.save_current(t);
                }
            }
            (None, Some(stored)) => self.adopt_from_store(stored, t),
            (Some(_), None) => self.save_current(t),
            (None, None) => {}
        }
    }

    /// Whether the lease in the record may become the current one.
    fn may_adopt(&self, stored: &Lease<Timestamp>, t: Timestamp) -> bool {
        // The obtained lease becomes current at the end of the flight. No older one is adopted meanwhile.
        let obtained = self.flight.as_ref().and_then(|flight| flight.obtained.as_ref());
        obtained.is_none_or(|obtained| {
            obtained.lease.fingerprint != stored.fingerprint
                && obtained.lease.sent_at() < stored.sent_at()
        }) && !self.is_remembered_ended(stored.fingerprint, stored.validated_at)
            && !self.is_ended_by_current(stored)
            && !self.is_being_confirmed(stored.fingerprint)
            && self.store.known.is_usable(stored, t)
    }

    /// Whether the login for the current lease made the server end that token.
    fn is_ended_by_current(&self, stored: &Lease<Timestamp>) -> bool {
        self.rules.new_token_ends_old
            && self.current.as_ref().is_some_and(|current| {
                !current.is_private && current.lease.sent_at() > stored.sent_at()
            })
    }

    /// Saves the current lease to a record that lacks it or has an older one, because the store was
    /// emptied or restored from a backup.
    fn save_current(&mut self, t: Timestamp) {
        let obtained = self.flight.as_ref().is_some_and(|flight| flight.obtained.is_some());
        let current = self.current.as_ref();
        let current = current.filter(|current| !current.is_private && current.suspicion.is_none());
        let Some(current) = current.filter(|_| !obtained) else { return };
        let lease = current.lease.clone();
        let (credentials, options) = (self.holder, self.options);
        let known = &self.store.known;
        let lacks = known.lease(credentials).is_none_or(|stored| {
            stored.fingerprint != lease.fingerprint && stored.sent_at() < self.requested_at(&lease)
        });
        if lacks
            && !matches!(lease.expiry(), Expiry::ExpiredOnArrival { .. })
            && known.is_live(&lease, t)
            && !known.is_forgotten(lease.fingerprint)
        {
            let (replacing, origin) = (None, Origin::Kept);
            let leased = RecordChange::Leased { credentials, options, lease, replacing, origin };
            self.record_change(leased, t);
        }
    }

    fn adopt_from_store(&mut self, lease: Lease<Timestamp>, t: Timestamp) {
        self.drop_current(t);
        self.events.push(Event::Adopted(lease.fingerprint));
        self.current = Some(CurrentLease::new(self.by_own_clocks(lease), Source::Store, t));
    }
}
