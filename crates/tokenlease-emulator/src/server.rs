//! Listeners, connections, and the processing of a request with its counts and faults.

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
use crate::{control, winkas, wyn};

/// Opens a listener. Its backlog is large enough for a thousand clients that connect at once.
pub(crate) fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Windows this option would let two programs listen on the same port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(4096)
}

/// Accepts connections until the runtime ends.
pub(crate) async fn accept(listener: TcpListener, provider: Provider, shared: Arc<Shared>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            shared.state().details.of(provider).connections += 1;
            tokio::spawn(serve(stream, provider, Arc::clone(&shared)));
        } else {
            // Most likely there are no free file descriptors: closing connections frees some.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn serve(stream: TcpStream, provider: Provider, shared: Arc<Shared>) {
    // A failure only makes answers slower.
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let wire = Wire { stream, reset: Arc::clone(&reset) };
    let service = service_fn(move |request| {
        let (shared, reset) = (Arc::clone(&shared), Arc::clone(&reset));
        async move { answer(&shared, provider, request, &reset).await }
    });
    // An error is a client that closed the connection, or an injected fault.
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
        return Ok(finish(shared, control::answer(shared, path, &call), None));
    }
    let (fault, real) = receive(shared, provider, parts.uri.path(), &call);
    let Some(fault) = fault else {
        return Ok(finish(shared, real.expect("a call without a fault is processed"), None));
    };
    if !fault.delay.is_zero() {
        tokio::time::sleep(fault.delay).await;
    }
    if matches!(fault.shape, Shape::Reset) {
        reset.store(true, Ordering::SeqCst);
        return Err(BrokenOff);
    }
    let answer = apply_fault(shared, &fault, real);
    Ok(finish(shared, answer, Some(&fault)))
}

/// Counts and logs a call, takes its fault, and processes it unless the fault prevents that. All of it
/// happens under one lock, so that calls are processed in the order of the log.
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
    let real = match provider {
        Provider::Winkas => winkas::process(state, now, call),
        Provider::Wyn => wyn::process(state, now, call),
    };
    (fault, Some(real))
}

/// Returns the answer of a faulted call, without the headers that [`finish`] adds.
fn apply_fault(shared: &Shared, fault: &Fault, real: Option<Answer>) -> Answer {
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
        Shape::Real | Shape::HalfBody | Shape::Reset => {
            real.expect("a fault of this shape is processed")
        }
    }
}

/// Adds the fault's headers and the emulator's `Date`, and breaks the body off if the fault says so.
fn finish(shared: &Shared, mut answer: Answer, fault: Option<&Fault>) -> Response<AnswerBody> {
    let now = shared.clock.now();
    let mut put = |name, text: String| {
        let value = HeaderValue::try_from(text).expect("numbers and dates are valid header values");
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

/// A TCP stream that is reset instead of closed if the flag is set.
struct Wire {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.reset.load(Ordering::SeqCst) {
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
        Pin::new(&mut self.stream).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The longest request body, in bytes; the calls of both providers are much shorter.
const MAX_BODY: usize = 1 << 20;
