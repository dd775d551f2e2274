//! Faults: wrong answers of an endpoint to its next calls.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

/// An endpoint that has a count and takes faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Endpoint {
    /// `POST /api/Authentication/Authenticate`, in JSON `winkas.login`.
    #[serde(rename = "winkas.login")]
    WinkasLogin,
    /// `POST /api/authentication/refetchToken/`, in JSON `winkas.refetch`.
    #[serde(rename = "winkas.refetch")]
    WinkasRefetch,
    /// `GET /api/Authentication/Validate`, in JSON `winkas.validate`.
    #[serde(rename = "winkas.validate")]
    WinkasValidate,
    /// `POST /api/Report/Echo` and `/api/Report/Forbidden`, in JSON `winkas.api`.
    #[serde(rename = "winkas.api")]
    WinkasApi,
    /// `POST /connect/token`, in JSON `wyn.login`.
    #[serde(rename = "wyn.login")]
    WynLogin,
    /// `POST /connect/revocation`, in JSON `wyn.revoke`.
    #[serde(rename = "wyn.revoke")]
    WynRevoke,
    /// `GET /connect/userinfo`, in JSON `wyn.userinfo`.
    #[serde(rename = "wyn.userinfo")]
    WynUserinfo,
    /// `POST /connect/introspect`, in JSON `wyn.introspect`.
    #[serde(rename = "wyn.introspect")]
    WynIntrospect,
    /// `GET /api/v2/me` and `/api/v2/forbidden`, in JSON `wyn.api`.
    #[serde(rename = "wyn.api")]
    WynApi,
}

/// A wrong answer of an endpoint.
///
/// Each kind documents whether the call is processed: whether a token is issued or ended, and a wrong
/// password is counted. A processed call is processed when it arrives, before any delay. Every faulted
/// call is counted and logged.
#[derive(Clone, Debug)]
pub struct Fault {
    pub(crate) shape: Shape,
    pub(crate) processed: bool,
    pub(crate) delay: Duration,
    pub(crate) retry_after: Option<RetryAfter>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Fault {
    /// Returns an answer with this status and an empty body. The call is not processed.
    ///
    /// # Panics
    ///
    /// Panics if `status` is not from 200 to 999: HTTP has no such final answer.
    pub fn status(status: u16) -> Self {
        assert!(status >= 200, "the status must be from 200 to 999, not {status}");
        let status = StatusCode::from_u16(status).expect("the status must be from 200 to 999");
        Self::new(Shape::Status(status, String::new()), false)
    }

    /// Returns 400 with `{"error": error}` (RFC 6749 section 5.2). The call is not processed.
    pub fn oauth_error(error: &str) -> Self {
        Self::status(400)
            .with_body(&serde_json::json!({ "error": error }).to_string())
            .with_content_type("application/json")
    }

    /// Returns HTTP 200 with a `WinKAS` envelope whose `WinkasErrorCode` is `code`. The call is not
    /// processed.
    pub fn envelope(code: i64, message: &str) -> Self {
        Self::new(Shape::Envelope(code, message.to_owned()), false)
    }

    /// Delays the real answer. The call is processed before the delay.
    pub fn delay(delay: Duration) -> Self {
        Self::new(Shape::Real, true).with_delay(delay)
    }

    /// Resets the connection instead of answering. The call is not processed, except with
    /// [`after_processing`](Self::after_processing): then the token is issued and its answer is lost.
    pub fn reset() -> Self {
        Self::new(Shape::Reset, false)
    }

    /// Sends the headers and the first half of the body of the real answer, then closes the connection.
    /// The call is processed.
    pub fn half_body() -> Self {
        Self::new(Shape::HalfBody, true)
    }

    /// Sends the real answer with another `Content-Type`. The call is processed.
    ///
    /// # Panics
    ///
    /// Panics if `content_type` is not a valid header value.
    pub fn content_type(content_type: &str) -> Self {
        Self::new(Shape::Real, true).with_content_type(content_type)
    }

    /// Returns HTTP 200 with this number of bytes that are neither JSON nor UTF-8, as
    /// `application/json`. The call is not processed.
    pub fn garbage(bytes: usize) -> Self {
        Self::new(Shape::Garbage(bytes), false).with_content_type("application/json")
    }

    /// Sets the body of a [`status`](Self::status) fault. Other kinds ignore it.
    #[must_use]
    pub fn with_body(mut self, text: &str) -> Self {
        if let Shape::Status(_, body) = &mut self.shape {
            text.clone_into(body);
        }
        self
    }

    /// Sets the `Content-Type` of the answer.
    ///
    /// # Panics
    ///
    /// Panics if `content_type` is not a valid header value.
    #[must_use]
    pub fn with_content_type(self, content_type: &str) -> Self {
        self.with_header(header::CONTENT_TYPE.as_str(), content_type)
    }

    /// Sets a header of the answer, and replaces one of the same name: for example `Location`, or a wrong
    /// `Date`.
    ///
    /// # Panics
    ///
    /// Panics if the name or the value is not valid in a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a valid header name");
        let value = HeaderValue::from_str(value).expect("a valid header value");
        self.headers.push((name, value));
        self
    }

    /// Sets `Retry-After` in whole seconds (RFC 9110 section 10.2.3).
    #[must_use]
    pub const fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(RetryAfter::Seconds(after.as_secs()));
        self
    }

    /// Sets `Retry-After` as an HTTP date: this long after the time of the answer by the emulator's clock.
    #[must_use]
    pub const fn with_retry_after_date(mut self, after: Duration) -> Self {
        self.retry_after = Some(RetryAfter::Date(after.as_secs()));
        self
    }

    /// Waits before the answer or the reset, in real time.
    #[must_use]
    pub const fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Processes the call before the fault: its effect is kept, and its answer is lost.
    #[must_use]
    pub const fn after_processing(mut self) -> Self {
        self.processed = true;
        self
    }

    const fn new(shape: Shape, processed: bool) -> Self {
        Self { shape, processed, delay: Duration::ZERO, retry_after: None, headers: Vec::new() }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// The real answer; the fault is in its headers or its delay.
    Real,
    Status(StatusCode, String),
    Envelope(i64, String),
    Reset,
    HalfBody,
    Garbage(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum RetryAfter {
    Seconds(u64),
    /// This number of seconds after the time of the answer.
    Date(u64),
}

/// The faults that wait for calls, in their order.
#[derive(Default)]
pub(crate) struct Faults(HashMap<Endpoint, VecDeque<(Fault, u32)>>);

impl Faults {
    pub(crate) fn add(&mut self, endpoint: Endpoint, fault: Fault, times: u32) {
        if times > 0 {
            self.0.entry(endpoint).or_default().push_back((fault, times));
        }
    }

    /// Removes and returns the fault of the next call, if there is one.
    pub(crate) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let queue = self.0.get_mut(&endpoint)?;
        let (fault, times) = queue.front_mut()?;
        *times -= 1;
        if *times > 0 {
            return Some(fault.clone());
        }
        queue.pop_front().map(|(fault, _)| fault)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the number of calls that will be faulted.
    pub(crate) fn waiting(&self) -> u64 {
        self.0.values().flatten().map(|(_, times)| u64::from(*times)).sum()
    }
}

/// Returns bytes that are neither JSON nor UTF-8, always the same ones.
pub(crate) fn garbage(length: usize) -> Vec<u8> {
    [0xFF, 0x00, b'{', 0xC3, 0x28, 0x80, b'"', 0xFE].into_iter().cycle().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_apply_in_the_order_they_were_added_and_only_as_often_as_requested() {
        let mut faults = Faults::default();
        faults.add(Endpoint::WynLogin, Fault::status(503), 2);
        faults.add(Endpoint::WynLogin, Fault::reset(), 1);
        assert_eq!(faults.waiting(), 3);
        let taken: Vec<_> = (0..4).map(|_| faults.take(Endpoint::WynLogin)).collect();
        assert!(matches!(taken[0], Some(Fault { shape: Shape::Status(..), .. })));
        assert!(matches!(taken[1], Some(Fault { shape: Shape::Status(..), .. })));
        assert!(matches!(taken[2], Some(Fault { shape: Shape::Reset, .. })));
        assert!(taken[3].is_none());
    }
}
