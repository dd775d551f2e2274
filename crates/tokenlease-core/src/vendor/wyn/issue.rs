//! A token for a user of an organization.

use std::time::Duration;

use ::http::Response;

use super::wire;
use crate::{
    error::Result,
    http::{self, Request},
    secret::Secret,
    time::Timestamp,
    vendor::{granted::Granted, oauth2},
};

/// A new token for a user and a password (`POST /connect/token`). User, password, client id and
/// secret may be 100 characters long at most: the server answers longer ones as wrong ones.
#[derive(Clone, Copy, Debug)]
pub struct Issue<'a> {
    /// The server's base address.
    pub server: &'a str,
    /// The path of the token endpoint, as a rule [`TOKEN_PATH`](super::TOKEN_PATH).
    pub path: &'a str,
    /// The user that the token signs in as.
    pub user: &'a str,
    /// The user's password.
    pub password: &'a Secret,
    /// The client that asks, as a rule [`DEFAULT_CLIENT`](super::DEFAULT_CLIENT).
    pub client: oauth2::Client<'a>,
    /// The organization: `/` is the global one, `/Org/SubOrg` a path down.
    pub tenant: &'a str,
    /// How long the token shall live, in whole seconds. The server's default is ten years.
    pub lifetime: Option<Duration>,
    /// The scope: words separated by spaces; empty asks for the server's default.
    pub scope: &'a str,
}

impl Issue<'_> {
    /// The request to send. It holds the password.
    pub fn request(&self) -> Result<Request> {
        let seconds = self.lifetime.map(wire::whole_seconds).transpose()?;
        let seconds = seconds.map(|seconds| seconds.to_string());
        let mut extra = Vec::new();
        if !matches!(self.tenant, "" | "/") {
            extra.push(("tenant_path", self.tenant));
        }
        if let Some(seconds) = &seconds {
            extra.push(("access-token-lifetime", seconds));
        }
        oauth2::Issue {
            endpoint: &http::join(self.server, self.path),
            user: self.user,
            password: self.password,
            client: self.client,
            scope: self.scope,
            extra: &extra,
        }
        .request()
    }

    /// Reads the answer to a request that was sent at `sent_at`.
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        oauth2::Issue::parse(response, sent_at)
    }
}
