//! The tokio runtime on which clients work: one for each process, made at its first use.

mod blocking_work;
mod driving_threads;
mod look_up;
mod own_threads;
mod tasks;
mod threads;

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use once_cell::race::OnceBox;
use tokenlease_core::{Error, ErrorKind, Result};
use tokio::{runtime::Handle, sync::Semaphore};

pub use self::{
    blocking_work::run_blocking, look_up::look_up, own_threads::check_may_block,
    threads::spawn_thread,
};
use self::{
    driving_threads::DrivingThreads,
    look_up::MAX_LOOKUPS,
    tasks::{Place, Task},
};
pub(crate) use self::{tasks::spawn_on, threads::ProgramSignals};
use crate::{event_queue::HookThreads, login_turns::LoginTurns};

/// The most functions of the program that fetch credentials at once.
const MAX_FETCHES: usize = 256;

/// The tokio runtime of one process. It starts its threads at the first use of its
/// [`handle`](Self::handle): a process that finds its token in the store needs none.
///
/// A forked child has its parent's memory, but none of its threads. The parent's runtime would never
/// answer there. So each runtime knows its process: in a child, [`handle`](Self::handle) of the
/// parent's runtime is an error at once, and [`current`](Self::current) makes a new one. The parent's
/// runtime stays untouched, because stopping it would wait for threads that do not exist.
pub struct Runtime {
    process: u32,
    threads: OnceBox<DrivingThreads>,
    /// The queues of the logins of this process.
    pub(crate) login_turns: LoginTurns,
    /// The threads on which hooks of this process run.
    pub(crate) hook_threads: Arc<HookThreads>,
    /// The functions that fetch credentials now.
    pub(crate) fetches: Arc<Semaphore>,
    /// The DNS lookups that run now.
    lookups: Arc<Semaphore>,
    /// The runtime of a child that this process forked.
    child: OnceBox<Self>,
}

// `OnceBox` never blocks. With a lock, a fork during the initialization would leave the child waiting
// for a thread that it does not have. If two threads get here at once, they make two runtimes, and
// one of them is dropped.
static FIRST: OnceBox<Runtime> = OnceBox::new();

impl Runtime {
    /// Returns this process's runtime. Makes it if there is none.
    ///
    /// # Errors
    /// None: [`handle`](Self::handle) fails if the threads can't be started.
    pub fn current() -> Result<&'static Self> {
        Ok(Self::of(std::process::id()))
    }

    /// As [`current`](Self::current), for a caller that knows the id of this process.
    pub(crate) fn of(process: u32) -> &'static Self {
        Self::current_of(&FIRST, process)
    }

    /// Returns the handle that spawns tasks on this runtime. The first call starts its threads. They
    /// take turns, so that concurrent tasks need separate handles.
    ///
    /// # Errors
    /// `Forked` in any process but the one that made the runtime, and `Internal` if the system allows
    /// no more threads.
    pub fn handle(&self) -> Result<&Handle> {
        check_process(self.process)?;
        let threads = self.threads.get_or_try_init(|| DrivingThreads::start().map(Box::new))?;
        Ok(threads.next())
    }

    /// Spawns a task on this runtime, in which blocking calls fail.
    pub(crate) fn spawn<F>(&self, future: F) -> Result<Task<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Ok(Task::spawn(self.handle()?, future))
    }

    /// Runs a future on this runtime's threads, and awaits it on the caller's executor. Dropping the
    /// returned future ends it.
    ///
    /// For futures that write to sockets: on a thread of the program, a write could raise SIGPIPE.
    pub(crate) async fn run<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let task = self.spawn(future)?;
        let _stop = StopOnDrop(task.abort_handle());
        task.result().await.map_err(|error| no_result("a call").with_source(error))
    }

    /// Awaits a future on the caller's executor, with this runtime's timers and tasks available.
    /// So waiting needs no separate task, whatever executor the caller uses.
    pub(crate) async fn within<F: Future>(&self, future: F) -> Result<F::Output> {
        let handle = self.handle()?;
        let mut future = pin!(future);
        let polled = poll_fn(|context| {
            let _within = handle.enter();
            future.as_mut().poll(context)
        });
        Ok(polled.await)
    }

    /// Runs a future on this runtime, and blocks the calling thread until it completes.
    ///
    /// It works inside another async runtime too, where it blocks that runtime's thread. Prefer the
    /// async methods there.
    ///
    /// # Errors
    /// `Forked` in any process but the one that made the runtime, `Config` on a thread of this
    /// runtime, which would wait for itself, and `Internal` if the future panicked.
    pub fn block_on<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.block_on_watched(future, Duration::MAX, || Ok(()))
    }

    /// As [`block_on`](Self::block_on), but calls `check` at the interval `every`. If `check` fails,
    /// the future is dropped and the failure is returned. So a host language can handle signals.
    ///
    /// # Errors
    /// The errors of `check`, and those of [`block_on`](Self::block_on).
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
        let (sender, ended) = mpsc::sync_channel::<()>(1);
        check_may_block()?;
        let output = Place::default();
        let task = spawn_on(self.handle()?, output.take_result_of(future, || drop(sender)));
        let stop = StopOnDrop(task.abort_handle());
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(every) {
            check()?;
        }
        drop(stop);
        // There is none if the future panicked.
        output.take().ok_or_else(|| no_result("a blocking call").into())
    }

    fn new(process: u32) -> Self {
        Self {
            process,
            threads: OnceBox::new(),
            login_turns: LoginTurns::default(),
            hook_threads: Arc::default(),
            fetches: Arc::new(Semaphore::new(MAX_FETCHES)),
            lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)),
            child: OnceBox::new(),
        }
    }

    /// Returns the last runtime of the chain that begins at `first`, or appends one. Each forked
    /// process that made a runtime is one link. An older link with this process id is never used: it
    /// belongs to an ancestor whose id the system assigned again.
    fn current_of(first: &OnceBox<Self>, process: u32) -> &Self {
        let mut place = first;
        loop {
            let runtime = place.get_or_init(|| Box::new(Self::new(process)));
            if runtime.child.get().is_none() && runtime.process == process {
                return runtime;
            }
            place = &runtime.child;
        }
    }
}

/// Returns the error of a task that panicked.
fn no_result(call: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("the task of {call} ended without a result"))
        .advice("look for a panic in the program's log, and report it")
}

/// Fails with kind `Forked` unless this is the process with that id.
pub(crate) fn check_process(made_in: u32) -> Result<()> {
    if made_in == std::process::id() {
        return Ok(());
    }
    Err(forked(made_in).advice("make a new client after the fork"))
}

/// The error of a client of another process.
pub(crate) fn forked(made_in: u32) -> Error {
    Error::new(
        ErrorKind::Forked,
        format!("this client was made in process {made_in}, and this process is a fork of it"),
    )
    .expected("a client and a registry made in this process")
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("process", &self.process).finish_non_exhaustive()
    }
}

/// Cancels a task for which no thread waits any more, also if the waiting thread panics.
struct StopOnDrop(tokio::task::AbortHandle);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn a_process_has_one_runtime() {
        let (one, other) = (Runtime::current().unwrap(), Runtime::current().unwrap());
        assert!(std::ptr::eq(one, other));
        assert_eq!(one.block_on(async { 7 }).unwrap(), 7);
    }

    /// Rule: Fork: a parent's runtime is an error in a forked child, and not a hang.
    /// Reported as langfuse/langfuse-python#1654 and obstore#441.
    #[test]
    fn a_parents_runtime_in_a_forked_child_is_an_error_and_not_a_hang() {
        let parents = Runtime::new(std::process::id().wrapping_add(1));
        let error = parents.block_on(async { 7 }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forked);
        assert!(error.to_string().contains("make a new client"), "{error}");
    }

    /// Rule: Fork: a forked child gets a new runtime, even if it has the process id of an ancestor.
    #[test]
    fn a_forked_child_gets_a_new_runtime_even_with_the_id_of_an_ancestor() {
        let first = OnceBox::new();
        let mut chain: Vec<*const Runtime> = Vec::new();
        for process in [1, 2, 1] {
            let runtime = Runtime::current_of(&first, process);
            assert!(std::ptr::eq(runtime, Runtime::current_of(&first, process)));
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
        let runtime = Runtime::new(std::process::id());
        runtime.handle().unwrap();
        outer.block_on(async { drop(runtime) });
    }

    /// Rule: Deadlines: a blocking call on a thread of the library is an error, and not a deadlock.
    #[test]
    fn a_blocking_call_on_a_thread_of_the_runtime_is_an_error() {
        let runtime = Runtime::current().unwrap();
        let inner = || async { Runtime::current().unwrap().block_on(async { 7 }) };
        let error = runtime.block_on(inner()).unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("on another thread"), "{error}");
        // A thread for blocking work may block.
        let blocking = async {
            run_blocking(None, || Runtime::current().unwrap().block_on(async { 7 })).await
        };
        assert_eq!(runtime.block_on(blocking).unwrap().unwrap().unwrap(), 7);
        assert_eq!(runtime.block_on(async { 7 }).unwrap(), 7);
    }

    #[test]
    fn a_panic_in_the_future_is_an_error_for_the_caller() {
        let runtime = Runtime::current().unwrap();
        let error = runtime.block_on(async { panic!("on purpose") }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
    }

    /// Rule: Languages: a blocking wait can be interrupted by a check, such as one for signals.
    /// Reported as PyO3/pyo3#1305.
    #[test]
    fn a_check_that_fails_ends_the_wait_and_drops_the_future() {
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
        let mut checks = 0;
        let check = || {
            checks += 1;
            if checks < 3 { Ok(()) } else { Err(Error::new(ErrorKind::Internal, "interrupted")) }
        };
        let runtime = Runtime::current().unwrap();
        let error = runtime.block_on_watched(future, Duration::from_millis(1), check).unwrap_err();
        assert_eq!((error.detail(), checks), ("interrupted", 3));
        while drops.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
    }
}
