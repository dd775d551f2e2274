//! Faults: what an endpoint does instead of answering well, for its next calls.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

/// An endpoint that counts its calls and takes faults.
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

/// What an endpoint does instead of answering well.
///
/// Each kind says whether the call is processed: whether a token is issued or ended, a wrong
/// password counted. A processed call is processed when it arrives, before any delay. Every faulted
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
    /// An answer with this status and an empty body. Not processed.
    ///
    /// # Panics
    ///
    /// If `status` is not within 200 to 999: HTTP has no such final answer.
    pub fn status(status: u16) -> Self {
        assert!(status >= 200, "a final answer has a status of 200 or more, not {status}");
        let status = StatusCode::from_u16(status).expect("a status within 200 to 999");
        Self::new(Shape::Status(status, String::new()), false)
    }

    /// 400 with `{"error": error}`, the error answer of RFC 6749 section 5.2. Not processed.
    pub fn oauth_error(error: &str) -> Self {
        Self::status(400)
            .with_body(&serde_json::json!({ "error": error }).to_string())
            .with_content_type("application/json")
    }

    /// HTTP 200 with a `WinKAS` envelope whose `WinkasErrorCode` is `code`. Not processed.
    pub fn envelope(code: i64, message: &str) -> Self {
        Self::new(Shape::Envelope(code, message.to_owned()), false)
    }

    /// The true answer, late. Processed, and that before the wait.
    pub fn delay(delay: Duration) -> Self {
        Self::new(Shape::Truth, true).with_delay(delay)
    }

    /// The connection is reset instead of answered. Not processed, unless
    /// [`after_processing`](Self::after_processing): then the token is issued and its answer lost.
    pub fn reset() -> Self {
        Self::new(Shape::Reset, false)
    }

    /// The true answer's head and the first half of its body, then the end of the connection.
    /// Processed.
    pub fn half_body() -> Self {
        Self::new(Shape::HalfBody, true)
    }

    /// The true answer under another `Content-Type`. Processed.
    ///
    /// # Panics
    ///
    /// If `content_type` cannot stand in a header.
    pub fn content_type(content_type: &str) -> Self {
        Self::new(Shape::Truth, true).with_content_type(content_type)
    }

    /// HTTP 200 with so many bytes that are neither JSON nor UTF-8, as `application/json`. Not
    /// processed.
    pub fn garbage(bytes: usize) -> Self {
        Self::new(Shape::Garbage(bytes), false).with_content_type("application/json")
    }

    /// The body of a [`status`](Self::status) fault. Other kinds keep theirs.
    #[must_use]
    pub fn with_body(mut self, text: &str) -> Self {
        if let Shape::Status(_, body) = &mut self.shape {
            text.clone_into(body);
        }
        self
    }

    /// The `Content-Type` of the answer.
    ///
    /// # Panics
    ///
    /// If `content_type` cannot stand in a header.
    #[must_use]
    pub fn with_content_type(self, content_type: &str) -> Self {
        self.with_header(header::CONTENT_TYPE.as_str(), content_type)
    }

    /// A header of the answer, instead of one of the same name: `Location`, or a `Date` that is
    /// wrong.
    ///
    /// # Panics
    ///
    /// If the two cannot stand in a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        let value = HeaderValue::from_str(value).expect("a header's value");
        self.headers.push((name, value));
        self
    }

    /// `Retry-After` in whole seconds (RFC 9110 section 10.2.3).
    #[must_use]
    pub const fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(RetryAfter::Seconds(after.as_secs()));
        self
    }

    /// `Retry-After` as an HTTP date, so long after the emulator's now when the answer is sent.
    #[must_use]
    pub const fn with_retry_after_date(mut self, after: Duration) -> Self {
        self.retry_after = Some(RetryAfter::Date(after.as_secs()));
        self
    }

    /// Waits so long, in real time, before answering or resetting.
    #[must_use]
    pub const fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The fault strikes after the call was processed: what it did is done, its answer is lost.
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
    /// The true answer; the fault is in its headers or its delay.
    Truth,
    Status(StatusCode, String),
    Envelope(i64, String),
    Reset,
    HalfBody,
    Garbage(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum RetryAfter {
    Seconds(u64),
    /// So many seconds from the emulator's now.
    Date(u64),
}

/// The faults in waiting, first ordered, first done.
#[derive(Default)]
pub(crate) struct Faults(HashMap<Endpoint, VecDeque<(Fault, u32)>>);

impl Faults {
    pub(crate) fn order(&mut self, endpoint: Endpoint, fault: Fault, times: u32) {
        if times > 0 {
            self.0.entry(endpoint).or_default().push_back((fault, times));
        }
    }

    /// The fault of this call, if one is in waiting.
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

    /// How many calls are still to be faulted.
    pub(crate) fn waiting(&self) -> u64 {
        self.0.values().flatten().map(|(_, times)| u64::from(*times)).sum()
    }
}

/// Bytes that are neither JSON nor UTF-8, the same ones each time.
pub(crate) fn garbage(length: usize) -> Vec<u8> {
    [0xFF, 0x00, b'{', 0xC3, 0x28, 0x80, b'"', 0xFE].into_iter().cycle().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_done_in_the_order_they_were_ordered_and_then_are_over() {
        let mut faults = Faults::default();
        faults.order(Endpoint::WynLogin, Fault::status(503), 2);
        faults.order(Endpoint::WynLogin, Fault::reset(), 1);
        assert_eq!(faults.waiting(), 3);
        let taken: Vec<_> = (0..4).map(|_| faults.take(Endpoint::WynLogin)).collect();
        assert!(matches!(taken[0], Some(Fault { shape: Shape::Status(..), .. })));
        assert!(matches!(taken[1], Some(Fault { shape: Shape::Status(..), .. })));
        assert!(matches!(taken[2], Some(Fault { shape: Shape::Reset, .. })));
        assert!(taken[3].is_none());
    }
}
