//! The store where leases are shared: its URL, its encryption key, and opening it.

use tokenlease::{Result, core::Secret};
use tokenlease_store::{FolderAccess, KeySource, Keyring, Opened, StoreOptions};

use crate::{
    choice::{StoreAccess, StoreKey},
    config, environment,
    options::Options,
    secrets::{SecretKind, SecretSource, command::deadline},
    store_url::StoreUrl,
};

/// How to open a store: its URL, its encryption key and the authorities that it trusts.
#[derive(Debug)]
pub struct StoreConfig {
    /// The store's URL, with the password that a file or a command brought.
    pub url: StoreUrl,
    /// Which users share the folder of a `file:` store.
    pub access: FolderAccess,
    /// The source of the store's encryption key.
    pub key: KeySource,
    /// Certificate authorities to trust in addition to the system's, in PEM.
    pub ca: Option<Vec<u8>>,
}

impl StoreConfig {
    /// Reads the store's options. The default is the user's own folder with its own key.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if a file can't be read, if there are two sources
    /// of the key, or if `store_key` is `passphrase` and neither a file nor the variable
    /// `TOKENLEASE_STORE_PASSPHRASE` holds one.
    pub fn from_options(options: &Options) -> Result<Self> {
        let prompt = || {
            let variable = SecretKind::StorePassphrase.variable();
            let text = environment::variable(&|name| std::env::var_os(name), variable)?;
            let text = text.ok_or_else(|| {
                config("the store's passphrase is missing").expected(format!(
                    "the option \"store_passphrase_file\", or the variable {variable}"
                ))
            })?;
            SecretSource::Variable(text.into()).read(SecretKind::StorePassphrase, |_| ())
        };
        let limit = options.deadline.unwrap_or(tokenlease::bindings::DEADLINE);
        let read = |source: &SecretSource, kind| {
            let warn = |warning: &str| tracing::warn!(target: "tokenlease", "{warning}");
            source.read_while(kind, warn, &deadline(limit))
        };
        Self::from_options_or_prompt(options, prompt, read)
    }

    /// Like [`from_options`](Self::from_options), but calls `prompt` for a passphrase that no file
    /// holds, and `read` for the server's password.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if a file can't be read, or if there are two sources
    /// of the key or of the password; and the errors of `prompt` and `read`.
    pub fn from_options_or_prompt(
        options: &Options,
        prompt: impl FnOnce() -> Result<Secret>,
        read: impl FnOnce(&SecretSource, SecretKind) -> Result<Secret>,
    ) -> Result<Self> {
        let (key, file) = (options.store_key, &options.store_key_file);
        let passphrase = options.secret_source(SecretKind::StorePassphrase, None, "set")?;
        let key = match (key, file, passphrase) {
            (None, None, None) => KeySource::Own,
            (Some(StoreKey::Keyring), None, None) => KeySource::Keyring(Keyring::User),
            (Some(StoreKey::KernelKeyring), None, None) => KeySource::Keyring(Keyring::Kernel),
            (Some(StoreKey::Passphrase), None, None) => KeySource::Passphrase(prompt()?),
            (None, Some(file), None) => KeySource::File(file.clone()),
            (None, None, Some(source)) => {
                let warn = |warning: &str| tracing::warn!(target: "tokenlease", "{warning}");
                KeySource::Passphrase(source.read(SecretKind::StorePassphrase, warn)?)
            }
            _ => {
                return Err(config("two sources of the store's key are set").expected(
                    "one of \"store_key\", \"store_key_file\" and \"store_passphrase_file\"",
                ));
            }
        };
        let mut url = options.store_url();
        if let Some(source) = options.secret_source(SecretKind::StorePassword, None, "set")? {
            url.check_takes_password()?;
            url = url.with_password(&read(&source, SecretKind::StorePassword)?);
        }
        Ok(Self { url, access: options.folder_access(), key, ca: options.ca()? })
    }
}

impl Options {
    /// Returns which users share the folder of a `file:` store.
    pub fn folder_access(&self) -> FolderAccess {
        match self.store_access {
            Some(StoreAccess::Group) => FolderAccess::Group,
            Some(StoreAccess::User) | None => FolderAccess::User,
        }
    }
}

/// Opens the store.
///
/// # Errors
/// [`Config`](tokenlease::ErrorKind::Config) for a URL or key that can't be used,
/// [`Store`](tokenlease::ErrorKind::Store) if the store fails.
pub async fn open(store: &StoreConfig) -> Result<Opened> {
    tokenlease_store::open(store.url.text(), &options(store)).await
}

/// Opens the store for reading. Returns `None` if it has no record, and makes nothing.
///
/// # Errors
/// As for [`open`].
pub async fn open_existing(store: &StoreConfig) -> Result<Option<Opened>> {
    tokenlease_store::open_existing(store.url.text(), &options(store)).await
}

/// Like [`open`], for callers outside of an async runtime.
///
/// # Errors
/// As for [`open`].
pub fn open_blocking(store: &StoreConfig) -> Result<Opened> {
    tokenlease_store::open_blocking(store.url.text(), &options(store))
}

fn options(store: &StoreConfig) -> StoreOptions {
    let options = StoreOptions::new().with_key(store.key.clone()).with_folder_access(store.access);
    #[cfg(any(feature = "redis", feature = "postgres"))]
    if let Some(pem) = &store.ca {
        return options.with_extra_ca(pem.clone());
    }
    options
}

/// Creates what a store needs before it can be opened: in PostgreSQL, its table.
///
/// # Errors
/// [`Config`](tokenlease::ErrorKind::Config) for a URL that can't be used,
/// [`Store`](tokenlease::ErrorKind::Store) if the server does not create the table.
#[cfg(feature = "postgres")]
pub async fn init(store: &StoreConfig) -> Result<()> {
    if store.url.text().starts_with("postgres") {
        let cas: Vec<_> = store.ca.iter().cloned().collect();
        return tokenlease_store::PostgresStore::open(store.url.text(), &cas)?.init().await;
    }
    Ok(())
}

/// Returns the SQL statements that [`init`] runs, or `None` for a store that needs none.
#[cfg(feature = "postgres")]
pub fn migration(url: &StoreUrl) -> Option<&'static str> {
    url.text().starts_with("postgres").then(tokenlease_store::PostgresStore::migration)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Rule: Formats: the password for the store's server may come from a file or a command, which other
    /// users and a copied profile do not show; a second password is an error.
    #[test]
    fn the_stores_password_may_come_from_a_file_or_a_command() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("password");
        fs::write(&file, "can:ary/@ \n").expect("written");
        let file = file.to_str().expect("a path");
        let of = |pairs: &[(&str, &str)]| {
            let mut options = Options::default();
            for (key, text) in pairs {
                options.set(key, text).expect("an option");
            }
            StoreConfig::from_options(&options)
        };
        for (url, expected) in [
            ("redis://h:6379/1", "redis://:can%3Aary%2F%40%20@h:6379/1"),
            ("rediss://app@h", "rediss://app:can%3Aary%2F%40%20@h"),
            (
                "redis+sentinel://h,h2/main?sentinel_password=s",
                "redis+sentinel://:can%3Aary%2F%40%20@h,h2/main?sentinel_password=s",
            ),
            (
                "postgres://app@h,h2:5433/db?sslmode=disable",
                "postgres://app:can%3Aary%2F%40%20@h,h2:5433/db?sslmode=disable",
            ),
        ] {
            let store = of(&[("store", url), ("store_password_file", file)]).expect("a store");
            assert_eq!(store.url.text(), expected);
            assert!(!format!("{store:?} {}", store.url).contains("can"), "{store:?}");
        }
        #[cfg(unix)]
        {
            let command = ("store_password_command", "printf 'one\\ntwo'");
            let store = of(&[("store", "redis://h"), command]).expect("a store");
            assert_eq!(store.url.text(), "redis://:one@h");
        }
        for (pairs, why) in [
            (&[("store", "redis://:canary@h")][..], "two passwords"),
            (&[("store", "postgres://u@h/db?password=canary")], "two passwords"),
            (&[("store", "file:/x")], "takes no password"),
            (&[], "takes no password"),
            (&[("store", "redis://h"), ("store_password_command", "x")], "two sources"),
            (&[("store", "redis://h"), ("store_password_file", "/no/such/file")], "can't be read"),
        ] {
            let pairs = [&[("store_password_file", file)], pairs].concat();
            let error = of(&pairs).expect_err("an error");
            assert_eq!(error.kind(), tokenlease::ErrorKind::Config);
            assert!(error.to_string().contains(why), "{error}");
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    /// Rule: Secrets: a profile's store password is not sent to a store that another source names.
    #[test]
    fn a_profiles_store_password_is_not_sent_to_another_store() {
        let (mut line, mut profile) = (Options::default(), Options::default());
        line.set("store", "redis://other").expect("an option");
        profile.set("store", "redis://own").expect("an option");
        profile.set("store_password_file", "/x").expect("an option");
        assert_eq!(line.or(profile.clone()).store_password_file, None);
        let mut line = Options::default();
        line.set("store_password_command", "x").expect("an option");
        let both = line.or(profile);
        assert_eq!(both.store_password_file, None);
        assert_eq!(both.store_password_command.as_deref(), Some("x"));
    }

    #[test]
    fn two_sources_of_the_stores_key_are_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("phrase");
        fs::write(&file, "canary\n").expect("written");
        let phrase = file.to_str().expect("a path");
        let sources = [
            ("store_key", "keyring"),
            ("store_key", "kernel-keyring"),
            ("store_key", "passphrase"),
            ("store_key_file", "key"),
            ("store_passphrase_file", phrase),
        ];
        let store = |pairs: &[(&str, &str)]| {
            let mut options = Options::default();
            for (key, text) in pairs {
                options.set(key, text).expect("an option");
            }
            let read = |source: &SecretSource, kind| source.read(kind, |_| ());
            StoreConfig::from_options_or_prompt(&options, || Ok("prompted".into()), read)
        };
        for (source, shown) in sources.iter().zip([
            "Keyring(User)",
            "Keyring(Kernel)",
            "Passphrase([redacted])",
            "File(\"key\")",
            "Passphrase([redacted])",
        ]) {
            let key = store(&[*source]).expect("a key").key;
            assert_eq!(format!("{key:?}"), shown);
            let KeySource::Passphrase(text) = key else { continue };
            assert_eq!(text.expose(), if source.0 == "store_key" { "prompted" } else { "canary" });
        }
        for (one, other) in [(0, 3), (2, 4), (3, 4)] {
            let error = store(&[sources[one], sources[other]]).expect_err("two");
            assert!(error.to_string().contains("two sources"), "{error}");
        }
        let mut options = Options::default();
        options.set("store_key", "passphrase").expect("an option");
        let error = StoreConfig::from_options(&options).expect_err("no passphrase");
        assert!(error.to_string().contains("store_passphrase_file"), "{error}");
    }
}
