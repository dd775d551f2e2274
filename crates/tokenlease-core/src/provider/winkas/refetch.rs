//! `refetchToken`: the last active token instead of a new one.

use ::http::Response;
use serde::Serialize;

use super::wire::{self, Envelope};
use crate::{
    error::{Error, ErrorKind, Result},
    http::Request,
    provider::{
        Answer,
        granted::{Granted, Life},
        oauth2,
        reading::Reading,
    },
    secret::Secret,
    time::Timestamp,
    token::TokenKind,
};

/// Requests the last active token of a user of a contract (`refetchToken`).
///
/// The response does not state when the token was made, nor when it expires. It may have expired.
///
/// ```
/// use tokenlease_core::{Secret, Timestamp, provider::winkas};
///
/// let password = Secret::from("PASSWORD");
/// let refetch = winkas::Refetch {
///     server: winkas::DEFAULT_SERVER,
///     user: "NAME",
///     password: &password,
///     contract: "CODE",
/// };
/// let request = refetch.request()?; // send it
/// assert_eq!(request.uri().path(), "/api/authentication/refetchToken/");
///
/// let response = http::Response::new(r#"{"Token":"U1vT|86Vb","WinkasErrorCode":0}"#);
/// let granted = winkas::Refetch::parse(&response, Timestamp(0))?;
/// assert_eq!(granted.expires_at(), None); // validate it before use
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Refetch<'a> {
    /// The server's base address, usually [`DEFAULT_SERVER`](super::DEFAULT_SERVER).
    pub server: &'a str,
    /// The user's name.
    pub user: &'a str,
    /// The user's password.
    pub password: &'a Secret,
    /// The contract code.
    pub contract: &'a str,
}

// The names differ from those of Authenticate.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Form<'a> {
    contract_id: &'a str,
    username: &'a str,
    password: &'a str,
}

impl Refetch<'_> {
    /// Builds the request. It contains the password.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the server's address is not a URL.
    pub fn request(&self) -> Result<Request> {
        let form = Form {
            contract_id: self.contract,
            username: self.user,
            password: self.password.expose(),
        };
        wire::post(self.server, "/api/authentication/refetchToken/", &form)
    }

    /// Parses the response to a request that was sent at `sent_at`.
    ///
    /// # Errors
    /// [`ErrorKind::TokenRejected`] if there is no token, which does not reject the credentials;
    /// [`ErrorKind::Throttled`], [`ErrorKind::Unavailable`] or [`ErrorKind::InvalidResponse`] if the
    /// refetch failed.
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        match read(&Reading::of(response), sent_at) {
            Answer::Token(granted) => Ok(granted),
            Answer::NoToken(error) | Answer::NotRevoked(error) | Answer::Failed(error) => {
                Err(error)
            }
            Answer::Active | Answer::Inactive | Answer::Revoked => {
                Err(Error::new(ErrorKind::Internal, "a refetch was parsed as another call"))
            }
        }
    }
}

/// Parses a response of `refetchToken`: a token, no token, or a failure.
pub(crate) fn read(reading: &Reading<'_>, sent_at: Timestamp) -> Answer {
    if !reading.status.is_success() {
        let error = wire::failure(reading, ErrorKind::TokenRejected);
        // A rejection means that there is no token. As a failure it would send the credentials again.
        return match error.kind() {
            ErrorKind::TokenRejected => Answer::NoToken(error),
            _ => Answer::Failed(error),
        };
    }
    let (envelope, token) = match Envelope::read(reading, "Token") {
        Ok(read) => read,
        Err(error) => return Answer::Failed(error),
    };
    if let Some(code) = envelope.failed() {
        return Answer::NoToken(envelope.failure(reading, ErrorKind::TokenRejected, &code));
    }
    if token.is_none() {
        let detail = format!("the response's `Token` is {}", token.found());
        return Answer::NoToken(
            reading
                .error(ErrorKind::TokenRejected, detail)
                .expected("the last active token")
                .advice("log in for a new token"),
        );
    }
    match oauth2::wire::token_text(reading, "Token", &token, TokenKind::Winkas) {
        Ok(token) => Answer::Token(Granted {
            token,
            life: Life::Unstated,
            scope: None,
            refresh_token: None,
            sent_at,
        }),
        Err(error) => Answer::Failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(7);

    fn answer(status: u16, body: &str) -> Answer {
        let response = Response::builder().status(status).body(body).unwrap();
        read(&Reading::of(&response), AT)
    }

    #[test]
    fn the_request_of_a_refetch_uses_its_documented_names_and_a_single_slash() {
        let request = Refetch {
            server: "https://air.winkas.net/",
            user: "MJ",
            password: &"pw".into(),
            contract: "42",
        }
        .request()
        .unwrap();
        assert_eq!(request.uri(), "https://air.winkas.net/api/authentication/refetchToken/");
        let body = br#"{"ContractId":"42","Username":"MJ","Password":"pw"}"#;
        assert_eq!(request.body().as_bytes(), body);
    }

    #[test]
    fn a_refetch_returns_the_last_active_token_without_an_expiry() {
        let body = r#"{"Token":"U1vT","WinkasErrorCode":0,"WinKasStatus":"0"}"#;
        let Answer::Token(granted) = answer(200, body) else { panic!("no token") };
        assert_eq!((granted.token.expose(), granted.expires_at()), ("U1vT", None));
        let granted = Refetch::parse(&Response::new(body), AT).unwrap();
        assert_eq!(granted.sent_at, AT);
    }

    /// Rule: Refetch: a refetch without a token, or with an error code, means that there is no token, and
    /// does not reject the credentials.
    #[test]
    fn a_refetch_without_a_token_or_with_an_error_code_does_not_reject_the_credentials() {
        for (status, body) in [
            (200, r#"{"Token":null,"WinkasErrorCode":0}"#),
            (200, r#"{"Token":" ","WinkasErrorCode":0}"#),
            (200, r#"{"Token":"canary","WinkasErrorCode":3}"#),
            (200, r#"{"WinKasStatus":-1}"#),
            (400, r#"{"WinKasStatus":1}"#),
            (401, ""),
        ] {
            let Answer::NoToken(error) = answer(status, body) else { panic!("{status} {body}") };
            assert_eq!(error.kind(), ErrorKind::TokenRejected, "{body}");
            assert!(!error.to_string().contains("canary"));
        }
    }

    /// Rule: Refetch: a failed refetch does not mean that there is no token.
    #[test]
    fn any_other_response_to_a_refetch_is_a_failure() {
        for (status, body, kind) in [
            (200, "", ErrorKind::InvalidResponse),
            (200, r#"{"WinkasErrorCode":0}"#, ErrorKind::InvalidResponse),
            (200, r#"{"Token":7,"WinkasErrorCode":0}"#, ErrorKind::InvalidResponse),
            (404, "<html>", ErrorKind::Unavailable),
            (500, r#"{"WinKasStatus":1}"#, ErrorKind::Unavailable),
            (429, "", ErrorKind::Throttled),
        ] {
            let Answer::Failed(error) = answer(status, body) else { panic!("{status} {body}") };
            assert_eq!(error.kind(), kind, "{status} {body}");
        }
    }
}
