//! Backoffs, as pure functions: from a number of failures and a random number to a duration.

use std::time::Duration;

/// The longest `Retry-After` that is obeyed.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// The time between two probes of a configuration that the server does not accept.
pub(crate) const PROBE: Duration = HOUR;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Returns the backoff of a server after the `count`-th throttled call or server error in a row.
///
/// `count` starts at 1. The backoff doubles from 1 s to 64 s, minus a random part of up to a half.
/// It is at least the server's `Retry-After`, of which at most an hour is obeyed.
pub(crate) fn server(count: u32, retry_after: Option<Duration>, jitter: u64) -> Duration {
    let wait = jittered(doubled(SECOND, count, 64 * SECOND), jitter);
    wait.max(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER))
}

/// Returns the backoff of one entry after the `count`-th unusable response to its credentials.
///
/// `count` starts at 1. The backoff doubles from a minute to an hour.
pub(crate) fn entry(count: u32) -> Duration {
    doubled(MINUTE, count, HOUR)
}

/// Returns how long a circuit stays open after the `count`-th rejection in a row.
///
/// `count` starts at 1. The time doubles from an hour to a day.
pub(crate) fn circuit(count: u32) -> Duration {
    doubled(HOUR, count, 24 * HOUR)
}

/// Returns the backoff before a login that is caused by a rejection without a validation.
///
/// `count` is the number of such logins so far: none means no backoff, then 1, 2, 4 … 60 minutes
/// follow.
pub fn login(count: u32) -> Duration {
    if count == 0 { Duration::ZERO } else { doubled(MINUTE, count, HOUR) }
}

/// Returns the backoff before the next login after the `count`-th one in a row that brought no better
/// token, or whose answer was lost.
///
/// `count` starts at 1. The backoff doubles from 1 s to 30 s; after a lost answer from 10 s to 5
/// minutes.
pub fn spent(count: u32, lost: bool) -> Duration {
    if lost { doubled(10 * SECOND, count, 5 * MINUTE) } else { doubled(SECOND, count, 30 * SECOND) }
}

/// Returns the backoff before the next attempt after `count` failures in a row that do not tell
/// the state of the server.
///
/// `count` starts at 1. The backoff doubles from 1 s to 30 s, minus a random part of up to a half.
pub(crate) fn attempt(count: u32, jitter: u64) -> Duration {
    jittered(doubled(SECOND, count, 30 * SECOND), jitter)
}

/// Returns how long a process waits for the lock before it reads the store again.
///
/// It is an eighth of the time waited so far, from 2 to 250 ms, times a random factor from 0.625 to 1.25.
pub(crate) fn lock_slice(waited: Duration, jitter: u64) -> Duration {
    let slice = (waited / 8).clamp(Duration::from_millis(2), Duration::from_millis(250));
    jittered(slice * 5 / 4, jitter).max(Duration::from_millis(1))
}

fn doubled(first: Duration, count: u32, longest: Duration) -> Duration {
    let factor = 1_u32.checked_shl(count.saturating_sub(1)).unwrap_or(u32::MAX);
    first.checked_mul(factor).unwrap_or(longest).min(longest)
}

/// Returns a random duration between half of `wait` and all of it.
fn jittered(wait: Duration, jitter: u64) -> Duration {
    wait / 2 + (wait / 2).mul_f64(fraction(jitter))
}

/// Returns a random number as a fraction from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "a fraction needs no more than 53 bits")]
pub(crate) fn fraction(random: u64) -> f64 {
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

/// Returns a well-mixed number, by the finalizer of splitmix64.
pub(crate) fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Backoff: throttling and server errors back off all calls to the server, 1 to 64 s, at least
    /// `Retry-After` up to an hour.
    #[test]
    fn a_server_backoff_doubles_from_1_to_64_seconds_and_obeys_retry_after_up_to_an_hour() {
        assert_eq!(server(1, None, u64::MAX).as_millis().div_ceil(10), 100);
        assert_eq!(server(1, None, 0).as_millis(), 500);
        assert_eq!(server(7, None, 0).as_secs(), 32);
        assert_eq!(server(99, None, 0).as_secs(), 32);
        assert_eq!(server(1, Some(MINUTE), 0), MINUTE);
        assert_eq!(server(1, Some(Duration::MAX), 0), HOUR);
    }

    /// Rule: Circuit: a circuit stays open for an hour, doubling to a day.
    #[test]
    fn a_circuit_stays_open_for_an_hour_doubling_to_a_day() {
        let hours: Vec<_> = (1..8).map(|n| circuit(n).as_secs() / 3600).collect();
        assert_eq!(hours, [1, 2, 4, 8, 16, 24, 24]);
        assert_eq!(circuit(u32::MAX), 24 * HOUR);
    }

    /// Rule: Login: logins that rejections without a validation cause are spaced: none, then 1, 2, 4 … 60
    /// minutes.
    #[test]
    fn a_login_backoff_starts_at_zero_and_ends_at_an_hour() {
        let minutes: Vec<_> = (0..9).map(|n| login(n).as_secs() / 60).collect();
        assert_eq!(minutes, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    }

    /// Rule: Lock: a waiting process reads the store again after an eighth of the time it waited, at most
    /// about a third of a second.
    #[test]
    fn a_process_that_waits_for_the_lock_reads_again_after_an_eighth_of_its_wait() {
        assert!(lock_slice(Duration::ZERO, 0) <= Duration::from_millis(2));
        assert!(lock_slice(Duration::from_secs(60), u64::MAX) <= Duration::from_millis(313));
    }
}
