//! The options of `store check` and `store init`.

use std::path::PathBuf;

use clap::Subcommand;
use tokenlease::Result;
use tokenlease_config::{Options, PemSource, StoreAccess, StoreKey, StoreUrl};

use super::{
    after_help,
    connection::{Connection, VISIBLE},
};

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Test the store with a separate record, and print the duration of each step.
    ///
    /// Reads and locks the record of the profile's identity too, and sends no request to its server.
    /// Also prints the difference between the store's clock and this machine's. A difference does
    /// no harm.
    #[command(after_long_help = after_help(&[
        "tokenlease store check",
        "tokenlease store check --profile bi",
    ]))]
    Check(StoreArgs),
    /// Create what the store needs: a folder with its key, or a table. Running it again does no
    /// harm.
    #[command(after_long_help = after_help(&[
        "TOKENLEASE_STORE=$(cat store.url) \\\n    \
         tokenlease store init --store-key-file store.key",
        "tokenlease store init --print postgres://db.example.com/erp",
    ]))]
    Init(StoreInit),
}

#[derive(Debug, clap::Args)]
pub(crate) struct StoreInit {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Print the SQL statements that create PostgreSQL's table, and change nothing.
    #[arg(long)]
    pub(crate) print: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// The store's URL: `file:/path`, or the URL of a Redis or PostgreSQL server. The default is
    /// the folder that other commands use. Set a URL that contains a password by the variable
    /// `TOKENLEASE_STORE`, not here.
    #[arg(value_name = "URL", value_parser = StoreUrl::read)]
    pub(crate) url: Option<StoreUrl>,
    /// Read the password for the Redis or PostgreSQL server from this file. The URL has none then.
    #[arg(long, value_name = "FILE")]
    pub(crate) store_password_file: Option<PathBuf>,
    /// Run this command and use the first line of its output as the password for the server.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) store_password_command: Option<String>,
    /// Which users may use the store's folder: its user alone, or those of its group.
    #[arg(long, value_enum, value_name = "USERS")]
    pub(crate) store_access: Option<StoreAccess>,
    /// Where the store's encryption key comes from, if not from a file.
    #[arg(long, value_enum, value_name = "SOURCE")]
    pub(crate) store_key: Option<StoreKey>,
    /// Read the store's encryption key from this file: 32 bytes, raw, in hexadecimal or in base64.
    #[arg(long, value_name = "FILE")]
    pub(crate) store_key_file: Option<PathBuf>,
    /// Derive the store's encryption key from the passphrase in this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) store_passphrase_file: Option<PathBuf>,
    /// A PEM file of certificate authorities to trust in addition to the system's.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Take options that are not set from this profile. It is in the configuration file.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The configuration file, as for other commands.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl StoreArgs {
    /// Returns the profile, in the form that other commands have it.
    pub(crate) fn connection(&self) -> Connection {
        Connection::of_profile(self.profile.clone(), self.config.clone())
    }

    /// Returns the store's options. Rejects a URL with a password.
    pub(crate) fn options(&self) -> Result<Options> {
        if let Some(url) = &self.url {
            url.reject_password("the argument URL", VISIBLE)?;
        }
        Ok(Options {
            store: self.url.clone(),
            store_password_file: self.store_password_file.clone(),
            store_password_command: self.store_password_command.clone(),
            store_access: self.store_access,
            store_key: self.store_key,
            store_key_file: self.store_key_file.clone(),
            store_passphrase_file: self.store_passphrase_file.clone(),
            ca: self.ca.clone().map(PemSource::File),
            ..Options::default()
        })
    }
}
