//! Tests of answers that break rules of HTTP or TLS, or break off.

use std::io::Write as _;

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};

use super::*;

const TOKEN: &str = r#"{"access_token":"canary","expires_in":3600}"#;

/// The result of a login that gets these bytes, after which the server closes the connection.
async fn login(
    answer: impl Into<Vec<u8>>,
) -> Result<http::Response<Zeroizing<Vec<u8>>>, SendError> {
    let answer = answer.into();
    let server = server(move |stream| {
        read(stream);
        // The client may have disconnected already.
        let _ = stream.write_all(&answer);
    });
    let result = transport().send(post(&format!("http://{}", server.0)), LONG).await;
    assert_eq!(count(server).await, 1);
    result
}

fn with_head(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").as_bytes(), body].concat()
}

/// Rule: Login: a body that is whole as JSON is used even if its end is missing.
/// Reported as seanmonstar/reqwest#1769.
#[tokio::test]
async fn a_body_that_is_whole_as_json_is_used_even_if_its_end_is_missing() {
    let chunked = format!("{:x}\r\n{TOKEN}\r\n", TOKEN.len());
    for (head, body) in [
        ("Content-Length: 1000", TOKEN),
        ("Transfer-Encoding: chunked", chunked.as_str()),
        ("Content-Length: 1000", &format!("\u{feff} {TOKEN}\r\n ")),
    ] {
        let answer = login(with_head(head, body.as_bytes())).await.unwrap();
        let text = std::str::from_utf8(answer.body()).unwrap();
        assert_eq!(text.trim_matches(['\u{feff}', ' ', '\r', '\n']), TOKEN, "{head}");
    }
    for body in [&TOKEN[..TOKEN.len() - 1], "", "{} {", "[]", "\"canary\"", "{}}"] {
        let error = lost(login(with_head("Content-Length: 1000", body.as_bytes())).await);
        assert_eq!(error.kind(), ErrorKind::Transport);
    }
}

/// Rule: Login: a body that is whole as JSON is used a second later if the connection stays open
/// without an end.
#[tokio::test]
async fn a_body_that_is_whole_as_json_is_used_if_the_connection_stays_open() {
    for head in ["Content-Length: 1000", "X-None: 1"] {
        let server = server(move |stream| {
            read(stream);
            stream.write_all(&with_head(head, TOKEN.as_bytes())).unwrap();
            // Until the client disconnects.
            let _ = stream.read(&mut [0]);
        });
        let minute = Duration::from_secs(60);
        let answer = transport().send(post(&format!("http://{}", server.0)), minute).await.unwrap();
        assert_eq!(answer.body().as_slice(), TOKEN.as_bytes());
        assert_eq!(count(server).await, 1);
    }
}

/// Rule: Login: an error status counts even if the body broke off, is too long or is compressed in an
/// unknown way.
#[tokio::test]
async fn an_error_status_counts_even_if_the_body_cannot_be_read() {
    let long = "x".repeat(2 * BODY_CAP);
    for (status, head, body) in [
        (400, "Content-Length: 1000", r#"{"error":"inval"#),
        (401, "Content-Length: 1000", ""),
        (429, "Content-Length: 1000\r\nRetry-After: 7", "<html>"),
        (503, "Transfer-Encoding: chunked", "5\r\n<h"),
        (401, "Connection: close", &long),
        (403, "Content-Encoding: br\r\nContent-Length: 2", "\u{b}"),
        (307, "Content-Length: 9\r\nLocation: /", ""),
    ] {
        let text = format!("HTTP/1.1 {status} Whatever\r\n{head}\r\n\r\n{body}");
        let answer = login(text).await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.headers().contains_key("retry-after"), status == 429);
        assert!(answer.body().len() <= BODY_CAP);
    }
}

/// Rule: Login: an answer is used whatever its headers look like: a space before a colon, lines that
/// end with LF, folded lines, characters that are not allowed, and up to 1000 headers.
#[tokio::test]
async fn an_answer_is_used_whatever_its_headers_look_like() {
    let many: String = (0..900).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let length = TOKEN.len();
    for head in [
        format!("Content-Length : {length}\r\nX-A : b"),
        format!("X-Folded: a\r\n  b\r\n\tc\r\nContent-Length: {length}"),
        format!("{many}Content-Length: {length}"),
        format!(
            "X Y: z\r\nno colon\r\nX-Control: a\u{1}b\r\nX-Latin: \u{fc}\r\nContent-Length: {length}"
        ),
        format!(": empty\r\nContent-Length: {length}"),
    ] {
        let answer = login(with_head(&head, TOKEN.as_bytes())).await.unwrap();
        assert_eq!(answer.body().as_slice(), TOKEN.as_bytes(), "{head}");
    }
    let bare = format!("HTTP/1.1 200\nContent-Length: {length}\nX-A: b\n\n{TOKEN}");
    assert_eq!(login(bare).await.unwrap().body().as_slice(), TOKEN.as_bytes());
    let too_many: String = (0..2000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let error = lost(login(with_head(too_many.trim_end(), b"")).await);
    assert!(error.to_string().contains("headers"), "{error}");
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// Rule: Login: a body that is compressed with gzip or deflate is used, though the client accepts
/// neither.
/// Reported as Kong/insomnia#2047.
#[tokio::test]
async fn a_body_that_nobody_asked_to_compress_is_decompressed() {
    let body = TOKEN.as_bytes();
    let cut_trailer = gzip(body)[..gzip(body).len() - 8].to_vec();
    for (coding, bytes) in [
        ("Content-Encoding: gzip", gzip(body)),
        ("Content-Encoding: X-GZip", gzip(body)),
        ("Content-Encoding: deflate", zlib(body)),
        ("Content-Encoding: deflate", raw_deflate(body)),
        ("Content-Encoding: deflate, gzip", gzip(&zlib(body))),
        ("Content-Encoding: deflate\r\nContent-Encoding: identity, gzip", gzip(&zlib(body))),
        ("X-Nothing: said", gzip(body)),
        ("Content-Encoding: gzip", cut_trailer),
        // A proxy decompressed it, and left the header.
        ("Content-Encoding: gzip", body.to_vec()),
        ("Content-Encoding: deflate", body.to_vec()),
        ("Content-Encoding: br", body.to_vec()),
        ("Content-Encoding: identity", body.to_vec()),
    ] {
        let head = format!("{coding}\r\nContent-Length: {}", bytes.len());
        let answer = login(with_head(&head, &bytes)).await.unwrap();
        assert_eq!(answer.body().as_slice(), body, "{coding}");
        assert!(!answer.headers().contains_key("content-encoding"), "{coding}");
        // The compressed body may lack its end, too.
        let head = format!("{coding}\r\nContent-Length: {}", bytes.len() + 100);
        let answer = login(with_head(&head, &bytes)).await.unwrap();
        assert_eq!(answer.body().as_slice(), body, "{coding}");
    }
}

/// Rule: Login: an unknown or damaged compression is an error that names it.
#[tokio::test]
async fn an_unknown_or_damaged_compression_is_an_error_that_names_it() {
    let mut damaged = gzip(TOKEN.as_bytes());
    let crc = damaged.len() - 8;
    damaged[crc] ^= 1;
    for (coding, bytes, name) in [
        ("br", b"\x0b\x02\x80".to_vec(), "\"br\""),
        ("zstd", b"\x28\xb5\x2f\xfd".to_vec(), "\"zstd\""),
        ("gzip, br", b"\x0b\x02\x80".to_vec(), "\"br\""),
        ("gzip", damaged, "\"gzip\""),
        ("gzip", b"<html>".to_vec(), "\"gzip\""),
        ("deflate", b"<html>".to_vec(), "\"deflate\""),
    ] {
        let head = format!("Content-Encoding: {coding}\r\nContent-Length: {}", bytes.len());
        let error = unreadable(login(with_head(&head, &bytes)).await);
        assert_eq!((error.kind(), error.status()), (ErrorKind::InvalidResponse, Some(200)));
        assert!(error.to_string().contains(name), "{error}");
    }
    let cut = &gzip(TOKEN.as_bytes())[..30];
    lost(login(with_head("Content-Encoding: gzip\r\nContent-Length: 1000", cut)).await);
}

/// Rule: Login: the limit of 1 MiB holds for the decompressed body, too.
#[tokio::test]
async fn the_limit_of_a_body_holds_for_the_decompressed_body_too() {
    let spaces = |n| [TOKEN.as_bytes(), " ".repeat(n).as_bytes()].concat();
    let whole = spaces(BODY_CAP - TOKEN.len());
    for (head, body) in [
        ("Content-Encoding: gzip", gzip(&whole)),
        // The token is in the part that is read.
        ("Content-Encoding: gzip", gzip(&spaces(64 * BODY_CAP))),
        ("Connection: close", spaces(2 * BODY_CAP)),
        ("Content-Length: 99999999999", spaces(2 * BODY_CAP)),
    ] {
        let answer = login(with_head(head, &body)).await.unwrap();
        assert!(answer.body().starts_with(TOKEN.as_bytes()));
        assert!(answer.body().len() <= BODY_CAP);
    }
    let long = gzip(format!("{{\"a\":\"{}\"}}", "x".repeat(BODY_CAP)).as_bytes());
    let error = unreadable(login(with_head("Content-Encoding: gzip", &long)).await);
    assert!(error.to_string().contains("longer than"), "{error}");
}
