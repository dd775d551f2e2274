//! From the store's time to the process's and back.
//!
//! A look at the store was sent at one moment and answered at another, and the store's clock was
//! read somewhere between. Each translation takes the bound that is safe: ends of leases and times
//! of verdicts come out early (they shorten a life), ends of circuits, holds and spacings and
//! times of tombstones come out late (they lengthen a pause).

use super::{Entry, Facts, Fate, Hold, Pause, Spacing, Tombstone};
use crate::time::{StoreTime, Timestamp};

/// The two clocks, as one look at the store showed them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bridge {
    sent: Timestamp,
    received: Timestamp,
    store_now: StoreTime,
}

impl Bridge {
    pub(crate) fn new(sent: Timestamp, received: Timestamp, store_now: StoreTime) -> Self {
        Self { sent, received: received.max(sent), store_now }
    }
}

/// A translation from the times of one clock to those of another, by either bound.
pub(crate) trait Translate<T, U> {
    /// Ends of leases and times of verdicts: never later than they are.
    fn shorten(&self, t: T) -> U;
    /// Ends of pauses and times of tombstones: never earlier than they are.
    fn lengthen(&self, t: T) -> U;
}

impl Translate<Timestamp, StoreTime> for Bridge {
    fn shorten(&self, t: Timestamp) -> StoreTime {
        StoreTime(t.0.saturating_add(self.store_now.0.saturating_sub(self.received.0)))
    }

    fn lengthen(&self, t: Timestamp) -> StoreTime {
        StoreTime(t.0.saturating_add(self.store_now.0.saturating_sub(self.sent.0)))
    }
}

impl Translate<StoreTime, Timestamp> for Bridge {
    fn shorten(&self, t: StoreTime) -> Timestamp {
        Timestamp(t.0.saturating_add(self.sent.0.saturating_sub(self.store_now.0)))
    }

    fn lengthen(&self, t: StoreTime) -> Timestamp {
        Timestamp(t.0.saturating_add(self.received.0.saturating_sub(self.store_now.0)))
    }
}

impl<T: Copy> Facts<T> {
    pub(crate) fn translate<U>(&self, to: &impl Translate<T, U>) -> Facts<U>
    where
        T: crate::time::Moment,
    {
        let pause = |pause: &Pause<T>| Pause {
            proof: pause.proof,
            until: to.lengthen(pause.until),
            count: pause.count,
        };
        Facts {
            generation: self.generation,
            leases: self
                .leases
                .iter()
                .map(|Entry { proof, lease }| Entry {
                    proof: *proof,
                    lease: lease.map(|t| to.shorten(t)),
                })
                .collect(),
            circuits: self.circuits.iter().map(pause).collect(),
            entry_holds: self.entry_holds.iter().map(pause).collect(),
            spacings: self
                .spacings
                .iter()
                .map(|spacing| Spacing {
                    proof: spacing.proof,
                    last: spacing.last.map(|t| to.lengthen(t)),
                    count: spacing.count,
                    armed: spacing.armed,
                })
                .collect(),
            unproven: self.unproven.iter().map(|(proof, at)| (*proof, to.lengthen(*at))).collect(),
            hold: self.hold.map(|hold| Hold {
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
        let bridge = Bridge::new(Timestamp(1_000), Timestamp(1_040), StoreTime(9_000_000));
        let end = Timestamp(61_000);
        let stored: StoreTime = bridge.shorten(end);
        assert_eq!(stored, StoreTime(9_059_960));
        // A sibling whose clock shows something else again reads it 30 s later.
        let sibling = Bridge::new(Timestamp(-500_000), Timestamp(-499_980), StoreTime(9_030_000));
        let read: Timestamp = sibling.shorten(stored);
        // 30 s of the 60 are left at most, and at least those less both round trips.
        let left = read.0 + 499_980;
        assert!((29_900..=30_000).contains(&left), "{left}");
        let pause: StoreTime = bridge.lengthen(end);
        let read: Timestamp = sibling.lengthen(pause);
        assert!((30_000..=30_100).contains(&(read.0 + 500_000)));
    }
}
