//! The way from our own threads into Python, shut before the interpreter ends.
//!
//! A thread that asks an ending interpreter for its lock is killed by it, in the middle of Rust,
//! which aborts the process. So at exit the interpreter_guard is shut, and who is inside is waited for.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use pyo3::prelude::*;

/// How many threads of ours are inside, below the id of the process that this is true for: a
/// forked child has none of its parent's threads.
static INSIDE: AtomicU64 = AtomicU64::new(0);
static SHUT: AtomicBool = AtomicBool::new(false);

/// A user's function that runs for longer than that is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Does something in Python, on a thread of ours. `None`: the interpreter is ending.
pub(crate) fn enter<R>(work: impl for<'py> FnOnce(Python<'py>) -> R) -> Option<R> {
    let inside = Inside::new();
    if is_shut() {
        return None;
    }
    let result = Python::try_attach(work);
    drop(inside);
    result
}

/// Whether the interpreter is ending, so that nothing would come back.
pub(crate) fn is_shut() -> bool {
    SHUT.load(Ordering::SeqCst)
}

struct Inside;

impl Inside {
    fn new() -> Self {
        let _ = INSIDE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |inside| {
            Some(this_process(count(inside) + 1))
        });
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = INSIDE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |inside| {
            Some(this_process(count(inside).saturating_sub(1)))
        });
    }
}

fn this_process(count: u64) -> u64 {
    u64::from(std::process::id()) << 32 | count
}

fn count(inside: u64) -> u64 {
    if inside >> 32 == u64::from(std::process::id()) { inside & u64::from(u32::MAX) } else { 0 }
}

pub(crate) fn shut_at_exit(py: Python<'_>) -> PyResult<()> {
    let shut = wrap_pyfunction!(shut, py)?;
    py.import("atexit")?.call_method1("register", (shut,))?;
    Ok(())
}

/// Shuts the interpreter_guard, and waits for those inside.
#[pyfunction]
fn shut(py: Python<'_>) {
    SHUT.store(true, Ordering::SeqCst);
    py.detach(|| {
        let end = Instant::now() + LONGEST_WAIT;
        while count(INSIDE.load(Ordering::SeqCst)) > 0 && Instant::now() < end {
            thread::park_timeout(Duration::from_millis(1));
        }
    });
}
