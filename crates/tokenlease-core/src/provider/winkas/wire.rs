//! The envelope of WinKAS Air's responses, in all its spellings.

use std::fmt::Write as _;

use ::http::{Method, header};
use serde::Serialize;

use crate::{
    error::{Error, ErrorKind, Result},
    http::{self, Body, Request},
    provider::{field::Field, reading::Reading},
};

/// The address of WinKAS Air.
pub const DEFAULT_SERVER: &str = "https://air.winkas.net";

/// Builds a POST of JSON.
pub(crate) fn post(server: &str, path: &str, value: &impl Serialize) -> Result<Request> {
    let request = http::request(Method::POST, &http::join(server, path))?
        .header(header::CONTENT_TYPE, "application/json");
    http::finish(request, Body::json(value)?)
}

/// Returns the error of an unsuccessful response.
///
/// `rejected` is the kind of an error code inside an envelope, and of a 401. A redirecting, failing or
/// overloaded server rejects nothing.
pub(crate) fn failure(reading: &Reading<'_>, rejected: ErrorKind) -> Error {
    let status = reading.status.as_u16();
    if let Ok((envelope, _)) = Envelope::read(reading, "Token")
        && let Some(code) = envelope.failed()
        && !reading.status.is_redirection()
    {
        let transient = matches!(status, 408 | 425 | 429 | 500..=599);
        let kind = if transient { reading.kind_by_status(rejected).0 } else { rejected };
        return envelope.failure(reading, kind, &code);
    }
    reading.by_status(rejected)
}

/// Returns whether the response to an API call is an envelope with an error code.
pub(crate) fn failed_inside(reading: &Reading<'_>) -> bool {
    Envelope::read(reading, "Token").is_ok_and(|(envelope, _)| envelope.failed().is_some())
}

/// The fields that all responses have in common.
pub(crate) struct Envelope<'a> {
    error_code: Field<'a>,
    status: Field<'a>,
    status_text: Field<'a>,
    message: Field<'a>,
    authentication: Field<'a>,
}

impl<'a> Envelope<'a> {
    /// Reads a response's envelope and the field `wanted`.
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
            // WinKAS writes both `Winkas` and `WinKas`.
            |name, key| name == key || name.eq_ignore_ascii_case(key),
        )?;
        Ok((Self { error_code, status, status_text, message, authentication }, wanted))
    }

    /// Returns the error code, if there is one other than zero.
    pub(crate) fn failed(&self) -> Option<String> {
        [&self.error_code, &self.status].into_iter().find_map(|code| match number(code) {
            Code::Failure(text) => Some(text),
            Code::Success | Code::Unstated => None,
        })
    }

    /// Returns whether there is a code of zero, and no error code.
    pub(crate) fn succeeded(&self) -> bool {
        let codes = [&self.error_code, &self.status];
        self.failed().is_none() && codes.into_iter().any(|code| number(code) == Code::Success)
    }

    /// Returns the field with the result of `Validate`.
    pub(crate) fn authentication(&self) -> &Field<'a> {
        &self.authentication
    }

    /// Returns the error of a call with an error code: the code and the server's texts.
    pub(crate) fn failure(&self, reading: &Reading<'_>, kind: ErrorKind, code: &str) -> Error {
        let words = [self.message.word(), self.authentication.word()];
        let words = match words.into_iter().flatten().next() {
            Some(text) => format!("WinKAS said \"{}\"", reading.quote(text)),
            None => "WinKAS answered a code without a message".to_owned(),
        };
        let mut detail = words;
        if let Some(status) = self.status_text.word() {
            // Writing to a `String` can't fail.
            let _ = write!(detail, ", status \"{}\"", reading.quote(status));
        }
        let error = reading.error(kind, detail).with_code(reading.quote(code));
        match kind {
            ErrorKind::CredentialsRejected => {
                error.advice("correct the user, the password or the contract, then call `unblock`")
            }
            ErrorKind::TokenRejected => error.advice("log in for a new token"),
            _ => error.advice("retry later"),
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

/// Reads a code, as a number or a string. A value of another type is an unknown error code.
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
    fn codes_are_read_in_both_spellings_as_numbers_or_strings() {
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
    fn an_envelope_without_codes_is_neither_a_failure_nor_a_success() {
        assert_eq!(envelope("{}"), (None, false));
        assert_eq!(envelope(r#"{"WinkasErrorCode":"","Other":1}"#), (None, false));
    }

    #[test]
    fn an_error_quotes_the_servers_texts_unchanged() {
        let body = r#"{"WinkasErrorCode":12,"WinKasStatus":3,"WinKasStatusString":"Fejl\n",
            "WinKasMessage":"Ugyldig bruger é"}"#;
        let response = Response::new(body);
        let reading = Reading::of(&response);
        let (envelope, _) = Envelope::read(&reading, "Token").unwrap();
        let error = envelope.failure(&reading, ErrorKind::CredentialsRejected, "12");
        assert_eq!(
            error.to_string(),
            "credentials rejected: WinKAS said \"Ugyldig bruger é\", status \"Fejl\" (HTTP 200, \
             code 12); correct the user, the password or the contract, then call `unblock`"
        );
    }
}
