//! Authenticate with a token that one already holds.

use ::http::Response;
use serde::Serialize;

use super::{issue, wire};
use crate::{
    error::{ErrorKind, Result},
    http::Request,
    time::Timestamp,
    token::Token,
    vendor::{granted::Granted, reading::Reading},
};

/// Logs in again with a token (`Authenticate` with `UserToken`). The machine never uses it: a token
/// that works needs no other.
#[derive(Clone, Copy, Debug)]
pub struct IssueByToken<'a> {
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

impl IssueByToken<'_> {
    /// The request to send. It holds the token.
    pub fn request(&self) -> Result<Request> {
        wire::post(self.server, issue::PATH, &Form { user_token: self.token.expose() })
    }

    /// Reads the answer to a request that was sent at `sent_at`. A refusal is an error of the kind
    /// [`TokenRefused`](ErrorKind::TokenRefused): no credentials were sent.
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        issue::read(&Reading::of(response), sent_at, ErrorKind::TokenRefused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TokenKind;

    #[test]
    fn the_request_holds_the_token_alone() {
        let token = Token::new(TokenKind::Winkas, "a|b");
        let issue = IssueByToken { server: "https://air.winkas.net", token: &token };
        let request = issue.request().unwrap();
        assert_eq!(request.uri().path(), "/api/Authentication/Authenticate");
        assert_eq!(request.body().as_bytes(), br#"{"UserToken":"a|b"}"#);
    }

    #[test]
    fn a_refusal_is_about_the_token() {
        let response = Response::new(r#"{"WinkasErrorCode":1}"#);
        let error = IssueByToken::parse(&response, Timestamp(0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TokenRefused);
    }
}
