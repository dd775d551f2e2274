//! From the store's time to the process's and back.
//!
//! A look at the store was sent at one moment and answered at another, and the store's clock was
//! read somewhere between. Each translation takes the bound that is safe: ends of leases and times
//! of validations come out early (they shorten a life), ends of circuits, holds and login_backoffs and
//! times of tombstones come out late (they lengthen a pause).

use super::{Block, Entry, Fate, LoginBackoff, RecordState, ServerBackoff, Tombstone};
use crate::time::{StoreTime, Timestamp};

/// The two clocks, as one look at the store showed them.
#[derive(Clone, Copy, Debug)]
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

/// A translation from the times of one clock to those of another, by either bound.
pub(crate) trait Translate<T, U> {
    /// Ends of leases and times of validations: never later than they are.
    fn shorten(&self, t: T) -> U;
    /// Ends of pauses and times of tombstones: never earlier than they are.
    fn lengthen(&self, t: T) -> U;
}

impl Translate<Timestamp, StoreTime> for ClockMapping {
    fn shorten(&self, t: Timestamp) -> StoreTime {
        StoreTime(t.0.saturating_add(self.store_now.0.saturating_sub(self.received.0)))
    }

    fn lengthen(&self, t: Timestamp) -> StoreTime {
        StoreTime(t.0.saturating_add(self.store_now.0.saturating_sub(self.sent.0)))
    }
}

impl Translate<StoreTime, Timestamp> for ClockMapping {
    fn shorten(&self, t: StoreTime) -> Timestamp {
        Timestamp(t.0.saturating_add(self.sent.0.saturating_sub(self.store_now.0)))
    }

    fn lengthen(&self, t: StoreTime) -> Timestamp {
        Timestamp(t.0.saturating_add(self.received.0.saturating_sub(self.store_now.0)))
    }
}

impl<T: Copy> RecordState<T> {
    pub(crate) fn translate<U>(&self, to: &impl Translate<T, U>) -> RecordState<U>
    where
        T: crate::time::Moment,
    {
        let pause = |pause: &Block<T>| Block {
            credentials: pause.credentials,
            until: to.lengthen(pause.until),
            count: pause.count,
        };
        RecordState {
            generation: self.generation,
            leases: self
                .leases
                .iter()
                .map(|Entry { credentials, lease }| Entry {
                    credentials: *credentials,
                    lease: lease.map(|t| to.shorten(t)),
                })
                .collect(),
            circuits: self.circuits.iter().map(pause).collect(),
            entry_backoffs: self.entry_backoffs.iter().map(pause).collect(),
            login_backoffs: self
                .login_backoffs
                .iter()
                .map(|login_backoff| LoginBackoff {
                    credentials: login_backoff.credentials,
                    last: login_backoff.last.map(|t| to.lengthen(t)),
                    count: login_backoff.count,
                    armed: login_backoff.armed,
                })
                .collect(),
            unproven: self
                .unproven
                .iter()
                .map(|(credentials, at)| (*credentials, to.lengthen(*at)))
                .collect(),
            hold: self.hold.map(|hold| ServerBackoff {
                until: to.lengthen(hold.until),
                count: hold.count,
                reason: hold.reason,
            }),
            learned: self.learned,
            young_death: self.young_death,
            fates: self
                .fates
                .iter()
                .map(|fate| Fate {
                    fingerprint: fate.fingerprint,
                    first: fate.first.map(|first| first.map(|t| to.shorten(t))),
                    tombstone: fate
                        .tombstone
                        .map(|t| Tombstone { cause: t.cause, at: to.lengthen(t.at) }),
                    lifted: fate.lifted.map(|t| to.shorten(t)),
                    forgotten: fate.forgotten,
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lesson_27_ends_come_out_early_and_pauses_late_whatever_the_clocks_show() {
        // Sent at 1000, answered at 1040; the store's clock is far off and showed 9_000_000.
        let clock_mapping =
            ClockMapping::new(Timestamp(1_000), Timestamp(1_040), StoreTime(9_000_000));
        let end = Timestamp(61_000);
        let stored: StoreTime = clock_mapping.shorten(end);
        assert_eq!(stored, StoreTime(9_059_960));
        // A sibling whose clock shows something else again reads it 30 s later.
        let sibling =
            ClockMapping::new(Timestamp(-500_000), Timestamp(-499_980), StoreTime(9_030_000));
        let read: Timestamp = sibling.shorten(stored);
        // 30 s of the 60 are left at most, and at least those less both round trips.
        let left = read.0 + 499_980;
        assert!((29_900..=30_000).contains(&left), "{left}");
        let pause: StoreTime = clock_mapping.lengthen(end);
        let read: Timestamp = sibling.lengthen(pause);
        assert!((30_000..=30_100).contains(&(read.0 + 500_000)));
    }
}
