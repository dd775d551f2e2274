//! The tokio runtime behind the blocking faces: one a process, made when it is first needed.

use std::{
    fmt,
    future::Future,
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

use once_cell::race::OnceBox;
use tokenlease_core::{Error, ErrorKind, Result};
use tokio::runtime::{Builder, Handle};

/// Two threads are plenty: a flight waits for the network, and computes next to nothing.
const THREADS: usize = 2;

/// The runtime of one process. A client keeps the one that was current when it was made.
///
/// A forked child has its parent's memory and none of its threads: a runtime that crossed a fork
/// would never answer. So each runtime knows its process. In a child [`handle`](Self::handle) of
/// the parent's is an error at once, and [`current`](Self::current) makes the child one of its
/// own. The parent's is left untouched: stopping it would wait for threads that are not there.
pub struct Runtime {
    process: u32,
    // An option, so that it can be taken out and stopped without waiting.
    tokio: Option<tokio::runtime::Runtime>,
    /// The runtime of a child that was forked off this process.
    child: OnceBox<Self>,
}

// `OnceBox` blocks nobody: a fork in the middle of its initialization would leave the child
// waiting for a thread it does not have. Two threads that come first together make two runtimes,
// and one of them is dropped.
static FIRST: OnceBox<Runtime> = OnceBox::new();

impl Runtime {
    /// This process's runtime, made now if there is none. Kind `Internal` if the system allows no
    /// more threads.
    pub fn current() -> Result<&'static Self> {
        Self::current_of(&FIRST, std::process::id())
    }

    /// What spawns tasks on this runtime. Kind `Forked` in any process but the one that made it.
    pub fn handle(&self) -> Result<&Handle> {
        check_process(self.process)?;
        let tokio = self.tokio.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Internal, "the runtime was stopped while it was in use")
        })?;
        Ok(tokio.handle())
    }

    /// Whether the caller is a task of this runtime, and has its timers.
    pub(crate) fn is_entered(&self) -> bool {
        let current = Handle::try_current().map(|current| current.id());
        matches!((current, self.handle()), (Ok(current), Ok(ours)) if current == ours.id())
    }

    /// Runs a future on this runtime and blocks the calling thread until it is done. It works
    /// inside another async runtime too, where it blocks that runtime's thread: prefer the async
    /// methods there.
    pub fn block_on<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.block_on_watched(future, Duration::MAX, || Ok(()))
    }

    /// As [`block_on`](Self::block_on), but looks up `every` so often: if `check` then fails, the
    /// future is dropped and the failure returned. So a host language can handle its signals.
    pub fn block_on_watched<F, E>(
        &self,
        future: F,
        every: Duration,
        mut check: impl FnMut() -> Result<(), E>,
    ) -> Result<F::Output, E>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
        E: From<Error>,
    {
        // A task and a channel, not `Handle::block_on`: that panics inside another runtime.
        let (sender, receiver) = mpsc::sync_channel(1);
        let task = self.handle()?.spawn(async move {
            // The receiver is gone if `check` failed.
            let _ = sender.send(future.await);
        });
        let stop = StopOnDrop(task.abort_handle());
        let output = loop {
            match receiver.recv_timeout(every) {
                Ok(output) => break output,
                Err(RecvTimeoutError::Timeout) => check()?,
                // The sender is dropped unused only where the future panicked.
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(
                        ErrorKind::Internal,
                        "a task that a blocking call waited for was ended",
                    )
                    .advice("look for a panic in the log of the program, and report it")
                    .into());
                }
            }
        };
        drop(stop);
        Ok(output)
    }

    fn new(process: u32) -> Result<Self> {
        let tokio = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("tokenlease")
            .enable_all()
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Internal, "the runtime could not be started")
                    .advice("look at the limits on threads and open files of this process")
                    .with_source(error)
            })?;
        Ok(Self { process, tokio: Some(tokio), child: OnceBox::new() })
    }

    /// The last of the chain that begins at `first`, or one appended to it: each process that was
    /// forked off and made a runtime is one link. It never looks for an older link of this
    /// process id: that would be an ancestor's whose id was given out again.
    fn current_of(first: &OnceBox<Self>, process: u32) -> Result<&Self> {
        let mut place = first;
        loop {
            let runtime = place.get_or_try_init(|| Self::new(process).map(Box::new))?;
            if runtime.child.get().is_none() && runtime.process == process {
                return Ok(runtime);
            }
            place = &runtime.child;
        }
    }
}

/// Whether this is the process of that id. Kind `Forked` otherwise.
pub(crate) fn check_process(made_in: u32) -> Result<()> {
    if made_in == std::process::id() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Forked,
        format!("this client was made in process {made_in}, which this process was forked from"),
    )
    .expected("a client and a registry made in this process")
    .advice("make a new client after the fork"))
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("process", &self.process).finish_non_exhaustive()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(tokio) = self.tokio.take() {
            // Waiting for its threads would panic inside another runtime.
            tokio.shutdown_background();
        }
    }
}

/// Ends a task that nobody waits for any more, also where the waiting thread panics.
struct StopOnDrop(tokio::task::AbortHandle);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    #[test]
    fn a_process_has_one_runtime() {
        let (one, other) = (Runtime::current().unwrap(), Runtime::current().unwrap());
        assert!(std::ptr::eq(one, other));
        assert_eq!(one.block_on(async { 7 }).unwrap(), 7);
    }

    #[test]
    fn lesson_18_a_runtime_that_crossed_a_fork_is_an_error_and_no_hang() {
        let parents = Runtime::new(std::process::id().wrapping_add(1)).unwrap();
        let error = parents.block_on(async { 7 }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forked);
        assert!(error.to_string().contains("make a new client"), "{error}");
    }

    #[test]
    fn lesson_18_a_child_gets_a_runtime_of_its_own_even_with_an_ancestors_id() {
        let first = OnceBox::new();
        let mut chain: Vec<*const Runtime> = Vec::new();
        for process in [1, 2, 1] {
            let runtime = Runtime::current_of(&first, process).unwrap();
            assert!(std::ptr::eq(runtime, Runtime::current_of(&first, process).unwrap()));
            assert_eq!(runtime.process, process);
            assert!(!chain.contains(&std::ptr::from_ref(runtime)));
            chain.push(runtime);
        }
    }

    #[test]
    fn blocking_works_inside_another_runtime() {
        let outer = Builder::new_current_thread().enable_all().build().unwrap();
        let answer = outer.block_on(async { Runtime::current().unwrap().block_on(async { 7 }) });
        assert_eq!(answer.unwrap(), 7);
    }

    #[test]
    fn a_runtime_can_be_dropped_inside_another() {
        let outer = Builder::new_current_thread().enable_all().build().unwrap();
        outer.block_on(async { drop(Runtime::new(1)) });
    }

    #[test]
    fn a_panic_in_the_future_is_an_error_of_the_caller() {
        let runtime = Runtime::current().unwrap();
        let error = runtime.block_on(async { panic!("on purpose") }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
    }

    #[test]
    fn lesson_19_a_check_that_fails_ends_the_wait_and_drops_the_future() {
        struct Dropped(Arc<AtomicU32>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let drops = Arc::new(AtomicU32::new(0));
        let dropped = Dropped(drops.clone());
        let future = async move {
            let _dropped = dropped;
            std::future::pending::<()>().await;
        };
        let mut looks = 0;
        let check = || {
            looks += 1;
            if looks < 3 { Ok(()) } else { Err(Error::new(ErrorKind::Internal, "interrupted")) }
        };
        let runtime = Runtime::current().unwrap();
        let error = runtime.block_on_watched(future, Duration::from_millis(1), check).unwrap_err();
        assert_eq!((error.detail(), looks), ("interrupted", 3));
        while drops.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
    }
}
