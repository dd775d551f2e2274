//! The workers of a service that use tokenlease, and the tokens that they are served.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokenlease::{
    Client, Clock as _, Error, ErrorKind, Registry, Result, SteeredClock,
    core::{Credentials, Token, lifecycle::Revocation, provider::ApiAnswer, time::Moment as _},
};
use tokio::task::JoinSet;

use super::{
    emulated::{ApiCall, EmulatedProvider, Service, failed},
    minimum::MinimumLogins,
};

/// The further tokens that a worker requests per API call. A busy program mostly gets its token
/// from memory.
const EXTRA_REQUESTS: usize = 9;

/// The workers of one service. The workers of one registry share its store, as the processes of one
/// host do.
pub(super) struct Fleet {
    pub(super) provider: Arc<EmulatedProvider>,
    pub(super) minimum: MinimumLogins,
    pub(super) served: Arc<ServedTokens>,
    /// The most logins that were ever sent beyond the minimum at that time.
    pub(super) excess_logins: u64,
    clock: SteeredClock,
    registry: Registry,
    workers: Vec<Client>,
}

/// Counts the tokens that were served. Each is checked at the provider when it is served.
pub(super) struct ServedTokens {
    provider: Arc<EmulatedProvider>,
    total: AtomicU64,
    inactive: AtomicU64,
    undetectable: AtomicU64,
    /// Tokens that the provider ended early and no API has rejected yet: no client can know.
    ended_early: Mutex<Vec<Token>>,
}

impl Fleet {
    /// Starts the provider, and so many workers.
    pub(super) async fn start(service: Service, workers: usize) -> Result<Self> {
        let provider = Arc::new(EmulatedProvider::start(service).await?);
        let clock = SteeredClock::new();
        let registry = new_host(&clock)?;
        let mut fleet = Self {
            minimum: MinimumLogins::new(service),
            served: Arc::new(ServedTokens::new(&provider)),
            excess_logins: 0,
            workers: Vec::new(),
            provider,
            clock,
            registry,
        };
        fleet.workers = fleet.new_workers(workers)?;
        Ok(fleet)
    }

    /// Replaces all workers by new ones: on the same host, or on a new one with an empty store.
    pub(super) fn restart(&mut self, same_host: bool) -> Result<()> {
        if !same_host {
            self.registry = new_host(&self.clock)?;
        }
        self.workers = self.new_workers(self.workers.len())?;
        Ok(())
    }

    /// Requests a token for that many callers at the same time.
    pub(super) async fn concurrent_callers(&mut self, now: Duration, count: usize) -> Result<()> {
        self.minimum.token_wanted(now);
        let mut callers = JoinSet::new();
        for worker in self.workers.iter().cycle().take(count) {
            let (worker, served) = (worker.clone(), self.served.clone());
            callers.spawn(async move { worker.token().await.map(|token| served.record(&token)) });
        }
        callers.join_all().await.into_iter().collect::<Result<()>>()?;
        self.finish_background_work().await
    }

    /// Calls the API once from each worker, and requests [`EXTRA_REQUESTS`] more tokens.
    pub(super) async fn round(&mut self, now: Duration, call: ApiCall) -> Result<()> {
        self.minimum.token_wanted(now);
        let (provider, served) = (&self.provider, &self.served);
        for worker in &self.workers {
            let call_api = |token: Token| async move {
                served.record(&token);
                let answer = provider.call_api(&token, call).await?;
                if answer != ApiAnswer::NotRejected {
                    served.record_rejection(&token);
                }
                Ok::<_, Error>((answer, ()))
            };
            worker.call(call_api).await?;
            for _ in 0..EXTRA_REQUESTS {
                served.record(&worker.token().await?);
            }
        }
        self.finish_background_work().await
    }

    /// Returns how much longer the current token will be served.
    pub(super) async fn remaining(&self) -> Result<Duration> {
        let lease = self.first()?.lease().await?.lease;
        self.served.record(lease.token());
        let end = lease.end().ok_or_else(|| failed("a token has no expiry"))?;
        Ok(end.minus(self.provider.service.margin()).since(self.clock.now().elapsed))
    }

    /// Moves the clocks of the workers and of the provider.
    pub(super) fn advance(&self, time: Duration) {
        self.provider.advance(time);
        self.clock.advance(time);
    }

    /// Ends all tokens at the provider, without notice to the clients.
    pub(super) fn end_all(&mut self) {
        self.served.ended_early().extend(self.provider.end_all());
        self.minimum.token_ended();
    }

    /// Revokes the current token from one worker, as after a leak.
    pub(super) async fn revoke(&mut self, now: Duration) -> Result<Revocation> {
        self.minimum.token_wanted(now);
        let worker = self.first()?;
        let token = worker.token().await?;
        self.served.record(&token);
        let revocation = worker.revoke(&token).await?;
        self.minimum.token_ended();
        Ok(revocation)
    }

    /// Requests a token for that many callers in a process that was started with a wrong password.
    /// Each must get the error `CredentialsRejected`.
    pub(super) async fn wrong_password(&self, callers: usize) -> Result<()> {
        let worker = self.client(self.provider.wrong_credentials())?;
        let mut requests = JoinSet::new();
        for worker in std::iter::repeat_n(worker, callers) {
            requests.spawn(async move { worker.token().await });
        }
        for result in requests.join_all().await {
            match result {
                Err(error) if error.kind() == ErrorKind::CredentialsRejected => {}
                Err(error) => return Err(error),
                Ok(_) => return Err(failed("a caller with a wrong password got a token")),
            }
        }
        Ok(())
    }

    /// Waits for all background work, so that the clocks move only between the events of the day.
    async fn finish_background_work(&mut self) -> Result<()> {
        for worker in &self.workers {
            worker.close().await?;
        }
        // A login that is not needed now may save a later one, which the day's sum would hide.
        let excess = self.provider.counts().new_tokens.saturating_sub(self.minimum.logins());
        self.excess_logins = self.excess_logins.max(excess);
        Ok(())
    }

    fn first(&self) -> Result<&Client> {
        self.workers.first().ok_or_else(|| failed("the demo has no workers"))
    }

    fn new_workers(&self, count: usize) -> Result<Vec<Client>> {
        (0..count).map(|_| self.client(self.provider.credentials())).collect()
    }

    fn client(&self, credentials: Credentials) -> Result<Client> {
        Client::builder(self.provider.server().clone(), credentials)
            .registry(&self.registry)
            .build()
    }
}

impl ServedTokens {
    fn new(provider: &Arc<EmulatedProvider>) -> Self {
        Self {
            provider: provider.clone(),
            total: AtomicU64::default(),
            inactive: AtomicU64::default(),
            undetectable: AtomicU64::default(),
            ended_early: Mutex::default(),
        }
    }

    fn record(&self, token: &Token) {
        increment(&self.total);
        if !self.provider.is_active(token) {
            let is_detectable = !self.ended_early().contains(token);
            increment(if is_detectable { &self.inactive } else { &self.undetectable });
        }
    }

    /// Records that an API rejected the token. From now on all processes must know it, even those
    /// that have not read the store since: this is stricter than the guarantee.
    fn record_rejection(&self, token: &Token) {
        self.ended_early().retain(|ended| ended != token);
    }

    fn ended_early(&self) -> std::sync::MutexGuard<'_, Vec<Token>> {
        self.ended_early.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of tokens that were served.
    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Returns how many of them were inactive although the client could know it.
    pub(super) fn inactive(&self) -> u64 {
        self.inactive.load(Ordering::Relaxed)
    }

    /// Returns how many of them were inactive before any client could know it.
    pub(super) fn undetectable(&self) -> u64 {
        self.undetectable.load(Ordering::Relaxed)
    }
}

fn new_host(clock: &SteeredClock) -> Result<Registry> {
    Registry::builder().clock(Arc::new(clock.clone())).build()
}

fn increment(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
