//! The server's word on a token, asked with the token itself.

use ::http::{Method, Response, header};

use super::wire;
use crate::{
    error::{ErrorKind, Result},
    http::{self, Body, Request},
    provider::{reading::Reading, validation::Validation},
    token::Token,
};

/// Asks who a token speaks for (`OpenID` Connect Core section 5.3), to learn whether it is active.
#[derive(Clone, Copy, Debug)]
pub struct Userinfo<'a> {
    /// The userinfo endpoint's whole address.
    pub endpoint: &'a str,
    /// The token that is asked about.
    pub token: &'a Token,
}

impl Userinfo<'_> {
    /// The request to send. It holds the token.
    pub fn request(&self) -> Result<Request> {
        let request = http::request(Method::GET, self.endpoint)?
            .header(header::AUTHORIZATION, http::bearer(self.token.expose())?)
            // A stored answer is no validation.
            .header(header::CACHE_CONTROL, "no-cache");
        http::finish(request, Body::empty())
    }

    /// Reads the validation: 401 is a no (RFC 6750 section 3.1), a JSON object or a signed one (JWT)
    /// with success is a yes. All else is an error: no word.
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<Validation> {
        read(&Reading::of(response))
    }
}

pub(crate) fn read(reading: &Reading<'_>) -> Result<Validation> {
    match reading.status.as_u16() {
        401 => return Ok(Validation::Inactive),
        200 => {}
        _ => return Err(failure(reading)),
    }
    let signed = reading
        .header(header::CONTENT_TYPE)
        .is_some_and(|name| name.trim().to_ascii_lowercase().starts_with("application/jwt"));
    if signed && !reading.is_empty() {
        return Ok(Validation::Active);
    }
    let [code] = reading.fields(["error"], wire::exactly)?;
    if code.word().is_some() { Err(failure(reading)) } else { Ok(Validation::Active) }
}

/// No credentials were sent, so nothing is said about them.
fn failure(reading: &Reading<'_>) -> crate::Error {
    let (kind, advice) = reading.kind_by_status(ErrorKind::Unavailable);
    match reading.fields(["error", "error_description"], wire::exactly) {
        Ok([code, description]) if code.word().is_some() && !reading.status.is_redirection() => {
            let code = reading.quote(code.word().unwrap_or_default());
            let words = reading.quote(description.word().unwrap_or("no more than a code"));
            reading
                .error(kind, format!("the server said \"{words}\""))
                .with_code(code)
                .advice(advice)
        }
        _ => reading.by_status(ErrorKind::Unavailable),
    }
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
    fn the_request_bears_the_token_and_asks_past_caches() {
        let token = Token::new(TokenKind::Bearer, "t");
        let request =
            Userinfo { endpoint: "https://id.example/me", token: &token }.request().unwrap();
        assert_eq!(request.method(), "GET");
        assert_eq!(request.headers()["authorization"], "Bearer t");
        assert_eq!(request.headers()["cache-control"], "no-cache");
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_an_error_that_does_not_show_it() {
        let token = Token::new(TokenKind::Bearer, "canary\n");
        let error = Userinfo { endpoint: "https://id.example/me", token: &token }.request();
        assert!(!error.unwrap_err().to_string().contains("canary"));
    }

    #[test]
    fn a_user_is_a_yes_and_401_is_a_no() {
        assert_eq!(parse(200, "text/plain", r#"{"sub":"u"}"#).unwrap(), Validation::Active);
        assert_eq!(parse(200, "application/jwt", "e30.e30.").unwrap(), Validation::Active);
        assert_eq!(parse(401, "text/html", "<html>").unwrap(), Validation::Inactive);
    }

    #[test]
    fn anything_else_is_no_validation_and_never_about_credentials() {
        for (status, body) in [
            (200, "<html>login</html>"),
            (200, ""),
            (200, r#"{"error":"invalid_token"}"#),
            (204, ""),
            (302, ""),
            (400, r#"{"error":"invalid_client"}"#),
            (403, r#"{"error":"insufficient_scope"}"#),
            (404, "Not Found"),
            (500, "{}"),
        ] {
            let error = parse(status, "application/json", body).unwrap_err();
            assert_ne!(error.kind(), ErrorKind::CredentialsRejected, "{status} {body}");
            assert_eq!(error.status(), Some(status));
        }
    }
}
