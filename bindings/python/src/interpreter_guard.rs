//! Attaches threads of the client to the Python interpreter, until the interpreter shuts down.
//!
//! An interpreter that shuts down kills a thread that asks for its lock. That happens in the middle
//! of Rust code and aborts the process. So the guard closes at exit, and then waits for the threads
//! that are attached.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use pyo3::prelude::*;

/// The id of the process in the upper half, and its number of attached threads in the lower half. A
/// forked child has none of its parent's threads.
static ATTACHED: AtomicU64 = AtomicU64::new(0);
static CLOSED: AtomicBool = AtomicBool::new(false);

/// How long the exit waits for attached threads, such as one that runs a user's function.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// Runs `work` attached to the interpreter, on a thread of the client. `None` if the interpreter
/// shuts down.
pub(crate) fn attach<R>(work: impl for<'py> FnOnce(Python<'py>) -> R) -> Option<R> {
    let attached = Attached::new();
    if is_closed() {
        return None;
    }
    let result = Python::try_attach(work);
    drop(attached);
    result
}

/// Returns whether the interpreter shuts down, so that no result would arrive.
pub(crate) fn is_closed() -> bool {
    CLOSED.load(Ordering::SeqCst)
}

/// Counts a thread as attached until it is dropped.
struct Attached;

impl Attached {
    fn new() -> Self {
        let _ = ATTACHED.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |attached| {
            Some(in_this_process(count(attached) + 1))
        });
        Self
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let _ = ATTACHED.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |attached| {
            Some(in_this_process(count(attached).saturating_sub(1)))
        });
    }
}

fn in_this_process(count: u64) -> u64 {
    u64::from(std::process::id()) << 32 | count
}

fn count(attached: u64) -> u64 {
    let is_this_process = attached >> 32 == u64::from(std::process::id());
    if is_this_process { attached & u64::from(u32::MAX) } else { 0 }
}

/// Registers [`close`] to run when the interpreter exits.
pub(crate) fn close_at_exit(py: Python<'_>) -> PyResult<()> {
    let close = wrap_pyfunction!(close, py)?;
    py.import("atexit")?.call_method1("register", (close,))?;
    Ok(())
}

/// Closes the guard, and waits for attached threads, at most [`EXIT_TIMEOUT`].
#[pyfunction]
fn close(py: Python<'_>) {
    CLOSED.store(true, Ordering::SeqCst);
    py.detach(|| {
        let end = Instant::now() + EXIT_TIMEOUT;
        while count(ATTACHED.load(Ordering::SeqCst)) > 0 && Instant::now() < end {
            thread::park_timeout(Duration::from_millis(1));
        }
    });
}
