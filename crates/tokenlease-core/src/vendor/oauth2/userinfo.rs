//! The server's word on a token, asked with the token itself.

use ::http::{Method, Response, header};

use super::wire;
use crate::{
    error::{ErrorKind, Result},
    http::{self, Body, Request},
    token::Token,
    vendor::{reading::Reading, verdict::Verdict},
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
            // A stored answer is no verdict.
            .header(header::CACHE_CONTROL, "no-cache");
        http::finish(request, Body::empty())
    }

    /// Reads the verdict: 401 is a no (RFC 6750 section 3.1), a JSON object or a signed one (JWT)
    /// with success is a yes. All else is an error: no word.
    pub fn parse(response: &Response<impl AsRef<[u8]>>) -> Result<Verdict> {
        read(&Reading::of(response))
    }
}

pub(crate) fn read(reading: &Reading<'_>) -> Result<Verdict> {
    match reading.status.as_u16() {
        401 => return Ok(Verdict::Inactive),
        200 => {}
        _ => return Err(failure(reading)),
    }
    let signed = reading
        .header(header::CONTENT_TYPE)
        .is_some_and(|name| name.trim().to_ascii_lowercase().starts_with("application/jwt"));
    if signed && !reading.is_empty() {
        return Ok(Verdict::Active);
    }
    let [code] = reading.fields(["error"], wire::exactly)?;
    if code.word().is_some() { Err(failure(reading)) } else { Ok(Verdict::Active) }
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
