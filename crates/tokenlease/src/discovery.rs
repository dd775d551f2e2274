//! Reads discovery documents: performs the steps of the core's `Discovery`.
//!
//! A call to the provider needs the document, and a cached or stored token does not. The clients of a
//! registry share the discovery of a server, and processes share it through the store.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokenlease_core::{
    Error, ErrorKind, Identity, Result, Timestamp,
    provider::{
        Server,
        oauth2::{Discovery, DiscoveryStep, Metadata},
    },
    time::Moment as _,
};

use crate::{
    entry::Entry,
    random,
    state::ClientState,
    store::{RecordName, Store as _},
};

/// The discoveries of the servers of a registry's clients.
#[derive(Debug, Default)]
pub(crate) struct Discoveries(Mutex<BTreeMap<String, Weak<SharedDiscovery>>>);

/// The discovery of one server. One caller performs its steps at a time.
#[derive(Debug)]
pub(crate) struct SharedDiscovery {
    name: RecordName,
    discovery: tokio::sync::Mutex<Discovery>,
}

impl Discoveries {
    /// Returns the discovery of an identity's server. It is dropped with its last client.
    pub(crate) fn of(&self, identity: &Identity) -> Result<Arc<SharedDiscovery>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = all.get(identity.server()).and_then(Weak::upgrade) {
            return Ok(found);
        }
        all.retain(|_, discovery| discovery.strong_count() > 0);
        let made = Arc::new(SharedDiscovery {
            name: RecordName::new(identity.of_server()),
            discovery: tokio::sync::Mutex::new(Discovery::new(identity, random::seed()?)),
        });
        all.insert(identity.server().to_owned(), Arc::downgrade(&made));
        Ok(made)
    }
}

impl ClientState {
    /// Returns the server with what its discovery document says, and tells the entry's state machine
    /// which calls that server has. Reads the document if it must, and gives up at `until`.
    pub(crate) async fn discovered(&self, entry: &Entry, until: Timestamp) -> Result<Server> {
        let Some(shared) = &self.discovery else { return Ok(self.server.clone()) };
        let left = until.since(self.elapsed());
        let metadata = tokio::time::timeout(left, self.discover(shared, left)).await;
        let metadata = metadata.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::DeadlineExceeded,
                "the server's discovery document was not read in time",
            )
            .advice("check the server address, or set the option token_path"))
        })?;
        let server = self.server.clone().with_metadata(metadata)?;
        entry.lock().lifecycle.set_calls_of(&server);
        Ok(server)
    }

    /// Performs the steps of a discovery. All together they take at most `limit`.
    async fn discover(
        &self,
        shared: &SharedDiscovery,
        limit: Duration,
    ) -> Result<Option<Arc<Metadata>>> {
        let (store, name) = (self.registry.store(), &shared.name);
        let mut discovery = shared.discovery.lock().await;
        loop {
            let step = discovery.poll(self.now());
            let limit = step.limit(limit);
            match step {
                DiscoveryStep::Done(result) => return result,
                DiscoveryStep::Load => {
                    self.cache.counters.store_called();
                    let loaded = tokio::time::timeout(limit, store.load(name)).await;
                    if let Ok(Ok(loaded)) = loaded {
                        let stored = loaded.record.as_ref();
                        let stored = stored.map(|stored| (stored.revision(), stored.bytes()));
                        discovery.loaded(stored, loaded.now, self.elapsed());
                    } else {
                        discovery.not_loaded();
                    }
                }
                DiscoveryStep::Send(request) => {
                    tracing::debug!(target: "tokenlease", "reads {}", request.uri());
                    let answer = self.registry.http().send(request, limit).await;
                    let answer = answer.as_ref().map_err(|error| error.error().clone());
                    discovery.answered(answer, self.elapsed());
                }
                DiscoveryStep::Save { expected, record, keep } => {
                    self.cache.counters.store_called();
                    // If it fails, or another process was faster, only requests are not saved.
                    let saving = store.swap(name, expected, &record, Some(keep));
                    let _ = tokio::time::timeout(limit, saving).await;
                    discovery.saved();
                }
            }
        }
    }
}
