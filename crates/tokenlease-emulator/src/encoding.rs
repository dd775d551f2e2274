//! Encodings and compression of answer bodies. Compressed bodies consist of stored blocks.

/// Encodes text in ISO-8859-1. Characters that it does not have become `?`.
pub(crate) fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|char| u8::try_from(u32::from(char)).unwrap_or(b'?')).collect()
}

/// Decodes ISO-8859-1.
pub(crate) fn from_latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// Encodes text in UTF-16, little-endian, with a byte order mark.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Wraps data in the gzip format (RFC 1952).
pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];
    stored_blocks(data, &mut out);
    out.extend(crc32(data).to_le_bytes());
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the format stores the length modulo 2^32"
    )]
    out.extend((data.len() as u32).to_le_bytes());
    out
}

/// Wraps data in the zlib format (RFC 1950), which HTTP calls deflate (RFC 9110 section 8.4.1.2).
pub(crate) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    stored_blocks(data, &mut out);
    out.extend(adler32(data).to_be_bytes());
    out
}

fn stored_blocks(data: &[u8], out: &mut Vec<u8>) {
    let mut rest = data;
    loop {
        let (block, tail) = rest.split_at(rest.len().min(0xFFFF));
        let length = u16::try_from(block.len()).expect("a block has at most 65535 bytes");
        out.push(u8::from(tail.is_empty()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
        rest = tail;
        if rest.is_empty() {
            return;
        }
    }
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc: u32, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    })
}

fn adler32(data: &[u8]) -> u32 {
    let (a, b) = data.iter().fold((1, 0), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    (b << 16) | a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }

    #[test]
    fn text_is_encoded_in_latin1_and_utf16() {
        assert_eq!(latin1("\u{fc}\u{20ac}"), [0xFC, b'?']);
        assert_eq!(from_latin1(&[0xFC]), "\u{fc}");
        assert_eq!(utf16("a"), [0xFF, 0xFE, b'a', 0]);
    }
}
