//! Checks that failed calls back off: the number and the pace of consecutive failures.
//!
//! The README of this crate derives the limits from the waits of the state machine.

use std::collections::BTreeMap;

use tokenlease_core::{
    ErrorKind,
    lifecycle::{Effect, Outcome},
    provider::{Answer, Call},
};

use super::Sent;
use crate::{H, M, Owner, Password, S, World};

/// Calls whose failures are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Login,
    Refetch,
    Validate,
    /// Credentials that got an unusable answer, as 403.
    Unusable,
    /// All calls to the store.
    Store,
}

impl Kind {
    fn of(effect: &Effect) -> Option<Self> {
        match effect {
            Effect::Send(Call::Login) => Some(Self::Login),
            Effect::Send(Call::Refetch) => Some(Self::Refetch),
            Effect::Send(Call::Validate(_)) => Some(Self::Validate),
            // A revocation has no retries.
            Effect::Send(Call::Revoke(_)) => None,
            _ => Some(Self::Store),
        }
    }

    /// Returns the limit for one entry of a process.
    fn limit(self) -> Limit {
        match self {
            Self::Login => Limit { burst: 9, interval: 15 * S },
            Self::Refetch => Limit { burst: 24, interval: 4 * S },
            Self::Validate => Limit { burst: 12, interval: 2 * S },
            Self::Unusable => Limit { burst: 6, interval: H },
            Self::Store => Limit { burst: 5, interval: 5 * S },
        }
    }
}

/// A limit for consecutive failures: `burst` in any time T, and one more for each `interval`
/// milliseconds of T.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) burst: i64,
    pub(super) interval: i64,
}

/// The limit for logins of a fleet that were answered with a server error or 429: after the n-th
/// consecutive one, no process sends for at least half of 1, 2, 4 … 64 s.
const FLEET: Limit = Limit { burst: 7, interval: 32 * S };

/// The limit for sets of credentials that got an error of the configuration, from the whole fleet: one
/// process probes them each hour. A minute is for the roundings of clocks.
const CONFIGURATION: Limit = Limit { burst: 1, interval: 59 * M };

/// Consecutive failures. `debt` is the excess over the limit's pace, so that one comparison checks
/// all intervals that end now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Streak {
    last: i64,
    debt: i64,
}

impl Streak {
    /// Adds a failure. Returns whether there are too many.
    pub(super) fn exceeds(&mut self, t: i64, limit: Limit) -> bool {
        let t = t.max(self.last);
        self.debt = (self.debt - (t - self.last)).max(0) + limit.interval;
        self.last = t;
        self.debt > limit.burst * limit.interval
    }
}

/// The failures since the last success, or since another event that restarts the count.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    entries: BTreeMap<(Owner, Kind), Streak>,
    fleet: Streak,
    /// The errors of the configuration, for each set of credentials.
    configuration: BTreeMap<Password, Streak>,
}

impl Failures {
    /// Restarts the count of calls to the provider for all entries.
    pub(crate) fn restart(&mut self) {
        self.entries.retain(|(_, kind), _| *kind == Kind::Store);
        self.restart_fleet();
    }

    /// Restarts the count of calls to the provider for one entry.
    pub(crate) fn restart_entry(&mut self, owner: Owner) {
        for kind in [Kind::Login, Kind::Refetch, Kind::Validate, Kind::Unusable] {
            self.entries.remove(&(owner, kind));
        }
    }

    /// Restarts the count of the fleet, whose record of failures may be lost.
    pub(crate) fn restart_fleet(&mut self) {
        self.fleet = Streak::default();
        self.configuration.clear();
    }

    /// Restarts the counts that an answer ends.
    pub(super) fn answered(&mut self, owner: Owner, outcome: &Outcome) {
        match outcome {
            Outcome::Answered(Answer::Token(_)) => self.restart(),
            Outcome::Answered(Answer::Active) => self.restart_entry(owner),
            Outcome::Answered(Answer::NoToken(_)) => {
                self.entries.remove(&(owner, Kind::Refetch));
            }
            Outcome::Answered(Answer::Inactive) => {
                self.entries.remove(&(owner, Kind::Validate));
            }
            Outcome::Answered(_)
            | Outcome::NotSent(_)
            | Outcome::Lost(_)
            | Outcome::Failed(_)
            | Outcome::Rejected(_)
            | Outcome::Unreadable(_) => {}
            _ => {
                self.entries.remove(&(owner, Kind::Store));
            }
        }
    }
}

impl World {
    /// Checks a call that failed, or gets no answer in time.
    pub(crate) fn judge_backoff(
        &mut self,
        owner: &Owner,
        effect: &Effect,
        outcome: Option<&Outcome>,
        sent: Sent,
    ) {
        let failed = match outcome {
            Some(Outcome::Answered(answer)) => matches!(answer, Answer::Failed(_)),
            None
            | Some(
                Outcome::NotSent(_)
                | Outcome::Lost(_)
                | Outcome::Failed(_)
                | Outcome::Rejected(_)
                | Outcome::Unreadable(_),
            ) => true,
            Some(_) => false,
        };
        let Some(kind) = Kind::of(effect).filter(|_| failed && !sent.copy) else { return };
        let unusable = matches!(kind, Kind::Login | Kind::Refetch) && is_unusable(outcome);
        for kind in [kind].into_iter().chain(unusable.then_some(Kind::Unusable)) {
            let streak = self.oracle.failures.entries.entry((*owner, kind)).or_default();
            if streak.exceeds(sent.at, kind.limit()) {
                let (p, _, password) = owner;
                let detail = format!("p{p} {password}: {kind:?}, {streak:?}");
                self.violate("failed calls are repeated without backoff", detail);
            }
        }
        let Some(Outcome::Answered(Answer::Failed(error))) = outcome else { return };
        let process = &self.processes[owner.0];
        // An answer to a process that crashed meanwhile is in no record.
        let is_known = process.alive && process.epoch == owner.1;
        if kind != Kind::Login || !is_known || !sent.owned || sent.without_store || sent.paused {
            return;
        }
        if !self.store_was_reliable(sent.at - M) || self.is_lossy_since(sent.at - M) {
            self.oracle.failures.restart_fleet();
        }
        let (detail, failures) = (format!("p{} {}", owner.0, owner.2), &mut self.oracle.failures);
        if error.kind() == ErrorKind::Throttled
            || error.status().is_some_and(|status| status >= 500)
        {
            if failures.fleet.exceeds(sent.at, FLEET) {
                self.violate("failed logins are repeated without backoff by the fleet", detail);
            }
        } else if error.kind() == ErrorKind::Config
            && failures.configuration.entry(owner.2).or_default().exceeds(sent.at, CONFIGURATION)
        {
            self.violate("an error of the configuration is probed more than hourly", detail);
        }
    }
}

/// Returns whether an answer to credentials makes only its entry back off.
fn is_unusable(outcome: Option<&Outcome>) -> bool {
    let Some(Outcome::Answered(Answer::Failed(error))) = outcome else { return false };
    match error.kind() {
        ErrorKind::CredentialsRejected | ErrorKind::Throttled => false,
        ErrorKind::Unavailable => error.status().is_some_and(|status| status < 500),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_failures_may_be_a_burst_and_then_one_in_each_interval() {
        let limit = Limit { burst: 3, interval: 10 };
        let mut streak = Streak::default();
        assert!(![0, 0, 0].into_iter().any(|t| streak.exceeds(t, limit)));
        assert!(![10, 20, 31].into_iter().any(|t| streak.exceeds(t, limit)));
        assert!(!streak.exceeds(50, limit) && !streak.exceeds(50, limit));
        assert!(streak.exceeds(50, limit));
    }
}
