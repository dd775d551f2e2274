//! Validate: is this token active?

use ::http::{Method, Response, header};
use zeroize::Zeroizing;

use super::wire::Envelope;
use crate::{
    error::{ErrorKind, Result},
    http::{self, Body, Request},
    token::Token,
    vendor::{reading::Reading, verdict::Verdict},
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
            // A stored answer is no verdict.
            .header(header::CACHE_CONTROL, "no-cache");
        http::finish(request, Body::empty())
    }

    /// Reads the verdict: the word True or False that ends `AuthenticationMessage`, in an envelope
    /// whose codes are zero. All else is an error: no word.
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<Verdict> {
        read(&Reading::of(response))
    }
}

pub(crate) fn read(reading: &Reading<'_>) -> Result<Verdict> {
    if !reading.status.is_success() {
        return Err(reading.by_status(ErrorKind::Unavailable));
    }
    let (envelope, _) = Envelope::read(reading, "Token")?;
    if let Some(code) = envelope.failed() {
        let error = envelope.failure(reading, ErrorKind::Unintelligible, &code);
        return Err(error.expected("codes of zero").advice("this is no verdict: ask again later"));
    }
    let message = envelope.authentication();
    let word = message.word().and_then(last_word).filter(|_| envelope.succeeded());
    match word {
        Some(word) if word.eq_ignore_ascii_case("true") => Ok(Verdict::Active),
        Some(word) if word.eq_ignore_ascii_case("false") => Ok(Verdict::Inactive),
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
