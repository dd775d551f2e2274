//! The parts of a registry that options do not hold: a store of the caller's own, and secrets that
//! are given as text instead of in a file.

use tokenlease::{
    AnyStore, Result,
    core::{Key, Secret},
};
use tokenlease_store::{KeySource, StoreOptions, seal_blocking};

use crate::{
    config,
    nearest::nearest_of,
    options::{Options, key_of},
    secrets::one_line,
    store::{self, StoreConfig},
};

/// The parts of a registry, beside its options. `Debug` shows no secret.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// A store of the caller's own, whose records the library encrypts.
    pub store: Option<AnyStore>,
    store_key: Option<KeySource>,
    store_password: Option<Secret>,
    proxy_password: Option<Secret>,
    client_key: Option<Secret>,
}

/// The names of the secrets of a registry.
const SECRETS: &[&str] =
    &["proxy_password", "client_key", "store_password", "store_passphrase", "store_key"];

impl Parts {
    /// Sets a secret of the registry by its name: `proxy_password`, `client_key` (PEM text),
    /// `store_password`, `store_passphrase` or `store_key` (hexadecimal or base64). In the name `-`
    /// counts as `_`.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) for an unknown name or a malformed secret, which the
    /// error does not quote.
    pub fn set_secret(&mut self, name: &str, secret: &str) -> Result<()> {
        let wrong = |why: &str| config(format!("the secret \"{name}\" {why}"));
        let line = |secret| one_line(secret).map_err(wrong);
        match &*key_of(name) {
            "proxy_password" => self.proxy_password = Some(line(secret)?),
            "store_password" => self.store_password = Some(line(secret)?),
            "store_passphrase" => self.store_key = Some(KeySource::Passphrase(line(secret)?)),
            "store_key" => self.store_key = Some(KeySource::from_text(secret)?),
            "client_key" if secret.contains("PRIVATE KEY-----") => {
                self.client_key = Some(Secret::new(secret));
            }
            "client_key" => {
                return Err(wrong("is no private key").expected("an unencrypted key in PEM"));
            }
            key => {
                let error = config(format!("there is no secret \"{name}\""));
                return Err(match nearest_of(key, SECRETS) {
                    Some(near) => error.advice(format!("did you mean \"{near}\"?")),
                    None => error.expected(format!("one of {}", SECRETS.join(", "))),
                });
            }
        }
        Ok(())
    }

    /// Sets the store's key.
    pub fn set_store_key(&mut self, key: Key) {
        self.store_key = Some(KeySource::Given(key));
    }

    /// Returns the name of a part that is set.
    pub(crate) fn first_set(&self) -> Option<&'static str> {
        let set = [
            (self.store.is_some(), "store"),
            (self.store_key.is_some(), "store_key"),
            (self.store_password.is_some(), "store_password"),
            (self.proxy_password.is_some(), "proxy_password"),
            (self.client_key.is_some(), "client_key"),
        ];
        set.into_iter().find(|(is_set, _)| *is_set).map(|(_, name)| name)
    }

    pub(crate) fn client_key(&self) -> Option<&Secret> {
        self.client_key.as_ref()
    }

    pub(crate) fn proxy_password(&self) -> Option<&Secret> {
        self.proxy_password.as_ref()
    }

    /// Opens the store of these parts and the options; `None` if neither sets one.
    pub(crate) fn open_store(&self, options: &Options) -> Result<Option<tokenlease_store::Opened>> {
        if self.store.is_none() && options.store.is_none() {
            return if options.sets_store_key() || self.store_key.is_some() {
                Err(config("a store's key is set without a store")
                    .expected("the option \"store\" as well")
                    .advice("tokens in the memory of a process need no key"))
            } else if options.sets_store_password() || self.store_password.is_some() {
                Err(config("a store's password is set without a store")
                    .expected("the option \"store\" as well"))
            } else {
                Ok(None)
            };
        }
        let two = |what: &str| {
            config(format!("two sources of the store's {what} are set")).expected("one of them")
        };
        if self.store_key.is_some() && options.sets_store_key() {
            return Err(two("key"));
        }
        if self.store_password.is_some() && options.sets_store_password() {
            return Err(two("password"));
        }
        let mut config_of_store = StoreConfig::from_options(options)?;
        if let Some(key) = &self.store_key {
            config_of_store.key = key.clone();
        }
        if let Some(store) = &self.store {
            if options.store.is_some() || options.sets_store_password() {
                return Err(config("a store of your own and one of the library's are set")
                    .expected("one of them"));
            }
            let options = StoreOptions::new().with_key(config_of_store.key);
            return seal_blocking(store.clone(), &options).map(Some);
        }
        if let Some(password) = &self.store_password {
            config_of_store.url.check_takes_password()?;
            config_of_store.url = config_of_store.url.with_password(password);
        }
        store::open_blocking(&config_of_store).map(Some)
    }

    /// Rejects a file of a secret that these parts hold.
    pub(crate) fn check_files(&self, options: &Options) -> Result<()> {
        let both = [
            (self.proxy_password.is_some(), &options.proxy_password_file, "proxy password"),
            (self.client_key.is_some(), &options.client_key, "client key"),
        ];
        match both.into_iter().find(|(is_set, file, _)| *is_set && file.is_some()) {
            None => Ok(()),
            Some((_, _, what)) => {
                Err(config(format!("two sources of the {what} are set")).expected("one of them"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokenlease::{MemoryStore, SystemClock};

    use super::*;

    fn options(pairs: &[(&str, &str)]) -> Options {
        let mut options = Options::default();
        for (key, text) in pairs {
            options.set(key, text).unwrap();
        }
        options
    }

    fn own() -> Parts {
        let store = AnyStore::new(MemoryStore::new(Arc::new(SystemClock)));
        Parts { store: Some(store), ..Parts::default() }
    }

    /// Rule: Store: records in a store of the caller's own are encrypted, with a key that the caller gives
    /// as a text, in a file or as a passphrase.
    #[test]
    fn a_store_of_the_callers_own_needs_a_key() {
        let error = options(&[]).registry_with(&own()).unwrap_err();
        assert!(error.to_string().contains("no key is given"), "{error}");
        let key = "00".repeat(32);
        for (name, secret) in [("store_key", key.as_str()), ("store-passphrase", "phrase")] {
            let mut parts = own();
            parts.set_secret(name, secret).unwrap();
            options(&[]).registry_with(&parts).unwrap();
            let error = options(&[("store", "memory:")]).registry_with(&parts).unwrap_err();
            assert!(error.to_string().contains("one of the library's"), "{error}");
            let error = options(&[("store_key_file", "k")]).registry_with(&parts).unwrap_err();
            assert!(error.to_string().contains("two sources"), "{error}");
        }
    }

    /// Rule: Secrets: an error about a secret of a registry does not quote it.
    #[test]
    fn a_malformed_secret_is_an_error_that_does_not_quote_it() {
        for (name, secret, part) in [
            ("store_key", "canary", "the given text"),
            ("client_key", "canary", "is no private key"),
            ("proxy_password", "canary\nmore", "more than one line"),
            ("store_pasword", "canary", "did you mean \"store_password\"?"),
            ("something_else", "canary", "one of proxy_password"),
        ] {
            let error = Parts::default().set_secret(name, secret).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("canary"), "{error}");
        }
        let mut parts = Parts::default();
        parts.set_secret("proxy_password", "canary").unwrap();
        assert!(!format!("{parts:?}").contains("canary"));
        for (set, part) in [
            (&[("proxy_password_file", "f")][..], "two sources of the proxy password"),
            (&[("proxy", "http://me@h:1")], ""),
        ] {
            match options(set).registry_with(&parts) {
                Ok(_) => assert_eq!(part, ""),
                Err(error) => assert!(error.to_string().contains(part), "{error}"),
            }
        }
    }
}
