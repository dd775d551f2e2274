//! Drives the state machine of an entry: steps it, starts the task that performs its effects, and
//! publishes the result of each step.

mod effects;
mod task;

use std::sync::Arc;

use self::task::Task;
use crate::{
    entry::{Entry, Machine},
    log::Logged,
    runtime::{Runtime, spawn_on},
    state::ClientState,
};
pub(crate) use tokenlease_core::machine::lasting;
use tokenlease_core::{
    Error, ErrorKind, Now, Result, Timestamp,
    lifecycle::{Ask, Lifecycle, Outcome, Receipt, Reply},
    provider::Answer,
    time::Moment as _,
};

/// The rest of a step, to be done after the machine is unlocked.
#[must_use]
struct Progress {
    /// Entries for the log and the observer.
    logged: Vec<Logged>,
    /// Whether the waiting callers should ask again.
    completed: bool,
}

/// Returns the error of an outcome of a request, if it is one.
fn error_of(outcome: &Outcome) -> Option<Error> {
    match outcome {
        Outcome::NotSent(error)
        | Outcome::Lost(error)
        | Outcome::Answered(Answer::Failed(error)) => Some(error.clone()),
        _ => None,
    }
}

impl ClientState {
    /// Asks the machine once for a lease, and makes sure that it is driven.
    pub(crate) fn ask(self: &Arc<Self>, entry: &Arc<Entry>, ask: &Ask) -> Result<Reply> {
        let mut machine = entry.lock();
        let now = self.now();
        let reply = machine.lifecycle.ask(ask, now);
        let start = self.wake_driver(entry, &mut machine)?;
        drop(machine);
        self.start(entry, start)?;
        Ok(reply)
    }

    /// Whether a task drives the machine.
    pub(crate) fn is_driven(entry: &Entry) -> bool {
        entry.lock().driven
    }

    /// Changes the machine, and makes sure that it is driven.
    pub(crate) fn with<R>(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        change: impl FnOnce(&mut Lifecycle) -> R,
    ) -> Result<R> {
        let mut machine = entry.lock();
        let now = self.now();
        let result = change(&mut machine.lifecycle);
        let progress = self.publish_step(entry, &mut machine, None, now);
        let start = self.wake_driver(entry, &mut machine);
        drop(machine);
        entry.called.notify_waiters();
        // First, so that the entry is driven even if the program's log panics.
        let started = start.and_then(|start| self.start(entry, start));
        self.report(entry, progress);
        started.map(|()| result)
    }

    /// Waits until `done` returns a value. It is called now and after each flight or job.
    pub(crate) async fn until<R>(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        deadline: Timestamp,
        mut done: impl FnMut(&mut Lifecycle) -> Option<R>,
    ) -> Result<R> {
        // Without a wait no runtime is needed.
        if let Some(result) = self.with(entry, &mut done)? {
            return Ok(result);
        }
        let result = async {
            loop {
                let completed = entry.completion();
                tokio::pin!(completed);
                completed.as_mut().enable();
                if let Some(result) = self.with(entry, &mut done)? {
                    return Ok(result);
                }
                let left = deadline.since(self.elapsed());
                if left.is_zero() {
                    return Err(too_late());
                }
                tokio::select! {
                    () = &mut completed => {}
                    () = self.registry.clock().sleep(left) => {}
                }
            }
        };
        self.runtime()?.within(result).await?
    }

    /// Awaits a future up to a deadline.
    pub(crate) async fn in_time<R>(
        &self,
        deadline: Timestamp,
        future: impl Future<Output = R>,
    ) -> Result<R> {
        let left = deadline.since(self.elapsed());
        let within = async {
            tokio::select! {
                biased;
                result = future => Ok(result),
                () = self.registry.clock().sleep(left) => Err(too_late()),
            }
        };
        self.runtime()?.within(within).await?
    }

    /// Hands the outcome of an effect to the machine.
    fn handle(self: &Arc<Self>, entry: &Arc<Entry>, receipt: Receipt, outcome: Outcome) {
        let mut machine = entry.lock();
        let now = self.now();
        let error = error_of(&outcome);
        machine.lifecycle.handle(receipt, outcome, now);
        let progress = self.publish_step(entry, &mut machine, error.as_ref(), now);
        // A late outcome may leave something to save after the driver ended. Without a runtime no
        // driver can start, but then this task would not run either.
        let start = self.wake_driver(entry, &mut machine).unwrap_or(false);
        drop(machine);
        let _ = self.start(entry, start);
        self.report(entry, progress);
    }

    /// Wakes the driver. Returns whether there is work and no driver: then the caller must
    /// [`start`](Self::start) one after it unlocks the machine.
    fn wake_driver(&self, entry: &Entry, machine: &mut Machine) -> Result<bool> {
        if machine.driven {
            entry.woken.notify_one();
        } else if machine.lifecycle.has_work() {
            self.check_process()?;
            machine.driven = true;
            return Ok(true);
        }
        Ok(false)
    }

    /// Takes the steps that need no waiting, on the caller's thread, and starts a task for the others.
    fn start(self: &Arc<Self>, entry: &Arc<Entry>, start: bool) -> Result<()> {
        if !start {
            return Ok(());
        }
        let mut task = Task::new(self.clone(), entry.clone());
        let Some(first) = task.advance_now() else { return Ok(()) };
        match self.runtime().and_then(Runtime::handle) {
            Ok(handle) => {
                spawn_on(handle, Box::pin(task.run(first)));
                Ok(())
            }
            Err(error) => {
                task.give_up(first, &error);
                Err(error)
            }
        }
    }

    /// Publishes the cached token and the events after a step, in which a request may have failed. The
    /// returned rest must wait until the machine is unlocked: a woken caller asks at once.
    fn publish_step(
        &self,
        entry: &Arc<Entry>,
        machine: &mut Machine,
        failed: Option<&Error>,
        now: Now,
    ) -> Progress {
        self.publish(entry, machine.lifecycle.ready(now), now);
        let completions = machine.lifecycle.completions();
        let completed = std::mem::replace(&mut machine.completions, completions) != completions;
        let logged = machine.troubles.describe(&mut machine.lifecycle, failed, now);
        logged.iter().filter_map(|logged| logged.event.as_ref()).for_each(|event| {
            self.cache.counters.happened(event);
        });
        // Under the lock: so the hooks get the entries in their order, and `close` waits for all.
        self.queue_for_hooks(&logged);
        Progress { logged, completed }
    }

    fn report(&self, entry: &Entry, progress: Progress) {
        // Also if the program's log panics.
        let _notify = progress.completed.then(|| NotifyOnDrop(entry));
        for logged in progress.logged {
            self.happened(&logged);
        }
    }
}

/// Wakes the waiting callers of an entry.
struct NotifyOnDrop<'a>(&'a Entry);

impl Drop for NotifyOnDrop<'_> {
    fn drop(&mut self) {
        self.0.notify_callers();
    }
}

fn too_late() -> Error {
    Error::new(ErrorKind::DeadlineExceeded, "the call did not complete before its deadline")
        .advice("check the provider and the store, or set a longer deadline")
}
