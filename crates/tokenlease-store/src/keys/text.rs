//! The text forms of a key.

use base64::{Engine as _, alphabet, engine::GeneralPurpose, engine::general_purpose};
use tokenlease::{Error, ErrorKind, core::Key};
use zeroize::Zeroizing;

/// Parses a key: 32 raw bytes, 64 hexadecimal digits, or base64 in either alphabet. Text may have
/// white space around it.
pub(crate) fn parse(bytes: &[u8]) -> Option<Key> {
    if let Ok(raw) = <[u8; 32]>::try_from(bytes) {
        return Some(Key::new(*Zeroizing::new(raw)));
    }
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let mut key = Zeroizing::new([0; 32]);
    if text.len() == 64 {
        for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).ok()?;
            if digits.starts_with('+') {
                return None;
            }
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        return Some(Key::new(*key));
    }
    let config = general_purpose::GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
    [alphabet::STANDARD, alphabet::URL_SAFE].iter().find_map(|alphabet| {
        // The decoder needs a buffer larger than the 32 bytes.
        let mut buffer = Zeroizing::new([0; 36]);
        let length = GeneralPurpose::new(alphabet, config)
            .decode_slice(text, &mut *buffer)
            .ok()
            .filter(|length| *length == key.len())?;
        key.copy_from_slice(buffer.get(..length)?);
        Some(Key::new(*key))
    })
}

/// Returns the error for bytes that [`parse`] does not accept. It does not quote them: they may be
/// a secret of another kind.
pub(crate) fn malformed(source: &str) -> Error {
    Error::new(ErrorKind::Config, format!("{source} is not a key"))
        .expected("32 bytes: raw in a file, 64 hexadecimal digits, or base64")
        .advice("make one with `openssl rand -hex 32`")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0B0C0D0E0F101112131415161718191a1b1c1d1e1f";

    #[test]
    fn a_key_is_read_raw_in_hexadecimal_digits_and_in_base64() {
        let raw: Vec<u8> = (0..32).collect();
        let expected = Key::new(raw.clone().try_into().unwrap());
        let standard = general_purpose::STANDARD.encode(&raw);
        let unpadded = general_purpose::URL_SAFE_NO_PAD.encode(&raw);
        for form in [&raw[..], HEX.as_bytes(), standard.as_bytes(), unpadded.as_bytes()] {
            assert!(parse(form).as_ref() == Some(&expected));
        }
        assert!(parse(format!(" {HEX}\r\n").as_bytes()) == Some(expected));
        let high = general_purpose::URL_SAFE.encode([0xff; 32]);
        assert!(parse(high.as_bytes()) == Some(Key::new([0xff; 32])));
    }
}
