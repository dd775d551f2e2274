//! Encryption around any store. Records leave the process encrypted, and are authenticated together
//! with their identity: another one's record, or a forged one, is not decrypted.

use std::{fmt, time::Duration};

use chacha20poly1305::{AeadInOut as _, KeyInit as _, XChaCha20Poly1305, XNonce};
use tokenlease::{
    Error, ErrorKind, Store,
    core::Key,
    store::{Loaded, Locked, Owner, RecordName, StoreError, Stored, Swapped},
};
use zeroize::Zeroizing;

use crate::random;

/// The first bytes of a sealed record; the format follows.
const MAGIC: &[u8; 4] = b"tkls";
const FORMAT: u8 = 1;
const NONCE: usize = 24;
const TAG: usize = 16;
const HEADER: usize = MAGIC.len() + 1 + NONCE;

/// A store that encrypts its records with XChaCha20-Poly1305, under a key derived from the store's
/// key. The identity and the format are authenticated with each record.
///
/// A record that can't be decrypted with this key, or has a newer format, is
/// [`StoreError::Unreadable`] and stays unchanged. A truncated record, or one that was never
/// sealed, is returned as an empty one, which counts as torn: the next write replaces it.
///
/// ```
/// use std::sync::Arc;
/// use tokenlease::{MemoryStore, SystemClock, core::Key};
/// use tokenlease_store::Sealed;
///
/// let key = Key::new([7; 32]); // use random bytes in production
/// let store = Sealed::new(MemoryStore::new(Arc::new(SystemClock)), &key);
/// # let _ = store;
/// ```
pub struct Sealed<S> {
    inner: S,
    cipher: XChaCha20Poly1305,
}

impl<S: Store> Sealed<S> {
    /// Encrypts the records in `inner`. All processes of the store need the same key.
    pub fn new(inner: S, key: &Key) -> Self {
        let derived = Zeroizing::new(key.mac("tokenlease record", &[&[FORMAT]]));
        Self { inner, cipher: XChaCha20Poly1305::new((&*derived).into()) }
    }

    fn seal(&self, name: &RecordName, record: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE];
        random::fill(&mut nonce).map_err(StoreError::Unavailable)?;
        // The capacity suffices, so the vector does not grow and leave a copy of the plain text.
        let mut sealed = Vec::with_capacity(HEADER + record.len() + TAG);
        sealed.extend_from_slice(MAGIC);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(record);
        let text = sealed.get_mut(HEADER..).unwrap_or_default();
        let tag = self
            .cipher
            .encrypt_inout_detached(&XNonce::from(nonce), &context(name), text.into())
            .map_err(|_| {
                StoreError::Unavailable(Error::new(ErrorKind::Internal, "encryption failed"))
            })?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    fn open(&self, name: &RecordName, stored: &Stored) -> Result<Stored, StoreError> {
        let revision = stored.revision();
        let bytes = match Parts::of(stored.bytes()) {
            Parts::Torn => {
                tracing::warn!(
                    target: "tokenlease", identity = %name.identity(),
                    "the stored record is torn; the next write replaces it"
                );
                return Ok(Stored::new(revision, Vec::new()));
            }
            Parts::Newer(format) => {
                return Err(unreadable(
                    name,
                    &format!("is sealed in format {format}; expected {FORMAT}"),
                    "update this program; until then, it sends no login for this identity",
                ));
            }
            Parts::Whole { nonce, text, tag } => {
                let mut bytes = Zeroizing::new(text.to_vec());
                self.cipher
                    .decrypt_inout_detached(
                        &XNonce::from(nonce),
                        &context(name),
                        bytes.as_mut_slice().into(),
                        &tag.into(),
                    )
                    .map_err(|_| {
                        unreadable(
                            name,
                            "can't be decrypted with this key",
                            "give the key that the store's other processes have; until then, this \
                             process sends no login for this identity",
                        )
                    })?;
                std::mem::take(&mut *bytes)
            }
        };
        Ok(Stored::new(revision, bytes))
    }

    fn open_loaded(&self, name: &RecordName, loaded: Loaded) -> Result<Loaded, StoreError> {
        let record = loaded.record.map(|stored| self.open(name, &stored)).transpose()?;
        Ok(Loaded { record, now: loaded.now })
    }
}

/// The parts of a sealed record.
enum Parts<'a> {
    Whole { nonce: [u8; NONCE], text: &'a [u8], tag: [u8; TAG] },
    Torn,
    Newer(u8),
}

impl<'a> Parts<'a> {
    fn of(sealed: &'a [u8]) -> Self {
        let Some((format, rest)) = sealed.strip_prefix(MAGIC).and_then(<[u8]>::split_first) else {
            return Self::Torn;
        };
        match *format {
            FORMAT => {}
            0 => return Self::Torn,
            newer => return Self::Newer(newer),
        }
        let Some((nonce, rest)) = rest.split_first_chunk() else { return Self::Torn };
        let Some((text, tag)) = rest.split_last_chunk() else { return Self::Torn };
        Self::Whole { nonce: *nonce, text, tag: *tag }
    }
}

/// Returns the bytes that are authenticated with a record.
fn context(name: &RecordName) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    bytes.extend(name.identity().canonical());
    bytes
}

fn unreadable(name: &RecordName, what: &str, advice: &'static str) -> StoreError {
    let error = Error::new(ErrorKind::Store, format!("the record of {} {what}", name.identity()))
        .advice(advice);
    tracing::error!(target: "tokenlease", "{error}");
    StoreError::Unreadable(error)
}

impl<S: Store> Store for Sealed<S> {
    async fn load(&self, name: &RecordName) -> Result<Loaded, StoreError> {
        self.open_loaded(name, self.inner.load(name).await?)
    }

    fn load_now(&self, name: &RecordName) -> Option<Result<Loaded, StoreError>> {
        let loaded = self.inner.load_now(name)?;
        Some(loaded.and_then(|loaded| self.open_loaded(name, loaded)))
    }

    fn after_fork(&self) -> Option<Self> {
        Some(Self { inner: self.inner.after_fork()?, cipher: self.cipher.clone() })
    }

    async fn swap(
        &self,
        name: &RecordName,
        expected: Option<u64>,
        record: &[u8],
        keep: Option<Duration>,
    ) -> Result<Swapped, StoreError> {
        let sealed = self.seal(name, record)?;
        match self.inner.swap(name, expected, &sealed, keep).await? {
            Swapped::Conflict(loaded) => self.open_loaded(name, loaded).map(Swapped::Conflict),
            done @ Swapped::Done { .. } => Ok(done),
        }
    }

    async fn lock(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        self.inner.lock(name, owner, ttl).await
    }

    async fn renew(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        self.inner.renew(name, owner, ttl).await
    }

    async fn unlock(&self, name: &RecordName, owner: &Owner) -> Result<(), StoreError> {
        self.inner.unlock(name, owner).await
    }
}

impl<S: fmt::Debug> fmt::Debug for Sealed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokenlease::{MemoryStore, SteeredClock, conformance, core::Identity};

    use super::*;

    fn memory() -> MemoryStore {
        MemoryStore::new(Arc::new(SteeredClock::new()))
    }

    fn name(user: &str) -> RecordName {
        RecordName::new(Identity::wyn("https://wyn.example", user, "c").unwrap())
    }

    fn sealed(key: u8) -> Sealed<MemoryStore> {
        Sealed::new(memory(), &Key::new([key; 32]))
    }

    /// Writes bytes to the inner store, as anyone with access to the server could.
    async fn plant(store: &Sealed<MemoryStore>, name: &RecordName, bytes: &[u8]) -> u64 {
        match store.inner.swap(name, None, bytes, None).await.unwrap() {
            Swapped::Done { revision, .. } => revision,
            Swapped::Conflict(_) => panic!("the name is new"),
        }
    }

    fn error(result: Result<Loaded, StoreError>) -> String {
        match result {
            Err(StoreError::Unreadable(error)) => error.to_string(),
            other => panic!("expected an unreadable record, found {other:?}"),
        }
    }

    /// Rule: Store: an encrypted store passes the conformance checks of every store.
    #[tokio::test]
    async fn a_sealed_store_passes_the_conformance_checks() {
        let clock = SteeredClock::new();
        let store = Sealed::new(MemoryStore::new(Arc::new(clock.clone())), &Key::new([1; 32]));
        let pass = async |time| clock.advance(time);
        conformance::all(&store, Duration::from_secs(60), pass).await;
    }

    /// Rule: Secrets: an encrypted record shows nothing of its content, and two of equal content
    /// differ.
    #[tokio::test]
    async fn encrypted_records_show_nothing_and_differ_for_equal_content() {
        let store = sealed(1);
        store.swap(&name("u"), None, b"canary", None).await.unwrap();
        store.swap(&name("v"), None, b"canary", None).await.unwrap();
        let mut kept = Vec::new();
        for user in ["u", "v"] {
            kept.push(store.inner.load(&name(user)).await.unwrap().record.unwrap());
        }
        assert!(kept.iter().all(|kept| !kept.bytes().windows(6).any(|part| part == b"canary")));
        assert_ne!(kept[0].bytes()[HEADER..], kept[1].bytes()[HEADER..]);
        assert!(!format!("{store:?}").contains("canary"));
    }

    /// Rule: Identity: a record that was moved to another identity is not decrypted.
    ///
    /// Reported as AzureAD/microsoft-authentication-library-for-dotnet#4359
    #[tokio::test]
    async fn a_record_moved_to_another_identity_is_not_decrypted() {
        let store = sealed(1);
        store.swap(&name("u"), None, b"of u", None).await.unwrap();
        let of_u = store.inner.load(&name("u")).await.unwrap().record.unwrap();
        plant(&store, &name("v"), of_u.bytes()).await;
        let text = error(store.load(&name("v")).await);
        assert!(text.contains("can't be decrypted with this key"), "{text}");
    }

    /// Rule: Store: a wrong key and a newer format are errors and change no record.
    #[tokio::test]
    async fn a_wrong_key_and_a_newer_format_are_errors_and_change_no_record() {
        let right = sealed(1);
        right.swap(&name("u"), None, b"record", None).await.unwrap();
        let kept = right.inner.load(&name("u")).await.unwrap().record.unwrap();

        let wrong = sealed(2);
        let revision = plant(&wrong, &name("u"), kept.bytes()).await;
        error(wrong.load(&name("u")).await);
        let swapped = wrong.swap(&name("u"), None, b"mine", None).await;
        assert!(matches!(swapped, Err(StoreError::Unreadable(_))), "{swapped:?}");
        let after = wrong.inner.load(&name("u")).await.unwrap().record.unwrap();
        assert_eq!(after, Stored::new(revision, kept.bytes().to_vec()));

        let mut newer = kept.bytes().to_vec();
        newer[MAGIC.len()] = FORMAT + 1;
        plant(&right, &name("v"), &newer).await;
        let text = error(right.load(&name("v")).await);
        assert!(text.contains("format 2; expected 1; update this program"), "{text}");
    }

    /// Rule: Store: a record with any changed bit is an error, and stays unchanged.
    #[tokio::test]
    async fn a_record_with_a_changed_bit_is_not_decrypted() {
        let store = sealed(1);
        store.swap(&name("u"), None, b"record", None).await.unwrap();
        let kept = store.inner.load(&name("u")).await.unwrap().record.unwrap();
        for at in MAGIC.len() + 1..kept.bytes().len() {
            let mut changed = kept.bytes().to_vec();
            changed[at] ^= 1;
            let changed = Stored::new(1, changed);
            assert!(matches!(store.open(&name("u"), &changed), Err(StoreError::Unreadable(_))));
        }
    }

    /// Rule: Store: a torn record counts as an empty one, and the next write replaces it.
    ///
    /// Reported as aws/aws-cli#10628
    #[tokio::test]
    async fn a_torn_record_is_replaced_by_the_next_write() {
        let whole = sealed(1).seal(&name("u"), b"").unwrap();
        for torn in [&b""[..], b"tk", b"{\"json\": 1}", &whole[..whole.len() - 1]] {
            let store = sealed(1);
            let revision = plant(&store, &name("u"), torn).await;
            let loaded = store.load(&name("u")).await.unwrap().record;
            assert_eq!(loaded, Some(Stored::new(revision, Vec::new())));
            store.swap(&name("u"), Some(revision), b"new", None).await.unwrap();
            let loaded = store.load(&name("u")).await.unwrap().record.unwrap();
            assert_eq!(loaded.bytes(), b"new");
        }
    }
}
