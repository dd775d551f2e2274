//! `refetchToken`: the last active token, instead of a new one.

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

/// The last active token of a user of a contract (`refetchToken`). When it was issued, and so when
/// it ends, is not said; it may have ended since.
#[derive(Clone, Copy, Debug)]
pub struct Refetch<'a> {
    /// The server's base address, as a rule [`DEFAULT_SERVER`](super::DEFAULT_SERVER).
    pub server: &'a str,
    /// The user's name.
    pub user: &'a str,
    /// The user's password.
    pub password: &'a Secret,
    /// The contract's code.
    pub contract: &'a str,
}

// Other names than those of Authenticate.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Form<'a> {
    contract_id: &'a str,
    username: &'a str,
    password: &'a str,
}

impl Refetch<'_> {
    /// The request to send. It holds the password.
    pub fn request(&self) -> Result<Request> {
        let form = Form {
            contract_id: self.contract,
            username: self.user,
            password: self.password.expose(),
        };
        wire::post(self.server, "/api/authentication/refetchToken/", &form)
    }

    /// Reads the answer to a request that was sent at `sent_at`. That there is no token to have is
    /// an error of the kind [`TokenRejected`](ErrorKind::TokenRejected), which says nothing about the
    /// credentials.
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        match read(&Reading::of(response), sent_at) {
            Answer::Token(granted) => Ok(granted),
            Answer::NoToken(error) | Answer::Failed(error) => Err(error),
            Answer::Active | Answer::Inactive | Answer::Revoked => {
                Err(Error::new(ErrorKind::Internal, "a refetch was read as another call"))
            }
        }
    }
}

/// What an answer of `refetchToken` says: a token, that there is none, or no word.
pub(crate) fn read(reading: &Reading<'_>, sent_at: Timestamp) -> Answer {
    if !reading.status.is_success() {
        let error = wire::failure(reading, ErrorKind::TokenRejected);
        // A clear no is none and not "no word", after which the credentials would be sent again.
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
        let detail = format!("the answer's `Token` is {}", token.found());
        return Answer::NoToken(
            reading
                .error(ErrorKind::TokenRejected, detail)
                .expected("the last active token")
                .advice("ask for a new token"),
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
    fn the_request_uses_other_names_than_authenticate_and_one_slash() {
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
    fn the_last_active_token_comes_back_without_an_end() {
        let body = r#"{"Token":"U1vT","WinkasErrorCode":0,"WinKasStatus":"0"}"#;
        let Answer::Token(granted) = answer(200, body) else { panic!("no token") };
        assert_eq!((granted.token.expose(), granted.expires_at()), ("U1vT", None));
        let granted = Refetch::parse(&Response::new(body), AT).unwrap();
        assert_eq!(granted.sent_at, AT);
    }

    #[test]
    fn no_token_and_failures_inside_the_envelope_say_nothing_about_the_credentials() {
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

    #[test]
    fn everything_else_is_no_word() {
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
