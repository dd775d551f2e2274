//! The escapes of a text: JSON, HTML and percent-encoding, also inside each other.

use super::names;

/// How many escapes inside each other are decoded.
const LAYERS: u8 = 3;

/// One way to decode the text from a position on.
pub(super) struct Escape {
    /// The position after the escape.
    pub(super) end: usize,
    /// The number of escapes inside each other.
    layer: u8,
    /// A byte, a Unicode character, or half of a UTF-16 pair.
    code: u32,
}

impl Escape {
    /// Returns how many bytes at the start of `rest` this escape can mean.
    ///
    /// A code from 0x80 to 0xff means a byte of UTF-8, or a character of Latin-1.
    pub(super) fn lengths(&self, rest: &[u8]) -> impl Iterator<Item = usize> {
        let byte = u8::try_from(self.code).is_ok_and(|byte| rest.first() == Some(&byte));
        let character = char::from_u32(self.code)
            .map(|c| c.encode_utf8(&mut [0; 4]).to_owned())
            .filter(|text| self.code >= 0x80 && rest.starts_with(text.as_bytes()));
        byte.then_some(1).into_iter().chain(character.map(|text| text.len()))
    }

    fn ascii(&self) -> Option<u8> {
        u8::try_from(self.code).ok().filter(u8::is_ascii)
    }
}

/// A text, and the escapes that begin at each of its positions.
///
/// An escape is an alternative to the text as it is: a secret may itself look like an escape, and a
/// server may escape only some characters.
pub(super) struct Escapes<'t> {
    text: &'t [u8],
    list: Vec<Escape>,
    /// The length of `list` when all positions from this one on had been read.
    read: Vec<usize>,
}

impl<'t> Escapes<'t> {
    pub(super) fn of(text: &'t [u8]) -> Self {
        let mut escapes = Self { text, list: Vec::new(), read: vec![0; text.len() + 1] };
        // Backwards, because an escape can contain escapes that begin after it.
        for (at, byte) in text.iter().enumerate().rev() {
            if matches!(byte, b'%' | b'&' | b'\\' | b'+') {
                let found = escapes.beginning_at(at, *byte);
                escapes.list.extend(found);
            }
            if let Some(read) = escapes.read.get_mut(at) {
                *read = escapes.list.len();
            }
        }
        escapes
    }

    /// Returns the escapes that begin at a position.
    pub(super) fn at(&self, at: usize) -> &[Escape] {
        match (self.read.get(at + 1), self.read.get(at)) {
            (Some(from), Some(to)) => self.list.get(*from..*to).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Reads an ASCII character that is accepted, as it is or escaped, and returns its end.
    pub(super) fn take(&self, at: usize, accepts: impl Fn(u8) -> bool) -> Option<(u8, usize)> {
        Inside { escapes: self, layer: LAYERS + 1 }.take(at, accepts)
    }

    fn beginning_at(&self, at: usize, byte: u8) -> Vec<Escape> {
        let mut found: Vec<Escape> = Vec::new();
        for layer in 1..=LAYERS {
            let inside = Inside { escapes: self, layer };
            let escaped = found.iter().filter_map(|escape| Some((escape.ascii()?, escape.end)));
            let mut new = Vec::new();
            for (first, next) in [(byte, at + 1)].into_iter().chain(escaped) {
                inside.decode(first, next, &mut new);
            }
            let mut pairs = Vec::new();
            for (code, end) in &new {
                let seconds = self.at(*end).iter().filter(|second| second.layer <= layer);
                pairs.extend(seconds.filter_map(|low| Some((pair(*code, low.code)?, low.end))));
            }
            for (code, end) in new.into_iter().chain(pairs) {
                if !found.iter().any(|known| known.code == code && known.end == end) {
                    found.push(Escape { end, layer, code });
                }
            }
        }
        found
    }
}

/// The characters of which the escapes of a layer consist: the text, and the escapes of lower layers.
struct Inside<'e, 't> {
    escapes: &'e Escapes<'t>,
    layer: u8,
}

impl Inside<'_, '_> {
    /// Returns the ASCII characters that can be read at a position, and their ends.
    fn all(&self, at: usize) -> impl Iterator<Item = (u8, usize)> {
        let lower = self.escapes.at(at).iter().filter(|escape| escape.layer < self.layer);
        let escaped = lower.filter_map(|escape| Some((escape.ascii()?, escape.end)));
        self.escapes.text.get(at).map(|byte| (*byte, at + 1)).into_iter().chain(escaped)
    }

    fn take(&self, at: usize, accepts: impl Fn(u8) -> bool) -> Option<(u8, usize)> {
        match self.escapes.text.get(at) {
            Some(byte) if accepts(*byte) => Some((*byte, at + 1)),
            _ => self.all(at).filter(|(byte, _)| accepts(*byte)).max_by_key(|(_, end)| *end),
        }
    }

    /// Reads a number of `least` to `most` digits, and returns its end.
    fn number(&self, mut at: usize, radix: u32, least: u8, most: u8) -> Option<(u32, usize)> {
        let (mut number, mut digits) = (0_u32, 0);
        while digits < most {
            let Some((digit, end)) = self.take(at, |byte| char::from(byte).is_digit(radix)) else {
                break;
            };
            let digit = char::from(digit).to_digit(radix)?;
            number = number.saturating_mul(radix).saturating_add(digit);
            (at, digits) = (end, digits + 1);
        }
        (digits >= least).then_some((number, at))
    }

    /// Adds the codes, with their ends, of escapes whose first character ends at `next`.
    fn decode(&self, first: u8, next: usize, codes: &mut Vec<(u32, usize)>) {
        match first {
            b'+' => codes.push((u32::from(b' '), next)),
            b'%' => {
                codes.extend(self.number(next, 16, 2, 2));
                // From JavaScript's `escape`, and classic ASP.
                let wide = self.take(next, |byte| byte == b'u');
                codes.extend(wide.and_then(|(_, at)| self.number(at, 16, 4, 4)));
            }
            b'&' => codes.extend(self.reference(next)),
            b'\\' => codes.extend(self.all(next).filter_map(|(c, at)| self.backslash(c, at))),
            _ => {}
        }
    }

    /// Decodes a backslash and the character that ends at `next`, as in JSON, JavaScript or Rust.
    fn backslash(&self, character: u8, next: usize) -> Option<(u32, usize)> {
        let byte = match character {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => return self.number(next, 16, 2, 2),
            b'u' => {
                return self.number(next, 16, 4, 4).or_else(|| {
                    let (_, digits) = self.take(next, |byte| byte == b'{')?;
                    let (code, end) = self.number(digits, 16, 1, 6)?;
                    Some((code, self.take(end, |byte| byte == b'}')?.1))
                });
            }
            other if other.is_ascii_punctuation() => other,
            _ => return None,
        };
        Some((u32::from(byte), next))
    }

    /// Decodes an HTML character reference after its `&`.
    fn reference(&self, at: usize) -> Option<(u32, usize)> {
        let (code, end) = if let Some((_, at)) = self.take(at, |byte| byte == b'#') {
            match self.take(at, |byte| matches!(byte, b'x' | b'X')) {
                Some((_, at)) => self.number(at, 16, 1, 10)?,
                None => self.number(at, 10, 1, 10)?,
            }
        } else {
            self.name(at)?
        };
        Some((code, self.take(end, |byte| byte == b';')?.1))
    }

    /// Reads the name of a character, and returns the name's end.
    fn name(&self, mut at: usize) -> Option<(u32, usize)> {
        let mut name = Vec::new();
        while let Some((byte, end)) = self.take(at, |byte| byte.is_ascii_alphanumeric()) {
            if name.len() == names::LONGEST {
                return None;
            }
            name.push(byte);
            at = end;
        }
        Some((names::character(&name)?, at))
    }
}

/// Returns the character of a UTF-16 pair.
fn pair(high: u32, low: u32) -> Option<u32> {
    let (high, low) = (u16::try_from(high).ok()?, u16::try_from(low).ok()?);
    let pair = matches!((high, low), (0xd800..=0xdbff, 0xdc00..=0xdfff));
    let character = pair.then(|| char::decode_utf16([high, low]).next())?;
    character?.ok().map(u32::from)
}
