//! Answers: JSON, and the errors of OAuth 2.0 with their status and `Retry-After`.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use serde::Serialize;
use serde_json::json;
use tokenlease::{Clock as _, Error, ErrorKind, SystemClock, core::WallTime};

/// An error of a body that is sent or received.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;
/// The body of an answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, BodyError>;
pub(crate) type Answer = Response<Body>;

/// The challenge of an answer with 401.
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Basic realm=\"tokenlease\", charset=\"UTF-8\"");

/// The error of a request: its status, and its code and description in JSON (RFC 6749 section 5.2).
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    code: &'static str,
    description: String,
    retry_after: Option<Duration>,
    allow: Option<&'static str>,
}

impl Failure {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        description: impl Into<String>,
    ) -> Self {
        let description = description.into();
        Self { status, code, description, retry_after: None, allow: None }
    }

    /// A request that lacks something or is malformed.
    pub(crate) fn invalid(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    /// A consumer that is unknown, or has shown another secret.
    pub(crate) fn invalid_client() -> Self {
        let description = "the client is unknown, or its secret is another one";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", description)
    }

    pub(crate) fn forbidden(description: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "access_denied", description)
    }

    pub(crate) fn too_many(wait: Duration) -> Self {
        let description = "too many requests in a second";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "slow_down", description).retry_after(wait)
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let description = format!("the method is not one of {allow}");
        let failure = Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", description);
        Self { allow: Some(allow), ..failure }
    }

    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    pub(crate) fn answer(&self) -> Answer {
        let body = json!({ "error": self.code, "error_description": printable(&self.description) });
        let mut answer = json(self.status, &body);
        let headers = answer.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        if let Some(wait) = self.retry_after {
            // A client that comes a moment too early would get the same answer.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        answer
    }
}

/// The provider, the store or the configuration: nothing that the consumer could correct in its request.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (status, code) = match error.kind() {
            ErrorKind::Throttled
            | ErrorKind::Unavailable
            | ErrorKind::Transport
            | ErrorKind::DeadlineExceeded
            | ErrorKind::TokenRejected
            | ErrorKind::Store
            | ErrorKind::Interrupted => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
            ErrorKind::CredentialsRejected | ErrorKind::InvalidResponse => {
                (StatusCode::BAD_GATEWAY, "server_error")
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        };
        let failure = Self::new(status, code, error.to_string());
        // The moment first: an error that is kept has the length of a wait that began earlier.
        let wait = error.until().map(time_until).or_else(|| error.retry_after());
        let wait = wait.or_else(|| error.is_retryable().then_some(RETRY));
        match wait {
            Some(wait) => failure.retry_after(wait),
            None => failure,
        }
    }
}

/// Until then no request is sent to the provider, for example because it rejected the credentials.
fn time_until(until: WallTime) -> Duration {
    let left = until.0.saturating_sub(SystemClock.now().wall.0);
    Duration::from_millis(u64::try_from(left).unwrap_or_default())
}

/// When to ask again after an error that may end at any time and states none.
const RETRY: Duration = Duration::from_secs(5);

/// Returns the characters that `error_description` may have (RFC 6749 section 5.2).
fn printable(text: &str) -> String {
    let allowed = |c: char| match c {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => c,
        _ => '?',
    };
    text.chars().map(allowed).collect()
}

/// Returns a body that is sent at once.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Returns an answer in JSON that no cache keeps (RFC 6749 section 5.1).
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let text = serde_json::to_vec(body).unwrap_or_default();
    text_of(status, HeaderValue::from_static("application/json"), text)
}

/// Returns an answer with a text that no cache keeps.
pub(crate) fn text_of(
    status: StatusCode,
    content_type: HeaderValue,
    text: impl Into<Bytes>,
) -> Answer {
    let mut answer = Response::new(full(text));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    // A browser must not guess that an answer is a page.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Formats: each kind of error has a status and a code of OAuth 2.0 in `serve`, and `Retry-After` if a
    /// retry may succeed.
    #[test]
    fn every_kind_of_error_has_a_status_and_a_code() {
        for kind in ErrorKind::ALL {
            let error = Error::new(kind, "a \"quoted\" \\ text\nof two lines");
            let is_retryable = error.is_retryable();
            let answer = Failure::from(error).answer();
            assert!(answer.status().is_server_error(), "{kind}");
            assert_eq!(answer.headers().contains_key("retry-after"), is_retryable, "{kind}");
        }
        let wait =
            Error::new(ErrorKind::Throttled, "").with_retry_after(Duration::from_millis(1200));
        assert_eq!(Failure::from(wait).answer().headers()["retry-after"], "2");
    }

    #[test]
    fn a_description_has_the_allowed_characters_alone() {
        assert_eq!(printable("a \"b\" \\ \u{f8}\n"), "a 'b' / ??");
    }
}
