//! The commands, one a file, and what several of them begin with.

pub(crate) mod emulate;
pub(crate) mod exec;
pub(crate) mod forget;
pub(crate) mod refetch;
pub(crate) mod report_rejected;
pub(crate) mod revoke;
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

/// Makes a call that takes what a login takes.
fn with_login<T>(
    connection: &Connection,
    environment: Environment<'_>,
    call: impl AsyncFnOnce(Session) -> Result<T>,
) -> Result<T, Failure> {
    let settings = Settings::resolve(connection, environment)?;
    let credentials = settings.credentials(Need::Login)?;
    session::block_on(async { call(Session::open(&settings, credentials).await?).await })
}

/// The settings, and the token on standard input that a command is about. The settings are checked
/// first, so that nobody pastes a token in vain.
fn about_token(
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
