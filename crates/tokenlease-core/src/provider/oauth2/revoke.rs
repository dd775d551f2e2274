//! The end of a token, asked for.

use ::http::Response;

use super::{
    client::{self, Client},
    wire::{self, Stake},
};
use crate::{error::Result, http::Request, provider::reading::Reading, token::Token};

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

    /// Reads the answer. Success is no credentials fingerprint: servers answer it for unknown tokens (RFC 7009
    /// section 2.2) and for those of other clients, which stay active. Ask for a validation.
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<()> {
        read(&Reading::of(response))
    }
}

pub(crate) fn read(reading: &Reading<'_>) -> Result<()> {
    if reading.status.is_success() { Ok(()) } else { Err(wire::failure(reading, Stake::Token)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::ErrorKind, provider::ClientAuth, token::TokenKind};

    fn parse(status: u16, body: &str) -> Result<()> {
        Revoke::parse(&Response::builder().status(status).body(body).unwrap())
    }

    #[test]
    fn the_request_holds_the_token_and_the_hint() {
        let request = Revoke {
            endpoint: "https://id.example/revoke",
            token: &Token::new(TokenKind::Bearer, "t+"),
            client: Client { id: "app", secret: Some(&"s".into()), auth: ClientAuth::Body },
            extra: &[],
        }
        .request()
        .unwrap();
        let body = b"token=t%2B&token_type_hint=access_token&client_id=app&client_secret=s";
        assert_eq!(request.body().as_bytes(), body);
    }

    #[test]
    fn any_success_is_taken_whatever_the_body() {
        for (status, body) in [(200, ""), (200, "{}"), (200, "OK"), (204, "")] {
            assert!(parse(status, body).is_ok(), "{status} {body}");
        }
    }

    #[test]
    fn what_is_no_success_is_told_by_code_and_status() {
        for (status, body, kind) in [
            (400, r#"{"error":"unsupported_token_type"}"#, ErrorKind::Unsupported),
            (400, r#"{"error":"invalid_client"}"#, ErrorKind::CredentialsRejected),
            (400, r#"{"error":"invalid_request"}"#, ErrorKind::InvalidResponse),
            // Another client's token. No user's credentials were sent that could be rejected.
            (400, r#"{"error":"invalid_grant"}"#, ErrorKind::Config),
            (405, "", ErrorKind::Unavailable),
            (415, "", ErrorKind::Unavailable),
            (503, "", ErrorKind::Unavailable),
            (302, "", ErrorKind::InvalidResponse),
        ] {
            assert_eq!(parse(status, body).unwrap_err().kind(), kind, "{status} {body}");
        }
    }
}
