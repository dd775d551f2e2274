//! The options of commands that use a server.

use std::{ffi::OsString, path::PathBuf};

use tokenlease::Result;
use tokenlease_config::Options;

use crate::output::config;

/// Why secrets on the command line are rejected.
pub(super) const VISIBLE: &str = "other users of this machine can read the command line";

/// Which server, which identity, which secrets and which store.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Connection {
    /// Take options that are not set from this profile. It is in the configuration file.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The configuration file. The default is `tokenlease/config.toml` in `$XDG_CONFIG_HOME` or
    /// `~/.config` (Windows: `%APPDATA%`).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(flatten)]
    traps: Traps,
}

/// Secrets that users may give as arguments by habit. They are parsed only to be rejected.
#[derive(Clone, Debug, Default, clap::Args)]
struct Traps {
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    password: Option<OsString>,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    client_secret: Option<OsString>,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    extra_secret: Option<OsString>,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    store_password: Option<OsString>,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "")]
    store_passphrase: Option<OsString>,
}

impl Connection {
    /// Returns a connection with only a profile and a configuration file.
    pub(super) fn of_profile(profile: Option<String>, config: Option<PathBuf>) -> Self {
        Self { profile, config, ..Self::default() }
    }

    /// Rejects secrets on the command line. The error does not quote them.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(url) = &self.options.store {
            url.reject_password("--store", VISIBLE)?;
        }
        let Traps { password, client_secret, extra_secret, store_password, store_passphrase } =
            &self.traps;
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
            (extra_secret, "--extra-secret", "TOKENLEASE_EXTRA_SECRET, or --extra-secret-file"),
            (
                store_password,
                "--store-password",
                "--store-password-file, --store-password-command, or a URL in TOKENLEASE_STORE",
            ),
            (
                store_passphrase,
                "--store-passphrase",
                "TOKENLEASE_STORE_PASSPHRASE, --store-passphrase-file, or the prompt on a terminal",
            ),
        ];
        let Some((_, option, alternatives)) = traps.iter().find(|(trap, ..)| trap.is_some()) else {
            return Ok(());
        };
        Err(config(format!("{option} is not an option: {VISIBLE}, and shells save it"))
            .expected(*alternatives)
            .advice("if it was the real secret, change it"))
    }
}
