//! Times, as data: a type for each of the three clocks, so that they can't be mixed up.
//!
//! All count milliseconds, and all arithmetic saturates, so that lifetimes of ten years and far more
//! fit.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// The clocks of a process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The wall clock. It may be wrong and may jump, so it never ends a lease within a process.
    pub wall: WallTime,
    /// The monotonic clock that includes time in suspend. It alone ends leases.
    pub elapsed: Timestamp,
}

impl Now {
    /// Converts a moment of the monotonic clock to wall time, for display.
    pub fn wall_at(self, moment: Timestamp) -> WallTime {
        WallTime(self.wall.0.saturating_add(moment.0.saturating_sub(self.elapsed.0)))
    }
}

/// A moment on a clock.
///
/// [`Timestamp`] and [`StoreTime`] implement it, so that the rules for leases and records are
/// written once for both.
pub trait Moment: Copy + Ord + fmt::Debug {
    /// Returns the moment `duration` later, at most `MAX`.
    #[must_use]
    fn plus(self, duration: Duration) -> Self;
    /// Returns the moment `duration` earlier, at least `MIN`.
    #[must_use]
    fn minus(self, duration: Duration) -> Self;
    /// Returns the time from `earlier` to this moment, or zero if `earlier` is later.
    fn since(self, earlier: Self) -> Duration;
}

macro_rules! moment {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// The earliest moment.
            pub const MIN: Self = Self(i64::MIN);
            /// The latest moment.
            pub const MAX: Self = Self(i64::MAX);
        }

        impl Moment for $name {
            fn plus(self, duration: Duration) -> Self {
                Self(self.0.saturating_add(millis(duration)))
            }

            fn minus(self, duration: Duration) -> Self {
                Self(self.0.saturating_sub(millis(duration)))
            }

            fn since(self, earlier: Self) -> Duration {
                Duration::from_millis(
                    u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or_default(),
                )
            }
        }
    };
}

moment! {
    /// Milliseconds on the monotonic, suspend-aware clock of this process, since an arbitrary start.
    Timestamp
}

moment! {
    /// Milliseconds on the clock of the store that processes share.
    StoreTime
}

/// Milliseconds on a wall clock since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(pub i64);

impl WallTime {
    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    pub(crate) fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }
}

impl fmt::Display for WallTime {
    /// Writes the time in the format of RFC 3339, in UTC, to the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1000);
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Returns year, month and day of the proleptic Gregorian calendar, from days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that the leap day is the last of its year.
    let days = days.saturating_add(719_468);
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year_of_era + era * 400 + next, month, day)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_the_limits_of_a_clock() {
        assert_eq!(Timestamp(1).plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp(-2).minus(Duration::MAX).minus(Duration::MAX), Timestamp::MIN);
        assert_eq!(Timestamp(1).since(Timestamp(2)), Duration::ZERO);
        assert_eq!(Timestamp::MAX.since(Timestamp::MIN).as_millis(), i64::MAX as u128);
    }

    #[test]
    fn ten_years_in_seconds_fit() {
        let end = Timestamp(0).plus(Duration::from_secs(315_360_000));
        assert_eq!(end, Timestamp(315_360_000_000));
    }

    #[test]
    fn wall_time_prints_rfc_3339() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_000, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_306_940_123, "2026-11-22T00:22:20Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(WallTime(millis).to_string(), text);
        }
        // The limits print some text and do not overflow.
        assert!(!WallTime(i64::MAX).to_string().is_empty());
        assert!(!WallTime(i64::MIN).to_string().is_empty());
    }
}
