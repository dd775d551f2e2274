//! Completes futures of a Python event loop from the runtime of the client.
//!
//! Results wait in a queue of the loop, and one call wakes the loop for all of them. A thousand
//! tasks that wait for one flight then take the interpreter's lock once, not a thousand times.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwapOption;
use pyo3::{PyTraverseError, PyVisit, exceptions::PyRuntimeError, prelude::*, sync::PyOnceLock};
use tokenlease::{Error, ErrorKind};

use crate::{error, interpreter_guard};

/// An event loop, with the results for its futures.
pub(crate) struct EventLoop {
    event_loop: Py<PyAny>,
    completed: Mutex<Vec<Completed>>,
}

struct Completed {
    future: Py<PyAny>,
    outcome: Outcome,
}

type Outcome = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

impl EventLoop {
    /// Returns the loop that runs the calling task, of asyncio or trio; `last` is the loop of the call
    /// before.
    pub(crate) fn running(py: Python<'_>, last: &ArcSwapOption<Self>) -> PyResult<Arc<Self>> {
        static GET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let running = GET.import(py, "tokenlease._loops", "running_loop")?.call0()?;
        if let Some(last) = last.load_full().filter(|last| last.event_loop.is(&running)) {
            return Ok(last);
        }
        let found = Self::of(running.unbind());
        last.store(Some(found.clone()));
        Ok(found)
    }

    /// Returns an event loop of these methods: `create_future` and `call_soon_threadsafe`.
    pub(crate) fn of(event_loop: Py<PyAny>) -> Arc<Self> {
        Arc::new(Self { event_loop, completed: Mutex::default() })
    }

    /// Shows the garbage collector the reference to the loop.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)
    }

    /// Returns a new future of this loop, and the promise that completes it.
    pub(crate) fn future(self: Arc<Self>, py: Python<'_>) -> PyResult<(Py<PyAny>, Promise)> {
        if interpreter_guard::is_closed() {
            return Err(PyRuntimeError::new_err(
                "the interpreter is shutting down: nothing can be awaited",
            ));
        }
        let future = self.event_loop.call_method0(py, "create_future")?;
        let promise = Promise { future: Some(future.clone_ref(py)), event_loop: self };
        Ok((future, promise))
    }

    fn push(self: Arc<Self>, completed: Completed) {
        let is_first = {
            let mut queue = self.completed.lock().unwrap_or_else(PoisonError::into_inner);
            queue.push(completed);
            queue.len() == 1
        };
        if is_first {
            // A closed loop and an interpreter that shuts down have no waiting tasks.
            interpreter_guard::attach(|py| {
                let callback = Py::new(py, CompleteFutures(self.clone()));
                let woken = callback.and_then(|callback| {
                    self.event_loop.call_method1(py, "call_soon_threadsafe", (callback,))
                });
                if woken.is_err() {
                    drop(self.take());
                }
            });
        }
    }

    fn take(&self) -> Vec<Completed> {
        mem::take(&mut *self.completed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The callback that the loop runs to complete its futures.
#[pyclass(frozen)]
struct CompleteFutures(Arc<EventLoop>);

#[pymethods]
impl CompleteFutures {
    fn __call__(&self, py: Python<'_>) {
        for Completed { future, outcome } in self.0.take() {
            let future = future.bind(py);
            if let Err(failure) = complete(py, future, outcome) {
                failure.write_unraisable(py, Some(future));
            }
        }
    }
}

fn complete(py: Python<'_>, future: &Bound<'_, PyAny>, outcome: Outcome) -> PyResult<()> {
    // The waiting task may have been cancelled.
    if future.call_method0("done")?.is_truthy()? {
        return Ok(());
    }
    match outcome(py) {
        Ok(value) => future.call_method1("set_result", (value,))?,
        Err(raised) => future.call_method1("set_exception", (raised,))?,
    };
    Ok(())
}

/// The obligation to complete a future. If it is dropped before, it completes the future with an
/// error, so that no task waits forever.
pub(crate) struct Promise {
    event_loop: Arc<EventLoop>,
    future: Option<Py<PyAny>>,
}

impl Promise {
    pub(crate) fn complete(
        mut self,
        outcome: impl FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send + 'static,
    ) {
        self.push(Box::new(outcome));
    }

    fn push(&mut self, outcome: Outcome) {
        if let Some(future) = self.future.take() {
            self.event_loop.clone().push(Completed { future, outcome });
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.push(Box::new(|py| {
            let error = Error::new(
                ErrorKind::Internal,
                "a background task ended before it returned a result",
            )
            .advice("find the panic message on standard error, and report it");
            Err(error::raise(py, &error))
        }));
    }
}
