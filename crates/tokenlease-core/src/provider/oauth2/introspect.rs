//! Token introspection: a validation that a client requests.

use ::http::Response;

use super::{
    client::{self, Client},
    failure::{self, Presented},
    wire,
};
use crate::{
    error::Result,
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

    /// Parses the response: the field `active` of a successful response.
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
        return Err(failure::of(reading, Presented::Token));
    }
    let [active, code, description] =
        reading.fields(["active", "error", "error_description"], wire::exactly)?;
    if let Some(code) = code.word() {
        return Err(failure::rejected(reading, code, description.word(), Presented::Token));
    }
    match (&active, active.word()) {
        (Field::Bool(true), _) => Ok(Validation::Active),
        (Field::Bool(false), _) => Ok(Validation::Inactive),
        (_, Some(word)) if word.eq_ignore_ascii_case("true") => Ok(Validation::Active),
        (_, Some(word)) if word.eq_ignore_ascii_case("false") => Ok(Validation::Inactive),
        _ => Err(reading.bad_field("active", active.found(), "true or false")),
    }
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
