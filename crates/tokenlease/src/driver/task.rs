//! The task that performs the effects of an entry's state machine until it has no work.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use tokenlease_core::{
    Error, ErrorKind, Timestamp,
    lifecycle::{Effect, Outcome, Step},
    provider::Call,
    time::Moment as _,
};

use tokio::{runtime::Handle, sync::futures::OwnedNotified};

use crate::{
    entry::Entry, login_turns::Turn, runtime::spawn_on, spans::FlightSpan, state::ClientState,
};

/// How long the client still waits for an answer after the machine gave it up. A late login may
/// still bring a token.
const LATE: Duration = Duration::from_secs(20);

/// How long a flight waits for its turn before it reads the record again, in which another process may
/// have saved a token, and before it sees that its callers' deadlines have passed.
const RECHECK: Duration = Duration::from_secs(5);

/// The longest pause of a flight in which it keeps its turn.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Drives one entry. It is a separate task, so a caller that is cancelled does not cancel it.
pub(super) struct Task {
    state: Arc<ClientState>,
    entry: Arc<Entry>,
    /// This task is the one that drives the entry.
    is_driving: bool,
    span: FlightSpan,
}

/// A step of the machine.
pub(super) struct Next {
    step: Step,
    /// When the machine named the step.
    at: Timestamp,
    /// Ready after a call since then.
    called: OwnedNotified,
}

impl Task {
    pub(super) fn new(state: Arc<ClientState>, entry: Arc<Entry>) -> Self {
        let span = FlightSpan::of(&state.server);
        Self { state, entry, is_driving: true, span }
    }

    /// Takes the steps that need no waiting. Returns the next one, if the work is not done.
    pub(super) fn advance_now(&mut self) -> Option<Next> {
        loop {
            let next = self.next();
            let (state, entry) = (&self.state, &self.entry);
            match next.step {
                Step::Done => return None,
                Step::Do(Effect::Load, receipt) => match state.load_now(entry) {
                    Some(outcome) => state.handle(entry, receipt, outcome),
                    None => return Some(Next { step: Step::Do(Effect::Load, receipt), ..next }),
                },
                _ => return Some(next),
            }
        }
    }

    /// Leaves the step to a later driver, because this one has no runtime.
    pub(super) fn give_up(mut self, next: Next, error: &Error) {
        if let Step::Do(effect, receipt) = next.step {
            let outcome = match effect {
                Effect::Send(_) => Outcome::NotSent(error.clone()),
                _ => Outcome::Failed(error.clone()),
            };
            self.state.handle(&self.entry, receipt, outcome);
        }
        self.stop_driving();
    }

    /// Takes all steps, from the first one that needs waiting.
    pub(super) fn run(self, first: Next) -> impl Future<Output = ()> + Send {
        let span = self.span.clone();
        span.around(self.drive(first))
    }

    async fn drive(mut self, first: Next) {
        let mut turn = Turn::None;
        let mut first = Some(first);
        loop {
            let Next { step, at: now, called } = first.take().unwrap_or_else(|| self.next());
            let (state, entry) = (&self.state, &self.entry);
            let woken = entry.woken.notified();
            match step {
                Step::Done => return,
                Step::Wait(until) => {
                    if until.since(now) > LONGEST_PAUSE {
                        turn = Turn::None;
                        entry.set_waiting_for_turn(false);
                    }
                    tokio::select! {
                        () = woken => {}
                        () = state.registry.clock().sleep(until.since(now)) => {}
                    }
                }
                Step::Do(Effect::Send(call), mut receipt) => {
                    let until = receipt.deadline();
                    let turn = match call {
                        Call::Login => Some(std::mem::take(&mut turn)),
                        // A place must not come to its turn during another request.
                        _ if !turn.is_granted() => {
                            turn = Turn::None;
                            None
                        }
                        _ => None,
                    };
                    let span = entry.peek(|machine| self.span.request(&call, machine));
                    let sending = {
                        let (state, entry) = (state.clone(), entry.clone());
                        Box::pin(async move {
                            let sent = state.send(&entry, call, &mut receipt, turn, LATE);
                            let outcome = span.around(sent).await;
                            state.handle(&entry, receipt, outcome);
                        })
                    };
                    self.until(until, sending).await;
                }
                Step::Do(effect, receipt) => {
                    let limit = receipt.deadline().since(now);
                    let is_lock = matches!(effect, Effect::Lock { .. });
                    // The machine is not polled during this wait, so the lock does not time out. It
                    // counts from before the wait, and is renewed if too little of it is left.
                    if is_lock && !self.wait_for_turn(&mut turn, called).await {
                        state.handle(entry, receipt, Outcome::Busy);
                        continue;
                    }
                    let ends_turn = matches!(effect, Effect::Unlock);
                    let span = self.span.store_call(&effect);
                    let performed = state.perform(entry, receipt.lock_epoch(), effect);
                    let performed = tokio::time::timeout(limit, performed);
                    let outcome = span.around(async { performed.await.unwrap_or_else(|_| late()) });
                    let outcome = outcome.await;
                    if ends_turn || (is_lock && !matches!(outcome, Outcome::Locked)) {
                        turn.end();
                    }
                    state.handle(entry, receipt, outcome);
                }
            }
        }
    }

    /// Asks the machine for the next step. After the last one this task does not drive it any more.
    fn next(&mut self) -> Next {
        let (state, entry) = (&self.state, &self.entry);
        let called = entry.called.clone().notified_owned();
        let mut machine = entry.lock();
        let now = state.now();
        let step = machine.lifecycle.poll(now);
        let mut progress = state.publish_step(entry, &mut machine, None, now);
        if matches!(step, Step::Done) {
            self.span.end(&machine.lifecycle);
            entry.set_waiting_for_turn(false);
            machine.driven = false;
            self.is_driving = false;
            progress.completed = true;
        }
        drop(machine);
        state.report(entry, progress);
        Next { step, at: now.elapsed, called }
    }

    fn stop_driving(&mut self) {
        if std::mem::take(&mut self.is_driving) {
            self.entry.lock().driven = false;
            self.entry.notify_callers();
        }
    }

    /// Waits for the turn to log in, as long as there is nothing else to do.
    async fn wait_for_turn(&self, turn: &mut Turn, called: impl Future<Output = ()>) -> bool {
        let (state, entry) = (&self.state, &self.entry);
        let enough = async {
            tokio::select! {
                () = called => {}
                () = state.registry.clock().sleep(RECHECK) => {}
            }
        };
        entry.set_waiting_for_turn(true);
        let granted = turn.wait(|| state.login_queue(), enough).await;
        entry.set_waiting_for_turn(!granted);
        granted
    }

    /// Awaits an exchange until the machine gives it up. After that it runs as a separate task, so
    /// that a late answer still reaches the machine.
    async fn until(&self, until: Timestamp, mut sending: Pin<Box<dyn Future<Output = ()> + Send>>) {
        loop {
            let left = until.since(self.state.elapsed());
            if left.is_zero() {
                spawn_on(&Handle::current(), sending);
                return;
            }
            tokio::select! {
                () = &mut sending => return,
                () = self.state.registry.clock().sleep(left) => {}
            }
        }
    }
}

/// Returns the outcome of a store call that took too long.
fn late() -> Outcome {
    Outcome::Failed(
        Error::new(ErrorKind::Store, "the store did not answer in time")
            .advice("check the store and the network to it"),
    )
}

impl Drop for Task {
    /// After a panic in the middle of a flight, the next caller starts another driver.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.stop_driving();
        }
    }
}
