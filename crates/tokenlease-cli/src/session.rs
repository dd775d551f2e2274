//! The only place that uses the client: settings become a server and a client, and its answers
//! what the commands print.

use std::time::Duration;

use tokenlease::{
    Error, ErrorKind, Result,
    core::{
        Credentials, Secret, Token, TokenKind, WallTime,
        vendor::{self, Server},
    },
};

use crate::{
    options::{ClientAuth, Grant},
    output::{Failure, config},
    settings::Settings,
};

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
pub(crate) struct Session {
    server: Server,
}

impl Session {
    pub(crate) fn open(settings: &Settings, credentials: Credentials) -> Result<Self> {
        let _ = (credentials, settings.timeout(), settings.deadline(), settings.ca()?);
        Ok(Self { server: server(settings)? })
    }

    pub(crate) async fn lease(&self) -> Result<Leased> {
        Err(soon())
    }

    pub(crate) async fn refetch(&self) -> Result<Leased> {
        Err(soon())
    }

    pub(crate) async fn validate(&self, token: Secret) -> Result<bool> {
        let _ = Token::new(self.server.token_kind(), token);
        Err(soon())
    }

    pub(crate) async fn revoke(&self, token: Secret) -> Result<bool> {
        let _ = Token::new(self.server.token_kind(), token);
        Err(soon())
    }
}

fn soon() -> Error {
    Error::new(ErrorKind::Unsupported, "not yet")
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
