//! Where leases are shared: the store's address, and how it is opened.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use tokenlease::{Result, core::Secret};
use tokenlease_store::{FileStore, KeySource, Keyring, Opened, StoreOptions};

use crate::{
    choice::StoreKey,
    config,
    options::Options,
    secrets::{SecretSource, Which},
};

/// A store's address. It may hold a password, so it is shown without what could be one.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(Secret);

impl StoreUrl {
    /// The user's own folder: the store unless another is named.
    pub fn of_user() -> Self {
        Self(Secret::from("file:"))
    }

    /// The store that these options name, or the user's own folder.
    pub fn of(options: &Options) -> Self {
        options.store.clone().unwrap_or_else(Self::of_user)
    }

    /// Takes any text: what is wrong with it is said when the store is opened, and nothing of it
    /// is quoted there.
    pub fn read(text: &str) -> Result<Self, String> {
        Ok(Self(Secret::from(text.trim())))
    }

    fn text(&self) -> &str {
        self.0.expose()
    }

    /// The folder, if it is one: what stands after `file:`, or the user's own.
    pub fn folder(&self) -> Option<PathBuf> {
        let path = self.text().strip_prefix("file:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() { FileStore::default_folder().ok() } else { Some(path.into()) }
    }

    /// The same store, with a folder that counts from another one.
    #[must_use]
    pub fn counted_from(self, folder: &Path) -> Self {
        match self.text().strip_prefix("file:") {
            Some(path) if !path.is_empty() && !path.starts_with('/') => {
                Self(Secret::from(format!("file:{}", folder.join(path).display())))
            }
            _ => self,
        }
    }

    /// Whether a password stands in it.
    pub fn holds_password(&self) -> bool {
        let Some((scheme, rest)) = self.text().split_once("://") else { return false };
        let (authority, after) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let of_user = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
        scheme != "file" && (of_user || after.to_lowercase().contains("password="))
    }
}

impl fmt::Display for StoreUrl {
    /// The scheme, and the folder or the host.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        if let Some(folder) = self.folder() {
            return write!(f, "file:{}", folder.display());
        }
        match text.split_once("://") {
            Some((scheme, rest)) => {
                let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
                let authority = rest.get(..end).unwrap_or_default();
                let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
                write!(f, "{scheme}://{host}")
            }
            None => write!(f, "{}:", text.split(':').next().unwrap_or_default()),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

/// Where leases are shared, and where its key comes from.
#[derive(Debug)]
pub struct Shared {
    /// The store's address.
    pub url: StoreUrl,
    /// Its key.
    pub key: KeySource,
    /// Authorities that are trusted too, in PEM.
    pub ca: Option<Vec<u8>>,
}

impl Shared {
    /// What these options say of the store; the user's own folder if they name none.
    ///
    /// # Errors
    /// `Config` for a file that can't be read, and for two sources of the key.
    pub fn of(options: &Options) -> Result<Self> {
        Self::asking(options, || {
            Err(config("no passphrase of the store is given").expected("\"store_passphrase_file\""))
        })
    }

    /// As [`of`](Self::of), but `ask` is asked for a passphrase that is in no file.
    pub fn asking(options: &Options, ask: impl FnOnce() -> Result<Secret>) -> Result<Self> {
        let (place, file) = (options.store_key, &options.store_key_file);
        let passphrase = SecretSource::of(options, None, Which::StorePassphrase, "given")?;
        let key = match (place, file, passphrase) {
            (None, None, None) => KeySource::Own,
            (Some(StoreKey::Keyring), None, None) => KeySource::Keyring(Keyring::User),
            (Some(StoreKey::KernelKeyring), None, None) => KeySource::Keyring(Keyring::Kernel),
            (Some(StoreKey::Passphrase), None, None) => KeySource::Passphrase(ask()?),
            (None, Some(file), None) => KeySource::File(file.clone()),
            (None, None, Some(source)) => {
                let warn = |warning: &str| tracing::warn!(target: "tokenlease", "{warning}");
                KeySource::Passphrase(source.read(Which::StorePassphrase, warn)?)
            }
            _ => {
                return Err(config("two sources of the store's key are given").expected(
                    "one of \"store_key\", \"store_key_file\" and \"store_passphrase_file\"",
                ));
            }
        };
        Ok(Self { url: StoreUrl::of(options), key, ca: options.ca()? })
    }
}

/// Opens the store that the options name.
pub async fn open(shared: &Shared) -> Result<Opened> {
    tokenlease_store::open(shared.url.text(), &options(shared)).await
}

/// As [`open`], for callers that block.
pub fn open_blocking(shared: &Shared) -> Result<Opened> {
    tokenlease_store::open_blocking(shared.url.text(), &options(shared))
}

fn options(shared: &Shared) -> StoreOptions {
    let options = StoreOptions::new().with_key(shared.key.clone());
    #[cfg(any(feature = "redis", feature = "postgres"))]
    if let Some(pem) = &shared.ca {
        return options.with_extra_ca(pem.clone());
    }
    options
}

/// Makes what a store needs before it can be opened: at PostgreSQL, its table.
///
/// # Errors
/// `Config` for an address that is of no use, `Store` for a server that does not do it.
#[cfg(feature = "postgres")]
pub async fn init(shared: &Shared) -> Result<()> {
    if shared.url.text().starts_with("postgres") {
        let cas: Vec<_> = shared.ca.iter().cloned().collect();
        return tokenlease_store::PostgresStore::open(shared.url.text(), &cas)?.init().await;
    }
    Ok(())
}

/// What `init` does at a server, in its own language; none where there is nothing of that kind.
#[cfg(feature = "postgres")]
pub fn migration(url: &StoreUrl) -> Option<&'static str> {
    url.text().starts_with("postgres").then(tokenlease_store::PostgresStore::migration)
}

/// Rejects an address with a password in a place where others can read it; it is not repeated.
pub fn check_place(url: Option<&StoreUrl>, place: &str, why: &str) -> Result<()> {
    if !url.is_some_and(StoreUrl::holds_password) {
        return Ok(());
    }
    Err(config(format!("{place} holds a password: {why}"))
        .expected("the address with the password in the variable TOKENLEASE_STORE")
        .advice("if it was the real one, change it"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn url(text: &str) -> StoreUrl {
        StoreUrl::read(text).expect("any text")
    }

    #[test]
    fn a_store_is_shown_without_its_password() {
        for (text, shown) in [
            ("memory:", "memory:"),
            ("file:/a b/c", "file:/a b/c"),
            ("file:///a", "file:/a"),
            ("redis://user:canary@h:6379/2?password=canary", "redis://h:6379"),
            ("postgres://canary@h/db", "postgres://h"),
            ("rediss://:canary@@h", "rediss://h"),
            ("canary", "canary:"),
        ] {
            assert_eq!(url(text).to_string(), shown);
            assert_eq!(format!("{:?}", url(text)), format!("StoreUrl({shown})"));
        }
    }

    #[test]
    fn a_password_in_an_address_is_noticed() {
        for text in ["redis://:p@h", "redis://u:p@h/0", "postgres://u@h/db?password=p"] {
            assert!(url(text).holds_password(), "{text}");
        }
        for text in ["memory:", "file:/a:b@c", "redis://h:6379", "postgres://u@h:5432/db"] {
            assert!(!url(text).holds_password(), "{text}");
        }
        let error = check_place(Some(&url("redis://:canary@h")), "--store", "others read it");
        let error = error.unwrap_err().to_string();
        assert!(error.contains("TOKENLEASE_STORE") && !error.contains("canary"), "{error}");
    }

    #[test]
    fn the_key_s_source_is_one_of_the_ways_and_two_are_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("phrase");
        fs::write(&file, "canary\n").expect("written");
        let phrase = file.to_str().expect("a path");
        let ways = [
            ("store_key", "keyring"),
            ("store_key", "kernel-keyring"),
            ("store_key", "passphrase"),
            ("store_key_file", "key"),
            ("store_passphrase_file", phrase),
        ];
        let shared = |pairs: &[(&str, &str)]| {
            let mut options = Options::default();
            for (key, text) in pairs {
                options.set(key, text).expect("an option");
            }
            Shared::asking(&options, || Ok("asked".into()))
        };
        for (way, shown) in ways.iter().zip([
            "Keyring(User)",
            "Keyring(Kernel)",
            "Passphrase([redacted])",
            "File(\"key\")",
            "Passphrase([redacted])",
        ]) {
            let key = shared(&[*way]).expect("a key").key;
            assert_eq!(format!("{key:?}"), shown);
            let KeySource::Passphrase(text) = key else { continue };
            assert_eq!(text.expose(), if way.0 == "store_key" { "asked" } else { "canary" });
        }
        for (one, other) in [(0, 3), (2, 4), (3, 4)] {
            let error = shared(&[ways[one], ways[other]]).expect_err("two");
            assert!(error.to_string().contains("two sources"), "{error}");
        }
        let mut options = Options::default();
        options.set("store_key", "passphrase").expect("an option");
        let error = Shared::of(&options).expect_err("nobody to ask");
        assert!(error.to_string().contains("store_passphrase_file"), "{error}");
    }

    #[test]
    fn a_folder_in_a_profile_counts_from_the_profile_s() {
        let of = |text: &str| url(text).counted_from(Path::new("/etc/x")).text().to_owned();
        assert_eq!(of("file:state"), "file:/etc/x/state");
        for text in ["file:", "file:/state", "memory:", "redis://h"] {
            assert_eq!(of(text), text);
        }
    }
}
