//! Secrets that are asked for, and tokens from standard input. None is ever taken from the command
//! line or shown.

use std::{
    fmt,
    io::{self, IsTerminal as _, Read as _},
};

use tokenlease::{Error, Result, core::Secret};
use tokenlease_config::secrets::{LONGEST, Which, one_line, text};
use zeroize::Zeroizing;

use crate::output::config;

/// Asks for a secret on the terminal.
pub(crate) fn ask(which: Which, of: impl fmt::Display) -> Result<Secret> {
    if !io::stdin().is_terminal() && !io::stderr().is_terminal() {
        return Err(config(format!("no {} is given", which.name())).expected(ways(which)));
    }
    let prompt = match which {
        Which::Password => format!("Password of {of}: "),
        Which::ClientSecret => format!("Client secret for {of}: "),
        Which::StorePassphrase => format!("Passphrase of the store {of}: "),
    };
    let answer = rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|error| {
        config(format!("the {} can't be asked for: {error}", which.name())).expected(ways(which))
    })?;
    one_line(&answer).map_err(|why| {
        config(format!("the {0} {why}", which.name()))
            .expected(format!("the {} in one line", which.name()))
    })
}

/// Reads a token from standard input: one line, and nothing else.
pub(crate) fn token_from_stdin() -> Result<Secret> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        let prompt =
            "The token is expected on standard input; type or paste it (it is not shown): ";
        let answer = rpassword::prompt_password(prompt).map(Zeroizing::new);
        let answer = answer.map_err(|error| no_token(&format!("can't be read: {error}")))?;
        return one_line(answer.trim()).map_err(no_token);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    stdin
        .lock()
        .take(LONGEST as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| no_token(&format!("can't be read: {error}")))?;
    let token = text(&bytes).map(str::trim).and_then(one_line).map_err(no_token)?;
    if token.expose().contains(char::is_whitespace) {
        return Err(no_token("holds more than one word"));
    }
    Ok(token)
}

fn no_token(why: &str) -> Error {
    config(format!("standard input {why}"))
        .expected("the token alone, as `tokenlease token` prints it")
        .advice("write `tokenlease … < FILE`, or pipe it in")
}

/// How a secret can be given.
fn ways(which: Which) -> &'static str {
    match which {
        Which::Password => {
            "TOKENLEASE_PASSWORD, --password-file or --password-command, or a terminal to ask on"
        }
        Which::ClientSecret => {
            "TOKENLEASE_CLIENT_SECRET or --client-secret-file, or a terminal to ask on"
        }
        Which::StorePassphrase => {
            "TOKENLEASE_STORE_PASSPHRASE or --store-passphrase-file, or a terminal to ask on"
        }
    }
}
