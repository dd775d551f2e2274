//! Options by name: how a profile, the environment and other languages set them.

use std::{
    any::{Any, TypeId},
    fmt,
    path::PathBuf,
    time::Duration,
};

use tokenlease::{Error, Result};

use super::Options;
use crate::{
    choice::{ClientAuth, Grant, OnStoreOutage, Provider, StoreKey},
    config, duration,
    nearest::nearest,
    store::StoreUrl,
};

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
    provider: Provider::read,
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
    agreed_lifetime: duration::parse,
    max_lifetime: duration::parse,
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
    on_store_outage: OnStoreOutage::read,
    store_check_interval: duration::parse,
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
        for (key, text) in [("user", "first"), ("provider", "wyn")] {
            first.set(key, text).unwrap();
        }
        for (key, text) in [("user", "second"), ("lifetime", "8h"), ("allow_plain_http", "true")] {
            second.set(key, text).unwrap();
        }
        let both = first.or(second);
        assert_eq!(both.user.as_deref(), Some("first"));
        assert_eq!(both.provider, Some(Provider::Wyn));
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
        let choice = error("provider", "Winkas");
        assert!(choice.contains("\"Winkas\" is unknown; expected one of winkas, wyn, oauth2"));
        assert!(error("client_auth", "raw").contains("basic-raw"));
        assert!(error("timeout", "5").contains("\"timeout\": 5 has no unit"));
        assert!(error("colour", "red").contains("one of provider, server"));
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
