//! A store's key in a keyring of the operating system.
//!
//! An entry is named after the key that it holds, so none is ever written over. Which one is a
//! store's, the store says itself: who is first puts the name there, by compare-and-swap, once the
//! entry stands. So all who begin together end with one key, whoever dies or is stopped meanwhile.

use std::{sync::Arc, thread, time::Duration};

use keyring_core::{CredentialStore, Entry};
use tokenlease::{
    Error, ErrorKind, Result, Store,
    core::Key,
    store::{Stored, Swapped},
};
use zeroize::Zeroizing;

use crate::{
    keys::{self, Keyring},
    random,
};

/// What all entries have as their service; the rest is the user's name.
const SERVICE: &str = "tokenlease";
/// The entry that names the newest key. A store that lost all it held finds its key by it.
const NEWEST: &str = "newest";
/// A person may have to unlock the keyring first.
const PATIENCE: Duration = Duration::from_secs(60);

/// The key of that store, made now if the store holds no record yet.
pub(crate) async fn of_store(
    keyring: Keyring,
    store: &dyn Store,
    holds_records: impl AsyncFnOnce() -> Result<bool>,
) -> Result<Key> {
    of_ring(move || Ring::open(keyring), store, holds_records).await
}

/// The same for the keyring that is opened. Each step opens it anew, and leaves it on the thread
/// that did: the kernel's belongs to a thread, and the Secret Service's connection must end on one
/// that may block.
async fn of_ring(
    open: impl Fn() -> Result<Ring> + Clone + Send + 'static,
    store: &dyn Store,
    holds_records: impl AsyncFnOnce() -> Result<bool>,
) -> Result<Key> {
    let note = keys::note("key")?;
    let mut placed = store.load(&note).await?.record;
    if placed.is_none() && holds_records().await? {
        // It may have been placed, and a record written after it, since the first look.
        placed = store.load(&note).await?.record;
        if placed.is_none() {
            return Err(Error::new(
                ErrorKind::Store,
                "the store holds records, and none of the keyring's keys is theirs",
            )
            .expected("the key or passphrase under which they were written")
            .advice("give that one, or remove the records"));
        }
    }
    if let Some(placed) = placed {
        let name = name_in(&placed)?;
        return in_time(move || open()?.read(&name)).await;
    }
    let begin = open.clone();
    let Chosen { name, key, is_new } = in_time(move || begin()?.newest_or_new()).await?;
    match store.swap(&note, None, name.as_bytes(), None).await? {
        Swapped::Done { .. } => {
            if is_new {
                in_time(move || open().map(|ring| ring.tell_newest(&name))).await?;
            }
            Ok(key)
        }
        Swapped::Conflict(loaded) => {
            let placed = loaded.record.ok_or_else(|| foreign("nothing"))?;
            let theirs = name_in(&placed)?;
            in_time(move || {
                let ring = open()?;
                if is_new {
                    ring.remove(&name);
                }
                ring.read(&theirs)
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

/// A keyring, held here and set for nobody else.
struct Ring {
    entries: Arc<CredentialStore>,
    keyring: Keyring,
}

impl Ring {
    fn open(keyring: Keyring) -> Result<Self> {
        let entries = platform(keyring)?;
        let ring = Self { entries, keyring };
        // With its first entry the kernel's is joined by this thread, so that the next ones are
        // looked for in it; others show only now whether they are there.
        ring.entry(NEWEST)?;
        Ok(ring)
    }

    fn entry(&self, name: &str) -> Result<Entry> {
        self.entries.build(SERVICE, name, None).map_err(|error| absent(self.keyring, &error))
    }

    /// The key of that name.
    fn read(&self, name: &str) -> Result<Key> {
        let text = match self.entry(name)?.get_password() {
            Ok(text) => Zeroizing::new(text),
            Err(keyring_core::Error::NoEntry) => return Err(self.missing(name)),
            Err(error) => return Err(self.failed(&format!("reading {name}"), &error)),
        };
        match keys::parse(text.as_bytes()) {
            Some(key) if name_of(&key) == name => Ok(key),
            _ => Err(Error::new(
                ErrorKind::Store,
                format!("{} holds something else than the key {name}", self.keyring.text()),
            )
            .expected("the 64 hexadecimal digits that were written")
            .advice(format!("put them back into the entry of service {SERVICE}, user {name}"))),
        }
    }

    /// The newest key of this keyring, or else a new one that it has been shown to keep.
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
        // Some keyrings are full and say nothing.
        if self.read(&name)? == key {
            Ok(Chosen { name, key, is_new: true })
        } else {
            Err(self.failed("reading a new key back", &keyring_core::Error::NoEntry))
        }
    }

    fn tell_newest(&self, name: &str) {
        let told = self.entry(NEWEST).map(|entry| entry.set_password(name));
        if !matches!(told, Ok(Ok(()))) {
            tracing::warn!(
                target: "tokenlease",
                "{} does not say which key is the newest: if the store is emptied, it gets \
                 another", self.keyring.text()
            );
        }
    }

    /// Nobody uses it; if it stays, it does no harm.
    fn remove(&self, name: &str) {
        let _ = self.entry(name).map(|entry| entry.delete_credential());
    }

    fn missing(&self, name: &str) -> Error {
        let ring = self.keyring.text();
        let error = Error::new(ErrorKind::Store, format!("{ring} has no key {name}"))
            .expected("the key under which the store's records were written");
        let what = match self.keyring {
            Keyring::Kernel => "it forgets at each boot and after 3 days without use; ",
            Keyring::User => "",
        };
        error.advice(format!(
            "{what}copy the entry of service {SERVICE}, user {name}, from where the store is in \
             use, or empty the store"
        ))
    }

    fn failed(&self, doing: &str, error: &keyring_core::Error) -> Error {
        // The error is told and not kept: some hold what they were to read.
        let what = format!("{doing} in {} failed: {error}", self.keyring.text());
        Error::new(ErrorKind::Store, what)
            .advice("unlock it, make room in it, or give the store's key by a file or a passphrase")
    }
}

/// How a key is written: a person can copy it, and every keyring has room for it.
fn digits(bytes: &[u8; 32]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(64));
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
        }
    }
    text
}

/// What a key is called: 16 digits that show nothing of it.
fn name_of(key: &Key) -> String {
    let mac = key.mac("tokenlease keyring", &[]);
    mac.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The name that the store holds.
fn name_in(placed: &Stored) -> Result<String> {
    let is_name = |text: &&str| text.len() == 16 && text.bytes().all(|c| c.is_ascii_hexdigit());
    std::str::from_utf8(placed.bytes())
        .ok()
        .filter(is_name)
        .map(ToOwned::to_owned)
        .ok_or_else(|| foreign("something else"))
}

fn foreign(what: &str) -> Error {
    Error::new(ErrorKind::Store, format!("the store holds {what} where its key's name stands"))
        .expected("16 hexadecimal digits")
        .advice("use another folder or prefix, or give the key itself")
}

/// There is no such keyring here.
fn absent(keyring: Keyring, error: &keyring_core::Error) -> Error {
    Error::new(ErrorKind::Config, format!("{} can't be reached: {error}", keyring.text()))
        .expected(keyring.needs())
        .advice(
            "give the store's key by a file or a passphrase, or leave a folder's key to the \
             folder; on servers without a desktop that is the usual way",
        )
}

/// Asks the keyring on a thread of its own: an answer may take long, and if none comes, nothing
/// waits for that thread.
async fn in_time<R: Send + 'static>(
    work: impl FnOnce() -> Result<R> + Send + 'static,
) -> Result<R> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let asking = thread::Builder::new().name("tokenlease-keyring".into()).spawn(move || {
        // Nobody may be left to hear it.
        let _ = sender.send(work());
    });
    asking.map_err(|error| {
        Error::new(ErrorKind::Internal, "no thread could be started for the keyring")
            .with_source(error)
    })?;
    match tokio::time::timeout(PATIENCE, receiver).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Error::new(ErrorKind::Internal, "the keyring's library panicked")
            .advice("please report it; give the store's key by a file or a passphrase")),
        Err(_) => Err(Error::new(
            ErrorKind::Store,
            format!("the keyring did not answer within {PATIENCE:?}"),
        )
        .advice("it may wait to be unlocked; or give the store's key by a file or a passphrase")),
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
        #[allow(unreachable_patterns, reason = "there are systems that have both")]
        _ => Err(keyring_core::Error::NotSupportedByStore("this system has none".into())),
    }
    .map_err(|error| absent(keyring, &error))
}

#[cfg(test)]
mod tests;
