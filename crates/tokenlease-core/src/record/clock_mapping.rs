//! Converts times between the clock of the store and the clock of the process.
//!
//! A read of the store is sent at one moment and answered at another, and the store reads its clock
//! at some moment between. Each conversion takes the bound that is safe. Ends of leases and times of
//! validations use the lower bound, so that no token is used too long. Ends of circuits and backoffs
//! and times of tombstones use the upper bound, so that no backoff is cut short.

use serde::{Deserialize, Serialize};

use super::{
    Block, Entry, LoginBackoff, RecordState, ServerBackoff, SpentLogins, TokenHistory, Tombstone,
    history::History,
};
use crate::time::{StoreTime, Timestamp};

/// The relation of the two clocks, from one read of the store.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct ClockMapping {
    sent: Timestamp,
    received: Timestamp,
    store_now: StoreTime,
}

impl ClockMapping {
    pub(crate) fn new(sent: Timestamp, received: Timestamp, store_now: StoreTime) -> Self {
        Self { sent, received: received.max(sent), store_now }
    }
}

/// A conversion of times from one clock to another, by either bound.
pub(crate) trait Translate<T, U> {
    /// Returns the earliest time that `t` can be: for ends of leases and times of validations.
    fn lower_bound(&self, t: T) -> U;
    /// Returns the latest time that `t` can be: for ends of backoffs and times of tombstones.
    fn upper_bound(&self, t: T) -> U;
}

impl Translate<Timestamp, StoreTime> for ClockMapping {
    fn lower_bound(&self, t: Timestamp) -> StoreTime {
        StoreTime(t.0.saturating_add(self.store_now.0.saturating_sub(self.received.0)))
    }

    fn upper_bound(&self, t: Timestamp) -> StoreTime {
        StoreTime(t.0.saturating_add(self.store_now.0.saturating_sub(self.sent.0)))
    }
}

impl Translate<StoreTime, Timestamp> for ClockMapping {
    fn lower_bound(&self, t: StoreTime) -> Timestamp {
        Timestamp(t.0.saturating_add(self.sent.0.saturating_sub(self.store_now.0)))
    }

    fn upper_bound(&self, t: StoreTime) -> Timestamp {
        Timestamp(t.0.saturating_add(self.received.0.saturating_sub(self.store_now.0)))
    }
}

impl<T: Copy> RecordState<T> {
    /// Converts all times to another clock.
    pub(crate) fn translate<U>(&self, to: &impl Translate<T, U>) -> RecordState<U>
    where
        T: crate::time::Moment,
    {
        let block = |block: &Block<T>| Block {
            credentials: block.credentials,
            options: block.options,
            until: to.upper_bound(block.until),
            count: block.count,
            cause: block.cause,
        };
        RecordState {
            generation: self.generation,
            leases: self
                .leases
                .iter()
                .map(|Entry { credentials, options, lease }| Entry {
                    credentials: *credentials,
                    options: *options,
                    lease: lease.map(|t| to.lower_bound(t)),
                })
                .collect(),
            circuits: self.circuits.iter().map(block).collect(),
            entry_backoffs: self.entry_backoffs.iter().map(block).collect(),
            login_backoffs: self
                .login_backoffs
                .iter()
                .map(|backoff| LoginBackoff {
                    credentials: backoff.credentials,
                    last: backoff.last.map(|t| to.upper_bound(t)),
                    count: backoff.count,
                    armed: backoff.armed,
                })
                .collect(),
            rejected_unaccepted: self
                .rejected_unaccepted
                .iter()
                .map(|(credentials, at)| (*credentials, to.upper_bound(*at)))
                .collect(),
            server_backoff: self.server_backoff.map(|backoff| ServerBackoff {
                until: to.upper_bound(backoff.until),
                count: backoff.count,
                reason: backoff.reason,
                cause: backoff.cause,
            }),
            learned: self.learned,
            early_end: self.early_end,
            histories: self
                .histories
                .iter()
                .map(|history| TokenHistory {
                    fingerprint: history.fingerprint,
                    first: history.first.map(|first| first.map(|t| to.lower_bound(t))),
                    tombstone: history
                        .tombstone
                        .map(|t| Tombstone { cause: t.cause, at: to.upper_bound(t.at) }),
                    lifted: history.lifted.map(|t| to.lower_bound(t)),
                    forgotten: history.forgotten,
                })
                .collect(),
            spent_logins: self
                .spent_logins
                .iter()
                .map(|spent| SpentLogins {
                    credentials: spent.credentials,
                    last: to.upper_bound(spent.last),
                    count: spent.count,
                    lost: spent.lost,
                })
                .collect(),
            causes: self.causes.clone(),
            history: History::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Clocks: a record is in the store's time; ends of leases are converted early and ends of
    /// backoffs late, whatever the hosts' clocks show.
    #[test]
    fn ends_are_converted_early_and_backoffs_late_whatever_the_clocks_show() {
        // Sent at 1000, answered at 1040. The store's clock is far off and showed 9_000_000.
        let writer = ClockMapping::new(Timestamp(1_000), Timestamp(1_040), StoreTime(9_000_000));
        let end = Timestamp(61_000);
        let stored: StoreTime = writer.lower_bound(end);
        assert_eq!(stored, StoreTime(9_059_960));
        // Another process, whose clock shows yet another time, reads it 30 s later.
        let reader =
            ClockMapping::new(Timestamp(-500_000), Timestamp(-499_980), StoreTime(9_030_000));
        let read: Timestamp = reader.lower_bound(stored);
        // At most 30 s of the 60 s remain, and at least 30 s minus both round trips.
        let left = read.0 + 499_980;
        assert!((29_900..=30_000).contains(&left), "{left}");
        let backoff: StoreTime = writer.upper_bound(end);
        let read: Timestamp = reader.upper_bound(backoff);
        assert!((30_000..=30_100).contains(&(read.0 + 500_000)));
    }
}
