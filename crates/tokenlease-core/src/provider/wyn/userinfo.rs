//! The server's word on a token.

use ::http::Response;

use crate::{
    error::Result,
    http::{self, Request},
    provider::{oauth2, validation::Validation},
    token::Token,
};

/// Asks who a token speaks for (`GET /connect/userinfo`), to learn whether it is active.
#[derive(Clone, Copy, Debug)]
pub struct Userinfo<'a> {
    /// The server's base address.
    pub server: &'a str,
    /// The path of the userinfo endpoint, as a rule [`USERINFO_PATH`](super::USERINFO_PATH).
    pub path: &'a str,
    /// The token that is asked about.
    pub token: &'a Token,
}

impl Userinfo<'_> {
    /// The request to send. It holds the token.
    pub fn request(&self) -> Result<Request> {
        oauth2::Userinfo { endpoint: &http::join(self.server, self.path), token: self.token }
            .request()
    }

    /// Reads the validation: 401 is a no, the user's data a yes. All else is an error: no word.
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<Validation> {
        oauth2::Userinfo::parse(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{provider::wyn, token::TokenKind};

    #[test]
    fn the_token_stands_in_a_header_and_not_in_the_address() {
        let token = Token::new(TokenKind::Bearer, "4E2E");
        let userinfo =
            Userinfo { server: "https://wyn.example", path: wyn::USERINFO_PATH, token: &token };
        let request = userinfo.request().unwrap();
        assert_eq!(request.uri(), "https://wyn.example/connect/userinfo");
        assert_eq!(request.headers()["authorization"], "Bearer 4E2E");
        assert!(request.headers()["authorization"].is_sensitive());
    }
}
