//! Listeners, connections, and the processing of a request with its counts and faults.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::counts::{LogEntry, Provider};
use crate::delivery::{Delivery, deliver};
use crate::fault::{Fault, RetryAfter, Shape, garbage};
use crate::fields::Fields;
use crate::http1::{AnswerBody, BrokenOff, Call, empty};
use crate::state::Shared;
use crate::wire::{Wire, WireControl};
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
    let control = WireControl::default();
    let wire = Wire::new(stream, control.clone());
    let service = service_fn(move |request| {
        let (shared, control) = (Arc::clone(&shared), control.clone());
        async move { answer(&shared, provider, request, &control).await }
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
    wire: &WireControl,
) -> Result<Response<AnswerBody>, BrokenOff> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        let answer = Delivery::plain(empty(StatusCode::PAYLOAD_TOO_LARGE));
        return Ok(finish(shared, answer, None));
    };
    let call = Call {
        path: Call::normal_path(provider, parts.uri.path()),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        method: parts.method,
        headers: parts.headers,
        body: body.to_bytes(),
    };
    if let Some(path) = call.path.strip_prefix("/_emulator") {
        let answer = Delivery::plain(control::answer(shared, path, &call));
        return Ok(finish(shared, answer, None));
    }
    let (fault, real) = receive(shared, provider, parts.uri.path(), &call);
    let delay = real.as_ref().map_or(Duration::ZERO, |real| real.delay)
        + fault.as_ref().map_or(Duration::ZERO, |fault| fault.delay);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let delivery = match &fault {
        None => real.expect("a call without a fault is processed"),
        Some(Fault { shape: Shape::Reset, .. }) => {
            wire.reset();
            return Err(BrokenOff);
        }
        Some(fault) => apply_fault(shared, fault, real),
    };
    wire.style(delivery.head);
    Ok(finish(shared, delivery, fault.as_ref()))
}

/// Counts and logs a call, takes its fault, and processes it unless the fault prevents that. All of it
/// happens under one lock, so that calls are processed in the order of the log.
fn receive(
    shared: &Shared,
    provider: Provider,
    path: &str,
    call: &Call,
) -> (Option<Fault>, Option<Delivery>) {
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
    (fault, Some(deliver(&state.options.quirks, provider, endpoint, real)))
}

/// Returns the answer of a faulted call, without the headers that [`finish`] adds.
fn apply_fault(shared: &Shared, fault: &Fault, real: Option<Delivery>) -> Delivery {
    Delivery::plain(match &fault.shape {
        Shape::Status(status, body) => empty(*status).map(|_| body.clone().into()),
        Shape::Envelope(code, message) => winkas::envelope(
            &shared.state().options.winkas,
            shared.clock.now(),
            *code,
            message,
            Fields::new(),
        ),
        Shape::Garbage(bytes) => empty(StatusCode::OK).map(|_| garbage(*bytes).into()),
        Shape::Real | Shape::HalfBody | Shape::Reset => {
            return real.expect("a fault of this shape is processed");
        }
    })
}

/// Adds the fault's headers and the emulator's `Date`, and breaks the body off if the fault says so.
fn finish(shared: &Shared, delivery: Delivery, fault: Option<&Fault>) -> Response<AnswerBody> {
    let Delivery { mut answer, half, .. } = delivery;
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
    let half = half || fault.is_some_and(|fault| matches!(fault.shape, Shape::HalfBody));
    answer.map(|body: Bytes| if half { AnswerBody::half(&body) } else { AnswerBody::whole(body) })
}

/// The longest request body, in bytes; the calls of both providers are much shorter.
const MAX_BODY: usize = 1 << 20;
