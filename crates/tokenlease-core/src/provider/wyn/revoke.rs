//! The revocation of a token.

use ::http::Response;

use crate::{
    error::Result,
    http::{self, Request},
    provider::oauth2,
    token::Token,
};

/// Revokes a token at once, for all its users (`POST /connect/revocation`).
///
/// A user in a session with the token is sent to the login page.
///
/// ```
/// use tokenlease_core::{
///     Secret, Token, TokenKind,
///     provider::{oauth2::{Client, ClientAuth}, wyn},
/// };
///
/// let (token, secret) = (Token::new(TokenKind::Bearer, "4E2E"), Secret::from("SECRET"));
/// let revoke = wyn::Revoke {
///     server: "https://wyn.example",
///     path: wyn::REVOCATION_PATH,
///     token: &token,
///     client: Client { id: wyn::DEFAULT_CLIENT, secret: Some(&secret), auth: ClientAuth::Basic },
/// };
/// let request = revoke.request()?; // send it
/// assert_eq!(request.uri(), "https://wyn.example/connect/revocation");
/// wyn::Revoke::parse(&http::Response::new(""))?; // then ask userinfo whether it is inactive
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Revoke<'a> {
    /// The server's base address.
    pub server: &'a str,
    /// The path of the revocation endpoint, usually [`REVOCATION_PATH`](super::REVOCATION_PATH).
    pub path: &'a str,
    /// The token to revoke.
    pub token: &'a Token,
    /// The client that received the token. The Wyn article authenticates it by
    /// [`Basic`](oauth2::ClientAuth::Basic).
    pub client: oauth2::Client<'a>,
}

impl Revoke<'_> {
    /// Builds the request. It contains the token and the client's secret.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the server's address is not a URL, or if a
    /// header can't carry the client's id or secret.
    pub fn request(&self) -> Result<Request> {
        oauth2::Revoke {
            endpoint: &http::join(self.server, self.path),
            token: self.token,
            client: self.client,
            // The name of the hint in the Wyn article. The standard's name follows.
            extra: &[("token_type", "access_token")],
        }
        .request()
    }

    /// Parses the response.
    ///
    /// Success does not prove the revocation: the server also answers it for unknown tokens and for
    /// those of other clients, which stay active. [`Userinfo`](super::Userinfo) proves it.
    ///
    /// # Errors
    /// As [`oauth2::Revoke::parse`]: for example
    /// [`CredentialsRejected`](crate::ErrorKind::CredentialsRejected) for the client's secret, or
    /// [`Unavailable`](crate::ErrorKind::Unavailable).
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<()> {
        oauth2::Revoke::parse(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{provider::wyn, token::TokenKind};

    #[test]
    fn the_request_of_a_wyn_revocation_has_both_hints_and_the_client_in_a_header() {
        let revoke = Revoke {
            server: "https://wyn.example/base",
            path: wyn::REVOCATION_PATH,
            token: &Token::new(TokenKind::Bearer, "4E2E"),
            client: oauth2::Client {
                id: "integration",
                secret: Some(&"s:1".into()),
                auth: oauth2::ClientAuth::Basic,
            },
        };
        let request = revoke.request().unwrap();
        assert_eq!(request.uri(), "https://wyn.example/base/connect/revocation");
        // integration:s%3A1
        assert_eq!(request.headers()["authorization"], "Basic aW50ZWdyYXRpb246cyUzQTE=");
        let body = b"token=4E2E&token_type=access_token&token_type_hint=access_token";
        assert_eq!(request.body().as_bytes(), body);
    }
}
