//! A token for a user: the resource owner password credentials grant.

use ::http::Response;

use super::{
    client::{self, Client},
    wire::{self, Stake},
};
use crate::{
    error::Result,
    http::Request,
    secret::Secret,
    time::Timestamp,
    vendor::{granted::Granted, reading::Reading},
};

/// A new token for a user and a password (RFC 6749 section 4.3).
#[derive(Clone, Copy, Debug)]
pub struct Issue<'a> {
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

impl Issue<'_> {
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
