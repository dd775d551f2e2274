//! A limit on requests in a second (GCRA): one number, changed without a lock.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

const SECOND: u64 = 1_000_000_000;

/// Lets through as many requests in a second as configured, and twice as many at once.
#[derive(Debug)]
pub(crate) struct Rate {
    began: Instant,
    /// Nanoseconds between two requests at the full rate.
    interval: u64,
    /// How far ahead of time the requests may be.
    burst: u64,
    /// When the requests so far would have ended at the full rate, in nanoseconds since `began`.
    booked: AtomicU64,
}

impl Rate {
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        let interval = SECOND / u64::from(per_second.get());
        Self { began: Instant::now(), interval, burst: 2 * SECOND, booked: AtomicU64::new(0) }
    }

    /// Books a request.
    ///
    /// # Errors
    /// The time after which the next request is let through, if there were too many.
    pub(crate) fn take(&self) -> Result<(), Duration> {
        self.take_at(self.began.elapsed())
    }

    fn take_at(&self, now: Duration) -> Result<(), Duration> {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let next = |booked: u64| {
            let booked = booked.max(now) + self.interval;
            (booked <= now + self.burst).then_some(booked)
        };
        match self.booked.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(_) => Ok(()),
            Err(booked) => {
                let ahead = booked + self.interval - self.burst;
                Err(Duration::from_nanos(ahead.saturating_sub(now)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_rate_comes_at_once_and_then_the_rate() {
        let rate = Rate::new(NonZeroU32::new(10).unwrap());
        let at = Duration::from_secs(100);
        let count = |at| (0..100).filter(|_| rate.take_at(at).is_ok()).count();
        assert_eq!(count(at), 20);
        let wait = rate.take_at(at).unwrap_err();
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
        assert_eq!(count(at + wait), 1);
        assert_eq!(count(at + wait + Duration::from_secs(1)), 10);
    }
}
