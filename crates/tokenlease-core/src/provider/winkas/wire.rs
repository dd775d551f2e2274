//! The envelope that WinKAS Air answers with, spelled as it may be.

use std::fmt::Write as _;

use ::http::{Method, header};
use serde::Serialize;

use crate::{
    error::{Error, ErrorKind, Result},
    http::{self, Body, Request},
    provider::{field::Field, reading::Reading},
};

/// The provider's server.
pub const DEFAULT_SERVER: &str = "https://air.winkas.net";

/// A POST of JSON.
pub(crate) fn post(server: &str, path: &str, value: &impl Serialize) -> Result<Request> {
    let request = http::request(Method::POST, &http::join(server, path))?
        .header(header::CONTENT_TYPE, "application/json");
    http::finish(request, Body::json(value)?)
}

/// The error of an answer without success. `rejected` is what a failure inside an envelope means,
/// and 401; but a redirecting, failing or overloaded server says no such thing.
pub(crate) fn failure(reading: &Reading<'_>, rejected: ErrorKind) -> Error {
    let status = reading.status.as_u16();
    if let Ok((envelope, _)) = Envelope::read(reading, "Token")
        && let Some(code) = envelope.failed()
        && !reading.status.is_redirection()
    {
        let passing = matches!(status, 408 | 425 | 429 | 500..=599);
        let kind = if passing { reading.kind_by_status(rejected).0 } else { rejected };
        return envelope.failure(reading, kind, &code);
    }
    reading.by_status(rejected)
}

/// Whether the answer to an API call is an envelope that says that the call failed.
pub(crate) fn failed_inside(reading: &Reading<'_>) -> bool {
    Envelope::read(reading, "Token").is_ok_and(|(envelope, _)| envelope.failed().is_some())
}

/// What an answer says, apart from what it was asked for.
pub(crate) struct Envelope<'a> {
    error_code: Field<'a>,
    status: Field<'a>,
    status_text: Field<'a>,
    message: Field<'a>,
    authentication: Field<'a>,
}

impl<'a> Envelope<'a> {
    /// Reads an answer's envelope and the field `wanted`.
    pub(crate) fn read(reading: &Reading<'a>, wanted: &'static str) -> Result<(Self, Field<'a>)> {
        let [error_code, status, status_text, message, authentication, wanted] = reading.fields(
            [
                "WinkasErrorCode",
                "WinKasStatus",
                "WinKasStatusString",
                "WinKasMessage",
                "AuthenticationMessage",
                wanted,
            ],
            // The provider writes `Winkas` and `WinKas`.
            |name, key| name == key || name.eq_ignore_ascii_case(key),
        )?;
        Ok((Self { error_code, status, status_text, message, authentication }, wanted))
    }

    /// The code other than zero that says that the call failed, if there is one.
    pub(crate) fn failed(&self) -> Option<String> {
        [&self.error_code, &self.status].into_iter().find_map(|code| match number(code) {
            Code::Failure(text) => Some(text),
            Code::Success | Code::Unstated => None,
        })
    }

    /// Whether a code says that the call succeeded, and none that it failed.
    pub(crate) fn succeeded(&self) -> bool {
        let codes = [&self.error_code, &self.status];
        self.failed().is_none() && codes.into_iter().any(|code| number(code) == Code::Success)
    }

    /// What Validate writes its validation into.
    pub(crate) fn authentication(&self) -> &Field<'a> {
        &self.authentication
    }

    /// The error of a call that failed inside the envelope: the provider's code and words.
    pub(crate) fn failure(&self, reading: &Reading<'_>, kind: ErrorKind, code: &str) -> Error {
        let words = [self.message.word(), self.authentication.word()];
        let words = match words.into_iter().flatten().next() {
            Some(text) => format!("WinKAS said \"{}\"", reading.quote(text)),
            None => "WinKAS said no more than a code".to_owned(),
        };
        let mut detail = words;
        if let Some(status) = self.status_text.word() {
            // Writing to a String can't fail.
            let _ = write!(detail, ", status \"{}\"", reading.quote(status));
        }
        let error = reading.error(kind, detail).with_code(reading.quote(code));
        match kind {
            ErrorKind::CredentialsRejected => {
                error.advice("look at user, password and contract, mend them, then unblock")
            }
            ErrorKind::TokenRejected => error.advice("ask for a new token"),
            _ => error.advice("try again later"),
        }
    }
}

#[derive(PartialEq)]
enum Code {
    Success,
    Failure(String),
    /// Missing, null or empty.
    Unstated,
}

/// A code, as a number or as a string. One of no such type is a failure that nobody knows.
fn number(field: &Field<'_>) -> Code {
    match field {
        Field::Missing | Field::Null => Code::Unstated,
        Field::Unsigned(0) => Code::Success,
        Field::Unsigned(code) => Code::Failure(code.to_string()),
        Field::Negative(code) => Code::Failure(code.to_string()),
        Field::Float(code) if *code == 0.0 => Code::Success,
        Field::Float(code) => Code::Failure(code.to_string()),
        Field::Text(_) | Field::Owned(_) => match field.word() {
            None => Code::Unstated,
            Some(text) if text.parse::<f64>().is_ok_and(|code| code == 0.0) => Code::Success,
            Some(text) => Code::Failure(text.to_owned()),
        },
        Field::Bool(_) | Field::Array | Field::Object => Code::Failure(field.found().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use ::http::Response;

    use super::*;

    fn envelope(body: &str) -> (Option<String>, bool) {
        let response = Response::new(body);
        let (envelope, _) = Envelope::read(&Reading::of(&response), "Token").unwrap();
        (envelope.failed(), envelope.succeeded())
    }

    #[test]
    fn codes_are_read_in_either_spelling_as_numbers_or_strings() {
        for success in [
            r#"{"WinkasErrorCode":0,"WinKasStatus":0}"#,
            r#"{"WinKasErrorCode":"0","WinkasStatus":"0"}"#,
            r#"{"winkaserrorcode":0.0}"#,
            r#"{"WinkasErrorCode":null,"WinKasStatus":" 0 "}"#,
        ] {
            assert_eq!(envelope(success), (None, true), "{success}");
        }
        for (failure, code) in [
            (r#"{"WinkasErrorCode":12,"WinKasStatus":0}"#, "12"),
            (r#"{"WinkasErrorCode":0,"WinKasStatus":"7"}"#, "7"),
            (r#"{"WinkasErrorCode":-1}"#, "-1"),
            (r#"{"WinkasErrorCode":"E42"}"#, "E42"),
            (r#"{"WinKasStatus":{}}"#, "an object"),
        ] {
            assert_eq!(envelope(failure), (Some(code.to_owned()), false), "{failure}");
        }
    }

    #[test]
    fn an_envelope_without_codes_neither_failed_nor_succeeded() {
        assert_eq!(envelope("{}"), (None, false));
        assert_eq!(envelope(r#"{"WinkasErrorCode":"","Other":1}"#), (None, false));
    }

    #[test]
    fn the_providers_words_stay_as_they_are() {
        let body = r#"{"WinkasErrorCode":12,"WinKasStatus":3,"WinKasStatusString":"Fejl\n",
            "WinKasMessage":"Ugyldig bruger é"}"#;
        let response = Response::new(body);
        let reading = Reading::of(&response);
        let (envelope, _) = Envelope::read(&reading, "Token").unwrap();
        let error = envelope.failure(&reading, ErrorKind::CredentialsRejected, "12");
        assert_eq!(
            error.to_string(),
            "credentials rejected: WinKAS said \"Ugyldig bruger é\", status \"Fejl\" (HTTP 200, \
             code 12); look at user, password and contract, mend them, then unblock"
        );
    }
}
