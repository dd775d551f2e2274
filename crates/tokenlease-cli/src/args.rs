//! The command line.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use clap::{ArgAction, Parser, Subcommand};

use crate::{
    exit,
    options::Options,
    output::{Output, config},
};
use tokenlease::Result;

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
         tokenlease doctor --vendor wyn --server https://wyn.example.com --user report\n  \
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
         tokenlease token --vendor oauth2 --server https://id.example.com --client-id app \\\n    \
         --client-secret-file app.secret --token-path /oauth/token --output json"
    ))]
    Token(Printed),
    /// Runs a command with a token in its environment.
    ///
    /// The command finds the token in `TOKENLEASE_TOKEN`, and neither `TOKENLEASE_PASSWORD` nor
    /// `TOKENLEASE_CLIENT_SECRET`. On Unix it takes this process over; elsewhere its exit code is
    /// passed on.
    #[command(after_long_help = concat_help(
        "Examples:\n  \
         tokenlease exec --profile bi -- ./export-reports\n  \
         tokenlease exec --profile bi -- sh -c \\\n    \
         'printf \"Authorization: Bearer %s\" \"$TOKENLEASE_TOKEN\" | curl -H @- \
         https://wyn.example.com/api/v2/me'"
    ))]
    Exec(Exec),
    /// Asks the vendor whether a token is active. The token is read from standard input.
    ///
    /// Prints `active` and ends with 0, or `not active` and ends with 1.
    #[command(after_long_help = concat_help(
        "Examples:\n  tokenlease validate --profile erp < erp.token"
    ))]
    Validate(FromStdin),
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
    /// Looks for what is wrong between here and a token, step by step.
    ///
    /// Checks the settings, name, connection, TLS, HTTP and clocks, and says at each failure what
    /// to mend. No credentials are sent unless --login is given. Ends with the code of the first
    /// failure.
    #[command(after_long_help = concat_help(
        "Examples:\n  \
         tokenlease doctor --vendor winkas --user api@example.dk --contract 4711\n  \
         tokenlease doctor --profile bi --login --output json"
    ))]
    Doctor(Doctor),
    /// Runs both vendors on this machine, for tests and trials.
    ///
    /// Prints one line of JSON with addresses and credentials once both listen, and runs until it
    /// is interrupted.
    #[command(after_long_help = concat_help(
        "Examples:\n  tokenlease emulate --wyn 127.0.0.1:51980"
    ))]
    Emulate(Emulate),
    /// Shows what the program does, against vendors on this machine.
    #[command(after_long_help = concat_help("Examples:\n  tokenlease demo"))]
    Demo,
}

/// Which server, for whom, with which secrets.
#[derive(Debug, Default, clap::Args)]
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
#[derive(Debug, Default, clap::Args)]
struct Traps {
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    password: Option<OsString>,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    client_secret: Option<OsString>,
}

impl Connection {
    /// Refuses secrets on the command line; the error does not repeat them.
    pub(crate) fn check(&self) -> Result<()> {
        let Traps { password, client_secret } = &self.traps;
        let (option, ways) = match (password, client_secret) {
            (None, None) => return Ok(()),
            (Some(_), _) => (
                "--password",
                "TOKENLEASE_PASSWORD, --password-file, --password-command, or the prompt on a \
                 terminal",
            ),
            (None, Some(_)) => (
                "--client-secret",
                "TOKENLEASE_CLIENT_SECRET, --client-secret-file, or the prompt on a terminal",
            ),
        };
        Err(config(format!(
            "{option} is not taken: others on this machine can read the command line, and shells \
             keep it"
        ))
        .expected(ways)
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
    /// Refuses secrets on the command line, the token included.
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

#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Also gets a token once with the credentials. At winkas a login may cost a token.
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
    format!(
        "{examples}\n\nEnvironment:\n  \
         Each option that names a server, a network setting or a file of secrets may also come\n  \
         from a variable: TOKENLEASE_ and the option in capitals (TOKENLEASE_CLIENT_ID), and so \
         may\n  TOKENLEASE_PROFILE, TOKENLEASE_CONFIG, TOKENLEASE_PASSWORD and \
         TOKENLEASE_CLIENT_SECRET.\n  The command line wins over the environment, and that over \
         the profile.\n\n{}",
        exit::HELP
    )
}

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
        for command in Cli::command().get_subcommands() {
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
    fn secrets_given_by_habit_are_refused_and_not_repeated() {
        for habit in [
            &["--password", "canary"][..],
            &["--password=canary"],
            &["--password"],
            &["--client-secret", "canary"],
        ] {
            let args = ["tokenlease", "token"].iter().chain(habit);
            let Command::Token(printed) = Cli::parse_from(args).command else { panic!("token") };
            let error = printed.connection.check().unwrap_err().to_string();
            assert!(error.contains("-file") && !error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_token_given_as_an_argument_is_refused_and_not_repeated() {
        for command in ["validate", "revoke"] {
            let cli = Cli::parse_from(["tokenlease", command, "canary"]);
            let (Command::Validate(args) | Command::Revoke(args)) = cli.command else {
                panic!("{command}")
            };
            let error = args.check().unwrap_err().to_string();
            assert!(error.contains("standard input") && !error.contains("canary"), "{error}");
        }
    }
}
