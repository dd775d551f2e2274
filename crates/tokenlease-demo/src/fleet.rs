//! The workers of a service that use tokenlease, and what is counted of them.

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
    oracle::Oracle,
    site::{Service, Site, Work, failed},
};

/// How often a worker asks for its token beside each call: what most calls of a busy program are.
const ASKS: usize = 9;

/// The workers of one service. Those of one registry share its store, as processes of one host do.
pub(super) struct Fleet {
    pub(super) site: Arc<Site>,
    pub(super) oracle: Oracle,
    pub(super) tally: Arc<Tally>,
    /// The most logins that were ever sent beyond those needed until then.
    pub(super) excess: u64,
    clock: SteeredClock,
    registry: Registry,
    workers: Vec<Client>,
}

/// Each token that was served, looked up at the provider in the moment it was served.
pub(super) struct Tally {
    site: Arc<Site>,
    answers: AtomicU64,
    dead: AtomicU64,
    unknowable: AtomicU64,
    /// Ended early by the provider, and not yet rejected by any API: nobody could know.
    ended: Mutex<Vec<Token>>,
}

impl Fleet {
    pub(super) async fn start(service: Service, workers: usize) -> Result<Self> {
        let site = Arc::new(Site::start(service).await?);
        let clock = SteeredClock::new();
        let registry = host(&clock)?;
        let mut fleet = Self {
            oracle: Oracle::new(service),
            tally: Arc::new(Tally::new(&site)),
            excess: 0,
            workers: Vec::new(),
            site,
            clock,
            registry,
        };
        fleet.workers = fleet.processes(workers)?;
        Ok(fleet)
    }

    /// All workers end, and as many start: on the same host, or on a new one with an empty store.
    pub(super) fn restart(&mut self, same_host: bool) -> Result<()> {
        if !same_host {
            self.registry = host(&self.clock)?;
        }
        self.workers = self.processes(self.workers.len())?;
        Ok(())
    }

    /// So many callers want a token at the same time.
    pub(super) async fn crowd(&mut self, now: Duration, callers: usize) -> Result<()> {
        self.oracle.wanted(now);
        let mut crowd = JoinSet::new();
        for worker in self.workers.iter().cycle().take(callers) {
            let (worker, tally) = (worker.clone(), self.tally.clone());
            crowd.spawn(async move { worker.token().await.map(|token| tally.served(&token)) });
        }
        crowd.join_all().await.into_iter().collect::<Result<()>>()?;
        self.settle().await
    }

    /// Each worker calls the API once, and asks for its token some times more.
    pub(super) async fn round(&mut self, now: Duration, work: Work) -> Result<()> {
        self.oracle.wanted(now);
        let (site, tally) = (&self.site, &self.tally);
        for worker in &self.workers {
            let call = |token: Token| async move {
                tally.served(&token);
                let said = site.work(&token, work).await?;
                if said != ApiAnswer::NotRejected {
                    tally.rejected(&token);
                }
                Ok::<_, Error>((said, ()))
            };
            worker.call(call).await?;
            for _ in 0..ASKS {
                tally.served(&worker.token().await?);
            }
        }
        self.settle().await
    }

    /// How long the token in use will be handed out.
    pub(super) async fn left(&self) -> Result<Duration> {
        let lease = self.first()?.lease().await?.lease;
        self.tally.served(lease.token());
        let end = lease.end().ok_or_else(|| failed("a token has no end"))?;
        Ok(end.minus(self.site.service.margin()).since(self.clock.now().elapsed))
    }

    pub(super) fn pass(&self, time: Duration) {
        self.site.pass(time);
        self.clock.advance(time);
    }

    /// The provider ends all tokens, and tells nobody.
    pub(super) fn end_all(&mut self) {
        self.tally.ended().extend(self.site.end_all());
        self.oracle.ended();
    }

    /// The token in use was seen where it should not be: a worker revokes it.
    pub(super) async fn revoke(&mut self, now: Duration) -> Result<Revocation> {
        self.oracle.wanted(now);
        let worker = self.first()?;
        let token = worker.token().await?;
        self.tally.served(&token);
        let revocation = worker.revoke(&token).await?;
        self.oracle.ended();
        Ok(revocation)
    }

    /// So many callers of a process that was started with a wrong password: each must be told so.
    pub(super) async fn mistyped(&self, callers: usize) -> Result<()> {
        let worker = self.client(self.site.wrong_credentials())?;
        let mut crowd = JoinSet::new();
        for worker in std::iter::repeat_n(worker, callers) {
            crowd.spawn(async move { worker.token().await });
        }
        for answer in crowd.join_all().await {
            match answer {
                Err(error) if error.kind() == ErrorKind::CredentialsRejected => {}
                Err(error) => return Err(error),
                Ok(_) => return Err(failed("a token was served for a wrong password")),
            }
        }
        Ok(())
    }

    /// Until nothing is under way, so that time passes between the acts of the day only.
    async fn settle(&mut self) -> Result<()> {
        for worker in &self.workers {
            worker.close().await?;
        }
        // A login too many now may save one later, which the day's sum would not show.
        let excess = self.site.seen().issued.saturating_sub(self.oracle.minimum());
        self.excess = self.excess.max(excess);
        Ok(())
    }

    fn first(&self) -> Result<&Client> {
        self.workers.first().ok_or_else(|| failed("the demo has no workers"))
    }

    fn processes(&self, count: usize) -> Result<Vec<Client>> {
        (0..count).map(|_| self.client(self.site.credentials())).collect()
    }

    fn client(&self, credentials: Credentials) -> Result<Client> {
        Client::builder(self.site.server().clone(), credentials).registry(&self.registry).build()
    }
}

impl Tally {
    fn new(site: &Arc<Site>) -> Self {
        Self {
            site: site.clone(),
            answers: AtomicU64::default(),
            dead: AtomicU64::default(),
            unknowable: AtomicU64::default(),
            ended: Mutex::default(),
        }
    }

    fn served(&self, token: &Token) {
        count(&self.answers);
        if !self.site.is_active(token) {
            count(if self.ended().contains(token) { &self.unknowable } else { &self.dead });
        }
    }

    /// An API rejected the token: from now on it is known, also to siblings that have not looked at
    /// the store since, which is stricter than what is promised.
    fn rejected(&self, token: &Token) {
        self.ended().retain(|ended| ended != token);
    }

    fn ended(&self) -> std::sync::MutexGuard<'_, Vec<Token>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tokens that were served.
    pub(super) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// Those of them that were dead, as could be known.
    pub(super) fn dead(&self) -> u64 {
        self.dead.load(Ordering::Relaxed)
    }

    /// Those of them that were dead, as nobody could know.
    pub(super) fn unknowable(&self) -> u64 {
        self.unknowable.load(Ordering::Relaxed)
    }
}

fn host(clock: &SteeredClock) -> Result<Registry> {
    Registry::builder().clock(Arc::new(clock.clone())).build()
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
