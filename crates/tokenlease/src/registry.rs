//! A registry: the store, key, TLS setup, proxy and clock that clients share.

mod end;
mod entries;
mod options;

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use once_cell::race::OnceBox;
use tokenlease_core::{Key, Result};

pub(crate) use self::entries::LiveClients;
use self::options::SharedOptions;
pub use self::{
    end::{EndBy, EndReport, Ended, EndedEntry},
    entries::{EntryFilter, RegistryEntry},
};
use crate::{
    clock::{AnyClock, Clock, SystemClock},
    counts::{Count, Totals},
    discovery::Discoveries,
    memory_store::MemoryStore,
    random,
    store::{AnyStore, Store},
    transport::{HttpOptions, Transport},
};

/// Holds what many clients share: store, connections and clock. Clones are cheap and share it.
///
/// A hundred thousand clients of one registry have one TLS setup with its session tickets, one proxy
/// configuration, one store and one runtime.
///
/// The store keeps the tokens of all clients, also of dropped ones. So a server of many tenants can
/// make a client when a tenant calls, which takes some microseconds, and drop it afterwards. A
/// cached identity takes about 350 bytes in addition to its token, a live client 1 to 1.3 kilobytes. The 128
/// clients that were used last take 3 to 4 kilobytes each.
///
/// ```
/// use tokenlease::{Client, Registry, core::{Credentials, Identity, provider::Server}};
///
/// let registry = Registry::builder().build()?;
/// for user in ["ANNA", "BORIS"] {
///     let identity = Identity::winkas("https://air.winkas.net", user, "CODE")?;
///     let client = Client::builder(Server::new(identity), Credentials::password("PASSWORD"))
///         .registry(&registry)
///         .build()?;
///     println!("{}", client.explain());
/// }
/// # Ok::<(), tokenlease::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Registry(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    process: u32,
    http: Transport,
    store: AnyStore,
    key: Key,
    clock: AnyClock,
    discoveries: Discoveries,
    options: SharedOptions,
    clients: LiveClients,
    /// The counts of all clients.
    totals: Totals,
    /// The registry of a child that this process forked.
    child: OnceBox<Registry>,
}

/// The registry of the process. A forked child makes its own of it: a thread that does not exist in
/// the child may hold a lock of its parent's.
static OF_PROCESS: ArcSwapOption<Registry> = ArcSwapOption::const_empty();

impl Registry {
    /// Starts building a registry.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// Returns the registry of clients that are built without one. Its store is the memory of this
    /// process, and its options are the defaults.
    ///
    /// # Errors
    /// `Config` for proxy settings of the environment that cannot be used, and `Internal`.
    pub fn process() -> Result<Self> {
        if let Some(registry) = OF_PROCESS.load_full() {
            return registry.in_this_process();
        }
        let made = Arc::new(Self::builder().build()?);
        // If two threads get here at once, both take the registry of one of them.
        OF_PROCESS.compare_and_swap(&None::<Arc<Self>>, Some(made.clone()));
        OF_PROCESS.load_full().unwrap_or(made).in_this_process()
    }

    /// Returns the counts of all clients since the registry was made, by provider, cause and result. They
    /// include clients that were dropped, so they never decrease.
    ///
    /// ```
    /// use tokenlease::{Count, Registry};
    ///
    /// let registry = Registry::builder().build()?;
    /// print!("{}", Count::list_to_openmetrics(&registry.counts()?));
    /// # Ok::<(), tokenlease::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Forked` if the store cannot be used in a forked child.
    pub fn counts(&self) -> Result<Vec<Count>> {
        Ok(self.in_this_process()?.0.totals.read())
    }

    /// Returns this registry in the process that made it, and in a forked child the child's own, which
    /// has the same settings, the same key, and the store as [`Store::after_fork`] returns it.
    ///
    /// # Errors
    /// `Forked` if the store cannot be used in a child.
    pub(crate) fn in_this_process(&self) -> Result<Self> {
        self.of(std::process::id()).cloned()
    }

    /// Returns the last registry of the chain that begins here, or appends one. Each forked process
    /// that made a registry is one link. An older link with this process id is never used: it belongs
    /// to an ancestor whose id the system assigned again.
    fn of(&self, process: u32) -> Result<&Self> {
        let mut last = self;
        loop {
            match last.0.child.get() {
                Some(child) => last = child,
                None if last.0.process == process => return Ok(last),
                // If two threads get here at once, one of their registries is dropped unused.
                None => _ = last.0.child.get_or_try_init(|| last.after_fork(process))?,
            }
        }
    }

    fn after_fork(&self, process: u32) -> Result<Box<Self>> {
        let Shared { http, store, key, clock, .. } = &*self.0;
        let Some(store) = store.after_fork() else {
            return Err(crate::runtime::forked(self.0.process)
                .advice("make a registry and its store after the fork"));
        };
        Ok(Box::new(Self(Arc::new(Shared {
            process,
            http: http.after_fork(),
            store,
            key: key.clone(),
            clock: clock.clone(),
            discoveries: Discoveries::default(),
            options: SharedOptions::default(),
            clients: LiveClients::default(),
            totals: Totals::default(),
            child: OnceBox::new(),
        }))))
    }

    /// Fails with kind `Forked` in any process but the one that made the registry: threads that do
    /// not exist here may hold its locks.
    pub(crate) fn check_process(&self) -> Result<()> {
        crate::runtime::check_process(self.0.process)
    }

    /// Returns the process that made the registry.
    pub(crate) fn process_id(&self) -> u32 {
        self.0.process
    }

    pub(crate) fn http(&self) -> &Transport {
        &self.0.http
    }

    pub(crate) fn store(&self) -> &AnyStore {
        &self.0.store
    }

    pub(crate) fn key(&self) -> &Key {
        &self.0.key
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.0.clock.get()
    }

    pub(crate) fn discoveries(&self) -> &Discoveries {
        &self.0.discoveries
    }

    pub(crate) fn options(&self) -> &SharedOptions {
        &self.0.options
    }

    pub(crate) fn totals(&self) -> &Totals {
        &self.0.totals
    }

    /// Returns the clients that are alive.
    pub(crate) fn clients(&self) -> &LiveClients {
        &self.0.clients
    }

    pub(crate) fn own_clock(&self) -> &AnyClock {
        &self.0.clock
    }
}

/// Builds a [`Registry`].
#[derive(Default)]
#[must_use]
pub struct RegistryBuilder {
    http: HttpOptions,
    store: Option<(AnyStore, Key)>,
    clock: Option<Arc<dyn Clock>>,
}

impl RegistryBuilder {
    /// Sets how requests are sent: proxy, TLS, timeout.
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.http = options;
        self
    }

    /// Sets the store and its key. All processes that share a store need the same key. Default: the
    /// memory of this process.
    ///
    /// The `tokenlease-store` crate has stores in files, Redis and PostgreSQL.
    pub fn store(mut self, store: impl Store, key: Key) -> Self {
        self.store = Some((AnyStore::new(store), key));
        self
    }

    /// Sets the clock. Default: [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Builds the registry.
    ///
    /// # Errors
    /// `Config` for certificates, keys and proxies that cannot be used, and `Internal` if the system
    /// provides no random numbers.
    pub fn build(self) -> Result<Registry> {
        let (store, key) = if let Some(store) = self.store {
            store
        } else {
            let clock = self.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
            (AnyStore::new(MemoryStore::new(clock)), random::key()?)
        };
        let clock = self.clock.map_or(AnyClock::System, AnyClock::Other);
        let (process, http) = (std::process::id(), Transport::new(&self.http)?);
        Ok(Registry(Arc::new(Shared {
            process,
            http,
            store,
            key,
            clock,
            discoveries: Discoveries::default(),
            options: SharedOptions::default(),
            clients: LiveClients::default(),
            totals: Totals::default(),
            child: OnceBox::new(),
        })))
    }
}

impl fmt::Debug for RegistryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryBuilder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokenlease_core::ErrorKind;

    use super::*;
    use crate::store::{Loaded, Locked, Owner, RecordName, StoreError, Swapped};

    type Result<T, E = tokenlease_core::Error> = std::result::Result<T, E>;

    /// Rule: Fork: clients share the registry of their process, and never that of its parent.
    #[test]
    fn clients_share_the_registry_of_their_process_and_not_of_its_parent() {
        let (one, other) = (Registry::process().unwrap(), Registry::process().unwrap());
        assert!(Arc::ptr_eq(&one.0, &other.0));
        let (registry, process) = (Registry::builder().build().unwrap(), std::process::id());
        assert!(Arc::ptr_eq(&registry.of(process).unwrap().0, &registry.0));
        // As a forked child finds it: made under another process id.
        let child = registry.of(process.wrapping_add(1)).unwrap();
        assert!(!Arc::ptr_eq(&child.0, &registry.0) && child.0.key == registry.0.key);
        assert!(Arc::ptr_eq(&registry.of(process.wrapping_add(1)).unwrap().0, &child.0));
        // A grandchild with the process id of its grandparent.
        assert!(!Arc::ptr_eq(&registry.of(process).unwrap().0, &registry.0));
    }

    /// A store that its author did not prepare for a fork.
    #[derive(Debug)]
    struct Unprepared(MemoryStore);

    impl Store for Unprepared {
        async fn load(&self, name: &RecordName) -> Result<Loaded, StoreError> {
            self.0.load(name).await
        }

        async fn swap(
            &self,
            name: &RecordName,
            expected: Option<u64>,
            record: &[u8],
            keep: Option<Duration>,
        ) -> Result<Swapped, StoreError> {
            self.0.swap(name, expected, record, keep).await
        }

        async fn lock(
            &self,
            name: &RecordName,
            owner: &Owner,
            ttl: Duration,
        ) -> Result<Locked, StoreError> {
            self.0.lock(name, owner, ttl).await
        }

        async fn renew(
            &self,
            name: &RecordName,
            owner: &Owner,
            ttl: Duration,
        ) -> Result<Locked, StoreError> {
            self.0.renew(name, owner, ttl).await
        }

        async fn unlock(&self, name: &RecordName, owner: &Owner) -> Result<(), StoreError> {
            self.0.unlock(name, owner).await
        }
    }

    /// Rule: Fork: a program's own store that does not support a fork is the error `Forked` in a child.
    #[test]
    fn a_store_that_does_not_support_a_fork_is_an_error_in_a_child() {
        let store = Unprepared(MemoryStore::new(Arc::new(SystemClock)));
        let registry = Registry::builder().store(store, Key::new([7; 32])).build().unwrap();
        let error = registry.of(std::process::id().wrapping_add(1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forked);
        assert!(error.to_string().contains("after the fork"), "{error}");
    }
}
