//! From our runtime back to an event loop of Python's, whichever it is.
//!
//! What is done waits in a queue of the loop's, and one call wakes the loop for all of it: a
//! thousand tasks that wait for one flight cost the interpreter's lock once, not a thousand times.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwapOption;
use pyo3::{exceptions::PyRuntimeError, prelude::*, sync::PyOnceLock};
use tokenlease::{Error, ErrorKind};

use crate::{error, interpreter_guard};

/// An event loop, and the futures of it that are done.
pub(crate) struct EventLoop {
    running: Py<PyAny>,
    done: Mutex<Vec<Done>>,
}

struct Done {
    future: Py<PyAny>,
    outcome: Outcome,
}

type Outcome = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

impl EventLoop {
    /// The loop that runs the calling task; `last` is the one before.
    pub(crate) fn running(py: Python<'_>, last: &ArcSwapOption<Self>) -> PyResult<Arc<Self>> {
        static GET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let running = GET.import(py, "asyncio", "get_running_loop")?.call0()?;
        if let Some(last) = last.load_full().filter(|last| last.running.is(&running)) {
            return Ok(last);
        }
        let found = Arc::new(Self { running: running.unbind(), done: Mutex::default() });
        last.store(Some(found.clone()));
        Ok(found)
    }

    /// A future of this loop, and the promise to settle it.
    pub(crate) fn future(self: Arc<Self>, py: Python<'_>) -> PyResult<(Py<PyAny>, Promise)> {
        if interpreter_guard::is_shut() {
            return Err(PyRuntimeError::new_err(
                "the interpreter is ending: nothing can be awaited",
            ));
        }
        let future = self.running.call_method0(py, "create_future")?;
        let promise = Promise { future: Some(future.clone_ref(py)), event_loop: self };
        Ok((future, promise))
    }

    fn push(self: Arc<Self>, done: Done) {
        let is_first = {
            let mut waiting = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push(done);
            waiting.len() == 1
        };
        if is_first {
            // A loop or an interpreter that is at its end has nobody who waits.
            interpreter_guard::enter(|py| {
                let settle = Py::new(py, Settle(self.clone()));
                let woken = settle.and_then(|settle| {
                    self.running.call_method1(py, "call_soon_threadsafe", (settle,))
                });
                if woken.is_err() {
                    drop(self.take());
                }
            });
        }
    }

    fn take(&self) -> Vec<Done> {
        mem::take(&mut *self.done.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What settles the futures that are done, called by their loop.
#[pyclass(frozen)]
struct Settle(Arc<EventLoop>);

#[pymethods]
impl Settle {
    fn __call__(&self, py: Python<'_>) {
        for Done { future, outcome } in self.0.take() {
            let future = future.bind(py);
            if let Err(failure) = settle(py, future, outcome) {
                failure.write_unraisable(py, Some(future));
            }
        }
    }
}

fn settle(py: Python<'_>, future: &Bound<'_, PyAny>, outcome: Outcome) -> PyResult<()> {
    // The task that waited may have been cancelled.
    if future.call_method0("done")?.is_truthy()? {
        return Ok(());
    }
    match outcome(py) {
        Ok(value) => future.call_method1("set_result", (value,))?,
        Err(raised) => future.call_method1("set_exception", (raised,))?,
    };
    Ok(())
}

/// What is owed to a future: dropped unkept, it settles it with an error, so that nobody waits for
/// ever.
pub(crate) struct Promise {
    event_loop: Arc<EventLoop>,
    future: Option<Py<PyAny>>,
}

impl Promise {
    pub(crate) fn keep(
        mut self,
        outcome: impl FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send + 'static,
    ) {
        self.settle(Box::new(outcome));
    }

    fn settle(&mut self, outcome: Outcome) {
        if let Some(future) = self.future.take() {
            self.event_loop.clone().push(Done { future, outcome });
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.settle(Box::new(|py| {
            let error = Error::new(ErrorKind::Internal, "a task that a call waited for was ended")
                .advice("look for a panic on standard error, and report it");
            Err(error::raise(py, &error))
        }));
    }
}
