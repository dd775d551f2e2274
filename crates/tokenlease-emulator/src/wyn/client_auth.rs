//! Client authentication in the body or in a Basic header (RFC 6749 section 2.3.1).

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;

use crate::http1::Call;
use crate::state::State;
use crate::wyn::protocol::{CLIENT_ID, MAX_LENGTH, Rejection};

/// The parameters of a form without duplicates.
pub(super) struct Form(HashMap<String, String>);

impl Form {
    /// Parses the body. Returns `None` if a parameter occurs twice (RFC 6749 section 3.2).
    pub(super) fn read(call: &Call) -> Option<Self> {
        let mut form = HashMap::new();
        for (name, value) in form_urlencoded::parse(&call.body) {
            if form.insert(name.into_owned(), value.into_owned()).is_some() {
                return None;
            }
        }
        Some(Self(form))
    }

    /// Returns a parameter. An empty one counts as omitted (RFC 6749 section 3.1).
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Returns the client that sent the call, or the error answer.
pub(super) fn authenticate(
    state: &mut State,
    call: &Call,
    form: &Form,
) -> Result<&'static str, Rejection> {
    let in_body = (form.value("client_id"), form.value("client_secret"));
    let basic = call.header("authorization").filter(|value| scheme(value, "basic").is_some());
    let (id, secret) = match (basic, in_body) {
        (Some(_), (_, Some(_))) => return Err(Rejection::because("invalid_request", TWO_METHODS)),
        (Some(header), (id, None)) => {
            let Some(parts) = decode_basic(header) else {
                return Err(invalid_client(state));
            };
            if id.is_some_and(|id| id != parts.0) {
                return Err(Rejection::because("invalid_request", TWO_METHODS));
            }
            parts
        }
        (None, (Some(id), Some(secret))) => (id.to_owned(), secret.to_owned()),
        (None, _) => return Err(invalid_client(state)),
    };
    let short = id.chars().count() <= MAX_LENGTH && secret.chars().count() <= MAX_LENGTH;
    if short && id == CLIENT_ID && state.secrets.contains(&secret) {
        return Ok(CLIENT_ID);
    }
    state.details.wyn.wrong_credentials += 1;
    Err(invalid_client(state))
}

/// Returns the text after the name of an authentication scheme, which may be in any case (RFC 9110
/// section 11.1).
pub(super) fn scheme<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let (scheme, rest) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case(name).then(|| rest.trim())
}

fn invalid_client(state: &State) -> Rejection {
    let mut rejection = Rejection::new("invalid_client");
    if state.options.wyn.invalid_client_401 {
        rejection.status = StatusCode::UNAUTHORIZED;
    }
    rejection
}

fn decode_basic(header: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(scheme(header, "basic")?).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((form_decode(id)?, form_decode(secret)?))
}

/// Form-url-decodes one part. A `%` without two hexadecimal digits is kept.
fn form_decode(part: &str) -> Option<String> {
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
    String::from_utf8(decoded).ok()
}

const TWO_METHODS: &str = "client authentication must only be provided using one mechanism";

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
    }
}
