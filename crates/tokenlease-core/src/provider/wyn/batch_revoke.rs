//! The revocation of all tokens that were issued before a time.

use ::http::{HeaderName, Method, Response, header};
use serde::Serialize;

use super::wire::BATCH_REVOCATION_PATH;
use crate::{
    error::{ErrorKind, Result},
    http::{self, Body, Request},
    provider::{field::Field, reading::Reading},
    time::WallTime,
    token::Token,
};

/// Revokes all tokens that were issued before a time (`POST /api/v2/identity/token/batch-revocation`, since
/// Wyn 9.0.00263.0), except those of the page Generate Token of the administrator's portal.
///
/// It is for an administrator, and can't be undone. It also ends the sessions of users. Processes that use
/// the tokens learn of it when an API rejects one: they call `report_rejected`, which validates the token
/// once and shares the result.
///
/// ```
/// use tokenlease_core::{Token, TokenKind, WallTime, provider::wyn};
///
/// let revoke = wyn::BatchRevoke {
///     server: "https://wyn.example",
///     admin: &Token::new(TokenKind::Bearer, "4E2E"),
///     before: WallTime(1_770_946_260_000),
/// };
/// let request = revoke.request()?; // send it
/// assert_eq!(request.body().as_bytes(), br#"{"creationBefore":"2026-02-13T01:31:00Z"}"#);
/// assert_eq!(wyn::BatchRevoke::parse(&http::Response::new(r#"{"count":10}"#))?, 10);
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BatchRevoke<'a> {
    /// The server's base address.
    pub server: &'a str,
    /// The token of an administrator. It goes into the header `Reference-Token`.
    pub admin: &'a Token,
    /// The time, by the server's clock. It is sent in whole seconds, rounded down.
    pub before: WallTime,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    creation_before: String,
}

impl BatchRevoke<'_> {
    /// Builds the request. It contains the administrator's token.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the server's address is not a URL, or if a header can't carry the token.
    pub fn request(&self) -> Result<Request> {
        let body = Sent { creation_before: self.before.to_string() };
        let address = http::join(self.server, BATCH_REVOCATION_PATH);
        let request = http::request(Method::POST, &address)?
            .header(header::CONTENT_TYPE, "application/json")
            .header(
                HeaderName::from_static("reference-token"),
                http::sensitive(self.admin.reference_token()?)?,
            );
        http::finish(request, Body::json(&body)?)
    }

    /// Parses the response, and returns how many tokens were revoked.
    ///
    /// # Errors
    /// [`TokenRejected`](ErrorKind::TokenRejected) if the server rejected the administrator's token (401);
    /// [`Throttled`](ErrorKind::Throttled), [`Unavailable`](ErrorKind::Unavailable) or
    /// [`InvalidResponse`](ErrorKind::InvalidResponse). After these two, tokens may be revoked.
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<u64> {
        let reading = Reading::of(response);
        if !reading.status.is_success() {
            return Err(reading.by_status(ErrorKind::TokenRejected));
        }
        let [count] = reading.fields(["count"], |name, key| name == key)?;
        match count {
            Field::Unsigned(count) => Ok(count),
            other => Err(reading.bad_field("count", other.found(), "a whole number")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TokenKind;

    fn parse(status: u16, body: &str) -> Result<u64> {
        BatchRevoke::parse(&Response::builder().status(status).body(body).unwrap())
    }

    #[test]
    fn the_administrators_token_is_sent_in_a_sensitive_header() {
        let admin = Token::new(TokenKind::Bearer, "4E2E");
        let revoke =
            BatchRevoke { server: "https://wyn.example/base", admin: &admin, before: WallTime(0) };
        let request = revoke.request().unwrap();
        let address = "https://wyn.example/base/api/v2/identity/token/batch-revocation";
        assert_eq!(request.uri(), address);
        assert_eq!(request.headers()["reference-token"], "4E2E");
        assert!(request.headers()["reference-token"].is_sensitive());
        assert_eq!(request.body().as_bytes(), br#"{"creationBefore":"1970-01-01T00:00:00Z"}"#);
        let admin = Token::new(TokenKind::Winkas, "canary");
        let error = BatchRevoke { admin: &admin, ..revoke }.request().unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[test]
    fn a_batch_revocation_returns_the_number_of_tokens() {
        assert_eq!(parse(200, r#"{"count":0}"#).unwrap(), 0);
        for (status, body, kind) in [
            (200, r#"{"count":-1}"#, ErrorKind::InvalidResponse),
            (200, "", ErrorKind::InvalidResponse),
            (401, "", ErrorKind::TokenRejected),
            (503, "", ErrorKind::Unavailable),
            (429, "", ErrorKind::Throttled),
        ] {
            assert_eq!(parse(status, body).unwrap_err().kind(), kind, "{status} {body}");
        }
    }
}
