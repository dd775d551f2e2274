//! Hosts whose suspend-aware clock stopped.

use crate::{Fault, H, M, S, World};

const STORE_FAULTS: [Fault; 4] =
    [Fault::Store, Fault::StoreRejects, Fault::StoreFull, Fault::Flush];

impl World {
    /// Returns for how long clocks stopped since then.
    pub(super) fn frozen_since(&self, at: i64) -> i64 {
        let freezes = self.oracle.freezes.iter().filter(|(end, ..)| *end > at);
        freezes.map(|(.., length)| *length).sum()
    }

    /// Returns whether a host was frozen and can't order its own token and one of other hosts: the record
    /// lacks its token because of a store outage, or it can't ask the provider.
    pub(super) fn was_frozen_in_outage(&self) -> bool {
        self.oracle.freezes.iter().any(|(end, ..)| {
            *end <= self.now
                && (self.setup.without_validation
                    || self.faults.iter().any(|(from, until, fault)| {
                        STORE_FAULTS.contains(fault) && *from <= *end && *end <= until + H
                    }))
        })
    }

    /// Returns whether a host that was frozen since `sent` may serve this token, which has ended, to a
    /// caller that asked then: nothing but its wall clock shows that, and nobody could be asked.
    pub(super) fn may_be_unaware(&self, p: usize, number: usize, sent: i64, asked: i64) -> bool {
        let own = self.processes[p].host;
        // A host that was frozen saved its times to a store that had lost them.
        let passed_on = self
            .faults
            .iter()
            .any(|(_, until, fault)| STORE_FAULTS.contains(fault) && *until >= sent);
        let hosts = 0..self.hosts.len();
        hosts
            .filter(|host| *host == own || passed_on)
            .any(|host| self.may_host_be_unaware(host, number, sent, asked))
    }

    fn may_host_be_unaware(&self, host: usize, number: usize, sent: i64, asked: i64) -> bool {
        let freezes = self.oracle.freezes.iter();
        let freezes: Vec<_> =
            freezes.filter(|(end, other, _)| *other == host && *end >= sent).collect();
        let Some(first) = freezes.iter().map(|(end, ..)| *end).min() else { return false };
        // A token that another host got meanwhile is counted from the end of the freeze.
        let during = freezes.iter().filter(|(end, _, length)| end - length >= sent);
        let total: i64 = during.map(|(.., length)| *length).sum();
        self.setup.without_validation
            || self.oracle.validation_failed_at > self.now - 31 * S
            || self.is_throttled()
            // A jump may hide it.
            || self.oracle.wall_jumps.iter().any(|(at, other)| *other == host && *at >= sent)
            // A caller gets a suspected token at its deadline, and while the store rejects calls or is too slow
            // to take the lock.
            || self.now >= asked + 20 * S
            || self.faults.iter().any(|(from, until, fault)| {
                let fails = STORE_FAULTS.contains(fault) || *fault == Fault::SlowStore;
                fails && (*from..=*until).contains(&self.now)
            })
            // After the record lost the token, its time of issue is unknown.
            || self.was_returned_since(number, first)
            // Up to two minutes raise no doubt.
            || total <= 2 * M
            || self.provider.token(number).is_some_and(|token| {
                self.now < token.sent + token.lifetime + 2 * M
            })
    }

    /// Returns whether the provider throttled a process, and none may ask it anything yet: a doubt waits like
    /// all requests. The longest backoff is 64 s, or as long as the provider says. While the clock of a host and
    /// its store stops, it does not pass.
    fn is_throttled(&self) -> bool {
        let backoffs = self.oracle.backoffs.iter();
        backoffs.rev().any(|(at, _, until)| {
            let until = *until.max(&(at + 64 * S));
            let freezes = self.oracle.freezes.iter();
            let during = freezes.filter(|(end, _, length)| end > at && end - length < until);
            self.now < until + during.map(|(.., length)| *length).sum::<i64>()
        })
    }
}
