//! `token`: prints a token.

use std::io::{self, IsTerminal as _};

use serde_json::{Value, json};

use crate::{
    args::Printed,
    output::{Failure, Output, config},
    session::{self, Leased, Session},
    settings::{Environment, Need, Settings},
};

pub(crate) fn run(
    args: &Printed,
    output: Output,
    environment: Environment<'_>,
) -> Result<(), Failure> {
    let settings = Settings::resolve(&args.connection, environment)?;
    may_print(args.show)?;
    let credentials = settings.credentials(Need::Login)?;
    let leased =
        session::block_on(async { Session::open(&settings, credentials).await?.lease().await })?;
    print(&leased, output)
}

/// Rejects printing a token on a terminal, which keeps it in its scrollback, unless `--show` is set.
pub(super) fn may_print(show: bool) -> Result<(), Failure> {
    if show || !io::stdout().is_terminal() {
        return Ok(());
    }
    Err(config("standard output is a terminal, which keeps the token in its scrollback")
        .expected("a pipe or a file")
        .advice("use --show to print it anyway, or `tokenlease exec` to pass it to a command")
        .into())
}

pub(super) fn print(leased: &Leased, output: Output) -> Result<(), Failure> {
    output.result(leased.token.expose(), &json_of(leased))
}

fn json_of(leased: &Leased) -> Value {
    json!({
        "token": leased.token.expose(),
        "kind": leased.kind(),
        "source": leased.source,
        "expires_at": leased.expires_at.map(|at| at.to_string()),
        "expiry": leased.expiry,
        "generation": leased.generation,
    })
}
