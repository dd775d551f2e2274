//! Notices that this process was forked. A forked child has its parent's clients, and none of the
//! threads that work for them.
//!
//! Python tells of forks that it makes (`os.fork`, and so gunicorn, Celery and `multiprocessing`). A host
//! program that forks in C, such as uWSGI, may not tell Python. So calls that are not answered from
//! memory compare the id of the process too.

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use pyo3::{
    prelude::*,
    types::{IntoPyDict as _, PyModule},
};

/// The number of forks between the process that imported the module and this one, as far as they were
/// noticed.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The number of forks when a client was made last.
static FORKS_WHEN_MADE: AtomicU32 = AtomicU32::new(0);

/// The process in which the last fork was noticed.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// Returns the number of forks that were noticed.
#[inline]
pub(crate) fn count() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Notes that this process makes a client, or uses a store in another way.
pub(crate) fn client_is_made() {
    FORKS_WHEN_MADE.store(count(), Ordering::Relaxed);
}

/// Returns whether no client was made since this process was forked. So nothing has changed of what its
/// parent had in memory.
pub(crate) fn no_client_is_made() -> bool {
    FORKS_WHEN_MADE.load(Ordering::Relaxed) != count()
}

/// Compares the id of the process. It costs a system call.
pub(crate) fn notice() {
    let process = process::id();
    if PROCESS.swap(process, Ordering::Relaxed) != process {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
}

/// Registers the function that Python calls in a forked child.
pub(crate) fn register(py: Python<'_>) -> PyResult<()> {
    PROCESS.store(process::id(), Ordering::Relaxed);
    let os = PyModule::import(py, "os")?;
    // Windows has no fork.
    if let Some(register) = os.getattr_opt("register_at_fork")? {
        let forked = wrap_pyfunction!(forked, py)?;
        register.call((), Some(&[("after_in_child", forked)].into_py_dict(py)?))?;
    }
    Ok(())
}

/// Called in a forked child. The child may have the process id of an ancestor.
#[pyfunction]
fn forked() {
    PROCESS.store(process::id(), Ordering::Relaxed);
    FORKS.fetch_add(1, Ordering::Relaxed);
}
