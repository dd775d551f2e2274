//! `Authenticate` with a token instead of a password.

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

/// Logs in with a token (`Authenticate` with `UserToken`).
///
/// The state machine never uses it, because an active token needs no replacement.
///
/// ```
/// use tokenlease_core::{ErrorKind, Timestamp, Token, TokenKind, provider::winkas};
///
/// let token = Token::new(TokenKind::Winkas, "U1vT|86Vb");
/// let login = winkas::LoginByToken { server: winkas::DEFAULT_SERVER, token: &token };
/// let request = login.request()?; // send it
/// assert_eq!(request.method(), "POST");
///
/// let rejected = http::Response::new(r#"{"WinkasErrorCode":1}"#);
/// let error = winkas::LoginByToken::parse(&rejected, Timestamp(0)).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::TokenRejected);
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LoginByToken<'a> {
    /// The server's base address, usually [`DEFAULT_SERVER`](super::DEFAULT_SERVER).
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
    /// Builds the request. It contains the token.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the server's address is not a URL.
    pub fn request(&self) -> Result<Request> {
        wire::post(self.server, login::PATH, &Form { user_token: self.token.expose() })
    }

    /// Parses the response to a request that was sent at `sent_at`.
    ///
    /// # Errors
    /// [`ErrorKind::TokenRejected`] for a rejection, as the call sends no credentials; otherwise as
    /// [`Login::parse`](super::Login::parse).
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        login::read(&Reading::of(response), sent_at, ErrorKind::TokenRejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TokenKind;

    #[test]
    fn the_request_of_a_login_by_token_contains_only_the_token() {
        let token = Token::new(TokenKind::Winkas, "a|b");
        let login = LoginByToken { server: "https://air.winkas.net", token: &token };
        let request = login.request().unwrap();
        assert_eq!(request.uri().path(), "/api/Authentication/Authenticate");
        assert_eq!(request.body().as_bytes(), br#"{"UserToken":"a|b"}"#);
    }

    #[test]
    fn a_rejected_login_by_token_rejects_the_token() {
        let response = Response::new(r#"{"WinkasErrorCode":1}"#);
        let error = LoginByToken::parse(&response, Timestamp(0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TokenRejected);
    }
}
