//! Authenticate: a new token for a user of a contract.

use ::http::Response;
use serde::Serialize;

use super::wire::{self, Envelope};
use crate::{
    error::{ErrorKind, Result},
    http::Request,
    secret::Secret,
    time::Timestamp,
    token::TokenKind,
    vendor::{
        granted::{Granted, Life},
        oauth2,
        reading::Reading,
    },
};

/// Where Authenticate is asked for, with credentials as with a token.
pub(super) const PATH: &str = "/api/Authentication/Authenticate";

/// A new token for user, password and contract (`Authenticate`). Whether it ends the older tokens
/// is not documented; nor whether it may be the one that was running.
#[derive(Clone, Copy, Debug)]
pub struct Issue<'a> {
    /// The server's base address, as a rule [`DEFAULT_SERVER`](super::DEFAULT_SERVER).
    pub server: &'a str,
    /// The user's name.
    pub user: &'a str,
    /// The user's password.
    pub password: &'a Secret,
    /// The contract's code.
    pub contract: &'a str,
}

#[derive(Serialize)]
struct Form<'a> {
    #[serde(rename = "UserName")]
    user: &'a str,
    #[serde(rename = "UserPassword")]
    password: &'a str,
    #[serde(rename = "UserContractCode")]
    contract: &'a str,
}

impl Issue<'_> {
    /// The request to send. It holds the password.
    pub fn request(&self) -> Result<Request> {
        let form =
            Form { user: self.user, password: self.password.expose(), contract: self.contract };
        wire::post(self.server, PATH, &form)
    }

    /// Reads the answer to a request that was sent at `sent_at`. Errors quote the vendor's words as
    /// they are: [`Error::redact`](crate::Error::redact) hides what they may echo.
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        read(&Reading::of(response), sent_at, ErrorKind::CredentialsRefused)
    }
}

/// Reads an answer of Authenticate; `refused` is what a code other than zero means.
pub(crate) fn read(
    reading: &Reading<'_>,
    sent_at: Timestamp,
    refused: ErrorKind,
) -> Result<Granted> {
    const TOKEN: &str = "WinKasData.CurrentToken";
    let envelope = Envelope::read(reading, TOKEN);
    if let Some(error) = wire::passing(reading) {
        return Err(error);
    }
    if !reading.status.is_success() && envelope.is_err() {
        return Err(reading.by_status(refused));
    }
    let (envelope, token) = envelope?;
    if let Some(code) = envelope.failed() {
        let error = envelope.failure(reading, refused, &code);
        return Err(error.advice("look at user, password and contract, mend them, then reset"));
    }
    if !reading.status.is_success() {
        return Err(reading.by_status(refused));
    }
    Ok(Granted {
        token: oauth2::wire::token_text(reading, TOKEN, &token, TokenKind::Winkas)?,
        life: Life::Unstated,
        scope: None,
        refresh_token: None,
        sent_at,
    })
}
