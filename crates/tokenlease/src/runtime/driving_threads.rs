//! The threads that drive a runtime: its tasks, timers and connections.
//!
//! Two threads suffice: a flight waits for the network and computes little, and all work that blocks has
//! separate threads. A server that floods one connection keeps one thread busy, and its deadlines are met
//! on the other one. Each thread has a tokio runtime of one thread, and they take turns with new tasks.
//! tokio's scheduler for several threads is not used: it panics if the system allows none of its threads,
//! and waits for ever if the system allows only some of them. A thread that is started here is refused
//! with an error.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokenlease_core::Result;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::oneshot,
};

use super::{
    blocking_work::no_thread,
    threads::{build_runtime, spawn_thread},
};

const THREADS: usize = 2;

/// The threads of a runtime. They end when this is dropped.
pub(super) struct DrivingThreads {
    threads: [DrivingThread; THREADS],
    turn: AtomicUsize,
}

impl DrivingThreads {
    pub(super) fn start() -> Result<Self> {
        let threads = [DrivingThread::start()?, DrivingThread::start()?];
        Ok(Self { threads, turn: AtomicUsize::new(0) })
    }

    /// Returns the thread whose turn it is.
    pub(super) fn next(&self) -> &Handle {
        let [first, second] = &self.threads;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        if turn.is_multiple_of(THREADS) { &first.handle } else { &second.handle }
    }
}

struct DrivingThread {
    handle: Handle,
    _end: oneshot::Sender<Infallible>,
}

impl DrivingThread {
    fn start() -> Result<Self> {
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

    /// Rule: Deadlines: a task that keeps one of the library's threads busy leaves the other one to the next
    /// tasks.
    #[test]
    fn a_busy_thread_leaves_the_other_one_to_the_next_task() {
        let threads = DrivingThreads::start().unwrap();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        threads.next().spawn(async move { ended.recv() });
        let (sender, receiver) = std::sync::mpsc::channel();
        threads.next().spawn(async move { sender.send(7) });
        assert_eq!(receiver.recv(), Ok(7));
        drop(end);
    }

    #[test]
    fn tasks_end_with_the_threads() {
        let threads = DrivingThreads::start().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        for _ in 0..THREADS {
            let sender = sender.clone();
            threads.next().spawn(async move {
                let _sender = sender;
                std::future::pending::<()>().await;
            });
        }
        drop((sender, threads));
        // Disconnected: the tasks were dropped.
        assert!(receiver.recv().is_err());
    }
}
