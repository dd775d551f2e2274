//! The TCP stream of a connection, which a fault resets, and whose answer heads quirks rewrite.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How the head of an answer is written.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct HeadStyle {
    /// Adds a header with a space before its colon.
    pub(crate) space: bool,
    /// Adds a header that is folded over two lines (RFC 9112 section 5.2).
    pub(crate) folding: bool,
    /// Ends lines with LF instead of CR LF.
    pub(crate) bare_lf: bool,
}

impl HeadStyle {
    pub(crate) const PLAIN: Self = Self { space: false, folding: false, bare_lf: false };
}

/// The next action of the connection; its service sets it before it answers.
#[derive(Clone, Default)]
pub(crate) struct WireControl(Arc<Mutex<Plan>>);

#[derive(Default)]
struct Plan {
    reset: bool,
    head: HeadStyle,
}

impl WireControl {
    /// Resets the connection when it is dropped, instead of closing it.
    pub(crate) fn reset(&self) {
        self.plan(|plan| plan.reset = true);
    }

    /// Sets the style of the next answer's head.
    pub(crate) fn style(&self, head: HeadStyle) {
        self.plan(|plan| plan.head = head);
    }

    fn plan<T>(&self, with: impl FnOnce(&mut Plan) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(crate) struct Wire {
    stream: TcpStream,
    control: WireControl,
    /// Rewritten bytes that are not sent yet.
    pending: Vec<u8>,
}

impl Wire {
    pub(crate) const fn new(stream: TcpStream, control: WireControl) -> Self {
        Self { stream, control, pending: Vec::new() }
    }

    fn poll_pending(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, &self.pending))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.pending.drain(..sent);
        }
        Poll::Ready(Ok(()))
    }
}

/// Rewrites the head of an answer; `data` starts with it.
fn rewrite(data: &[u8], style: HeadStyle) -> Vec<u8> {
    let end = data.windows(4).position(|four| four == b"\r\n\r\n").map_or(data.len(), |at| at + 4);
    let (head, body) = data.split_at(end);
    let mut head = String::from_utf8_lossy(head).into_owned();
    let status_line = head.find("\r\n").map_or(head.len(), |at| at + 2);
    if style.space {
        head.insert_str(status_line, "X-Quirk-Space : 1\r\n");
    }
    if style.folding {
        head.insert_str(status_line, "X-Quirk-Folding: one\r\n two\r\n");
    }
    if style.bare_lf {
        head = head.replace("\r\n", "\n");
    }
    let mut data = head.into_bytes();
    data.extend(body);
    data
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.control.plan(|plan| plan.reset) {
            // If this fails, the client sees an orderly close without an answer instead of a reset.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_pending(context))?;
        let style = self.control.plan(|plan| std::mem::take(&mut plan.head));
        if style == HeadStyle::PLAIN {
            return Pin::new(&mut self.stream).poll_write(context, data);
        }
        self.pending = rewrite(data, style);
        // The rest is sent by the flush that follows.
        if let Poll::Ready(Err(error)) = self.poll_pending(context) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
