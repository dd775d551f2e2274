//! The state that the clones of a client share: its settings, the current entry and the cache.

mod held_entry;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use once_cell::race::OnceBox;
use tokenlease_core::{
    BootId, Credentials, CredentialsFingerprint, Error, ErrorKind, Now, Result, Timestamp, Token,
    lifecycle::{Policy, Ready},
    provider::Server,
    time::Moment as _,
};

use tokio::sync::Semaphore;

use self::held_entry::HeldEntry;
use crate::{
    cache::Cache,
    callbacks::Owner,
    clock::Coarse,
    counts::{Count, Counters},
    credentials_source::CredentialsSource,
    discovery::SharedDiscovery,
    entry::Entry,
    event_queue::EventQueue,
    interrupts::Interrupts,
    log::{LogLevel, Logged, Observer},
    registry::Registry,
    runtime::Runtime,
    stats::Stats,
    store::RecordName,
    wait_options::WaitOptions,
    wait_queue::WaitQueue,
};

/// The most by which the coarse clocks lag, in milliseconds: a tick of the kernel is 10 ms at most,
/// and the wall clock is read once a tick.
const COARSE_LAG: i64 = 20;
/// The longest time for which a token is cached. After it the suspend-aware clock is read again.
const MAX_CACHED: Duration = Duration::from_secs(30);

pub(crate) struct ClientState {
    pub(crate) registry: Registry,
    pub(crate) server: Server,
    /// Set if the server's paths come from its discovery document.
    pub(crate) discovery: Option<Arc<SharedDiscovery>>,
    pub(crate) policy: Arc<Policy>,
    /// The deadline of callers that set none.
    pub(crate) wait: Duration,
    /// On the heap: only clients of several threads, in other languages for the most part, use it.
    wait_queue: OnceBox<WaitQueue>,
    pub(crate) interrupts: Interrupts,
    /// The owner of the credentials function.
    pub(crate) id: Owner,
    pub(crate) cache: Cache,
    /// On the heap: only clients whose credentials a function fetches use it.
    resolving: OnceBox<tokio::sync::Mutex<()>>,
    /// On the heap: most clients of a program with many have none.
    hooks: Option<Box<Hooks>>,
    /// The current source of the credentials. A forked child reads it without a lock.
    source: ArcSwap<CredentialsSource>,
    /// The entry of the credentials that the client uses now.
    current: Mutex<Option<HeldEntry>>,
}

/// The functions that get a client's events.
#[derive(Default)]
pub(crate) struct Hooks {
    /// Called by drivers and callers at once. It never panics or blocks.
    pub(crate) observer: Option<Observer>,
    /// The hooks of the program.
    pub(crate) queue: Option<Arc<EventQueue>>,
}

impl Hooks {
    fn boxed(self) -> Option<Box<Self>> {
        (self.observer.is_some() || self.queue.is_some()).then(|| Box::new(self))
    }
}

impl ClientState {
    pub(crate) fn new(
        registry: Registry,
        server: Server,
        source: CredentialsSource,
        policy: Policy,
        wait: Duration,
        hooks: Hooks,
    ) -> Result<Self> {
        registry.check_process()?;
        registry.http().check(server.identity())?;
        let state = Self::without_entry(registry, server, source, policy, wait, hooks)?;
        let fixed = state.source().fixed().cloned();
        if let Some(credentials) = fixed {
            *state.lock() = Some(HeldEntry::Live(state.new_entry(&credentials, true)?));
        }
        Ok(state)
    }

    /// Makes the state of the same client in a forked child: with the same options, the same
    /// credentials and the same hook, and without the parent's threads, locks and connections.
    ///
    /// # Errors
    /// `Forked` if the registry's store cannot be used in a child, and `Internal` if the system
    /// provides no random numbers.
    pub(crate) fn after_fork(&self, observer: Option<Observer>) -> Result<Self> {
        let registry = self.registry.in_this_process()?;
        let queue = self.queue().map(|queue| Arc::new(queue.after_fork()));
        let (server, source) = (self.server.clone(), self.source());
        let hooks = Hooks { observer, queue };
        let state = Self::without_entry(registry, server, source, *self.policy, self.wait, hooks)?;
        let fixed = state.source().fixed().cloned();
        let entry = match fixed {
            Some(credentials) => Some(state.new_entry(&credentials, true)?),
            // The function need not be called for a token that the parent has. A thread that does not
            // exist here may hold the lock.
            None => match self.current.try_lock().ok().as_deref() {
                Some(Some(held)) => Some(state.entry_of(held.credentials_fingerprint())?),
                _ => None,
            },
        };
        *state.lock() = entry.map(HeldEntry::Live);
        Ok(state)
    }

    fn without_entry(
        registry: Registry,
        server: Server,
        source: CredentialsSource,
        policy: Policy,
        wait: Duration,
        hooks: Hooks,
    ) -> Result<Self> {
        let (server, policy) = registry.options().shared(server, policy);
        let discovery = server
            .needs_discovery()
            .then(|| registry.discoveries().of(server.identity()))
            .transpose()?;
        let total = registry.totals().of(server.identity().provider());
        Ok(Self {
            cache: Cache::new(registry.own_clock().clone(), Counters::of_client(total)),
            registry,
            server,
            discovery,
            policy,
            wait,
            wait_queue: OnceBox::new(),
            interrupts: Interrupts::default(),
            id: Owner::new(),
            resolving: OnceBox::new(),
            hooks: hooks.boxed(),
            source: ArcSwap::from_pointee(source),
            current: Mutex::new(None),
        })
    }

    pub(crate) fn now(&self) -> Now {
        self.registry.clock().now()
    }

    pub(crate) fn elapsed(&self) -> Timestamp {
        self.registry.clock().elapsed()
    }

    /// Returns the queue of threads that wait for the client's token.
    pub(crate) fn wait_queue(&self) -> &WaitQueue {
        self.wait_queue.get_or_init(Box::default)
    }

    /// Makes the threads of the queue, if there is one, see whether they are interrupted.
    pub(crate) fn wake_interrupted(&self) {
        if let Some(queue) = self.wait_queue.get() {
            queue.wake_interrupted();
        }
    }

    /// Returns the lock that is held while the credentials are fetched for a new entry: one call of the
    /// function at a time.
    pub(crate) fn resolving(&self) -> &tokio::sync::Mutex<()> {
        self.resolving.get_or_init(Box::default)
    }

    /// Fails with kind `Forked` if another process made the client: that process's threads may hold
    /// its locks.
    pub(crate) fn check_process(&self) -> Result<()> {
        self.registry.check_process()
    }

    /// Returns this process's runtime. Kind `Forked` if another process made the client.
    pub(crate) fn runtime(&self) -> Result<&'static Runtime> {
        self.check_process()?;
        Ok(Runtime::of(self.registry.process_id()))
    }

    /// Returns the name of the client's record. Entries keep it for their store calls.
    pub(crate) fn record_name(&self) -> RecordName {
        RecordName::new(self.server.identity().clone())
    }

    /// Returns the end of a call that begins now.
    pub(crate) fn deadline_of(&self, options: WaitOptions) -> Timestamp {
        self.elapsed().plus(options.deadline.unwrap_or(self.wait))
    }

    /// Returns the queue of the logins at the client's server.
    pub(crate) fn login_queue(&self) -> Arc<Semaphore> {
        let limit = self.registry.http().max_concurrent_logins();
        match self.runtime() {
            Ok(runtime) => runtime.login_turns.queue(self.server.identity().server(), limit),
            // In a forked child no driver runs.
            Err(_) => Arc::new(Semaphore::new(limit)),
        }
    }

    /// Returns the error of a login whose turn did not come.
    pub(crate) fn no_turn(&self) -> Error {
        let most = self.registry.http().max_concurrent_logins();
        let detail =
            format!("the login waits for its turn: at most {most} run at once at this server");
        Error::new(ErrorKind::DeadlineExceeded, detail)
            .advice("set a longer deadline, or a larger `max_concurrent_logins`")
    }

    pub(crate) fn cached<R>(&self, use_it: impl FnOnce(&Token) -> R) -> Option<R> {
        self.cache.get(use_it)
    }

    /// Returns the current source of the credentials.
    pub(crate) fn source(&self) -> CredentialsSource {
        CredentialsSource::clone(&self.source.load())
    }

    /// Makes the entry of fetched credentials the current one. If it is already, it stays; that of a subject
    /// takes other credentials.
    pub(crate) fn enter(self: &Arc<Self>, credentials: &Credentials) -> Result<Arc<Entry>> {
        let entry = self.new_entry(credentials, false)?;
        let mut current = self.lock();
        if let Some(old) = self.live(&mut current).filter(|old| old.holder() == entry.holder()) {
            drop(current);
            self.take_credentials(&old, entry.credentials_fingerprint())?;
            return Ok(old);
        }
        *current = Some(HeldEntry::Live(entry.clone()));
        self.cache.set(None);
        drop(current);
        self.registry.clients().has_live_entry(self);
        Ok(entry)
    }

    pub(crate) fn set_credentials(self: &Arc<Self>, source: CredentialsSource) -> Result<()> {
        self.check_process()?;
        let entry = match source.fixed() {
            Some(credentials) => Some(self.new_entry(credentials, true)?),
            None => None,
        };
        if let Some(old) = self.current().filter(|old| old.has_subject()) {
            let fingerprint = entry.map(|entry| entry.credentials_fingerprint());
            return old.replace_credentials(source.fixed().cloned(), || {
                self.source.store(Arc::new(source));
                fingerprint.map_or(Ok(()), |new| self.take_credentials(&old, new))
            });
        }
        let mut current = self.lock();
        self.source.store(Arc::new(source));
        *current = entry.map(HeldEntry::Live);
        self.cache.set(None);
        drop(current);
        self.registry.clients().has_live_entry(self);
        Ok(())
    }

    /// Tells the entry of a subject which credentials its next login sends. Its token stays in use.
    fn take_credentials(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        fingerprint: CredentialsFingerprint,
    ) -> Result<()> {
        if entry.has_subject() {
            self.with(entry, |machine| machine.set_credentials(fingerprint))?;
            // Rejected credentials no longer make them wait.
            entry.notify_callers();
        }
        Ok(())
    }

    /// Caches the token of an entry, if the entry is the current one.
    pub(crate) fn publish(&self, entry: &Arc<Entry>, ready: Option<Ready>, now: Now) {
        let current = self.lock();
        if !current.as_ref().is_some_and(|current| current.is(entry)) {
            return;
        }
        let cached = ready.and_then(|ready| {
            let left = ready.until.since(now.elapsed).min(MAX_CACHED);
            let left = i64::try_from(left.as_millis()).unwrap_or(i64::MAX) - COARSE_LAG;
            let until = Coarse::of(self.registry.clock()).plus(left);
            (left > 0).then(|| (ready.lease.token().clone(), until))
        });
        self.cache.set(cached);
    }

    /// Returns the counts of the client.
    pub(crate) fn stats(&self) -> Stats {
        let events_dropped = self.queue().map_or(0, |queue| queue.dropped());
        Stats { events_dropped, ..self.cache.counters.stats() }
    }

    /// Returns the counts of the client, by cause and result.
    pub(crate) fn counts(&self) -> Vec<Count> {
        self.cache.counters.read(self.server.identity().provider())
    }

    /// Returns the queue of the program's hook, if events may wait in it.
    pub(crate) fn hook_queue(&self) -> Option<&EventQueue> {
        self.queue().map(|queue| &**queue)
    }

    /// Puts entries into the queue of the program's hooks. Never blocks.
    pub(crate) fn queue_for_hooks(&self, logged: &[Logged]) {
        let Some(queue) = self.queue().filter(|_| !logged.is_empty()) else { return };
        // In a forked child no thread runs hooks.
        let Ok(runtime) = self.runtime() else { return };
        for logged in logged {
            queue.push(&runtime.hook_threads, logged);
        }
    }

    /// Logs an entry, and passes it to the observer.
    pub(crate) fn happened(&self, Logged { event, entry }: &Logged) {
        let identity = self.server.identity();
        match entry.level {
            LogLevel::Debug => tracing::debug!(target: "tokenlease", %identity, "{entry}"),
            LogLevel::Warning => tracing::warn!(target: "tokenlease", %identity, "{entry}"),
        }
        let observer = self.hooks.as_ref().and_then(|hooks| hooks.observer.as_ref());
        if let Some(observer) = observer {
            observer(event.as_ref(), entry);
        }
    }

    fn queue(&self) -> Option<&Arc<EventQueue>> {
        self.hooks.as_ref()?.queue.as_ref()
    }

    fn new_entry(&self, credentials: &Credentials, keep: bool) -> Result<Arc<Entry>> {
        let key = self.registry.key();
        let boot = self.registry.clock().boot().map(BootId::of);
        Entry::new(&self.server, key, &self.policy, credentials, keep, boot).map(Arc::new)
    }

    /// Returns a new entry of credentials that only a fingerprint is known of.
    fn entry_of(&self, fingerprint: CredentialsFingerprint) -> Result<Arc<Entry>> {
        let boot = self.registry.clock().boot().map(BootId::of);
        let key = self.registry.key();
        Entry::of_fingerprint(&self.server, key, &self.policy, fingerprint, None, boot)
            .map(Arc::new)
    }

    fn lock(&self) -> MutexGuard<'_, Option<HeldEntry>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ClientState {
    fn drop(&mut self) {
        // In a forked child, a thread that does not exist there may hold the lock.
        if self.check_process().is_ok() {
            self.registry.clients().remove(self);
        }
    }
}

impl fmt::Debug for ClientState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientState({})", self.server.identity())
    }
}
