//! Bodies that a server or a proxy compressed although nobody asked for it.

use std::io::{self, Read};

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::{HeaderMap, header::CONTENT_ENCODING};
use zeroize::Zeroizing;

use super::received::append;

/// The most codings that are removed from one body.
const MOST: usize = 3;

/// A body without its codings.
pub(super) struct Decoded {
    /// The decoded bytes; `None` if the body has no coding, or they cannot be had.
    pub(super) body: Option<Zeroizing<Vec<u8>>>,
    pub(super) trouble: Option<Trouble>,
}

/// Why a body cannot be decoded.
pub(super) enum Trouble {
    TooLong,
    /// The named coding is not known.
    Unknown(String),
    /// The body is damaged, or not in the named coding.
    Damaged(String),
}

/// Decodes a body of which at most `limit` bytes may be had. `is_whole` returns whether the bytes can be
/// used as they are, even if the coding's own end is missing.
pub(super) fn decode(
    headers: &HeaderMap,
    body: &[u8],
    limit: usize,
    is_whole: impl Fn(&[u8]) -> bool,
) -> Decoded {
    let mut codings = codings(headers);
    // Some servers compress and do not say so. No text begins with these bytes.
    if codings.is_empty() && body.starts_with(b"\x1f\x8b") {
        codings.push("gzip".into());
    }
    let mut decoded: Option<Zeroizing<Vec<u8>>> = None;
    // The last coding was applied last.
    for (removed, coding) in codings.into_iter().rev().enumerate() {
        let input = decoded.as_deref().map_or(body, Vec::as_slice);
        if input.is_empty() || is_whole(input) {
            break;
        }
        let (output, end) = match coding.as_str() {
            "gzip" | "x-gzip" if removed < MOST => inflate(GzDecoder::new(input), limit),
            // RFC 9110 means zlib's format. Some servers send the bare one.
            "deflate" if removed < MOST && is_zlib(input) => {
                inflate(ZlibDecoder::new(input), limit)
            }
            "deflate" if removed < MOST => inflate(DeflateDecoder::new(input), limit),
            _ => return Decoded { body: None, trouble: Some(Trouble::Unknown(coding)) },
        };
        match end {
            End::Whole => {}
            End::Cut if is_whole(&output) => {}
            End::TooLong => {
                return Decoded { body: Some(output), trouble: Some(Trouble::TooLong) };
            }
            End::Cut | End::Damaged => {
                return Decoded { body: None, trouble: Some(Trouble::Damaged(coding)) };
            }
        }
        decoded = Some(output);
    }
    Decoded { body: decoded, trouble: None }
}

/// Returns the codings in the order in which they were applied, without those that change nothing.
fn codings(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    values
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase())
        .filter(|name| !name.is_empty() && name != "identity")
        .collect()
}

/// Returns whether the bytes begin as zlib's format does (RFC 1950 section 2.2).
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [first, second, ..]
        if first & 0x0f == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0)
}

enum End {
    Whole,
    /// The compressed bytes end too early.
    Cut,
    TooLong,
    Damaged,
}

/// Returns what comes out before `limit`, an error or the end.
fn inflate(mut input: impl Read, limit: usize) -> (Zeroizing<Vec<u8>>, End) {
    let mut output = Zeroizing::new(Vec::new());
    let mut part = Zeroizing::new([0; 8192]);
    loop {
        match input.read(part.as_mut_slice()) {
            Ok(0) => return (output, End::Whole),
            Ok(read) => {
                let room = limit - output.len();
                append(&mut output, &part[..read.min(room)]);
                if read > room {
                    return (output, End::TooLong);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return (output, End::Cut);
            }
            Err(_) => return (output, End::Damaged),
        }
    }
}
