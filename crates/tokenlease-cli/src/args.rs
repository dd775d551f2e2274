//! The command line: commands, options, and the text of `--help`.

mod connection;
mod credential;
mod from_stdin;
mod printed;
mod serve;
mod store;
mod summary;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{
    ArgAction, Parser, Subcommand,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};

use tokenlease_config::duration;
use tokenlease_emulator::Quirk;

pub(crate) use self::{
    connection::Connection,
    credential::{ForHosts, Protocol},
    from_stdin::FromStdin,
    printed::{Exec, Printed, TokenArgs},
    serve::Serve,
    store::{StoreArgs, StoreCommand},
    summary::{with_options, with_summaries},
};
use crate::{exit, output::Output};

/// Get, share, validate and revoke API tokens of WinKAS Air, Wyn Enterprise and OAuth 2.0 servers.
///
/// A token is obtained once and used until it expires, by all processes that share a store.
/// Passwords and client secrets are never arguments, because other users can read the command line:
/// set them by a file, a variable, a command or a prompt.
#[derive(Debug, Parser)]
#[command(
    name = "tokenlease",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_long_help = after_help(&[
        "tokenlease token --profile erp --write erp.token",
        "tokenlease token --profile bi --as-header |\n    \
         curl -sSf -H @- https://wyn.example.com/api/v2/me",
        "tokenlease exec --profile bi -- ./export-reports",
        "tokenlease doctor --provider wyn --user report \\\n    \
         --server https://wyn.example.com",
        "tokenlease demo",
    ])
)]
pub(crate) struct Cli {
    /// The format of results and errors.
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t)]
    pub(crate) output: Output,
    /// Log to standard error: -v logs decisions, -vv details. Secrets are never logged.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
// Each command has more than fifty options: they are built for the command that runs.
#[command(defer = true)]
pub(crate) enum Command {
    /// Print a token; log in only if there is no other way to get one.
    ///
    /// Tries the store, then a refetch (winkas), then a login, and stops at the first that works.
    /// Text output is the token and a newline. JSON output also has the token's source, its expiry
    /// and how the expiry is known.
    #[command(after_long_help = after_help(&[
        "tokenlease token --profile erp --write erp.token",
        "tokenlease token --provider oauth2 --server https://id.example.com \\\n    \
         --client-id app --client-secret-file app.secret \\\n    \
         --token-path /oauth/token --output json",
    ]))]
    Token(TokenArgs),
    /// Run a command with a token in its environment.
    ///
    /// The command gets the token in `TOKENLEASE_TOKEN`, and no secret of tokenlease. On Unix it
    /// replaces this process. With --renew and on Windows this process waits for it, passes signals
    /// on, and exits with its code, or with 128 and the signal that ended it.
    #[command(after_long_help = after_help(&[
        "tokenlease exec --profile bi -- ./export-reports",
        "tokenlease exec --profile bi --renew long.token -- \\\n    \
         sh -c 'test -s \"$TOKENLEASE_TOKEN_FILE\"'",
        "tokenlease exec --profile bi -- sh -c '\n    \
         printf \"Authorization: Bearer %s\" \"$TOKENLEASE_TOKEN\" |\n    \
         curl -sSf -H @- https://wyn.example.com/api/v2/me'",
    ]))]
    Exec(Exec),
    /// Pass tokens to kubectl, git, docker and other programs by their own protocols.
    #[command(after_long_help = after_help(&[
        "tokenlease credential kubernetes --profile bi",
        "tokenlease credential process --profile bi",
    ]))]
    Credential {
        #[command(subcommand)]
        protocol: Protocol,
    },
    /// List the tokens in the store, without their text. Sends no request to a server.
    ///
    /// Without --provider, lists the identities of all profiles, and the other records in the
    /// folder. With --check, for monitors, prints one line and exits with 0 if there is a live
    /// token, with 3 if the server rejected the credentials, else with 1.
    #[command(after_long_help = after_help(&[
        "tokenlease status",
        "tokenlease status --profile erp --check --min-remaining 1h",
        "tokenlease status --format openmetrics > erp.prom",
    ]))]
    Status(Status),
    /// Show when and why logins were sent, on which host and by which process.
    ///
    /// Lists the last 32 logins, refetches and rejections of the identity by all processes that
    /// share the store, and the logins above the minimum of one for each lifetime of a token. Sends
    /// no request to a server and needs no password.
    #[command(after_long_help = after_help(&[
        "tokenlease history --profile erp",
        "tokenlease history --profile erp --svg erp.svg",
        "tokenlease history --profile erp --output json",
    ]))]
    History(History),
    /// Ask the server whether a token is active. Reads the token from standard input.
    ///
    /// Prints `active` and exits with 0, or prints `not active` and exits with 1. A token that is
    /// not active is marked as such in the store, for all processes that share it. Needs no
    /// password.
    #[command(after_long_help = after_help(&["tokenlease validate --profile erp < erp.token"]))]
    Validate(FromStdin),
    /// Report that an API rejected a token. Reads the token from standard input.
    ///
    /// Asks the server whether the token is active. Prints `still active` if it is: the API
    /// rejected the request for another reason. Prints `replaced` if it is not and there is a new
    /// token, which `tokenlease token` prints. All processes that share the store use the new
    /// token.
    #[command(after_long_help = after_help(&[
        "tokenlease report-rejected --profile erp < erp.token",
    ]))]
    ReportRejected(FromStdin),
    /// Print the server's current token, without a login (winkas).
    #[command(after_long_help = after_help(&[
        "tokenlease refetch --profile erp --write erp.token",
    ]))]
    Refetch(Printed),
    /// Revoke a token (wyn, oauth2). Reads the token from standard input.
    ///
    /// The token ends for everyone who uses it: a user in a session with the token is sent to the
    /// login page. The result says whether the server confirmed that the token is inactive; servers
    /// also accept revocations that they do not carry out.
    #[command(after_long_help = after_help(&["tokenlease revoke --profile bi < bi.token"]))]
    Revoke(FromStdin),
    /// Remove the token of these credentials from the store, without revoking it.
    ///
    /// No process takes the token from the store any more. Processes that have it in memory keep
    /// using it. The next `tokenlease token` costs a login, or a refetch (winkas). With --record,
    /// removes a record of a folder by its name, without credentials.
    #[command(after_long_help = after_help(&[
        "tokenlease forget --profile erp",
        "tokenlease forget --record 0d9b7cf3a1e2",
    ]))]
    Forget(Forget),
    /// Allow rejected credentials to be sent again.
    ///
    /// Run this after you correct the credentials at the server or the account is unlocked. It
    /// sends no request; the next `tokenlease token` sends the credentials. Without this command
    /// they are not sent before the time that the error names.
    #[command(after_long_help = after_help(&["tokenlease unblock --profile erp"]))]
    Unblock(Alone),
    /// Test or prepare the store where tokens are shared.
    #[command(after_long_help = after_help(&[
        "tokenlease store check",
        "tokenlease store init --profile bi",
    ]))]
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Find out why there is no token: check each step from the options to the store.
    ///
    /// Checks the options, DNS, the connection, TLS, HTTP, clocks and the store, and prints advice
    /// for each failure. Sends no credentials without --login. Exits with the code of the first
    /// failure.
    #[command(after_long_help = after_help(&[
        "tokenlease doctor --provider winkas --user api@example.dk --contract 4711",
        "tokenlease doctor --profile bi --login --output json",
    ]))]
    Doctor(Doctor),
    /// Give tokens to the programs of this host by HTTP, as a local OAuth 2.0 server.
    ///
    /// Answers token requests (RFC 6749, client credentials), introspection (RFC 7662), revocation
    /// (RFC 7009) and `GET /token/PROFILE`. With --forward, adds the token to requests for an
    /// upstream, which the caller does not see. The configuration file lists the consumers. Prints
    /// one line of JSON once it listens, reads the file again at SIGHUP, and runs until it is
    /// interrupted.
    #[command(after_long_help = after_help(&[
        "tokenlease serve --new-secret php.secret",
        "tokenlease serve --listen 127.0.0.1:4180",
        "tokenlease serve --unix tokenlease.socket \\\n    \
         --forward erp=erp,https://air.winkas.net/api/",
    ]))]
    Serve(Serve),
    /// Run an emulator of both providers on this machine, for tests.
    ///
    /// Prints one line of JSON with addresses and credentials once both servers listen, and runs
    /// until it is interrupted.
    #[command(after_long_help = after_help(&["tokenlease emulate --wyn 127.0.0.1:51980"]))]
    Emulate(Emulate),
    /// Show how many logins tokenlease saves, with emulated providers on this machine.
    #[command(after_long_help = after_help(&["tokenlease demo"]))]
    Demo,
    /// Run one process of the demo.
    #[command(hide = true, after_long_help = after_help(&["tokenlease demo"]))]
    DemoProcess,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Alone {
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Forget {
    /// Remove the record whose name begins so, as `status` prints it for records that belong to no
    /// profile.
    #[arg(long, value_name = "NAME")]
    pub(crate) record: Option<String>,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    /// Print only whether there is a live token, and say so by the exit code. If the credentials
    /// can be read without a prompt, only their token counts; else any token of the identity.
    #[arg(long)]
    pub(crate) check: bool,
    /// The remaining lifetime that the token must have, for example `1h`. An assumed lifetime
    /// (winkas) counts until the client would validate the token. A token whose expiry is unknown,
    /// such as a refetched one, is not too short, unless it could not live that long (24 hours).
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, requires = "check")]
    pub(crate) min_remaining: Option<Duration>,
    /// A format for monitors instead of text or JSON.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, clap::Args)]
pub(crate) struct History {
    /// Also write the history as a picture (SVG) to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// A format for monitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// With --check: one line with performance data, and the exit codes 0 (OK), 1 (WARNING: less
    /// than --min-remaining), 2 (CRITICAL: no token, or rejected credentials) and 3 (UNKNOWN).
    Nagios,
    /// Metrics of all profiles for the textfile collector of Prometheus, without --check.
    Openmetrics,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// Also get a token with the credentials: the one in the store, or by a login.
    #[arg(long)]
    pub(crate) login: bool,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Emulate {
    /// The address where the emulated WinKAS Air listens. Port 0 takes a free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) winkas: SocketAddr,
    /// The address where the emulated Wyn Enterprise listens. Port 0 takes a free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) wyn: SocketAddr,
    /// Answer as other servers do. Repeat the option for more quirks.
    #[arg(long = "quirk", value_name = "NAME", value_parser = quirk())]
    pub(crate) quirks: Vec<Quirk>,
}

/// Parses the name of a quirk, and lists all of them in `--help`.
fn quirk() -> impl TypedValueParser<Value = Quirk> {
    let values =
        Quirk::ALL.iter().map(|quirk| PossibleValue::new(quirk.name()).help(quirk.description()));
    PossibleValuesParser::new(values).try_map(|name| name.parse::<Quirk>())
}

/// Returns the end of each `--help`. Lines of examples are indented by two spaces, continuation
/// lines by four. No line has more than 80 columns: an example that clap wraps can't be pasted.
fn after_help(examples: &[&str]) -> String {
    // Each start of the program makes this text for each command: so it is not formatted.
    ["Examples:\n  ", &examples.join("\n  "), "\n\n", ENVIRONMENT, "\n\n", exit::HELP].concat()
}

const ENVIRONMENT: &str = "\
Environment:
  Variables set the options under Server, Network, Secrets and Store, --profile
  and --config: TOKENLEASE_ and the option's name in capitals, for example
  TOKENLEASE_CLIENT_ID. TOKENLEASE_PASSWORD, TOKENLEASE_CLIENT_SECRET and
  TOKENLEASE_STORE_PASSPHRASE set the secrets themselves.
  An option overrides its variable, and a variable overrides the profile.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_is_documented_in_whole_sentences() {
        let cli = with_options(Cli::command().disable_help_subcommand(true));
        let nested = cli.get_subcommands().flat_map(clap::Command::get_subcommands);
        for command in std::iter::once(&cli).chain(cli.get_subcommands()).chain(nested) {
            let is_ours = |arg: &&clap::Arg| {
                // clap describes its own options.
                !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version")
            };
            for arg in command.get_arguments().filter(is_ours) {
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
            for line in after.lines() {
                assert!(line.len() <= 80, "clap wraps it at a width of 80: {line}");
            }
        }
    }

    /// Rule: Secrets: a secret on the command line is rejected, and the error does not quote it.
    #[test]
    fn a_secret_as_an_argument_is_rejected_and_not_quoted() {
        for args in [
            &["--password", "canary"][..],
            &["--password=canary"],
            &["--password"],
            &["--client-secret", "canary"],
            &["--store-passphrase", "canary"],
        ] {
            let args = ["tokenlease", "token"].iter().chain(args);
            let Command::Token(token) = Cli::parse_from(args).command else { panic!("token") };
            let error = token.printed.connection.check().unwrap_err().to_string();
            assert!(error.contains("-file") && !error.contains("canary"), "{error}");
        }
    }

    /// Rule: Secrets: a token on the command line is rejected, and the error does not quote it.
    #[test]
    fn a_token_as_an_argument_is_rejected_and_not_quoted() {
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
