//! Requests: types of the `http` crate, with a body that is zeroized when dropped and never printed.

use std::fmt;

use ::http::{HeaderValue, Method, header};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

/// The request of an exchange, for any HTTP library to send.
pub type Request = ::http::Request<Body>;

/// The body of a request. It may hold a password, so Debug shows only its length.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Body(Zeroizing<Vec<u8>>);

impl Body {
    /// Makes an empty body.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Makes a body of `application/x-www-form-urlencoded` pairs, in their order.
    pub fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        // Each byte becomes at most three, so the vector never grows and leaves no copy behind.
        let room = pairs.clone().into_iter().map(|(k, v)| 3 * (k.len() + v.len()) + 2).sum();
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(room));
        for (key, value) in pairs {
            form.append_pair(key, value);
        }
        Self(Zeroizing::new(form.finish().into_bytes()))
    }

    /// Makes a JSON body.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the value can't be written as JSON.
    pub fn json(value: &impl Serialize) -> Result<Self> {
        let mut text = Zeroizing::new(Vec::with_capacity(1024));
        serde_json::to_writer(&mut *text, value).map_err(|error| {
            Error::new(ErrorKind::Internal, "a request body can't be written as JSON")
                .with_source(error)
        })?;
        Ok(Self(text))
    }

    /// Returns the bytes to send.
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

/// Returns a `Basic` header of parts that are already encoded, marked as sensitive.
pub(crate) fn basic(id: &str, secret: &str) -> Result<HeaderValue> {
    let pair = Zeroizing::new(format!("{id}:{secret}"));
    let encoded = Zeroizing::new(BASE64.encode(pair.as_bytes()));
    sensitive(&Zeroizing::new(format!("Basic {}", encoded.as_str())))
}

/// Returns a `Bearer` header (RFC 6750 section 2.1), marked as sensitive.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue> {
    sensitive(&Zeroizing::new(format!("Bearer {token}")))
}

/// Returns a header value marked as sensitive, so that logs don't print it.
pub(crate) fn sensitive(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Error::new(
            ErrorKind::Config,
            "a secret contains characters that an HTTP header can't carry",
        )
        .expected("visible characters without line breaks")
        .advice("check whether the secret ends in a line break")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Starts a request. `address` must be an absolute URL.
pub(crate) fn request(method: Method, address: &str) -> Result<::http::request::Builder> {
    let uri: Option<::http::Uri> = address.parse().ok();
    let absolute = |uri: &::http::Uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
    };
    let Some(uri) = uri.filter(absolute) else {
        // The URL of a WinKAS validation contains the token, so it is not quoted.
        return Err(Error::new(ErrorKind::Config, "the address of a call is not a URL")
            .expected("http:// or https://, a host, and a path without spaces")
            .advice("check the server address and the configured paths"));
    };
    Ok(::http::Request::builder()
        .method(method)
        .uri(uri)
        .header(header::ACCEPT, "application/json"))
}

/// Returns the URL of a path below a server's base address.
pub(crate) fn join(server: &str, path: &str) -> String {
    format!("{}/{}", server.trim_end_matches('/'), path.trim_start_matches('/'))
}

/// Completes a request with its body.
pub(crate) fn finish(builder: ::http::request::Builder, body: Body) -> Result<Request> {
    builder.body(body).map_err(|error| {
        Error::new(ErrorKind::Internal, "a request can't be built").with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Secrets: Debug of a request shows neither its body nor its credentials.
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
    fn a_form_is_percent_encoded_with_plus_for_a_space() {
        let body = Body::form([("user", "ø+&% 😀"), ("empty", "")]);
        assert_eq!(body.as_bytes(), b"user=%C3%B8%2B%26%25+%F0%9F%98%80&empty=");
    }
}
