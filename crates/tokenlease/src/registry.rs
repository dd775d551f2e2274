//! What clients share: the store, the key, TLS and proxy, and the clock.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use tokenlease_core::{Key, Result};

use crate::{
    clock::{AnyClock, Clock, SystemClock},
    memory::MemoryStore,
    random,
    store::Store,
    transport::{HttpOptions, Transport},
};

/// What many clients share. Cloning is cheap and shares it; a hundred thousand clients of one
/// registry have one TLS set-up with its session tickets, one proxy configuration, one store and
/// one runtime.
///
/// Its store keeps the tokens of all its clients, also of those that were dropped: a server of many
/// tenants makes a client when one of them calls (some microseconds) and need not hold it. A cached
/// identity takes some 250 bytes beside its token, a client that is held some 3 kilobytes.
#[derive(Clone, Debug)]
pub struct Registry(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    process: u32,
    http: Transport,
    store: Arc<dyn Store>,
    key: Key,
    clock: AnyClock,
}

/// The registry of a process, by its id: a forked child makes its own, since its parent's may be
/// locked by a thread that is not there.
static OF_PROCESS: ArcSwapOption<(u32, Registry)> = ArcSwapOption::const_empty();

impl Registry {
    /// Begins a registry of its own.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// The registry of clients that name none: the process's memory is its store, and all its
    /// options are the defaults.
    pub fn process() -> Result<Self> {
        let process = std::process::id();
        let made_here = |found: &(u32, Self)| (found.0 == process).then(|| found.1.clone());
        let found = OF_PROCESS.load_full();
        if let Some(registry) = found.as_deref().and_then(made_here) {
            return Ok(registry);
        }
        let made = Arc::new((process, Self::builder().build()?));
        // Of two threads that come first together, one's registry is taken by both.
        OF_PROCESS.compare_and_swap(&found, Some(made.clone()));
        let taken = OF_PROCESS.load_full();
        Ok(taken.as_deref().and_then(made_here).unwrap_or_else(|| made.1.clone()))
    }

    /// Kind `Forked` in any process but the one that made it: its locks may be held by threads
    /// that are not there.
    pub(crate) fn check_process(&self) -> Result<()> {
        crate::runtime::check_process(self.0.process)
    }

    pub(crate) fn http(&self) -> &Transport {
        &self.0.http
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    pub(crate) fn key(&self) -> &Key {
        &self.0.key
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.0.clock.get()
    }

    pub(crate) fn own_clock(&self) -> &AnyClock {
        &self.0.clock
    }
}

/// Options of a [`Registry`].
#[derive(Default)]
#[must_use]
pub struct RegistryBuilder {
    http: HttpOptions,
    store: Option<(Arc<dyn Store>, Key)>,
    clock: Option<Arc<dyn Clock>>,
}

impl RegistryBuilder {
    /// How providers are reached.
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.http = options;
        self
    }

    /// The store that siblings share, and its key: all who share it must have the same one. By
    /// default the store is the memory of this process.
    pub fn store(mut self, store: Arc<dyn Store>, key: Key) -> Self {
        self.store = Some((store, key));
        self
    }

    /// The clock. By default the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The registry. Kind `Config` for certificates, keys and proxies that can't be read.
    pub fn build(self) -> Result<Registry> {
        let (store, key) = if let Some(store) = self.store {
            store
        } else {
            let clock = self.clock.clone().unwrap_or_else(|| Arc::new(SystemClock));
            (Arc::new(MemoryStore::new(clock)) as Arc<dyn Store>, random::key()?)
        };
        let clock = self.clock.map_or(AnyClock::System, AnyClock::Other);
        let (process, http) = (std::process::id(), Transport::new(&self.http)?);
        Ok(Registry(Arc::new(Shared { process, http, store, key, clock })))
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

    // One test: both move the one registry of this process.
    #[test]
    fn lesson_18_clients_share_the_registry_of_their_process_and_of_no_parent() {
        let (one, other) = (Registry::process().unwrap(), Registry::process().unwrap());
        assert!(Arc::ptr_eq(&one.0, &other.0));
        // As a child finds it: made under another process id.
        OF_PROCESS.store(Some(Arc::new((std::process::id().wrapping_add(1), one.clone()))));
        let own = Registry::process().unwrap();
        assert!(!Arc::ptr_eq(&own.0, &one.0));
    }
}
