//! `exec`: runs a command with a token in its environment.

#[cfg(windows)]
mod child;
mod renew;

use std::{ffi::OsString, io, process::Command};

use tokenlease_config::secrets;

use crate::{
    args::Exec,
    exit,
    output::{Failure, config},
    session::{self, Session},
    settings::{Environment, Need, Settings},
    token_file::TokenFile,
};

pub(crate) fn run(args: &Exec, environment: Environment<'_>) -> Result<exit::Code, Failure> {
    let settings = Settings::resolve(&args.connection, environment)?;
    let Some((program, rest)) = args.command.split_first() else {
        return Err(config("the command is missing").expected("a command after `--`").into());
    };
    let file = args.renew.as_deref().map(TokenFile::new).transpose()?;
    let credentials = settings.credentials(Need::Login)?;
    let min = args.remaining.min_remaining;
    let mut command = Command::new(program);
    command.args(rest);
    secrets::remove_from(&mut command);
    if let Some(file) = file {
        let renewal = renew::Renewal { file, variable: &args.env, min_remaining: min };
        return session::block_on(async {
            let session = Session::open(&settings, credentials).await?;
            renewal.run(session, &settings, command, program).await
        });
    }
    let leased = session::lease(&settings, credentials, min)?;
    leased.warn_if_shorter(min, "; --renew FILE keeps a file with the current token");
    command.env(&args.env, leased.token.expose());
    replace_process(&mut command).map_err(|error| not_run(program, &error))
}

/// Replaces this process by the command, which then gets all signals and sets the exit code.
#[cfg(unix)]
fn replace_process(command: &mut Command) -> io::Result<exit::Code> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

/// Runs the command in this process' place.
#[cfg(windows)]
fn replace_process(command: &mut Command) -> io::Result<exit::Code> {
    let _attached = child::Attached::new()?;
    command.status().map(exit::of_command)
}

fn not_run(program: &OsString, error: &io::Error) -> Failure {
    let detail = format!("{} can't be run: {error}", program.display());
    if error.kind() == io::ErrorKind::NotFound {
        let error = config(detail).expected("a program on the PATH, or the path of one");
        return Failure::with_code(error, exit::NOT_FOUND);
    }
    Failure::with_code(config(detail).expected("an executable file"), exit::NOT_EXECUTABLE)
}
