//! Hosts whose suspend-aware clock stopped.

use crate::{Fault, H, M, S, World};

impl World {
    /// Returns whether a host was frozen in a store outage: it can't order its own token, which the
    /// record does not know, and one of other hosts.
    pub(super) fn was_frozen_in_outage(&self) -> bool {
        self.oracle.freezes.iter().any(|(end, _)| {
            self.faults.iter().any(|(from, until, fault)| {
                *fault == Fault::Store && *from <= *end && *end <= until + H && *end <= self.now
            })
        })
    }

    /// Returns whether a host that was frozen since `sent` may serve a token that has ended, to a caller
    /// that asked then: nothing but its wall clock shows that, and nobody could be asked.
    pub(super) fn may_be_unaware(&self, p: usize, sent: i64, asked: i64) -> bool {
        let host = self.processes[p].host;
        let since_sent = |events: &[(i64, usize)]| {
            events.iter().any(|(at, other)| *other == host && *at >= sent)
        };
        if !since_sent(&self.oracle.freezes) {
            return false;
        }
        self.setup.without_validation
            || self.oracle.validation_failed_at > self.now - 31 * S
            // The jump may hide it.
            || since_sent(&self.oracle.wall_jumps)
            // At its deadline a caller gets a suspected token.
            || self.now >= asked + 20 * S
            // Up to two minutes raise no doubt.
            || self.provider.tokens.iter().any(|token| {
                token.sent == sent && self.now < token.sent + token.lifetime + 2 * M
            })
    }
}
