//! The options of commands that print a token or pass it on.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use tokenlease_config::{duration, secrets::is_reserved_variable};

use super::connection::Connection;

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Printed {
    /// Print the token even on a terminal.
    #[arg(long, conflicts_with = "write")]
    pub(crate) show: bool,
    /// Write the token to this file, and print none. The file is replaced at once, and
    /// only you can read it (mode 0600).
    #[arg(long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
    /// Print or write the header that presents the token to an API, `NAME: VALUE`, in place of the token.
    /// `curl -H @-` reads it.
    #[arg(long)]
    pub(crate) as_header: bool,
    // Last, because its headings of `--help` also apply to the options that follow.
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, Default, clap::Args)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    pub(crate) remaining: Remaining,
    #[command(flatten)]
    pub(crate) printed: Printed,
}

/// The remaining lifetime that a token should have.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Remaining {
    /// Prefer a token that lives this long. Example: `3h`. At most half of the token's whole lifetime
    /// counts. A shorter one is served with a warning if no better one can be had. An assumed
    /// lifetime (winkas) is validated instead: there is no new token while one is active.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) min_remaining: Option<Duration>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Exec {
    /// The command to run and its arguments, after `--`.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
    /// The variable that holds the token.
    #[arg(long, value_name = "NAME", default_value = "TOKENLEASE_TOKEN", value_parser = variable)]
    pub(crate) env: String,
    /// Renew the token in this file for a long command. The file has the current token while the
    /// command runs. It is replaced at once, only you can read it (mode 0600), and it is removed at
    /// the end. Its path is in the variable `TOKENLEASE_TOKEN_FILE`.
    #[arg(long, value_name = "FILE")]
    pub(crate) renew: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) remaining: Remaining,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// Parses the name of a variable. Rejects one that the program itself reads.
fn variable(name: &str) -> Result<String, String> {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_name = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if !starts_well || !is_name {
        return Err("not a variable's name; expected letters, digits and `_`".to_owned());
    }
    if is_reserved_variable(name) {
        return Err("tokenlease reads this variable; expected another name".to_owned());
    }
    Ok(name.to_owned())
}
