//! The commands, one per file, and the first steps that several of them share.

pub(crate) mod credential;
pub(crate) mod demo;
pub(crate) mod emulate;
pub(crate) mod exec;
pub(crate) mod forget;
pub(crate) mod history;
pub(crate) mod refetch;
pub(crate) mod report_rejected;
pub(crate) mod revoke;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod store;
pub(crate) mod token;
pub(crate) mod unblock;
pub(crate) mod validate;

use tokenlease::{Result, core::Token};

use crate::{
    args::{Connection, FromStdin},
    output::Failure,
    secrets,
    session::{self, Session},
    settings::{Environment, Need, Settings},
};

/// Makes a call with the secrets of a login.
fn with_login<T>(
    connection: &Connection,
    environment: Environment<'_>,
    call: impl AsyncFnOnce(Session) -> Result<T>,
) -> Result<T, Failure> {
    let settings = Settings::resolve(connection, environment)?;
    let credentials = settings.credentials(Need::Login)?;
    session::block_on(async { call(Session::open(&settings, credentials).await?).await })
}

/// Reads the settings and the token on standard input. Runs `check` before it reads the token, so that
/// a user does not paste a token for a call that is not supported.
fn with_token(
    args: &FromStdin,
    environment: Environment<'_>,
    check: impl FnOnce(&Settings) -> Result<()>,
) -> Result<(Settings, Token)> {
    args.check()?;
    let settings = Settings::resolve(&args.connection, environment)?;
    check(&settings)?;
    let token = session::token(&settings, secrets::token_from_stdin()?)?;
    Ok((settings, token))
}
