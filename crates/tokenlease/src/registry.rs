//! What clients share: the store, the key, the HTTP pool, TLS, and the clock.

use std::{fmt, sync::Arc};

use once_cell::sync::OnceCell;
use tokenlease_core::{Key, Result};

use crate::{
    clock::{Clock, SystemClock},
    memory::MemoryStore,
    random,
    store::Store,
    transport::{HttpOptions, Transport},
};

/// What many clients share. Cloning is cheap and shares it; a hundred thousand clients of one
/// registry have one connection pool, one TLS set-up and one runtime.
#[derive(Clone, Debug)]
pub struct Registry(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    http: Transport,
    store: Arc<dyn Store>,
    key: Key,
    clock: Arc<dyn Clock>,
}

static DEFAULT: OnceCell<Registry> = OnceCell::new();

impl Registry {
    /// Begins a registry of its own.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// The registry of clients that name none: the process's memory is its store, and all its
    /// options are the defaults.
    pub fn process() -> Result<Self> {
        DEFAULT.get_or_try_init(|| Self::builder().build()).cloned()
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

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
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
    /// How vendors are reached.
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
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let (store, key) = match self.store {
            Some(store) => store,
            None => (Arc::new(MemoryStore::new(clock.clone())) as Arc<dyn Store>, random::key()?),
        };
        Ok(Registry(Arc::new(Shared { http: Transport::new(&self.http)?, store, key, clock })))
    }
}

impl fmt::Debug for RegistryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryBuilder").finish_non_exhaustive()
    }
}
