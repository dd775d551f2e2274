//! A token for a user: the resource owner password credentials grant.

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

/// A new token for a user and a password (RFC 6749 section 4.3).
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The token endpoint's whole address.
    pub endpoint: &'a str,
    /// The user's name.
    pub user: &'a str,
    /// The user's password.
    pub password: &'a Secret,
    /// The client that asks.
    pub client: Client<'a>,
    /// The scope: words separated by spaces; empty asks for the server's default.
    pub scope: &'a str,
    /// Further form fields, such as `audience`.
    pub extra: &'a [(&'a str, &'a str)],
}

impl Login<'_> {
    /// The request to send. It holds the password.
    pub fn request(&self) -> Result<Request> {
        let mut fields = vec![
            ("grant_type", "password"),
            ("username", self.user),
            ("password", self.password.expose()),
        ];
        if !self.scope.is_empty() {
            fields.push(("scope", self.scope));
        }
        fields.extend(self.extra);
        client::post(self.endpoint, &self.client, &fields)
    }

    /// Reads the answer to a request that was sent at `sent_at`. Errors quote the server's words
    /// as they are: [`Error::redact`](crate::Error::redact) hides what it may have echoed.
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        wire::granted(&Reading::of(response), sent_at, Stake::Credentials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ClientAuth;

    #[test]
    fn the_request_is_the_standards() {
        let request = Login {
            endpoint: "https://id.example/oauth/token",
            user: "ø+&% 😀",
            password: &"p".into(),
            client: Client { id: "app", secret: Some(&"s".into()), auth: ClientAuth::Basic },
            scope: "a b",
            extra: &[("audience", "https://api.example")],
        }
        .request()
        .unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "https://id.example/oauth/token");
        assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
        assert_eq!(request.headers()["accept"], "application/json");
        assert_eq!(request.headers()["authorization"], "Basic YXBwOnM=");
        let body = b"grant_type=password&username=%C3%B8%2B%26%25+%F0%9F%98%80&password=p\
            &scope=a+b&audience=https%3A%2F%2Fapi.example";
        assert_eq!(request.body().as_bytes(), body);
    }

    #[test]
    fn debug_shows_no_secret() {
        let (password, secret) = ("canary".into(), "canary".into());
        let login = Login {
            endpoint: "https://id.example/token",
            user: "u",
            password: &password,
            client: Client { id: "app", secret: Some(&secret), auth: ClientAuth::Body },
            scope: "",
            extra: &[],
        };
        assert!(!format!("{login:?}").contains("canary"));
        assert!(!format!("{:?}", login.request().unwrap()).contains("canary"));
    }
}
