//! The causes that a login may have while a usable token is active.

use super::{Delivery, Sent};
use crate::{Fault, Kind, M, Owner, Password, S, World, millis, world::SLACK};

/// After this number of failed refetches, the client logs in.
const REFETCHES: usize = 3;

/// The time from a read of the record in the store to the decision by it, in milliseconds.
const READ: i64 = 5;

impl World {
    /// Returns the cause of a login while this token is active, if it has one.
    pub(super) fn cause(
        &mut self,
        owner: &Owner,
        sent: Sent,
        number: usize,
    ) -> Option<&'static str> {
        let (p, _, password) = owner;
        let (print, t) = (self.fingerprint(number), self.now);
        if self.returns_running() {
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
        if self.longest_min_remaining(*p, password, number) > self.left(*p, password, number) {
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
        if self.oracle.revoked.contains(&print) {
            return Some("revoked");
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
        if self.was_frozen_in_outage() {
            return Some("the host was frozen in a store outage");
        }
        let is_adopted = self.oracle.adopted.contains_key(&number);
        if is_adopted && !self.was_accepted_since(password, i64::MIN) {
            return Some(
                "adopted for credentials that the provider never accepted: it is not shared",
            );
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
        let rejected_at = self.oracle.rejected_by_api.get(&print);
        if self.rejected_here(*p, password, number)
            || rejected_at.is_some_and(|at| self.store_lost_data(*at))
        {
            let newest = self.newest_delivered(number, password);
            if newest > number
                && self.is_near_end(newest)
                && !self.rejected_here(*p, password, newest)
            {
                return Some("the token that replaced it has ended");
            }
            // Another process saved it since then. This one does not take it back unvalidated, nor
            // does one that knew the rejection from a record that is lost.
            if self.is_backed_off(password) {
                return Some("rejected without a validation");
            }
        }
        // The decision could not know what was saved after its read of the record.
        if listed && self.store.last_save() <= Some(sent.at - READ) {
            return self
                .is_past_expiry(number)
                .then_some("past its expiry, without an answer from the provider");
        }
        self.cause_without_record(owner, sent, number)
    }

    /// Returns the cause of a login while this token is active, if the record that it was decided by
    /// did not have the token.
    fn cause_without_record(
        &mut self,
        owner: &Owner,
        sent: Sent,
        number: usize,
    ) -> Option<&'static str> {
        let (_, _, password) = owner;
        let (print, t) = (self.fingerprint(number), self.now);
        let from = self.provider.token(number).map_or(t, |token| token.from);
        if self.has_newer(number, password) {
            return Some("the token that replaced it has ended");
        }
        if self.oracle.was_rejected_since(password, from) {
            return Some("its credentials were rejected after it was issued");
        }
        if self.crossed(number, password) {
            return Some("two logins crossed on the way to the server");
        }
        if self.deliveries_of(number).iter().any(|other| self.lost_its_lock(other, sent)) {
            return Some("the store lost the lock of the process that got it");
        }
        if (0..self.processes.len()).any(|q| self.holds(q, password, print)) {
            return self
                .is_unsaved(number, print, password)
                .then_some("another process has it, and could not save it");
        }
        let coming = |delivery: &Delivery| {
            let entry = self.processes[delivery.entry.0].entries.get(password);
            let unsaved = entry.is_some_and(|entry| entry.lifecycle.is_unsaved());
            (delivery.without_store || unsaved) && delivery.sent > self.now - 10 * S
        };
        if self.deliveries_of(number).iter().any(coming) {
            return Some("another process has it, and could not save it");
        }
        let decided = self.provider.token(number).map_or(t, |token| token.sent);
        if self.deliveries_of(number).iter().any(|login| self.doubts(login.entry.0, decided)) {
            return Some(
                "the clocks of its host had parted, so that it counted as the older token",
            );
        }
        if self.oracle.adopted.values().any(|at| (decided..=from + S).contains(at)) {
            return Some(
                "a caller brought another token meanwhile, which counted as the newer one",
            );
        }
        // Its process replaced it by an older one of the record, which was rejected then.
        if self.oracle.rejected_by_api.contains_key(&print) {
            return self.is_backed_off(password).then_some("rejected without a validation");
        }
        if self.oracle.unblocks.get(password).is_some_and(|at| *at >= from)
            && self.deliveries_of(number).iter().all(|delivery| delivery.delivered.is_none())
        {
            return Some("its answer was cut off, and an operator allowed a login at once");
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
        if self.has_newer(newest, password) {
            return Some("the answer with its replacement was lost");
        }
        self.is_backed_off(password).then_some("rejected without a validation")
    }

    fn holds(&self, p: usize, of: &Password, print: tokenlease_core::TokenFingerprint) -> bool {
        let entry = self.processes[p].entries.get(of);
        entry.is_some_and(|entry| {
            entry.lifecycle.current().is_some_and(|(lease, _)| lease.fingerprint() == print)
        })
    }

    /// Returns whether a caller of this process saw the token rejected, and no validation confirmed it
    /// since.
    fn rejected_here(&self, p: usize, password: &Password, number: usize) -> bool {
        let validations = self.oracle.validations.get(&number);
        let last = validations.into_iter().flatten().max().copied().unwrap_or(i64::MIN);
        self.processes[p].reported.get(&(*password, number)).is_some_and(|at| *at > last)
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
        // After a rejection of other credentials, new ones may be sent only once: without a refetch. The
        // time while the clock of the host stopped does not count.
        let limited_to_one_send = self
            .provider
            .rejected_credentials
            .iter()
            .rev()
            .take(20)
            // The tickets of a subject differ with each call.
            .any(|(at, other, _)| {
                (other != password || self.setup.subject)
                    && *at > self.now - 16 * M - self.frozen_since(*at)
            });
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

    /// Returns whether the store lost the lock under which that login was sent, and gave it to the sender of
    /// another before the answer arrived.
    fn lost_its_lock(&self, login: &Delivery, other: Sent) -> bool {
        let answered = login.delivered.unwrap_or(i64::MAX);
        let lost = self.oracle.lock_lost;
        lost.is_some_and(|at| at <= other.at && answered >= other.at && login.sent >= at - M)
    }

    /// Returns whether the store lost data since then.
    pub(super) fn store_lost_data(&self, since: i64) -> bool {
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
        let token = self.provider.token(number);
        let (sent, from) = token.map_or((t, t), |token| (token.sent, token.from));
        let cut_off = |q: usize| {
            let entry = self.processes[q].entries.get(of);
            // The answers to its saves were lost, also if its unlock was answered since.
            entry.is_some_and(|entry| entry.lost_calls > 0 || entry.lifecycle.is_unsaved())
                || self.is_interrupted(q, t - 40 * S, t)
        };
        self.store_lost_data(from)
            || self.oracle.adopted.contains_key(&number)
            || !self.store_was_reliable(t - 10 * S)
            || self.store_loss_percent > 0
            || (0..self.processes.len()).any(|q| self.holds(q, of, print) && self.doubts(q, sent))
            || (0..self.processes.len()).any(|q| self.holds(q, of, print) && cut_off(q))
    }

    /// Returns whether the clocks of the process's host have parted since then: it does not save its token over
    /// one of another host.
    fn doubts(&self, p: usize, since: i64) -> bool {
        let host = self.processes[p].host;
        let jumps = self.oracle.wall_jumps.iter();
        let freezes = self.oracle.freezes.iter().map(|(end, other, _)| (end, other));
        jumps
            .map(|(at, other)| (at, other))
            .chain(freezes)
            .any(|(at, other)| *other == host && *at >= since)
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
            || self.oracle.adopted.values().any(|at| *at >= last)
            || self.oracle.answers_lost.is_some_and(|at| at >= last)
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
}
