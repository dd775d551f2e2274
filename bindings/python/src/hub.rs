//! Waits in a greenlet of gevent or eventlet: the other greenlets of the thread run meanwhile.
//!
//! The hubs' own parts are in Python (`_loops.py`).

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::{prelude::*, types::PyDict};
use tokenlease::{Error, ErrorKind, Result, runtime::Runtime};

use crate::{error, event_loop::EventLoop};

/// Returns the hub that runs the calling greenlet. `None` in a thread that runs no hub.
pub(crate) fn running(py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
    // The module of the hub is not imported for this: without it, no hub runs.
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    if !modules.contains("gevent")? && !modules.contains("eventlet")? {
        return Ok(None);
    }
    let hub = py.import("tokenlease._loops")?.call_method0("running_hub")?;
    Ok((!hub.is_none()).then(|| hub.unbind()))
}

/// Runs work on the runtime, and lets the hub run other greenlets until it is done. An exception that
/// the hub raises in the greenlet, such as a timeout, ends the wait.
pub(crate) fn wait<R: Send + 'static>(
    py: Python<'_>,
    hub: Py<PyAny>,
    runtime: &Runtime,
    work: impl Future<Output = Result<R>> + Send + 'static,
) -> PyResult<R> {
    let handle = runtime.handle().map_err(|error| error::raise(py, &error))?;
    let (future, promise) = EventLoop::of(hub).future(py)?;
    let result = Arc::new(Mutex::new(None));
    let done = result.clone();
    let task = handle.spawn(async move {
        let result = work.await;
        *done.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        promise.complete(|py| Ok(py.None()));
    });
    let waited = future.call_method0(py, "wait");
    task.abort();
    waited?;
    let result = result.lock().unwrap_or_else(PoisonError::into_inner).take();
    let missing = || Error::new(ErrorKind::Internal, "a hub ended a wait without a result");
    result.unwrap_or_else(|| Err(missing())).map_err(|error| error::raise(py, &error))
}
