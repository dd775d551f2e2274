//! A token for a refresh token.

use ::http::Response;

use super::{
    client::{self, Client},
    wire::{self, Stake},
};
use crate::{
    error::Result,
    http::Request,
    provider::{granted::Granted, reading::Reading},
    secret::Secret,
    time::Timestamp,
};

/// A new token for a refresh token (RFC 6749 section 6). The machine never uses it: whoever holds
/// the credentials needs no second secret that lives longer than the token.
#[derive(Clone, Copy, Debug)]
pub struct Refresh<'a> {
    /// The token endpoint's whole address.
    pub endpoint: &'a str,
    /// The refresh token.
    pub refresh_token: &'a Secret,
    /// The client that the refresh token was given to.
    pub client: Client<'a>,
    /// The scope, within what was granted first; empty asks for the same.
    pub scope: &'a str,
}

impl Refresh<'_> {
    /// The request to send. It holds the refresh token.
    pub fn request(&self) -> Result<Request> {
        let mut fields =
            vec![("grant_type", "refresh_token"), ("refresh_token", self.refresh_token.expose())];
        if !self.scope.is_empty() {
            fields.push(("scope", self.scope));
        }
        client::post(self.endpoint, &self.client, &fields)
    }

    /// Reads the answer to a request that was sent at `sent_at`. `invalid_grant` is an error of the
    /// kind [`TokenRejected`](crate::ErrorKind::TokenRejected): the refresh token has ended.
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        wire::granted(&Reading::of(response), sent_at, Stake::RefreshToken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::ErrorKind, provider::ClientAuth};

    #[test]
    fn the_request_holds_the_refresh_token() {
        let request = Refresh {
            endpoint: "https://id.example/token",
            refresh_token: &"r/1".into(),
            client: Client { id: "app", secret: None, auth: ClientAuth::Body },
            scope: "a",
        }
        .request()
        .unwrap();
        let body = b"grant_type=refresh_token&refresh_token=r%2F1&scope=a&client_id=app";
        assert_eq!(request.body().as_bytes(), body);
    }

    #[test]
    fn invalid_grant_is_about_the_refresh_token_and_not_about_the_credentials() {
        let parse = |body| {
            let response = Response::builder().status(400).body(body).unwrap();
            Refresh::parse(&response, Timestamp(0)).unwrap_err().kind()
        };
        assert_eq!(parse(r#"{"error":"invalid_grant"}"#), ErrorKind::TokenRejected);
        assert_eq!(parse(r#"{"error":"invalid_client"}"#), ErrorKind::CredentialsRejected);
    }
}
