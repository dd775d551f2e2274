//! Checks how often rejected tickets of a subject are sent.

use tokenlease_core::provider::Call;

use super::Sent;
use crate::{Fault, M, Owner, World};

/// How many rejected tickets the provider may receive in fifteen minutes.
const MOST: usize = 2;

impl World {
    /// Checks a send of a ticket. Returns whether it was one.
    pub(super) fn judge_ticket(&mut self, owner: &Owner, call: &Call, sent: Sent) -> bool {
        if !self.setup.subject {
            return false;
        }
        if self.provider.accepts(&owner.2) {
            if matches!(call, Call::Login) {
                self.judge_login(owner, sent);
            }
            return true;
        }
        let (since, now) = (self.now - 15 * M, self.now);
        // A refetch may be sent before each login (WinKAS).
        if !matches!(call, Call::Login) {
            return true;
        }
        self.oracle.rejected_tickets.retain(|at| *at > since);
        self.oracle.rejected_tickets.push(now);
        let stopped = self.oracle.crashes.iter().any(|(at, _)| *at > since - M)
            || self.oracle.pauses.iter().any(|(_, until, _)| *until > since - M);
        let unanswered = self.faults.iter().any(|(from, until, fault)| {
            matches!(fault, Fault::Slow | Fault::Duplicate)
                && *from < now
                && until.saturating_add(M) > since
        });
        let unblock = self.oracle.unblocks.values().any(|at| *at >= since - M);
        let lost = self.lost_login_answers > 0
            || self.oracle.answers_lost.is_some_and(|at| at > since - M)
            || self.oracle.lock_lost.is_some_and(|at| at > since - M);
        let reliable = self.store_was_reliable(since - M) && !self.is_lossy_since(since - M);
        let excused = stopped || unanswered || unblock || lost || !reliable || sent.without_store;
        if self.oracle.rejected_tickets.len() > MOST && !excused {
            let detail = format!("p{} at {:?}", owner.0, self.oracle.rejected_tickets);
            self.violate("more than two rejected tickets are sent in 15 minutes", detail);
        }
        true
    }
}
