//! Validate: is this token active?

use ::http::{Method, Response, header};
use zeroize::Zeroizing;

use super::wire::{self, Envelope};
use crate::{
    error::{ErrorKind, Result},
    http::{self, Body, Request},
    provider::{reading::Reading, validation::Validation},
    token::Token,
};

/// Asks whether a token is active (`Validate`). The token stands in the address: neither the
/// address nor Debug of the request may reach a log.
#[derive(Clone, Copy, Debug)]
pub struct Validate<'a> {
    /// The server's base address, as a rule [`DEFAULT_SERVER`](super::DEFAULT_SERVER).
    pub server: &'a str,
    /// The token that is asked about.
    pub token: &'a Token,
}

impl Validate<'_> {
    /// The request to send. Its address holds the token.
    pub fn request(&self) -> Result<Request> {
        let base = http::join(self.server, "/api/Authentication/Validate?token=");
        let token = self.token.expose();
        let mut address = Zeroizing::new(String::with_capacity(base.len() + 3 * token.len()));
        address.push_str(&base);
        // A plus sign means a space to some and itself to others.
        address.extend(
            form_urlencoded::byte_serialize(token.as_bytes())
                .map(|part| if part == "+" { "%20" } else { part }),
        );
        let request = http::request(Method::GET, &address)?
            // A stored answer is no validation.
            .header(header::CACHE_CONTROL, "no-cache");
        http::finish(request, Body::empty())
    }

    /// Reads the validation: the word True or False that ends `AuthenticationMessage`, in an envelope
    /// whose codes are zero. All else is an error: no word.
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<Validation> {
        read(&Reading::of(response))
    }
}

pub(crate) fn read(reading: &Reading<'_>) -> Result<Validation> {
    if !reading.status.is_success() {
        return Err(wire::failure(reading, ErrorKind::Unavailable));
    }
    let (envelope, _) = Envelope::read(reading, "Token")?;
    if let Some(code) = envelope.failed() {
        let error = envelope.failure(reading, ErrorKind::InvalidResponse, &code);
        return Err(error
            .expected("codes of zero")
            .advice("this is no validation: ask again later"));
    }
    let message = envelope.authentication();
    let word = message.word().and_then(last_word).filter(|_| envelope.succeeded());
    match word {
        Some(word) if word.eq_ignore_ascii_case("true") => Ok(Validation::Active),
        Some(word) if word.eq_ignore_ascii_case("false") => Ok(Validation::Inactive),
        _ => {
            let found = match message.word() {
                Some(text) => format!("\"{}\"", reading.quote(text)),
                None => message.found().to_owned(),
            };
            let expected = "a text that ends in True or False, with codes of zero";
            Err(reading.bad_field("AuthenticationMessage", found, expected))
        }
    }
}

/// The word that ends a text, without the punctuation behind it.
fn last_word(text: &str) -> Option<&str> {
    text.trim_end_matches(|c: char| !c.is_alphanumeric())
        .rsplit(|c: char| !c.is_alphanumeric())
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TokenKind;

    fn parse(message: &str, rest: &str) -> Result<Validation> {
        let body = format!(r#"{{"AuthenticationMessage":{message}{rest}}}"#);
        Validate::parse(&Response::new(body))
    }

    #[test]
    fn lesson_1_the_token_is_percent_encoded_and_in_no_debug_text() {
        let token = Token::new(TokenKind::Winkas, "U1|v-T_ +&é");
        let validate = Validate { server: "https://air.winkas.net", token: &token };
        let request = validate.request().unwrap();
        assert_eq!(request.method(), "GET");
        assert_eq!(
            request.uri(),
            "https://air.winkas.net/api/Authentication/Validate?token=U1%7Cv-T_%20%2B%26%C3%A9"
        );
        assert!(request.body().as_bytes().is_empty());
        assert!(!format!("{validate:?}").contains("U1"));
    }

    #[test]
    fn the_validation_is_the_word_that_ends_the_message() {
        let zero = r#","WinkasErrorCode":0,"WinKasStatus":0"#;
        for (message, validation) in [
            (r#""Token validation result is: True""#, Validation::Active),
            (r#""Token validation result is: true.""#, Validation::Active),
            (r#""Token validation result is: False""#, Validation::Inactive),
            (r#""It is not True: FALSE!\n""#, Validation::Inactive),
            (r#""False""#, Validation::Inactive),
        ] {
            assert_eq!(parse(message, zero).unwrap(), validation, "{message}");
        }
    }

    #[test]
    fn anything_else_is_no_validation() {
        let zero = r#","WinkasErrorCode":0,"WinKasStatus":0"#;
        for message in ["null", "7", "\"\"", "\"Falsehood\"", "\"True or so\"", "\"untrue\"", "{}"]
        {
            let error = parse(message, zero).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidResponse);
            assert!(error.detail().contains("`AuthenticationMessage`"), "{error}");
        }
        for codes in [r#","WinkasErrorCode":1"#, r#","WinkasErrorCode":0,"WinKasStatus":"2""#, ""] {
            for word in ["\"True\"", "\"False\""] {
                assert!(parse(word, codes).is_err(), "{word} {codes}");
            }
        }
        for status in [201_u16, 204, 301, 401, 403, 404, 500] {
            let response = Response::builder().status(status).body("").unwrap();
            assert!(Validate::parse(&response).is_err(), "{status}");
        }
    }
}
