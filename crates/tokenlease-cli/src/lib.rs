//! The program `tokenlease`: gets, shares, validates and revokes API tokens from the command line.
//!
//! | command | does |
//! | --- | --- |
//! | `token` | prints a token |
//! | `exec` | runs a command with a token in its environment |
//! | `credential` | passes tokens to kubectl, git, docker and others by their protocols |
//! | `validate`, `refetch`, `revoke` | make the server's other calls |
//! | `report-rejected` | reports that an API rejected a token |
//! | `forget` | removes a token from the store |
//! | `unblock` | allows rejected credentials to be sent again |
//! | `status` | lists the tokens in the store |
//! | `history` | shows when and why logins were sent |
//! | `store` | tests or prepares the store |
//! | `doctor` | finds faults of configuration, network and TLS |
//! | `serve` | gives tokens to the programs of this host by HTTP |
//! | `emulate` | runs an emulator of both providers |
//! | `demo` | shows how many logins tokenlease saves |
//!
//! # Where tokens are shared
//!
//! All processes of a user share the folder `tokenlease` in `$XDG_STATE_HOME` or `~/.local/state`,
//! unless `--store` names another store. So the second command costs no login. Tokens in the store
//! are encrypted, and a token is served only to callers with the credentials that obtained it. A
//! command ends after its background work: it leaves no lock behind and interrupts no refresh.
//!
//! # Where options and secrets come from
//!
//! An option on the command line overrides its variable (`TOKENLEASE_` and its name in capitals),
//! and a variable overrides the profile that `--profile` selects in `tokenlease/config.toml` of the
//! user's configuration folder:
//!
//! ```toml
//! [profile.bi]
//! provider = "wyn"
//! server = "https://wyn.example.com"
//! user = "report"
//! lifetime = "8h"
//! password_command = "pass show bi"
//! client_secret_file = "bi.secret"      # in the folder of this file
//! store = "rediss://redis.example.com"  # shared by many hosts …
//! store_key_file = "store.key"          # … that have the same key
//! ```
//!
//! Secrets are never arguments. A password comes from `--password-file`, `--password-command`,
//! `TOKENLEASE_PASSWORD`, the profile or a prompt; a client secret from `--client-secret-file`,
//! `TOKENLEASE_CLIENT_SECRET`, the profile or a prompt; a token from standard input; a store's URL
//! with a password from `TOKENLEASE_STORE`.
//!
//! # Exit codes
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | success |
//! | 1 | the token is not active (`validate`), or there is no live token (`status --check`) |
//! | 2 | invalid options or configuration, or the provider does not support the call |
//! | 3 | the server rejected the credentials, now or earlier |
//! | 4 | the server is unavailable, throttles, or can't be reached |
//! | 5 | the server's response is invalid |
//! | 6 | the store failed |
//! | 7 | the deadline passed |
//! | 8 | the server rejected the token |
//! | 9 | the server accepted the revocation, but the token is still active |
//! | 70 | a bug in tokenlease, a limit of threads or memory, or a forked process |
//! | 126, 127 | `exec`: the command can't be run, or is not found |
//!
//! `exec` exits with the code of its command, and `status --check --format nagios` with 0 to 3.
//!
//! Errors go to standard error, as
//! `tokenlease: fault; expected …; advice`, or with `--output json` as
//! `{"error": {"kind", "detail", "message", "status", "code", "retryable", "retry_after_s",
//! "until", "exit_code"}}`. Warnings are lines of text on standard error, before the error.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod deadline;
mod doctor;
mod exit;
mod output;
mod program_name;
mod secrets;
mod session;
mod settings;
mod signals;
mod token_file;

use std::{ffi::OsString, mem::ManuallyDrop, process::ExitCode};

use clap::{CommandFactory as _, FromArgMatches as _, error::ErrorKind as Usage};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    args::{Cli, Command},
    output::{Failure, Output, config},
};

/// Runs the program on this process's arguments and environment.
pub fn main() -> ExitCode {
    turn_core_dumps_off();
    signals::exit_at_abort();
    let arguments = program_name::arguments(std::env::args_os());
    let cli = match parse(&arguments) {
        Ok(cli) => cli,
        Err(error) if error.kind() == Usage::DisplayHelp => {
            let command = args::with_summaries(Cli::command());
            let error = command.try_get_matches_from(arguments).err().unwrap_or(error);
            return ExitCode::from(usage(&error));
        }
        Err(error) => return ExitCode::from(usage(&error)),
    };
    // The checks of a store also print what its folder's file system lacks, and a service has no reader
    // but its log.
    let warns =
        matches!(cli.command, Command::Doctor(_) | Command::Store { .. } | Command::Serve(_));
    trace(cli.verbose, warns);
    let code = run(&cli).unwrap_or_else(|failure| {
        cli.output.failure(&failure);
        failure.code.into()
    });
    exit::of_program(code)
}

/// As `Cli::try_parse_from`, but frees nothing: a process that finds its token in the store would need a
/// twentieth of its time to free all options.
fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = ManuallyDrop::new(Cli::command());
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Returns the command line, for the generators of completions and manual pages.
#[doc(hidden)]
pub fn command() -> clap::Command {
    args::with_options(Cli::command().disable_help_subcommand(true))
}

/// Keeps secrets out of core dumps, and other processes of the user from reading this process'
/// memory and environment. It ends where another program begins: it is not inherited by `exec`.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn turn_core_dumps_off() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // A kernel or sandbox that forbids it only lacks this protection.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn turn_core_dumps_off() {}

fn run(cli: &Cli) -> Result<exit::Code, Failure> {
    let environment = &|name: &str| std::env::var_os(name);
    let output = cli.output;
    match &cli.command {
        Command::Token(args) => commands::token::run(args, output, environment)?,
        Command::Exec(args) => return commands::exec::run(args, environment),
        Command::Credential { protocol } => {
            return commands::credential::run(protocol, environment).map(exit::Code::from);
        }
        Command::Status(args) => {
            return commands::status::run(args, output, environment).map(exit::Code::from);
        }
        Command::History(args) => {
            return commands::history::run(args, output, environment).map(exit::Code::from);
        }
        Command::Validate(args) => {
            return commands::validate::run(args, output, environment).map(exit::Code::from);
        }
        Command::ReportRejected(args) => commands::report_rejected::run(args, output, environment)?,
        Command::Refetch(args) => commands::refetch::run(args, output, environment)?,
        Command::Revoke(args) => commands::revoke::run(args, output, environment)?,
        Command::Forget(args) => commands::forget::run(args, output, environment)?,
        Command::Unblock(args) => commands::unblock::run(args, output, environment)?,
        Command::Store { command } => commands::store::run(command, output, environment)?,
        Command::Doctor(args) => {
            return doctor::run(args, output, environment).map(exit::Code::from);
        }
        Command::Serve(args) => commands::serve::run(args, environment)?,
        Command::Emulate(args) => commands::emulate::run(args)?,
        Command::DemoProcess => commands::demo::process(environment)?,
        Command::Demo => commands::demo::run(output)?,
    }
    Ok(exit::SUCCESS.into())
}

/// Prints clap's message: help on standard output, or an error of the command line.
fn usage(error: &clap::Error) -> u8 {
    let is_help = matches!(error.kind(), Usage::DisplayHelp | Usage::DisplayVersion);
    let words: Vec<_> = std::env::args_os().take_while(|word| word != "--").collect();
    // A monitor expects its own format also for an error of the command line.
    let is_nagios = words.iter().any(|word| word == "nagios" || word == "--format=nagios");
    let is_json = words.iter().any(|word| word == "json" || word == "--output=json");
    if is_json && !is_help {
        // The first line alone: usage and tips are for people.
        let text = error.to_string();
        let detail = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let error = config(detail.to_owned()).advice("run `tokenlease --help`");
        Output::Json.failure(&error.into());
        return exit::USAGE;
    }
    if is_nagios && !is_help {
        let text = error.to_string();
        let why = text.lines().next().unwrap_or_default();
        return commands::status::nagios::unknown(why).unwrap_or_else(|failure| failure.code);
    }
    // A failure to print can't be reported anywhere.
    let _ = error.print();
    if is_help { exit::SUCCESS } else { exit::USAGE }
}

/// Logs to standard error. Only tokenlease's crates log: they never log a secret.
fn trace(verbose: u8, warns: bool) {
    let level = match verbose {
        0 if warns => LevelFilter::WARN,
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // All names of these crates begin so.
    let own = Targets::new().with_target("tokenlease", level);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(lines).with(own).init();
}
