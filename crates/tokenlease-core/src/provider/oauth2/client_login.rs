//! A token for a client itself: the client credentials grant.

use ::http::Response;

use super::{
    client::{self, Client},
    wire::{self, Stake},
};
use crate::{
    error::Result,
    http::Request,
    provider::{granted::Granted, reading::Reading},
    time::Timestamp,
};

/// A new token for a client that speaks for itself (RFC 6749 section 4.4).
#[derive(Clone, Copy, Debug)]
pub struct ClientLogin<'a> {
    /// The token endpoint's whole address.
    pub endpoint: &'a str,
    /// The client that asks, with its secret.
    pub client: Client<'a>,
    /// The scope: words separated by spaces; empty asks for the server's default.
    pub scope: &'a str,
    /// Further form fields, such as `audience`.
    pub extra: &'a [(&'a str, &'a str)],
}

impl ClientLogin<'_> {
    /// The request to send. It holds the client's secret.
    pub fn request(&self) -> Result<Request> {
        let mut fields = vec![("grant_type", "client_credentials")];
        if !self.scope.is_empty() {
            fields.push(("scope", self.scope));
        }
        fields.extend(self.extra);
        client::post(self.endpoint, &self.client, &fields)
    }

    /// Reads the answer to a request that was sent at `sent_at`.
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        wire::granted(&Reading::of(response), sent_at, Stake::Credentials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ClientAuth;

    #[test]
    fn the_request_names_no_user() {
        let request = ClientLogin {
            endpoint: "https://id.example/token",
            client: Client { id: "app", secret: Some(&"s".into()), auth: ClientAuth::Body },
            scope: "",
            extra: &[],
        }
        .request()
        .unwrap();
        let body = b"grant_type=client_credentials&client_id=app&client_secret=s";
        assert_eq!(request.body().as_bytes(), body);
        assert!(!request.headers().contains_key("authorization"));
    }
}
