//! The revocation of a token.

use ::http::{Response, StatusCode};

use super::{
    client::{self, Client},
    failure::{self, Presented},
};
use crate::{
    error::{Error, Result},
    http::Request,
    provider::reading::Reading,
    token::Token,
};

/// Revokes a token for all its users (RFC 7009).
///
/// ```
/// use tokenlease_core::{Secret, Token, TokenKind, provider::oauth2::{Client, ClientAuth, Revoke}};
///
/// let (token, secret) = (Token::new(TokenKind::Bearer, "4E2E"), Secret::from("SECRET"));
/// let revoke = Revoke {
///     endpoint: "https://id.example/revoke",
///     token: &token,
///     client: Client { id: "app", secret: Some(&secret), auth: ClientAuth::Basic },
///     extra: &[],
/// };
/// let request = revoke.request()?; // send it
/// assert_eq!(request.body().as_bytes(), b"token=4E2E&token_type_hint=access_token");
/// Revoke::parse(&http::Response::new(""))?; // then validate: success does not prove it
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Revoke<'a> {
    /// The URL of the revocation endpoint.
    pub endpoint: &'a str,
    /// The token to revoke.
    pub token: &'a Token,
    /// The client that received the token.
    pub client: Client<'a>,
    /// Further form fields.
    pub extra: &'a [(&'a str, &'a str)],
}

impl Revoke<'_> {
    /// Builds the request. It contains the token and the client's secret.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the endpoint is not a URL, or if a header
    /// can't carry the client's id or secret.
    pub fn request(&self) -> Result<Request> {
        let mut fields = vec![("token", self.token.expose())];
        fields.extend(self.extra);
        fields.push(("token_type_hint", "access_token"));
        client::post(self.endpoint, &self.client, &fields)
    }

    /// Parses the response. A 400 with the error `invalid_token` counts as accepted: the token is
    /// inactive, which the call was to achieve.
    ///
    /// Success does not prove the revocation: servers also answer it for unknown tokens (RFC 7009
    /// section 2.2) and for those of other clients, which stay active. Validate the token afterwards.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the server can't revoke access tokens,
    /// [`Config`](crate::ErrorKind::Config) if the token belongs to another client,
    /// [`CredentialsRejected`](crate::ErrorKind::CredentialsRejected) (the client's),
    /// [`Throttled`](crate::ErrorKind::Throttled), [`Unavailable`](crate::ErrorKind::Unavailable) or
    /// [`InvalidResponse`](crate::ErrorKind::InvalidResponse).
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<()> {
        read(&Reading::of(response))
    }
}

pub(crate) fn read(reading: &Reading<'_>) -> Result<()> {
    if reading.status.is_success() {
        return Ok(());
    }
    let error = failure::of(reading, Presented::Token);
    if reading.status == StatusCode::BAD_REQUEST && error.code() == Some("invalid_token") {
        return Ok(());
    }
    Err(advised(error))
}

/// Whether an error of [`read`] proves that nothing was revoked: the server, or a proxy before it,
/// refused the call. A server error does not prove it.
pub(crate) fn proves_nothing_revoked(error: &Error) -> bool {
    error.status().is_some_and(|status| matches!(status, 300..=407 | 409..=499))
        && !matches!(error.code(), Some("server_error" | "temporarily_unavailable"))
}

/// Gives the error of a failed revocation the advice that fits.
fn advised(error: Error) -> Error {
    let advice = match (error.status(), error.code()) {
        (_, Some("unsupported_token_type" | "slow_down")) => return error,
        // Some servers also answer so if the token belongs to another client.
        (Some(401), _) | (_, Some("invalid_client")) => {
            "check the client id, the client secret and the option client_auth, and use the client that \
             received the token"
        }
        (_, Some("unauthorized_client")) => {
            "allow revocation for the client at the server, and use the client that received the token"
        }
        (Some(403), _) | (_, Some("invalid_grant")) => "use the client that received the token",
        (_, Some("invalid_request")) => {
            "use the client that received the token, and check the option revocation_path"
        }
        (Some(404 | 405 | 410 | 415), _) => "check the option revocation_path",
        _ => return error,
    };
    error.advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::ErrorKind, provider::ClientAuth, token::TokenKind};

    fn parse(status: u16, body: &str) -> Result<()> {
        Revoke::parse(&Response::builder().status(status).body(body).unwrap())
    }

    #[test]
    fn the_request_of_a_revocation_contains_the_token_and_the_hint() {
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
    fn any_success_is_accepted_with_any_body() {
        for (status, body) in [(200, ""), (200, "{}"), (200, "OK"), (204, "")] {
            assert!(parse(status, body).is_ok(), "{status} {body}");
        }
    }

    #[test]
    fn a_token_that_the_server_calls_invalid_needs_no_revocation() {
        assert!(parse(400, r#"{"error":"invalid_token"}"#).is_ok());
        assert!(parse(401, r#"{"error":"invalid_token"}"#).is_err());
    }

    /// Rule: Revocation: a rejection by the server proves that nothing was revoked, and its advice fits its
    /// cause; a server error proves nothing.
    #[test]
    fn a_rejection_proves_that_nothing_was_revoked_and_its_advice_fits_its_cause() {
        for (status, body, advice) in [
            (401, r#"{"error":"invalid_client"}"#, "check the client id"),
            (401, r#"{"error":"unauthorized_client"}"#, "check the client id"),
            (401, "", "check the client id"),
            (400, r#"{"error":"invalid_client"}"#, "use the client that received the token"),
            (400, r#"{"error":"unauthorized_client"}"#, "allow revocation"),
            (400, r#"{"error":"invalid_grant"}"#, "use the client that received the token"),
            (400, r#"{"error":"invalid_request"}"#, "use the client that received the token"),
            (403, "", "use the client that received the token"),
            (404, "<html>", "revocation_path"),
            (405, "", "revocation_path"),
            (400, r#"{"error":"unsupported_token_type"}"#, "let the token expire"),
            (429, "", "wait before the next call"),
            (302, "", "set the server address"),
        ] {
            let error = parse(status, body).unwrap_err();
            let text = error.to_string();
            assert!(proves_nothing_revoked(&error), "{error}");
            assert!(text.contains(advice) && !text.contains("unblock"), "{text}");
        }
        for (status, body) in [
            (408, ""),
            (500, ""),
            (503, r#"{"error":"invalid_client"}"#),
            (400, r#"{"error":"server_error"}"#),
            (400, r#"{"error":"temporarily_unavailable"}"#),
        ] {
            assert!(!proves_nothing_revoked(&parse(status, body).unwrap_err()), "{status} {body}");
        }
    }

    #[test]
    fn a_failed_revocation_is_classified_by_code_and_status() {
        for (status, body, kind) in [
            (400, r#"{"error":"unsupported_token_type"}"#, ErrorKind::Unsupported),
            (400, r#"{"error":"invalid_client"}"#, ErrorKind::CredentialsRejected),
            (400, r#"{"error":"invalid_request"}"#, ErrorKind::InvalidResponse),
            // Another client's token. The call sends no user credentials that could be rejected.
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
