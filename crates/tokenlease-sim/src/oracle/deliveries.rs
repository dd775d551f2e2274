//! Which token the provider returned to whom, and whether the answer arrived.

use tokenlease_core::{lifecycle::Served, time::Moment as _};

use super::{Delivery, Sent};
use crate::{Fault, Owner, Password, S, World, millis, world::SLACK};

impl World {
    /// Returns since when the process knows a running token: since the first return that the store knows, or
    /// since an earlier one, which this process still knows after the store lost data.
    pub(super) fn known_since(&self, p: usize, number: usize, served: &Served) -> Option<i64> {
        let first = self.first_returned(number)?;
        let age = self.clock(p).elapsed.since(served.lease.sent_at());
        let earlier = self.returned_at(number, self.now - millis(age));
        Some(first.min(earlier.unwrap_or(first)))
    }

    /// Returns when the provider first returned the token in an answer that arrived, since the store
    /// last lost its data.
    fn first_returned(&self, number: usize) -> Option<i64> {
        // A record that can't be read for a while is not lost.
        let losses = self
            .faults
            .iter()
            .filter(|(from, until, fault)| *fault == Fault::Flush && from == until);
        let mut losses: Vec<_> =
            losses.map(|(from, ..)| *from).filter(|from| *from <= self.now).collect();
        losses.sort_unstable();
        let deliveries = self.oracle.deliveries.get(&number)?.iter();
        let arrived = deliveries.filter(|delivery| delivery.delivered.is_some());
        let sent: Vec<_> = arrived.map(|delivery| delivery.sent).collect();
        // A process that kept it in memory saved it again.
        let since = |lost: i64| sent.iter().copied().filter(|at| *at >= lost).min();
        losses.into_iter().rev().find_map(since).or_else(|| since(i64::MIN))
    }

    /// Returns when the provider returned the token in answer to a request of about that time.
    fn returned_at(&self, number: usize, at: i64) -> Option<i64> {
        let deliveries = self.oracle.deliveries.get(&number)?.iter();
        deliveries.map(|delivery| delivery.sent).find(|sent| (sent - at).abs() <= SLACK)
    }

    /// Returns whether the provider accepted the credentials since then.
    pub(super) fn was_accepted_since(&self, password: &Password, since: i64) -> bool {
        let mut deliveries = self.oracle.deliveries.values().flatten();
        deliveries.any(|delivery| delivery.entry.2 == *password && delivery.sent > since)
    }

    /// Returns whether the provider returned the token at that time or later.
    pub(super) fn was_returned_since(&self, number: usize, since: i64) -> bool {
        let deliveries = self.oracle.deliveries.get(&number).into_iter().flatten();
        deliveries.into_iter().any(|delivery| delivery.sent >= since)
    }

    /// Returns when the last request was sent that the provider answered with the token, if it may
    /// answer so while the token is running.
    pub(super) fn last_return(&self, number: usize) -> Option<i64> {
        let deliveries = self.oracle.deliveries.get(&number).filter(|_| self.returns_running());
        deliveries.into_iter().flatten().map(|delivery| delivery.sent).max()
    }

    /// Returns whether the token comes from an earlier request of this process, or of one that is
    /// interrupted, which its sender had given up, or whose answer arrived after this request was sent.
    pub(super) fn is_repeated(&self, p: usize, sent: Sent, number: usize) -> bool {
        let Some(token) = self.provider.token(number) else { return false };
        let gone = |delivery: &Delivery| {
            delivery.entry.0 != p && self.is_interrupted(delivery.entry.0, token.sent, self.now)
        };
        let own = |delivery: &Delivery| delivery.entry.0 == p;
        if token.from >= sent.at && self.deliveries_of(number).iter().any(own) {
            return true;
        }
        // Its sender had given up, and the others may go on after the backoff of a lost login.
        // They may have read the record up to a request's timeout ago.
        let late = |delivery: &Delivery| {
            delivery.delivered.is_none_or(|at| at > sent.at - 11 * S && at - token.sent >= 9 * S)
        };
        if sent.at - token.sent >= 9 * S && self.deliveries_of(number).iter().any(late) {
            return true;
        }
        let pending = |delivery: &Delivery| {
            delivery.entry.0 == p && delivery.delivered.is_none_or(|at| at > sent.at)
        };
        // A paused process sent a login that it had decided before the pause, beside the next one.
        let paused = || {
            self.deliveries_of(number).iter().any(own)
                && self.is_interrupted(p, token.sent - 10 * S, token.sent)
        };
        // The late answer to an older login ended the flight that had sent this one.
        let overtaken = || {
            self.oracle.deliveries.iter().any(|(other, deliveries)| {
                self.provider.token(*other).is_some_and(|other| {
                    let came = |at: i64| at - other.sent >= 9 * S && at >= token.sent;
                    let late =
                        |delivery: &Delivery| own(delivery) && delivery.delivered.is_some_and(came);
                    deliveries.iter().any(late)
                })
            })
        };
        (token.from >= sent.at || self.deliveries_of(number).iter().any(pending))
            && (sent.at - token.sent >= 9 * S
                || self.deliveries_of(number).iter().any(gone)
                || paused()
                || overtaken())
    }

    pub(super) fn deliveries_of(&self, number: usize) -> Vec<Delivery> {
        self.oracle.deliveries.get(&number).cloned().unwrap_or_default()
    }

    /// Returns whether a returned token was lost in transit, or with its process.
    pub(super) fn is_lost(
        &self,
        number: usize,
        delivery: &Delivery,
        sender: &Owner,
        sent: Sent,
    ) -> bool {
        let (p, epoch, _) = &delivery.entry;
        let gone = self.processes[*p].epoch != *epoch || !self.processes[*p].alive;
        let still = self.is_interrupted(*p, delivery.sent - 40 * S, self.now);
        // It arrived after its sender had requested a newer one.
        let superseded = |at: i64| {
            self.provider.token(number).is_some_and(|token| {
                let newer = |other: &crate::provider::TokenState| {
                    other.sent > token.sent && other.granted_to.contains(&delivery.entry.2)
                };
                at - token.sent >= 9 * S && self.provider.tokens.iter().any(newer)
            })
        };
        let asked = self.provider.token(number).map_or(i64::MAX, |token| token.sent);
        match delivery.delivered {
            // The request timeout is ten seconds.
            None if *p == sender.0 => gone || sent.at - delivery.sent > -30 * S,
            // Its sender gave up. A request may take longer to the server than that.
            None => gone || still || sent.at - asked.min(delivery.sent) >= 9 * S,
            // The process stopped before it saved the token, or did not need it.
            Some(at) => gone || still || delivery.unneeded || superseded(at),
        }
    }

    /// Returns whether a login was sent after the one that brought this token, and reached the server
    /// before it. Nobody but the server knows that order: the record keeps the token of the other.
    pub(super) fn crossed(&self, number: usize, password: &Password) -> bool {
        let Some(token) = self.provider.token(number) else { return false };
        let earlier = (1..number).rev().take(8).filter_map(|other| self.provider.token(other));
        earlier
            .filter(|other| other.granted_to.contains(password))
            .any(|other| other.sent >= token.sent)
    }

    /// Returns whether a newer token was returned to the password.
    pub(super) fn has_newer(&self, number: usize, password: &Password) -> bool {
        (number + 1..=self.provider.tokens.len())
            .any(|newer| self.provider.tokens[newer - 1].granted_to.contains(password))
    }

    /// Returns whether a newer token arrived at this process.
    pub(super) fn got_newer(&self, p: usize, number: usize, password: &Password) -> bool {
        (number + 1..=self.provider.tokens.len())
            .flat_map(|newer| self.oracle.deliveries.get(&newer).into_iter().flatten())
            .filter(|delivery| delivery.entry.0 == p && delivery.entry.2 == *password)
            .any(|delivery| delivery.delivered.is_some())
    }

    /// Returns the newest token, from this one on, that arrived at an entry of the password.
    pub(super) fn newest_delivered(&self, number: usize, password: &Password) -> usize {
        let newer = (number + 1..=self.provider.tokens.len()).rev().find(|newer| {
            let deliveries = self.oracle.deliveries.get(newer).into_iter().flatten();
            deliveries
                .filter(|delivery| delivery.entry.2 == *password)
                .any(|delivery| delivery.delivered.is_some())
        });
        newer.unwrap_or(number)
    }
}
