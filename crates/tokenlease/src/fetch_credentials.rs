//! Fetches the credentials of a client whose source is a function.

use std::sync::Arc;

use tokenlease_core::{
    Credentials, CredentialsFingerprint, Error, ErrorKind, Result, Timestamp, provider::Call,
    time::Moment as _,
};

use crate::{driver::lasting, entry::Entry, state::ClientState};

impl ClientState {
    /// Returns the entry of the current credentials. Calls the function if it was never called.
    pub(crate) async fn entry(self: &Arc<Self>) -> Result<Arc<Entry>> {
        self.check_process()?;
        self.entry_by(self.elapsed().plus(self.wait)).await
    }

    /// As [`entry`](Self::entry), with a deadline: a function that does not return blocks no caller
    /// for longer.
    pub(crate) async fn entry_by(self: &Arc<Self>, deadline: Timestamp) -> Result<Arc<Entry>> {
        match self.current() {
            Some(entry) => Ok(entry),
            None => self.fetched_entry_by(deadline).await,
        }
    }

    /// As [`entry_by`](Self::entry_by), for a caller that needs a token. Calls the function also if the
    /// server rejected the credentials of the subject, which may have new ones.
    pub(crate) async fn entry_to_log_in_by(
        self: &Arc<Self>,
        deadline: Timestamp,
    ) -> Result<Arc<Entry>> {
        match self.current().filter(|entry| !self.needs_other_credentials(entry)) {
            Some(entry) => Ok(entry),
            None => self.fetched_entry_by(deadline).await,
        }
    }

    /// Returns whether a function fetches the credentials of the subject, and the server rejected the last
    /// ones.
    pub(crate) fn needs_other_credentials(&self, entry: &Entry) -> bool {
        entry.has_subject()
            && entry.credentials().is_none()
            && entry.peek(|machine| machine.rejection_of_subject(self.now()).is_some())
    }

    async fn fetched_entry_by(self: &Arc<Self>, deadline: Timestamp) -> Result<Arc<Entry>> {
        let runtime = self.runtime()?;
        // A separate task: after a caller gives up, the next one waits for the running call instead
        // of starting another.
        let resolving = runtime.spawn(self.clone().resolve())?.result();
        let resolved = async {
            tokio::pin!(resolving);
            loop {
                let left = deadline.since(self.elapsed());
                if left.is_zero() {
                    return Err(Error::new(
                        ErrorKind::DeadlineExceeded,
                        "the function that fetches the credentials did not return in time",
                    )
                    .advice("check what the function waits for, or set a longer deadline"));
                }
                tokio::select! {
                    resolved = &mut resolving => return resolved.unwrap_or_else(|error| {
                        Err(Error::new(ErrorKind::Internal, "a task of the client was cancelled")
                            .with_source(error))
                    }),
                    () = self.registry.clock().sleep(left) => {}
                }
            }
        };
        runtime.within(resolved).await?
    }

    async fn resolve(self: Arc<Self>) -> Result<Arc<Entry>> {
        let _one = self.resolving().lock().await;
        if let Some(entry) = self.current().filter(|entry| !self.needs_other_credentials(entry)) {
            return Ok(entry);
        }
        let credentials = self.source().fetch(self.id, &self.runtime()?.fetches).await?;
        self.enter(&credentials)
    }

    /// Returns the credentials for a call. If the function returns other ones than those of the
    /// entry, the client and its waiting callers move to the entry of the new ones.
    pub(crate) async fn credentials_for(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        call: &Call,
    ) -> Result<Credentials> {
        let credentials = match entry.credentials() {
            Some(credentials) => return Ok(credentials),
            None => match entry.returned(call, self.elapsed()) {
                Some(credentials) => return Ok(credentials),
                None => {
                    self.source().fetch(self.id, &self.runtime()?.fetches).await.map_err(lasting)?
                }
            },
        };
        // A subject's next login sends other credentials, and its entry stays.
        if entry.has_subject() {
            return Ok(credentials);
        }
        let same = CredentialsFingerprint::of(self.registry.key(), &credentials)
            == entry.credentials_fingerprint();
        if !same && call.takes_credentials() {
            // A secret that is valid once must not be fetched again for the same login.
            let until = self.elapsed().plus(self.wait);
            self.enter(&credentials)?.keep_returned(until, credentials);
            entry.supersede();
            // Not lasting: the waiting callers go on with the new entry.
            return Err(Error::new(
                ErrorKind::Config,
                "the function that fetches the credentials returned different ones meanwhile",
            )
            .advice("call again: the client now uses the new ones"));
        }
        Ok(credentials)
    }
}
