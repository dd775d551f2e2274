//! Requests and answers as the endpoints use them.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};
use serde::Serialize;

use crate::counts::Provider;

/// A request with its whole body.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path in lower case, at `WinKAS` without superfluous slashes.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// Normalizes a path. Both providers serve their paths in any case. `WinKAS` documents one path with
    /// two leading slashes and a trailing one; Wyn accepts no superfluous slashes.
    pub(crate) fn normal_path(provider: Provider, path: &str) -> String {
        let path = path.to_ascii_lowercase();
        if provider == Provider::Wyn {
            return path;
        }
        let path = if path.starts_with("//") { &path[1..] } else { &path };
        path.strip_suffix('/').unwrap_or(path).to_owned()
    }

    pub(crate) fn has_content_type(&self, essence: &str) -> bool {
        let value = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        value
            .and_then(|value| value.split(';').next())
            .is_some_and(|value| value.trim().eq_ignore_ascii_case(essence))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the first value of a name in the query.
    pub(crate) fn query_value(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

pub(crate) type Answer = Response<Bytes>;

pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let text = serde_json::to_vec(body).expect("the emulator's values serialize to JSON");
    with(empty(status).map(|_| text.into()), &[("content-type", "application/json; charset=utf-8")])
}

/// Returns 405 with the allowed methods (RFC 9110 section 15.5.6).
pub(crate) fn method_not_allowed(allow: &'static str) -> Answer {
    with(empty(StatusCode::METHOD_NOT_ALLOWED), &[("allow", allow)])
}

pub(crate) fn with(mut answer: Answer, headers: &[(&'static str, &'static str)]) -> Answer {
    for &(name, value) in headers {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// A body that is sent completely, or breaks off in the middle.
pub(crate) struct AnswerBody {
    data: Bytes,
    /// The length in the header. If it is more than the data, the body breaks off.
    announced: u64,
    flushed: bool,
}

impl AnswerBody {
    pub(crate) const fn whole(data: Bytes) -> Self {
        Self { announced: data.len() as u64, data, flushed: true }
    }

    /// Returns half of a body, with the length of the whole body in the header.
    pub(crate) fn half(data: &Bytes) -> Self {
        // An empty body is replaced by spaces, so that it can break off.
        let data = if data.len() < 2 { Bytes::from_static(&[b' '; 16]) } else { data.clone() };
        Self { announced: data.len() as u64, data: data.slice(..data.len() / 2), flushed: false }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if !self.data.is_empty() {
            let data = std::mem::take(&mut self.data);
            self.announced -= data.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if self.announced == 0 {
            return Poll::Ready(None);
        }
        if !self.flushed {
            // hyper flushes its buffer when a body is pending, but not when a body fails.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(BrokenOff)))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.announced == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}

/// The connection ends here, because of a fault or because the client closed it.
#[derive(Debug)]
pub(crate) struct BrokenOff;

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection ends here")
    }
}

impl std::error::Error for BrokenOff {}
