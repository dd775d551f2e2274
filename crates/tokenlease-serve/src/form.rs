//! The parameters of a request, form-encoded in its body (RFC 6749 appendix B).

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use zeroize::Zeroizing;

use crate::answer::Failure;

/// The parameters of a request.
pub(crate) struct Form(Vec<(String, Zeroizing<String>)>);

impl Form {
    /// Reads a body up to a length and in a time.
    pub(crate) async fn receive(
        headers: &HeaderMap,
        body: Incoming,
        max_len: usize,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let essence = |value: &str| value.split(';').next().map(|text| text.trim().to_lowercase());
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content_type.and_then(essence).as_deref() != Some(FORM) {
            return Err(Failure::invalid(format!("the Content-Type is not {FORM}")));
        }
        let body = tokio::time::timeout(timeout, Limited::new(body, max_len).collect()).await;
        let body = body.map_err(|_| {
            let description = "the body did not arrive in time";
            Failure::new(StatusCode::REQUEST_TIMEOUT, "invalid_request", description)
        })?;
        let body: Bytes = body.map_err(|error| too_long(error.as_ref()))?.to_bytes();
        Self::read(&body)
    }

    fn read(body: &[u8]) -> Result<Self, Failure> {
        let mut all: Vec<(String, Zeroizing<String>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            // RFC 6749 section 3.2: a parameter without a value counts as omitted, and none comes twice.
            if value.is_empty() {
                continue;
            }
            if all.iter().any(|(known, _)| *known == name) {
                return Err(Failure::invalid("a parameter is repeated"));
            }
            all.push((name.into_owned(), Zeroizing::new(value.into_owned())));
        }
        Ok(Self(all))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns a parameter that the request must have.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| Failure::invalid(format!("the parameter {name} is missing")))
    }
}

fn too_long(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Failure {
    if error.is::<LengthLimitError>() {
        let description = "the body is too long";
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", description)
    } else {
        Failure::invalid("the body could not be read")
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_is_an_error_and_an_empty_one_is_omitted() {
        let form = Form::read(b"a=1&b=&c=x+y%26").ok().unwrap();
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), (Some("1"), None, Some("x y&")));
        assert!(form.required("b").is_err());
        assert!(Form::read(b"a=1&a=1").is_err());
    }
}
