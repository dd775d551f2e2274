//! Userinfo: a validation that is requested with the token itself.

use ::http::{Method, Response, header};

use super::{failure, wire};
use crate::{
    error::{ErrorKind, Result},
    http::{self, Body, Request},
    provider::{reading::Reading, validation::Validation},
    token::Token,
};

const INVALID_TOKEN: &str = "invalid_token";

/// Requests the user of a token (`OpenID` Connect Core section 5.3), to learn whether it is active.
///
/// ```
/// use tokenlease_core::{Token, TokenKind, provider::{Validation, oauth2::Userinfo}};
///
/// let token = Token::new(TokenKind::Bearer, "4E2E");
/// let userinfo = Userinfo { endpoint: "https://id.example/userinfo", token: &token };
/// let request = userinfo.request()?; // send it
/// assert_eq!(request.headers()["authorization"], "Bearer 4E2E");
///
/// assert_eq!(Userinfo::parse(&http::Response::new(r#"{"sub":"NAME"}"#))?, Validation::Active);
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Userinfo<'a> {
    /// The URL of the userinfo endpoint.
    pub endpoint: &'a str,
    /// The token to validate.
    pub token: &'a Token,
}

impl Userinfo<'_> {
    /// Builds the request. It contains the token.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the endpoint is not a URL, or if a header can't carry the token.
    pub fn request(&self) -> Result<Request> {
        let request = http::request(Method::GET, self.endpoint)?
            .header(header::AUTHORIZATION, http::bearer(self.token.expose())?)
            // A cached response does not validate the token.
            .header(header::CACHE_CONTROL, "no-cache");
        http::finish(request, Body::empty())
    }

    /// Parses the response. The error `invalid_token` means inactive (RFC 6750 section 3.1): 401 or 400
    /// with it in a Bearer challenge, or in the body. A successful response with a JSON object or a JWT
    /// means active, and so does 401 or 403 with the challenge `insufficient_scope`.
    ///
    /// A 401 without such an error says nothing about the token: a wrong path, a proxy, or a server that
    /// wants another token answers so.
    ///
    /// # Errors
    /// An error is inconclusive: [`ErrorKind::Throttled`], [`ErrorKind::Unavailable`] or
    /// [`ErrorKind::InvalidResponse`].
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<Validation> {
        read(&Reading::of(response))
    }
}

pub(crate) fn read(reading: &Reading<'_>) -> Result<Validation> {
    match reading.status.as_u16() {
        // The server recognized the token, and only its scope does not suffice (RFC 6750 section 3.1).
        401 | 403 if reading.bearer_error_is("insufficient_scope") => {
            return Ok(Validation::Active);
        }
        // OpenIddict answers with 400.
        400 | 401 if says_invalid_token(reading) => return Ok(Validation::Inactive),
        401 | 404 | 405 | 410 => return Err(says_nothing(reading)),
        200 => {}
        _ => return Err(failed(reading)),
    }
    let signed = reading
        .header(header::CONTENT_TYPE)
        .is_some_and(|name| name.trim().to_ascii_lowercase().starts_with("application/jwt"));
    if signed && !reading.is_empty() {
        return Ok(Validation::Active);
    }
    let [code] = reading.fields(["error"], wire::exactly)?;
    if code.word().is_some() { Err(failed(reading)) } else { Ok(Validation::Active) }
}

/// Returns whether the server found the token invalid. Some servers say so only in the body.
pub(crate) fn says_invalid_token(reading: &Reading<'_>) -> bool {
    reading.bearer_error_is(INVALID_TOKEN)
        || reading
            .fields(["error"], wire::exactly)
            .is_ok_and(|[code]| code.word() == Some(INVALID_TOKEN))
}

/// Returns the error of a response that is not about the token.
fn says_nothing(reading: &Reading<'_>) -> crate::Error {
    failed(reading)
        .expected("the error invalid_token for an inactive token")
        .advice("this says nothing about the token: check the option userinfo_path")
}

/// Returns the error of a failed call. The call sends no credentials, so it does not reject any.
fn failed(reading: &Reading<'_>) -> crate::Error {
    let code = reading.code().filter(|_| !reading.status.is_redirection());
    let Some(code) = code else { return reading.by_status(ErrorKind::InvalidResponse) };
    let (kind, advice) = reading.kind_by_status(ErrorKind::InvalidResponse);
    let code = reading.quote(&code);
    reading.error(kind, failure::detail(reading, &code)).with_code(code).advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TokenKind;

    fn parse(status: u16, kind: &str, body: &str) -> Result<Validation> {
        let response = Response::builder().status(status).header("content-type", kind).body(body);
        Userinfo::parse(&response.unwrap())
    }

    #[test]
    fn the_request_of_a_userinfo_call_contains_the_token_and_bypasses_caches() {
        let token = Token::new(TokenKind::Bearer, "t");
        let request =
            Userinfo { endpoint: "https://id.example/me", token: &token }.request().unwrap();
        assert_eq!(request.method(), "GET");
        assert_eq!(request.headers()["authorization"], "Bearer t");
        assert_eq!(request.headers()["cache-control"], "no-cache");
    }

    /// Rule: Secrets: an error about a token that no header can carry does not quote it.
    #[test]
    fn a_token_that_no_header_can_carry_is_an_error_that_does_not_quote_it() {
        let token = Token::new(TokenKind::Bearer, "canary\n");
        let error = Userinfo { endpoint: "https://id.example/me", token: &token }.request();
        assert!(!error.unwrap_err().to_string().contains("canary"));
    }

    #[test]
    fn a_user_means_active() {
        assert_eq!(parse(200, "text/plain", r#"{"sub":"u"}"#).unwrap(), Validation::Active);
        assert_eq!(parse(200, "application/jwt", "e30.e30.").unwrap(), Validation::Active);
    }

    /// Rule: Validation: userinfo calls a token inactive by the error `invalid_token`, in a Bearer challenge
    /// or in the body. Any other 401 says nothing about the token.
    ///
    /// Reported as openiddict/openiddict-core#221 (400) and GluuFederation/oxAuth#1071 (400).
    #[test]
    fn only_the_error_invalid_token_of_userinfo_means_inactive() {
        let parse = |status: u16, challenges: &[&str], body: &str| {
            let mut response = Response::builder().status(status);
            for challenge in challenges {
                response = response.header("www-authenticate", *challenge);
            }
            Userinfo::parse(&response.body(body).unwrap())
        };
        let bearer = r#"Bearer realm="a", error="invalid_token""#;
        let split: &[&str] = &[r#"Bearer realm="IdentityServer""#, r#"error="invalid_token""#];
        let code = r#"{"error":"invalid_token","error_description":"expired"}"#;
        for (status, challenges, body) in [
            (401, &[bearer][..], ""),
            (401, &[bearer], "Unauthorized"),
            (401, split, ""),
            (401, &[], code),
            (400, &[bearer], ""),
            (400, &[], code),
        ] {
            let answer = parse(status, challenges, body);
            assert_eq!(answer.unwrap(), Validation::Inactive, "{status} {challenges:?} {body}");
        }
        for (challenges, body) in [
            (&[][..], ""),
            (&[], "<html>"),
            (&[], "{}"),
            (&[], "ErrorType=unauthorized_client"),
            (&[], r#"{"error":"unauthorized","error_description":"invalid credentials"}"#),
            (&["Bearer"], ""),
            (&[r#"Basic realm="a""#], ""),
            (&[r#"Bearer error="invalid_request""#], ""),
        ] {
            let error = parse(401, challenges, body).unwrap_err();
            assert_eq!((error.kind(), error.status()), (ErrorKind::InvalidResponse, Some(401)));
            assert!(error.to_string().contains("userinfo_path"), "{error}");
        }
        for status in [403, 404, 500, 503] {
            let error = parse(status, &[], code).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        }
    }

    /// Rule: Validation: userinfo that answers 403 with the challenge `insufficient_scope` means active.
    #[test]
    fn userinfo_that_misses_a_scope_means_active() {
        let parse = |status: u16, challenge: &str| {
            let response = Response::builder().status(status).header("www-authenticate", challenge);
            Userinfo::parse(&response.body("").unwrap())
        };
        let challenge = r#"Basic realm="a", Bearer error="insufficient_scope""#;
        assert_eq!(parse(403, challenge).unwrap(), Validation::Active);
        assert_eq!(parse(403, "Bearer").unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(parse(401, challenge).unwrap(), Validation::Active);
    }

    /// Rule: Validation: any other response to userinfo, such as 403, is inconclusive and rejects no
    /// credentials.
    #[test]
    fn any_other_response_to_userinfo_is_inconclusive_and_rejects_no_credentials() {
        for (status, body) in [
            (200, "<html>login</html>"),
            (200, ""),
            (200, r#"{"error":"invalid_token"}"#),
            (204, ""),
            (302, ""),
            (400, r#"{"error":"invalid_client"}"#),
            (403, r#"{"error":"insufficient_scope"}"#),
            // A Go library answers so for a revoked token.
            (403, "{}"),
            (404, "Not Found"),
            (500, "{}"),
        ] {
            let error = parse(status, "application/json", body).unwrap_err();
            assert_ne!(error.kind(), ErrorKind::CredentialsRejected, "{status} {body}");
            assert_eq!(error.status(), Some(status));
        }
    }
}
