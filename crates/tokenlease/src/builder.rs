//! The options of a client.

use std::{fmt, time::Duration};

use tokenlease_core::{
    Result,
    lifecycle::{Event, OnStoreOutage, Policy},
    provider::Server,
};

use crate::{
    client::Client,
    credentials_source::CredentialsSource,
    registry::Registry,
    state::{ClientState, Hook},
};

/// How long a caller waits unless it says otherwise.
const WAIT: Duration = Duration::from_secs(30);

/// Options of a [`Client`]; each has a default that is right for most.
#[must_use]
pub struct ClientBuilder {
    server: Server,
    credentials: CredentialsSource,
    registry: Option<Registry>,
    policy: Policy,
    lock_ttl: Option<Duration>,
    wait: Duration,
    hook: Option<Hook>,
}

impl ClientBuilder {
    pub(crate) fn new(server: Server, credentials: CredentialsSource) -> Self {
        Self {
            server,
            credentials,
            registry: None,
            policy: Policy::default(),
            lock_ttl: None,
            wait: WAIT,
            hook: None,
        }
    }

    /// What the client shares with others: store, connections, clock. By default the process's.
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = Some(registry.clone());
        self
    }

    /// How long a caller waits unless it says otherwise: 30 s by default.
    pub fn deadline(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How long a look at the store is good for: 30 s by default. A sibling's revocation is seen
    /// after that long at the latest.
    pub fn store_check_interval(mut self, every: Duration) -> Self {
        self.policy.store_check_interval = every;
        self
    }

    /// The life of the lock of a flight: by default 30 s, and at least twice what a request may
    /// take. It must be longer than that.
    pub fn lock_ttl(mut self, life: Duration) -> Self {
        self.lock_ttl = Some(life);
        self
    }

    /// What happens while the store is away: by default only the running token is asked for
    /// where the provider has a call for that (WinKAS), else one new token a process and lifetime.
    pub fn on_store_outage(mut self, policy: OnStoreOutage) -> Self {
        self.policy.on_store_outage = Some(policy);
        self
    }

    /// The life of the agreement's tokens, where nobody states their ends (WinKAS) and it is not
    /// the usual 12 hours. If it is wrong, that costs validations, never logins.
    pub fn agreed_lifetime(mut self, life: Duration) -> Self {
        self.policy.agreed_lifetime = Some(life);
        self
    }

    /// An upper limit of one's own for the life of a token whose end the server states.
    pub fn max_lifetime(mut self, life: Duration) -> Self {
        self.policy.max_lifetime = Some(life);
        self
    }

    /// Is called with each event, on a thread of the client's runtime or of a caller. It must not
    /// block, nor wait for a token; it may look at the client
    /// ([`explain`](Client::explain), [`stats`](Client::stats)).
    pub fn on_event(mut self, hook: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.hook = Some(Box::new(hook));
        self
    }

    /// The client. It sends nothing until it is asked.
    ///
    /// # Errors
    /// `Config` for credentials that the grant lacks, and for an address over which secrets would
    /// travel in the clear.
    pub fn build(self) -> Result<Client> {
        let registry = match self.registry {
            Some(registry) => registry,
            None => Registry::process()?,
        };
        let Self { server, credentials, mut policy, lock_ttl, wait, hook, .. } = self;
        policy.request_timeout = registry.http().timeout();
        // A login must fit into it.
        let fitting = policy.lock_ttl.max(policy.request_timeout.saturating_mul(2));
        policy.lock_ttl = lock_ttl.unwrap_or(fitting);
        Ok(Client::new(ClientState::new(registry, server, credentials, policy, wait, hook)?))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientBuilder({})", self.server.identity())
    }
}
