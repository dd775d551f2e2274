//! The server's word on a token, asked by a client.

use ::http::Response;

use super::{
    client::{self, Client},
    wire::{self, Stake},
};
use crate::{
    error::Result,
    http::Request,
    token::Token,
    vendor::{field::Field, reading::Reading, verdict::Verdict},
};

/// Whether a token is active (RFC 7662).
#[derive(Clone, Copy, Debug)]
pub struct Introspect<'a> {
    /// The introspection endpoint's whole address.
    pub endpoint: &'a str,
    /// The token that is asked about.
    pub token: &'a Token,
    /// The client that asks.
    pub client: Client<'a>,
}

impl Introspect<'_> {
    /// The request to send. It holds the token and the client's secret.
    pub fn request(&self) -> Result<Request> {
        let fields = [("token", self.token.expose()), ("token_type_hint", "access_token")];
        client::post(self.endpoint, &self.client, &fields)
    }

    /// Reads the verdict: the field `active`, true or false, of an answer with success. All else is
    /// an error: no word.
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<Verdict> {
        read(&Reading::of(response))
    }
}

pub(crate) fn read(reading: &Reading<'_>) -> Result<Verdict> {
    if !reading.status.is_success() {
        return Err(wire::failure(reading, Stake::Credentials));
    }
    let [active, code, description] =
        reading.fields(["active", "error", "error_description"], wire::exactly)?;
    if let Some(code) = code.word() {
        return Err(wire::refused(reading, code, description.word(), Stake::Credentials));
    }
    match (&active, active.word()) {
        (Field::Bool(true), _) => Ok(Verdict::Active),
        (Field::Bool(false), _) => Ok(Verdict::Inactive),
        (_, Some(word)) if word.eq_ignore_ascii_case("true") => Ok(Verdict::Active),
        (_, Some(word)) if word.eq_ignore_ascii_case("false") => Ok(Verdict::Inactive),
        _ => Err(reading.bad_field("active", active.found(), "true or false")),
    }
}
