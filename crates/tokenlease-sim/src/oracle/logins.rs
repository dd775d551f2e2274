//! Checks each login: while a usable token is active, it needs a cause.

use super::{Delivery, Sent};
use crate::{Fault, Kind, M, Owner, Password, Quirk, S, World, duration, millis, world::SLACK};

/// After this number of failed refetches, the client logs in.
const REFETCHES: usize = 3;

impl World {
    /// Returns the newest token that the sender could use instead of a new one.
    fn good_token(&self, password: &Password) -> Option<usize> {
        let t = self.now;
        let last = self.provider.tokens.len();
        if self.provider.kind == Kind::Winkas {
            // A refetch returns it to every caller with the user's credentials.
            return self.provider.is_active(last, t).then_some(last);
        }
        (1..=last).rev().take(50).find(|number| {
            self.provider.token(*number).is_some_and(|token| {
                token.until.min(token.sent + token.lifetime) - t > self.early(token.lifetime)
                    && token.granted_to.contains(password)
            })
        })
    }

    /// Checks that a login has a cause if a usable token is active.
    pub(crate) fn judge_login(&mut self, owner: &Owner, sent: Sent) {
        let (p, _, password) = owner;
        self.judge_budget(owner, sent);
        let Some(number) = self.good_token(password) else { return };
        let detail = || format!("p{p} {password}, token {number} is active");
        let min_remaining = self.longest_min_remaining(*p, password, number) > self.left(number);
        if !self.oracle.had_fault && !min_remaining {
            let detail = detail();
            return self
                .violate("a login while a usable token is active, without any fault", detail);
        }
        let cause = if let Some(cause) = self.cause(owner, sent, number) {
            cause
        } else {
            let lease = self.processes[*p].entries.get(password);
            let current = lease.and_then(|entry| entry.lifecycle.current().map(|(l, _)| l.clone()));
            let detail = format!("{}; {sent:?}; its current lease is {current:?}", detail());
            self.violate("a login while a usable token is active, without a cause", detail);
            "none"
        };
        *self.stats.extra_logins.entry(cause).or_default() += 1;
    }

    /// Checks the budget of a store outage: one login in a lifetime, or one an hour if the answer is
    /// lost.
    fn judge_budget(&mut self, owner: &Owner, sent: Sent) {
        let returns_running =
            matches!(self.setup.quirk, Some(Quirk::RunningToken | Quirk::SlidingToken));
        if !sent.without_store || returns_running {
            return;
        }
        let lifetime = self.provider.lifetime.min(60 * M);
        if let Some((last, lifetime)) =
            self.oracle.outage_logins.insert(*owner, (sent.at, lifetime))
            && sent.at - last < lifetime - self.early(lifetime) - SLACK
        {
            let detail = format!("p{} {}: the previous login was sent at {last}", owner.0, owner.2);
            self.violate(
                "a store outage costs a process more than one login in a lifetime",
                detail,
            );
        }
    }

    /// Checks that WinKAS gets the minimum of logins in a world without faults.
    pub(crate) fn judge_end(&mut self) {
        let (issued, minimum) = (self.provider.tokens.len(), self.stats.minimum as usize);
        if !self.oracle.had_fault && self.provider.kind == Kind::Winkas && issued > minimum {
            let detail = format!("{issued} for {minimum}");
            self.violate("more logins than the minimum, without any fault", detail);
        }
    }

    /// Returns the cause of a login while this token is active, if it has one.
    fn cause(&mut self, owner: &Owner, sent: Sent, number: usize) -> Option<&'static str> {
        let (p, _, password) = owner;
        let (print, t) = (self.fingerprint(number), self.now);
        if matches!(self.setup.quirk, Some(Quirk::RunningToken | Quirk::SlidingToken)) {
            // No new token is issued. The rate of such logins is checked.
            return Some("the provider returns its running token");
        }
        if t - sent.at >= millis(self.setup.policy.request_timeout) {
            return Some("arrived after its timeout");
        }
        if self.is_known_inactive(print) {
            let newest = self.newest_delivered(number, password);
            return self.cause_by_replacement(newest, password, sent);
        }
        if self.longest_min_remaining(*p, password, number) > self.left(number) {
            if self.oracle.replaced_early.insert((*password, number)) {
                return Some("a caller requested a longer remaining lifetime");
            }
            let newest = self.newest_delivered(number, password);
            if newest > number {
                return self.cause_by_replacement(newest, password, sent);
            }
            if self.has_newer(number, password) {
                return Some("the answer with its replacement was lost");
            }
        }
        // Where a refetch returns the running token, only failed refetches or a race excuse a login.
        if self.can_be_refetched() && !self.refetch_failed(owner, sent, number) {
            return None;
        }
        if self.oracle.forgotten.contains(&print) {
            return Some("forgotten");
        }
        let returned =
            self.provider.token(number).is_some_and(|token| token.granted_to.contains(password));
        if !returned {
            return Some("never returned to these credentials, and refetches failed");
        }
        if sent.paused || self.is_interrupted(*p, sent.at, t) {
            return Some("paused between decision and send");
        }
        if self.is_repeated(*p, sent, number) {
            return Some("sent again before a late answer");
        }
        if self.oracle.adopted.get(&number).is_some_and(|at| *at >= sent.at) {
            return Some("a caller brought the token after it was sent");
        }
        let record = self.store.inspect();
        let credentials_fingerprint = self.credentials_fingerprint_of(password);
        let listed = record.leases.contains(&(credentials_fingerprint, print));
        let is_current = self.holds(*p, password, print);
        if is_current {
            return self
                .is_past_expiry(number)
                .then_some("past its expiry, without an answer from the provider");
        }
        if sent.without_store {
            return Some("in a store outage, within the budget");
        }
        if !sent.owned && !self.lock_was_lost(*p, sent) {
            return None;
        }
        if !sent.owned {
            return Some("the store lost the lock");
        }
        // The decision could not know what was saved after it.
        if listed && self.store.last_save() <= Some(sent.at) {
            return self
                .is_past_expiry(number)
                .then_some("past its expiry, without an answer from the provider");
        }
        let from = self.provider.token(number).map_or(t, |token| token.from);
        if self.has_newer(number, password) {
            return Some("the token that replaced it has ended");
        }
        if self.oracle.was_rejected_since(password, from) {
            return Some("its credentials were rejected after it was issued");
        }
        if (0..self.processes.len()).any(|q| self.holds(q, password, print)) {
            return self
                .is_unsaved(number, print, password)
                .then_some("another process has it, and could not save it");
        }
        let coming =
            |delivery: &Delivery| delivery.without_store && delivery.sent > self.now - 10 * S;
        if self.deliveries_of(number).iter().any(coming) {
            return Some("another process has it, and could not save it");
        }
        // Its process replaced it by an older one of the record, which was rejected then.
        if self.oracle.rejected_by_api.contains_key(&print) {
            return self.is_backed_off(password).then_some("rejected without a validation");
        }
        let lost = self.deliveries_of(number).iter().all(|c| self.is_lost(number, c, owner, sent));
        (lost || self.store_lost_data(from)).then_some("no process knows it")
    }

    /// Returns the cause of a login after the newest token of the credentials has ended.
    fn cause_by_replacement(
        &mut self,
        newest: usize,
        password: &Password,
        sent: Sent,
    ) -> Option<&'static str> {
        let print = self.fingerprint(newest);
        if !self.is_known_inactive(print) || self.oracle.called_inactive.contains(&print) {
            return Some("the token that replaced it has ended");
        }
        if self.oracle.revoked.contains(&print) {
            return Some("revoked");
        }
        if sent.without_store {
            return Some("in a store outage, within the budget");
        }
        self.is_backed_off(password).then_some("rejected without a validation")
    }

    /// Returns whether the provider returned the token at that time or later.
    pub(super) fn was_returned_since(&self, number: usize, since: i64) -> bool {
        let deliveries = self.oracle.deliveries.get(&number).into_iter().flatten();
        deliveries.into_iter().any(|delivery| delivery.sent >= since)
    }

    /// Returns whether the token comes from an earlier request of this process, or of one that is
    /// interrupted, which its sender had given up, or whose answer arrived after this request was sent.
    fn is_repeated(&self, p: usize, sent: Sent, number: usize) -> bool {
        let Some(token) = self.provider.token(number) else { return false };
        let gone = |delivery: &Delivery| {
            delivery.entry.0 != p && self.is_interrupted(delivery.entry.0, token.sent, self.now)
        };
        let own = |delivery: &Delivery| delivery.entry.0 == p;
        if token.from >= sent.at && self.deliveries_of(number).iter().any(own) {
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
        (token.from >= sent.at || self.deliveries_of(number).iter().any(pending))
            && (sent.at - token.sent >= 9 * S
                || self.deliveries_of(number).iter().any(gone)
                || paused())
    }

    fn holds(&self, p: usize, of: &Password, print: tokenlease_core::TokenFingerprint) -> bool {
        let entry = self.processes[p].entries.get(of);
        entry.is_some_and(|entry| {
            entry.lifecycle.current().is_some_and(|(lease, _)| lease.fingerprint() == print)
        })
    }

    fn deliveries_of(&self, number: usize) -> Vec<Delivery> {
        self.oracle.deliveries.get(&number).cloned().unwrap_or_default()
    }

    /// Returns whether a returned token was lost in transit, or with its process.
    fn is_lost(&self, number: usize, delivery: &Delivery, sender: &Owner, sent: Sent) -> bool {
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
        match delivery.delivered {
            // The request timeout is ten seconds.
            None if *p == sender.0 => gone || sent.at - delivery.sent > -30 * S,
            None => gone || still || sent.at - delivery.sent >= 9 * S,
            // The process stopped before it saved the token, or did not need it.
            Some(at) => gone || still || delivery.unneeded || superseded(at),
        }
    }

    /// Returns whether refetches failed, or were answered before the token was issued.
    fn refetch_failed(&self, owner: &Owner, sent: Sent, number: usize) -> bool {
        let (p, _, password) = owner;
        let key = (*p, *password);
        let last = self.oracle.refetched.get(&key).copied().unwrap_or(i64::MIN);
        let failed = self.oracle.failed_refetches.get(&key);
        let failed = failed.into_iter().flatten().filter(|at| **at > self.now - 3 * M).count();
        let raced = self.provider.token(number).is_some_and(|token| {
            token.from >= sent.at || (token.from > last && last > self.now - M)
        });
        // After a rejection of other credentials, new ones may be sent only once: without a refetch.
        let limited_to_one_send = self
            .provider
            .rejected_credentials
            .iter()
            .rev()
            .take(20)
            .any(|(at, other, _)| other != password && *at > self.now - 16 * M);
        failed >= REFETCHES || raced || limited_to_one_send
    }

    /// Returns whether the token is past its assumed expiry or rejected, and the provider did not
    /// answer (WinKAS).
    fn is_past_expiry(&self, number: usize) -> bool {
        let print = self.fingerprint(number);
        let suspected = self.oracle.rejected_by_api.contains_key(&print);
        let inconclusive = self.oracle.validation_failed_at > self.now - 2 * M;
        self.provider.kind == Kind::Winkas && (inconclusive || suspected)
    }

    /// Returns whether the store may have lost the sender's lock.
    fn lock_was_lost(&self, p: usize, sent: Sent) -> bool {
        let since = sent.at - millis(self.setup.policy.lock_ttl);
        self.oracle.lock_lost.is_some_and(|at| at >= since)
            || self.is_interrupted(p, since, sent.at)
            || self.faults.iter().any(|(from, until, fault)| {
                *fault == Fault::Flush && *from <= sent.at && *until >= since
            })
    }

    /// Returns whether the store lost data since then.
    fn store_lost_data(&self, since: i64) -> bool {
        self.faults.iter().any(|(from, until, fault)| {
            *fault == Fault::Flush && *from <= self.now && *until >= since - M
        })
    }

    /// Returns whether the processes with the token had a reason not to save it: it was adopted, the
    /// store lost it or failed until a moment ago, or the processes are paused.
    fn is_unsaved(
        &self,
        number: usize,
        print: tokenlease_core::TokenFingerprint,
        of: &Password,
    ) -> bool {
        let t = self.now;
        let from = self.provider.token(number).map_or(t, |token| token.from);
        let cut_off = |q: usize| {
            let entry = self.processes[q].entries.get(of);
            entry.is_some_and(|entry| entry.lost_calls > 0) || self.is_interrupted(q, t - 40 * S, t)
        };
        self.store_lost_data(from)
            || self.oracle.adopted.contains_key(&number)
            || !self.store_was_reliable(t - 10 * S)
            || self.store_loss_percent > 0
            || (0..self.processes.len()).any(|q| self.holds(q, of, print) && cut_off(q))
    }

    /// Returns whether a newer token was returned to the password.
    fn has_newer(&self, number: usize, password: &Password) -> bool {
        (number + 1..=self.provider.tokens.len())
            .any(|newer| self.provider.tokens[newer - 1].granted_to.contains(password))
    }

    /// Returns the newest token, from this one on, that arrived at an entry of the password.
    fn newest_delivered(&self, number: usize, password: &Password) -> usize {
        let newer = (number + 1..=self.provider.tokens.len()).rev().find(|newer| {
            let deliveries = self.oracle.deliveries.get(newer).into_iter().flatten();
            deliveries
                .filter(|delivery| delivery.entry.2 == *password)
                .any(|delivery| delivery.delivered.is_some())
        });
        newer.unwrap_or(number)
    }

    /// Returns whether a login that a rejection without a validation causes kept its login backoff.
    fn is_backed_off(&mut self, password: &Password) -> bool {
        let t = self.now;
        let (last, count) =
            self.oracle.rejection_logins.get(password).copied().unwrap_or((i64::MIN / 2, 0));
        let confirmed = self.oracle.validations.values().flatten().any(|at| *at >= last);
        let restarted = confirmed
            || t - last > 110 * M
            || self.oracle.unblocks.values().any(|at| *at >= last)
            || self.store_lost_data(last)
            || self.oracle.outages.iter().any(|(at, _)| *at >= last - M);
        let backoff = if restarted {
            0
        } else {
            {
                // The state machine may have counted the first logins for another cause.
                millis(tokenlease_core::backoff::login(count.saturating_sub(2)))
            }
        };
        self.oracle.rejection_logins.insert(*password, (t, if restarted { 1 } else { count + 1 }));
        t - last >= backoff - S - SLACK
    }

    /// Returns the remaining lifetime of the token, as its process counts it.
    fn left(&self, number: usize) -> i64 {
        let token = self.provider.token(number);
        token.map_or(0, |token| token.until.min(token.sent + token.lifetime) - self.now)
    }

    /// Returns how long before its expiry a token of this lifetime may be replaced, in milliseconds.
    pub fn early(&self, lifetime: i64) -> i64 {
        let lifetime = duration(lifetime);
        match self.setup.kind {
            Kind::Winkas => 0,
            Kind::Wyn => millis(
                tokenlease_core::lease::refresh_window(lifetime)
                    + tokenlease_core::lease::margin(lifetime),
            ),
        }
    }
}
