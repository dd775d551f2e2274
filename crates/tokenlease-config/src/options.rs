//! The options that say which server is asked, for whom, and how. They come from the command
//! line, the environment and a profile, under the same names and read by the same rules.

mod named;

use std::{path::PathBuf, time::Duration};

use tokenlease::Result;

pub use self::named::{KEYS, Value};
use crate::{
    choice::{ClientAuth, Grant, OnStoreOutage, Provider, StoreKey},
    config,
    store::StoreUrl,
};

/// One source's options; what it does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::Args), command(next_help_heading = "Server"))]
pub struct Options {
    /// Whose protocol the server speaks.
    #[cfg_attr(feature = "clap", arg(long, value_enum))]
    pub provider: Option<Provider>,
    /// The server's base address, for example `https://wyn.example.com`. For winkas it is
    /// `https://air.winkas.net` unless given.
    #[cfg_attr(feature = "clap", arg(long, value_name = "URL"))]
    pub server: Option<String>,
    /// The user that tokens speak for.
    #[cfg_attr(feature = "clap", arg(long, value_name = "NAME"))]
    pub user: Option<String>,
    /// The contract code (winkas).
    #[cfg_attr(feature = "clap", arg(long, value_name = "CODE"))]
    pub contract: Option<String>,
    /// The client's id (wyn, oauth2). For wyn it is `integration` unless given.
    #[cfg_attr(feature = "clap", arg(long, value_name = "ID"))]
    pub client_id: Option<String>,
    /// The organization, with a slash first: `/Org/SubOrg` (wyn). It is `/`, the global
    /// organization, unless given.
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    pub tenant: Option<String>,
    /// The scopes to ask for, separated by spaces (wyn, oauth2). None are asked for unless given.
    #[cfg_attr(feature = "clap", arg(long, value_name = "SCOPES"))]
    pub scope: Option<String>,
    /// How long new tokens shall live, for example `8h` (wyn). A token lives as long as the server
    /// says unless given: 10 years on a Wyn server as installed.
    #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = crate::duration::parse))]
    pub lifetime: Option<Duration>,
    /// How tokens are asked for (oauth2): for a user, or for the client itself. It is `password`
    /// where there is a user, unless given.
    #[cfg_attr(feature = "clap", arg(long, value_enum))]
    pub grant: Option<Grant>,
    /// Where the client's id and secret are sent (wyn, oauth2). Unless given it is `basic` for
    /// oauth2; for wyn `body` in token requests and `basic` in revocations.
    #[cfg_attr(feature = "clap", arg(long, value_enum, value_name = "WAY"))]
    pub client_auth: Option<ClientAuth>,
    /// The path of the token endpoint below the base address. It is `/connect/token` for wyn and
    /// `/token` for oauth2 unless given.
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    pub token_path: Option<String>,
    /// The path of the revocation endpoint. It is `/connect/revocation` for wyn, and oauth2 has
    /// none, unless given; an empty path means there is none.
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    pub revocation_path: Option<String>,
    /// The path of the introspection endpoint. There is none unless given; it is used where there
    /// is no userinfo path.
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    pub introspection_path: Option<String>,
    /// The path of the userinfo endpoint. It is `/connect/userinfo` for wyn, and oauth2 has none,
    /// unless given; an empty path means there is none.
    #[cfg_attr(feature = "clap", arg(long, value_name = "PATH"))]
    pub userinfo_path: Option<String>,
    /// Whether a new token ends the older ones of the same identity, which no answer tells (wyn,
    /// oauth2). If so, a token is used to its end instead of being refreshed early.
    #[cfg_attr(feature = "clap", arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_possible_values = true
    ))]
    pub new_token_ends_old: Option<bool>,
    /// How long tokens live by the agreement, where no answer says it (winkas), for example `24h`.
    /// It is 12 hours unless given, and what proves to be longer is learned.
    #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = crate::duration::parse))]
    pub agreed_lifetime: Option<Duration>,
    /// An upper limit of one's own for the life of a token whose end the server states (wyn,
    /// oauth2), for example `12h`.
    #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = crate::duration::parse))]
    pub max_lifetime: Option<Duration>,
    /// A file of certificates in PEM whose authorities are trusted too, beside the system's.
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Network"))]
    pub ca: Option<PathBuf>,
    /// Dangerous: sends passwords and tokens unencrypted to an `http://` address, to be read by
    /// everyone on the way. Servers on this machine need no such leave.
    #[cfg_attr(feature = "clap", arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_possible_values = true,
        help_heading = "Network"
    ))]
    pub allow_plain_http: Option<bool>,
    /// How long one request may take, for example `500ms` or `10s`. It is 10 seconds unless given.
    #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = crate::duration::parse, help_heading = "Network"))]
    pub timeout: Option<Duration>,
    /// How long the token may take to come in all, retries and waits included, for example `1m`.
    /// It is 30 seconds unless given.
    #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = crate::duration::parse, help_heading = "Network"))]
    pub deadline: Option<Duration>,
    /// A file that holds the password in one line. Nobody else should be able to read it.
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Secrets"))]
    pub password_file: Option<PathBuf>,
    /// A command whose first line of output is the password, run by `sh -c` (Windows: `cmd /C`),
    /// for example `pass show erp`. The command itself may be seen by others: put no secret in it.
    #[cfg_attr(feature = "clap", arg(long, value_name = "COMMAND", help_heading = "Secrets"))]
    pub password_command: Option<String>,
    /// A file that holds the client's secret in one line (wyn, oauth2).
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Secrets"))]
    pub client_secret_file: Option<PathBuf>,
    /// Where leases are kept and shared: `file:/path` (a folder of this user's), `memory:` (nothing
    /// outlives the command), or a server for many hosts. It is `file:`, the folder `tokenlease` in
    /// `$XDG_STATE_HOME` or `~/.local/state`, unless given. An address with a password in it comes
    /// from `TOKENLEASE_STORE` alone.
    #[cfg_attr(feature = "clap", arg(long, value_name = "URL", value_parser = StoreUrl::read, help_heading = "Store"))]
    pub store: Option<StoreUrl>,
    /// Where the store's key comes from, if not from a file. A folder has a key of its own unless
    /// given. All who share a store need the same.
    #[cfg_attr(
        feature = "clap",
        arg(long, value_enum, value_name = "PLACE", help_heading = "Store")
    )]
    pub store_key: Option<StoreKey>,
    /// A file with the store's key: 32 bytes, or their hexadecimal digits or base64.
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Store"))]
    pub store_key_file: Option<PathBuf>,
    /// A file that holds, in one line, a passphrase that the store's key is made of.
    #[cfg_attr(feature = "clap", arg(long, value_name = "FILE", help_heading = "Store"))]
    pub store_passphrase_file: Option<PathBuf>,
    /// What happens while the store is away. Unless given, only the running token is asked for where
    /// the provider has a call for that (winkas), else one new token a process and lifetime.
    #[cfg_attr(
        feature = "clap",
        arg(long, value_enum, value_name = "POLICY", help_heading = "Store")
    )]
    pub on_store_outage: Option<OnStoreOutage>,
    /// How long a look at the store is good for: a sibling's revocation is seen after that long at
    /// the latest. It is 30 seconds unless given.
    #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = crate::duration::parse, help_heading = "Store"))]
    pub store_check_interval: Option<Duration>,
}

impl Options {
    fn without_key(self) -> Self {
        Self { store_key: None, store_key_file: None, store_passphrase_file: None, ..self }
    }

    /// Whether they say where the store's key comes from.
    pub(crate) fn names_a_key(&self) -> bool {
        self.store_key.is_some()
            || self.store_key_file.is_some()
            || self.store_passphrase_file.is_some()
    }

    /// The text of the file of extra authorities.
    pub fn ca(&self) -> Result<Option<Vec<u8>>> {
        let Some(path) = &self.ca else { return Ok(None) };
        std::fs::read(path).map(Some).map_err(|error| {
            config(format!("the CA file {} can't be read: {error}", path.display()))
                .expected("a file of certificates in PEM")
        })
    }
}
