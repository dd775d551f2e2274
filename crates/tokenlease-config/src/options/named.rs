//! Options by name, as profiles, the environment and other languages set them.

use std::{borrow::Cow, time::Duration};

use tokenlease::{Error, Result};

use super::{
    Options,
    kind::{Kind, Set as _, typed},
    readers::{count, path, proxy, text, yes_or_no},
};
use crate::{
    choice::{ClientAuth, Grant, OnStoreOutage, Provider, StoreAccess, StoreKey, TokenHeader},
    config, duration,
    extra::{ExtraField, ExtraSecretFile, list},
    nearest::nearest_of,
    pem::PemSource,
    store_url::StoreUrl,
};

/// Returns the name of an option as [`KEYS`] has it: `-` counts as `_`.
pub fn key_of(name: &str) -> Cow<'_, str> {
    if name.contains('-') { name.replace('-', "_").into() } else { name.into() }
}

/// Returns the option whose name is most similar to a misspelled one, at most three edits away.
///
/// ```
/// assert_eq!(tokenlease_config::nearest("client-ids"), Some("client_id"));
/// assert_eq!(tokenlease_config::nearest("sever"), Some("server"));
/// assert_eq!(tokenlease_config::nearest("something_else"), None);
/// ```
pub fn nearest(name: &str) -> Option<&'static str> {
    nearest_of(name, KEYS)
}

/// Returns the error of an unknown option, in a language that takes more names than options, such as
/// `password`. It names the most similar one.
///
/// ```
/// let error = tokenlease_config::unknown_option("pasword", &["password"]);
/// assert!(error.to_string().contains("did you mean \"password\"?"));
/// ```
pub fn unknown_option(name: &str, more: &[&'static str]) -> Error {
    let error = config(format!("there is no option \"{name}\""));
    let names = [KEYS, more].concat();
    match nearest_of(name, &names) {
        Some(near) => error.advice(format!("did you mean \"{near}\"?")),
        None => error.expected(format!("one of {}", names.join(", "))),
    }
}

/// An option's value in a language with types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text; every option can be set by text.
    Text(&'a str),
    /// A duration.
    Duration(Duration),
    /// True or false.
    Bool(bool),
}

impl Options {
    /// Sets an option by its name, one of [`KEYS`], in which `-` counts as `_`. Each value of an option that may be repeated is
    /// added to those that are set; [`is_repeatable`] tells which these are.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) for an unknown name or a malformed value.
    ///
    /// ```
    /// let mut options = tokenlease_config::Options::default();
    /// options.set("lifetime", "8h")?;
    /// let error = options.set("life_time", "8h").unwrap_err();
    /// assert!(error.to_string().contains("did you mean \"lifetime\"?"));
    /// # Ok::<(), tokenlease::Error>(())
    /// ```
    pub fn set(&mut self, key: &str, text: &str) -> Result<()> {
        match self.set_text(key, text) {
            Some(Ok(())) => Ok(()),
            Some(Err(why)) => Err(bad_value(&format!("\"{key}\""), &why)),
            None => Err(unknown_option(key, &[])),
        }
    }

    /// Like [`set`](Self::set), for languages whose values have types.
    ///
    /// # Errors
    /// As for [`set`](Self::set), and [`Config`](tokenlease::ErrorKind::Config) for a value of
    /// another type than the option's.
    pub fn set_value(&mut self, key: &str, value: Value<'_>) -> Result<()> {
        let (text, expected) = match value {
            Value::Text(text) => return self.set(key, text),
            Value::Duration(duration) => (
                // Rounded up to a millisecond, so that a positive duration stays positive.
                format!("{}ms", duration.as_nanos().div_ceil(1_000_000)),
                Kind::Duration,
            ),
            Value::Bool(yes) => (yes.to_string(), Kind::Bool),
        };
        match Self::kind_of(key) {
            Some(found) if found != expected => {
                Err(config(format!("\"{key}\" is set to {expected}")).expected(found.to_string()))
            }
            _ => self.set(key, &text),
        }
    }
}

macro_rules! keys {
    ($($key:ident: $read:expr, $providers:expr, $default:literal;)*) => {
        /// The names of all options.
        pub const KEYS: &[&str] = &[$(stringify!($key)),*];

        /// The providers and the default of each option, in the order of [`KEYS`].
        pub(super) const FACTS: &[(&[Provider], &str)] = &[$(($providers, $default)),*];

        impl Options {
            /// Like [`set`](Self::set), for callers that word the error themselves. Returns `None`
            /// for an unknown name; the error text says what is wrong and, after `; expected `,
            /// what is expected.
            pub fn set_text(&mut self, key: &str, text: &str) -> Option<Result<(), String>> {
                match &*key_of(key) {
                    $(stringify!($key) => Some($read(text).map(|value| value.set(&mut self.$key))),)*
                    _ => None,
                }
            }

            /// Returns the option's type.
            pub(super) fn kind_of(key: &str) -> Option<Kind> {
                match &*key_of(key) {
                    $(stringify!($key) => Some(typed(|options| options.$key)),)*
                    _ => None,
                }
            }

            /// Returns whether the option is set.
            pub(crate) fn is_set(&self, key: &str) -> bool {
                match key {
                    $(stringify!($key) => self.$key.is_some(),)*
                    _ => false,
                }
            }

            /// Returns these options, completed by `other` where one is not set.
            ///
            /// The options of the store's key count as one: if these options set one of them, all
            /// of those of `other` are ignored. The same holds for those of the store's password, which
            /// are ignored if these options set a store: no password is sent to another server. The
            /// file and the command of the user's password count as one too.
            ///
            /// ```
            /// # use tokenlease_config::Options;
            /// let (mut line, mut profile) = (Options::default(), Options::default());
            /// line.set("user", "a")?;
            /// profile.set("user", "b")?;
            /// profile.set("contract", "c")?;
            /// let both = line.or(profile);
            /// assert_eq!(both.user.as_deref(), Some("a"));
            /// assert_eq!(both.contract.as_deref(), Some("c"));
            /// # Ok::<(), tokenlease::Error>(())
            /// ```
            #[must_use]
            pub fn or(self, mut other: Self) -> Self {
                if self.sets_store_key() {
                    other = other.without_store_key();
                }
                if self.store.is_some() || self.sets_store_password() {
                    other = other.without_store_password();
                }
                if self.sets_password() {
                    other = other.without_password();
                }
                Self { $($key: self.$key.or(other.$key)),* }
            }
        }
    };
}

const ALL: &[Provider] = Provider::ALL;
const WINKAS: &[Provider] = &[Provider::Winkas];
const WYN: &[Provider] = &[Provider::Wyn];
const OAUTH2: &[Provider] = &[Provider::OAuth2];
const OAUTH: &[Provider] = &[Provider::Wyn, Provider::OAuth2];

// Each option: its reader, its providers, and its default. Values of several defaults are separated by
// commas, each with its condition in parentheses. The default is empty if there is none.
keys! {
    provider: Provider::read, ALL, "";
    server: text, ALL, "https://air.winkas.net (winkas)";
    user: text, ALL, "";
    contract: text, WINKAS, "";
    client_id: text, OAUTH, "integration (wyn)";
    tenant: text, WYN, "/";
    scope: text, OAUTH, "";
    extra: list(ExtraField::read), OAUTH, "";
    subject: text, ALL, "";
    without_login: yes_or_no, ALL, "false";
    lifetime: duration::parse, WYN, "";
    grant: Grant::read, OAUTH2, "password (with a user), client_credentials";
    client_auth: ClientAuth::read, OAUTH, "body (wyn), basic (oauth2)";
    token_path: text, OAUTH, "/connect/token (wyn)";
    revocation_path: text, OAUTH, "/connect/revocation (wyn)";
    introspection_path: text, OAUTH, "";
    userinfo_path: text, OAUTH, "/connect/userinfo (wyn)";
    token_header: TokenHeader::read, WYN, "authorization";
    new_token_ends_old: yes_or_no, OAUTH, "false";
    agreed_lifetime: duration::parse, WINKAS, "12h";
    max_lifetime: duration::parse, OAUTH, "";
    proxy: proxy, ALL, "";
    proxy_password_file: path, ALL, "";
    no_proxy: text, ALL, "";
    user_agent: text, ALL, "";
    client_cert: PemSource::read, ALL, "";
    client_key: path, ALL, "";
    ca: PemSource::read, ALL, "";
    allow_plain_http: yes_or_no, ALL, "false";
    timeout: duration::parse, ALL, "10s";
    max_concurrent_logins: count, ALL, "8";
    deadline: duration::parse, ALL, "30s";
    password_file: path, ALL, "";
    password_command: text, ALL, "";
    client_secret_file: path, OAUTH, "";
    extra_secret_file: list(ExtraSecretFile::read), OAUTH, "";
    store: StoreUrl::read, ALL, "";
    store_password_file: path, ALL, "";
    store_password_command: text, ALL, "";
    store_access: StoreAccess::read, ALL, "user";
    store_key: StoreKey::read, ALL, "";
    store_key_file: path, ALL, "";
    store_passphrase_file: path, ALL, "";
    on_store_outage: OnStoreOutage::read, ALL, "refetch-only (winkas), fail (wyn, oauth2)";
    store_check_interval: duration::parse, ALL, "30s";
}

/// Returns whether an option may be set several times, each time to one more value.
pub fn is_repeatable(key: &str) -> bool {
    Options::kind_of(key).is_some_and(Kind::is_repeatable)
}

/// Returns whether an option's value is a whole number.
pub fn is_number(key: &str) -> bool {
    Options::kind_of(key) == Some(Kind::Number)
}

/// Makes an error from the text of [`Options::set_text`].
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
    fn an_option_that_one_source_does_not_set_is_taken_from_the_next() {
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

    /// Rule: Formats: a name of an option may have `-` for `_`, in each language and in profiles.
    #[test]
    fn a_name_may_have_hyphens() {
        for (name, text) in
            [("client-id", "x"), ("max-concurrent-logins", "3"), ("extra-secret-file", "a=b")]
        {
            let (mut hyphens, mut plain) = (Options::default(), Options::default());
            hyphens.set(name, text).unwrap();
            plain.set(&name.replace('-', "_"), text).unwrap();
            assert_eq!(hyphens, plain);
        }
        assert!(is_repeatable("extra-secret-file") && is_number("max-concurrent-logins"));
        let mut options = Options::default();
        options.set_value("new-token-ends-old", Value::Bool(true)).unwrap();
        assert!(options.set_value("new-token-ends-old", Value::Duration(Duration::ZERO)).is_err());
    }

    #[test]
    fn the_first_source_that_sets_the_stores_key_or_the_password_decides() {
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
        let passwords = [("password_file", "file"), ("password_command", "command")];
        for (near, far) in [(0, 1), (1, 0)] {
            let (near, far) = (passwords[near], passwords[far]);
            let both = of(near.0, near.1).or(of(far.0, far.1));
            assert_eq!(both, of(near.0, near.1), "{near:?} before {far:?}");
        }
        for (near, far) in keys.iter().flat_map(|one| keys.iter().map(move |other| (one, other))) {
            let both = of(near.0, near.1).or(of(far.0, far.1));
            assert_eq!(both, of(near.0, near.1), "{near:?} before {far:?}");
        }
    }

    #[test]
    fn an_unknown_name_or_value_is_an_error_that_lists_the_known_ones() {
        let error = |key, text| Options::default().set(key, text).unwrap_err().to_string();
        let choice = error("provider", "Winkas");
        assert!(choice.contains("\"Winkas\" is unknown; expected one of winkas, wyn, oauth2"));
        assert!(error("client_auth", "raw").contains("basic-raw"));
        assert!(error("timeout", "5").contains("\"timeout\": 5 has no unit"));
        for count in ["0", "10001", "-1", "1.5", "8s", ""] {
            let error = error("max_concurrent_logins", count);
            assert!(error.contains("expected one from 1 to 10000"), "{error}");
        }
        assert!(error("colour", "red").contains("one of provider, server"));
        assert!(error("clientid", "x").contains("did you mean \"client_id\"?"));
        assert_eq!(Options::default().set_text("colour", "red"), None);
    }

    #[test]
    fn the_values_of_a_repeatable_option_add_up() {
        for key in KEYS.iter().filter(|key| is_repeatable(key)) {
            let mut options = Options::default();
            for text in ["resource=a", "resource=b", "x=c=d"] {
                options.set(key, text).unwrap();
            }
            let error = options.set(key, "canary").unwrap_err().to_string();
            assert!(error.contains("NAME=") && !error.contains("canary"), "{error}");
            let other = options.clone().or(Options::default());
            assert_eq!(other, options);
        }
        let mut options = Options::default();
        options.set("extra", "x=c=d").unwrap();
        assert_eq!(options.extra.unwrap()[0].value, "c=d");
    }

    #[test]
    fn a_typed_value_sets_only_an_option_of_its_type() {
        let mut options = Options::default();
        for key in KEYS {
            let duration = options.set_value(key, Value::Duration(Duration::from_micros(1)));
            let yes = options.set_value(key, Value::Bool(true));
            let read = |text| Options::default().set_text(key, text).unwrap();
            let is_duration = read("1ms").is_ok() && read("x").is_err() && read("true").is_err();
            let is_bool = read("true").is_ok() && read("x").is_err();
            let takes_number = read("3").is_ok() && read("x").is_err();
            assert_eq!(is_number(key), takes_number, "{key}");
            assert_eq!((duration.is_ok(), yes.is_ok()), (is_duration, is_bool), "{key}");
        }
        // Not rounded to zero.
        assert_eq!(options.timeout, Some(Duration::from_millis(1)));
        let error = options.set_value("user", Value::Bool(true)).unwrap_err().to_string();
        assert!(error.contains("\"user\" is set to true or false; expected text"), "{error}");
        let error = options.set_value("usr", Value::Bool(true)).unwrap_err().to_string();
        assert!(error.contains("did you mean \"user\"?"), "{error}");
    }
}
