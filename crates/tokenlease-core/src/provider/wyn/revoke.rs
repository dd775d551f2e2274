//! The end of a token, asked for.

use ::http::Response;

use crate::{
    error::Result,
    http::{self, Request},
    provider::oauth2,
    token::Token,
};

/// Ends a token for all who use it (`POST /connect/revocation`), at once: a user in a session with
/// it is sent to the login page.
#[derive(Clone, Copy, Debug)]
pub struct Revoke<'a> {
    /// The server's base address.
    pub server: &'a str,
    /// The path of the revocation endpoint, as a rule [`REVOCATION_PATH`](super::REVOCATION_PATH).
    pub path: &'a str,
    /// The token to end.
    pub token: &'a Token,
    /// The client that the token was given to. The provider's article authenticates it by
    /// [`Basic`](oauth2::ClientAuth::Basic).
    pub client: oauth2::Client<'a>,
}

impl Revoke<'_> {
    /// The request to send. It holds the token and the client's secret.
    pub fn request(&self) -> Result<Request> {
        oauth2::Revoke {
            endpoint: &http::join(self.server, self.path),
            token: self.token,
            client: self.client,
            // The article's name for the hint; the standard's follows it.
            extra: &[("token_type", "access_token")],
        }
        .request()
    }

    /// Reads the answer. Success is no credentials fingerprint: it also comes for unknown tokens and for those of
    /// other clients, which stay active. [`Userinfo`](super::Userinfo) is the credentials fingerprint.
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<()> {
        oauth2::Revoke::parse(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{provider::wyn, token::TokenKind};

    #[test]
    fn the_request_names_the_hint_twice_and_the_client_in_a_header() {
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
