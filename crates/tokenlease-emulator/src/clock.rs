//! The emulator's clock: real time plus an offset that a test sets.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch by the emulator's clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Millis(pub(crate) i64);

impl Millis {
    pub(crate) const fn plus_s(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    pub(crate) const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Formats the time for the headers `Date` and `Retry-After` (RFC 9110 section 5.6.7).
    pub(crate) fn http_date(self) -> String {
        httpdate::fmt_http_date(self.system_time())
    }

    /// Formats the time as `YYYY-MM-DDTHH:MM:SS` in UTC, without a time zone.
    pub(crate) fn iso_without_zone(self) -> String {
        let (days, second) = (self.seconds().div_euclid(86_400), self.seconds().rem_euclid(86_400));
        let (year, month, day) = civil(days);
        let (hour, minute) = (second / 3600, second / 60 % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}", second % 60)
    }

    /// Reads a date, `YYYY-MM-DD`, or a time in UTC, `YYYY-MM-DDTHH:MM:SSZ`.
    pub(crate) fn of_iso(text: &str) -> Option<Self> {
        let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
        let numbers = |text: &str, separator: char| {
            let numbers: Option<Vec<i64>> =
                text.split(separator).map(|part| part.parse().ok()).collect();
            <[i64; 3]>::try_from(numbers?).ok()
        };
        let [year, month, day] = numbers(date, '-')?;
        let [hour, minute, second] = numbers(time.strip_suffix('Z')?, ':')?;
        // No day is further from the first of January of its year.
        let of_year = days_of(year)?..days_of(year.checked_add(1)?)?;
        let days = of_year.into_iter().find(|days| civil(*days) == (year, month, day))?;
        Some(Self((days * 86_400 + hour * 3600 + minute * 60 + second) * 1000))
    }

    pub(crate) fn system_time(self) -> SystemTime {
        // HTTP dates end with the year 9999, and the emulator uses no times before 1970.
        let ms = self.0.clamp(0, 253_402_300_799_000);
        UNIX_EPOCH + Duration::from_millis(ms.unsigned_abs())
    }
}

#[derive(Default)]
pub(crate) struct Clock {
    offset_ms: AtomicI64,
}

impl Clock {
    pub(crate) fn now(&self) -> Millis {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis(saturating_ms(real).saturating_add(self.offset_ms()))
    }

    /// Moves the clock; a negative number moves it back.
    pub(crate) fn advance_ms(&self, ms: i64) {
        let offset = self.offset_ms().saturating_add(ms);
        self.offset_ms.store(offset, Ordering::SeqCst);
    }

    pub(crate) fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::SeqCst)
    }

    pub(crate) fn reset(&self) {
        self.offset_ms.store(0, Ordering::SeqCst);
    }
}

pub(crate) fn saturating_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Returns the Gregorian year, month and day of a count of days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years start in March here, so that the leap day is the last day of a year.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

/// Returns the days from 1970-01-01 to the first of January of a year.
fn days_of(year: i64) -> Option<i64> {
    let before = (1970..=9999).contains(&year).then(|| year - 1)?;
    Some(365 * (year - 1970) + before / 4 - before / 100 + before / 400 - 477)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_and_a_time_are_read_as_they_are_written() {
        for ms in [0, 1_647_859_406_000, 1_709_251_199_000, 4_102_444_800_000] {
            let text = format!("{}Z", Millis(ms).iso_without_zone());
            assert_eq!(Millis::of_iso(&text).map(|time| time.0), Some(ms), "{text}");
        }
        assert_eq!(Millis::of_iso("2025-10-01").unwrap().0, 1_759_276_800_000);
        for text in ["", "2025", "2025-13-01", "2025-02-30", "2025-10-01T00:00:00", "x"] {
            assert!(Millis::of_iso(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_date_without_time_zone_is_right_on_a_leap_day() {
        assert_eq!(Millis(0).iso_without_zone(), "1970-01-01T00:00:00");
        assert_eq!(Millis(1_647_859_406_999).iso_without_zone(), "2022-03-21T10:43:26");
        assert_eq!(Millis(1_709_251_199_000).iso_without_zone(), "2024-02-29T23:59:59");
    }

    #[test]
    fn the_clock_advances_by_the_given_time() {
        let clock = Clock::default();
        let before = clock.now();
        clock.advance_ms(43_200_000);
        assert!(clock.now() >= before.plus_s(43_200));
    }
}
