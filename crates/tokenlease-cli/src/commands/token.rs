//! `token`: prints a token.

use std::io::{self, IsTerminal as _};

use serde_json::{Value, json};
use tokenlease::core::Secret;

use crate::{
    args::{Printed, TokenArgs},
    output::{Failure, Output, config},
    session::{self, Leased},
    settings::{Environment, Need, Settings},
    token_file::TokenFile,
};

pub(crate) fn run(
    args: &TokenArgs,
    output: Output,
    environment: Environment<'_>,
) -> Result<(), Failure> {
    let settings = Settings::resolve(&args.printed.connection, environment)?;
    let target = Target::of(&args.printed)?;
    let credentials = settings.credentials(Need::Login)?;
    let min = args.remaining.min_remaining;
    let leased = session::lease(&settings, credentials, min)?;
    leased.warn_if_shorter(min, "");
    target.print(&leased, output)
}

/// Where a token is printed, and in which form.
pub(super) struct Target {
    file: Option<TokenFile>,
    as_header: bool,
}

impl Target {
    /// Checks where the token is printed, before it is requested.
    pub(super) fn of(args: &Printed) -> Result<Self, Failure> {
        let file = match &args.write {
            Some(path) => Some(TokenFile::new(path)?),
            None => may_print(args.show).map(|()| None)?,
        };
        Ok(Self { file, as_header: args.as_header })
    }

    pub(super) fn print(&self, leased: &Leased, output: Output) -> Result<(), Failure> {
        let header = self.as_header.then(|| leased.header()).transpose()?;
        let text = header.as_ref().map_or_else(|| leased.token.expose(), Secret::expose);
        let Some(file) = &self.file else { return output.result(text, &json_of(leased)) };
        file.write(text)?;
        if output == Output::Text {
            return Ok(());
        }
        let mut json = json_of(leased);
        json["token"] = Value::Null;
        output.result("", &json)
    }
}

/// Rejects printing a token on a terminal, which keeps it in its scrollback, unless `--show` is set.
fn may_print(show: bool) -> Result<(), Failure> {
    if show || !io::stdout().is_terminal() {
        return Ok(());
    }
    Err(config("standard output is a terminal, which keeps the token in its scrollback")
        .expected("a pipe or a file")
        .advice(
            "use --write FILE, --show to print it anyway, or `tokenlease exec` to pass it to a \
             command",
        )
        .into())
}

fn json_of(leased: &Leased) -> Value {
    json!({
        "token": leased.token.expose(),
        "kind": leased.kind(),
        "header_name": leased.header_name(),
        "source": leased.source,
        "expires_at": leased.expires_at.map(|at| at.to_string()),
        "expiry": leased.expiry,
        "generation": leased.generation,
    })
}
