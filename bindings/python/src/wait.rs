//! Waiting: without Python's lock, and so that Ctrl-C ends it.

use std::{
    thread,
    time::{Duration, Instant},
};

use pyo3::{prelude::*, types::PyDict};
use tokenlease::{
    Client, Error, ErrorKind, Result, Slot, blocking::MAX_SLOT_WAIT, runtime::Runtime,
};

use crate::error;

/// How often the main thread looks for signals.
const SIGNALS: Duration = Duration::from_millis(100);

/// How many are woken at once when it is their slot: two would contend for Python's lock.
const ABREAST: usize = 1;

/// What ends a wait: an error, or an exception of a signal's handler (`KeyboardInterrupt`).
enum Failure {
    Error(Error),
    Raised(PyErr),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Waits for something that a client does. Other Python threads run meanwhile. What is under way
/// for other callers too goes on when a signal ends the wait.
pub(crate) fn of_client<F, R>(py: Python<'_>, client: &Client, work: F) -> PyResult<R>
where
    F: Future<Output = Result<R>> + Send + 'static,
    R: Send + 'static,
{
    // Of the client: in a forked child it says so instead of waiting for threads of the parent.
    wait(py, || client.runtime(), work)
}

/// Waits for the calling thread's slot to ask a client: a thousand that were answered at once would
/// press whoever has Python's lock to let it go, over and over.
pub(crate) fn for_slot<'a>(py: Python<'_>, client: &'a Client) -> PyResult<Option<Slot<'a>>> {
    let (began, limit) = (Instant::now(), client.deadline().min(MAX_SLOT_WAIT));
    // Little is done before Python's lock is let go: the next one is after it.
    let slot = py.detach(|| {
        // In a forked child, a thread that is not there may have the slot.
        client.runtime()?;
        Ok(slot_within(client, limit.min(SIGNALS)))
    });
    let mut slot = slot.map_err(|error| error::raise(py, &error))?;
    while slot.is_none() && began.elapsed() < limit {
        py.check_signals()?;
        let every = signals_every(py)?;
        let left = limit.saturating_sub(began.elapsed());
        slot = py.detach(|| slot_within(client, left.min(every)));
    }
    Ok(slot)
}

fn slot_within(client: &Client, limit: Duration) -> Option<Slot<'_>> {
    let slot = client.slot(limit, ABREAST);
    if slot.as_ref().is_some_and(Slot::has_waited) {
        // Who woke this thread still has Python's lock. Where both share a processor, it lets go of it
        // first: else this thread would sleep once more.
        thread::yield_now();
    }
    slot
}

/// Waits for work that blocks, on a thread for that.
pub(crate) fn of_blocking<R: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<R> + Send + 'static,
) -> PyResult<R> {
    let runtime = Runtime::current().map_err(|error| error::raise(py, &error))?;
    let task = runtime.handle().map_err(|error| error::raise(py, &error))?.spawn_blocking(work);
    let done = async move {
        task.await.unwrap_or_else(|failure| {
            Err(Error::new(ErrorKind::Internal, "a thread that a call waited for was ended")
                .with_source(failure))
        })
    };
    wait(py, || Ok(runtime), done)
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
    let every = signals_every(py)?;
    let look = || {
        let looked = Python::try_attach(|py| py.check_signals().map_err(Failure::Raised));
        looked.unwrap_or(Ok(()))
    };
    let outcome = py.detach(|| Ok(runtime()?.block_on_watched(work, every, look)??));
    outcome.map_err(|failure| match failure {
        Failure::Error(error) => error::raise(py, &error),
        Failure::Raised(raised) => raised,
    })
}

/// Signals are handled by Python's main thread alone: the others need not wake for them.
fn signals_every(py: Python<'_>) -> PyResult<Duration> {
    // Not imported for this: without it, there is but one thread.
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    let Some(threading) = modules.get_item("threading")? else { return Ok(SIGNALS) };
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    let is_main = threading.call_method0("get_ident")?.eq(main)?;
    Ok(if is_main { SIGNALS } else { Duration::MAX })
}
