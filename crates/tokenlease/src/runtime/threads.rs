//! Starts the threads of the library, on which no signal is delivered.
//!
//! A write to a connection that the peer has closed raises SIGPIPE on the writing thread, and ends a
//! process that does not ignore the signal. A library must not change what the process does with a
//! signal. So its threads block signals, from their first instruction on: each inherits the mask of
//! the thread that starts it.

#[cfg_attr(not(unix), path = "threads/no_signals.rs")]
mod signals;

use std::{
    io,
    thread::{Builder, JoinHandle},
};

pub(crate) use self::signals::ProgramSignals;
use self::signals::{Blocked, block};

/// Starts a thread of the library, which blocks signals.
///
/// # Errors
/// The error of the system if it allows no more threads.
pub fn spawn_thread<R: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> R + Send + 'static,
) -> io::Result<JoinHandle<R>> {
    let _blocked = Blocked::on_this_thread();
    // The standard library's code for threads is compiled for each type of function.
    let work: Box<dyn FnOnce() -> R + Send> = Box::new(work);
    Builder::new().name(name.into()).spawn(work)
}

/// Builds a runtime whose threads block signals.
pub(super) fn build_runtime(
    builder: &mut tokio::runtime::Builder,
) -> io::Result<tokio::runtime::Runtime> {
    let _blocked = Blocked::on_this_thread();
    // tokio starts threads for blocking work from any thread, also from one of the program.
    builder.on_thread_start(block).build()
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
