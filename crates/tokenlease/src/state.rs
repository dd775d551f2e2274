//! What the clones of a client share: the fast path, the entry in force, and the way to a lease.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokenlease_core::{
    Credentials, CredentialsFingerprint, Error, ErrorKind, Now, Result, Timestamp, Token,
    lifecycle::{Ask, Event, Policy, Ready, Reply, Served},
    provider::{Call, Server},
    time::Moment as _,
};

use crate::{
    cached::{Cache, CacheVersion},
    client::TokenOptions,
    clock::Coarse,
    credentials_source::CredentialsSource,
    entry::Entry,
    registry::Registry,
    runtime::{Runtime, check_process},
    stats::Counters,
    store::RecordName,
    wait_queue::WaitQueue,
};

/// The coarse clocks may lag by a tick of the kernel, 10 ms at most, and the wall clock is read once
/// a tick. In milliseconds.
const COARSE_LAG: i64 = 20;
/// A fast path is set for that long at most: then the suspend-aware clock is looked at again.
const LONGEST_FAST: Duration = Duration::from_secs(30);

pub(crate) struct ClientState {
    pub(crate) registry: Registry,
    pub(crate) server: Server,
    pub(crate) name: RecordName,
    pub(crate) policy: Policy,
    pub(crate) counters: Counters,
    pub(crate) wait: Duration,
    pub(crate) wait_queue: WaitQueue,
    hook: Option<Hook>,
    process: u32,
    cache: Cache,
    current: Mutex<Current>,
    /// One provider call at a time.
    resolving: tokio::sync::Mutex<()>,
}

pub(crate) type Hook = Box<dyn Fn(&Event) + Send + Sync>;

struct Current {
    source: CredentialsSource,
    entry: Option<Arc<Entry>>,
}

impl ClientState {
    pub(crate) fn new(
        registry: Registry,
        server: Server,
        source: CredentialsSource,
        policy: Policy,
        wait: Duration,
        hook: Option<Hook>,
    ) -> Result<Self> {
        registry.check_process()?;
        registry.http().check(server.identity())?;
        let inner = Self {
            name: RecordName::new(server.identity().clone()),
            cache: Cache::new(registry.own_clock().clone()),
            registry,
            server,
            policy,
            counters: Counters::default(),
            wait,
            wait_queue: WaitQueue::default(),
            hook,
            process: std::process::id(),
            current: Mutex::new(Current { source, entry: None }),
            resolving: tokio::sync::Mutex::new(()),
        };
        let fixed = inner.source().fixed().cloned();
        if let Some(credentials) = fixed {
            let entry = Entry::new(&inner, &credentials, true)?;
            inner.lock().entry = Some(Arc::new(entry));
        }
        Ok(inner)
    }

    pub(crate) fn now(&self) -> Now {
        self.registry.clock().now()
    }

    pub(crate) fn elapsed(&self) -> Timestamp {
        self.registry.clock().elapsed()
    }

    /// Kind `Forked` if the client was made by another process, whose threads may hold its locks.
    pub(crate) fn check_process(&self) -> Result<()> {
        check_process(self.process)
    }

    /// This process's runtime. Kind `Forked` if the client was made by another process.
    pub(crate) fn runtime(&self) -> Result<&'static Runtime> {
        self.check_process()?;
        Runtime::of(self.process)
    }

    pub(crate) fn fast<R>(&self, use_it: impl FnOnce(&Token) -> R) -> Option<R> {
        self.cache.get(use_it)
    }

    pub(crate) fn fast_once(&self) -> Option<Token> {
        self.cache.get_once()
    }

    pub(crate) fn fast_with_version<R>(
        &self,
        use_it: impl FnOnce(&Token, CacheVersion) -> R,
    ) -> Option<R> {
        self.cache.get_with_version(use_it)
    }

    #[inline]
    pub(crate) fn holds(&self, mark: &CacheVersion) -> bool {
        self.cache.holds(mark)
    }

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
            match entry.ask(self, &ask)? {
                Reply::Lease(served) => return Ok(served),
                Reply::Error(error) => return Err(error),
                Reply::Later => {}
            }
        }
        let served = async {
            loop {
                let entry = self.entry_by(ask.deadline).await?;
                if let Some(result) = entry.wait(self, &ask).await {
                    return result;
                }
            }
        };
        runtime.within(served).await?
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn source(&self) -> CredentialsSource {
        self.lock().source.clone()
    }

    pub(crate) fn current(&self) -> Option<Arc<Entry>> {
        self.lock().entry.clone()
    }

    /// The entry of the credentials in force. A provider is called if it never was.
    pub(crate) async fn entry(self: &Arc<Self>) -> Result<Arc<Entry>> {
        self.check_process()?;
        self.entry_by(self.elapsed().plus(self.wait)).await
    }

    /// As [`entry`](Self::entry), but a provider that does not return holds up nobody for longer
    /// than until their deadline.
    async fn entry_by(self: &Arc<Self>, deadline: Timestamp) -> Result<Arc<Entry>> {
        if let Some(entry) = self.current() {
            return Ok(entry);
        }
        let runtime = self.runtime()?;
        // A task of its own, so that who gives up does not let another call the provider beside
        // the one that is under way.
        let resolving = runtime.handle()?.spawn(self.clone().resolve());
        let resolved = async {
            tokio::pin!(resolving);
            loop {
                let left = deadline.since(self.elapsed());
                if left.is_zero() {
                    return Err(Error::new(
                        ErrorKind::DeadlineExceeded,
                        "the function that fetches the credentials did not return in time",
                    )
                    .advice("look at what it waits for, or wait longer"));
                }
                tokio::select! {
                    resolved = &mut resolving => return resolved.unwrap_or_else(|error| {
                        Err(Error::new(ErrorKind::Internal, "a task of the client was ended")
                            .with_source(error))
                    }),
                    () = self.registry.clock().sleep(left) => {}
                }
            }
        };
        runtime.within(resolved).await?
    }

    async fn resolve(self: Arc<Self>) -> Result<Arc<Entry>> {
        let _one = self.resolving.lock().await;
        if let Some(entry) = self.current() {
            return Ok(entry);
        }
        let credentials = self.source().fetch().await?;
        self.enter(&credentials)
    }

    /// The credentials for a call. If a provider returns others than the entry was made for, the
    /// client moves to the entry of those, and so do those who wait.
    pub(crate) async fn credentials_for(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        call: &Call,
    ) -> Result<Credentials> {
        let credentials = match entry.credentials() {
            Some(credentials) => return Ok(credentials.clone()),
            None => self.source().fetch().await?,
        };
        let same = CredentialsFingerprint::of(self.registry.key(), &credentials)
            == entry.credentials_fingerprint();
        if !same && call.takes_credentials() {
            self.enter(&credentials)?;
            entry.supersede();
            return Err(Error::new(
                ErrorKind::Config,
                "the function that fetches the credentials returned other ones meanwhile",
            )
            .advice("ask again: the new ones are used from now on"));
        }
        Ok(credentials)
    }

    fn enter(&self, credentials: &Credentials) -> Result<Arc<Entry>> {
        let entry = Arc::new(Entry::new(self, credentials, false)?);
        let mut current = self.lock();
        if let Some(old) = current
            .entry
            .as_ref()
            .filter(|old| old.credentials_fingerprint() == entry.credentials_fingerprint())
        {
            return Ok(old.clone());
        }
        current.entry = Some(entry.clone());
        self.cache.set(None);
        Ok(entry)
    }

    pub(crate) fn set_credentials(&self, source: CredentialsSource) -> Result<()> {
        self.check_process()?;
        let entry = match source.fixed() {
            Some(credentials) => Some(Arc::new(Entry::new(self, credentials, true)?)),
            None => None,
        };
        let mut current = self.lock();
        current.source = source;
        current.entry = entry;
        self.cache.set(None);
        Ok(())
    }

    /// Sets the fast path, if the entry is the one in force.
    pub(crate) fn publish(&self, entry: &Arc<Entry>, ready: Option<Ready>, now: Now) {
        let current = self.lock();
        if !current.entry.as_ref().is_some_and(|current| Arc::ptr_eq(current, entry)) {
            return;
        }
        let cached = ready.and_then(|ready| {
            let left = ready.until.since(now.elapsed).min(LONGEST_FAST);
            let left = i64::try_from(left.as_millis()).unwrap_or(i64::MAX) - COARSE_LAG;
            let until = Coarse::of(self.registry.clock()).plus(left);
            (left > 0).then(|| (ready.lease.token().clone(), until))
        });
        self.cache.set(cached);
    }

    pub(crate) fn happened(&self, event: Event) {
        tracing::info!(target: "tokenlease", identity = %self.server.identity(), "{event}");
        if let Some(hook) = &self.hook {
            hook(&event);
        }
    }
}

impl fmt::Debug for ClientState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientState({})", self.server.identity())
    }
}
