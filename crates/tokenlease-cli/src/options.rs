//! The options that say which server is asked, for whom, and how. They come from the command
//! line, the environment and a profile, under the same names and read by the same rules.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;
use tokenlease::Result;

use crate::{duration, output::config, store::StoreUrl};

/// One source's options; what it does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct Options {
    /// Whose protocol the server speaks.
    #[arg(long, value_enum)]
    pub(crate) vendor: Option<Vendor>,
    /// The server's base address, for example `https://wyn.example.com`. For winkas it is
    /// `https://air.winkas.net` unless given.
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The user that tokens speak for.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// The contract code (winkas).
    #[arg(long, value_name = "CODE")]
    pub(crate) contract: Option<String>,
    /// The client's id (wyn, oauth2). For wyn it is `integration` unless given.
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// The organization, with a slash first: `/Org/SubOrg` (wyn). It is `/`, the global
    /// organization, unless given.
    #[arg(long, value_name = "PATH")]
    pub(crate) tenant: Option<String>,
    /// The scopes to ask for, separated by spaces (wyn, oauth2). None are asked for unless given.
    #[arg(long, value_name = "SCOPES")]
    pub(crate) scope: Option<String>,
    /// How long new tokens shall live, for example `8h` (wyn). A token lives as long as the server
    /// says unless given: 10 years on a Wyn server as installed.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) lifetime: Option<Duration>,
    /// How tokens are asked for (oauth2): for a user, or for the client itself. It is `password`
    /// where there is a user, unless given.
    #[arg(long, value_enum)]
    pub(crate) grant: Option<Grant>,
    /// Where the client's id and secret are sent (wyn, oauth2). Unless given it is `basic` for
    /// oauth2; for wyn `body` in token requests and `basic` in revocations.
    #[arg(long, value_enum, value_name = "WAY")]
    pub(crate) client_auth: Option<ClientAuth>,
    /// The path of the token endpoint below the base address. It is `/connect/token` for wyn and
    /// `/token` for oauth2 unless given.
    #[arg(long, value_name = "PATH")]
    pub(crate) token_path: Option<String>,
    /// The path of the revocation endpoint. It is `/connect/revocation` for wyn, and oauth2 has
    /// none, unless given; an empty path means there is none.
    #[arg(long, value_name = "PATH")]
    pub(crate) revocation_path: Option<String>,
    /// The path of the introspection endpoint. There is none unless given; it is used where there
    /// is no userinfo path.
    #[arg(long, value_name = "PATH")]
    pub(crate) introspection_path: Option<String>,
    /// The path of the userinfo endpoint. It is `/connect/userinfo` for wyn, and oauth2 has none,
    /// unless given; an empty path means there is none.
    #[arg(long, value_name = "PATH")]
    pub(crate) userinfo_path: Option<String>,
    /// A file of certificates in PEM whose authorities are trusted too, beside the system's.
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    pub(crate) ca: Option<PathBuf>,
    /// Dangerous: sends passwords and tokens unencrypted to an `http://` address, to be read by
    /// everyone on the way. Servers on this machine need no such leave.
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_possible_values = true,
        help_heading = "Network"
    )]
    pub(crate) allow_plain_http: Option<bool>,
    /// How long one request may take, for example `500ms` or `10s`. It is 10 seconds unless given.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Network")]
    pub(crate) timeout: Option<Duration>,
    /// How long the token may take to come in all, retries and waits included, for example `1m`.
    /// It is 30 seconds unless given.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Network")]
    pub(crate) deadline: Option<Duration>,
    /// A file that holds the password in one line. Nobody else should be able to read it.
    #[arg(long, value_name = "FILE", help_heading = "Secrets")]
    pub(crate) password_file: Option<PathBuf>,
    /// A command whose first line of output is the password, run by `sh -c` (Windows: `cmd /C`),
    /// for example `pass show erp`. The command itself may be seen by others: put no secret in it.
    #[arg(long, value_name = "COMMAND", help_heading = "Secrets")]
    pub(crate) password_command: Option<String>,
    /// A file that holds the client's secret in one line (wyn, oauth2).
    #[arg(long, value_name = "FILE", help_heading = "Secrets")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Where leases are kept and shared: `file:/path` (a folder of this user's), `memory:` (nothing
    /// outlives the command), or a server for many hosts. It is `file:`, the folder `tokenlease` in
    /// `$XDG_STATE_HOME` or `~/.local/state`, unless given. An address with a password in it comes
    /// from `TOKENLEASE_STORE` alone.
    #[arg(long, value_name = "URL", value_parser = StoreUrl::read, help_heading = "Store")]
    pub(crate) store: Option<StoreUrl>,
    /// A file with the store's key: 32 bytes, or their hexadecimal digits or base64. A folder has a
    /// key of its own unless given. All who share a store need the same.
    #[arg(long, value_name = "FILE", help_heading = "Store")]
    pub(crate) store_key_file: Option<PathBuf>,
}

impl Options {
    /// The text of the file of extra authorities.
    pub(crate) fn ca(&self) -> Result<Option<Vec<u8>>> {
        let Some(path) = &self.ca else { return Ok(None) };
        std::fs::read(path).map(Some).map_err(|error| {
            config(format!("the CA file {} can't be read: {error}", path.display()))
                .expected("a file of certificates in PEM")
        })
    }
}

macro_rules! keys {
    ($($key:ident: $read:expr),* $(,)?) => {
        /// The options' names, as a profile writes them.
        pub(crate) const KEYS: &[&str] = &[$(stringify!($key)),*];

        impl Options {
            /// Sets an option by its name. `None`: there is no such option.
            pub(crate) fn set(&mut self, key: &str, text: &str) -> Option<Result<(), String>> {
                match key {
                    $(stringify!($key) => Some($read(text).map(|value| self.$key = Some(value))),)*
                    _ => None,
                }
            }

            /// These options, and for what they do not say, the other ones.
            pub(crate) fn or(self, other: Self) -> Self {
                Self { $($key: self.$key.or(other.$key)),* }
            }
        }
    };
}

keys! {
    vendor: choice,
    server: text,
    user: text,
    contract: text,
    client_id: text,
    tenant: text,
    scope: text,
    lifetime: duration::parse,
    grant: choice,
    client_auth: choice,
    token_path: text,
    revocation_path: text,
    introspection_path: text,
    userinfo_path: text,
    ca: path,
    allow_plain_http: yes_or_no,
    timeout: duration::parse,
    deadline: duration::parse,
    password_file: path,
    password_command: text,
    client_secret_file: path,
    store: StoreUrl::read,
    store_key_file: path,
}

/// Whose protocol the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Vendor {
    /// WinKAS Air.
    Winkas,
    /// Wyn Enterprise.
    Wyn,
    /// Any OAuth2 server.
    #[value(name = "oauth2")]
    OAuth2,
}

/// How tokens are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Grant {
    /// For a user, by name and password.
    Password,
    /// For the client itself.
    #[value(name = "client_credentials")]
    ClientCredentials,
}

/// Where the client's id and secret are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClientAuth {
    /// In the body of the request.
    Body,
    /// In a Basic header, form-encoded first, as the standard says.
    Basic,
    /// In a Basic header as they are, for servers that do not decode them.
    BasicRaw,
}

#[expect(clippy::unnecessary_wraps, reason = "it stands beside readers that can fail")]
fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("the path is empty; expected a file".into()) } else { Ok(text.into()) }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("\"{text}\" is neither true nor false"))
}

fn choice<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| {
        let names: Vec<_> = T::value_variants()
            .iter()
            .filter_map(|value| Some(value.to_possible_value()?.get_name().to_owned()))
            .collect();
        format!("\"{text}\" is unknown; expected one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command};

    use super::*;

    #[test]
    fn every_option_has_the_same_name_on_the_command_line_and_in_a_profile() {
        let command = Options::augment_args(Command::new("t"));
        let mut names: Vec<_> =
            command.get_arguments().map(|arg| arg.get_id().to_string()).collect();
        let mut keys = KEYS.to_vec();
        names.sort();
        keys.sort_unstable();
        assert_eq!(names, keys);
        for arg in command.get_arguments() {
            let long = arg.get_long().map(|long| long.replace('-', "_"));
            assert_eq!(long.as_deref(), Some(arg.get_id().as_str()));
        }
    }

    #[test]
    fn what_one_source_does_not_say_the_next_one_may() {
        let mut first = Options::default();
        let mut second = Options::default();
        for (key, text) in [("user", "first"), ("vendor", "wyn")] {
            assert_eq!(first.set(key, text), Some(Ok(())));
        }
        for (key, text) in [("user", "second"), ("lifetime", "8h"), ("allow_plain_http", "true")] {
            assert_eq!(second.set(key, text), Some(Ok(())));
        }
        let both = first.or(second);
        assert_eq!(both.user.as_deref(), Some("first"));
        assert_eq!(both.vendor, Some(Vendor::Wyn));
        assert_eq!(both.lifetime, Some(Duration::from_secs(28_800)));
        assert_eq!(both.allow_plain_http, Some(true));
    }

    #[test]
    fn a_value_that_is_no_choice_is_an_error_that_names_the_choices() {
        let error = Options::default().set("vendor", "Winkas").unwrap().unwrap_err();
        assert_eq!(error, "\"Winkas\" is unknown; expected one of winkas, wyn, oauth2");
        let error = Options::default().set("client_auth", "raw").unwrap().unwrap_err();
        assert!(error.contains("basic-raw"), "{error}");
        assert_eq!(Options::default().set("colour", "red"), None);
    }
}
