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

/// What a keyring does with what it is given to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Keeps,
    /// It says that all is well, and keeps nothing.
    Forgets,
    /// It says that all is well, and keeps the first half.
    CutsOff,
    /// It says that it is full.
    IsFull,
    /// It keeps something else.
    Mangles,
}

/// A keyring in memory, with the faults that real ones were seen to have.
#[derive(Clone, Debug)]
struct Kept {
    manner: Manner,
    entries: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl Kept {
    fn new(manner: Manner) -> Self {
        Self { manner, entries: Arc::default() }
    }

    fn ring(&self) -> Ring {
        Ring { entries: Arc::new(self.clone()), keyring: Keyring::User }
    }

    fn open(&self) -> impl Fn() -> Result<Ring> + Clone + Send + 'static {
        let kept = self.clone();
        move || Ok(kept.ring())
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.entries.lock().unwrap().keys().cloned().collect();
        names.sort();
        names
    }

    async fn key_of(&self, store: &MemoryStore) -> Result<Key> {
        of_ring(self.open(), store, async || Ok(false)).await
    }
}

impl CredentialStoreApi for Kept {
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
        let place = Place { of: self.clone(), name: user.to_owned() };
        Ok(Entry::new_with_credential(Arc::new(place)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct Place {
    of: Kept,
    name: String,
}

impl CredentialApi for Place {
    fn set_secret(&self, secret: &[u8]) -> keyring_core::Result<()> {
        let kept = match self.of.manner {
            Manner::Keeps => secret.to_vec(),
            Manner::Forgets => return Ok(()),
            Manner::CutsOff => secret[..secret.len() / 2].to_vec(),
            Manner::IsFull => return Err(RingError::TooLong("password".into(), 2560)),
            Manner::Mangles => secret.iter().rev().copied().collect(),
        };
        self.of.entries.lock().unwrap().insert(self.name.clone(), kept);
        Ok(())
    }

    fn get_secret(&self) -> keyring_core::Result<Vec<u8>> {
        self.of.entries.lock().unwrap().get(&self.name).cloned().ok_or(RingError::NoEntry)
    }

    fn delete_credential(&self) -> keyring_core::Result<()> {
        let removed = self.of.entries.lock().unwrap().remove(&self.name);
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

async fn placed(store: &MemoryStore) -> Option<String> {
    let placed = store.load(&keys::note("key").unwrap()).await.unwrap().record?;
    Some(name_in(&placed).unwrap())
}

#[tokio::test]
async fn lesson_24_a_keyring_that_keeps_less_than_it_says_is_an_error_at_the_start() {
    for manner in [Manner::Forgets, Manner::CutsOff, Manner::IsFull, Manner::Mangles] {
        let (kept, store) = (Kept::new(manner), store());
        for _ in 0..2 {
            let error = kept.key_of(&store).await.map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Store, "{manner:?}");
            assert!(error.to_string().contains("keyring"), "{manner:?}: {error}");
            for bytes in kept.entries.lock().unwrap().values() {
                let text = String::from_utf8_lossy(bytes);
                assert!(!format!("{error} {error:?}").contains(&*text), "{error}");
            }
        }
        assert_eq!(placed(&store).await, None, "no store relies on a key that was not kept");
    }
}

#[tokio::test]
async fn lesson_24_what_is_kept_fits_into_the_smallest_keyring() {
    let (kept, store) = (Kept::new(Manner::Keeps), store());
    kept.key_of(&store).await.unwrap();
    for text in kept.entries.lock().unwrap().values() {
        // Windows keeps 2,560 bytes, two for each of these.
        assert!(text.len() * 2 <= 128, "{} bytes", text.len());
    }
}

#[tokio::test]
async fn a_store_has_one_key_and_the_next_store_of_the_user_has_the_same() {
    let (kept, one, other) = (Kept::new(Manner::Keeps), store(), store());
    let key = kept.key_of(&one).await.unwrap();
    assert!(kept.key_of(&one).await.unwrap() == key);
    assert!(kept.key_of(&other).await.unwrap() == key);
    assert_eq!(kept.names(), [name_of(&key), NEWEST.to_owned()]);
    assert_eq!(placed(&one).await, Some(name_of(&key)));
    // A store that lost all it held finds its key again.
    assert!(kept.key_of(&store()).await.unwrap() == key);
}

#[test]
fn all_who_begin_together_end_with_one_key_and_no_other_is_left() {
    for _ in 0..20 {
        let (kept, store, barrier) = (Kept::new(Manner::Keeps), store(), Barrier::new(8));
        let begin = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            barrier.wait();
            runtime.unwrap().block_on(kept.key_of(&store)).unwrap()
        };
        let keys: Vec<Key> = thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
        assert_eq!(kept.names(), [name_of(&keys[0]), NEWEST.to_owned()]);
    }
}

#[tokio::test]
async fn who_was_stopped_before_it_made_its_key_takes_the_one_that_was_made_meanwhile() {
    let (kept, store) = (Kept::new(Manner::Keeps), store());
    let mut first = None;
    let late = of_ring(kept.open(), &store, async || {
        first = Some(kept.key_of(&store).await?);
        // It does not even find it as the newest one.
        kept.ring().remove(NEWEST);
        Ok(false)
    });
    let late = late.await.unwrap();
    assert!(Some(&late) == first.as_ref());
    assert_eq!(kept.names(), [name_of(&late)]);
}

#[tokio::test]
async fn a_store_that_holds_records_of_another_key_gets_none() {
    let (kept, store) = (Kept::new(Manner::Keeps), store());
    let error = of_ring(kept.open(), &store, async || Ok(true)).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.to_string().contains("none of the keyring's keys is theirs"), "{error}");
    assert!(kept.names().is_empty());
    // A record that came after the name is no such record.
    let written = of_ring(kept.open(), &store, async || {
        kept.key_of(&store).await?;
        Ok(true)
    });
    assert_eq!(placed(&store).await, None);
    let key = written.await.unwrap();
    assert_eq!(placed(&store).await, Some(name_of(&key)));
}

#[tokio::test]
async fn lesson_29_a_key_that_is_gone_or_was_changed_is_named_and_no_other_is_made() {
    let (kept, store) = (Kept::new(Manner::Keeps), store());
    let name = name_of(&kept.key_of(&store).await.unwrap());
    let text = kept.entries.lock().unwrap()[&name].clone();
    kept.entries.lock().unwrap().clear();
    let error = kept.key_of(&store).await.map(drop).unwrap_err();
    assert!(error.to_string().contains(&format!("has no key {name}")), "{error}");
    assert!(kept.names().is_empty());

    let other = Kept::new(Manner::Keeps);
    other.key_of(&self::store()).await.unwrap();
    let others: Vec<_> = other.entries.lock().unwrap().values().cloned().collect();
    for changed in others {
        kept.entries.lock().unwrap().insert(name.clone(), changed);
        let error = kept.key_of(&store).await.map(drop).unwrap_err();
        assert!(error.to_string().contains("holds something else"), "{error}");
    }
    kept.entries.lock().unwrap().insert(name, text);
    kept.key_of(&store).await.unwrap();
}
