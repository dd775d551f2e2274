//! A store's key in a keyring of the operating system.
//!
//! An entry's name is derived from its key, so no entry is ever overwritten. The store keeps the
//! name of its key: the first process saves the name there by compare-and-swap, after the keyring
//! has the entry. So processes that start together end with one key, even if one of them dies or is
//! stopped meanwhile.

use std::{sync::Arc, time::Duration};

use keyring_core::{CredentialStore, Entry};
use tokenlease::{
    Error, ErrorKind, Result, Store,
    core::Key,
    runtime::spawn_thread,
    store::{Stored, Swapped},
};
use zeroize::Zeroizing;

use crate::{
    keys::{self, Keyring},
    random,
};

/// The service of all entries. An entry's user is the name of its key.
const SERVICE: &str = "tokenlease";
/// The entry with the name of the newest key. A store that was emptied finds its key by it.
const NEWEST: &str = "newest";
/// Long enough for a person to unlock the keyring.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Returns the key of that store. Makes it if the store has no record yet.
///
/// # Errors
/// [`ErrorKind::Config`] if there is no such keyring, [`ErrorKind::Store`] if the store or the
/// keyring fails, or if the store's key is not in the keyring.
pub(crate) async fn key(
    keyring: Keyring,
    store: &impl Store,
    holds_records: impl AsyncFnOnce() -> Result<bool>,
) -> Result<Key> {
    key_in(move || Ring::open(keyring), store, holds_records).await
}

/// Does the same with the keyring that `open` opens. Each step opens it again and closes it on the
/// same thread: the kernel's keyring belongs to a thread, and the connection to the Secret Service
/// must be closed on a thread that may block.
async fn key_in(
    open: impl Fn() -> Result<Ring> + Clone + Send + 'static,
    store: &impl Store,
    holds_records: impl AsyncFnOnce() -> Result<bool>,
) -> Result<Key> {
    let note = keys::note::name("key")?;
    let mut saved = store.load(&note).await?.record;
    if saved.is_none() && holds_records().await? {
        // Another process may have saved the name, and a record after it, since the first read.
        saved = store.load(&note).await?.record;
        if saved.is_none() {
            return Err(Error::new(
                ErrorKind::Store,
                "the store holds records, and none of the keyring's keys decrypts them",
            )
            .expected("the key or passphrase that encrypted them")
            .advice("give that key or passphrase, or remove the records"));
        }
    }
    if let Some(saved) = saved {
        let name = name_in(&saved)?;
        return with_timeout(move || open()?.read(&name)).await;
    }
    let first_open = open.clone();
    let Chosen { name, key, is_new } = with_timeout(move || first_open()?.newest_or_new()).await?;
    match store.swap(&note, None, name.as_bytes(), None).await? {
        Swapped::Done { .. } => {
            if is_new {
                with_timeout(move || open().map(|ring| ring.set_newest(&name))).await?;
            }
            Ok(key)
        }
        Swapped::Conflict(loaded) => {
            let saved = loaded.record.ok_or_else(|| foreign("nothing"))?;
            let saved = name_in(&saved)?;
            with_timeout(move || {
                let ring = open()?;
                if is_new {
                    ring.remove(&name);
                }
                ring.read(&saved)
            })
            .await
        }
    }
}

struct Chosen {
    name: String,
    key: Key,
    is_new: bool,
}

/// An open keyring. It is not installed as the process's default.
struct Ring {
    entries: Arc<CredentialStore>,
    keyring: Keyring,
}

impl Ring {
    fn open(keyring: Keyring) -> Result<Self> {
        let entries = platform(keyring)?;
        let ring = Self { entries, keyring };
        // The first entry makes this thread join the kernel's keyring, so that it finds the next
        // ones there. Other keyrings show only now whether they exist.
        ring.entry(NEWEST)?;
        Ok(ring)
    }

    fn entry(&self, name: &str) -> Result<Entry> {
        self.entries.build(SERVICE, name, None).map_err(|error| absent(self.keyring, &error))
    }

    /// Reads the key of that name, and checks it against the name.
    fn read(&self, name: &str) -> Result<Key> {
        let text = match self.entry(name)?.get_password() {
            Ok(text) => Zeroizing::new(text),
            Err(keyring_core::Error::NoEntry) => return Err(self.missing(name)),
            Err(error) => return Err(self.failed(&format!("reading {name}"), &error)),
        };
        match keys::text::parse(text.as_bytes()) {
            Some(key) if name_of(&key) == name => Ok(key),
            _ => Err(Error::new(
                ErrorKind::Store,
                format!("{} has another value for the key {name}", self.keyring.text()),
            )
            .expected("the 64 hexadecimal digits that the first process wrote")
            .advice(format!("put them back into the entry of service {SERVICE}, user {name}"))),
        }
    }

    /// Returns the keyring's newest key, or a new one that was read back successfully.
    fn newest_or_new(&self) -> Result<Chosen> {
        if let Ok(name) = self.entry(NEWEST)?.get_password()
            && let Ok(key) = self.read(&name)
        {
            return Ok(Chosen { name, key, is_new: false });
        }
        let bytes = random::key()?;
        let (key, text) = (Key::new(*bytes), digits(&bytes));
        let name = name_of(&key);
        let written = self.entry(&name)?.set_password(&text);
        written.map_err(|error| self.failed("writing a new key", &error))?;
        // Some keyrings report no error when they are full.
        if self.read(&name)? == key {
            Ok(Chosen { name, key, is_new: true })
        } else {
            Err(self.failed("reading a new key back", &keyring_core::Error::NoEntry))
        }
    }

    fn set_newest(&self, name: &str) {
        let written = self.entry(NEWEST).map(|entry| entry.set_password(name));
        if !matches!(written, Ok(Ok(()))) {
            tracing::warn!(
                target: "tokenlease",
                "the name of the newest key can't be written to {}: a store that is emptied gets \
                 another key", self.keyring.text()
            );
        }
    }

    /// Removes an unused key. If that fails, the key does no harm.
    fn remove(&self, name: &str) {
        let _ = self.entry(name).map(|entry| entry.delete_credential());
    }

    fn missing(&self, name: &str) -> Error {
        let ring = self.keyring.text();
        let error = Error::new(ErrorKind::Store, format!("{ring} has no key {name}"))
            .expected("the key that encrypted the store's records");
        let cause = match self.keyring {
            Keyring::Kernel => "it loses keys at each boot and after 3 days without use; ",
            Keyring::User => "",
        };
        error.advice(format!(
            "{cause}copy the entry of service {SERVICE}, user {name}, from a host where the store \
             works, or empty the store"
        ))
    }

    fn failed(&self, doing: &str, error: &keyring_core::Error) -> Error {
        // The error's text is kept and not the error itself: some errors contain the secret.
        let message = format!("{doing} in {} failed: {error}", self.keyring.text());
        Error::new(ErrorKind::Store, message).advice(
            "unlock it, free space in it, or give the store's key by a file or a passphrase",
        )
    }
}

/// Returns a key as hexadecimal digits: people can copy them, and they fit into every keyring.
fn digits(bytes: &[u8; 32]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(64));
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
        }
    }
    text
}

/// Returns the name of a key: 16 hexadecimal digits that reveal nothing of it.
fn name_of(key: &Key) -> String {
    let mac = key.mac("tokenlease keyring", &[]);
    mac.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the key's name that the store keeps.
fn name_in(saved: &Stored) -> Result<String> {
    let is_name = |text: &&str| text.len() == 16 && text.bytes().all(|c| c.is_ascii_hexdigit());
    std::str::from_utf8(saved.bytes())
        .ok()
        .filter(is_name)
        .map(ToOwned::to_owned)
        .ok_or_else(|| foreign("something else"))
}

fn foreign(found: &str) -> Error {
    Error::new(ErrorKind::Store, format!("the store keeps {found} where its key's name belongs"))
        .expected("16 hexadecimal digits")
        .advice("use another folder or server, or give the key itself")
}

/// Returns the error for a keyring that this system does not have.
fn absent(keyring: Keyring, error: &keyring_core::Error) -> Error {
    Error::new(ErrorKind::Config, format!("{} can't be reached: {error}", keyring.text()))
        .expected(keyring.needs())
        .advice(
            "give the store's key by a file or a passphrase, or use a folder's own key; servers \
             without a desktop usually do so",
        )
}

/// Calls the keyring on a separate thread, for [`TIMEOUT`] at most. Nothing waits for the thread if
/// the call takes longer.
async fn with_timeout<R: Send + 'static>(
    work: impl FnOnce() -> Result<R> + Send + 'static,
) -> Result<R> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let thread = spawn_thread("tokenlease-keyring", move || {
        // The receiver is gone after a timeout.
        let _ = sender.send(work());
    });
    thread.map_err(|error| {
        Error::new(ErrorKind::Internal, "no thread could be started for the keyring")
            .with_source(error)
    })?;
    match tokio::time::timeout(TIMEOUT, receiver).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Error::new(ErrorKind::Internal, "the keyring's library panicked")
            .advice("please report it; give the store's key by a file or a passphrase")),
        Err(_) => Err(Error::new(
            ErrorKind::Store,
            format!("the keyring did not answer within {TIMEOUT:?}"),
        )
        .advice("unlock it, or give the store's key by a file or a passphrase")),
    }
}

fn platform(keyring: Keyring) -> Result<Arc<CredentialStore>> {
    match keyring {
        #[cfg(target_os = "linux")]
        Keyring::Kernel => linux_keyutils_keyring_store::Store::new().map(|store| store as _),
        #[cfg(any(target_os = "linux", target_os = "freebsd", target_os = "openbsd"))]
        Keyring::User => zbus_secret_service_keyring_store::Store::new().map(|store| store as _),
        #[cfg(target_os = "macos")]
        Keyring::User => apple_native_keyring_store::keychain::Store::new().map(|store| store as _),
        #[cfg(windows)]
        Keyring::User => windows_native_keyring_store::Store::new().map(|store| store as _),
        #[allow(unreachable_patterns, reason = "some systems have both")]
        _ => {
            Err(keyring_core::Error::NotSupportedByStore("this system has no such keyring".into()))
        }
    }
    .map_err(|error| absent(keyring, &error))
}

#[cfg(test)]
mod tests;
