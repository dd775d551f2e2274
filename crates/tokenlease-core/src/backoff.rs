//! Waits, as pure functions: the number of failures and a random number in, a duration out.

use std::time::Duration;

/// The longest that a provider's `Retry-After` is obeyed.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// The wait of a hold after throttling or a server error, for the `count`-th in a row (from 1):
/// doubling from 1 s to 64 s, of which jitter takes up to a half; at least what the provider asked
/// for by `Retry-After`, of which an hour at most is obeyed.
pub fn server(count: u32, retry_after: Option<Duration>, jitter: u64) -> Duration {
    let wait = jittered(doubled(SECOND, count, 64 * SECOND), jitter);
    wait.max(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER))
}

/// The wait of one entry whose credentials met an answer that nothing can be made of, for the
/// `count`-th in a row (from 1): doubling from a minute to an hour.
pub fn entry(count: u32) -> Duration {
    doubled(MINUTE, count, HOUR)
}

/// How long a circuit stays open after the `count`-th rejection in a row (from 1): doubling from an
/// hour to a day.
pub fn circuit(count: u32) -> Duration {
    doubled(HOUR, count, 24 * HOUR)
}

/// The space before the next login that a rejection without a validation causes, when there were
/// `count` of them: at once, then 1, 2, 4 … 60 minutes.
pub fn login(count: u32) -> Duration {
    if count == 0 { Duration::ZERO } else { doubled(MINUTE, count, HOUR) }
}

/// The wait before the next attempt after `count` failures in a row (from 1) that say nothing of
/// the provider: doubling from 1 s to 30 s, of which jitter takes up to a half.
pub fn attempt(count: u32, jitter: u64) -> Duration {
    jittered(doubled(SECOND, count, 30 * SECOND), jitter)
}

/// The slice in which a waiter for the lock sleeps before it looks again: an eighth of the time
/// waited, 2 to 250 ms, a quarter more or less.
pub fn lock_slice(waited: Duration, jitter: u64) -> Duration {
    let slice = (waited / 8).clamp(Duration::from_millis(2), Duration::from_millis(250));
    jittered(slice * 5 / 4, jitter).max(Duration::from_millis(1))
}

fn doubled(first: Duration, count: u32, longest: Duration) -> Duration {
    let factor = 1_u32.checked_shl(count.saturating_sub(1)).unwrap_or(u32::MAX);
    first.checked_mul(factor).unwrap_or(longest).min(longest)
}

/// Between a half of the wait and the whole.
fn jittered(wait: Duration, jitter: u64) -> Duration {
    wait / 2 + (wait / 2).mul_f64(fraction(jitter))
}

/// A random number as a fraction from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "a fraction needs no more than 53 bits")]
pub(crate) fn fraction(random: u64) -> f64 {
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

/// A well-mixed number from another (splitmix64's finalizer).
pub(crate) fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_double_from_a_second_to_64_and_obey_retry_after_up_to_an_hour() {
        assert_eq!(server(1, None, u64::MAX).as_millis().div_ceil(10), 100);
        assert_eq!(server(1, None, 0).as_millis(), 500);
        assert_eq!(server(7, None, 0).as_secs(), 32);
        assert_eq!(server(99, None, 0).as_secs(), 32);
        assert_eq!(server(1, Some(MINUTE), 0), MINUTE);
        assert_eq!(server(1, Some(Duration::MAX), 0), HOUR);
    }

    #[test]
    fn circuits_double_from_an_hour_to_a_day() {
        let hours: Vec<_> = (1..8).map(|n| circuit(n).as_secs() / 3600).collect();
        assert_eq!(hours, [1, 2, 4, 8, 16, 24, 24]);
        assert_eq!(circuit(u32::MAX), 24 * HOUR);
    }

    #[test]
    fn spacing_starts_at_once_and_ends_at_an_hour() {
        let minutes: Vec<_> = (0..9).map(|n| login(n).as_secs() / 60).collect();
        assert_eq!(minutes, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn waiters_look_again_after_an_eighth_of_the_time_waited() {
        assert!(lock_slice(Duration::ZERO, 0) <= Duration::from_millis(2));
        assert!(lock_slice(Duration::from_secs(60), u64::MAX) <= Duration::from_millis(313));
    }
}
