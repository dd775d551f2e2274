//! Durations as text: `90s`, `15m`, `8h`, `7d`, `1h30m`, `250ms`.

use std::time::Duration;

/// The units and their lengths in milliseconds, longest first.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Parses a duration: whole numbers, each with a unit `d`, `h`, `m`, `s` or `ms`, longest unit first.
///
/// # Errors
/// A message that says what is wrong and what is expected.
///
/// ```
/// use std::time::Duration;
/// use tokenlease_config::duration;
///
/// assert_eq!(duration::parse("1h30m"), Ok(Duration::from_secs(5400)));
/// assert!(duration::parse("90").is_err()); // no unit
/// ```
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let bad =
        |why: String| Err(format!("{why}; expected a duration such as 90s, 15m, 8h or 1h30m"));
    if text.is_empty() {
        return bad("the duration is empty".into());
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return bad(format!("{text} has no unit: write {text}s for seconds, {text}m for minutes"));
    }
    let (mut millis, mut rest, mut longest) = (0_u64, text, UNITS.len());
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let letters = after.len() - after.trim_start_matches(|c: char| c.is_alphabetic()).len();
        let (unit, after) = after.split_at(letters);
        let Ok(number) = number.parse::<u64>() else {
            return bad(format!("\"{text}\" is not a whole number and a unit"));
        };
        let Some(place) = UNITS.iter().position(|(name, _)| *name == unit) else {
            return bad(format!("\"{unit}\" is not a unit (d, h, m, s, ms)"));
        };
        // Counted from the end, so that each unit must have a smaller place than the one before.
        let place_from_end = UNITS.len() - 1 - place;
        if place_from_end >= longest {
            return bad(format!("\"{text}\" repeats a unit or does not start with the longest"));
        }
        longest = place_from_end;
        let Some(sum) = UNITS
            .get(place)
            .and_then(|(_, each)| number.checked_mul(*each))
            .and_then(|part| millis.checked_add(part))
        else {
            return bad(format!("\"{text}\" is too long"));
        };
        (millis, rest) = (sum, after);
    }
    Ok(Duration::from_millis(millis))
}

/// Formats a duration in its two longest units.
///
/// ```
/// use std::time::Duration;
/// use tokenlease_config::duration;
///
/// assert_eq!(duration::show(Duration::from_secs(93_784)), "1d2h");
/// ```
pub fn show(duration: Duration) -> String {
    if !duration.is_zero() && duration < Duration::from_millis(1) {
        return "under 1ms".into();
    }
    let mut millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    for (name, each) in UNITS {
        if millis >= each && parts.len() < 2 {
            parts.push(format!("{}{name}", millis / each));
            millis %= each;
        }
    }
    if parts.is_empty() { "0s".into() } else { parts.join("") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_numbers_with_units() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("8h", 28_800),
            ("7d", 604_800),
            ("1h30m", 5400),
            ("3650d", 315_360_000),
            (" 1d2h3m4s ", 93_784),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("0s"), Ok(Duration::ZERO));
    }

    #[test]
    fn a_duration_without_a_unit_is_an_error_that_shows_units() {
        let error = parse("8").unwrap_err();
        assert!(error.contains("8s") && error.contains("8m"), "{error}");
    }

    #[test]
    fn a_malformed_duration_is_an_error_that_shows_an_example() {
        let bad = ["", "h", "1.5h", "-1s", "8 h", "8H", "8hours", "1m1h", "1s1s", "1h30", "8æ"];
        for text in bad.into_iter().chain(["99999999999999999999s", "18446744073709551615d"]) {
            let error = parse(text).unwrap_err();
            assert!(error.contains("1h30m"), "{text}: {error}");
        }
    }

    #[test]
    fn a_duration_is_printed_in_its_two_longest_units() {
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (5400, "1h30m"), (93_784, "1d2h"), (315_360_000, "3650d")]
        {
            assert_eq!(show(Duration::from_secs(seconds)), text);
        }
        assert_eq!(show(Duration::from_millis(12)), "12ms");
        assert_eq!(show(Duration::from_micros(12)), "under 1ms");
    }
}
