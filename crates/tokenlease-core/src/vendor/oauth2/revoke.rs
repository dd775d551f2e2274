//! The end of a token, asked for.

use ::http::Response;

use super::{
    client::{self, Client},
    wire::{self, Stake},
};
use crate::{error::Result, http::Request, token::Token, vendor::reading::Reading};

/// Ends a token for all who use it (RFC 7009).
#[derive(Clone, Copy, Debug)]
pub struct Revoke<'a> {
    /// The revocation endpoint's whole address.
    pub endpoint: &'a str,
    /// The token to end.
    pub token: &'a Token,
    /// The client that the token was given to.
    pub client: Client<'a>,
    /// Further form fields.
    pub extra: &'a [(&'a str, &'a str)],
}

impl Revoke<'_> {
    /// The request to send. It holds the token and the client's secret.
    pub fn request(&self) -> Result<Request> {
        let mut fields = vec![("token", self.token.expose())];
        fields.extend(self.extra);
        fields.push(("token_type_hint", "access_token"));
        client::post(self.endpoint, &self.client, &fields)
    }

    /// Reads the answer. Success is no proof: servers answer it for unknown tokens (RFC 7009
    /// section 2.2) and for those of other clients, which stay active. Ask for a verdict.
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<()> {
        read(&Reading::of(response))
    }
}

pub(crate) fn read(reading: &Reading<'_>) -> Result<()> {
    if reading.status.is_success() {
        Ok(())
    } else {
        Err(wire::failure(reading, Stake::Credentials))
    }
}
