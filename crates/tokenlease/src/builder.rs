//! The builder of a client, with the client's options.

use std::{fmt, sync::Arc, time::Duration};

use tokenlease_core::{
    Now, Result,
    lifecycle::{Event, OnStoreOutage, Policy},
    provider::Server,
};

use crate::{
    client::Client,
    credentials_source::CredentialsSource,
    event_queue::{EventQueue, Hook, ProgramHooks},
    hosted::HostedClient,
    log::{LogEntry, Observer},
    registry::Registry,
    state::{ClientState, Hooks},
};

/// How long a caller waits if neither it nor the builder sets a deadline.
pub const DEADLINE: Duration = Duration::from_secs(30);

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
    on_store_outage: Option<OnStoreOutage>,
    store_check_interval: Option<Duration>,
    agreed_lifetime: Option<Duration>,
    max_lifetime: Option<Duration>,
    lock_ttl: Option<Duration>,
    without_login: bool,
    wait: Duration,
    hooks: ProgramHooks,
    observer: Option<Observer>,
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
            on_store_outage: None,
            store_check_interval: None,
            agreed_lifetime: None,
            max_lifetime: None,
            lock_ttl: None,
            without_login: false,
            wait: DEADLINE,
            hooks: ProgramHooks::default(),
            observer: None,
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

    /// Sets how long a caller waits at most if it sets no deadline. Default: 30 s,
    /// minimum: 10 ms.
    pub fn deadline(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Sets how often the client reads the store while it serves a cached token. Default: 30 s,
    /// minimum: 1 s. It sees another process's revocation after that time at the latest.
    pub fn store_check_interval(mut self, every: Duration) -> Self {
        self.store_check_interval = Some(every);
        self
    }

    /// Sets the TTL of the lock that a flight holds. Default: 30 s, and at least twice the timeout
    /// of a request. Minimum: that timeout and 4 s for the calls to the store. Maximum: a day.
    pub fn lock_ttl(mut self, ttl: Duration) -> Self {
        self.lock_ttl = Some(ttl);
        self
    }

    /// Sets what happens during a store outage. Default: the client only asks for the running token
    /// if the provider has such a call (WinKAS); otherwise callers without a cached token get an
    /// error. While the store answers and rejects calls, nothing is sent under any policy.
    pub fn on_store_outage(mut self, policy: OnStoreOutage) -> Self {
        self.on_store_outage = Some(policy);
        self
    }

    /// Sets the agreed lifetime of tokens whose expiry the provider does not state (WinKAS).
    /// Default: 12 hours, minimum: a minute. A wrong value costs validations, never logins.
    pub fn agreed_lifetime(mut self, lifetime: Duration) -> Self {
        self.agreed_lifetime = Some(lifetime);
        self
    }

    /// Sets an upper limit for the lifetime of a token whose expiry the server states. Default:
    /// none. Minimum: a minute, and longer than the timeout of a request.
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.max_lifetime = Some(lifetime);
        self
    }

    /// Never logs in, so that no credentials are needed: for processes that validate or revoke tokens, or
    /// use those that other processes share by the store. A call that would need a login fails with kind
    /// `Config`. A revocation or an introspection sends the client secret, if there is one.
    ///
    /// ```
    /// use tokenlease::Client;
    /// # use tokenlease::{ErrorKind, Registry, core::{Credentials, Identity, provider::Server}};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let emulator = tokenlease_emulator::Emulator::builder().start().await.unwrap();
    /// # let (w, registry) = (emulator.wyn(), Registry::builder().build()?);
    /// # let server = Server::new(Identity::wyn(&w.server(), &w.user(), w.client_id())?);
    /// # let text = w.log_in_elsewhere();
    /// // A logout: it has the user's token and the client secret, and no password.
    /// let client_secret = Credentials::default().with_client_secret(w.client_secret());
    /// let client =
    ///     Client::builder(server, client_secret).registry(&registry).without_login().build()?;
    /// client.revoke(&client.token_from_text(text)?).await?;
    /// assert_eq!(client.token().await.unwrap_err().kind(), ErrorKind::Config);
    /// # Ok(())
    /// # }
    /// ```
    pub fn without_login(mut self) -> Self {
        self.without_login = true;
        self
    }

    /// Sets a function that is called with each event.
    ///
    /// It gets the events in their order, one at a time, on a thread that only runs hooks. It may
    /// block, panic, and call its client, and wait for the results: no client waits for a hook. A
    /// process has four such threads at most. If more than 256 events wait for the hook, the oldest
    /// are dropped, and [`Stats::events_dropped`](crate::Stats::events_dropped) counts them.
    /// [`close`](Client::close) waits until all events are delivered.
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
    /// client.close().await?;
    /// assert!(matches!(events.lock().unwrap()[..], [Event::LoggedIn(_)]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_event(mut self, hook: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.hooks.event = Some(Hook::new(hook));
        self
    }

    /// Sets a function that is called with each entry of the client's log: each event and each failed
    /// attempt in words, with its level, its cause and its duration. It is called like the function of
    /// [`on_event`](Self::on_event). Both may be set.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use tokenlease::{
    ///     Client, LogLevel, Registry,
    ///     core::{Credentials, Identity, provider::Server},
    /// };
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tokenlease::Result<()> {
    /// # let emulator = tokenlease_emulator::Emulator::builder().start().await.unwrap();
    /// # let w = emulator.winkas();
    /// # let server = Server::new(Identity::winkas(&w.server(), &w.user(), &w.contract())?);
    /// # let (credentials, registry) = (Credentials::password("wrong"), Registry::builder().build()?);
    ///
    /// let warnings = Arc::new(Mutex::new(Vec::new()));
    /// let hook = warnings.clone();
    /// let client = Client::builder(server, credentials)
    ///     .registry(&registry)
    ///     .on_log(move |entry| {
    ///         if entry.level == LogLevel::Warning {
    ///             hook.lock().unwrap().push(entry.event);
    ///         }
    ///     })
    ///     .build()?;
    /// assert!(client.token().await.is_err());
    /// client.close().await?;
    /// assert_eq!(warnings.lock().unwrap()[..], ["circuit_opened"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_log(mut self, hook: impl Fn(&LogEntry) + Send + Sync + 'static) -> Self {
        self.hooks.log = Some(Hook::new(hook));
        self
    }

    /// Sets a function that is called with each entry of the log before the call that caused it returns.
    pub(crate) fn observer(
        mut self,
        observer: impl Fn(Option<&Event>, &LogEntry) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Builds the client. It sends nothing until its first call.
    ///
    /// # Errors
    /// `Config` for credentials that the grant lacks, for options with which the client could get no
    /// token, and for a server address over which secrets would be sent unencrypted. `Forked`
    /// if another process made the registry, and `Internal` if the system provides no random numbers.
    pub fn build(self) -> Result<Client> {
        let (registry, policy) = self.checked()?;
        let Self { server, credentials, wait, hooks, observer, .. } = self;
        let queue = (!hooks.is_empty()).then(|| Arc::new(EventQueue::new(hooks)));
        let hooks = Hooks { observer, queue };
        Ok(Client::new(ClientState::new(registry, server, credentials, policy, wait, hooks)?))
    }

    /// Builds a client whose program sends the requests, see [`hosted`](crate::hosted). Its credentials
    /// are fetched now if a function fetches them, and never again. A hook gets no events.
    ///
    /// `clocks`: the host's own clocks, which it then moves by
    /// [`set_now`](HostedClient::set_now); `None` for the system's.
    ///
    /// # Errors
    /// As [`build`](Self::build), and those of the function that fetches the credentials.
    pub fn build_hosted(self, clocks: Option<Now>) -> Result<HostedClient> {
        let (registry, policy) = self.checked()?;
        HostedClient::new(registry, self.server, &self.credentials, policy, self.wait, clocks)
    }

    pub(crate) fn into_server(self) -> (Server, CredentialsSource) {
        (self.server, self.credentials)
    }

    /// Returns the registry, and the policy after it was checked.
    pub(crate) fn checked(&self) -> Result<(Registry, Policy)> {
        let registry = match &self.registry {
            Some(registry) => registry.clone(),
            None => Registry::process()?,
        };
        let default = Policy::for_request_timeout(registry.http().timeout());
        let policy = Policy {
            store_check_interval: self.store_check_interval.unwrap_or(default.store_check_interval),
            lock_ttl: self.lock_ttl.unwrap_or(default.lock_ttl),
            on_store_outage: self.on_store_outage,
            agreed_lifetime: self.agreed_lifetime,
            max_lifetime: self.max_lifetime,
            without_login: self.without_login,
            ..default
        };
        policy.check(&self.server, self.wait)?;
        Ok((registry, policy))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientBuilder({})", self.server.identity())
    }
}
