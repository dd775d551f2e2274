//! Authenticate with a token that one already holds.

use ::http::Response;
use serde::Serialize;

use super::{login, wire};
use crate::{
    error::{ErrorKind, Result},
    http::Request,
    provider::{granted::Granted, reading::Reading},
    time::Timestamp,
    token::Token,
};

/// Logs in again with a token (`Authenticate` with `UserToken`). The machine never uses it: a token
/// that works needs no other.
#[derive(Clone, Copy, Debug)]
pub struct LoginByToken<'a> {
    /// The server's base address, as a rule [`DEFAULT_SERVER`](super::DEFAULT_SERVER).
    pub server: &'a str,
    /// The token.
    pub token: &'a Token,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Form<'a> {
    user_token: &'a str,
}

impl LoginByToken<'_> {
    /// The request to send. It holds the token.
    pub fn request(&self) -> Result<Request> {
        wire::post(self.server, login::PATH, &Form { user_token: self.token.expose() })
    }

    /// Reads the answer to a request that was sent at `sent_at`. A rejection is an error of the kind
    /// [`TokenRejected`](ErrorKind::TokenRejected): no credentials were sent.
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        login::read(&Reading::of(response), sent_at, ErrorKind::TokenRejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TokenKind;

    #[test]
    fn the_request_holds_the_token_alone() {
        let token = Token::new(TokenKind::Winkas, "a|b");
        let login = LoginByToken { server: "https://air.winkas.net", token: &token };
        let request = login.request().unwrap();
        assert_eq!(request.uri().path(), "/api/Authentication/Authenticate");
        assert_eq!(request.body().as_bytes(), br#"{"UserToken":"a|b"}"#);
    }

    #[test]
    fn a_rejection_is_about_the_token() {
        let response = Response::new(r#"{"WinkasErrorCode":1}"#);
        let error = LoginByToken::parse(&response, Timestamp(0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TokenRejected);
    }
}
