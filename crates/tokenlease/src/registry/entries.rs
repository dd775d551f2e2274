//! The entries of a registry: the tokens that its clients use, by server, user and subject.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use serde_json::{Value, json};
use tokenlease_core::{Identity, Result, lease::Source};

use super::Registry;
use crate::{client::Client, state::ClientState, status::LeaseStatus};

/// Selects entries of a registry. Each condition that is set must hold; without one, all are selected.
///
/// ```
/// use tokenlease::EntryFilter;
///
/// let anna = EntryFilter::default().server("https://wyn.example")?.subject("anna");
/// # let _ = anna;
/// # Ok::<(), tokenlease::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct EntryFilter {
    server: Option<String>,
    user: Option<String>,
    subject: Option<String>,
}

impl EntryFilter {
    /// Selects the entries of a server, by its address.
    ///
    /// # Errors
    /// `Config` if the address is not an HTTP URL.
    pub fn server(mut self, server: &str) -> Result<Self> {
        // Addresses that mean the same select the same.
        let identity = Identity::oauth2(server, "", "any")?;
        self.server = Some(identity.server().to_owned());
        Ok(self)
    }

    /// Selects the entries of a user: the user name of the login.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Selects the entries of a subject.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    fn selects(&self, identity: &Identity) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        is(&self.server, identity.server())
            && is(&self.user, identity.user())
            && is(&self.subject, identity.subject().unwrap_or_default())
    }
}

/// A token that a client of the registry uses, without its text.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegistryEntry {
    /// The identity, for people.
    pub identity: String,
    /// The server's address.
    pub server: String,
    /// The user, empty if the grant has none.
    pub user: String,
    /// The subject, if the identity has one.
    pub subject: Option<String>,
    /// The token: when it expires, how that is known, and its age.
    pub lease: LeaseStatus,
    /// Where this process got the token.
    pub source: Source,
}

impl RegistryEntry {
    fn of(state: &ClientState) -> Option<Self> {
        let (now, identity) = (state.now(), state.server.identity());
        let current = |machine: &tokenlease_core::lifecycle::Lifecycle| {
            machine.current().map(|(lease, source)| (LeaseStatus::of(lease, now), source))
        };
        let (lease, source) = state.peek(current)?.filter(|(lease, _)| lease.is_live)?;
        Some(Self {
            identity: identity.to_string(),
            server: identity.server().to_owned(),
            user: identity.user().to_owned(),
            subject: identity.subject().map(str::to_owned),
            lease,
            source,
        })
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "identity": self.identity,
            "server": self.server,
            "user": self.user,
            "subject": self.subject,
            "source": self.source.as_str(),
            "lease": self.lease.json(),
        })
    }

    /// Returns entries as a JSON list of objects with the members `identity`, `server`, `user`, `subject`,
    /// `source` and `lease`, which is that of [`Status::to_json`](crate::status::Status::to_json).
    pub fn list_to_json(entries: &[Self]) -> String {
        Value::Array(entries.iter().map(Self::json).collect()).to_string()
    }
}

impl Registry {
    /// Returns the live tokens that clients of this registry use, in the order of their identities. It
    /// reads neither the store nor a server. A client that was dropped is not listed: its token may still
    /// be in the store.
    ///
    /// ```
    /// use tokenlease::EntryFilter;
    /// # use tokenlease::{Client, Registry, core::{Credentials, Identity, provider::Server}};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let emulator = tokenlease_emulator::Emulator::builder().start().await.unwrap();
    /// # let w = emulator.wyn();
    /// # let registry = Registry::builder().build()?;
    /// # let identity = Identity::wyn(&w.server(), &w.user(), w.client_id())?.with_subject("anna")?;
    /// # let credentials = Credentials::password(w.password()).with_client_secret(w.client_secret());
    /// # let builder = Client::builder(Server::new(identity), credentials).registry(&registry);
    /// let client = builder.build()?;
    /// client.token().await?;
    /// let anna = EntryFilter::default().server(&w.server())?.subject("anna");
    /// let entries = registry.entries(&anna)?;
    /// assert_eq!(entries[0].subject.as_deref(), Some("anna"));
    /// println!("expires at {:?}", entries[0].lease.expires_at);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Forked` if the store cannot be used in a forked child.
    pub fn entries(&self, filter: &EntryFilter) -> Result<Vec<RegistryEntry>> {
        let clients = self.selected(filter)?;
        let mut entries: Vec<_> =
            clients.iter().filter_map(|state| RegistryEntry::of(state)).collect();
        entries.sort_by(|one, other| one.identity.cmp(&other.identity));
        // Several clients of an identity use one token.
        entries.dedup_by_key(|entry| (entry.identity.clone(), entry.lease.fingerprint));
        Ok(entries)
    }

    /// Returns a client of this registry that the filter selects, such as that of a subject. If it selects
    /// several, the first one in the order of their identities.
    ///
    /// # Errors
    /// As [`entries`](Self::entries).
    pub fn find(&self, filter: &EntryFilter) -> Result<Option<Client>> {
        let clients = self.selected(filter)?.into_iter();
        let first = clients.min_by(|one, other| one.server.identity().cmp(other.server.identity()));
        Ok(first.map(Client))
    }

    /// Returns the clients that the filter selects.
    pub(super) fn selected(&self, filter: &EntryFilter) -> Result<Vec<Arc<ClientState>>> {
        let mut clients = self.in_this_process()?.0.clients.all();
        clients.retain(|state| filter.selects(state.server.identity()));
        Ok(clients)
    }
}

/// The number of live entries above which idle ones are packed.
const MAX_LIVE_ENTRIES: usize = 128;

/// The clients of a registry that are alive.
#[derive(Debug, Default)]
pub(crate) struct LiveClients(Mutex<Clients>);

#[derive(Debug, Default)]
struct Clients {
    all: HashMap<usize, Weak<ClientState>>,
    /// The clients with a live entry, the oldest one first. Clients that were dropped
    /// leave it when they are its first.
    live: VecDeque<usize>,
}

impl LiveClients {
    pub(crate) fn add(&self, state: &Arc<ClientState>) {
        // Before the client is one of them: an earlier client at the same address may be the first.
        self.has_live_entry(state);
        self.lock().all.insert(Arc::as_ptr(state).addr(), Arc::downgrade(state));
    }

    pub(crate) fn remove(&self, state: &ClientState) {
        self.lock().all.remove(&std::ptr::from_ref(state).addr());
    }

    /// The entry of that client is live from now on. Packs up to two others if there are too many, so that
    /// a call costs little, and their number decreases.
    pub(crate) fn has_live_entry(&self, state: &ClientState) {
        let mut clients = self.lock();
        clients.live.push_back(std::ptr::from_ref(state).addr());
        let due = [clients.next_to_pack(), clients.next_to_pack()];
        // The lock is released before a client is dropped, which takes it.
        drop(clients);
        for state in due.into_iter().flatten() {
            if !state.pack() {
                self.lock().live.push_back(Arc::as_ptr(&state).addr());
            }
        }
    }

    fn all(&self) -> Vec<Arc<ClientState>> {
        // As above.
        self.lock().all.values().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Clients> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clients {
    fn next_to_pack(&mut self) -> Option<Arc<ClientState>> {
        let first =
            (self.live.len() > MAX_LIVE_ENTRIES).then(|| self.live.pop_front()).flatten()?;
        self.all.get(&first)?.upgrade()
    }
}
