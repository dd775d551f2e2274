//! The client for programs without an async runtime: each call blocks its thread.

use std::time::{Duration, Instant};

use tokenlease_core::{
    Error, Result, Secret, Token,
    lifecycle::{Revocation, Served},
    provider::ApiAnswer,
};

use crate::{
    client::Rejection,
    credentials_source::CredentialsSource,
    facts::TokenFacts,
    history::History,
    runtime::check_may_block,
    stats::Stats,
    status::Status,
    token_options::TokenOptions,
    wait_options::WaitOptions,
    wait_queue::{MAX_SLOT_WAIT, Slot},
};

/// How many threads the first one wakes: enough for the processors, too few to contend for a lock.
const WAKES: usize = 8;

/// A [`Client`](crate::Client) whose calls block the calling thread until they complete.
///
/// It works inside an async runtime too, where it blocks that runtime's thread. Each method does
/// and fails as the method of the same name of the async client. On a thread of this library, on which
/// a store or a log of the program is called, a call that would block fails with `Config`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
/// # fn main() -> tokenlease::Result<()> {
/// # let (emulator, client) = winkas_blocking();
/// let client = client.blocking();
/// let token = client.token()?;
/// std::thread::scope(|scope| {
///     for _ in 0..8 {
///         scope.spawn(|| assert_eq!(client.token().unwrap(), token));
///     }
/// });
/// assert_eq!(client.stats().logins, 1);
/// # let _ = emulator;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client(pub(crate) crate::Client);

impl crate::Client {
    /// Returns the same client for threads that block.
    pub fn blocking(&self) -> Client {
        Client(self.clone())
    }
}

macro_rules! blocking {
    ($self:ident, $client:ident => $call:expr) => {{
        let $client = $self.0.clone();
        let runtime = $self.0.0.runtime()?;
        // On this thread: an interrupt between here and the call's first step counts.
        let begun = $self.0.0.begin()?;
        runtime.block_on(async move {
            let state = $client.0.clone();
            // The call runs on this runtime: a box keeps it from the stack of the caller, which may be small.
            state.interruptible(begun, Box::pin($call)).await
        })?
    }};
}

impl Client {
    /// See [`Client::token`](crate::Client::token).
    ///
    /// # Errors
    /// As [`Client::token`](crate::Client::token).
    pub fn token(&self) -> Result<Token> {
        if let Some(token) = self.0.cached(Token::clone) {
            return Ok(token);
        }
        let state = &self.0.0;
        // In a forked child, a thread that does not exist there may hold the slot.
        state.runtime()?;
        check_may_block()?;
        let call = state.begin()?;
        let (began, deadline) = (Instant::now(), state.wait);
        let slot = state
            .wait_queue()
            .wait(deadline.min(MAX_SLOT_WAIT), WAKES, || state.interrupts.have_ended(call));
        if let Some(token) = state.cache.get_once() {
            return Ok(token);
        }
        let _slot = slot.and_then(Slot::lead);
        let left = deadline.saturating_sub(began.elapsed());
        let options = TokenOptions::default().with_deadline(left);
        let client = self.0.clone();
        let ask = state.ask_of(options);
        if let Some(result) = state.get_now(&ask) {
            return Ok(result?.lease.token().clone());
        }
        let served = state.runtime()?.block_on(async move {
            client.0.interruptible(call, Box::pin(client.0.get_by(ask))).await
        })?;
        Ok(served?.lease.token().clone())
    }

    /// See [`Client::with_token`](crate::Client::with_token).
    ///
    /// # Errors
    /// As [`Client::with_token`](crate::Client::with_token).
    pub fn with_token<R>(&self, use_it: impl FnOnce(&Token) -> R) -> Result<R> {
        let mut use_it = Some(use_it);
        let fast = self.0.cached(|token| use_it.take().map(|use_it| use_it(token))).flatten();
        match (fast, use_it) {
            (Some(result), _) => Ok(result),
            (None, Some(use_it)) => Ok(use_it(&self.token()?)),
            (None, None) => Err(crate::client::impossible()),
        }
    }

    /// See [`Client::token_with`](crate::Client::token_with).
    ///
    /// # Errors
    /// As [`Client::token_with`](crate::Client::token_with).
    pub fn token_with(&self, options: TokenOptions) -> Result<Token> {
        Ok(self.lease_with(options)?.lease.token().clone())
    }

    /// See [`Client::lease`](crate::Client::lease).
    ///
    /// # Errors
    /// As [`Client::lease`](crate::Client::lease).
    pub fn lease(&self) -> Result<Served> {
        self.lease_with(TokenOptions::default())
    }

    /// See [`Client::lease_with`](crate::Client::lease_with).
    ///
    /// # Errors
    /// As [`Client::lease_with`](crate::Client::lease_with).
    pub fn lease_with(&self, options: TokenOptions) -> Result<Served> {
        // A token that the store has needs no other thread.
        let ask = self.0.0.ask_of(options);
        if let Some(result) = self.0.0.get_now(&ask) {
            return result;
        }
        // The same caller: a flight that it began is its source.
        blocking!(self, client => Box::pin(client.0.get_by(ask)))
    }

    /// See [`Client::token_from_text`](crate::Client::token_from_text).
    ///
    /// # Errors
    /// As [`Client::token_from_text`](crate::Client::token_from_text).
    pub fn token_from_text(&self, text: impl Into<Secret>) -> Result<Token> {
        self.0.token_from_text(text)
    }

    /// See [`Client::report_rejected`](crate::Client::report_rejected).
    ///
    /// # Errors
    /// As [`Client::report_rejected`](crate::Client::report_rejected).
    pub fn report_rejected(&self, token: &Token) -> Result<Rejection> {
        self.report_rejected_with(token, WaitOptions::default())
    }

    /// See [`Client::report_rejected_with`](crate::Client::report_rejected_with).
    ///
    /// # Errors
    /// As [`Client::report_rejected_with`](crate::Client::report_rejected_with).
    pub fn report_rejected_with(&self, token: &Token, options: WaitOptions) -> Result<Rejection> {
        let token = token.clone();
        blocking!(self, client => client.report_rejected_with(&token, options))
    }

    /// See [`Client::read_answer`](crate::Client::read_answer).
    pub fn read_answer(&self, response: &http::Response<impl AsRef<[u8]>>) -> ApiAnswer {
        self.0.read_answer(response)
    }

    /// Calls an API with the token, and once more with another token if the API rejected the first one
    /// and the provider confirms that it is no longer active. See
    /// [`Client::call`](crate::Client::call).
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/doc.rs"));
    /// # fn call_api(_: &tokenlease::core::Token) -> tokenlease::Result<http::Response<String>> {
    /// #     Ok(http::Response::new("{}".to_owned()))
    /// # }
    /// # fn main() -> tokenlease::Result<()> {
    /// # let (emulator, client) = winkas_blocking();
    /// let client = client.blocking();
    /// let answer = client.call(|token| {
    ///     let response = call_api(token)?; // any HTTP stack
    ///     Ok::<_, tokenlease::Error>((client.read_answer(&response), response))
    /// })?;
    /// assert_eq!(answer.status(), 200);
    /// # let _ = emulator;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The errors of `call`, and the kinds [of every client](crate::Client#errors).
    pub fn call<R, E: From<Error>>(
        &self,
        call: impl FnMut(&Token) -> Result<(ApiAnswer, R), E>,
    ) -> Result<R, E> {
        self.call_from(&self.token()?, call)
    }

    /// As [`call`](Self::call), with a deadline or a minimum remaining lifetime of the token.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn call_with<R, E: From<Error>>(
        &self,
        options: TokenOptions,
        call: impl FnMut(&Token) -> Result<(ApiAnswer, R), E>,
    ) -> Result<R, E> {
        self.call_from(&self.token_with(options)?, call)
    }

    fn call_from<R, E: From<Error>>(
        &self,
        token: &Token,
        mut call: impl FnMut(&Token) -> Result<(ApiAnswer, R), E>,
    ) -> Result<R, E> {
        let (said, answer) = call(token)?;
        if said == ApiAnswer::NotRejected {
            return Ok(answer);
        }
        match self.report_rejected(token)? {
            Rejection::Replaced(token) => Ok(call(&token)?.1),
            // The caller gets the API's own answer.
            Rejection::StillActive => Ok(answer),
        }
    }

    /// See [`Client::validate`](crate::Client::validate).
    ///
    /// # Errors
    /// As [`Client::validate`](crate::Client::validate).
    pub fn validate(&self, token: &Token) -> Result<bool> {
        self.validate_with(token, WaitOptions::default())
    }

    /// See [`Client::validate_with`](crate::Client::validate_with).
    ///
    /// # Errors
    /// As [`Client::validate_with`](crate::Client::validate_with).
    pub fn validate_with(&self, token: &Token, options: WaitOptions) -> Result<bool> {
        let token = token.clone();
        blocking!(self, client => client.validate_with(&token, options))
    }

    /// See [`Client::refetch`](crate::Client::refetch).
    ///
    /// # Errors
    /// As [`Client::refetch`](crate::Client::refetch).
    pub fn refetch(&self) -> Result<Served> {
        self.refetch_with(WaitOptions::default())
    }

    /// See [`Client::refetch_with`](crate::Client::refetch_with).
    ///
    /// # Errors
    /// As [`Client::refetch_with`](crate::Client::refetch_with).
    pub fn refetch_with(&self, options: WaitOptions) -> Result<Served> {
        blocking!(self, client => client.refetch_with(options))
    }

    /// See [`Client::revoke`](crate::Client::revoke).
    ///
    /// # Errors
    /// As [`Client::revoke`](crate::Client::revoke).
    pub fn revoke(&self, token: &Token) -> Result<Revocation> {
        self.revoke_with(token, WaitOptions::default())
    }

    /// See [`Client::revoke_with`](crate::Client::revoke_with).
    ///
    /// # Errors
    /// As [`Client::revoke_with`](crate::Client::revoke_with).
    pub fn revoke_with(&self, token: &Token, options: WaitOptions) -> Result<Revocation> {
        let token = token.clone();
        blocking!(self, client => client.revoke_with(&token, options))
    }

    /// See [`Client::forget`](crate::Client::forget).
    ///
    /// # Errors
    /// As [`Client::forget`](crate::Client::forget).
    pub fn forget(&self) -> Result<()> {
        blocking!(self, client => client.forget())
    }

    /// See [`Client::unblock`](crate::Client::unblock).
    ///
    /// # Errors
    /// As [`Client::unblock`](crate::Client::unblock).
    pub fn unblock(&self) -> Result<()> {
        blocking!(self, client => client.unblock())
    }

    /// See [`Client::adopt`](crate::Client::adopt).
    ///
    /// # Errors
    /// As [`Client::adopt`](crate::Client::adopt).
    pub fn adopt(&self, token: Token, lifetime: Option<Duration>) -> Result<()> {
        blocking!(self, client => client.adopt(token, lifetime))
    }

    /// See [`Client::set_credentials`](crate::Client::set_credentials).
    ///
    /// # Errors
    /// As [`Client::set_credentials`](crate::Client::set_credentials).
    pub fn set_credentials(&self, credentials: impl Into<CredentialsSource>) -> Result<()> {
        self.0.set_credentials(credentials)
    }

    /// See [`Client::explain`](crate::Client::explain).
    pub fn explain(&self) -> String {
        self.0.explain()
    }

    /// See [`Client::stats`](crate::Client::stats).
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }

    /// See [`Client::history`](crate::Client::history).
    ///
    /// # Errors
    /// As [`Client::history`](crate::Client::history).
    pub fn history(&self) -> Result<History> {
        blocking!(self, client => client.history())
    }

    /// See [`Client::facts`](crate::Client::facts).
    pub fn facts(&self, token: &Token) -> Option<TokenFacts> {
        self.0.facts(token)
    }

    /// See [`Client::status`](crate::Client::status).
    ///
    /// # Errors
    /// As [`Client::status`](crate::Client::status).
    pub fn status(&self) -> Result<Status> {
        blocking!(self, client => client.status())
    }

    /// See [`Client::close`](crate::Client::close).
    ///
    /// # Errors
    /// As [`Client::close`](crate::Client::close).
    pub fn close(&self) -> Result<()> {
        self.close_with(WaitOptions::default())
    }

    /// See [`Client::close_with`](crate::Client::close_with).
    ///
    /// # Errors
    /// As [`Client::close_with`](crate::Client::close_with).
    pub fn close_with(&self, options: WaitOptions) -> Result<()> {
        self.0.check_may_close()?;
        if self.0.is_closed()? {
            return Ok(());
        }
        blocking!(self, client => client.close_with(options))
    }

    /// See [`Client::interrupt`](crate::Client::interrupt).
    pub fn interrupt(&self) {
        self.0.interrupt();
    }
}
