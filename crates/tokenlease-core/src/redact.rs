//! Redaction: finds secrets in what a server echoes, in the encodings that servers use.

mod escapes;
mod names;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use zeroize::Zeroizing;

use escapes::Escapes;

/// How many encodings of base64 and hexadecimal digits inside each other are decoded.
const NESTING: usize = 2;

/// A secret with fewer bytes occurs by chance in readable text that is decoded as base64.
const SHORT: usize = 4;

/// How many times longer than a secret its encodings are, in texts that are cut.
const LONGEST_ENCODING: usize = 16;

/// Separates decoded runs. UTF-8 does not contain this byte, so no secret does.
const GAP: u8 = 0xff;

/// Replaces each secret in `text` by `[redacted]`.
///
/// It finds a secret in plain text; escaped as in JSON, HTML or a URL, up to three times; in base64
/// and hexadecimal digits, also with text before and after it and up to two times; and in
/// combinations of them. Of base64 and hexadecimal digits, the digits that contain no bit of the
/// secret remain. A secret of less than four bytes is found in base64 alone or at the end of `id:secret`,
/// and not in hexadecimal digits, because the text around it has to stay readable.
///
/// The time is proportional to the text's length. A text that would take longer is redacted as a
/// whole.
pub(crate) fn redact(text: &str, secrets: &[&str]) -> String {
    redact_start(text, secrets, usize::MAX)
}

/// As [`redact`], for the first `limit` bytes of a text that may be long. The rest is not returned,
/// and read only as far as a secret that begins before the limit may go.
pub(crate) fn redact_start(text: &str, secrets: &[&str], limit: usize) -> String {
    let text = start_of(text, limit.saturating_add(reach_of(secrets)));
    let secrets: BTreeSet<&[u8]> = secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .map(|secret| secret.as_bytes())
        .collect();
    if secrets.is_empty() {
        return start_of(text, limit).to_owned();
    }
    let Ok(hidden) = hidden(text, &secrets) else {
        return "[redacted]".to_owned();
    };
    let (mut redacted, mut end, mut was_hidden) = (String::with_capacity(text.len()), 0, false);
    let shown = text.char_indices().take_while(|(at, _)| *at < limit);
    for ((at, c), to) in shown.map(|(at, c)| ((at, c), hidden.get(at))) {
        end = end.max(to.copied().unwrap_or_default());
        if at >= end {
            redacted.push(c);
        } else if !was_hidden {
            redacted.push_str("[redacted]");
        }
        was_hidden = at < end;
    }
    redacted
}

/// Returns how many bytes an encoded secret takes at most, in texts that are cut.
pub(crate) fn reach_of(secrets: &[&str]) -> usize {
    let longest = secrets.iter().map(|secret| secret.len()).max().unwrap_or_default();
    longest.saturating_mul(LONGEST_ENCODING)
}

/// Returns the first `limit` bytes of a text, or a few less, without a part of a character.
pub(crate) fn start_of(text: &str, limit: usize) -> &str {
    let boundary = (0..=limit.min(text.len())).rev().find_map(|end| text.get(..end));
    boundary.unwrap_or_default()
}

/// Returns for each position the end of the longest secret that begins there.
fn hidden(text: &str, secrets: &BTreeSet<&[u8]>) -> Result<Vec<usize>, TooLong> {
    let (mut plain, mut decoded) = (Vec::new(), Vec::new());
    for secret in secrets {
        plain.push(Needle::new(secret));
        if secret.len() < SHORT {
            plain.push(Needle::new(BASE64.encode(secret).as_bytes()));
            decoded.push(Needle { at_end: true, ..Needle::new(&[b":", *secret].concat()) });
        } else {
            decoded.push(Needle::new(secret));
        }
    }
    let mut hidden = vec![0; text.len()];
    let text = Layer { text: Zeroizing::new(text.into()), sources: None };
    text.hide(&plain, &decoded, NESTING, &mut hidden)?;
    Ok(hidden)
}

/// The time to find a secret in this text is not proportional to its length.
struct TooLong;

/// A text to find.
struct Needle {
    text: Zeroizing<Vec<u8>>,
    /// Only at the end of a decoded run.
    at_end: bool,
}

impl Needle {
    fn new(text: &[u8]) -> Self {
        Self { text: Zeroizing::new(text.to_owned()), at_end: false }
    }
}

/// The text, or what is decoded from it.
struct Layer {
    text: Zeroizing<Vec<u8>>,
    /// The start and end in the original text of each byte; without a list, it is the original.
    sources: Option<Vec<(usize, usize)>>,
}

impl Layer {
    /// Finds the needles in this layer, and the decoded ones in the layers that it encodes.
    fn hide(
        &self,
        needles: &[Needle],
        decoded: &[Needle],
        nesting: usize,
        hidden: &mut [usize],
    ) -> Result<(), TooLong> {
        let escapes = Escapes::of(&self.text);
        for needle in needles {
            // Enough for long passwords that repeat one character, and for texts full of them.
            let mut steps = self.text.len() * 64 + 65_536;
            for start in 0..self.text.len() {
                if let Some(end) = self.find(needle, &escapes, start, &mut steps)? {
                    let (from, to) = self.source(start, end);
                    if let Some(hidden) = hidden.get_mut(from) {
                        *hidden = to.max(*hidden);
                    }
                }
            }
        }
        if nesting > 0 {
            for phase in 0..4 {
                self.decode(&escapes, &BASE64_DIGITS, phase).hide(
                    decoded,
                    decoded,
                    nesting - 1,
                    hidden,
                )?;
            }
            for phase in 0..2 {
                self.decode(&escapes, &HEX_DIGITS, phase).hide(
                    decoded,
                    decoded,
                    nesting - 1,
                    hidden,
                )?;
            }
        }
        Ok(())
    }

    /// Returns the end of the longest form of the needle that begins at `start`.
    fn find(
        &self,
        needle: &Needle,
        escapes: &Escapes<'_>,
        start: usize,
        steps: &mut usize,
    ) -> Result<Option<usize>, TooLong> {
        let (mut matched, mut at, mut longest) = (0, start, None);
        // The other numbers of bytes that are matched, and where in this layer that is.
        let mut others = BTreeSet::new();
        loop {
            let rest = needle.text.get(matched..).unwrap_or_default();
            let here = self.text.get(at);
            if rest.is_empty() {
                if !needle.at_end || here.is_none_or(|byte| *byte == GAP) {
                    longest = longest.max(Some(at));
                }
            } else {
                for escape in escapes.at(at) {
                    *steps = steps.checked_sub(1).ok_or(TooLong)?;
                    others.extend(escape.lengths(rest).map(|more| (matched + more, escape.end)));
                }
                if here == rest.first() {
                    *steps = steps.checked_sub(1).ok_or(TooLong)?;
                    (matched, at) = (matched + 1, at + 1);
                    if others.is_empty() {
                        continue;
                    }
                    others.insert((matched, at));
                }
            }
            // The fewest bytes first, so that no pair comes twice.
            match others.pop_first() {
                Some(next) => (matched, at) = next,
                None => return Ok(longest),
            }
        }
    }

    /// Returns the start and end in the original text of a part of this layer that is not empty.
    fn source(&self, start: usize, end: usize) -> (usize, usize) {
        let Some(sources) = &self.sources else { return (start, end) };
        let source = |at: usize| sources.get(at).copied().unwrap_or_default();
        (source(start).0, source(end.saturating_sub(1)).1)
    }

    /// Decodes the runs of digits, and skips `phase` digits at the start of each, because a run may
    /// begin before the encoded text.
    fn decode(&self, escapes: &Escapes<'_>, digits: &Digits, phase: usize) -> Self {
        let mut decoded = Self { text: Zeroizing::default(), sources: None };
        // Without reallocations, which leave copies.
        decoded.text.reserve_exact(self.text.len() + 1);
        let (mut sources, mut at) = (Vec::new(), 0);
        while at < self.text.len() {
            let (mut run, mut end) = (Vec::new(), at);
            while let Some((byte, next)) = escapes
                .take(end, |byte| (digits.value)(byte).is_some() || matches!(byte, b'\r' | b'\n'))
            {
                // Encoders may break lines.
                if let Some(value) = (digits.value)(byte) {
                    run.push((value, end, next));
                }
                end = next;
            }
            if run.len() < digits.least {
                at = end.max(at + 1);
                continue;
            }
            let padding = (digits.bits == 6).then(|| escapes.take(end, |byte| byte == b'='));
            let padding = padding.flatten().map(|(_, end)| end);
            let padding =
                padding.map(|end| escapes.take(end, |byte| byte == b'=').map_or(end, |two| two.1));
            let (mut value, mut bits, mut first) = (0_u32, 0, None);
            for (digit, start, end) in run.iter().skip(phase) {
                let first_of_byte = first.unwrap_or(*start);
                value = (value << digits.bits | u32::from(*digit)) & 0xffff;
                bits += digits.bits;
                first = Some(first_of_byte);
                if bits >= 8 {
                    bits -= 8;
                    decoded.text.push(u8::try_from(value >> bits & 0xff).unwrap_or_default());
                    sources.push(self.source(first_of_byte, *end));
                    // The rest of this digit belongs to the next byte.
                    first = (bits > 0).then_some(*start);
                }
            }
            if let (Some(padding), Some(last)) = (padding, sources.last_mut()) {
                last.1 = self.source(at, padding).1;
            }
            decoded.text.push(GAP);
            sources.push(self.source(at, end));
            at = end.max(at + 1);
        }
        decoded.sources = Some(sources);
        decoded
    }
}

/// The digits of an encoding of bytes.
struct Digits {
    value: fn(u8) -> Option<u8>,
    bits: u32,
    /// A run of fewer digits contains no secret.
    least: usize,
}

/// Both alphabets of base64.
const BASE64_DIGITS: Digits = Digits {
    value: |byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    },
    bits: 6,
    least: 3,
};

const HEX_DIGITS: Digits = Digits {
    value: |byte| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()),
    bits: 4,
    least: 2 * SHORT,
};
