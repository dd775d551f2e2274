//! The exchange of a refresh token for a token.

use ::http::Response;

use super::{
    client::{self, Client},
    failure::Presented,
    wire,
};
use crate::{
    error::Result,
    http::Request,
    provider::{granted::Granted, reading::Reading},
    secret::Secret,
    time::Timestamp,
};

/// Exchanges a refresh token for a new token (RFC 6749 section 6).
///
/// The state machine never uses it: a caller with the credentials does not need a second secret that
/// outlives the token.
///
/// ```
/// use tokenlease_core::{ErrorKind, Secret, Timestamp, provider::oauth2::{Client, ClientAuth, Refresh}};
///
/// let refresh_token = Secret::from("8xLOxBtZp8");
/// let refresh = Refresh {
///     endpoint: "https://id.example/token",
///     refresh_token: &refresh_token,
///     client: Client { id: "app", secret: None, auth: ClientAuth::Body },
///     scope: "",
/// };
/// let request = refresh.request()?; // send it
/// assert_eq!(request.method(), "POST");
///
/// let ended = http::Response::builder().status(400).body(r#"{"error":"invalid_grant"}"#).unwrap();
/// let error = Refresh::parse(&ended, Timestamp(0)).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::TokenRejected); // log in again
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Refresh<'a> {
    /// The URL of the token endpoint.
    pub endpoint: &'a str,
    /// The refresh token.
    pub refresh_token: &'a Secret,
    /// The client that received the refresh token.
    pub client: Client<'a>,
    /// The scope, within the one that was granted. Empty requests the same scope.
    pub scope: &'a str,
}

impl Refresh<'_> {
    /// Builds the request. It contains the refresh token.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the endpoint is not a URL, or if a header
    /// can't carry the client's id or secret.
    pub fn request(&self) -> Result<Request> {
        let mut fields =
            vec![("grant_type", "refresh_token"), ("refresh_token", self.refresh_token.expose())];
        if !self.scope.is_empty() {
            fields.push(("scope", self.scope));
        }
        client::post(self.endpoint, &self.client, &fields)
    }

    /// Parses the response to a request that was sent at `sent_at`.
    ///
    /// # Errors
    /// [`TokenRejected`](crate::ErrorKind::TokenRejected) if the refresh token has expired or is revoked
    /// (`invalid_grant`); otherwise as [`Login::parse`](super::Login::parse).
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        wire::granted(&Reading::of(response), sent_at, Presented::RefreshToken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::ErrorKind, provider::ClientAuth};

    #[test]
    fn the_request_of_a_refresh_contains_the_refresh_token() {
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
    fn invalid_grant_rejects_the_refresh_token_and_not_the_credentials() {
        let parse = |body| {
            let response = Response::builder().status(400).body(body).unwrap();
            Refresh::parse(&response, Timestamp(0)).unwrap_err().kind()
        };
        assert_eq!(parse(r#"{"error":"invalid_grant"}"#), ErrorKind::TokenRejected);
        assert_eq!(parse(r#"{"error":"invalid_client"}"#), ErrorKind::CredentialsRejected);
    }
}
