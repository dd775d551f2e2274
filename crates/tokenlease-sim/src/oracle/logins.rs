//! Checks each login: while a usable token is active, it needs a cause.

use super::{Delivery, Sent};
use crate::{Kind, M, Owner, Password, Quirk, S, World, duration, millis, world::SLACK};

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
            let token = self.provider.token(*number);
            token.is_some_and(|token| token.granted_to.contains(password))
                && !self.is_near_end(*number)
        })
    }

    /// Returns whether the token has ended, or is so near its end that it may be replaced.
    pub(super) fn is_near_end(&self, number: usize) -> bool {
        self.provider.token(number).is_none_or(|token| {
            let end = token.until.min(token.sent + token.lifetime);
            end - self.now <= self.early(token.lifetime)
        })
    }

    /// Returns whether a login returns the running token.
    pub(super) fn returns_running(&self) -> bool {
        matches!(self.setup.quirk, Some(Quirk::RunningToken | Quirk::SlidingToken))
    }

    /// Checks that a login has a cause if a usable token is active.
    pub(crate) fn judge_login(&mut self, owner: &Owner, sent: Sent) {
        let (p, _, password) = owner;
        self.judge_budget(owner, sent);
        // Shorter tokens end within the time that a read of the store takes.
        let Some(number) = self.good_token(password).filter(|_| self.setup.lifetime >= 5 * S)
        else {
            return;
        };
        let detail = || format!("p{p} {password}, token {number} is active");
        let min_remaining =
            self.longest_min_remaining(*p, password, number) > self.left(*p, password, number);
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
        self.judge_same_cause(owner, sent, number, cause);
        *self.stats.extra_logins.entry(cause).or_default() += 1;
    }

    /// Checks the budget of a store outage: one login in a lifetime, or one an hour if the answer is
    /// lost. A token that the provider ended early, that an API rejected, or that the process forgot or revoked frees it;
    /// then the limit of all logins counts.
    fn judge_budget(&mut self, owner: &Owner, sent: Sent) {
        // Under the lock no other process sends one.
        if !sent.without_store || sent.owned || self.returns_running() {
            return;
        }
        let lifetime = self.provider.lifetime.min(60 * M);
        if let Some((last, lifetime)) =
            self.oracle.outage_logins.insert(*owner, (sent.at, lifetime))
            && sent.at - last < lifetime - self.early(lifetime) - SLACK
            && !self.got_ended_since(owner, last)
        {
            let detail = format!("p{} {}: the previous login was sent at {last}", owner.0, owner.2);
            self.violate(
                "a store outage costs a process more than one login in a lifetime",
                detail,
            );
        }
    }

    /// Returns whether the credentials got or adopted a token since then that has ended, or was rejected or
    /// forgotten.
    fn got_ended_since(&self, owner: &Owner, since: i64) -> bool {
        let is_it = |delivery: &Delivery| {
            // It may have got it from the record of another process.
            delivery.entry.2 == owner.2 && delivery.sent >= since && delivery.delivered.is_some()
        };
        (1..=self.provider.tokens.len()).any(|number| {
            let print = self.fingerprint(number);
            let is_adopted = self.oracle.adopted.get(&number).is_some_and(|at| *at >= since);
            (is_adopted || self.deliveries_of(number).iter().any(is_it))
                && (!self.provider.is_active(number, self.now)
                    || self.oracle.rejected_by_api.contains_key(&print)
                    || self.oracle.called_inactive.contains(&print)
                    || self.oracle.forgotten.contains(&print)
                    || self.oracle.revoking.contains(&print))
        })
    }

    /// Checks that WinKAS gets the minimum of logins in a world without faults.
    pub(crate) fn judge_end(&mut self) {
        let (issued, minimum) = (self.provider.tokens.len(), self.stats.minimum as usize);
        if !self.oracle.had_fault && self.provider.kind == Kind::Winkas && issued > minimum {
            let detail = format!("{issued} for {minimum}");
            self.violate("more logins than the minimum, without any fault", detail);
        }
    }

    /// Returns the remaining lifetime of the token, as this process counts it: a record that was read
    /// slowly leaves a doubt about the store's clock, which shortens it.
    pub(super) fn left(&self, p: usize, password: &Password, number: usize) -> i64 {
        let token = self.provider.token(number);
        let left = token.map_or(0, |token| token.until.min(token.sent + token.lifetime) - self.now);
        let process = &self.processes[p];
        let t = self.hosts[process.host].now(self.now).elapsed;
        let entry = process.entries.get(password);
        let counted = entry.and_then(|entry| {
            let (lease, _) = entry.lifecycle.current()?;
            let is_this = lease.fingerprint() == self.fingerprint(number);
            lease.end().filter(|_| is_this).map(|end| end.0 - t.0)
        });
        counted.map_or(left, |counted| counted.min(left))
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
