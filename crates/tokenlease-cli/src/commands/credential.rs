//! `credential`: passes tokens to other programs by their protocols. Each protocol is one file.

mod docker;
mod git;
mod hosts;
mod kubernetes;
mod process;

use std::io::{self, IsTerminal as _, Read as _};

use tokenlease::{Result, core::Token};
use tokenlease_config::secrets::MAX_LEN;
use zeroize::Zeroizing;

use crate::{
    args::{Connection, Protocol},
    exit,
    output::{Failure, config},
    session::{self, Leased, Session},
    settings::{Environment, Need, Settings},
};

/// The longest input of a protocol, in bytes: a token, and the challenges of a server.
const MAX_INPUT: usize = MAX_LEN + 65_536;

pub(crate) fn run(protocol: &Protocol, environment: Environment<'_>) -> Result<u8, Failure> {
    if io::stdout().is_terminal() {
        return Err(config(
            "standard output is a terminal, which keeps the token in its scrollback",
        )
        .expected("a pipe to the program that asks")
        .advice("use `tokenlease token` to get a token by hand")
        .into());
    }
    match protocol {
        Protocol::Kubernetes(args) => kubernetes::run(&args.connection, environment)?,
        Protocol::Process(args) => process::run(&args.connection, environment)?,
        Protocol::Git(args) => git::run(args, environment)?,
        Protocol::Docker(args) => return docker::run(args, environment),
    }
    Ok(exit::SUCCESS)
}

/// Returns the settings of a command that another program runs, perhaps without a person.
fn settings(connection: &Connection, environment: Environment<'_>) -> Result<Settings> {
    Ok(Settings::resolve(connection, environment)?.without_prompts())
}

/// Returns the token to use now.
fn lease(settings: &Settings) -> Result<Leased, Failure> {
    let credentials = settings.credentials(Need::Login)?;
    session::lease(settings, credentials, None)
}

/// Reports that a server rejected a token.
fn report_rejected(settings: &Settings, token: Token) -> Result<(), Failure> {
    let credentials = settings.credentials(Need::Login)?;
    session::block_on(async {
        Session::open(settings, credentials).await?.report_rejected(token).await
    })?;
    Ok(())
}

/// Reads standard input to its end.
fn input() -> Result<Zeroizing<String>> {
    let unreadable = |why: String| {
        config(format!("standard input {why}")).expected("the request of git or docker")
    };
    // Its size is fixed, so that no copy of a secret stays behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_INPUT + 1));
    io::stdin()
        .lock()
        .take(MAX_INPUT as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(format!("can't be read: {error}")))?;
    if bytes.len() > MAX_INPUT {
        return Err(unreadable(format!("has more than {MAX_INPUT} bytes")));
    }
    let text = str::from_utf8(&bytes).map_err(|_| unreadable("is not UTF-8".to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}
