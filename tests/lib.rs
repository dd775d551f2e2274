//! Helpers of the tests that cross a crate or a language.
#![forbid(unsafe_code)]

pub mod servers;
pub mod start;

/// The Rust blocks of the documents, which `build.rs` takes from the pages.
#[allow(missing_docs, clippy::pedantic, reason = "the pages are written for readers")]
pub mod pages {
    include!(concat!(env!("OUT_DIR"), "/pages.rs"));
}

use std::path::{Path, PathBuf};

use http::{HeaderName, HeaderValue, Response, StatusCode};

/// The folder of the fixtures that all languages share.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Reads a response as it was recorded from a connection: a status line, headers, a body.
///
/// # Panics
/// If it is none: fixtures are part of the tests.
pub fn recorded(raw: &[u8]) -> Response<Vec<u8>> {
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n").expect("headers end");
    let head = std::str::from_utf8(&raw[..end]).expect("a head of text");
    let body = &raw[end + 4..];
    let (status, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let status = status.split(' ').nth(1).expect("a status");
    let mut response = Response::new(Vec::new());
    *response.status_mut() = StatusCode::from_bytes(status.as_bytes()).expect("a known status");
    for line in headers.lines() {
        let (name, value) = line.split_once(':').expect("a header");
        response.headers_mut().append(
            HeaderName::from_bytes(name.as_bytes()).expect("a header's name"),
            HeaderValue::from_str(value.trim()).expect("a header's value"),
        );
    }
    let chunked = response
        .headers()
        .get("transfer-encoding")
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"));
    // Most recorders undo the chunks and keep the header.
    let whole = if chunked { dechunked(body) } else { None };
    *response.body_mut() = whole.unwrap_or_else(|| body.to_vec());
    response
}

/// A chunked body (RFC 9112 section 7.1) in one piece, if it is one.
fn dechunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(whole);
        }
        whole.extend(rest.get(..size)?);
        rest = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_response_is_read_with_chunks_and_without() {
        let head = "HTTP/1.1 404 Not Found\r\nX: a: b\r\nTransfer-Encoding: chunked\r\n\r\n";
        for body in ["4;x=1\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n", "abcdef"] {
            let response = recorded(format!("{head}{body}").as_bytes());
            assert_eq!(
                (response.status().as_u16(), &response.headers()["x"]),
                (404, &"a: b".parse().unwrap())
            );
            assert_eq!(response.body(), b"abcdef");
        }
    }
}
