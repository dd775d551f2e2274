//! The answer of an upstream: its start is read for a rejection, then it is streamed with the token masked.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http::{Response, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokenlease::core::{Token, provider::ApiAnswer};

use super::{Upstream, headers, mask::Mask};
use crate::answer::{Answer, BodyError, Failure};

/// An answer whose body was read in part.
pub(super) struct Received {
    pub(super) said: ApiAnswer,
    head: http::response::Parts,
    start: Bytes,
    rest: reqwest::Body,
}

impl Received {
    /// Reads as much of an answer as is needed to see whether it rejects the token.
    pub(super) async fn read(
        upstream: &Upstream,
        response: Response<reqwest::Body>,
        max_len: usize,
    ) -> Result<Self, Failure> {
        let (mut head, mut rest) = response.into_parts();
        let mut start = BytesMut::new();
        let mut is_whole = true;
        if upstream.reads_body(head.status.as_u16()) {
            is_whole = false;
            // A longer answer has data: no error is that long.
            while start.len() <= max_len && !is_whole {
                match rest.frame().await {
                    None => is_whole = true,
                    Some(Ok(frame)) => {
                        start.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()));
                    }
                    Some(Err(error)) => return Err(upstream.broken(&error.without_url())),
                }
            }
        }
        let start = start.freeze();
        let is_error = head.status.is_client_error();
        let said = if is_whole || is_error {
            let mut response = Response::new(&start[..]);
            *response.status_mut() = head.status;
            *response.headers_mut() = std::mem::take(&mut head.headers);
            let said = upstream.read_answer(&response);
            head.headers = std::mem::take(response.headers_mut());
            said
        } else {
            ApiAnswer::NotRejected
        };
        Ok(Self { said, head, start, rest })
    }

    /// Returns the answer for the consumer.
    pub(super) fn answer(self, upstream: &Upstream, token: &Token) -> Answer {
        let mask = Mask::new(token);
        let mut answer = Response::new(());
        *answer.status_mut() = self.head.status;
        *answer.headers_mut() = headers::of_answer(self.head.headers);
        headers::mask(answer.headers_mut(), |value| mask.is_in(value));
        upstream.move_location(answer.headers_mut());
        let start = Some(self.start).filter(|start| !start.is_empty());
        let body = Masked { start, rest: self.rest, mask, has_ended: false };
        answer.map(|()| body.boxed_unsync())
    }
}

impl Upstream {
    /// A redirect below the base URL leads through the proxy again.
    fn move_location(&self, headers: &mut http::HeaderMap) {
        let Some(value) = headers.get(header::LOCATION).and_then(|value| value.to_str().ok())
        else {
            return;
        };
        let moved = value.strip_prefix(self.base.as_str());
        let moved = moved.map(|rest| format!("/forward/{}/{rest}", self.name));
        if let Some(value) = moved.and_then(|moved| moved.parse().ok()) {
            headers.insert(header::LOCATION, value);
        }
    }
}

/// A body with the token masked.
struct Masked {
    start: Option<Bytes>,
    rest: reqwest::Body,
    mask: Mask,
    has_ended: bool,
}

impl Body for Masked {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        loop {
            if this.has_ended {
                return Poll::Ready(None);
            }
            let part = match this.start.take() {
                Some(start) => start,
                None => match ready!(Pin::new(&mut this.rest).poll_frame(context)) {
                    // Trailers are not passed on.
                    Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
                    Some(Err(error)) => {
                        this.has_ended = true;
                        return Poll::Ready(Some(Err(error.without_url().into())));
                    }
                    None => {
                        this.has_ended = true;
                        let end = this.mask.end();
                        let end = (!end.is_empty()).then(|| Ok(Frame::data(end)));
                        return Poll::Ready(end);
                    }
                },
            };
            let part = this.mask.part(part);
            if !part.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(part))));
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let start = self.start.as_ref().map_or(0, |start| start.len() as u64);
        self.rest
            .size_hint()
            .exact()
            .map_or_else(SizeHint::new, |rest| SizeHint::with_exact(start + rest))
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended
    }
}
