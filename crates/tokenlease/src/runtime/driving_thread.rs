//! The thread that drives a runtime: its tasks, timers and connections.
//!
//! One thread suffices: a flight waits for the network and computes little, and all work that blocks has
//! separate threads. tokio's scheduler for several threads is not used: it panics if the system allows
//! none of its threads, and waits for ever if the system allows only some of them. A thread that is
//! started here is refused with an error.

use std::convert::Infallible;

use tokenlease_core::Result;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::oneshot,
};

use super::{
    blocking_work::no_thread,
    threads::{build_runtime, spawn_thread},
};

/// The thread of a runtime. It ends when this is dropped.
pub(super) struct DrivingThread {
    handle: Handle,
    _end: oneshot::Sender<Infallible>,
}

impl DrivingThread {
    pub(super) fn start() -> Result<Self> {
        let mut builder = Builder::new_current_thread();
        let runtime = build_runtime(builder.enable_all())
            .map_err(|error| no_thread("the runtime could not be started", error))?;
        let handle = runtime.handle().clone();
        let driven = Driven(Some(runtime));
        let (end, ended) = oneshot::channel();
        spawn_thread("tokenlease", move || driven.run(ended))
            .map_err(|error| no_thread("the thread of the runtime could not be started", error))?;
        Ok(Self { handle, _end: end })
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}

/// A runtime that can be dropped inside another one, where a drop that waits for threads would panic.
struct Driven(Option<Runtime>);

impl Driven {
    /// Runs the tasks until the sender is dropped.
    fn run(self, ended: oneshot::Receiver<Infallible>) {
        if let Some(runtime) = &self.0 {
            // No value is ever sent: the error says that the sender was dropped.
            let _ = runtime.block_on(ended);
        }
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A refused thread drops the runtime where it was started, which may be inside another runtime.
    #[test]
    fn a_runtime_that_never_ran_can_be_dropped_inside_another() {
        let outer = Builder::new_current_thread().build().unwrap();
        let inner = Builder::new_current_thread().enable_all().build().unwrap();
        outer.block_on(async { drop(Driven(Some(inner))) });
    }

    #[test]
    fn tasks_end_with_the_thread() {
        let thread = DrivingThread::start().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        thread.handle().spawn(async move {
            let _sender = sender;
            std::future::pending::<()>().await;
        });
        drop(thread);
        // Disconnected: the task was dropped.
        assert!(receiver.recv().is_err());
    }
}
