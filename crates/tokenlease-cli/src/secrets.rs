//! Prompts for secrets, and tokens from standard input.

use std::{
    fmt,
    io::{self, IsTerminal as _, Read as _},
};

use tokenlease::{Error, Result, core::Secret};
use tokenlease_config::secrets::{MAX_LEN, SecretKind, SecretSource, one_line, text};
use zeroize::Zeroizing;

use crate::{
    deadline::CommandDeadline,
    output::{config, warn},
    signals,
};

/// Prompts for a secret on the terminal. `of` is the identity or store of the secret.
pub(crate) fn prompt(kind: SecretKind, of: impl fmt::Display) -> Result<Secret> {
    if !io::stdin().is_terminal() && !io::stderr().is_terminal() {
        return Err(missing(kind));
    }
    let prompt = match kind {
        SecretKind::Password => format!("Password of {of}: "),
        SecretKind::ClientSecret => format!("Client secret for {of}: "),
        SecretKind::Extra => format!("Extra field for {of}: "),
        SecretKind::ProxyPassword => format!("Password for the proxy of {of}: "),
        SecretKind::StorePassword => format!("Password for the server of the store {of}: "),
        SecretKind::StorePassphrase => format!("Passphrase of the store {of}: "),
    };
    let answer = rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|error| {
        config(format!("the prompt for the {} failed: {error}", kind.name()))
            .expected(alternatives(kind))
    })?;
    one_line(&answer).map_err(|why| {
        config(format!("the {0} {why}", kind.name()))
            .expected(format!("the {} on one line", kind.name()))
    })
}

/// Returns the error of a secret that has no source.
pub(crate) fn missing(kind: SecretKind) -> Error {
    config(format!("the {} is missing", kind.name())).expected(alternatives(kind))
}

/// Reads a secret from its source. A command that prints it is ended with its children at the deadline,
/// and if a signal ends this program.
pub(crate) fn read(
    source: &SecretSource,
    kind: SecretKind,
    deadline: &CommandDeadline,
) -> Result<Secret> {
    // A variable is read at once, and starts no command.
    if let SecretSource::Variable(_) = source {
        return source.read(kind, |warning| warn(warning));
    }
    let doing = format!("the command for the {} ran; it was ended", kind.name());
    signals::handled(|is_ended| {
        let check = || is_ended().and_then(|()| deadline.check(&doing));
        source.read_while(kind, |warning| warn(warning), &check)
    })
}

/// Reads a token from standard input: one line, without whitespace.
pub(crate) fn token_from_stdin() -> Result<Secret> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        let prompt = "Paste the token (it is not shown): ";
        let answer = rpassword::prompt_password(prompt).map(Zeroizing::new);
        let answer = answer.map_err(|error| no_token(&format!("can't be read: {error}")))?;
        return one_line(answer.trim()).map_err(no_token);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN + 1));
    stdin
        .lock()
        .take(MAX_LEN as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| no_token(&format!("can't be read: {error}")))?;
    let token = text(&bytes).map(str::trim).and_then(one_line).map_err(no_token)?;
    if token.expose().contains(char::is_whitespace) {
        return Err(no_token("contains whitespace inside the token"));
    }
    Ok(token)
}

fn no_token(why: &str) -> Error {
    config(format!("standard input {why}"))
        .expected("the token alone, as `tokenlease token` prints it")
        .advice("use `tokenlease … < FILE` or a pipe")
}

/// Returns the ways to set a secret.
fn alternatives(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::Password => {
            "TOKENLEASE_PASSWORD, --password-file, --password-command, or a terminal"
        }
        SecretKind::ClientSecret => "TOKENLEASE_CLIENT_SECRET, --client-secret-file, or a terminal",
        SecretKind::Extra => "TOKENLEASE_EXTRA_SECRET or --extra-secret-file",
        SecretKind::ProxyPassword => "--proxy-password-file",
        SecretKind::StorePassword => "--store-password-file or --store-password-command",
        SecretKind::StorePassphrase => {
            "TOKENLEASE_STORE_PASSPHRASE, --store-passphrase-file, or a terminal"
        }
    }
}
