//! Ends the waits of a client from another thread, and refuses waits that could never end.

use std::{
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
};

use tokenlease_core::{Error, ErrorKind, Result};
use tokio::sync::Notify;

use crate::{callbacks, state::ClientState};

/// The interrupts of one client.
#[derive(Debug, Default)]
pub(crate) struct Interrupts {
    count: AtomicU64,
    raised: Notify,
}

/// The moment at which a call began. Only later interrupts end it.
#[derive(Clone, Copy, Debug)]
pub struct Begun(u64);

impl Interrupts {
    pub(crate) fn begin(&self) -> Begun {
        Begun(self.count.load(Ordering::Acquire))
    }

    pub(crate) fn have_ended(&self, call: Begun) -> bool {
        self.begin().0 != call.0
    }

    fn raise(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
        self.raised.notify_waiters();
    }

    /// Waits for an interrupt of the call.
    async fn of(&self, call: Begun) {
        // It is notified from its creation on, so the count is read afterwards.
        let raised = self.raised.notified();
        if !self.have_ended(call) {
            raised.await;
        }
    }
}

impl ClientState {
    /// Begins a call that may wait.
    ///
    /// # Errors
    /// `Config` in the client's own credentials function, for which the call would wait.
    pub(crate) fn begin(&self) -> Result<Begun> {
        callbacks::check(self.id, "the function that fetches the credentials")?;
        Ok(self.interrupts.begin())
    }

    /// Awaits a call until an interrupt ends it. An interrupted call is dropped, as a cancelled one.
    pub(crate) async fn interruptible<R>(
        &self,
        begun: Begun,
        call: impl Future<Output = Result<R>>,
    ) -> Result<R> {
        let call = pin!(call);
        tokio::select! {
            biased;
            result = call => result,
            () = self.interrupts.of(begun) => Err(interrupted()),
        }
    }

    /// Begins a call that may wait, and awaits it until an interrupt ends it.
    pub(crate) async fn call<R>(&self, call: impl Future<Output = Result<R>>) -> Result<R> {
        let begun = self.begin()?;
        self.interruptible(begun, call).await
    }

    /// Ends all waits that have begun.
    pub(crate) fn interrupt(&self) {
        self.interrupts.raise();
        // In a forked child, a thread that does not exist there may hold the queue's lock.
        if self.check_process().is_ok() {
            self.wake_interrupted();
        }
    }
}

fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "the program interrupted the wait")
        .advice("call again to wait again; the work goes on for other callers")
}
