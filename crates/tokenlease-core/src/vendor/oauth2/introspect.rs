//! The server's word on a token, asked by a client.

use ::http::Response;

use super::{
    client::{self, Client},
    wire::{self, Stake},
};
use crate::{
    error::Result,
    http::Request,
    token::Token,
    vendor::{field::Field, reading::Reading, verdict::Verdict},
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

    /// Reads the verdict: the field `active`, true or false, of an answer with success. All else is
    /// an error: no word.
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<Verdict> {
        read(&Reading::of(response))
    }
}

pub(crate) fn read(reading: &Reading<'_>) -> Result<Verdict> {
    if !reading.status.is_success() {
        return Err(wire::failure(reading, Stake::Token));
    }
    let [active, code, description] =
        reading.fields(["active", "error", "error_description"], wire::exactly)?;
    if let Some(code) = code.word() {
        return Err(wire::refused(reading, code, description.word(), Stake::Token));
    }
    match (&active, active.word()) {
        (Field::Bool(true), _) => Ok(Verdict::Active),
        (Field::Bool(false), _) => Ok(Verdict::Inactive),
        (_, Some(word)) if word.eq_ignore_ascii_case("true") => Ok(Verdict::Active),
        (_, Some(word)) if word.eq_ignore_ascii_case("false") => Ok(Verdict::Inactive),
        _ => Err(reading.bad_field("active", active.found(), "true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::ErrorKind, token::TokenKind, vendor::ClientAuth};

    fn parse(status: u16, body: &str) -> Result<Verdict> {
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
    fn active_is_the_verdict() {
        assert_eq!(parse(200, r#"{"sub":"u","active":true}"#).unwrap(), Verdict::Active);
        assert_eq!(parse(200, r#"{"active":false}"#).unwrap(), Verdict::Inactive);
        assert_eq!(parse(200, r#"{"active":"True"}"#).unwrap(), Verdict::Active);
    }

    #[test]
    fn anything_else_is_no_verdict() {
        for (status, body, kind) in [
            (200, "{}", ErrorKind::Unintelligible),
            (200, r#"{"active":1}"#, ErrorKind::Unintelligible),
            (200, r#"{"active":null}"#, ErrorKind::Unintelligible),
            (200, "<html>", ErrorKind::Unintelligible),
            (400, r#"{"active":false}"#, ErrorKind::Unintelligible),
            (401, r#"{"active":false}"#, ErrorKind::CredentialsRefused),
            (403, "", ErrorKind::Unavailable),
            (500, r#"{"active":false}"#, ErrorKind::Unavailable),
        ] {
            assert_eq!(parse(status, body).unwrap_err().kind(), kind, "{status} {body}");
        }
    }
}
