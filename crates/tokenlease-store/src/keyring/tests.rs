use std::{
    any::Any,
    collections::HashMap,
    sync::{Barrier, Mutex},
};

use keyring_core::{
    Credential, Error as RingError,
    api::{CredentialApi, CredentialStoreApi},
};
use tokenlease::{MemoryStore, SystemClock};

use super::*;

/// The behaviour of a keyring that is given a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Keeps,
    /// It reports success and keeps nothing.
    Loses,
    /// It reports success and keeps the first half.
    Truncates,
    /// It reports that it is full.
    IsFull,
    /// It keeps another value.
    Changes,
}

/// A keyring in memory, with faults that real keyrings have.
#[derive(Clone, Debug)]
struct FakeKeyring {
    behaviour: Behaviour,
    entries: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl FakeKeyring {
    fn new(behaviour: Behaviour) -> Self {
        Self { behaviour, entries: Arc::default() }
    }

    fn ring(&self) -> Ring {
        Ring { entries: Arc::new(self.clone()), keyring: Keyring::User }
    }

    fn open(&self) -> impl Fn() -> Result<Ring> + Clone + Send + 'static {
        let keyring = self.clone();
        move || Ok(keyring.ring())
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.entries.lock().unwrap().keys().cloned().collect();
        names.sort();
        names
    }

    async fn key_of(&self, store: &MemoryStore) -> Result<Key> {
        key_in(self.open(), store, async || Ok(false)).await
    }
}

impl CredentialStoreApi for FakeKeyring {
    fn vendor(&self) -> String {
        "test".into()
    }

    fn id(&self) -> String {
        "test".into()
    }

    fn build(
        &self,
        service: &str,
        user: &str,
        _: Option<&HashMap<&str, &str>>,
    ) -> keyring_core::Result<Entry> {
        assert_eq!(service, SERVICE);
        let entry = FakeEntry { keyring: self.clone(), name: user.to_owned() };
        Ok(Entry::new_with_credential(Arc::new(entry)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct FakeEntry {
    keyring: FakeKeyring,
    name: String,
}

impl CredentialApi for FakeEntry {
    fn set_secret(&self, secret: &[u8]) -> keyring_core::Result<()> {
        let kept = match self.keyring.behaviour {
            Behaviour::Keeps => secret.to_vec(),
            Behaviour::Loses => return Ok(()),
            Behaviour::Truncates => secret[..secret.len() / 2].to_vec(),
            Behaviour::IsFull => return Err(RingError::TooLong("password".into(), 2560)),
            Behaviour::Changes => secret.iter().rev().copied().collect(),
        };
        self.keyring.entries.lock().unwrap().insert(self.name.clone(), kept);
        Ok(())
    }

    fn get_secret(&self) -> keyring_core::Result<Vec<u8>> {
        self.keyring.entries.lock().unwrap().get(&self.name).cloned().ok_or(RingError::NoEntry)
    }

    fn delete_credential(&self) -> keyring_core::Result<()> {
        let removed = self.keyring.entries.lock().unwrap().remove(&self.name);
        removed.map(drop).ok_or(RingError::NoEntry)
    }

    fn get_credential(&self) -> keyring_core::Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn store() -> MemoryStore {
    MemoryStore::new(Arc::new(SystemClock))
}

async fn saved_name(store: &MemoryStore) -> Option<String> {
    let saved = store.load(&keys::note::name("key").unwrap()).await.unwrap().record?;
    Some(name_in(&saved).unwrap())
}

/// Rule: Secrets: a keyring that loses, truncates or changes a key is an error at the start, and no
/// store relies on a key before it was read back.
///
/// Reported as git-ecosystem/git-credential-manager#190
#[tokio::test]
async fn a_keyring_that_loses_or_changes_a_key_is_an_error_at_the_start() {
    for behaviour in [Behaviour::Loses, Behaviour::Truncates, Behaviour::IsFull, Behaviour::Changes]
    {
        let (keyring, store) = (FakeKeyring::new(behaviour), store());
        for _ in 0..2 {
            let error = keyring.key_of(&store).await.map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Store, "{behaviour:?}");
            assert!(error.to_string().contains("keyring"), "{behaviour:?}: {error}");
            for bytes in keyring.entries.lock().unwrap().values() {
                let text = String::from_utf8_lossy(bytes);
                assert!(!format!("{error} {error:?}").contains(&*text), "{error}");
            }
        }
        assert_eq!(saved_name(&store).await, None, "no store relies on a key that was not kept");
    }
}

/// Rule: Secrets: a key's entry has at most 128 bytes, which fits into the smallest keyring.
///
/// Reported as git-ecosystem/git-credential-manager#190
#[tokio::test]
async fn a_keys_entry_fits_into_the_smallest_keyring() {
    let (keyring, store) = (FakeKeyring::new(Behaviour::Keeps), store());
    keyring.key_of(&store).await.unwrap();
    for text in keyring.entries.lock().unwrap().values() {
        // Windows keeps 2,560 bytes, and takes two for each byte of the text.
        assert!(text.len() * 2 <= 128, "{} bytes", text.len());
    }
}

/// Rule: Secrets: all stores of a user whose keys are in the keyring have one key, also a store
/// that was emptied.
#[tokio::test]
async fn all_stores_of_a_user_have_one_key() {
    let (keyring, one, other) = (FakeKeyring::new(Behaviour::Keeps), store(), store());
    let key = keyring.key_of(&one).await.unwrap();
    assert!(keyring.key_of(&one).await.unwrap() == key);
    assert!(keyring.key_of(&other).await.unwrap() == key);
    assert_eq!(keyring.names(), [name_of(&key), NEWEST.to_owned()]);
    assert_eq!(saved_name(&one).await, Some(name_of(&key)));
    // A store that was emptied gets its key again.
    assert!(keyring.key_of(&store()).await.unwrap() == key);
}

/// Rule: Secrets: processes that start at once with a keyring get one key, and no other entry is
/// left there.
#[test]
fn processes_that_start_at_once_get_one_key_and_leave_no_other() {
    for _ in 0..20 {
        let (keyring, store, barrier) =
            (FakeKeyring::new(Behaviour::Keeps), store(), Barrier::new(8));
        let start = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            barrier.wait();
            runtime.unwrap().block_on(keyring.key_of(&store)).unwrap()
        };
        let keys: Vec<Key> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(keyring.names(), [name_of(&keys[0]), NEWEST.to_owned()]);
    }
}

/// Rule: Secrets: a process that was stopped before it made a key uses the key that another process
/// made meanwhile.
#[tokio::test]
async fn a_process_that_was_stopped_uses_the_key_that_was_made_meanwhile() {
    let (keyring, store) = (FakeKeyring::new(Behaviour::Keeps), store());
    let mut first = None;
    let late = key_in(keyring.open(), &store, async || {
        first = Some(keyring.key_of(&store).await?);
        // Even if that key is not marked as the newest.
        keyring.ring().remove(NEWEST);
        Ok(false)
    });
    let late = late.await.unwrap();
    assert!(Some(&late) == first.as_ref());
    assert_eq!(keyring.names(), [name_of(&late)]);
}

/// Rule: Secrets: a keyring makes no key for a store with records of another key.
#[tokio::test]
async fn a_store_with_records_of_another_key_gets_no_key() {
    let (keyring, store) = (FakeKeyring::new(Behaviour::Keeps), store());
    let error = key_in(keyring.open(), &store, async || Ok(true)).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_string().contains("none of the keyring's keys decrypts them"), "{error}");
    assert!(keyring.names().is_empty());
    // A record that was written after the key's name has that key.
    let written = key_in(keyring.open(), &store, async || {
        keyring.key_of(&store).await?;
        Ok(true)
    });
    assert_eq!(saved_name(&store).await, None);
    let key = written.await.unwrap();
    assert_eq!(saved_name(&store).await, Some(name_of(&key)));
}

/// Rule: Secrets: if a store's key is missing in the keyring or was changed, the error names it,
/// and no other key is made.
#[tokio::test]
async fn a_missing_or_changed_key_is_named_and_no_other_is_made() {
    let (keyring, store) = (FakeKeyring::new(Behaviour::Keeps), store());
    let name = name_of(&keyring.key_of(&store).await.unwrap());
    let text = keyring.entries.lock().unwrap()[&name].clone();
    keyring.entries.lock().unwrap().clear();
    let error = keyring.key_of(&store).await.map(drop).unwrap_err();
    assert!(error.to_string().contains(&format!("has no key {name}")), "{error}");
    assert!(keyring.names().is_empty());

    let other = FakeKeyring::new(Behaviour::Keeps);
    other.key_of(&self::store()).await.unwrap();
    let others: Vec<_> = other.entries.lock().unwrap().values().cloned().collect();
    for changed in others {
        keyring.entries.lock().unwrap().insert(name.clone(), changed);
        let error = keyring.key_of(&store).await.map(drop).unwrap_err();
        assert!(error.to_string().contains("another value for the key"), "{error}");
    }
    keyring.entries.lock().unwrap().insert(name, text);
    keyring.key_of(&store).await.unwrap();
}
