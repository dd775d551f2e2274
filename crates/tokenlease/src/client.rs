//! The client of one identity.

use std::{fmt, sync::Arc, time::Duration};

use tokenlease_core::{
    Error, ErrorKind, Now, Result, Secret, Token,
    lifecycle::{Ask, Lifecycle, Rejection as Claim, Report, Revocation, Served},
    provider::{ApiAnswer, Server},
    time::Moment as _,
};

use crate::{
    builder::ClientBuilder, cached::CacheVersion, credentials_source::CredentialsSource,
    runtime::Runtime, state::ClientState, stats::Stats, wait_queue::Slot,
};

/// Gets, keeps and shares the token of one identity. Cloning is cheap and shares all.
///
/// While a token is fresh, asking for it costs an atomic load and two comparisons. Otherwise one
/// flight gets it for all who ask, in a task that no caller's end cancels, and each caller keeps
/// its own deadline.
#[derive(Clone)]
pub struct Client(Arc<ClientState>);

/// What a caller wants beyond a token.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TokenOptions {
    /// How long to wait at most; `None` is the client's own limit, 30 s unless it was set.
    pub deadline: Option<Duration>,
    /// The life that should be left: a wish, clamped to a half of the token's life. For WinKAS,
    /// whose ends nobody states, it means a validation now, never a new token.
    pub min_remaining: Option<Duration>,
}

impl TokenOptions {
    /// Waits for that long at most.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Wants that life left.
    #[must_use]
    pub fn with_min_remaining(mut self, life: Duration) -> Self {
        self.min_remaining = Some(life);
        self
    }
}

/// What became of the claim that an API rejected a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// Another token is in use now: call the API once more with it.
    Replaced(Token),
    /// The provider says that the token is active, so the rejection is about something else, a
    /// permission for one: don't call again.
    StillActive,
}

impl Client {
    /// Begins a client of that server and identity, with fixed credentials or a function that
    /// fetches them.
    pub fn builder(
        server: impl Into<Server>,
        credentials: impl Into<CredentialsSource>,
    ) -> ClientBuilder {
        ClientBuilder::new(server.into(), credentials.into())
    }

    pub(crate) fn new(inner: ClientState) -> Self {
        Self(Arc::new(inner))
    }

    /// The token to use now.
    ///
    /// # Errors
    /// By kind, see [`ErrorKind`]; `Deadline` if none came within the client's limit.
    pub async fn token(&self) -> Result<Token> {
        if let Some(token) = self.0.fast(Token::clone) {
            return Ok(token);
        }
        Ok(self.lease().await?.lease.token().clone())
    }

    /// Hands the token to a function, without a copy of it while it is cached.
    pub async fn with_token<R>(&self, use_it: impl FnOnce(&Token) -> R) -> Result<R> {
        let mut use_it = Some(use_it);
        if let Some(result) =
            self.0.fast(|token| use_it.take().map(|use_it| use_it(token))).flatten()
        {
            return Ok(result);
        }
        let served = self.lease().await?;
        let use_it = use_it.take().ok_or_else(impossible)?;
        Ok(use_it(served.lease.token()))
    }

    /// The token to use now, by one's own deadline or with a wish for its remaining life.
    pub async fn token_with(&self, options: TokenOptions) -> Result<Token> {
        if options.min_remaining.is_none()
            && let Some(token) = self.0.fast(Token::clone)
        {
            return Ok(token);
        }
        Ok(self.lease_with(options).await?.lease.token().clone())
    }

    /// The token to use now with what is known of its end, and from which source it came.
    pub async fn lease(&self) -> Result<Served> {
        self.lease_with(TokenOptions::default()).await
    }

    /// As [`lease`](Self::lease), by one's own deadline or with a wish for its remaining life.
    pub async fn lease_with(&self, options: TokenOptions) -> Result<Served> {
        // In a box, so that the future of a cached token is a few words to move.
        Box::pin(self.0.get(options)).await
    }

    /// A token that is cached and fresh, without waiting for anything.
    pub fn cached<R>(&self, use_it: impl FnOnce(&Token) -> R) -> Option<R> {
        self.0.fast(use_it)
    }

    /// As [`cached`](Self::cached), for a thread that waited for its [`turn`](Self::slot).
    pub(crate) fn cached_once(&self) -> Option<Token> {
        self.0.fast_once()
    }

    /// As [`cached`](Self::cached), with a version for whoever keeps an object of their own that is
    /// made of the token, as faces of other languages do.
    pub fn cached_with_version<R>(
        &self,
        use_it: impl FnOnce(&Token, CacheVersion) -> R,
    ) -> Option<R> {
        self.0.fast_with_version(use_it)
    }

    /// Whether the token of that version, which this client gave, is still cached and fresh. It costs
    /// less than [`cached`](Self::cached).
    #[inline]
    pub fn holds(&self, version: &CacheVersion) -> bool {
        self.0.holds(version)
    }

    /// A token of this client's provider from its text, which was kept or came from elsewhere: to
    /// reject, validate, revoke or adopt it. Kind `Config` for a text that no token can have.
    pub fn token_of(&self, text: impl Into<Secret>) -> Result<Token> {
        Token::read(self.0.server.token_kind(), text)
    }

    /// Claims that an API rejected this token. The claim is checked with the provider before it is
    /// believed; a thousand claims on one token are one check and at most one new token.
    pub async fn report_rejected(&self, token: &Token) -> Result<Rejection> {
        let entry = self.0.entry().await?;
        let claim = entry.with(&self.0, |machine| machine.report_rejected(token, self.0.now()))?;
        if claim == Claim::StillActive && self.0.fast(|_| ()).is_some() {
            return Ok(Rejection::StillActive);
        }
        let mut current = self.lease().await?;
        if claim == Claim::Outdated && current.lease.token() == token {
            // This client did not have it in hand: a sibling or the provider had. It is doubted now.
            entry.with(&self.0, |machine| machine.report_rejected(token, self.0.now()))?;
            current = self.lease().await?;
        }
        if current.lease.token() == token {
            return Ok(Rejection::StillActive);
        }
        Ok(Rejection::Replaced(current.lease.token().clone()))
    }

    /// Reads an API's answer for what it says about the token.
    pub fn read_api(&self, response: &http::Response<impl AsRef<[u8]>>) -> ApiAnswer {
        self.0.server.read_api(response)
    }

    /// Calls an API with the token, and once more with another if the API rejected the first and
    /// the provider agrees. `call` gets the token and returns what the API's answer says about it
    /// ([`read_api`](Self::read_api)) and the answer itself.
    ///
    /// # Errors
    /// Those of `call`, and those of getting a token.
    pub async fn call<R, E, F, C>(&self, mut call: C) -> Result<R, E>
    where
        C: FnMut(Token) -> F,
        F: Future<Output = Result<(ApiAnswer, R), E>>,
        E: From<Error>,
    {
        let token = self.token().await?;
        let (said, answer) = call(token.clone()).await?;
        if matches!(said, ApiAnswer::NotRejected) {
            return Ok(answer);
        }
        match self.report_rejected(&token).await? {
            Rejection::Replaced(token) => Ok(call(token).await?.1),
            // The caller sees what the API said.
            Rejection::StillActive => Ok(answer),
        }
    }

    /// Asks the provider whether a token, this client's or any other, is active. A no reaches all
    /// who share the token.
    pub async fn validate(&self, token: &Token) -> Result<bool> {
        match self.job(|machine, _| machine.validate(token)).await? {
            Report::Validation(active) => Ok(active),
            _ => Err(impossible()),
        }
    }

    /// Asks the provider for the running token (WinKAS), whatever memory and store hold.
    pub async fn refetch(&self) -> Result<Served> {
        let inner = &self.0;
        let ask = Ask::new(inner.elapsed(), inner.wait);
        self.job(|machine, _| machine.refetch_running(&ask)).await?;
        inner.get_by(ask).await
    }

    /// Ends a token for all who share it, and tells the provider. A user in a session with the token
    /// is sent to the login page.
    ///
    /// # Errors
    /// `Unsupported` at WinKAS, which has no such call: see [`forget`](Self::forget). If the
    /// provider could not be told, the token is not used any more, but may still be active.
    pub async fn revoke(&self, token: &Token) -> Result<Revocation> {
        match self.job(|machine, now| machine.revoke(token, now)).await? {
            Report::Revoked(revocation) => Ok(revocation),
            _ => Err(impossible()),
        }
    }

    /// Drops this client's token here and in the store, without ending it at the provider.
    pub async fn forget(&self) -> Result<()> {
        self.tell(Lifecycle::forget).await
    }

    /// Says that the credentials are right, or that the account was unlocked: what stops them is
    /// lifted, and the next caller is served by one login.
    pub async fn unblock(&self) -> Result<()> {
        self.tell(Lifecycle::unblock).await
    }

    /// Takes a token that was made elsewhere, which ends after `life` (`None`: nobody knows). It
    /// serves this client, and others only if they have seen its credentials accepted.
    pub async fn adopt(&self, token: Token, life: Option<Duration>) -> Result<()> {
        let entry = self.0.entry().await?;
        entry.with(&self.0, |machine| {
            let now = self.0.now();
            machine.adopt(token, life.map(|life| now.elapsed.plus(life)), now)
        })?
    }

    /// Goes on with other credentials. Who asks from now on is served by them alone; a flight with
    /// the old ones ends by itself and answers only who asked before.
    pub fn set_credentials(&self, credentials: impl Into<CredentialsSource>) -> Result<()> {
        self.0.set_credentials(credentials.into())
    }

    /// Where the token in hand stands and how it came, in words, without the secret.
    pub fn explain(&self) -> String {
        // In a forked child, a thread that is not there may hold what would be looked at.
        if let Err(error) = self.0.check_process() {
            return error.to_string();
        }
        match self.0.current() {
            Some(entry) => entry.peek(|machine| machine.explain(self.0.now())),
            None => "nobody has asked yet".into(),
        }
    }

    /// What this client has done since it was made.
    pub fn stats(&self) -> Stats {
        self.0.counters.read()
    }

    /// Waits until nothing is under way for this client: so that a short-lived process does not
    /// leave a login half done or a lock taken. It ends no token.
    pub async fn close(&self) -> Result<()> {
        self.0.check_process()?;
        let Some(entry) = self.0.current() else { return Ok(()) };
        let deadline = self.0.elapsed().plus(self.0.wait);
        let idle = |machine: &mut Lifecycle| (!machine.is_busy()).then_some(());
        entry.until(&self.0, deadline, idle).await
    }

    /// The same client for threads that block.
    pub fn blocking(&self) -> crate::blocking::Client {
        crate::blocking::Client::new(self.clone())
    }

    /// The runtime that this client's work is done on, for faces of other languages to wait on.
    /// Kind `Forked` in any process but the one that made the client.
    pub fn runtime(&self) -> Result<&'static Runtime> {
        self.0.runtime()
    }

    /// How long a caller waits at most, unless it says otherwise.
    pub fn deadline(&self) -> Duration {
        self.0.wait
    }

    /// For faces whose threads block: waits while another thread is asking, for that long at most,
    /// so that a thousand are not woken at once: who asked wakes so many, and each of them the next.
    /// Who then finds no token cached calls [`Slot::lead`] and asks; who got no turn (`None`) asks
    /// as well.
    pub fn slot(&self, limit: Duration, wakes: usize) -> Option<Slot<'_>> {
        self.0.wait_queue.wait(limit, wakes)
    }

    /// Begins a job, one at a time for an entry, and waits for its report.
    async fn job(&self, begin: impl FnOnce(&mut Lifecycle, Now) -> Result<()>) -> Result<Report> {
        let inner = &self.0;
        let entry = inner.entry().await?;
        let _one = entry.jobs.lock().await;
        entry.with(inner, |machine| begin(machine, inner.now()))??;
        let deadline = inner.elapsed().plus(inner.wait);
        let report = entry.until(inner, deadline, Lifecycle::take_report).await?;
        // What was found out is in the store before it is answered, if the store answers.
        let told = |machine: &mut Lifecycle| {
            (!machine.is_unsaved() || machine.store_error().is_some()).then_some(())
        };
        let _ = entry.until(inner, deadline, told).await;
        report
    }

    /// Tells the machine something, and waits until siblings can know it.
    async fn tell(&self, tell: impl FnOnce(&mut Lifecycle, Now)) -> Result<()> {
        let inner = &self.0;
        let entry = inner.entry().await?;
        // What it is about may stand in the store alone.
        entry.with(inner, Lifecycle::look)?;
        self.close().await?;
        entry.with(inner, |machine| tell(machine, inner.now()))?;
        self.close().await?;
        entry.peek(|machine| match machine.store_error() {
            Some(error) if machine.is_unsaved() => Err(error.clone()),
            _ => Ok(()),
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.0.server.identity())
    }
}

pub(crate) fn impossible() -> Error {
    Error::new(ErrorKind::Internal, "a job reported something else than it was asked for")
        .advice("please report this")
}
