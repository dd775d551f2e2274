//! Waits without the interpreter's lock. Ctrl-C ends a wait.

use std::{
    thread,
    time::{Duration, Instant},
};

use pyo3::{prelude::*, types::PyDict};
use tokenlease::{
    Client, Error, Result,
    bindings::{self, Begun, MAX_SLOT_WAIT, Slot},
    runtime::{Runtime, run_blocking},
};

use crate::{error, hub};

/// How often a waiting main thread checks for signals.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(100);

/// How many waiting threads are woken at once. Two would contend for the interpreter's lock.
const WOKEN_AT_ONCE: usize = 1;

/// The failure of a wait: an error, or an exception of a signal handler (`KeyboardInterrupt`).
enum Failure {
    Error(Error),
    Raised(PyErr),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Waits for an operation of a client, while other Python threads run. If a signal ends the wait,
/// the flight continues for other callers.
pub(crate) fn for_client<F, R>(py: Python<'_>, client: &Client, work: F) -> PyResult<R>
where
    F: Future<Output = Result<R>> + Send + 'static,
    R: Send + 'static,
{
    // The client's runtime: in a forked child it is an error, not a wait for the parent's threads.
    wait(py, || bindings::runtime(client), work)
}

/// Waits for a slot of the client's wait queue, in which the calling thread asks for the token. A
/// thousand threads that were answered at once would contend for the interpreter's lock.
pub(crate) fn for_slot<'a>(
    py: Python<'_>,
    client: &'a Client,
    call: Begun,
) -> PyResult<Option<Slot<'a>>> {
    // The thread of a greenlet must not sleep: the greenlet with the slot may run on it.
    if hub::running(py)?.is_some() {
        return Ok(None);
    }
    let (began, limit) = (Instant::now(), client.deadline().min(MAX_SLOT_WAIT));
    // Little is done before the interpreter's lock is released: the next thread waits for it.
    let slot = py.detach(|| {
        // In a forked child, a thread that does not exist may have the slot.
        bindings::runtime(client)?;
        Ok(slot_within(client, call, limit.min(SIGNAL_INTERVAL)))
    });
    let mut slot = slot.map_err(|error| error::raise(py, &error))?;
    while slot.is_none() && began.elapsed() < limit && !bindings::is_interrupted(client, call) {
        py.check_signals()?;
        let interval = signal_interval(py)?;
        let left = limit.saturating_sub(began.elapsed());
        slot = py.detach(|| slot_within(client, call, left.min(interval)));
    }
    Ok(slot)
}

fn slot_within(client: &Client, call: Begun, limit: Duration) -> Option<Slot<'_>> {
    let slot = bindings::slot(client, call, limit, WOKEN_AT_ONCE);
    if slot.as_ref().is_some_and(Slot::has_waited) {
        // The thread that woke this one still holds the interpreter's lock. If both share a
        // processor, it releases the lock first; otherwise this thread would sleep again.
        thread::yield_now();
    }
    slot
}

/// Runs blocking work on another thread and waits for it.
pub(crate) fn for_blocking<R: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<R> + Send + 'static,
) -> PyResult<R> {
    let runtime = Runtime::current().map_err(|error| error::raise(py, &error))?;
    let done = async move { run_blocking(None, work).await? };
    wait(py, || Ok(runtime), done)
}

/// Waits for work of this process that belongs to no client.
pub(crate) fn for_process<F, R>(py: Python<'_>, work: F) -> PyResult<R>
where
    F: Future<Output = Result<R>> + Send + 'static,
    R: Send + 'static,
{
    wait(py, Runtime::current, work)
}

fn wait<F, R>(
    py: Python<'_>,
    runtime: impl FnOnce() -> Result<&'static Runtime> + Send,
    work: F,
) -> PyResult<R>
where
    F: Future<Output = Result<R>> + Send + 'static,
    R: Send + 'static,
{
    if let Some(hub) = hub::running(py)? {
        let runtime = runtime().map_err(|error| error::raise(py, &error))?;
        return hub::wait(py, hub, runtime, work);
    }
    let interval = signal_interval(py)?;
    let check = || {
        let checked = Python::try_attach(|py| py.check_signals().map_err(Failure::Raised));
        checked.unwrap_or(Ok(()))
    };
    let outcome = py.detach(|| Ok(runtime()?.block_on_watched(work, interval, check)??));
    outcome.map_err(|failure| match failure {
        Failure::Error(error) => error::raise(py, &error),
        Failure::Raised(raised) => raised,
    })
}

/// Returns how often the calling thread checks for signals. Only Python's main thread handles them,
/// so other threads need not wake.
pub(crate) fn signal_interval(py: Python<'_>) -> PyResult<Duration> {
    // The module is not imported for this: without it, the program has one thread.
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    let Some(threading) = modules.get_item("threading")? else { return Ok(SIGNAL_INTERVAL) };
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    let is_main = threading.call_method0("get_ident")?.eq(main)?;
    Ok(if is_main { SIGNAL_INTERVAL } else { Duration::MAX })
}
