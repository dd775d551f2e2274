//! Listeners, connections, and the way of one request through counts and faults.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::counts::{LogEntry, Provider};
use crate::fault::{Fault, RetryAfter, Shape, garbage};
use crate::http1::{Answer, AnswerBody, BrokenOff, Call, empty};
use crate::state::Shared;
use crate::{steering, winkas, wyn};

/// Listens with a backlog that a thousand clients connecting at once fit into.
pub(crate) fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Windows the same option would let two programs listen on one port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(4096)
}

/// Accepts for as long as the runtime lives.
pub(crate) async fn accept(listener: TcpListener, provider: Provider, shared: Arc<Shared>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            shared.state().details.of(provider).connections += 1;
            tokio::spawn(serve(stream, provider, Arc::clone(&shared)));
        } else {
            // Out of file descriptors, most likely: they come back as connections close.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn serve(stream: TcpStream, provider: Provider, shared: Arc<Shared>) {
    // Only a matter of speed: answers are small and written at once.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let wire = Wire { stream, reset: Arc::clone(&reset) };
    let service = service_fn(move |request| {
        let (shared, reset) = (Arc::clone(&shared), Arc::clone(&reset));
        async move { answer(&shared, provider, request, &reset).await }
    });
    // An error here is a client that left, or a fault that was ordered.
    let _ = http1::Builder::new()
        .auto_date_header(false)
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(wire), service)
        .await;
}

async fn answer(
    shared: &Shared,
    provider: Provider,
    request: Request<Incoming>,
    reset: &AtomicBool,
) -> Result<Response<AnswerBody>, BrokenOff> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return Ok(finish(shared, empty(StatusCode::PAYLOAD_TOO_LARGE), None));
    };
    let call = Call {
        path: Call::normal_path(provider, parts.uri.path()),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        method: parts.method,
        headers: parts.headers,
        body: body.to_bytes(),
    };
    if let Some(path) = call.path.strip_prefix("/_emulator") {
        return Ok(finish(shared, steering::answer(shared, path, &call), None));
    }
    let (fault, truth) = receive(shared, provider, parts.uri.path(), &call);
    let Some(fault) = fault else {
        return Ok(finish(shared, truth.expect("a call without fault is processed"), None));
    };
    if !fault.delay.is_zero() {
        tokio::time::sleep(fault.delay).await;
    }
    if matches!(fault.shape, Shape::Reset) {
        reset.store(true, Ordering::SeqCst);
        return Err(BrokenOff);
    }
    let faulted = falsify(shared, &fault, truth);
    Ok(finish(shared, faulted, Some(&fault)))
}

/// Counts and logs a call, takes its fault, and processes it unless the fault comes before that:
/// all at once, so that calls are processed in the order they are counted.
fn receive(
    shared: &Shared,
    provider: Provider,
    path: &str,
    call: &Call,
) -> (Option<Fault>, Option<Answer>) {
    let now = shared.clock.now();
    let endpoint = match provider {
        Provider::Winkas => winkas::endpoint(&call.path),
        Provider::Wyn => wyn::endpoint(&call.path),
    };
    let mut state = shared.state();
    let state = &mut *state;
    let (method, path) = (call.method.to_string(), path.to_owned());
    state.log.push(LogEntry { provider, method, path, endpoint, at_ms: now.0 });
    let mut fault = None;
    if let Some(endpoint) = endpoint {
        state.counts.count(&mut state.details, endpoint);
        fault = state.faults.take(endpoint);
    }
    if fault.as_ref().is_some_and(|fault| !fault.processed) {
        return (fault, None);
    }
    let truth = match provider {
        Provider::Winkas => winkas::process(state, now, call),
        Provider::Wyn => wyn::process(state, now, call),
    };
    (fault, Some(truth))
}

/// The answer of a faulted call, but for what [`finish`] adds.
fn falsify(shared: &Shared, fault: &Fault, truth: Option<Answer>) -> Answer {
    match &fault.shape {
        Shape::Status(status, body) => empty(*status).map(|_| body.clone().into()),
        Shape::Envelope(code, message) => winkas::envelope(
            &shared.state().options.winkas,
            shared.clock.now(),
            *code,
            message,
            &[],
        ),
        Shape::Garbage(bytes) => empty(StatusCode::OK).map(|_| garbage(*bytes).into()),
        Shape::Truth | Shape::HalfBody | Shape::Reset => {
            truth.expect("a fault of this shape is processed")
        }
    }
}

/// Adds the fault's headers and the emulator's `Date`, and breaks the body if that was ordered.
fn finish(shared: &Shared, mut answer: Answer, fault: Option<&Fault>) -> Response<AnswerBody> {
    let now = shared.clock.now();
    let mut put = |name, text: String| {
        let value = HeaderValue::try_from(text).expect("numbers and dates can stand in a header");
        answer.headers_mut().insert(name, value);
    };
    put(header::DATE, now.http_date());
    match fault.and_then(|fault| fault.retry_after) {
        Some(RetryAfter::Seconds(seconds)) => put(header::RETRY_AFTER, seconds.to_string()),
        Some(RetryAfter::Date(seconds)) => {
            let at = now.plus_s(i64::try_from(seconds).unwrap_or(i64::MAX));
            put(header::RETRY_AFTER, at.http_date());
        }
        None => {}
    }
    for (name, value) in fault.iter().flat_map(|fault| &fault.headers) {
        answer.headers_mut().insert(name, value.clone());
    }
    let half = fault.is_some_and(|fault| matches!(fault.shape, Shape::HalfBody));
    answer.map(|body: Bytes| if half { AnswerBody::half(&body) } else { AnswerBody::whole(body) })
}

/// A stream that ends with a reset instead of an orderly close, when told to.
struct Wire {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.reset.load(Ordering::SeqCst) {
            // Without it the close is an orderly one: still no answer, but not a reset.
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
        Pin::new(&mut self.stream).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// In bytes: far more than any call of the two providers needs.
const MAX_BODY: usize = 1 << 20;
