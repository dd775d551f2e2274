//! Knows whether code runs in a task of the runtime, whose few threads nothing may block.

use std::{
    cell::Cell,
    pin::Pin,
    task::{Context, Poll},
};

use tokenlease_core::{Error, ErrorKind, Result};

thread_local! {
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
}

/// A task of the runtime.
pub(super) struct OwnTask(pub(super) Pin<Box<dyn Future<Output = ()> + Send>>);

impl Future for OwnTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let _in_task = InTask(IN_TASK.replace(true));
        self.0.as_mut().poll(context)
    }
}

/// Restores what was true before, also after a panic.
struct InTask(bool);

impl Drop for InTask {
    fn drop(&mut self) {
        IN_TASK.set(self.0);
    }
}

/// Fails in a task of the runtime: a call that blocks there would wait for a thread that it blocks.
///
/// # Errors
/// `Config` in a task of the runtime.
pub fn check_may_block() -> Result<()> {
    if IN_TASK.get() {
        return Err(Error::new(
            ErrorKind::Config,
            "a blocking call was made on a thread of tokenlease, which it would block for ever",
        )
        .expected("a call on a thread of the program")
        .advice("use the async client there, or make the call on another thread"));
    }
    Ok(())
}
