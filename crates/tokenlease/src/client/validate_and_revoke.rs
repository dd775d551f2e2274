//! Calls of the provider that a caller names: validate, refetch, revoke.

use std::sync::Arc;

use tokenlease_core::{
    Now, Result, Timestamp, Token,
    lifecycle::{Ask, JobId, Lifecycle, Report, Revocation, Served},
};

use super::{Client, impossible};
use crate::{entry::Entry, state::ClientState, wait_options::WaitOptions};

impl Client {
    /// Asks the provider whether a token, this client's or any other, is active.
    ///
    /// If it is inactive, every process that shares the token learns of it.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas().await;
    /// let token = client.token().await?;
    /// assert!(client.validate(&token).await?);
    /// # let _ = emulator;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The kinds [of every client](Self#errors), and `Unsupported` if the server has no call that
    /// validates tokens.
    pub async fn validate(&self, token: &Token) -> Result<bool> {
        self.validate_with(token, WaitOptions::default()).await
    }

    /// As [`validate`](Self::validate), with a deadline.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); `DeadlineExceeded` at the deadline in the options.
    pub async fn validate_with(&self, token: &Token, options: WaitOptions) -> Result<bool> {
        let deadline = self.0.deadline_of(options);
        let job = self.job(deadline, |machine, _| machine.validate(token));
        match self.0.call(job).await? {
            Report::Validation(active) => Ok(active),
            _ => Err(impossible()),
        }
    }

    /// Asks the provider for the running token (WinKAS), whatever is cached or stored.
    ///
    /// # Errors
    /// The kinds [of every client](Self#errors); `TokenRejected` if the provider has no running
    /// token, and `Unsupported` if it has no such call.
    pub async fn refetch(&self) -> Result<Served> {
        self.refetch_with(WaitOptions::default()).await
    }

    /// As [`refetch`](Self::refetch), with a deadline.
    ///
    /// # Errors
    /// As [`refetch`](Self::refetch); `DeadlineExceeded` at the deadline in the options.
    pub async fn refetch_with(&self, options: WaitOptions) -> Result<Served> {
        let state = &self.0;
        let ask = Ask::new(state.elapsed(), options.deadline.unwrap_or(state.wait));
        let refetch = async {
            self.job(ask.deadline, |machine, _| machine.refetch_running(&ask)).await?;
            state.get_by(ask).await
        };
        state.call(refetch).await
    }

    /// Revokes a token at the provider, and for every process that shares it.
    ///
    /// A user who is in a session with the token is sent to the login page.
    ///
    /// ```
    /// use tokenlease::core::lifecycle::Revocation;
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = wyn().await;
    /// let token = client.token().await?;
    /// match client.revoke(&token).await? {
    ///     Revocation::Proven => println!("the provider confirms that the token is inactive"),
    ///     _ => println!("the provider accepted the revocation"),
    /// }
    /// # assert!(!emulator.token_is_active(token.expose()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Unsupported` at WinKAS, which has no such call: see [`forget`](Self::forget). Otherwise the
    /// kinds [of every client](Self#errors). If the provider could not be reached, the token is no
    /// longer used, but it may still be active.
    pub async fn revoke(&self, token: &Token) -> Result<Revocation> {
        self.revoke_with(token, WaitOptions::default()).await
    }

    /// As [`revoke`](Self::revoke), with a deadline. A revocation that was sent goes on after it.
    ///
    /// # Errors
    /// As [`revoke`](Self::revoke); `DeadlineExceeded` at the deadline in the options.
    pub async fn revoke_with(&self, token: &Token, options: WaitOptions) -> Result<Revocation> {
        let deadline = self.0.deadline_of(options);
        let job = self.job(deadline, |machine, _| machine.revoke(token));
        match self.0.call(job).await? {
            Report::Revoked(revocation) => Ok(revocation),
            _ => Err(impossible()),
        }
    }

    /// Starts a job, one at a time for each entry, and waits for its report. If the caller is
    /// cancelled, or its deadline passes, the job ends without one.
    async fn job(
        &self,
        deadline: Timestamp,
        begin: impl FnOnce(&mut Lifecycle, Now) -> Result<JobId>,
    ) -> Result<Report> {
        let state = &self.0;
        let entry = state.entry_by(deadline).await?;
        let _one = state.in_time(deadline, entry.jobs.lock()).await?;
        // Which calls the server has may be written in its discovery document.
        let (reader, of) = (state.clone(), entry.clone());
        let discovered = async move { reader.discovered(&of, deadline).await };
        state.runtime()?.run(discovered).await??;
        // A job whose caller was cancelled may still run.
        let mut begin = Some(begin);
        let start = |machine: &mut Lifecycle| {
            if machine.has_job() {
                None
            } else {
                begin.take().map(|begin| begin(machine, state.now()))
            }
        };
        let id = state.until(&entry, deadline, start).await??;
        let claim = Claim { state, entry: &entry, id };
        let report = state.until(&entry, deadline, |machine| machine.take_report(id)).await?;
        drop(claim);
        // The result is saved before the caller gets it, if the store answers.
        let saved = |machine: &mut Lifecycle| {
            (!machine.is_unsaved() || machine.store_error().is_some()).then_some(())
        };
        let _ = state.until(&entry, deadline, saved).await;
        report
    }
}

/// A caller's claim to the report of a job. It ends with the caller.
struct Claim<'a> {
    state: &'a Arc<ClientState>,
    entry: &'a Arc<Entry>,
    id: JobId,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        // In a forked child, a thread that does not exist there may hold the machine's lock.
        if self.state.check_process().is_ok() {
            // Without a runtime no driver can start, but then nothing runs that could be withdrawn.
            let _ = self.state.with(self.entry, |machine| machine.abandon(self.id));
        }
    }
}
