//! The builder of a client, with the client's options.

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

/// How long a caller waits if neither it nor the builder sets a deadline.
const WAIT: Duration = Duration::from_secs(30);

/// Builds a [`Client`]. The default of each option suits most programs.
///
/// ```
/// use std::time::Duration;
/// use tokenlease::{
///     Client, Registry,
///     core::{Credentials, Identity, lifecycle::OnStoreOutage, provider::Server},
/// };
///
/// let identity = Identity::winkas("https://air.winkas.net", "NAME", "CODE")?;
/// let registry = Registry::builder().build()?;
/// let client = Client::builder(Server::new(identity), Credentials::password("PASSWORD"))
///     .registry(&registry)
///     .deadline(Duration::from_secs(10))
///     .agreed_lifetime(Duration::from_secs(24 * 3600))
///     .on_store_outage(OnStoreOutage::Fail)
///     .build()?;
/// assert_eq!(client.deadline(), Duration::from_secs(10));
/// # Ok::<(), tokenlease::Error>(())
/// ```
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

impl Client {
    /// Starts building a client of that server and identity. The credentials are fixed, or a
    /// function fetches them.
    pub fn builder(
        server: impl Into<Server>,
        credentials: impl Into<CredentialsSource>,
    ) -> ClientBuilder {
        ClientBuilder {
            server: server.into(),
            credentials: credentials.into(),
            registry: None,
            policy: Policy::default(),
            lock_ttl: None,
            wait: WAIT,
            hook: None,
        }
    }
}

impl ClientBuilder {
    /// Sets the registry, with which clients share store, connections and clock. Default: the
    /// registry of the process.
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.registry = Some(registry.clone());
        self
    }

    /// Sets how long a caller waits at most if it sets no deadline. Default: 30 s.
    pub fn deadline(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Sets how often the client reads the store while it serves a cached token. Default: 30 s. It
    /// sees another process's revocation after that time at the latest.
    pub fn store_check_interval(mut self, every: Duration) -> Self {
        self.policy.store_check_interval = every;
        self
    }

    /// Sets the TTL of the lock that a flight holds. Default: 30 s, and at least twice the timeout
    /// of a request. It must be longer than that timeout.
    pub fn lock_ttl(mut self, ttl: Duration) -> Self {
        self.lock_ttl = Some(ttl);
        self
    }

    /// Sets what happens during a store outage. Default: the client only asks for the running token
    /// if the provider has such a call (WinKAS); otherwise one login for each process and token
    /// lifetime.
    pub fn on_store_outage(mut self, policy: OnStoreOutage) -> Self {
        self.policy.on_store_outage = Some(policy);
        self
    }

    /// Sets the agreed lifetime of tokens whose expiry the provider does not state (WinKAS).
    /// Default: 12 hours. A wrong value costs validations, never logins.
    pub fn agreed_lifetime(mut self, lifetime: Duration) -> Self {
        self.policy.agreed_lifetime = Some(lifetime);
        self
    }

    /// Sets an upper limit for the lifetime of a token whose expiry the server states. Default:
    /// none.
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.policy.max_lifetime = Some(lifetime);
        self
    }

    /// Sets a function that is called with each event.
    ///
    /// It runs on a thread of the client's runtime or of a caller. It must not block or wait for a
    /// token. It may call [`explain`](Client::explain) and [`stats`](Client::stats).
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use tokenlease::{
    ///     Client, Registry,
    ///     core::{Credentials, Identity, lifecycle::Event, provider::Server},
    /// };
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let emulator = tokenlease_emulator::Emulator::builder().start().await.unwrap();
    /// # let w = emulator.winkas();
    /// # let server = Server::new(Identity::winkas(&w.server(), &w.user(), &w.contract())?);
    /// # let (credentials, registry) = (Credentials::password(w.password()), Registry::builder().build()?);
    ///
    /// let events = Arc::new(Mutex::new(Vec::new()));
    /// let hook = events.clone();
    /// let client = Client::builder(server, credentials)
    ///     .registry(&registry)
    ///     .on_event(move |event| hook.lock().unwrap().push(*event))
    ///     .build()?;
    /// client.token().await?;
    /// assert!(matches!(events.lock().unwrap()[..], [Event::LoggedIn(_)]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_event(mut self, hook: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.hook = Some(Box::new(hook));
        self
    }

    /// Builds the client. It sends nothing until its first call.
    ///
    /// # Errors
    /// `Config` for credentials that the grant lacks, and for a server address over which secrets
    /// would be sent unencrypted. `Forked` if another process made the registry, and `Internal` if
    /// the system provides no random numbers.
    pub fn build(self) -> Result<Client> {
        let registry = match self.registry {
            Some(registry) => registry,
            None => Registry::process()?,
        };
        let Self { server, credentials, mut policy, lock_ttl, wait, hook, .. } = self;
        policy.request_timeout = registry.http().timeout();
        // A login must complete within the TTL.
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
