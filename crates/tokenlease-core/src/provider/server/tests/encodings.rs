//! Tests of responses that are not in UTF-8.

use super::*;

const UTF_16: &str = "application/json; charset=utf-16";

fn latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).unwrap()).collect()
}

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn login(server: &Server, status: u16, content_type: &str, body: &[u8]) -> Answer {
    let response = Response::builder().status(status).header("content-type", content_type);
    server.read(&Call::Login, &response.body(body).unwrap(), AT, &credentials())
}

fn rejected(server: &Server, content_type: &str, body: &[u8]) -> String {
    let status = if server.can_refetch() { 200 } else { 400 };
    let answer = login(server, status, content_type, body);
    let Answer::Failed(error) = answer else { panic!("{answer:?}") };
    assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{content_type}: {error}");
    error.to_string()
}

/// Rule: Circuit: a wrong password is recognized in a response of any encoding, and unreadable
/// characters of the description are shown as U+FFFD.
#[test]
fn a_wrong_password_is_recognized_in_any_encoding() {
    let bodies = [
        (oauth2("u"), r#"{"error":"invalid_grant","error_description":"Ungültig"}"#),
        (wyn(), r#"{"error_description":"Ungültig","error":"invalid_grant"}"#),
        (winkas(), r#"{"WinKasMessage":"Ungültig","WinkasErrorCode":12}"#),
    ];
    for (server, body) in bodies {
        for (content_type, body, shown) in [
            ("application/json", latin_1(body), "Ung\u{fffd}ltig"),
            ("application/json; charset=UTF-8", latin_1(body), "Ung\u{fffd}ltig"),
            ("application/json; charset=x-unknown", latin_1(body), "Ung\u{fffd}ltig"),
            ("application/json;charset=iso-8859-1", latin_1(body), "Ungültig"),
            ("application/json; charset=x-unknown", body.into(), "Ungültig"),
            (UTF_16, utf_16(&format!("\u{feff}{body}")), "Ungültig"),
            ("application/json", utf_16(body), "Ungültig"),
        ] {
            let text = rejected(&server, content_type, &body);
            assert!(text.contains(&format!("\"{shown}\"")), "{content_type}: {text}");
        }
    }
    // The second byte of this character in Shift JIS is a backslash.
    let body = b"{\"error\":\"invalid_grant\",\"error_description\":\"\x83\\ \x83\\\"}";
    assert!(rejected(&wyn(), "application/json; charset=shift_jis", body).contains('\u{fffd}'));
}

/// Rule: Formats: a token is read from a response in any encoding, and a token with an unreadable
/// character is an error.
#[test]
fn a_token_is_read_in_any_encoding_unless_it_is_unreadable() {
    let body = |token: &str| {
        format!(
            r#"{{"x":"é","access_token":"{token}","Token":"{token}","WinKasData":{{"CurrentToken":"{token}"}}}}"#
        )
    };
    for server in servers() {
        for bytes in [latin_1(&body("t")), utf_16(&body("t"))] {
            let answer = login(&server, 200, "application/json", &bytes);
            let Answer::Token(granted) = answer else { panic!("{answer:?}") };
            assert_eq!(granted.token.expose(), "t");
        }
        let answer = login(&server, 200, "application/json", &latin_1(&body("canaryé")));
        let Answer::Failed(error) = answer else { panic!("{answer:?}") };
        assert_eq!(error.kind(), ErrorKind::InvalidResponse);
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

/// Rule: Secrets: a secret that a server echoes in another encoding is redacted.
#[test]
fn a_secret_that_is_echoed_in_another_encoding_is_redacted() {
    let echo = |description: &[u8]| {
        let start = br#"{"error":"invalid_grant","error_description":"#;
        [start, &b"\"\xfc: "[..], description, b"\"}"].concat()
    };
    for content_type in ["application/json", "application/json; charset=iso-8859-1"] {
        for body in [echo(&latin_1(PASSWORD)), echo(PASSWORD.as_bytes())] {
            let text = rejected(&oauth2("u"), content_type, &body);
            assert!(text.contains("[redacted]") && !text.contains("canary"), "{text}");
            assert!(!text.contains("pass|w"), "{text}");
        }
    }
}
