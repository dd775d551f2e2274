//! The text of a body, in whatever encoding the server sent it.
//!
//! Names, codes and tokens are ASCII, so they are read even where other characters are unreadable.

use zeroize::Zeroizing;

const UNREADABLE: char = char::REPLACEMENT_CHARACTER;

/// The text of a body.
pub(crate) enum Text<'a> {
    /// A body in UTF-8.
    Borrowed(&'a str),
    /// A body in another encoding, decoded. Unreadable characters are U+FFFD.
    Decoded(Zeroizing<String>),
}

impl<'a> Text<'a> {
    /// Decodes a body. `charset` is the one that its type states, if any.
    pub(crate) fn of(body: &'a [u8], charset: Option<&str>) -> Self {
        // A zero byte in the first character means UTF-16, because a JSON text starts with ASCII.
        match body {
            [0xff, 0xfe, rest @ ..] => return Self::utf_16(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => return Self::utf_16(rest, u16::from_be_bytes),
            [first, 0, ..] if *first != 0 => return Self::utf_16(body, u16::from_le_bytes),
            [0, second, ..] if *second != 0 => return Self::utf_16(body, u16::from_be_bytes),
            _ => {}
        }
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        // UTF-8 is checked for the whole body, many bytes at a time. A wrong charset is ignored.
        if let Ok(text) = simdutf8::basic::from_utf8(body) {
            return Self::Borrowed(text);
        }
        let mut text = room(body.len());
        if charset.is_some_and(is_latin_1) {
            text.extend(body.iter().map(|byte| match byte {
                // Windows-1252, as which Latin-1 is also sent, has other characters there.
                0x80..=0x9f => UNREADABLE,
                byte => char::from(*byte),
            }));
        } else {
            for chunk in body.utf8_chunks() {
                text.push_str(chunk.valid());
                text.extend((!chunk.invalid().is_empty()).then_some(UNREADABLE));
            }
        }
        Self::Decoded(text)
    }

    fn utf_16(body: &[u8], unit: fn([u8; 2]) -> u16) -> Self {
        let (pairs, rest) = body.as_chunks::<2>();
        let mut text = room(body.len());
        text.extend(
            char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
                .map(|c| c.unwrap_or(UNREADABLE)),
        );
        text.extend((!rest.is_empty()).then_some(UNREADABLE));
        Self::Decoded(text)
    }
}

/// Returns a decoded text in which no backslash follows an unreadable character.
///
/// In Shift JIS, GBK and Big5 it is the second byte of some characters, and escapes nothing.
pub(crate) fn without_second_bytes(text: &str) -> Zeroizing<String> {
    let mut changed = room(text.len());
    let mut last = ' ';
    for c in text.chars() {
        last = if last == UNREADABLE && c == '\\' { UNREADABLE } else { c };
        changed.push(last);
    }
    changed
}

/// Returns a text in which each run of characters beyond ASCII is one U+FFFD, so that a secret is found
/// where a part of it was unreadable.
pub(crate) fn blurred(text: &str) -> Zeroizing<String> {
    let mut blurred = room(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            blurred.push(c);
        } else if !blurred.ends_with(UNREADABLE) {
            blurred.push(UNREADABLE);
        }
    }
    blurred
}

/// Returns whether a text has unreadable characters.
pub(crate) fn is_unreadable(text: &str) -> bool {
    text.contains(UNREADABLE)
}

/// Returns the charset that a content type states.
pub(crate) fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    })
}

fn is_latin_1(charset: &str) -> bool {
    ["iso-8859-1", "iso_8859-1", "latin1", "windows-1252"]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(charset))
}

/// Returns an empty text with room for a body of this length in any encoding, because a text that
/// grows leaves copies behind.
fn room(length: usize) -> Zeroizing<String> {
    Zeroizing::new(String::with_capacity(length.saturating_mul(3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(body: &[u8], content_type: &str) -> String {
        match Text::of(body, charset(content_type)) {
            Text::Borrowed(text) => text.to_owned(),
            Text::Decoded(text) => text.to_string(),
        }
    }

    #[test]
    fn a_body_is_decoded_from_the_encoding_that_its_bytes_show() {
        let json = "application/json";
        let latin = "application/json; Charset=\"ISO-8859-1\"";
        assert_eq!(decoded("\u{feff}{ü}".as_bytes(), json), "{ü}");
        assert_eq!(decoded("{ü}".as_bytes(), latin), "{ü}");
        assert_eq!(decoded(b"{\xfc\x80}", latin), "{ü\u{fffd}}");
        assert_eq!(decoded(b"{\xfc}", json), "{\u{fffd}}");
        assert_eq!(decoded("{ü\"".as_bytes().get(..2).unwrap(), json), "{\u{fffd}");
        for mark in [true, false] {
            let text = if mark { "\u{feff}{ü😀}" } else { "{ü😀}" };
            let (le, be): (Vec<_>, Vec<_>) =
                text.encode_utf16().map(|unit| (unit.to_le_bytes(), unit.to_be_bytes())).unzip();
            assert_eq!(decoded(&le.concat(), json), "{ü😀}");
            assert_eq!(decoded(&be.concat(), "text/plain"), "{ü😀}");
        }
        assert_eq!(decoded(b"\xff\xfe{\0\x00\xd8}", json), "{\u{fffd}\u{fffd}");
        for (body, text) in [(&b""[..], ""), (b"\xff\xfe", ""), (b"\0", "\0"), (b"\0\0", "\0\0")] {
            assert_eq!(decoded(body, json), text);
        }
    }

    #[test]
    fn a_text_is_blurred_in_runs() {
        assert_eq!(*blurred("a\u{fffd}\u{fffd}bü\u{fffd}"), "a\u{fffd}b\u{fffd}");
        assert_eq!(*without_second_bytes("\\n\u{fffd}\\\\"), "\\n\u{fffd}\u{fffd}\u{fffd}");
    }
}
