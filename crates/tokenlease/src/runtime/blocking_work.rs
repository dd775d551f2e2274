//! Work that may block, such as file operations, on threads for it.
//!
//! Each call has a thread, which ends with it. tokio's threads for blocking work are not used: at
//! the system's limit of threads, tokio panics or never runs the work. Here the call fails.

use tokenlease_core::{Error, ErrorKind, Result};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{spawn_thread, tasks::Place};

/// Runs `work` on a separate thread. `permit` is released when the work has ended, which may be after
/// the returned future was dropped.
///
/// # Errors
/// `Internal` if the system allows no more threads, or if `work` panicked.
pub async fn run_blocking<R: Send + 'static>(
    permit: Option<OwnedSemaphorePermit>,
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R> {
    let result = Place::default();
    let place = result.clone();
    run(Box::new(move || {
        place.put(work());
        drop(permit);
    }))
    .await?;
    result.take().ok_or_else(panicked)
}

async fn run(work: Box<dyn FnOnce() + Send>) -> Result<()> {
    let (sender, receiver) = oneshot::channel();
    let run = move || {
        work();
        // The caller may have stopped waiting.
        let _ = sender.send(());
    };
    spawn_thread("tokenlease-blocking", run)
        .map_err(|error| no_thread("a thread for blocking work could not be started", error))?;
    receiver.await.map_err(|error| panicked().with_source(error))
}

fn panicked() -> Error {
    Error::new(ErrorKind::Internal, "work on a blocking thread panicked")
        .advice("look for a panic in the program's log")
}

/// Returns the error of a thread that the system did not allow.
pub(super) fn no_thread(detail: &'static str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("{detail}: {error}"))
        .advice("raise the limits on threads, memory and open files of this process")
        .with_source(error)
}
