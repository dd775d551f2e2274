//! The options that say which server is asked, for whom, and how. They come from the command
//! line, the environment and a profile, under the same names and read by the same rules.

use std::{
    any::{Any, TypeId},
    fmt,
    path::PathBuf,
    time::Duration,
};

use tokenlease::{Error, Result};

use crate::{
    choice::{ClientAuth, Grant, StoreKey, Vendor, WhenStoreAway},
    config, duration,
    nearest::nearest,
    store::StoreUrl,
};

/// One source's options; what it does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::Args), command(next_help_heading = "Server"))]
pub struct Options {
    /// Whose protocol the server speaks.
    #[cfg_attr(feature = "clap", arg(long, value_enum))]
    pub vendor: Option<Vendor>,
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
    #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = duration::parse))]
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
    #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = duration::parse))]
    pub stated_life: Option<Duration>,
    /// An upper limit of one's own for the life of a token whose end the server states (wyn,
    /// oauth2), for example `12h`.
    #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = duration::parse))]
    pub longest_life: Option<Duration>,
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
    #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Network"))]
    pub timeout: Option<Duration>,
    /// How long the token may take to come in all, retries and waits included, for example `1m`.
    /// It is 30 seconds unless given.
    #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Network"))]
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
    /// the vendor has a call for that (winkas), else one new token a process and lifetime.
    #[cfg_attr(
        feature = "clap",
        arg(long, value_enum, value_name = "POLICY", help_heading = "Store")
    )]
    pub when_store_away: Option<WhenStoreAway>,
    /// How long a look at the store is good for: a sibling's revocation is seen after that long at
    /// the latest. It is 30 seconds unless given.
    #[cfg_attr(feature = "clap", arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Store"))]
    pub store_refresh: Option<Duration>,
}

/// An option's value, as languages with types give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text, which every option can be written as.
    Text(&'a str),
    /// A duration, for options that are one.
    Duration(Duration),
    /// Yes or no, for options that are that.
    Bool(bool),
}

impl Options {
    /// Sets an option by its name, one of [`KEYS`].
    ///
    /// # Errors
    /// `Config` for a name that is unknown and a value that can't be read.
    pub fn set(&mut self, key: &str, text: &str) -> Result<()> {
        match self.read(key, text) {
            Some(Ok(())) => Ok(()),
            Some(Err(why)) => Err(bad_value(&format!("\"{key}\""), &why)),
            None => {
                Err(config(format!("there is no option \"{key}\"")).expected(match nearest(key) {
                    Some(near) => format!("\"{near}\", perhaps"),
                    None => format!("one of {}", KEYS.join(", ")),
                }))
            }
        }
    }

    /// As [`set`](Self::set), for languages whose values have types.
    ///
    /// # Errors
    /// As well `Config` for a value whose type is not the option's.
    pub fn set_value(&mut self, key: &str, value: Value<'_>) -> Result<()> {
        let (text, expected) = match value {
            Value::Text(text) => return self.set(key, text),
            Value::Duration(duration) => (
                // Up to the millisecond: what is not zero stays so.
                format!("{}ms", duration.as_nanos().div_ceil(1_000_000)),
                Type::Duration,
            ),
            Value::Bool(yes) => (yes.to_string(), Type::Bool),
        };
        match Self::type_of(key) {
            Some(found) if found != expected => {
                Err(config(format!("\"{key}\" is {expected}")).expected(found.to_string()))
            }
            _ => self.set(key, &text),
        }
    }

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

macro_rules! keys {
    ($($key:ident: $read:expr),* $(,)?) => {
        /// The options' names, as profiles write them.
        pub const KEYS: &[&str] = &[$(stringify!($key)),*];

        impl Options {
            /// Sets an option by its name. `None`: there is no such option; an error says what was
            /// wrong and what was expected.
            pub fn read(&mut self, key: &str, text: &str) -> Option<Result<(), String>> {
                match key {
                    $(stringify!($key) => Some($read(text).map(|value| self.$key = Some(value))),)*
                    _ => None,
                }
            }

            /// The type of the option of that name.
            fn type_of(key: &str) -> Option<Type> {
                match key {
                    $(stringify!($key) => Some(typed(|options| options.$key)),)*
                    _ => None,
                }
            }

            /// Whether something is said of the option of that name.
            pub(crate) fn is_set(&self, key: &str) -> bool {
                match key {
                    $(stringify!($key) => self.$key.is_some(),)*
                    _ => false,
                }
            }

            /// These options, and for what they do not say, the other ones.
            #[must_use]
            pub fn or(self, mut other: Self) -> Self {
                if self.names_a_key() {
                    // The nearest one says which key it is, whichever way.
                    other = other.without_key();
                }
                Self { $($key: self.$key.or(other.$key)),* }
            }
        }
    };
}

keys! {
    vendor: Vendor::read,
    server: text,
    user: text,
    contract: text,
    client_id: text,
    tenant: text,
    scope: text,
    lifetime: duration::parse,
    grant: Grant::read,
    client_auth: ClientAuth::read,
    token_path: text,
    revocation_path: text,
    introspection_path: text,
    userinfo_path: text,
    new_token_ends_old: yes_or_no,
    stated_life: duration::parse,
    longest_life: duration::parse,
    ca: path,
    allow_plain_http: yes_or_no,
    timeout: duration::parse,
    deadline: duration::parse,
    password_file: path,
    password_command: text,
    client_secret_file: path,
    store: StoreUrl::read,
    store_key: StoreKey::read,
    store_key_file: path,
    store_passphrase_file: path,
    when_store_away: WhenStoreAway::read,
    store_refresh: duration::parse,
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

/// What an option is, apart from its text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Duration,
    Bool,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Duration => "a duration",
            Self::Bool => "true or false",
        })
    }
}

/// The type of an option's field.
fn typed<T: Any>(_: fn(Options) -> Option<T>) -> Type {
    let (field, duration, bool) =
        (TypeId::of::<T>(), TypeId::of::<Duration>(), TypeId::of::<bool>());
    match field {
        _ if field == duration => Type::Duration,
        _ if field == bool => Type::Bool,
        _ => Type::Text,
    }
}

/// The error of a value that could not be read, from what [`Options::read`] says of it.
fn bad_value(what: &str, why: &str) -> Error {
    match why.split_once("; expected ") {
        Some((detail, expected)) => {
            config(format!("{what}: {detail}")).expected(expected.to_owned())
        }
        None => config(format!("{what}: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "clap")]
    fn every_option_has_the_same_name_on_the_command_line_and_in_a_profile() {
        use clap::{Args as _, Command};
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
            first.set(key, text).unwrap();
        }
        for (key, text) in [("user", "second"), ("lifetime", "8h"), ("allow_plain_http", "true")] {
            second.set(key, text).unwrap();
        }
        let both = first.or(second);
        assert_eq!(both.user.as_deref(), Some("first"));
        assert_eq!(both.vendor, Some(Vendor::Wyn));
        assert_eq!(both.lifetime, Some(Duration::from_secs(28_800)));
        assert_eq!(both.allow_plain_http, Some(true));
    }

    #[test]
    fn the_nearest_source_says_where_the_store_s_key_comes_from() {
        let of = |key, text| {
            let mut options = Options::default();
            options.set(key, text).unwrap();
            options
        };
        let keys = [
            ("store_key", "keyring"),
            ("store_key_file", "key"),
            ("store_passphrase_file", "phrase"),
        ];
        for (near, far) in keys.iter().flat_map(|one| keys.iter().map(move |other| (one, other))) {
            let both = of(near.0, near.1).or(of(far.0, far.1));
            assert_eq!(both, of(near.0, near.1), "{near:?} before {far:?}");
        }
    }

    #[test]
    fn a_value_or_name_that_is_unknown_is_an_error_that_names_the_known_ones() {
        let error = |key, text| Options::default().set(key, text).unwrap_err().to_string();
        let choice = error("vendor", "Winkas");
        assert!(choice.contains("\"Winkas\" is unknown; expected one of winkas, wyn, oauth2"));
        assert!(error("client_auth", "raw").contains("basic-raw"));
        assert!(error("timeout", "5").contains("\"timeout\": 5 has no unit"));
        assert!(error("colour", "red").contains("one of vendor, server"));
        assert!(error("clientid", "x").contains("\"client_id\", perhaps"));
        assert_eq!(Options::default().read("colour", "red"), None);
    }

    #[test]
    fn a_value_with_a_type_goes_into_an_option_of_that_type_alone() {
        let mut options = Options::default();
        for key in KEYS {
            let duration = options.set_value(key, Value::Duration(Duration::from_micros(1)));
            let yes = options.set_value(key, Value::Bool(true));
            let read = |text| Options::default().read(key, text).unwrap();
            let is_duration = read("1ms").is_ok() && read("x").is_err() && read("true").is_err();
            let is_bool = read("true").is_ok() && read("x").is_err();
            assert_eq!((duration.is_ok(), yes.is_ok()), (is_duration, is_bool), "{key}");
        }
        // Never rounded to nothing.
        assert_eq!(options.timeout, Some(Duration::from_millis(1)));
        let error = options.set_value("user", Value::Bool(true)).unwrap_err().to_string();
        assert!(error.contains("\"user\" is true or false; expected text"), "{error}");
        let error = options.set_value("usr", Value::Bool(true)).unwrap_err().to_string();
        assert!(error.contains("\"user\", perhaps"), "{error}");
    }
}
