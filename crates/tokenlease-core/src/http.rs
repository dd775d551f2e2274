//! What requests are made of: `http` types with a body that is overwritten when dropped and never
//! printed.

use std::fmt;

use ::http::{HeaderValue, Method, header};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

/// A request of an exchange, ready to be sent by any HTTP stack.
pub type Request = ::http::Request<Body>;

/// A request's body: it may hold a password, so Debug shows its length alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Body(Zeroizing<Vec<u8>>);

impl Body {
    /// No body.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A body of `application/x-www-form-urlencoded` pairs, in their order.
    pub fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        // Three bytes for each at most: the vector never grows and leaves no copy behind.
        let room = pairs.clone().into_iter().map(|(k, v)| 3 * (k.len() + v.len()) + 2).sum();
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(room));
        for (key, value) in pairs {
            form.append_pair(key, value);
        }
        Self(Zeroizing::new(form.finish().into_bytes()))
    }

    /// A body of JSON.
    pub fn json(value: &impl Serialize) -> Result<Self> {
        let mut text = Zeroizing::new(Vec::with_capacity(1024));
        serde_json::to_writer(&mut *text, value).map_err(|error| {
            Error::new(ErrorKind::Internal, "a request body could not be written as JSON")
                .with_source(error)
        })?;
        Ok(Self(text))
    }

    /// The bytes to send.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body([redacted], {} bytes)", self.0.len())
    }
}

/// `Basic` credentials of already encoded parts, marked sensitive so that no log prints them.
pub(crate) fn basic(id: &str, secret: &str) -> Result<HeaderValue> {
    let pair = Zeroizing::new(format!("{id}:{secret}"));
    let encoded = Zeroizing::new(BASE64.encode(pair.as_bytes()));
    sensitive(&Zeroizing::new(format!("Basic {}", encoded.as_str())))
}

/// `Bearer` and a token (RFC 6750 section 2.1), marked sensitive.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue> {
    sensitive(&Zeroizing::new(format!("Bearer {token}")))
}

/// A header value that no log prints.
pub(crate) fn sensitive(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Error::new(ErrorKind::Config, "a secret holds characters that no HTTP header can carry")
            .expected("visible characters, no line breaks")
            .advice("look for a stray line break at the end of the secret")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Starts a request; `address` must be an absolute URL.
pub(crate) fn request(method: Method, address: &str) -> Result<::http::request::Builder> {
    let uri: Option<::http::Uri> = address.parse().ok();
    let absolute = |uri: &::http::Uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
    };
    let Some(uri) = uri.filter(absolute) else {
        // The address of a validation carries the token: it is not quoted.
        return Err(Error::new(ErrorKind::Config, "the address of a call is not a URL")
            .expected("http:// or https://, a host, and a path without spaces")
            .advice("look at the server address and the configured paths"));
    };
    Ok(::http::Request::builder()
        .method(method)
        .uri(uri)
        .header(header::ACCEPT, "application/json"))
}

/// The address of a path below a server's base address.
pub(crate) fn join(server: &str, path: &str) -> String {
    format!("{}/{}", server.trim_end_matches('/'), path.trim_start_matches('/'))
}

/// Ends a request with its body.
pub(crate) fn finish(builder: ::http::request::Builder, body: Body) -> Result<Request> {
    builder.body(body).map_err(|error| {
        Error::new(ErrorKind::Internal, "a request could not be put together").with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_request_shows_neither_body_nor_credentials() {
        let builder = request(Method::POST, "https://example.net/connect/token")
            .unwrap()
            .header(header::AUTHORIZATION, basic("id", "canary").unwrap());
        let request = finish(builder, Body::form([("password", "canary")])).unwrap();
        let text = format!("{request:?}");
        assert!(!text.contains("canary"), "{text}");
        assert!(!text.contains(&BASE64.encode("id:canary")), "{text}");
    }

    #[test]
    fn a_form_is_encoded_as_the_standard_says() {
        let body = Body::form([("user", "ø+&% 😀"), ("empty", "")]);
        assert_eq!(body.as_bytes(), b"user=%C3%B8%2B%26%25+%F0%9F%98%80&empty=");
    }
}
