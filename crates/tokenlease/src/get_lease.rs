//! Answers one caller: from the state machine at once, or after a flight.

use std::sync::Arc;

use tokenlease_core::{
    ErrorKind, Result,
    lifecycle::{Ask, Reply, Served},
    time::Moment as _,
};

use crate::{entry::Entry, state::ClientState, token_options::TokenOptions};

impl ClientState {
    pub(crate) async fn get(self: &Arc<Self>, options: TokenOptions) -> Result<Served> {
        let wait = options.deadline.unwrap_or(self.wait);
        let ask = Ask { min_remaining: options.min_remaining, ..Ask::new(self.elapsed(), wait) };
        self.get_by(ask).await
    }

    pub(crate) async fn get_by(self: &Arc<Self>, ask: Ask) -> Result<Served> {
        self.counters.asked();
        let result = self.answer(ask).await;
        if result.is_err() {
            self.counters.failed();
        }
        result
    }

    async fn answer(self: &Arc<Self>, ask: Ask) -> Result<Served> {
        let runtime = self.runtime()?;
        if let Some(entry) = self.current() {
            match self.ask(&entry, &ask)? {
                Reply::Lease(served) => return Ok(served),
                Reply::Error(error) => return Err(error),
                Reply::Later => {}
            }
        }
        let served = async {
            loop {
                let entry = self.entry_by(ask.deadline).await?;
                if let Some(result) = self.wait_for(&entry, &ask).await {
                    return result;
                }
            }
        };
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
