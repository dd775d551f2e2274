//! `Validate`: whether a token is active.

use ::http::{Method, Response, header};
use zeroize::Zeroizing;

use super::wire::{self, Envelope};
use crate::{
    error::{ErrorKind, Result},
    http::{self, Body, Request},
    provider::{reading::Reading, validation::Validation},
    token::Token,
};

/// Asks whether a token is active (`Validate`).
///
/// The URL contains the token: log neither the URL nor the request.
///
/// ```
/// use tokenlease_core::{Token, TokenKind, provider::{Validation, winkas}};
///
/// let token = Token::new(TokenKind::Winkas, "U1vT|86Vb");
/// let validate = winkas::Validate { server: winkas::DEFAULT_SERVER, token: &token };
/// let request = validate.request()?; // send it
/// assert_eq!(request.uri().query(), Some("token=U1vT%7C86Vb"));
///
/// let response = http::Response::new(
///     r#"{"AuthenticationMessage":"Token validation result is: True","WinkasErrorCode":0}"#,
/// );
/// assert_eq!(winkas::Validate::parse(&response)?, Validation::Active);
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Validate<'a> {
    /// The server's base address, usually [`DEFAULT_SERVER`](super::DEFAULT_SERVER).
    pub server: &'a str,
    /// The token to validate.
    pub token: &'a Token,
}

impl Validate<'_> {
    /// Builds the request. Its URL contains the token.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the server's address is not a URL.
    pub fn request(&self) -> Result<Request> {
        let base = http::join(self.server, "/api/Authentication/Validate?token=");
        let token = self.token.expose();
        let mut address = Zeroizing::new(String::with_capacity(base.len() + 3 * token.len()));
        address.push_str(&base);
        // Some servers decode a plus sign as a space, and some do not.
        address.extend(
            form_urlencoded::byte_serialize(token.as_bytes())
                .map(|part| if part == "+" { "%20" } else { part }),
        );
        let request = http::request(Method::GET, &address)?
            // A cached response does not validate the token.
            .header(header::CACHE_CONTROL, "no-cache");
        http::finish(request, Body::empty())
    }

    /// Parses the response: the word True or False at the end of `AuthenticationMessage`, in an
    /// envelope whose codes are zero.
    ///
    /// # Errors
    /// An error is inconclusive: [`ErrorKind::Throttled`], [`ErrorKind::Unavailable`] or
    /// [`ErrorKind::InvalidResponse`].
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
            .advice("the validation is inconclusive: retry later"));
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

/// Returns the last word of a text, without punctuation.
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

    /// Rule: Secrets: Debug of a validation shows no token, although its URL contains it.
    ///
    /// Reported as seanmonstar/reqwest#2971.
    #[test]
    fn the_token_is_percent_encoded_in_the_url_and_in_no_debug_text() {
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
    fn the_last_word_of_the_message_is_the_result_of_a_validation() {
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

    /// Rule: Validation: any other response, an error code or a failed call is inconclusive.
    #[test]
    fn any_other_response_to_a_validation_is_inconclusive() {
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
