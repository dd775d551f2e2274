//! The command line.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{ArgAction, Parser, Subcommand};

use tokenlease::Result;
use tokenlease_config::{Options, StoreKey, StoreUrl, duration, store};

use crate::{
    exit,
    output::{Output, config},
};

/// Gets, shares and ends API tokens of WinKAS Air, Wyn Enterprise and OAuth2 servers.
///
/// A token is asked for once and used for its whole life. Passwords and secrets are never taken
/// from the command line, which others can read: they come from a file, the environment, a command
/// or a prompt.
#[derive(Debug, Parser)]
#[command(
    name = "tokenlease",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_long_help = concat_help(
        "Examples:\n  \
         (umask 077; tokenlease token --profile erp > erp.token)\n  \
         tokenlease exec --profile bi -- ./export-reports\n  \
         tokenlease doctor --provider wyn --server https://wyn.example.com --user report\n  \
         tokenlease demo"
    )
)]
pub(crate) struct Cli {
    /// How results and errors are written.
    #[arg(long, global = true, value_enum, value_name = "FORM", default_value_t)]
    pub(crate) output: Output,
    /// Says on standard error what is done: once for decisions, twice for details. Secrets are
    /// never shown.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints a token, a new one only if none can be had otherwise.
    ///
    /// Text output is the token alone and a newline; JSON output also says where the token came
    /// from, when it ends and how that is known.
    #[command(after_long_help = concat_help(
        "Examples:\n  \
         (umask 077; tokenlease token --profile erp > erp.token)\n  \
         tokenlease token --provider oauth2 --server https://id.example.com --client-id app \\\n    \
         --client-secret-file app.secret --token-path /oauth/token --output json"
    ))]
    Token(Printed),
    /// Runs a command with a token in its environment.
    ///
    /// The command finds the token in `TOKENLEASE_TOKEN`, and neither `TOKENLEASE_PASSWORD` nor
    /// `TOKENLEASE_CLIENT_SECRET`, nor a `TOKENLEASE_STORE` with a password. On Unix it takes this process over; elsewhere its exit code is
    /// passed on.
    #[command(after_long_help = concat_help(
        "Examples:\n  \
         tokenlease exec --profile bi -- ./export-reports\n  \
         tokenlease exec --profile bi -- sh -c \\\n    \
         'printf \"Authorization: Bearer %s\" \"$TOKENLEASE_TOKEN\" | curl -H @- \
         https://wyn.example.com/api/v2/me'"
    ))]
    Exec(Exec),
    /// Lists what is kept of an identity, without the tokens. Nothing is sent.
    ///
    /// Without an identity: of all profiles, and which other records the folder has. With --check,
    /// for monitors, it is one line, and ends with 0 if a live token stands, with 3 if the
    /// credentials were rejected, else with 1.
    #[command(after_long_help = concat_help(
        "Examples:\n  \
         tokenlease status\n  \
         tokenlease status --profile erp --check --min-remaining 1h"
    ))]
    Status(Status),
    /// Asks the provider whether a token is active. The token is read from standard input.
    ///
    /// Prints `active` and ends with 0, or `not active` and ends with 1: then all who share the store
    /// hear of it. No password is needed.
    #[command(after_long_help = concat_help(
        "Examples:\n  tokenlease validate --profile erp < erp.token"
    ))]
    Validate(FromStdin),
    /// Says that an API rejected a token, and asks the provider. The token is read from standard input.
    ///
    /// Prints `still active`, where the rejection is about something else, or `replaced`, once
    /// another token is in use: `token` prints that. All who share the store go by it.
    #[command(after_long_help = concat_help(
        "Examples:\n  tokenlease report-rejected --profile erp < erp.token"
    ))]
    ReportRejected(FromStdin),
    /// Prints the last active token again, without asking for a new one (winkas).
    #[command(after_long_help = concat_help(
        "Examples:\n  (umask 077; tokenlease refetch --profile erp > erp.token)"
    ))]
    Refetch(Printed),
    /// Ends a token before its time (wyn, oauth2). The token is read from standard input.
    ///
    /// It ends for all who use it: a user in a session with the token is sent to the login page.
    /// The answer says whether the end was proven; a server accepts also a revocation that it
    /// does not carry out.
    #[command(after_long_help = concat_help(
        "Examples:\n  tokenlease revoke --profile bi < bi.token"
    ))]
    Revoke(FromStdin),
    /// Drops the token of these credentials from the store, without ending it.
    ///
    /// Nobody takes it from there any more; who has it in hand uses it on. The next `token` costs a
    /// login, or at winkas a refetch.
    #[command(after_long_help = concat_help(
        "Examples:\n  tokenlease forget --profile erp"
    ))]
    Forget(Alone),
    /// Says that credentials which were rejected are right, or that the account was unlocked.
    ///
    /// Nothing is sent. The next `token` sends them again; who does not call this waits until the
    /// time is over that the error names.
    #[command(after_long_help = concat_help(
        "Examples:\n  tokenlease unblock --profile erp"
    ))]
    Unblock(Alone),
    /// Looks at the store that leases are shared in, or makes it ready.
    #[command(after_long_help = concat_help(
        "Examples:\n  tokenlease store check\n  tokenlease store init --profile bi"
    ))]
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Looks for what is wrong between here and a token, step by step.
    ///
    /// Checks the settings, name, connection, TLS, HTTP, clocks and the store, and says at each
    /// failure what to mend. No credentials are sent unless --login is given. Ends with the code of the first
    /// failure.
    #[command(after_long_help = concat_help(
        "Examples:\n  \
         tokenlease doctor --provider winkas --user api@example.dk --contract 4711\n  \
         tokenlease doctor --profile bi --login --output json"
    ))]
    Doctor(Doctor),
    /// Runs both providers on this machine, for tests and trials.
    ///
    /// Prints one line of JSON with addresses and credentials once both listen, and runs until it
    /// is interrupted.
    #[command(after_long_help = concat_help(
        "Examples:\n  tokenlease emulate --wyn 127.0.0.1:51980"
    ))]
    Emulate(Emulate),
    /// Shows what the program does, against providers on this machine.
    #[command(after_long_help = concat_help("Examples:\n  tokenlease demo"))]
    Demo,
    /// One process of the demo's second act.
    #[command(hide = true, after_long_help = concat_help("Examples:\n  tokenlease demo"))]
    DemoProcess,
}

/// Which server, for whom, with which secrets.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Connection {
    /// The profile of the configuration file that says what other options do not.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The configuration file. It is `tokenlease/config.toml` in the user's configuration folder
    /// (`$XDG_CONFIG_HOME`, or `~/.config`; on Windows `%APPDATA%`) unless given.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(flatten)]
    traps: Traps,
}

/// What is given by habit, and must not be.
#[derive(Clone, Debug, Default, clap::Args)]
struct Traps {
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    password: Option<OsString>,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    client_secret: Option<OsString>,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    store_passphrase: Option<OsString>,
}

impl Connection {
    /// Rejects secrets on the command line; the error does not repeat them.
    pub(crate) fn check(&self) -> Result<()> {
        let why = "others on this machine can read the command line";
        store::check_place(self.options.store.as_ref(), "--store", why)?;
        let Traps { password, client_secret, store_passphrase } = &self.traps;
        let traps = [
            (
                password,
                "--password",
                "TOKENLEASE_PASSWORD, --password-file, --password-command, or the prompt on a \
                 terminal",
            ),
            (
                client_secret,
                "--client-secret",
                "TOKENLEASE_CLIENT_SECRET, --client-secret-file, or the prompt on a terminal",
            ),
            (
                store_passphrase,
                "--store-passphrase",
                "TOKENLEASE_STORE_PASSPHRASE, --store-passphrase-file, or the prompt on a terminal",
            ),
        ];
        let Some((_, option, ways)) = traps.iter().find(|(trap, ..)| trap.is_some()) else {
            return Ok(());
        };
        Err(config(format!(
            "{option} is not taken: others on this machine can read the command line, and shells \
             keep it"
        ))
        .expected(*ways)
        .advice("if it was the real one, change it"))
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Printed {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Prints the token even if standard output is a terminal.
    #[arg(long)]
    pub(crate) show: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Alone {
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Says only whether a live token stands, by the exit code too. If the credentials can be read
    /// without asking anyone, theirs alone counts.
    #[arg(long)]
    pub(crate) check: bool,
    /// The life that must be left for certain, for example `1h`. Until the age at which the provider
    /// is asked, that is known at winkas too; for a token of unknown end it is not.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "check")]
    pub(crate) min_remaining: Option<Duration>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Exec {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// The command to run and its arguments, after `--`.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct FromStdin {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[arg(hide = true)]
    trap: Vec<OsString>,
}

impl FromStdin {
    /// Rejects secrets on the command line, the token included.
    pub(crate) fn check(&self) -> Result<()> {
        self.connection.check()?;
        if self.trap.is_empty() {
            return Ok(());
        }
        Err(config("an argument is left over: is it the token? Others can read the command line")
            .expected("the token on standard input")
            .advice("write `tokenlease … < FILE`, or pipe it in"))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Tries the store out, on a record of its own, and says how long each step took.
    ///
    /// Also says how far the store's clock is from this machine's: no harm is in a difference.
    #[command(after_long_help = concat_help(
        "Examples:\n  \
         tokenlease store check\n  \
         tokenlease store check rediss://redis.example.com --store-key-file store.key"
    ))]
    Check(StoreArgs),
    /// Makes what the store needs: a folder with its key, or a table. Doing it again does no harm.
    #[command(after_long_help = concat_help(
        "Examples:\n  TOKENLEASE_STORE=postgres://USER:PASSWORD@db.example.com/erp \\\n    \
         tokenlease store init --store-key-file store.key"
    ))]
    Init(StoreInit),
}

#[derive(Debug, clap::Args)]
pub(crate) struct StoreInit {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Prints the statements that make PostgreSQL's table, and changes nothing.
    #[arg(long)]
    pub(crate) print: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// The store's address, as for --store of other commands.
    #[arg(value_name = "URL", value_parser = StoreUrl::read)]
    pub(crate) url: Option<StoreUrl>,
    /// Where the store's key comes from, as for other commands.
    #[arg(long, value_enum, value_name = "PLACE")]
    pub(crate) store_key: Option<StoreKey>,
    /// A file with the store's key, as for other commands.
    #[arg(long, value_name = "FILE")]
    pub(crate) store_key_file: Option<PathBuf>,
    /// A file with the passphrase that the key is made of, as for other commands.
    #[arg(long, value_name = "FILE")]
    pub(crate) store_passphrase_file: Option<PathBuf>,
    /// A file of certificates in PEM whose authorities are trusted too, beside the system's.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The profile of the configuration file that says what other options do not.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The configuration file, as for other commands.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl StoreArgs {
    /// Where the profile is.
    pub(crate) fn connection(&self) -> Connection {
        let (profile, config) = (self.profile.clone(), self.config.clone());
        Connection { profile, config, ..Connection::default() }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Also gets a token with the credentials: the one in the store, or a new one.
    #[arg(long)]
    pub(crate) login: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Emulate {
    /// Where WinKAS Air listens. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) winkas: SocketAddr,
    /// Where Wyn Enterprise listens. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) wyn: SocketAddr,
}

/// What each help ends with.
fn concat_help(examples: &str) -> String {
    format!("{examples}\n\n{ENVIRONMENT}\n\n{}", exit::HELP)
}

const ENVIRONMENT: &str = "\
Environment:
  Each option that names a server, a network setting, a file of secrets or the store may
  also come from a variable, TOKENLEASE_ and its name in capitals (TOKENLEASE_CLIENT_ID),
  and so may TOKENLEASE_PROFILE, TOKENLEASE_CONFIG, TOKENLEASE_PASSWORD,
  TOKENLEASE_CLIENT_SECRET and TOKENLEASE_STORE_PASSPHRASE.
  The command line wins over the environment, and that over the profile.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_is_explained_by_whole_sentences() {
        let cli = Cli::command();
        let nested = cli.get_subcommands().flat_map(clap::Command::get_subcommands);
        for command in cli.get_subcommands().chain(nested) {
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                let long = arg.get_long_help().map(ToString::to_string).unwrap_or_default();
                let id = format!("{} of {}", arg.get_id(), command.get_name());
                assert!(help.starts_with(char::is_uppercase), "{id}: {help}");
                assert!(help.ends_with('.') || long.ends_with('.') || long.is_empty(), "{id}");
            }
            let after = command.get_after_long_help().map(ToString::to_string);
            let after = after.unwrap_or_default();
            assert!(after.contains("Examples:"), "{}", command.get_name());
            assert!(after.contains("Exit codes:"), "{}", command.get_name());
        }
    }

    #[test]
    fn secrets_given_by_habit_are_rejected_and_not_repeated() {
        for habit in [
            &["--password", "canary"][..],
            &["--password=canary"],
            &["--password"],
            &["--client-secret", "canary"],
            &["--store-passphrase", "canary"],
        ] {
            let args = ["tokenlease", "token"].iter().chain(habit);
            let Command::Token(printed) = Cli::parse_from(args).command else { panic!("token") };
            let error = printed.connection.check().unwrap_err().to_string();
            assert!(error.contains("-file") && !error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_token_given_as_an_argument_is_rejected_and_not_repeated() {
        for command in ["validate", "report-rejected", "revoke"] {
            let cli = Cli::parse_from(["tokenlease", command, "canary"]);
            let (Command::Validate(args) | Command::ReportRejected(args) | Command::Revoke(args)) =
                cli.command
            else {
                panic!("{command}")
            };
            let error = args.check().unwrap_err().to_string();
            assert!(error.contains("standard input") && !error.contains("canary"), "{error}");
        }
    }
}
