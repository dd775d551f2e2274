//! `Authenticate`: the login of a user of a contract.

use ::http::Response;
use serde::Serialize;

use super::wire::{self, Envelope};
use crate::{
    error::{ErrorKind, Result},
    http::Request,
    provider::{
        granted::{Granted, Life},
        oauth2,
        reading::Reading,
    },
    secret::Secret,
    time::Timestamp,
    token::TokenKind,
};

/// The path of `Authenticate`, for credentials and for a token.
pub(super) const PATH: &str = "/api/Authentication/Authenticate";

/// Logs in with user, password and contract (`Authenticate`).
///
/// It is not documented whether the new token ends the older ones, nor whether the response may
/// contain the running token.
///
/// ```
/// use tokenlease_core::{Secret, Timestamp, provider::{Life, winkas}};
///
/// let password = Secret::from("PASSWORD");
/// let login = winkas::Login {
///     server: winkas::DEFAULT_SERVER,
///     user: "NAME",
///     password: &password,
///     contract: "CODE",
/// };
/// let request = login.request()?;
/// assert_eq!(request.uri(), "https://air.winkas.net/api/Authentication/Authenticate");
///
/// // Send it with any HTTP library, and note when, on a clock that includes time in suspend.
/// let sent_at = Timestamp(1_000);
/// let response = http::Response::new(
///     r#"{ "WinKasData": { "CurrentToken": "U1vT|86Vb-crg_" },
///          "WinkasErrorCode": 0, "WinKasStatus": 0, "WinKasStatusString": "Okay" }"#,
/// );
///
/// let granted = winkas::Login::parse(&response, sent_at)?;
/// assert_eq!(granted.token.expose(), "U1vT|86Vb-crg_");
/// assert_eq!(granted.life, Life::Unstated);
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The server's base address, usually [`DEFAULT_SERVER`](super::DEFAULT_SERVER).
    pub server: &'a str,
    /// The user's name.
    pub user: &'a str,
    /// The user's password.
    pub password: &'a Secret,
    /// The contract code.
    pub contract: &'a str,
}

#[derive(Serialize)]
struct Form<'a> {
    #[serde(rename = "UserName")]
    user: &'a str,
    #[serde(rename = "UserPassword")]
    password: &'a str,
    #[serde(rename = "UserContractCode")]
    contract: &'a str,
}

impl Login<'_> {
    /// Builds the request. It contains the password.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the server's address is not a URL.
    pub fn request(&self) -> Result<Request> {
        let form =
            Form { user: self.user, password: self.password.expose(), contract: self.contract };
        wire::post(self.server, PATH, &form)
    }

    /// Parses the response to a request that was sent at `sent_at`.
    ///
    /// Errors quote the server's texts. [`Error::redact`](crate::Error::redact) hides secrets that the
    /// server echoes.
    ///
    /// # Errors
    /// [`ErrorKind::CredentialsRejected`] for an error code other than zero,
    /// [`ErrorKind::Throttled`], [`ErrorKind::Unavailable`] or [`ErrorKind::InvalidResponse`].
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        read(&Reading::of(response), sent_at, ErrorKind::CredentialsRejected)
    }
}

/// Parses a response of `Authenticate`. `rejected` is the kind of an error code other than zero.
pub(crate) fn read(
    reading: &Reading<'_>,
    sent_at: Timestamp,
    rejected: ErrorKind,
) -> Result<Granted> {
    const TOKEN: &str = "WinKasData.CurrentToken";
    if !reading.status.is_success() {
        return Err(wire::failure(reading, rejected));
    }
    let (envelope, token) = Envelope::read(reading, TOKEN)?;
    if let Some(code) = envelope.failed() {
        return Err(envelope.failure(reading, rejected, &code));
    }
    Ok(Granted {
        token: oauth2::wire::token_text(reading, TOKEN, &token, TokenKind::Winkas)?,
        life: Life::Unstated,
        scope: None,
        refresh_token: None,
        sent_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(7);

    fn parse(status: u16, body: &str) -> Result<Granted> {
        Login::parse(&Response::builder().status(status).body(body).unwrap(), AT)
    }

    #[test]
    fn the_request_of_a_winkas_login_is_the_documented_one() {
        let request = Login {
            server: "https://air.winkas.net/",
            user: "M\"J",
            password: &"p|w".into(),
            contract: "42",
        }
        .request()
        .unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "https://air.winkas.net/api/Authentication/Authenticate");
        assert_eq!(request.headers()["content-type"], "application/json");
        assert_eq!(request.headers()["accept"], "application/json");
        let body = br#"{"UserName":"M\"J","UserPassword":"p|w","UserContractCode":"42"}"#;
        assert_eq!(request.body().as_bytes(), body);
    }

    #[test]
    fn the_token_is_found_in_the_documented_response() {
        let body = r#"{ "AuthenticationMessage": "User successfully authenticated",
            "WinKasData": { "Id": 3397, "UserName": "", "UserPassword": "",
              "CurrentToken": "U1vT|86Vb-crg_", "AuthLevel": null }, "WinkasErrorCode": 0,
            "WinKasStatus": 0, "ResponseInfo": { "ElapsedSeconds": 0.1 }, "Source": null }"#;
        let granted = parse(200, body).unwrap();
        assert_eq!(granted.token, crate::Token::new(TokenKind::Winkas, "U1vT|86Vb-crg_"));
        assert_eq!((granted.life, granted.sent_at), (Life::Unstated, AT));
        assert_eq!(granted.expires_at(), None);
    }

    /// Rule: Clocks: no expiry is taken from a time without a time zone.
    ///
    /// Reported as wmalgadey/PyTado#188.
    #[test]
    fn a_time_without_a_zone_is_ignored() {
        let body =
            |time| format!(r#"{{"WinKasData":{{"CurrentToken":"t"}},"ResponseDateTime":{time}}}"#);
        let granted = parse(200, &body(r#""2022-03-21T10:43:26""#)).unwrap();
        for time in [r#""2026-10-25T02:30:00""#, r#""tomorrow""#, "null", "-7", "{}"] {
            assert_eq!(parse(200, &body(time)).unwrap(), granted);
        }
    }

    #[test]
    fn an_error_code_rejects_the_credentials_even_beside_a_token() {
        let body = r#"{"WinKasData":{"CurrentToken":"canary"},"WinkasErrorCode":"5"}"#;
        for status in [200, 400, 403] {
            let error = parse(status, body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
            assert_eq!((error.code(), error.status()), (Some("5"), Some(status)));
            assert!(!error.to_string().contains("canary"));
        }
        assert_eq!(parse(401, "").unwrap_err().kind(), ErrorKind::CredentialsRejected);
    }

    /// Rule: Circuit: a response of a failing or overloaded server does not reject the credentials.
    #[test]
    fn a_failing_or_overloaded_server_does_not_reject_the_credentials() {
        let body = r#"{"WinkasErrorCode":5,"WinKasMessage":"busy"}"#;
        let error = parse(503, body).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, Some("5")));
        assert_eq!(parse(429, body).unwrap_err().kind(), ErrorKind::Throttled);
        assert_eq!(parse(302, body).unwrap_err().kind(), ErrorKind::InvalidResponse);
        assert_eq!(parse(403, "<html>").unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(parse(400, "?").unwrap_err().kind(), ErrorKind::InvalidResponse);
    }

    #[test]
    fn a_success_without_a_token_is_an_error_that_names_the_field() {
        for (data, found) in [
            ("null", "null"),
            ("{}", "missing"),
            (r#"{"CurrentToken":""}"#, "an empty string"),
            (r#"{"CurrentToken":[]}"#, "an array"),
            (r#"{"CurrentToken":"a\nb"}"#, "a text with characters that no token can have"),
        ] {
            let body = format!(r#"{{"WinKasData":{data},"WinkasErrorCode":0}}"#);
            let error = parse(200, &body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidResponse);
            let detail = format!("the response's `WinKasData.CurrentToken` is {found}");
            assert_eq!(error.detail(), detail);
        }
    }
}
