//! The only place that uses the client: settings become a server and a client, and its answers
//! what the commands print.

use std::time::Duration;

use tokenlease::{
    Client, Clock as _, Error, ErrorKind, HttpOptions, Registry, Result, SystemClock,
    core::{
        Credentials, Secret, Token, TokenKind, WallTime,
        lease::Expiry,
        lifecycle::{Revocation, Served},
        time::Moment as _,
        vendor::{self, Server},
    },
};

use crate::{
    options::{ClientAuth, Grant},
    output::{Failure, config},
    settings::Settings,
};

/// Stands for a secret that the calls of a session do not send: the client wants each.
const NOT_SENT: &str = "(tokenlease: not sent)";

/// A token with what is known of it, for printing.
#[derive(Debug)]
pub(crate) struct Leased {
    pub(crate) token: Token,
    pub(crate) rung: &'static str,
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

/// A client of one identity.
pub(crate) struct Session(Client);

impl Session {
    /// A client that has what a login takes.
    pub(crate) fn open(settings: &Settings, credentials: Credentials) -> Result<Self> {
        if settings.is_sent_in_the_clear() && settings.options.allow_plain_http != Some(true) {
            let server = settings.identity.server();
            return Err(config(format!(
                "{server} is plain HTTP: secrets could be read on the way"
            ))
            .expected("https://")
            .advice("only in a network that is trusted wholly, give --allow-plain-http"));
        }
        let timeout = settings.timeout();
        let mut http = HttpOptions::new().with_timeout(timeout);
        if let Some(pem) = settings.ca()? {
            http = http.with_extra_ca(pem);
        }
        if settings.options.allow_plain_http == Some(true) {
            http = http.dangerously_allow_plain_http();
        }
        let registry = Registry::builder().http(http).build()?;
        let client = Client::builder(server(settings)?, credentials)
            .registry(&registry)
            .deadline(settings.deadline())
            // A login must fit into it.
            .lock_life(Duration::from_secs(30).max(timeout.saturating_mul(2)))
            .build()?;
        Ok(Self(client))
    }

    /// A client for calls that send no password, and a client's secret only if one is given.
    pub(crate) fn open_without_login(
        settings: &Settings,
        mut credentials: Credentials,
    ) -> Result<Self> {
        credentials.password.get_or_insert_with(|| NOT_SENT.into());
        credentials.client_secret.get_or_insert_with(|| NOT_SENT.into());
        Self::open(settings, credentials)
    }

    /// The token to use now.
    pub(crate) async fn lease(&self) -> Result<Leased> {
        let served = self.0.lease().await;
        tracing::debug!("{}", self.0.explain());
        Ok(leased(&served?))
    }

    /// The vendor's running token.
    pub(crate) async fn refetch(&self) -> Result<Leased> {
        Ok(leased(&self.0.refetch().await?))
    }

    /// The vendor's word on a token.
    pub(crate) async fn validate(&self, token: Token) -> Result<bool> {
        self.0.validate(&token).await
    }

    /// Ends a token; whether that was proven.
    pub(crate) async fn revoke(&self, token: Token) -> Result<bool> {
        Ok(self.0.revoke(&token).await? == Revocation::Proven)
    }
}

fn leased(served: &Served) -> Leased {
    let lease = &served.lease;
    let sent_at = lease.sent_at();
    let (end, at) = match lease.expiry() {
        Expiry::Stated { end } => ("stated", Some(end)),
        Expiry::Capped { end } => ("capped", Some(end)),
        Expiry::Assumed { probe_age, learned: false } => ("assumed", Some(sent_at.plus(probe_age))),
        Expiry::Assumed { probe_age, learned: true } => ("learned", Some(sent_at.plus(probe_age))),
        Expiry::Unstated => ("unstated", None),
        Expiry::Spent { received } => ("spent", Some(received)),
        _ => ("unknown", None),
    };
    let now = SystemClock.now();
    Leased {
        token: lease.token().clone(),
        rung: served.rung.as_str(),
        expires_at: at.map(|at| now.wall_at(at)),
        end,
        generation: lease.generation(),
    }
}

/// The token that a text is to this server.
pub(crate) fn token(settings: &Settings, text: Secret) -> Result<Token> {
    Ok(Token::new(server(settings)?.token_kind(), text))
}

/// Whether there is a call that returns the last active token.
pub(crate) fn check_refetch(settings: &Settings) -> Result<()> {
    if server(settings)?.can_refetch() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, "this vendor has no call that returns the last token")
        .expected("--vendor winkas")
        .advice("`token` finds one that is in use where it is shared"))
}

/// Whether the server can be asked for its word on a token.
pub(crate) fn check_verdict(settings: &Settings) -> Result<()> {
    if server(settings)?.can_verify() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, "this server has no call that tells of a token")
        .expected("--userinfo-path or --introspection-path"))
}

/// Whether a token can be ended.
pub(crate) fn check_revocation(settings: &Settings) -> Result<()> {
    let server = server(settings)?;
    if server.can_revoke() {
        return Ok(());
    }
    if server.can_refetch() {
        return Err(Error::new(ErrorKind::Unsupported, "WinKAS Air has no revocation")
            .expected("--vendor wyn, or oauth2 with --revocation-path")
            .advice(
                "`forget` drops a token from the store that programs share; the token itself ends \
                 when its time is over",
            ));
    }
    Err(Error::new(ErrorKind::Unsupported, "this server has no revocation endpoint")
        .expected("--revocation-path"))
}

/// The server as the settings describe it.
pub(crate) fn server(settings: &Settings) -> Result<Server> {
    let options = &settings.options;
    let mut server = Server::new(settings.identity.clone());
    if let Some(lifetime) = options.lifetime {
        server = server.with_lifetime(lifetime)?;
    }
    if let Some(grant) = options.grant {
        server = server.with_grant(match grant {
            Grant::Password => vendor::Grant::Password,
            Grant::ClientCredentials => vendor::Grant::ClientCredentials,
        })?;
    }
    if let Some(auth) = options.client_auth {
        server = server.with_client_auth(match auth {
            ClientAuth::Body => vendor::ClientAuth::Body,
            ClientAuth::Basic => vendor::ClientAuth::Basic,
            ClientAuth::BasicRaw => vendor::ClientAuth::BasicRaw,
        })?;
    }
    if let Some(path) = &options.token_path {
        server = server.with_token_path(path)?;
    }
    if let Some(path) = &options.revocation_path {
        server = server.with_revocation_path(path)?;
    }
    if let Some(path) = &options.introspection_path {
        server = server.with_introspection_path(path)?;
    }
    if let Some(path) = &options.userinfo_path {
        server = server.with_userinfo_path(path)?;
    }
    Ok(server)
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
