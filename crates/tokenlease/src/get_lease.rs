//! Answers one caller: from the state machine at once, or after a flight.

use std::sync::Arc;

use tokenlease_core::{
    ErrorKind, Result, Timestamp,
    lifecycle::{Ask, Reply, Served},
    time::Moment as _,
};

use crate::{entry::Entry, state::ClientState, token_options::TokenOptions};

impl ClientState {
    pub(crate) async fn get(self: &Arc<Self>, options: TokenOptions) -> Result<Served> {
        self.get_by(self.ask_of(options)).await
    }

    /// As [`get`](Self::get), for callers that block. `None`: the caller has to wait.
    pub(crate) fn get_now(self: &Arc<Self>, ask: &Ask) -> Option<Result<Served>> {
        let result = self.answer_now(ask).transpose()?;
        self.cache.counters.asked();
        if result.is_err() {
            self.cache.counters.failed();
        }
        Some(result)
    }

    /// As [`get`](Self::get), up to a deadline.
    pub(crate) async fn lease_by(self: &Arc<Self>, deadline: Timestamp) -> Result<Served> {
        let left = deadline.since(self.elapsed());
        // Boxed, as in `Client::lease_with`.
        Box::pin(self.get(TokenOptions::default().with_deadline(left))).await
    }

    /// Returns the request of a caller that asks now.
    pub(crate) fn ask_of(&self, options: TokenOptions) -> Ask {
        let wait = options.deadline.unwrap_or(self.wait);
        Ask { min_remaining: options.min_remaining, ..Ask::new(self.elapsed(), wait) }
    }

    pub(crate) async fn get_by(self: &Arc<Self>, ask: Ask) -> Result<Served> {
        self.cache.counters.asked();
        let result = self.answer(ask).await;
        if result.is_err() {
            self.cache.counters.failed();
        }
        result
    }

    /// Answers a caller that need not wait for anything: from memory, or from a store that can be read
    /// at once. This starts no thread.
    fn answer_now(self: &Arc<Self>, ask: &Ask) -> Result<Option<Served>> {
        self.check_process()?;
        let Some(entry) = self.current() else { return Ok(None) };
        // The second question is after the steps that the first one caused.
        for _ in 0..2 {
            match self.ask(&entry, ask)? {
                Reply::Lease(served) => return Ok(Some(served)),
                Reply::Error(_) if self.needs_other_credentials(&entry) => break,
                Reply::Error(error) => return Err(error),
                Reply::Later if Self::is_driven(&entry) => break,
                Reply::Later => {}
            }
        }
        Ok(None)
    }

    async fn answer(self: &Arc<Self>, ask: Ask) -> Result<Served> {
        if let Some(served) = self.answer_now(&ask)? {
            return Ok(served);
        }
        let begun = self.begin()?;
        let runtime = self.runtime()?;
        let served = self.interruptible(begun, async {
            loop {
                let entry = self.entry_to_log_in_by(ask.deadline).await?;
                if let Some(result) = self.wait_for(&entry, &ask).await {
                    return result;
                }
            }
        });
        runtime.within(served).await?
    }

    /// Waits until the machine answers the caller, which it does at the caller's deadline at the
    /// latest. Returns `None` if the caller must ask the client's new entry instead.
    async fn wait_for(self: &Arc<Self>, entry: &Arc<Entry>, ask: &Ask) -> Option<Result<Served>> {
        loop {
            let completed = entry.completion();
            tokio::pin!(completed);
            completed.as_mut().enable();
            match self.ask(entry, ask) {
                Ok(Reply::Lease(served)) => return Some(Ok(served)),
                // The machine does not know of the turn that its flight waits for.
                Ok(Reply::Error(error))
                    if error.kind() == ErrorKind::DeadlineExceeded
                        && entry.is_waiting_for_turn() =>
                {
                    return Some(Err(self.no_turn().with_source(error)));
                }
                Ok(Reply::Error(error)) | Err(error) => return Some(Err(error)),
                Ok(Reply::Later) => {}
            }
            if entry.is_superseded() {
                return None;
            }
            let left = ask.deadline.since(self.elapsed());
            tokio::select! {
                () = &mut completed => {}
                () = self.registry.clock().sleep(left) => {}
            }
        }
    }
}
