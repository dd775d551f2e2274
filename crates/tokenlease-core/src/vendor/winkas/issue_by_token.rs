//! Authenticate with a token that one already holds.

use ::http::Response;
use serde::Serialize;

use super::{issue, wire};
use crate::{
    error::{ErrorKind, Result},
    http::Request,
    time::Timestamp,
    token::Token,
    vendor::{granted::Granted, reading::Reading},
};

/// Logs in again with a token (`Authenticate` with `UserToken`). The machine never uses it: a token
/// that works needs no other.
#[derive(Clone, Copy, Debug)]
pub struct IssueByToken<'a> {
    /// The server's base address, as a rule [`DEFAULT_SERVER`](super::DEFAULT_SERVER).
    pub server: &'a str,
    /// The token.
    pub token: &'a Token,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Form<'a> {
    user_token: &'a str,
}

impl IssueByToken<'_> {
    /// The request to send. It holds the token.
    pub fn request(&self) -> Result<Request> {
        wire::post(self.server, issue::PATH, &Form { user_token: self.token.expose() })
    }

    /// Reads the answer to a request that was sent at `sent_at`. A refusal is an error of the kind
    /// [`TokenRefused`](ErrorKind::TokenRefused): no credentials were sent.
    pub fn parse(response: &Response<impl AsRef<[u8]>>, sent_at: Timestamp) -> Result<Granted> {
        issue::read(&Reading::of(response), sent_at, ErrorKind::TokenRefused)
    }
}
