//! Token introspection: a validation that a client requests.

use ::http::{Response, StatusCode};

use super::{
    client::{self, Client},
    failure::{self, Presented},
    wire,
};
use crate::{
    error::{Error, Result},
    http::Request,
    provider::{field::Field, reading::Reading, validation::Validation},
    token::Token,
};

/// Asks whether a token is active (RFC 7662).
///
/// ```
/// use tokenlease_core::{
///     Secret, Token, TokenKind,
///     provider::{Validation, oauth2::{Client, ClientAuth, Introspect}},
/// };
///
/// let (token, secret) = (Token::new(TokenKind::Bearer, "4E2E"), Secret::from("SECRET"));
/// let introspect = Introspect {
///     endpoint: "https://id.example/introspect",
///     token: &token,
///     client: Client { id: "api", secret: Some(&secret), auth: ClientAuth::Basic },
/// };
/// let request = introspect.request()?; // send it
/// assert_eq!(request.body().as_bytes(), b"token=4E2E&token_type_hint=access_token");
///
/// let response = http::Response::new(r#"{"active":false}"#);
/// assert_eq!(Introspect::parse(&response)?, Validation::Inactive);
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Introspect<'a> {
    /// The URL of the introspection endpoint.
    pub endpoint: &'a str,
    /// The token to validate.
    pub token: &'a Token,
    /// The client that requests the validation.
    pub client: Client<'a>,
}

impl Introspect<'_> {
    /// Builds the request. It contains the token and the client's secret.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the endpoint is not a URL, or if a header
    /// can't carry the client's id or secret.
    pub fn request(&self) -> Result<Request> {
        let fields = [("token", self.token.expose()), ("token_type_hint", "access_token")];
        client::post(self.endpoint, &self.client, &fields)
    }

    /// Parses the response: the field `active` of a successful response. A 400 with the error
    /// `invalid_token`, as servers older than RFC 7662 send it for an unknown token, means inactive.
    ///
    /// A 401, 403 or 404 is about the question, and says nothing about the token.
    ///
    /// # Errors
    /// An error is inconclusive: [`CredentialsRejected`](crate::ErrorKind::CredentialsRejected) (the
    /// client's), [`Config`](crate::ErrorKind::Config), [`Unsupported`](crate::ErrorKind::Unsupported),
    /// [`Throttled`](crate::ErrorKind::Throttled), [`Unavailable`](crate::ErrorKind::Unavailable) or
    /// [`InvalidResponse`](crate::ErrorKind::InvalidResponse).
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<Validation> {
        read(&Reading::of(response))
    }
}

pub(crate) fn read(reading: &Reading<'_>) -> Result<Validation> {
    if !reading.status.is_success() {
        let error = failure::of(reading, Presented::Token);
        // `check_token` of the old Spring Security OAuth. With 401 the code would be about the question.
        if reading.status == StatusCode::BAD_REQUEST && error.code() == Some("invalid_token") {
            return Ok(Validation::Inactive);
        }
        return Err(refused(error));
    }
    let [active, error] = reading.fields(["active", "error"], wire::exactly)?;
    if error.word().is_some() {
        return Err(failure::of(reading, Presented::Token));
    }
    match (&active, active.word()) {
        (Field::Bool(true), _) => Ok(Validation::Active),
        (Field::Bool(false), _) => Ok(Validation::Inactive),
        (_, Some(word)) if word.eq_ignore_ascii_case("true") => Ok(Validation::Active),
        (_, Some(word)) if word.eq_ignore_ascii_case("false") => Ok(Validation::Inactive),
        _ => Err(reading.bad_field("active", active.found(), "true or false")),
    }
}

/// Gives the error of a refused question the advice that fits.
fn refused(error: Error) -> Error {
    let advice = match (error.status(), error.code()) {
        (Some(401), _) | (_, Some("invalid_client" | "unauthorized_client")) => {
            "this says nothing about the token: check the client id, the client secret and the option \
             client_auth, and allow introspection for the client at the server"
        }
        (Some(403), _) => {
            "this says nothing about the token: allow introspection for the client at the server"
        }
        (Some(404 | 405 | 410), _) | (_, Some("invalid_request")) => {
            "this says nothing about the token: check the option introspection_path"
        }
        _ => return error,
    };
    error.advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::ErrorKind, provider::ClientAuth, token::TokenKind};

    fn parse(status: u16, body: &str) -> Result<Validation> {
        Introspect::parse(&Response::builder().status(status).body(body).unwrap())
    }

    #[test]
    fn the_request_of_an_introspection_contains_the_token_in_its_body() {
        let request = Introspect {
            endpoint: "https://id.example/introspect",
            token: &Token::new(TokenKind::Bearer, "t"),
            client: Client { id: "api", secret: Some(&"s".into()), auth: ClientAuth::Basic },
        }
        .request()
        .unwrap();
        assert_eq!(request.uri(), "https://id.example/introspect");
        assert_eq!(request.headers()["authorization"], "Basic YXBpOnM=");
        assert_eq!(request.body().as_bytes(), b"token=t&token_type_hint=access_token");
    }

    #[test]
    fn the_field_active_is_the_result_of_an_introspection() {
        assert_eq!(parse(200, r#"{"sub":"u","active":true}"#).unwrap(), Validation::Active);
        assert_eq!(parse(200, r#"{"active":false}"#).unwrap(), Validation::Inactive);
        assert_eq!(parse(200, r#"{"active":"True"}"#).unwrap(), Validation::Active);
    }

    /// Rule: Validation: introspection that answers 400 `invalid_token` means inactive, as in servers older
    /// than RFC 7662; with 401 it does not.
    #[test]
    fn a_400_with_invalid_token_means_inactive() {
        let body = r#"{"error":"invalid_token","error_description":"Token was not recognised"}"#;
        assert_eq!(parse(400, body).unwrap(), Validation::Inactive);
        for status in [401, 403, 404, 500] {
            parse(status, body).unwrap_err();
        }
    }

    /// Rule: Validation: introspection that refuses the question says nothing about the token, and the
    /// error's advice is about the client or the path.
    #[test]
    fn a_refused_introspection_says_nothing_about_the_token() {
        for (status, body, advice) in [
            (401, "ErrorType=unauthorized_client", "client_auth"),
            (401, r#"{"error":"invalid_client"}"#, "client_auth"),
            (400, r#"{"error":"invalid_client"}"#, "client_auth"),
            (403, "", "allow introspection"),
            (404, "<html>", "introspection_path"),
            (400, r#"{"error":"invalid_request"}"#, "introspection_path"),
        ] {
            let error = parse(status, body).unwrap_err().to_string();
            assert!(error.contains("says nothing about the token"), "{error}");
            assert!(error.contains(advice) && !error.contains("unblock"), "{error}");
        }
    }

    /// Rule: Validation: a failed introspection is inconclusive, and tells nothing about the token.
    #[test]
    fn any_other_response_to_an_introspection_is_inconclusive() {
        for (status, body, kind) in [
            (200, "{}", ErrorKind::InvalidResponse),
            (200, r#"{"active":1}"#, ErrorKind::InvalidResponse),
            (200, r#"{"active":null}"#, ErrorKind::InvalidResponse),
            (200, "<html>", ErrorKind::InvalidResponse),
            (400, r#"{"active":false}"#, ErrorKind::InvalidResponse),
            (401, r#"{"active":false}"#, ErrorKind::CredentialsRejected),
            (403, "", ErrorKind::Unavailable),
            (500, r#"{"active":false}"#, ErrorKind::Unavailable),
        ] {
            assert_eq!(parse(status, body).unwrap_err().kind(), kind, "{status} {body}");
        }
    }
}
