//! The task that performs the effects of an entry's state machine until it has no work.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use tokenlease_core::{
    Error, ErrorKind, Timestamp,
    lifecycle::{Effect, Outcome, Step},
    time::Moment as _,
};

use crate::{entry::Entry, state::ClientState};

/// How long the client still waits for an answer after the machine gave it up. A late login may
/// still bring a token.
const LATE: Duration = Duration::from_secs(20);

/// Drives one entry. It is a separate task, so a caller that is cancelled does not cancel it.
pub(super) struct Task {
    state: Arc<ClientState>,
    entry: Arc<Entry>,
}

impl Task {
    pub(super) fn new(state: Arc<ClientState>, entry: Arc<Entry>) -> Self {
        Self { state, entry }
    }

    pub(super) async fn run(self) {
        loop {
            let (state, entry) = (&self.state, &self.entry);
            let woken = entry.woken.notified();
            let (step, now) = {
                let mut machine = entry.lock();
                let now = state.now();
                let step = machine.lifecycle.poll(now);
                let mut progress = state.publish_step(entry, &mut machine, now);
                if matches!(step, Step::Done) {
                    machine.driven = false;
                    progress.completed = true;
                }
                drop(machine);
                state.report(entry, progress);
                (step, now.elapsed)
            };
            match step {
                Step::Done => return,
                Step::Wait(until) => {
                    tokio::select! {
                        () = woken => {}
                        () = state.registry.clock().sleep(until.since(now)) => {}
                    }
                }
                Step::Do(Effect::Send(call), receipt) => {
                    let until = receipt.deadline();
                    let sending = {
                        let (state, entry) = (state.clone(), entry.clone());
                        Box::pin(async move {
                            let outcome = state.send(&entry, call, until, LATE).await;
                            state.handle(&entry, receipt, outcome);
                        })
                    };
                    self.until(until, sending).await;
                }
                Step::Do(effect, receipt) => {
                    let limit = receipt.deadline().since(now);
                    let performed = state.perform(entry, receipt.lock_epoch(), effect);
                    let outcome = tokio::time::timeout(limit, performed).await;
                    let outcome = outcome.unwrap_or_else(|_| {
                        Outcome::Failed(
                            Error::new(ErrorKind::Store, "the store did not answer in time")
                                .advice("check the store and the network to it"),
                        )
                    });
                    state.handle(entry, receipt, outcome);
                }
            }
        }
    }

    /// Awaits an exchange until the machine gives it up. After that it runs as a separate task, so
    /// that a late answer still reaches the machine.
    async fn until(&self, until: Timestamp, mut sending: Pin<Box<dyn Future<Output = ()> + Send>>) {
        loop {
            let left = until.since(self.state.elapsed());
            if left.is_zero() {
                tokio::spawn(sending);
                return;
            }
            tokio::select! {
                () = &mut sending => return,
                () = self.state.registry.clock().sleep(left) => {}
            }
        }
    }
}

impl Drop for Task {
    /// After a panic in the middle of a flight, the next caller starts another driver.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.entry.lock().driven = false;
            self.entry.notify_callers();
        }
    }
}
