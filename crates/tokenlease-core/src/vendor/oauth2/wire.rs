//! What OAuth2 answers look like (RFC 6749 sections 5.1 and 5.2).

use std::time::Duration;

use crate::{
    error::{Error, ErrorKind, Result},
    secret::Secret,
    time::Timestamp,
    token::{Token, TokenKind},
    vendor::{
        field::Field,
        granted::{Granted, Life},
        reading::Reading,
    },
};

/// What a refusal means to the call that met it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stake {
    /// The call sent a user's or a client's credentials.
    Credentials,
    /// The call sent a refresh token: `invalid_grant` is about that.
    RefreshToken,
}

/// Reads a token endpoint's answer.
pub(crate) fn granted(reading: &Reading<'_>, sent_at: Timestamp, stake: Stake) -> Result<Granted> {
    if !reading.status.is_success() {
        return Err(failure(reading, stake));
    }
    let [token, kind, life, scope, refresh, code, description] = reading.fields(
        [
            "access_token",
            "token_type",
            "expires_in",
            "scope",
            "refresh_token",
            "error",
            "error_description",
        ],
        exactly,
    )?;
    // Some servers answer errors with 200.
    if let Some(code) = code.word() {
        return Err(refused(reading, code, description.word(), stake));
    }
    if let Some(kind) = kind.word()
        && !kind.eq_ignore_ascii_case("bearer")
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
        refresh_token: refresh.word().map(Secret::from),
        sent_at,
    })
}

/// The error of an answer without success.
pub(crate) fn failure(reading: &Reading<'_>, stake: Stake) -> Error {
    // What can't be read here is told by its status.
    match reading.fields(["error", "error_description"], exactly) {
        Ok([code, description]) => match code.word() {
            Some(code) => refused(reading, code, description.word(), stake),
            None => reading.by_status(ErrorKind::CredentialsRefused),
        },
        Err(_) => reading.by_status(ErrorKind::CredentialsRefused),
    }
}

/// The token in a field, fit to be sent back.
pub(crate) fn token_text(
    reading: &Reading<'_>,
    name: &str,
    field: &Field<'_>,
    kind: TokenKind,
) -> Result<Token> {
    let Some(text) = field.text().filter(|text| !text.trim().is_empty()) else {
        return Err(reading.bad_field(name, field.found(), "a token"));
    };
    let fits = match kind {
        TokenKind::Winkas => !text.contains(char::is_control),
        // RFC 6749 appendix A.12, and what a header can carry.
        TokenKind::Bearer => text.bytes().all(|byte| matches!(byte, b' '..=b'~')),
    };
    if !fits {
        let found = "a text with characters that no token can have";
        return Err(reading.bad_field(name, found, "a token of visible characters"));
    }
    Ok(Token::new(kind, text))
}

pub(crate) fn exactly(name: &str, key: &str) -> bool {
    name == key
}

/// The life that `expires_in` states: whole or broken seconds, as a number or a string.
fn expires_in(reading: &Reading<'_>, field: &Field<'_>) -> Result<Life> {
    let seconds = match field {
        Field::Missing | Field::Null => return Ok(Life::Unstated),
        Field::Unsigned(seconds) => return Ok(whole(*seconds)),
        Field::Negative(_) => return Ok(Life::Spent),
        Field::Float(seconds) => Some(*seconds),
        Field::Text(_) | Field::Owned(_) => {
            let text = field.word().unwrap_or_default();
            if let Ok(seconds) = text.parse() {
                return Ok(whole(seconds));
            }
            // `parse` would take words such as "infinity", too.
            text.parse()
                .ok()
                .filter(|_| !text.contains(|c| char::is_alphabetic(c) && !"eE".contains(c)))
        }
        Field::Bool(_) | Field::Array | Field::Object => None,
    };
    match seconds {
        Some(seconds) if seconds > 0.0 => {
            // What is too long for a Duration is the longest one.
            Ok(Life::Stated(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)))
        }
        Some(_) => Ok(Life::Spent),
        None => {
            let found = match field {
                Field::Text(_) | Field::Owned(_) => "a text that is no number",
                other => other.found(),
            };
            Err(reading.bad_field("expires_in", found, "a number of seconds"))
        }
    }
}

fn whole(seconds: u64) -> Life {
    match seconds {
        0 => Life::Spent,
        seconds => Life::Stated(Duration::from_secs(seconds)),
    }
}

/// The error of an answer with an error code: the code decides, then the status, never the words.
pub(crate) fn refused(
    reading: &Reading<'_>,
    code: &str,
    description: Option<&str>,
    stake: Stake,
) -> Error {
    let quoted = reading.quote(code);
    if reading.status.is_redirection() {
        return reading.by_status(ErrorKind::CredentialsRefused).with_code(quoted);
    }
    let (kind, advice) = by_code(code, stake)
        .filter(|(kind, _)| {
            // A failing or overloaded server's refusal is no word on the credentials.
            let passing = matches!(reading.status.as_u16(), 429 | 500..=599);
            !passing || matches!(kind, ErrorKind::Unavailable | ErrorKind::Throttled)
        })
        .unwrap_or_else(|| reading.kind_by_status(ErrorKind::CredentialsRefused));
    let detail = match description {
        Some(text) => format!("the server said \"{}\"", reading.quote(text)),
        None => format!("the server said {quoted} and no more"),
    };
    reading.error(kind, detail).advice(advice).with_code(quoted)
}

fn by_code(code: &str, stake: Stake) -> Option<(ErrorKind, &'static str)> {
    Some(match code {
        "temporarily_unavailable" | "server_error" => (ErrorKind::Unavailable, "try again later"),
        "slow_down" => (ErrorKind::Throttled, "wait, and ask less often"),
        "invalid_grant" if stake == Stake::RefreshToken => {
            (ErrorKind::TokenRefused, "the refresh token has ended: log in again")
        }
        "invalid_grant" => (
            ErrorKind::CredentialsRefused,
            "look at user, password and organization, mend them, then reset",
        ),
        "invalid_client" => (
            ErrorKind::CredentialsRefused,
            "look at client id and secret and at how they are sent, mend them, then reset",
        ),
        "invalid_scope" => (ErrorKind::Config, "ask for a scope that the server grants"),
        "unauthorized_client" => {
            (ErrorKind::Config, "allow this grant for the client at the server, or use another")
        }
        "unsupported_grant_type" => {
            (ErrorKind::Config, "use a grant that the server supports, and look at the token path")
        }
        "unsupported_token_type" => {
            (ErrorKind::Unsupported, "the server can't revoke access tokens: let the token end")
        }
        "invalid_request" => (
            ErrorKind::Unintelligible,
            "look at the configured paths, at how the client is authenticated and at empty options",
        ),
        _ => return None,
    })
}
