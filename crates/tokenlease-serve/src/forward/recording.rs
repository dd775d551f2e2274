//! The body of a forwarded request: it is streamed, and its start is kept for a replay.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use crate::answer::BodyError;

/// The body of one request, for its first sending and for a replay.
#[derive(Clone, Default)]
pub(super) struct Recording(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    parts: Vec<Bytes>,
    len: usize,
    end: End,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum End {
    /// More may come.
    #[default]
    Open,
    /// All of it is kept.
    Complete,
    /// It is longer than what is kept.
    TooLong,
    /// The consumer broke it off, or sent nothing for too long.
    Failed,
}

impl Recording {
    /// Returns the body to send first.
    pub(super) fn stream(&self, body: Incoming, max_len: usize, idle_timeout: Duration) -> Stream {
        let idle = Box::pin(sleep(idle_timeout));
        Stream { body, recording: self.clone(), max_len, idle_timeout, idle }
    }

    /// Notes that the body is empty.
    pub(super) fn complete(&self) {
        self.kept().end = End::Complete;
    }

    /// Returns the body for a replay, if all of it was kept.
    pub(super) fn replay(&self) -> Option<Bytes> {
        let kept = self.kept();
        (kept.end == End::Complete).then(|| kept.parts.concat().into())
    }

    /// Returns whether sending failed because of the consumer.
    pub(super) fn has_failed(&self) -> bool {
        self.kept().end == End::Failed
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body on its way to the upstream.
pub(super) struct Stream {
    body: Incoming,
    recording: Recording,
    max_len: usize,
    idle_timeout: Duration,
    idle: Pin<Box<Sleep>>,
}

impl Stream {
    fn keep(&self, part: &Bytes) {
        let mut kept = self.recording.kept();
        kept.len = kept.len.saturating_add(part.len());
        if kept.end == End::Open && kept.len <= self.max_len {
            kept.parts.push(part.clone());
        } else {
            (kept.parts, kept.end) = (Vec::new(), End::TooLong);
        }
    }

    fn ends(&self, end: End) {
        let mut kept = self.recording.kept();
        if kept.end == End::Open || end == End::Failed {
            kept.end = end;
        }
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) else {
            if this.idle.as_mut().poll(context).is_ready() {
                this.ends(End::Failed);
                return Poll::Ready(Some(Err("the next part did not arrive in time".into())));
            }
            return Poll::Pending;
        };
        this.idle.as_mut().reset(Instant::now() + this.idle_timeout);
        match &frame {
            None => this.ends(End::Complete),
            Some(Err(_)) => this.ends(End::Failed),
            Some(Ok(frame)) => {
                if let Some(part) = frame.data_ref() {
                    this.keep(part);
                }
                // A reader that knows the length does not read the end.
                if this.body.is_end_stream() {
                    this.ends(End::Complete);
                }
            }
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
