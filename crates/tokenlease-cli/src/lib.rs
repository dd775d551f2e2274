//! The program `tokenlease`: one API token for its whole life, from the command line.
//!
//! `tokenlease token` prints a token, `exec` hands one to a command, `validate`, `refetch` and
//! `revoke` make the provider's other calls. `report_rejected` tells of a token that an API rejected, `forget`
//! drops one, `unblock` has rejected credentials tried again. `status` lists what is kept, `store`
//! looks at where it is kept, `doctor` looks for what is wrong, `emulate` runs both providers on this
//! machine, and `demo` shows it all. `--help` says the rest.
//!
//! # Where tokens are shared
//!
//! All programs of one user share the folder `tokenlease` in `$XDG_STATE_HOME` or
//! `~/.local/state`, unless `--store` names another store, so the second who asks costs no login.
//! What stands there is encrypted, and a token is handed out only to who has the credentials that
//! it was obtained with. A command ends once nothing is under way any more: it leaves no lock
//! behind and cuts no refresh off.
//!
//! # Where options and secrets come from
//!
//! The command line wins over the environment (`TOKENLEASE_` and the option's name in capitals),
//! and that over the profile that `--profile` names in `tokenlease/config.toml` of the user's
//! configuration folder:
//!
//! ```toml
//! [profile.bi]
//! provider = "wyn"
//! server = "https://wyn.example.com"
//! user = "report"
//! lifetime = "8h"
//! password_command = "pass show bi"
//! client_secret_file = "bi.secret"      # beside this file
//! store = "rediss://redis.example.com"  # shared by many hosts …
//! store_key_file = "store.key"          # … that have the same key
//! ```
//!
//! Secrets are never arguments. A password comes from `--password-file`, `--password-command`,
//! `TOKENLEASE_PASSWORD`, the profile or a prompt; a client's secret from `--client-secret-file`,
//! `TOKENLEASE_CLIENT_SECRET`, the profile or a prompt; a token from standard input; the address of
//! a store with a password in it from `TOKENLEASE_STORE`.
//!
//! # Exit codes
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | it worked |
//! | 1 | the token is not active (`validate`), or no live one stands (`status --check`) |
//! | 2 | a wrong option or configuration, or the provider has no such call |
//! | 3 | the provider rejected the credentials; with `status --check`, some time ago |
//! | 4 | the provider is unavailable, asks to wait, or can't be reached |
//! | 5 | the provider's answer could not be understood |
//! | 6 | the store of shared leases failed |
//! | 7 | the deadline passed |
//! | 8 | the provider rejected the token |
//! | 70 | a fault of tokenlease, or the process was forked |
//! | 126, 127 | `exec`: the command can't be run, or was not found |
//!
//! `exec` ends with the code of the command that it ran. Errors go to standard error, as
//! `tokenlease: what was wrong; expected what; what to do`, or with `--output json` as
//! `{"error": {"kind", "detail", "message", "status", "code", "retryable", "retry_after_s",
//! "until", "exit_code"}}`. Warnings are lines of text on standard error, before it.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod demo;
mod doctor;
mod exit;
mod output;
mod profile;
mod secrets;
mod session;
mod settings;

use std::process::ExitCode;

use clap::{Parser as _, error::ErrorKind as Usage};
use tracing_subscriber::EnvFilter;

use crate::{
    args::{Cli, Command},
    output::{Failure, Output, config},
};

/// Runs the program on this process's arguments and environment.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(usage(&error)),
    };
    trace(cli.verbose);
    let code = run(&cli).unwrap_or_else(|failure| {
        cli.output.failure(&failure);
        failure.code
    });
    ExitCode::from(code)
}

fn run(cli: &Cli) -> Result<u8, Failure> {
    let environment = &|name: &str| std::env::var_os(name);
    let output = cli.output;
    match &cli.command {
        Command::Token(args) => commands::token::run(args, output, environment)?,
        Command::Exec(args) => return commands::exec::run(args, environment),
        Command::Status(args) => return commands::status::run(args, output, environment),
        Command::Validate(args) => return commands::validate::run(args, output, environment),
        Command::ReportRejected(args) => commands::report_rejected::run(args, output, environment)?,
        Command::Refetch(args) => commands::refetch::run(args, output, environment)?,
        Command::Revoke(args) => commands::revoke::run(args, output, environment)?,
        Command::Forget(args) => commands::forget::run(args, output, environment)?,
        Command::Unblock(args) => commands::unblock::run(args, output, environment)?,
        Command::Store { command } => commands::store::run(command, output, environment)?,
        Command::Doctor(args) => return doctor::run(args, output, environment),
        Command::Emulate(args) => commands::emulate::run(args)?,
        Command::DemoProcess => demo::processes::run(environment)?,
        Command::Demo => session::block_on(demo::run(output))?,
    }
    Ok(exit::SUCCESS)
}

/// Prints what clap has to say: help on standard output, or what is wrong.
fn usage(error: &clap::Error) -> u8 {
    let is_help = matches!(error.kind(), Usage::DisplayHelp | Usage::DisplayVersion);
    let mut words = std::env::args_os().take_while(|word| word != "--");
    let is_json = words.any(|word| word == "json" || word == "--output=json");
    if is_json && !is_help {
        // Without the usage and tips, which are for people.
        let text = error.to_string();
        let detail = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let error = config(detail.to_owned()).advice("see `tokenlease --help`");
        Output::Json.failure(&error.into());
        return exit::USAGE;
    }
    // There is no other place left to report to.
    let _ = error.print();
    if is_help { exit::SUCCESS } else { exit::USAGE }
}

/// Sends what is done to standard error. Only our own crates speak: they never show a secret.
fn trace(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = ["tokenlease", "tokenlease_core", "tokenlease_cli"]
        .map(|target| format!("{target}={level}"))
        .join(",");
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}
