//! The only place that uses the client: settings become a server and a client, and its answers
//! what the commands print.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokenlease::{
    Client, Clock as _, Error, ErrorKind, Registry, RegistryBuilder, Rejection, Result,
    SystemClock,
    core::{
        Credentials, Secret, Token, TokenKind, WallTime,
        lease::Expiry,
        lifecycle::{Event, Revocation, Served},
        time::Moment,
    },
};

use tokenlease_config::store;

use crate::{
    output::{Failure, config, warn},
    settings::Settings,
};

/// Stands for a secret that the calls of a session do not send: the client wants each.
const NOT_SENT: &str = "(tokenlease: not sent)";

/// A token with what is known of it, for printing.
#[derive(Debug)]
pub(crate) struct Leased {
    pub(crate) token: Token,
    pub(crate) source: &'static str,
    pub(crate) expires_at: Option<WallTime>,
    pub(crate) end: &'static str,
    pub(crate) generation: u64,
}

impl Leased {
    pub(crate) fn kind(&self) -> &'static str {
        match self.token.kind() {
            TokenKind::Winkas => "winkas",
            _ => "bearer",
        }
    }
}

/// A client of one identity. A call uses it up, and ends once nothing is under way any more: no
/// refresh is cut off, and no lock is left behind.
pub(crate) struct Session {
    client: Client,
    seen: Arc<Seen>,
    /// How long to wait in the end for what is under way.
    patience: Duration,
}

/// What a session's client told of itself.
#[derive(Debug, Default)]
struct Seen {
    /// A token was forgotten or a circuit closed.
    changed: AtomicBool,
    /// The store does not answer.
    away: AtomicBool,
    /// It holds a record that can't be read.
    unreadable: AtomicBool,
}

impl Seen {
    fn see(&self, event: &Event) {
        let set = |mark: &AtomicBool, to| mark.store(to, Ordering::Release);
        match event {
            Event::Forgotten(_) | Event::CircuitClosed => set(&self.changed, true),
            Event::StoreUnavailable => set(&self.away, true),
            Event::RecordUnreadable => set(&self.unreadable, true),
            Event::StoreAvailable => {
                set(&self.away, false);
                set(&self.unreadable, false);
            }
            _ => {}
        }
    }

    /// Why others who share the store do not hear of what was done.
    fn silence(&self) -> &'static str {
        if self.unreadable.load(Ordering::Acquire) {
            "the store's record does not open under this key, or a newer version wrote it"
        } else {
            "the store does not answer"
        }
    }
}

impl Session {
    /// A client that has what a login takes, and shares leases in the store.
    pub(crate) async fn open(settings: &Settings, credentials: Credentials) -> Result<Self> {
        // Before the store is opened, which may make a folder.
        check_address(settings)?;
        let opened = store::open(&settings.shared()?).await?;
        Self::on(Registry::builder().store(opened.store, opened.key), settings, credentials)
    }

    /// A client for a revocation, which sends no password, and a client's secret only if one is
    /// given. All who share the store hear of it.
    pub(crate) async fn open_without_login(
        settings: &Settings,
        credentials: Credentials,
    ) -> Result<Self> {
        Self::open(settings, all_given(credentials)).await
    }

    /// A client for questions about any token. They need no store; where there is one, those who
    /// share it hear of a no.
    pub(crate) async fn open_to_ask(settings: &Settings, credentials: Credentials) -> Result<Self> {
        check_address(settings)?;
        let opened = async { store::open(&settings.known_shared()?).await }.await;
        let mut registry = Registry::builder();
        if let Ok(opened) = &opened {
            registry = registry.store(opened.store.clone(), opened.key.clone());
        }
        let session = Self::on(registry, settings, all_given(credentials))?;
        if let Err(error) = opened {
            tracing::debug!("asking without the store: {error}");
            session.seen.away.store(true, Ordering::Release);
        }
        Ok(session)
    }

    fn on(
        registry: RegistryBuilder,
        settings: &Settings,
        credentials: Credentials,
    ) -> Result<Self> {
        check_address(settings)?;
        let seen = Arc::new(Seen::default());
        let hook = seen.clone();
        let registry = registry.http(settings.options.http()?).build()?;
        let client = settings
            .options
            .client_of(settings.server()?, credentials, &registry)
            .on_event(move |event| hook.see(event))
            .build()?;
        Ok(Self { client, seen, patience: settings.timeout() })
    }

    /// The token to use now.
    pub(crate) async fn lease(self) -> Result<Leased> {
        let served = self.client.lease().await;
        tracing::debug!("{}", self.client.explain());
        self.end(served.map(|served| leased(&served))).await
    }

    /// The provider's running token.
    pub(crate) async fn refetch(self) -> Result<Leased> {
        let served = self.client.refetch().await;
        self.end(served.map(|served| leased(&served))).await
    }

    /// The provider's word on a token.
    pub(crate) async fn validate(self, token: Token) -> Result<bool> {
        let active = self.client.validate(&token).await;
        let shared = self.close().await;
        // Nobody has to hear of a yes.
        if let (Ok(false), Err(why)) = (&active, shared) {
            warn(format!("{why}: others who share it do not hear of this"));
        }
        active
    }

    /// Claims that an API rejected a token; the provider is asked before that is believed.
    pub(crate) async fn report_rejected(self, token: Token) -> Result<Rejection> {
        let rejection = self.client.report_rejected(&token).await;
        self.end(rejection).await
    }

    /// Ends a token; whether that was proven.
    pub(crate) async fn revoke(self, token: Token) -> Result<bool> {
        let revocation = self.client.revoke(&token).await;
        self.end(revocation.map(|revocation| revocation == Revocation::Proven)).await
    }

    /// Drops the token from the store; whether there was one.
    pub(crate) async fn forget(self) -> Result<bool> {
        self.client.forget().await?;
        Ok(self.seen.changed.load(Ordering::Acquire))
    }

    /// Says that the credentials are right; whether they had been rejected.
    pub(crate) async fn unblock(self) -> Result<bool> {
        self.client.unblock().await?;
        Ok(self.seen.changed.load(Ordering::Acquire))
    }

    /// Ends the session. The error says why the store has not heard of all that siblings should know.
    async fn close(self) -> Result<(), &'static str> {
        let close = self.client.close();
        let closed = tokio::time::timeout(self.patience, close).await;
        match closed {
            Ok(Ok(())) if !self.seen.away.load(Ordering::Acquire) => Ok(()),
            _ => Err(self.seen.silence()),
        }
    }

    /// Ends the session with the result of its call.
    async fn end<T>(self, result: Result<T>) -> Result<T> {
        let shared = self.close().await;
        if let (Ok(_), Err(why)) = (&result, shared) {
            warn(format!(
                "{why}, so this is not shared, and the next to ask may have to log in; see \
                 `tokenlease store check`"
            ));
        }
        result
    }
}

/// Whether secrets may be sent to the server's address.
fn check_address(settings: &Settings) -> Result<()> {
    if !settings.is_sent_in_the_clear() || settings.options.allow_plain_http == Some(true) {
        return Ok(());
    }
    let server = settings.identity.server();
    Err(config(format!("{server} is plain HTTP: secrets could be read on the way"))
        .expected("https://")
        .advice("only in a network that is trusted wholly, give --allow-plain-http"))
}

/// The client wants each secret, also for calls that do not send it.
fn all_given(mut credentials: Credentials) -> Credentials {
    credentials.password.get_or_insert_with(|| NOT_SENT.into());
    credentials.client_secret.get_or_insert_with(|| NOT_SENT.into());
    credentials
}

fn leased(served: &Served) -> Leased {
    let lease = &served.lease;
    let (end, at) = end_of(lease.expiry(), lease.sent_at());
    let now = SystemClock.now();
    Leased {
        token: lease.token().clone(),
        source: served.source.as_str(),
        expires_at: at.map(|at| now.wall_at(at)),
        end,
        generation: lease.generation(),
    }
}

/// How the end of a token is known, and when it is: where it is assumed, that is when the provider
/// is asked from.
pub(crate) fn end_of<T: Moment>(expiry: Expiry<T>, sent_at: T) -> (&'static str, Option<T>) {
    match expiry {
        Expiry::Stated { end } => ("stated", Some(end)),
        Expiry::Capped { end } => ("capped", Some(end)),
        Expiry::Assumed { validate_from_age, learned: false } => {
            ("assumed", Some(sent_at.plus(validate_from_age)))
        }
        Expiry::Assumed { validate_from_age, learned: true } => {
            ("learned", Some(sent_at.plus(validate_from_age)))
        }
        Expiry::Unstated => ("unstated", None),
        Expiry::ExpiredOnArrival { received } => ("spent", Some(received)),
        _ => ("unknown", None),
    }
}

/// The token that a text is to this server.
pub(crate) fn token(settings: &Settings, text: Secret) -> Result<Token> {
    Ok(Token::new(settings.server()?.token_kind(), text))
}

/// Whether there is a call that returns the last active token.
pub(crate) fn check_refetch(settings: &Settings) -> Result<()> {
    if settings.server()?.can_refetch() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, "this provider has no call that returns the last token")
        .expected("--provider winkas")
        .advice("`token` finds one that is in use where it is shared"))
}

/// Whether the server can be asked for its word on a token.
pub(crate) fn check_validation(settings: &Settings) -> Result<()> {
    if settings.server()?.can_validate() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, "this server has no call that tells of a token")
        .expected("--userinfo-path or --introspection-path"))
}

/// Whether a token can be ended.
pub(crate) fn check_revocation(settings: &Settings) -> Result<()> {
    let server = settings.server()?;
    if server.can_revoke() {
        return Ok(());
    }
    if server.can_refetch() {
        return Err(Error::new(ErrorKind::Unsupported, "WinKAS Air has no revocation")
            .expected("--provider wyn, or oauth2 with --revocation-path")
            .advice(
                "`forget` drops a token from the store that programs share; the token itself ends \
                 when its time is over",
            ));
    }
    Err(Error::new(ErrorKind::Unsupported, "this server has no revocation endpoint")
        .expected("--revocation-path"))
}

/// Runs a command's work to its end on a runtime of this thread.
pub(crate) fn block_on<T, E: Into<Failure>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        config(format!("the program can't wait for anything: {error}"))
            .expected("a system that allows sockets and timers")
    })?;
    let result = runtime.block_on(work);
    // A name that is still being looked up would hold the program back.
    runtime.shutdown_timeout(Duration::ZERO);
    result.map_err(Into::into)
}
