//! The session of a command: a client made from settings, one call, and an orderly end.
//!
//! No other module of the program uses the client.

mod leased;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokenlease::{
    Client, ClientBuilder, Error, ErrorKind, Registry, RegistryBuilder, Rejection, Result,
    TokenOptions, bindings,
    core::{
        Credentials, Secret, Token,
        lifecycle::{Event, Policy, Revocation},
    },
    runtime::Runtime,
};
use tokenlease_config::store;

pub(crate) use self::leased::Leased;
use crate::{
    deadline::CommandDeadline,
    output::{Failure, config, warn},
    settings::Settings,
};

const OPENING: &str = "the store was opened";

/// A client of one identity for one call. The call consumes the session and waits for the client's
/// background work, so that it interrupts no refresh and leaves no lock behind.
pub(crate) struct Session {
    client: Client,
    observed: Arc<Observed>,
    /// The deadline of the command.
    deadline: CommandDeadline,
    /// How long to wait for background work at the end.
    close_timeout: Duration,
}

/// The state of the session by its client's events.
#[derive(Debug, Default)]
struct Observed {
    /// A token was forgotten or a circuit closed.
    changed: AtomicBool,
    /// The store does not work.
    unavailable: AtomicBool,
    /// The store rejects calls.
    rejects: AtomicBool,
    /// The store's record can't be read.
    unreadable: AtomicBool,
}

impl Observed {
    fn observe(&self, event: Option<&Event>) {
        let set = |flag: &AtomicBool, to| flag.store(to, Ordering::Release);
        match event {
            Some(Event::Forgotten(_) | Event::CircuitClosed) => set(&self.changed, true),
            Some(Event::StoreUnavailable) => set(&self.unavailable, true),
            Some(Event::StoreRejected) => {
                set(&self.unavailable, true);
                set(&self.rejects, true);
            }
            Some(Event::RecordUnreadable) => {
                set(&self.unavailable, true);
                set(&self.unreadable, true);
            }
            Some(Event::StoreAvailable) => {
                set(&self.unavailable, false);
                set(&self.rejects, false);
                set(&self.unreadable, false);
            }
            _ => {}
        }
    }

    /// Returns why the result can't be shared by the store.
    fn reason_not_shared(&self) -> &'static str {
        if self.unreadable.load(Ordering::Acquire) {
            "the store's record can't be decrypted with this key, or a newer version wrote it"
        } else if self.rejects.load(Ordering::Acquire) {
            "the store rejects calls"
        } else {
            "the store is unavailable"
        }
    }
}

impl Session {
    /// Opens a session with the secrets of a login, which shares tokens by the store.
    pub(crate) async fn open(settings: &Settings, credentials: Credentials) -> Result<Self> {
        // Before the store is opened, which may create a folder.
        check_address(settings)?;
        check_deadline(settings)?;
        let config = settings.store()?;
        let opened = settings.deadline().bound(OPENING, store::open(&config)).await?;
        let registry = Registry::builder().store(opened.store, opened.key);
        Self::on(registry, settings, credentials, |builder| builder)
    }

    /// Opens a session for a revocation, which sends no password, and a client secret only if one is
    /// set. The store shares the result with all processes.
    pub(crate) async fn open_without_login(
        settings: &Settings,
        credentials: Credentials,
    ) -> Result<Self> {
        check_address(settings)?;
        check_deadline(settings)?;
        let config = settings.store()?;
        let opened = settings.deadline().bound(OPENING, store::open(&config)).await?;
        let registry = Registry::builder().store(opened.store, opened.key);
        Self::on(registry, settings, credentials, ClientBuilder::without_login)
    }

    /// Opens a session for validations of any token. They do not need the store; if it can be opened,
    /// it shares the result that a token is inactive.
    pub(crate) async fn open_for_validation(
        settings: &Settings,
        credentials: Credentials,
    ) -> Result<Self> {
        check_address(settings)?;
        let opened = async { store::open(&settings.known_store()?).await };
        let opened = settings.deadline().bound(OPENING, opened).await;
        let mut registry = Registry::builder();
        if let Ok(opened) = &opened {
            registry = registry.store(opened.store.clone(), opened.key.clone());
        }
        let session = Self::on(registry, settings, credentials, ClientBuilder::without_login)?;
        if let Err(error) = opened {
            tracing::debug!("validating without the store: {error}");
            session.observed.unavailable.store(true, Ordering::Release);
        }
        Ok(session)
    }

    fn on(
        registry: RegistryBuilder,
        settings: &Settings,
        credentials: Credentials,
        set: fn(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self> {
        check_address(settings)?;
        let observed = Arc::new(Observed::default());
        let hook = observed.clone();
        let registry = registry.http(settings.options.http()?).build()?;
        let builder = settings.options.client_for(settings.server()?, credentials, &registry);
        let client =
            bindings::observe(set(builder), move |event, _| hook.observe(event)).build()?;
        let (deadline, close_timeout) = (settings.deadline().clone(), settings.timeout());
        Ok(Self { client, observed, deadline, close_timeout })
    }

    /// Returns the token to use now, if possible with a remaining lifetime.
    pub(crate) async fn lease(self, min_remaining: Option<Duration>) -> Result<Leased> {
        let mut options = TokenOptions::default().with_deadline(self.deadline.left());
        options.min_remaining = min_remaining;
        let leased = self.bound(self.client.lease_with(options)).await;
        let leased = leased.map(|served| Leased::of(&served, &self.client));
        tracing::debug!("{}", self.client.explain());
        self.end(leased).await
    }

    /// As [`lease`](Self::lease), in a session that continues.
    pub(crate) async fn current(&self, min_remaining: Option<Duration>) -> Result<Leased> {
        let mut options = TokenOptions::default();
        options.min_remaining = min_remaining;
        self.client.lease_with(options).await.map(|served| Leased::of(&served, &self.client))
    }

    /// Returns the server's current token.
    pub(crate) async fn refetch(self) -> Result<Leased> {
        let served = self.bound(self.client.refetch()).await;
        let leased = served.map(|served| Leased::of(&served, &self.client));
        self.end(leased).await
    }

    /// Returns whether the server says that a token is active.
    pub(crate) async fn validate(self, token: Token) -> Result<bool> {
        let active = self.bound(self.client.validate(&token)).await;
        let shared = self.close().await;
        // Only an inactive token changes what other processes do.
        if let (Ok(false), Err(why)) = (&active, shared) {
            warn(format!("{why}: other processes are not notified of this"));
        }
        active
    }

    /// Reports that an API rejected a token. The client validates the token first.
    pub(crate) async fn report_rejected(self, token: Token) -> Result<Rejection> {
        let rejection = self.bound(self.client.report_rejected(&token)).await;
        self.end(rejection).await
    }

    /// Revokes a token. Returns whether the server confirmed that it is inactive.
    pub(crate) async fn revoke(self, token: Token) -> Result<bool> {
        let revocation = self.bound(self.client.revoke(&token)).await;
        self.end(revocation.map(|revocation| revocation == Revocation::Proven)).await
    }

    /// Removes the token from the store. Returns whether there was one.
    pub(crate) async fn forget(self) -> Result<bool> {
        self.bound(self.client.forget()).await?;
        Ok(self.observed.changed.load(Ordering::Acquire))
    }

    /// Allows the credentials to be sent again. Returns whether they had been rejected.
    pub(crate) async fn unblock(self) -> Result<bool> {
        self.bound(self.client.unblock()).await?;
        Ok(self.observed.changed.load(Ordering::Acquire))
    }

    /// Awaits the session's call up to the deadline of the command.
    async fn bound<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.deadline.bound("the client waited for the server or the store", Box::pin(call)).await
    }

    /// Ends the session, by the deadline of the command. The error says why the store does not have all results of the session.
    async fn close(self) -> Result<(), &'static str> {
        let close = self.client.close();
        let closed =
            tokio::time::timeout(self.close_timeout.min(self.deadline.left_to_close()), close)
                .await;
        match closed {
            Ok(Ok(())) if !self.observed.unavailable.load(Ordering::Acquire) => Ok(()),
            _ => Err(self.observed.reason_not_shared()),
        }
    }

    /// Ends the session, and warns if the result of its call is not shared.
    pub(crate) async fn end<T>(self, result: Result<T>) -> Result<T> {
        let shared = self.close().await;
        if let (Ok(_), Err(why)) = (&result, shared) {
            warn(format!(
                "{why}: the result is not shared, and the next command may have to log in; run \
                 `tokenlease store check`"
            ));
        }
        result
    }
}

/// Rejects a server to which secrets would be sent unencrypted.
fn check_address(settings: &Settings) -> Result<()> {
    if !settings.is_unencrypted() || settings.options.allow_plain_http == Some(true) {
        return Ok(());
    }
    let server = settings.identity.server();
    Err(config(format!("{server} is plain HTTP: others on the network path can read secrets"))
        .expected("https://")
        .advice("use --allow-plain-http only in a network that you trust entirely"))
}

/// Rejects a deadline that is too short, before it passes while the store is opened.
fn check_deadline(settings: &Settings) -> Result<()> {
    let Some(deadline) = settings.options.deadline else { return Ok(()) };
    Policy::default().check(&settings.server()?, deadline)
}

/// Returns the token with this text, of the kind of the server's tokens.
pub(crate) fn token(settings: &Settings, text: Secret) -> Result<Token> {
    Ok(Token::new(settings.server()?.token_kind(), text))
}

/// Rejects a server that has no refetch.
pub(crate) fn check_refetch(settings: &Settings) -> Result<()> {
    if settings.server()?.can_refetch() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, "this provider has no refetch")
        .expected("--provider winkas")
        .advice("run `tokenlease token`: it prints a token that another process shares"))
}

/// Rejects a server that can't validate tokens.
pub(crate) fn check_validation(settings: &Settings) -> Result<()> {
    if settings.server()?.can_validate() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, "this server has no endpoint that validates tokens")
        .expected("--userinfo-path or --introspection-path"))
}

/// Rejects a server that can't revoke tokens.
pub(crate) fn check_revocation(settings: &Settings) -> Result<()> {
    let server = settings.server()?;
    if server.can_revoke() {
        return Ok(());
    }
    if server.can_refetch() {
        return Err(Error::new(ErrorKind::Unsupported, "WinKAS Air has no revocation")
            .expected("--provider wyn, or oauth2 with --revocation-path")
            .advice(
                "run `tokenlease forget` to remove the token from the store; the token itself is \
                 active until it expires",
            ));
    }
    Err(Error::new(ErrorKind::Unsupported, "this server has no revocation endpoint")
        .expected("--revocation-path"))
}

/// Opens a session and gets its token. A token in a folder costs one thread, and no runtime: that is
/// each cron job and each CGI script.
pub(crate) fn lease(
    settings: &Settings,
    credentials: Credentials,
    min_remaining: Option<Duration>,
) -> Result<Leased, Failure> {
    let work = async { Session::open(settings, credentials).await?.lease(min_remaining).await };
    if !settings.store_is_folder() {
        return block_on(work);
    }
    // For the deadlines. The client waits on its own runtime, if it has to wait.
    let timers = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let timers = timers.map_err(|error| {
        Error::new(ErrorKind::Internal, format!("the timers could not be set up: {error}"))
            .advice("raise the limits on memory of this process")
    })?;
    timers.block_on(work).map_err(Into::into)
}

/// Runs a command's work to completion, on this thread and the library's runtime.
///
/// A second runtime would have no thread yet for work that blocks, such as a DNS lookup, and tokio
/// panics if the system allows none.
pub(crate) fn block_on<T, E: Into<Failure>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    Runtime::current()?.handle()?.block_on(work).map_err(Into::into)
}
