//! A store by its URL.

use std::{fmt, sync::Arc};

use tokenlease::{
    Clock, Error, ErrorKind, MemoryStore, Result, Store, SystemClock, core::Key, runtime::Runtime,
};

use crate::{
    keys::{self, KeySource},
    random,
};

/// How a store is opened, beside its URL.
#[derive(Clone)]
#[must_use]
pub struct StoreOptions {
    key: KeySource,
    clock: Arc<dyn Clock>,
    #[cfg(feature = "tls")]
    extra_cas: Vec<Vec<u8>>,
}

impl StoreOptions {
    /// The store's own key, the system's clock, and the authorities that the system trusts.
    pub fn new() -> Self {
        Self {
            key: KeySource::Own,
            clock: Arc::new(SystemClock),
            #[cfg(feature = "tls")]
            extra_cas: Vec::new(),
        }
    }

    /// Where the store's key comes from.
    pub fn with_key(mut self, key: KeySource) -> Self {
        self.key = key;
        self
    }

    /// The clock of stores on this machine. By default the system's.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Trusts the authorities in this PEM text too, where a store is reached over TLS. It may be
    /// called several times.
    #[cfg(feature = "tls")]
    pub fn with_extra_ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.extra_cas.push(pem.into());
        self
    }
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A store and its key, as [`RegistryBuilder::store`](tokenlease::RegistryBuilder::store) takes
/// them.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The store; where it leaves the process, it is encrypted.
    pub store: Arc<dyn Store>,
    /// Its key.
    pub key: Key,
}

/// Opens the store that a URL names.
///
/// | URL | store |
/// | --- | --- |
/// | `memory:` | this process's memory, for itself alone |
/// | `file:` | the [default folder](crate::FileStore::default_folder) |
/// | `file:/path`, `file:///path` | that folder; the path is taken as it stands |
/// | `redis://user:password@host:port/database`, `rediss://…` | that server, the second by TLS |
/// | `postgres://user:password@host:port/database` | that server's table `tokenlease` |
///
/// The URL may hold a password: it is never printed.
///
/// # Errors
/// `Config` for a URL, key or folder that is of no use, `Store` where the store must be asked for
/// its key and does not answer.
pub async fn open(url: &str, options: &StoreOptions) -> Result<Opened> {
    let (scheme, rest) = url.trim().split_once(':').ok_or_else(|| unknown("no scheme"))?;
    match scheme {
        "memory" if rest.is_empty() => {
            let store = MemoryStore::new(options.clock.clone());
            let key = match &options.key {
                KeySource::Own => random::store_key()?,
                source => key(source, &store, async || Ok(false)).await?,
            };
            Ok(Opened { store: Arc::new(store), key })
        }
        #[cfg(feature = "file")]
        "file" => file(rest, options).await,
        #[cfg(not(feature = "file"))]
        "file" => Err(left_out("file stores", "file")),
        #[cfg(feature = "redis")]
        "redis" | "rediss" => {
            let store = crate::RedisStore::open(url.trim(), &options.extra_cas)?;
            let key = key(&options.key, &store, async || store.holds_records().await).await?;
            Ok(sealed(store, key))
        }
        #[cfg(not(feature = "redis"))]
        "redis" | "rediss" => Err(left_out("redis stores", "redis")),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => {
            let store = crate::PostgresStore::open(url.trim(), &options.extra_cas)?;
            let key = key(&options.key, &store, async || store.holds_records().await).await?;
            Ok(sealed(store, key))
        }
        #[cfg(not(feature = "postgres"))]
        "postgres" | "postgresql" => Err(left_out("postgres stores", "postgres")),
        scheme => Err(unknown(&format!("the scheme {scheme:?}"))),
    }
}

/// As [`open`], for callers that block.
pub fn open_blocking(url: &str, options: &StoreOptions) -> Result<Opened> {
    let (url, options) = (url.to_owned(), options.clone());
    Runtime::current()?.block_on(async move { open(&url, &options).await })?
}

#[cfg(feature = "file")]
async fn file(path: &str, options: &StoreOptions) -> Result<Opened> {
    use std::path::PathBuf;

    use crate::FileStore;

    let folder = match path.strip_prefix("//") {
        Some(path) if path.starts_with('/') => PathBuf::from(path),
        Some(_) => {
            return Err(Error::new(ErrorKind::Config, "the store's URL names a host for a file")
                .expected("file:/path or file:///path"));
        }
        None if path.is_empty() => FileStore::default_folder()?,
        None => PathBuf::from(path),
    };
    let (clock, own) = (options.clock.clone(), matches!(options.key, KeySource::Own));
    let (store, own) = blocking(move || {
        let store = FileStore::with_clock(&folder, clock)?;
        let own = if own { Some(store.own_key()?) } else { None };
        Ok((store, own))
    })
    .await?;
    let key = match own {
        Some(own) => own,
        None => key(&options.key, &store, async || store.holds_records().await).await?,
    };
    Ok(sealed(store, key))
}

#[cfg(any(feature = "file", feature = "redis", feature = "postgres"))]
fn sealed(store: impl Store, key: Key) -> Opened {
    Opened { store: Arc::new(crate::Sealed::new(store, &key)), key }
}

/// The key of a source; the bare store keeps the salt of a passphrase, or the name that the key has
/// in a keyring.
async fn key(
    source: &KeySource,
    store: &dyn Store,
    holds_records: impl AsyncFnOnce() -> Result<bool>,
) -> Result<Key> {
    match source {
        #[cfg(feature = "keyring")]
        KeySource::Keyring(keyring) => {
            crate::keyring::of_store(*keyring, store, holds_records).await
        }
        #[cfg(not(feature = "keyring"))]
        KeySource::Keyring(_) => {
            drop(holds_records);
            Err(left_out("keys in a keyring", "keyring"))
        }
        KeySource::Given(key) => Ok(key.clone()),
        KeySource::File(path) => {
            let path = path.clone();
            blocking(move || keys::read_file(&path)).await
        }
        KeySource::Passphrase(phrase) => keys::of_passphrase(phrase, store).await,
        KeySource::Own => {
            Err(Error::new(ErrorKind::Config, "no key is given for a store that many hosts share")
                .expected("a key file, a key or a passphrase, the same on all of them")
                .advice("make one with `openssl rand -hex 32`"))
        }
    }
}

async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R> + Send + 'static,
) -> Result<R> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "a task of the store was ended").with_source(error))
    })
}

fn unknown(what: &str) -> Error {
    Error::new(ErrorKind::Config, format!("the store's URL has {what}"))
        .expected("memory:, file:, file:/path, redis://…, rediss://… or postgres://…")
}

#[cfg(not(all(feature = "file", feature = "redis", feature = "postgres", feature = "keyring")))]
fn left_out(what: &str, feature: &str) -> Error {
    Error::new(ErrorKind::Config, format!("this program was built without {what}"))
        .advice(format!("build it with the feature {feature}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn error(url: &str, key: KeySource) -> Error {
        let options = StoreOptions::new().with_key(key);
        open(url, &options).await.map(|_| ()).unwrap_err()
    }

    #[tokio::test]
    async fn a_url_that_names_no_store_is_an_error_that_quotes_nothing_of_it() {
        for url in ["", "file", "/tmp/x", "ftp://u:canary@h", "memory:canary", "file://canary/x"] {
            let error = error(url, KeySource::Own).await;
            assert_eq!(error.kind(), ErrorKind::Config, "{url}");
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[cfg(feature = "file")]
    #[tokio::test]
    async fn every_way_to_write_a_folder_opens_the_same_with_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b%20c");
        let options = StoreOptions::new();
        let mut keys = Vec::new();
        for before in ["file:", "file://"] {
            let url = format!("{before}{}", path.display());
            keys.push(open(&url, &options).await.unwrap().key);
        }
        let url = format!("file:{}", path.display());
        keys.push(
            tokio::task::spawn_blocking(move || open_blocking(&url, &options).unwrap().key)
                .await
                .unwrap(),
        );
        assert!(keys[0] == keys[1] && keys[1] == keys[2]);
        assert!(path.join("key").exists());
    }

    #[cfg(feature = "file")]
    #[tokio::test]
    async fn a_folder_with_a_key_from_elsewhere_makes_none_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file:{}", folder.path().join("s").display());
        for key in [KeySource::Given(Key::new([7; 32])), KeySource::Passphrase("phrase".into())] {
            open(&url, &StoreOptions::new().with_key(key)).await.unwrap();
        }
        assert!(!folder.path().join("s/key").exists());
    }
}
