//! `exec`: runs a command with a token in its environment.

use std::{ffi::OsString, io, process::Command};

use tokenlease_config::{StoreUrl, secrets::SecretKind};

use crate::{
    args::Exec,
    exit,
    output::{Failure, config},
    session::{self, Session},
    settings::{Environment, Need, Settings, variable_name},
};

/// The variable that holds the token.
const VARIABLE: &str = "TOKENLEASE_TOKEN";

pub(crate) fn run(args: &Exec, environment: Environment<'_>) -> Result<u8, Failure> {
    let settings = Settings::resolve(&args.connection, environment)?;
    let credentials = settings.credentials(Need::Login)?;
    let leased =
        session::block_on(async { Session::open(&settings, credentials).await?.lease().await })?;
    let Some((program, rest)) = args.command.split_first() else {
        return Err(config("the command is missing").expected("a command after `--`").into());
    };
    let mut command = Command::new(program);
    command.args(rest).env(VARIABLE, leased.token.expose());
    for kind in SecretKind::ALL {
        command.env_remove(kind.variable());
    }
    if settings.options.store.as_ref().is_some_and(StoreUrl::has_password) {
        command.env_remove(variable_name("store"));
    }
    replace_process(&mut command).map_err(|error| not_run(program, &error))
}

/// Replaces this process by the command, which then gets all signals and sets the exit code.
#[cfg(unix)]
fn replace_process(command: &mut Command) -> io::Result<u8> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

#[cfg(not(unix))]
fn replace_process(command: &mut Command) -> io::Result<u8> {
    let code = command.status()?.code().unwrap_or(i32::from(exit::INTERNAL));
    // Exit codes of Windows have 32 bits, those of this program 8.
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}

fn not_run(program: &OsString, error: &io::Error) -> Failure {
    let detail = format!("{} can't be run: {error}", program.display());
    if error.kind() == io::ErrorKind::NotFound {
        let error = config(detail).expected("a program on the PATH, or the path of one");
        return Failure::with_code(error, exit::NOT_FOUND);
    }
    Failure::with_code(config(detail).expected("an executable file"), exit::NOT_EXECUTABLE)
}
