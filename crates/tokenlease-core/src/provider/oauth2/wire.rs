//! The format of OAuth2 responses (RFC 6749 sections 5.1 and 5.2).

use std::time::Duration;

use super::failure::{self, Presented};
use crate::{
    error::Result,
    provider::{
        field::Field,
        granted::{Granted, Life},
        reading::Reading,
        text,
    },
    secret::Secret,
    time::Timestamp,
    token::{Token, TokenKind},
};

/// Parses the response of a token endpoint.
pub(crate) fn granted(
    reading: &Reading<'_>,
    sent_at: Timestamp,
    presented: Presented,
) -> Result<Granted> {
    if !reading.status.is_success() {
        return Err(failure::of(reading, presented));
    }
    let [token, kind, life, scope, refresh, error] = reading.fields(
        ["access_token", "token_type", "expires_in", "scope", "refresh_token", "error"],
        exactly,
    )?;
    // Some servers send errors with status 200.
    if error.word().is_some() {
        return Err(failure::of(reading, presented));
    }
    if let Some(kind) = kind.word()
        && !kind.to_ascii_lowercase().starts_with("bearer")
    {
        let kind = format!("\"{}\"", reading.quote(kind));
        return Err(reading.bad_field(
            "token_type",
            kind,
            "Bearer, the only type that is supported",
        ));
    }
    Ok(Granted {
        token: token_text(reading, "access_token", &token, TokenKind::Bearer)?,
        life: expires_in(reading, &life)?,
        scope: scope.word().map(str::to_owned),
        refresh_token: refresh.word().filter(|text| !text::is_unreadable(text)).map(Secret::from),
        sent_at,
    })
}

/// Returns the token in a field, if an API call can carry it.
pub(crate) fn token_text(
    reading: &Reading<'_>,
    name: &str,
    field: &Field<'_>,
    kind: TokenKind,
) -> Result<Token> {
    match field.text() {
        Some(text) if kind.fits(text) && !text::is_unreadable(text) => Ok(Token::new(kind, text)),
        Some(text) if !text.trim().is_empty() => {
            let found = "a text with characters that no token can have";
            Err(reading.bad_field(name, found, "a token of visible characters"))
        }
        _ => Err(reading.bad_field(name, field.found(), "a token")),
    }
}

pub(crate) fn exactly(name: &str, key: &str) -> bool {
    name == key
}

/// Returns the lifetime in `expires_in`: integer or fractional seconds, as a number or a string.
fn expires_in(reading: &Reading<'_>, field: &Field<'_>) -> Result<Life> {
    let seconds = match field {
        Field::Missing | Field::Null => return Ok(Life::Unstated),
        Field::Unsigned(seconds) => return Ok(whole(*seconds)),
        Field::Negative(_) => return Ok(Life::ExpiredOnArrival),
        Field::Float(seconds) => Some(*seconds),
        Field::Text(_) | Field::Owned(_) => {
            let text = field.word().unwrap_or_default();
            if let Ok(seconds) = text.parse() {
                return Ok(whole(seconds));
            }
            // `parse` would also accept words such as "infinity".
            text.parse()
                .ok()
                .filter(|_| !text.contains(|c| char::is_alphabetic(c) && !"eE".contains(c)))
        }
        Field::Bool(_) | Field::Array | Field::Object => None,
    };
    match seconds {
        Some(seconds) if seconds > 0.0 => {
            // A number too large for a `Duration` becomes the longest one.
            Ok(Life::Stated(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)))
        }
        Some(_) => Ok(Life::ExpiredOnArrival),
        None => {
            let found = match field {
                Field::Text(_) | Field::Owned(_) => "a text that is not a number",
                other => other.found(),
            };
            Err(reading.bad_field("expires_in", found, "a number of seconds"))
        }
    }
}

fn whole(seconds: u64) -> Life {
    match seconds {
        0 => Life::ExpiredOnArrival,
        seconds => Life::Stated(Duration::from_secs(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use ::http::Response;

    use super::*;
    use crate::error::ErrorKind;

    fn parse(status: u16, body: &str) -> Result<Granted> {
        let response = Response::builder().status(status).body(body).unwrap();
        granted(&Reading::of(&response), Timestamp(1_000), Presented::Credentials)
    }

    fn life(expires_in: &str) -> Result<Life> {
        parse(200, &format!(r#"{{"access_token":"t","expires_in":{expires_in}}}"#))
            .map(|granted| granted.life)
    }

    #[test]
    fn a_token_is_read_from_fields_in_any_order_among_others() {
        let body = "\u{feff}{\"x\":{\"access_token\":\"no\"},\"scope\":\"a b\",\"token_type\":\
            \"bearer\",\"refresh_token\":\"r\",\"access_token\":\"t-1\",\"expires_in\":\"60\"}";
        let granted = parse(200, body).unwrap();
        assert_eq!(granted.token, Token::new(TokenKind::Bearer, "t-1"));
        assert_eq!(granted.life, Life::Stated(Duration::from_secs(60)));
        assert_eq!(granted.expires_at(), Some(Timestamp(61_000)));
        assert_eq!(granted.scope.as_deref(), Some("a b"));
        assert_eq!(granted.refresh_token, Some("r".into()));
    }

    #[test]
    fn an_empty_scope_and_a_missing_type_are_accepted() {
        let granted = parse(200, r#"{"access_token":"t","scope":"","refresh_token":null}"#);
        let granted = granted.unwrap();
        assert_eq!((granted.scope, granted.refresh_token), (None, None));
        let granted = parse(200, r#"{"access_token":"t","scope":["a"],"token_type":null}"#);
        assert_eq!(granted.unwrap().scope, None);
        for kind in ["bearer", "BearerToken", "bearer_token", "Bearer Token"] {
            let body = format!(r#"{{"access_token":"t","token_type":"{kind}"}}"#);
            assert_eq!(parse(200, &body).unwrap().token.expose(), "t", "{kind}");
        }
    }

    #[test]
    fn of_a_repeated_token_the_last_one_counts() {
        let granted = parse(200, r#"{"access_token":"a","access_token":"b"}"#).unwrap();
        assert_eq!(granted.token.expose(), "b");
    }

    /// Rule: Expiry: `expires_in` is read as a number or a string, of any length, and saturates.
    ///
    /// Reported as directus/directus#4054 and keycloak/keycloak-js#107.
    #[test]
    fn expires_in_is_read_in_any_length_and_notation() {
        let stated = |millis| Life::Stated(Duration::from_millis(millis));
        for (text, expected) in [
            ("3600", stated(3_600_000)),
            ("3600.5", stated(3_600_500)),
            ("\"3600\"", stated(3_600_000)),
            ("\" 3600.0 \"", stated(3_600_000)),
            ("\"1E3\"", stated(1_000_000)),
            ("315360000", stated(315_360_000_000)),
            ("18446744073709551615", Life::Stated(Duration::from_secs(u64::MAX))),
            ("184467440737095516150", Life::Stated(Duration::MAX)),
            ("\"184467440737095516150\"", Life::Stated(Duration::MAX)),
            ("1e300", Life::Stated(Duration::MAX)),
            ("0", Life::ExpiredOnArrival),
            ("-1", Life::ExpiredOnArrival),
            ("-0.5", Life::ExpiredOnArrival),
            ("\"-3600\"", Life::ExpiredOnArrival),
            ("null", Life::Unstated),
        ] {
            assert_eq!(life(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn an_expires_in_that_is_not_a_number_is_an_error_that_names_the_field() {
        for (text, found) in [
            ("\"soon\"", "a text that is not a number"),
            ("\"\"", "a text that is not a number"),
            ("\"inf\"", "a text that is not a number"),
            ("\"NaN\"", "a text that is not a number"),
            ("true", "a boolean"),
            ("[]", "an array"),
        ] {
            let error = life(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidResponse);
            assert_eq!(error.detail(), format!("the response's `expires_in` is {found}"));
        }
    }

    #[test]
    fn a_response_without_a_bearer_token_is_an_error_that_names_the_field() {
        for (body, detail) in [
            ("{}", "the response's `access_token` is missing"),
            (r#"{"access_token":""}"#, "the response's `access_token` is an empty string"),
            (r#"{"access_token":7}"#, "the response's `access_token` is a number"),
            (
                r#"{"access_token":"a\r\nb"}"#,
                "the response's `access_token` is a text with characters that no token can have",
            ),
            (
                r#"{"access_token":"å"}"#,
                "the response's `access_token` is a text with characters that no token can have",
            ),
            (
                r#"{"access_token":"t","token_type":"MAC"}"#,
                "the response's `token_type` is \"MAC\"",
            ),
            (
                r#"{"access_token":"canary"#,
                "`access_token` in 23 bytes of no stated type can't be read as a JSON object: EOF \
                 while parsing a string at line 1 column 23",
            ),
        ] {
            let error = parse(200, body).unwrap_err();
            assert_eq!((error.kind(), error.detail()), (ErrorKind::InvalidResponse, detail));
        }
    }
}
