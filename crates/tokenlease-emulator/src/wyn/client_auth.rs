//! Client authentication in the body or in a Basic header (RFC 6749 section 2.3.1).

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;

use crate::http1::Call;
use crate::quirk::Quirk;
use crate::state::State;
use crate::wyn::protocol::{API_RESOURCE, CLIENT_ID, MAX_LENGTH, Rejection, length};

/// The parameters of a form. As in ASP.NET, names are in any case, and the first value of a repeated
/// name counts.
pub(super) struct Form(HashMap<String, String>);

impl Form {
    pub(super) fn read(call: &Call) -> Self {
        let mut form = HashMap::new();
        for (name, value) in form_urlencoded::parse(&call.body) {
            form.entry(name.to_ascii_lowercase()).or_insert_with(|| value.into_owned());
        }
        Self(form)
    }

    /// Returns a parameter. A blank one counts as omitted.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.sent(name).filter(|value| !value.trim().is_empty())
    }

    /// Returns a parameter that was sent, also a blank one.
    pub(super) fn sent(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Returns the client that sent the call, or the error answer.
pub(super) fn authenticate(
    state: &mut State,
    call: &Call,
    form: &Form,
) -> Result<&'static str, Rejection> {
    let sent = credentials(call, form);
    if let Some((id, secret)) = &sent {
        if id == CLIENT_ID && state.secrets.contains(secret) {
            return Ok(CLIENT_ID);
        }
        state.details.wyn.wrong_credentials += 1;
    }
    if state.has(Quirk::Keycloak401) {
        let mut rejection = Rejection::because("unauthorized_client", KEYCLOAK_TEXT);
        rejection.status = StatusCode::UNAUTHORIZED;
        return Err(rejection);
    }
    let mut rejection = Rejection::new("invalid_client");
    if state.options.wyn.invalid_client_401 {
        rejection.status = StatusCode::UNAUTHORIZED;
    }
    Err(rejection)
}

/// Returns whether the API resource sent the call, or the client, if the option allows it.
pub(super) fn may_introspect(state: &mut State, call: &Call, form: &Form) -> bool {
    let Some((id, secret)) = credentials(call, form) else { return false };
    let allowed = match id.as_str() {
        API_RESOURCE => secret == state.api_secret,
        CLIENT_ID => state.options.wyn.clients_introspect && state.secrets.contains(&secret),
        _ => false,
    };
    state.details.wyn.wrong_credentials += u64::from(!allowed);
    allowed
}

/// Returns the id and the secret of a call. A Basic header wins over the body, but one that is malformed
/// or too long counts as omitted, as in `IdentityServer4`.
fn credentials(call: &Call, form: &Form) -> Option<(String, String)> {
    call.header("authorization").and_then(decode_basic).or_else(|| {
        let (id, secret) = (form.value("client_id")?, form.value("client_secret")?);
        let short = length(id) <= MAX_LENGTH && length(secret) <= MAX_LENGTH;
        short.then(|| (id.to_owned(), secret.to_owned()))
    })
}

/// Returns the text after the name of an authentication scheme, which may be in any case (RFC 9110
/// section 11.1).
pub(super) fn scheme<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let (scheme, rest) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case(name).then(|| rest.trim())
}

/// Decodes a Basic header. The lengths are those before the parts are form-url-decoded.
fn decode_basic(header: &str) -> Option<(String, String)> {
    let bytes = STANDARD.decode(scheme(header, "basic")?).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (id, secret) = text.split_once(':')?;
    let short = length(id) <= MAX_LENGTH && length(secret) <= MAX_LENGTH;
    (short && !id.trim().is_empty()).then(|| (form_decode(id), form_decode(secret)))
}

/// Form-url-decodes one part. A `%` without two hexadecimal digits is kept.
fn form_decode(part: &str) -> String {
    let mut decoded = Vec::new();
    let mut rest = part.as_bytes();
    while let [first, tail @ ..] = rest {
        let pair = tail.get(..2).filter(|pair| *first == b'%' && pair.is_ascii());
        let pair = pair.and_then(|pair| std::str::from_utf8(pair).ok());
        if let Some(byte) = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            decoded.push(byte);
            rest = &tail[2..];
        } else {
            decoded.push(if *first == b'+' { b' ' } else { *first });
            rest = tail;
        }
    }
    // .NET keeps the escapes of bytes that are not UTF-8.
    String::from_utf8(decoded).unwrap_or_else(|_| part.replace('+', " "))
}

const KEYCLOAK_TEXT: &str = "Invalid client or Invalid client credentials";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basic_header_is_split_at_the_first_colon_before_its_parts_are_decoded() {
        let header = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let decoded = decode_basic(&header("a%3Ab+c:d%25e%2Bf:g%C3%A6")).unwrap();
        assert_eq!(decoded, ("a:b c".to_owned(), "d%e+f:g\u{e6}".to_owned()));
        assert_eq!(decode_basic(&header("a:50%")).unwrap().1, "50%");
        assert!(decode_basic(&header("no colon")).is_none());
        assert!(decode_basic("Basic ???").is_none());
        assert!(decode_basic(&header(" :secret")).is_none());
        assert!(decode_basic(&header(&format!("a:{}", "%41".repeat(34)))).is_none());
    }
}
