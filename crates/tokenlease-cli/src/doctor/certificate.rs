//! The expiry of a certificate (RFC 5280 section 4.1.2.5); no other field is read.

use tokenlease::core::WallTime;

const SEQUENCE: u8 = 0x30;
const EXPLICIT_VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Returns the time at which a DER certificate expires, or `None` if it is malformed.
pub(super) fn not_after(der: &[u8]) -> Option<WallTime> {
    let (certificate, _) = expect(der, SEQUENCE)?;
    let (mut body, _) = expect(certificate, SEQUENCE)?;
    if let Some((_, rest)) = expect(body, EXPLICIT_VERSION) {
        body = rest;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        body = element(body)?.2;
    }
    let (validity, _) = expect(body, SEQUENCE)?;
    let after_not_before = element(validity)?.2;
    let (tag, text, _) = element(after_not_before)?;
    time(tag, str::from_utf8(text).ok()?)
}

fn expect(input: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    element(input).filter(|(tag, ..)| *tag == wanted).map(|(_, content, rest)| (content, rest))
}

/// Splits off one DER element: its tag, its content and the rest of the input.
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, input) = input.split_first()?;
    let (&first, mut input) = input.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let (bytes, rest) = input.split_at_checked(usize::from(first & 0x7F))?;
        if bytes.len() > 4 {
            return None;
        }
        length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        input = rest;
    }
    let (content, rest) = input.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Parses `YYMMDDHHMMSSZ` (1950 to 2049) or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &str) -> Option<WallTime> {
    let digits = text.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = digits.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    if rest.len() != 10 {
        return None;
    }
    let part = |place: usize| rest.get(place..place + 2)?.parse::<i64>().ok();
    let (month, day) = (part(0)?, part(2)?);
    let seconds = days(year, month, day) * 86_400 + part(4)? * 3600 + part(6)? * 60 + part(8)?;
    Some(WallTime(seconds * 1000))
}

/// Returns the days since 1970-01-01 in the Gregorian calendar. Counts years from March, so that
/// the leap day is the last day of a year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).expect("short").to_be_bytes();
        let head: Vec<u8> = match content.len() {
            0..0x80 => vec![tag, length[1]],
            0x80..0x100 => vec![tag, 0x81, length[1]],
            _ => vec![tag, 0x82, length[0], length[1]],
        };
        [head, content.to_vec()].concat()
    }

    fn certificate(version: bool, tag: u8, not_after: &str) -> Vec<u8> {
        let version = if version { der(0xA0, &[2, 1, 2]) } else { Vec::new() };
        let validity = [der(UTC_TIME, b"250101000000Z"), der(tag, not_after.as_bytes())].concat();
        let body = [
            version,
            der(2, &[1; 20]),
            der(SEQUENCE, &[6, 1, 42]),
            der(SEQUENCE, &[0; 300]),
            der(SEQUENCE, &validity),
            der(SEQUENCE, &[0; 10]),
        ]
        .concat();
        der(SEQUENCE, &[der(SEQUENCE, &body), der(3, &[0; 130])].concat())
    }

    #[test]
    fn both_formats_of_the_expiry_are_read() {
        for (version, tag, text, shown) in [
            (true, UTC_TIME, "261122002220Z", "2026-11-22T00:22:20Z"),
            (false, UTC_TIME, "000229235959Z", "2000-02-29T23:59:59Z"),
            (true, UTC_TIME, "500301000000Z", "1950-03-01T00:00:00Z"),
            (true, GENERALIZED_TIME, "20991231235959Z", "2099-12-31T23:59:59Z"),
        ] {
            let expiry = not_after(&certificate(version, tag, text)).expect("a time");
            assert_eq!(expiry.to_string(), shown);
        }
    }

    #[test]
    fn a_malformed_certificate_has_no_expiry() {
        let whole = certificate(true, UTC_TIME, "261122002220Z");
        for length in 0..whole.len() {
            assert_eq!(not_after(&whole[..length]), None);
        }
        for text in ["", "Z", "2611220022Z", "26112200222xZ", "261122002220", "261122002220+0100"] {
            assert_eq!(not_after(&certificate(true, UTC_TIME, text)), None, "{text}");
        }
        assert_eq!(not_after(&certificate(true, 4, "261122002220Z")), None);
        assert_eq!(not_after(&[0x30, 0x85, 1, 1, 1, 1, 1]), None);
    }
}
