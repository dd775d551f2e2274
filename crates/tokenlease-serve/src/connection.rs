//! One connection: HTTP/1.1 with limits on the time and size of all that a client sends.

use std::{convert::Infallible, pin::pin, sync::Arc, sync::atomic::Ordering};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};
use tokio_io_timeout::TimeoutStream;

use crate::{
    router::{self, Origin},
    state::Shared,
};

/// The most headers of a request.
const MAX_HEADERS: usize = 100;

/// Serves a connection until it ends. After `stopped` it ends with the request in progress.
pub(crate) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    origin: Origin,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let limits = shared.limits;
    let mut stream = TimeoutStream::new(stream);
    // A client that does not read would keep the answer, and its upstream, for ever.
    stream.set_write_timeout(Some(limits.idle_timeout));
    let open = Open::new(&shared);
    let of_service = shared.clone();
    let service = service_fn(move |request| {
        let shared = of_service.clone();
        async move { Ok::<_, Infallible>(router::answer(&shared, origin, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(limits.head_len)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let mut connection = pin!(connection);
    let is_stopped = tokio::select! {
        // An error is a client that closed the connection, sent no HTTP, or was too slow.
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::trace!("a connection ended: {error}");
            }
            false
        }
        stopped = stopped.wait_for(|stopped| *stopped) => {
            drop(stopped);
            true
        }
    };
    if is_stopped {
        connection.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(limits.drain_timeout, connection).await;
    }
    drop(open);
}

/// Counts an open connection.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.counts.connections.fetch_add(1, Ordering::Relaxed);
        Self(shared.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.counts.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
