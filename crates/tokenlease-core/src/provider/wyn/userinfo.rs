//! Userinfo: the validation of a token.

use ::http::Response;

use crate::{
    error::Result,
    http::{self, Request},
    provider::{oauth2, validation::Validation},
    token::Token,
};

/// Requests the user of a token (`GET /connect/userinfo`), to learn whether it is active.
///
/// ```
/// use tokenlease_core::{Token, TokenKind, provider::{Validation, wyn}};
///
/// let token = Token::new(TokenKind::Bearer, "4E2E");
/// let userinfo =
///     wyn::Userinfo { server: "https://wyn.example", path: wyn::USERINFO_PATH, token: &token };
/// let request = userinfo.request()?; // send it
/// assert_eq!(request.uri(), "https://wyn.example/connect/userinfo");
///
/// let response = http::Response::builder()
///     .status(401)
///     .header("www-authenticate", "Bearer error=\"invalid_token\"")
///     .body("")
///     .unwrap();
/// assert_eq!(wyn::Userinfo::parse(&response)?, Validation::Inactive);
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Userinfo<'a> {
    /// The server's base address.
    pub server: &'a str,
    /// The path of the userinfo endpoint, usually [`USERINFO_PATH`](super::USERINFO_PATH).
    pub path: &'a str,
    /// The token to validate.
    pub token: &'a Token,
}

impl Userinfo<'_> {
    /// Builds the request. It contains the token.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the server's address is not a URL, or if a
    /// header can't carry the token.
    pub fn request(&self) -> Result<Request> {
        oauth2::Userinfo { endpoint: &http::join(self.server, self.path), token: self.token }
            .request()
    }

    /// Parses the response: 401 with the error `invalid_token` means inactive, and the user's data mean
    /// active.
    ///
    /// # Errors
    /// An error is inconclusive: [`Throttled`](crate::ErrorKind::Throttled),
    /// [`Unavailable`](crate::ErrorKind::Unavailable) or
    /// [`InvalidResponse`](crate::ErrorKind::InvalidResponse).
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<Validation> {
        oauth2::Userinfo::parse(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{provider::wyn, token::TokenKind};

    #[test]
    fn the_token_is_sent_in_a_header_and_not_in_the_url() {
        let token = Token::new(TokenKind::Bearer, "4E2E");
        let userinfo =
            Userinfo { server: "https://wyn.example", path: wyn::USERINFO_PATH, token: &token };
        let request = userinfo.request().unwrap();
        assert_eq!(request.uri(), "https://wyn.example/connect/userinfo");
        assert_eq!(request.headers()["authorization"], "Bearer 4E2E");
        assert!(request.headers()["authorization"].is_sensitive());
    }
}
