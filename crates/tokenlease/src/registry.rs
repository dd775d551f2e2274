//! A registry: the store, key, TLS setup, proxy and clock that clients share.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use tokenlease_core::{Key, Result};

use crate::{
    clock::{AnyClock, Clock, SystemClock},
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
/// cached identity takes about 250 bytes in addition to its token, a live client about 3 kilobytes.
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
}

/// The registry of the process with that id. A forked child makes its own: a thread that does not
/// exist in the child may hold a lock of its parent's.
static OF_PROCESS: ArcSwapOption<(u32, Registry)> = ArcSwapOption::const_empty();

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
        let process = std::process::id();
        let made_here = |found: &(u32, Self)| (found.0 == process).then(|| found.1.clone());
        let found = OF_PROCESS.load_full();
        if let Some(registry) = found.as_deref().and_then(made_here) {
            return Ok(registry);
        }
        let made = Arc::new((process, Self::builder().build()?));
        // If two threads get here at once, both take the registry of one of them.
        OF_PROCESS.compare_and_swap(&found, Some(made.clone()));
        let taken = OF_PROCESS.load_full();
        Ok(taken.as_deref().and_then(made_here).unwrap_or_else(|| made.1.clone()))
    }

    /// Fails with kind `Forked` in any process but the one that made the registry: threads that do
    /// not exist here may hold its locks.
    pub(crate) fn check_process(&self) -> Result<()> {
        crate::runtime::check_process(self.0.process)
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
        let discoveries = Discoveries::default();
        Ok(Registry(Arc::new(Shared { process, http, store, key, clock, discoveries })))
    }
}

impl fmt::Debug for RegistryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryBuilder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // One test, since both halves change the one registry of this process.
    /// Rule: Fork: clients share the registry of their process, and never that of its parent.
    #[test]
    fn clients_share_the_registry_of_their_process_and_not_of_its_parent() {
        let (one, other) = (Registry::process().unwrap(), Registry::process().unwrap());
        assert!(Arc::ptr_eq(&one.0, &other.0));
        // As a forked child finds it: made under another process id.
        OF_PROCESS.store(Some(Arc::new((std::process::id().wrapping_add(1), one.clone()))));
        let own = Registry::process().unwrap();
        assert!(!Arc::ptr_eq(&own.0, &one.0));
    }
}
