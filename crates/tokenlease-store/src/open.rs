//! Opens a store by its URL.

use std::{fmt, sync::Arc};

use tokenlease::{
    AnyStore, Clock, Error, ErrorKind, MemoryStore, Result, Store, SystemClock,
    core::Key,
    runtime::{Runtime, run_blocking},
};

use crate::{
    keys::{self, KeySource},
    random,
};

/// The options of [`open`], besides the URL.
#[derive(Clone)]
#[must_use]
pub struct StoreOptions {
    key: KeySource,
    clock: Arc<dyn Clock>,
    #[cfg(feature = "file")]
    access: crate::FolderAccess,
    #[cfg(feature = "tls")]
    extra_cas: Vec<Vec<u8>>,
}

impl StoreOptions {
    /// Returns the defaults: the store's own key, the system's clock, and the certificate
    /// authorities that the system trusts.
    pub fn new() -> Self {
        Self {
            key: KeySource::Own,
            clock: Arc::new(SystemClock),
            #[cfg(feature = "file")]
            access: crate::FolderAccess::User,
            #[cfg(feature = "tls")]
            extra_cas: Vec::new(),
        }
    }

    /// Sets the source of the store's key. The default is [`KeySource::Own`].
    pub fn with_key(mut self, key: KeySource) -> Self {
        self.key = key;
        self
    }

    /// Returns the source of the store's key.
    pub(crate) fn key(&self) -> &KeySource {
        &self.key
    }

    /// Sets the clock of stores on this host (`memory:` and `file:`). The default is the system's
    /// clock.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets which users share the folder of a `file:` store. The default is its user alone.
    #[cfg(feature = "file")]
    pub fn with_folder_access(mut self, access: crate::FolderAccess) -> Self {
        self.access = access;
        self
    }

    /// Trusts the certificate authorities in this PEM text too, for stores over TLS. Each call adds
    /// some.
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

/// An opened store and its key, for
/// [`RegistryBuilder::store`](tokenlease::RegistryBuilder::store).
#[derive(Clone, Debug)]
pub struct Opened {
    /// The store. It encrypts all records that leave the process.
    pub store: AnyStore,
    /// The store's key.
    pub key: Key,
}

/// Opens the store that a URL names.
///
/// | URL | store |
/// | --- | --- |
/// | `memory:` | this process's memory, not shared |
/// | `file:` | the default folder, see `FileStore::default_folder` |
/// | `file:/path`, `file:///path` | that folder; the path is used literally, without decoding |
/// | `file:C:\path`, `file:///C:/path` | that folder, on Windows |
/// | `redis://user:password@host:port/database`, `rediss://…` | that server; `rediss` uses TLS |
/// | `redis+cluster://host:port,host:port` | that cluster |
/// | `redis+sentinel://host:port,host:port/primary` | the primary that these sentinels name |
/// | `postgres://user:password@host:port/database` | the table `tokenlease` of that database |
///
/// The URL may contain a password: no error shows it.
///
/// # Errors
/// - [`ErrorKind::Config`] if the URL, the key or the folder can't be used, if the keyring does not
///   exist, or if this program was built without the store's feature.
/// - [`ErrorKind::Store`] if the key depends on the store or a keyring, and that does not answer or
///   does not have the key of the records.
/// - [`ErrorKind::Internal`] if the system has no random numbers or not enough memory.
///
/// # Examples
/// A folder, with its own key:
///
/// ```
/// use tokenlease::Registry;
/// use tokenlease_store::{StoreOptions, open};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path().join("tokens");
/// let url = format!("file:{}", folder.display());
/// let opened = open(&url, &StoreOptions::new()).await?;
/// let registry = Registry::builder().store(opened.store, opened.key).build()?;
/// # let _ = registry;
/// # Ok::<(), tokenlease::Error>(())
/// # }).unwrap();
/// ```
///
/// Redis over TLS, with a key file that all hosts have:
///
/// ```no_run
/// use tokenlease_store::{KeySource, StoreOptions, open_blocking};
///
/// let options = StoreOptions::new().with_key(KeySource::File("/etc/tokenlease.key".into()));
/// let opened = open_blocking("rediss://user:PASSWORD@redis.example:6379/0", &options)?;
/// # let _ = opened;
/// # Ok::<(), tokenlease::Error>(())
/// ```
///
/// PostgreSQL, with a key that is derived from a passphrase:
///
/// ```no_run
/// use tokenlease_store::{KeySource, StoreOptions, open_blocking};
///
/// let options = StoreOptions::new().with_key(KeySource::Passphrase("PASSPHRASE".into()));
/// let opened = open_blocking("postgres://user:PASSWORD@db.example/erp", &options)?;
/// # let _ = opened;
/// # Ok::<(), tokenlease::Error>(())
/// ```
pub async fn open(url: &str, options: &StoreOptions) -> Result<Opened> {
    let (scheme, rest) = url.trim().split_once(':').ok_or_else(|| unknown("has no scheme"))?;
    match scheme {
        "memory" if rest.is_empty() => {
            let store = MemoryStore::new(options.clock.clone());
            let key = match &options.key {
                KeySource::Own => random::store_key()?,
                source => key(source, &store, async || Ok(false)).await?,
            };
            Ok(Opened { store: AnyStore::new(store), key })
        }
        #[cfg(feature = "file")]
        "file" => file(rest, options).await,
        #[cfg(not(feature = "file"))]
        "file" => Err(left_out("file stores", "file")),
        #[cfg(feature = "redis")]
        "redis" | "rediss" | "redis+cluster" | "rediss+cluster" | "redis+sentinel"
        | "rediss+sentinel" => {
            let store = crate::RedisStore::open(url.trim(), &options.extra_cas)?;
            let key = key(&options.key, &store, async || store.holds_records().await).await?;
            Ok(sealed(store, key))
        }
        #[cfg(not(feature = "redis"))]
        "redis" | "rediss" | "redis+cluster" | "rediss+cluster" | "redis+sentinel"
        | "rediss+sentinel" => Err(left_out("redis stores", "redis")),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => {
            let store = crate::PostgresStore::open(url.trim(), &options.extra_cas)?;
            let key = key(&options.key, &store, async || store.holds_records().await).await?;
            Ok(sealed(store, key))
        }
        #[cfg(not(feature = "postgres"))]
        "postgres" | "postgresql" => Err(left_out("postgres stores", "postgres")),
        scheme => Err(unknown(&format!("has the unknown scheme {scheme:?}"))),
    }
}

/// Opens a store like [`open`], for callers that block. A folder is opened on the calling thread.
///
/// # Errors
/// The errors of [`open`]; [`ErrorKind::Internal`] if the runtime can't be started.
pub fn open_blocking(url: &str, options: &StoreOptions) -> Result<Opened> {
    #[cfg(feature = "file")]
    if let Some(path) = url.trim().strip_prefix("file:")
        && matches!(options.key, KeySource::Own | KeySource::Given(_) | KeySource::File(_))
    {
        tokenlease::runtime::check_may_block()?;
        if let (store, Some(key)) = folder(&crate::folder_url::folder_of(path)?, options)? {
            return Ok(sealed(store, key));
        }
    }
    let (url, options) = (url.to_owned(), options.clone());
    Runtime::current()?.block_on(async move { open(&url, &options).await })?
}

/// Opens a store like [`open`], for reading alone. Returns `None` if it has no record, and makes
/// nothing: neither a folder nor a key.
///
/// # Errors
/// The errors of [`open`].
pub async fn open_existing(url: &str, options: &StoreOptions) -> Result<Option<Opened>> {
    let Some((scheme, rest)) = url.trim().split_once(':') else {
        return Err(unknown("has no scheme"));
    };
    let makes_key =
        !matches!(options.key, KeySource::Own | KeySource::Given(_) | KeySource::File(_));
    let _ = rest;
    match scheme {
        #[cfg(feature = "file")]
        "file" => {
            let (folder, access) = (crate::folder_url::folder_of(rest)?, options.access);
            let clock = options.clock.clone();
            let store =
                run_blocking(None, move || crate::FileStore::open_existing(folder, access, clock));
            match store.await?? {
                Some(store) => with_key(store, options).await.map(Some),
                None => Ok(None),
            }
        }
        #[cfg(feature = "redis")]
        scheme if makes_key && scheme.starts_with("redis") => {
            let store = crate::RedisStore::open(url.trim(), &options.extra_cas)?;
            if store.holds_records().await? { open(url, options).await.map(Some) } else { Ok(None) }
        }
        #[cfg(feature = "postgres")]
        scheme if makes_key && scheme.starts_with("postgres") => {
            let store = crate::PostgresStore::open(url.trim(), &options.extra_cas)?;
            if store.holds_records().await? { open(url, options).await.map(Some) } else { Ok(None) }
        }
        _ => {
            let _ = makes_key;
            open(url, options).await.map(Some)
        }
    }
}

#[cfg(feature = "file")]
async fn file(path: &str, options: &StoreOptions) -> Result<Opened> {
    let place = crate::folder_url::folder_of(path)?;
    let is_own = matches!(options.key, KeySource::Own);
    let (store, key_of_folder) = if is_own && crate::FileStore::opens_quickly(&place) {
        folder(&place, options)?
    } else {
        let here = options.clone();
        run_blocking(None, move || folder(&place, &here)).await??
    };
    match key_of_folder {
        Some(key) => Ok(sealed(store, key)),
        None => with_key(store, options).await,
    }
}

#[cfg(feature = "file")]
async fn with_key(store: crate::FileStore, options: &StoreOptions) -> Result<Opened> {
    let key = if matches!(options.key, KeySource::Own) {
        let store = store.clone();
        run_blocking(None, move || store.own_key()).await??
    } else {
        key(&options.key, &store, async || store.holds_records().await).await?
    };
    Ok(sealed(store, key))
}

/// Opens a folder, and reads its key, unless that needs calls of the store. Blocks.
#[cfg(feature = "file")]
fn folder(
    folder: &std::path::Path,
    options: &StoreOptions,
) -> Result<(crate::FileStore, Option<Key>)> {
    let store = crate::FileStore::with_access(folder, options.access, options.clock.clone())?;
    let key = match &options.key {
        KeySource::Own => Some(store.own_key()?),
        KeySource::Given(key) => Some(key.clone()),
        KeySource::File(path) => Some(keys::file::read(path)?),
        KeySource::Passphrase(_) | KeySource::Keyring(_) => None,
    };
    Ok((store, key))
}

#[cfg(any(feature = "file", feature = "redis", feature = "postgres"))]
fn sealed(store: impl Store, key: Key) -> Opened {
    Opened { store: AnyStore::new(crate::Sealed::new(store, &key)), key }
}

/// Returns the key from its source. `store` is the one without encryption: it keeps the salt of a
/// passphrase, or the key's name in a keyring.
pub(crate) async fn key(
    source: &KeySource,
    store: &impl Store,
    holds_records: impl AsyncFnOnce() -> Result<bool>,
) -> Result<Key> {
    match source {
        #[cfg(feature = "keyring")]
        KeySource::Keyring(keyring) => crate::keyring::key(*keyring, store, holds_records).await,
        #[cfg(not(feature = "keyring"))]
        KeySource::Keyring(_) => {
            drop(holds_records);
            Err(left_out("keys in a keyring", "keyring"))
        }
        KeySource::Given(key) => Ok(key.clone()),
        KeySource::File(path) => {
            let path = path.clone();
            run_blocking(None, move || keys::file::read(&path)).await?
        }
        KeySource::Passphrase(phrase) => keys::passphrase::key(phrase, store).await,
        KeySource::Own => {
            Err(Error::new(ErrorKind::Config, "no key is given for a store that many hosts share")
                .expected("a key file, a key or a passphrase, the same on all hosts")
                .advice("make one with `openssl rand -hex 32`"))
        }
    }
}

fn unknown(what: &str) -> Error {
    Error::new(ErrorKind::Config, format!("the store's URL {what}"))
        .expected("memory:, file:, file:/path, redis://…, rediss://… or postgres://…")
}

#[cfg(not(all(feature = "file", feature = "redis", feature = "postgres", feature = "keyring")))]
fn left_out(what: &str, feature: &str) -> Error {
    Error::new(ErrorKind::Config, format!("this program was built without {what}"))
        .advice(format!("build it with the feature `{feature}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn error(url: &str, key: KeySource) -> Error {
        let options = StoreOptions::new().with_key(key);
        open(url, &options).await.map(|_| ()).unwrap_err()
    }

    /// Rule: Secrets: an error about an unknown store's URL shows nothing that may be a password.
    #[tokio::test]
    async fn an_error_about_an_unknown_url_shows_no_secret() {
        for url in ["", "file", "/tmp/x", "ftp://u:canary@h", "memory:canary", "file://canary/x"] {
            let error = error(url, KeySource::Own).await;
            assert_eq!(error.kind(), ErrorKind::Config, "{url}");
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[cfg(feature = "file")]
    #[tokio::test]
    async fn all_forms_of_a_folders_url_open_one_store_with_one_key() {
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
    async fn a_folder_with_a_given_key_makes_no_key_file() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file:{}", folder.path().join("s").display());
        for key in [KeySource::Given(Key::new([7; 32])), KeySource::Passphrase("phrase".into())] {
            open(&url, &StoreOptions::new().with_key(key)).await.unwrap();
        }
        assert!(!folder.path().join("s/key").exists());
    }
}
