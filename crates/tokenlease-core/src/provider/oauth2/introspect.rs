//! The server's word on a token, asked by a client.

use ::http::Response;

use super::{
    client::{self, Client},
    wire::{self, Stake},
};
use crate::{
    error::Result,
    http::Request,
    provider::{field::Field, reading::Reading, validation::Validation},
    token::Token,
};

/// Whether a token is active (RFC 7662).
#[derive(Clone, Copy, Debug)]
pub struct Introspect<'a> {
    /// The introspection endpoint's whole address.
    pub endpoint: &'a str,
    /// The token that is asked about.
    pub token: &'a Token,
    /// The client that asks.
    pub client: Client<'a>,
}

impl Introspect<'_> {
    /// The request to send. It holds the token and the client's secret.
    pub fn request(&self) -> Result<Request> {
        let fields = [("token", self.token.expose()), ("token_type_hint", "access_token")];
        client::post(self.endpoint, &self.client, &fields)
    }

    /// Reads the validation: the field `active`, true or false, of an answer with success. All else is
    /// an error: no word.
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<Validation> {
        read(&Reading::of(response))
    }
}

pub(crate) fn read(reading: &Reading<'_>) -> Result<Validation> {
    if !reading.status.is_success() {
        return Err(wire::failure(reading, Stake::Token));
    }
    let [active, code, description] =
        reading.fields(["active", "error", "error_description"], wire::exactly)?;
    if let Some(code) = code.word() {
        return Err(wire::rejected(reading, code, description.word(), Stake::Token));
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
    fn the_request_holds_the_token_in_its_body() {
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
    fn active_is_the_validation() {
        assert_eq!(parse(200, r#"{"sub":"u","active":true}"#).unwrap(), Validation::Active);
        assert_eq!(parse(200, r#"{"active":false}"#).unwrap(), Validation::Inactive);
        assert_eq!(parse(200, r#"{"active":"True"}"#).unwrap(), Validation::Active);
    }

    #[test]
    fn anything_else_is_no_validation() {
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
