//! `refetchToken`: the last active token, instead of a new one.

use ::http::Response;
use serde::Serialize;

use super::wire::{self, Envelope};
use crate::{
    error::{Error, ErrorKind, Result},
    http::Request,
    secret::Secret,
    time::Timestamp,
    token::TokenKind,
    vendor::{
        Answer,
        granted::{Granted, Life},
        oauth2,
        reading::Reading,
    },
};

/// The last active token of a user of a contract (`refetchToken`). When it was issued, and so when
/// it ends, is not said; it may have ended since.
#[derive(Clone, Copy, Debug)]
pub struct Refetch<'a> {
    /// The server's base address, as a rule [`DEFAULT_SERVER`](super::DEFAULT_SERVER).
    pub server: &'a str,
    /// The user's name.
    pub user: &'a str,
    /// The user's password.
    pub password: &'a Secret,
    /// The contract's code.
    pub contract: &'a str,
}

// Other names than those of Authenticate.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Form<'a> {
    contract_id: &'a str,
    username: &'a str,
    password: &'a str,
}

impl Refetch<'_> {
    /// The request to send. It holds the password.
    pub fn request(&self) -> Result<Request> {
        let form = Form {
            contract_id: self.contract,
            username: self.user,
            password: self.password.expose(),
        };
        wire::post(self.server, "/api/authentication/refetchToken/", &form)
    }

    /// Reads the answer to a request that was sent at `sent_at`. That there is no token to have is
    /// an error of the kind [`TokenRefused`](ErrorKind::TokenRefused), which says nothing about the
    /// credentials.
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        match read(&Reading::of(response), sent_at) {
            Answer::Token(granted) => Ok(granted),
            Answer::NoToken(error) | Answer::Failed(error) => Err(error),
            Answer::Active | Answer::Inactive | Answer::Revoked => {
                Err(Error::new(ErrorKind::Internal, "a refetch was read as another call"))
            }
        }
    }
}

/// What an answer of `refetchToken` says: a token, that there is none, or no word.
pub(crate) fn read(reading: &Reading<'_>, sent_at: Timestamp) -> Answer {
    if let Some(error) = wire::passing(reading) {
        return Answer::Failed(error);
    }
    let none = |error: Error| Answer::NoToken(error.advice("ask for a new token"));
    let (envelope, token) = match Envelope::read(reading, "Token") {
        Ok(read) => read,
        Err(error) if reading.status.is_success() => return Answer::Failed(error),
        Err(_) => return without_envelope(reading),
    };
    if let Some(code) = envelope.failed() {
        return none(envelope.failure(reading, ErrorKind::TokenRefused, &code));
    }
    if !reading.status.is_success() {
        return without_envelope(reading);
    }
    if token.is_none() && envelope.succeeded() {
        return none(envelope.failure(reading, ErrorKind::TokenRefused, "0"));
    }
    match oauth2::wire::token_text(reading, "Token", &token, TokenKind::Winkas) {
        Ok(token) => Answer::Token(Granted {
            token,
            life: Life::Unstated,
            scope: None,
            refresh_token: None,
            sent_at,
        }),
        Err(error) => Answer::Failed(error),
    }
}

/// A clear no is none and not "no word", which would send the credentials again.
fn without_envelope(reading: &Reading<'_>) -> Answer {
    let error = reading.by_status(ErrorKind::TokenRefused);
    match error.kind() {
        ErrorKind::TokenRefused => Answer::NoToken(error),
        _ => Answer::Failed(error),
    }
}
