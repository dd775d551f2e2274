//! The arguments of commands that read a token from standard input.

use std::ffi::OsString;

use tokenlease::Result;

use super::connection::{Connection, VISIBLE};
use crate::output::config;

#[derive(Debug, clap::Args)]
pub(crate) struct FromStdin {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[arg(hide = true)]
    trap: Vec<OsString>,
}

impl FromStdin {
    /// Rejects secrets on the command line, including the token.
    pub(crate) fn check(&self) -> Result<()> {
        self.connection.check()?;
        if self.trap.is_empty() {
            return Ok(());
        }
        Err(config(format!("unexpected argument; if it is the token: {VISIBLE}"))
            .expected("the token on standard input")
            .advice("use `tokenlease … < FILE` or a pipe"))
    }
}
