//! A key that is derived from a passphrase.

use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, Version};
use tokenlease::{
    Error, ErrorKind, Result, Store,
    core::{Key, Secret},
    runtime::run_blocking,
    store::Swapped,
};
use zeroize::Zeroizing;

use super::note;
use crate::random;

/// Memory in KiB: 64 MiB, the smaller recommendation of RFC 9106 section 4.
const ARGON2_MEMORY: u32 = 64 * 1024;
const ARGON2_PASSES: u32 = 3;
/// With one lane Argon2 starts no threads.
const ARGON2_LANES: u32 = 1;
const SALT_LEN: usize = 16;

/// Derives the key from a passphrase and the store's salt. The first use makes the salt. It is no
/// secret, so `store` is the one without encryption.
///
/// # Errors
/// [`ErrorKind::Config`] for an empty passphrase, [`ErrorKind::Store`] if the store fails or keeps
/// something else as its salt, [`ErrorKind::Internal`] if the memory does not suffice.
pub(crate) async fn key(passphrase: &Secret, store: &impl Store) -> Result<Key> {
    let salt = salt(store).await?;
    let passphrase = passphrase.clone();
    let derive = move || derive(&passphrase, &salt);
    run_blocking(None, derive).await?
}

fn derive(passphrase: &Secret, salt: &[u8]) -> Result<Key> {
    let failed = |error: argon2::Error| {
        Error::new(
            ErrorKind::Internal,
            format!("the key could not be derived from the passphrase: {error}"),
        )
        .advice("check this process's memory limit: it needs 64 MiB")
    };
    if passphrase.expose().is_empty() {
        return Err(Error::new(ErrorKind::Config, "the store's passphrase is empty")
            .expected("a long passphrase, or a key"));
    }
    let params =
        Params::new(ARGON2_MEMORY, ARGON2_PASSES, ARGON2_LANES, Some(32)).map_err(failed)?;
    let mut bytes = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose().as_bytes(), salt, &mut *bytes)
        .map_err(failed)?;
    Ok(Key::new(*bytes))
}

/// Reads the store's salt, or makes it.
async fn salt(store: &impl Store) -> Result<[u8; SALT_LEN]> {
    let name = note::name("salt")?;
    let foreign = || {
        Error::new(ErrorKind::Store, "the store keeps something else where its salt belongs")
            .expected("16 bytes")
            .advice("use another folder or server, or give the key itself")
    };
    let read = |bytes: &[u8]| <[u8; SALT_LEN]>::try_from(bytes).map_err(|_| foreign());
    if let Some(stored) = store.load(&name).await?.record {
        return read(stored.bytes());
    }
    let mut salt = [0; SALT_LEN];
    random::fill(&mut salt)?;
    match store.swap(&name, None, &salt, None::<Duration>).await? {
        Swapped::Done { .. } => Ok(salt),
        // Another process was first.
        Swapped::Conflict(loaded) => read(loaded.record.ok_or_else(foreign)?.bytes()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokenlease::{MemoryStore, SystemClock};

    use super::*;

    #[tokio::test]
    async fn a_passphrase_gives_one_key_for_each_salt() {
        let store = || MemoryStore::new(Arc::new(SystemClock));
        let (one, other) = (store(), store());
        let phrase = Secret::from("correct horse battery staple");
        let first = key(&phrase, &one).await.unwrap();
        assert!(key(&phrase, &one).await.unwrap() == first);
        assert!(key(&"another".into(), &one).await.unwrap() != first);
        assert!(key(&phrase, &other).await.unwrap() != first);
        let empty = key(&"".into(), &one).await.unwrap_err();
        assert_eq!(empty.kind(), ErrorKind::Config);
    }

    /// Rule: Formats: a passphrase and a salt give the same key in every version.
    #[test]
    fn a_passphrase_gives_the_same_key_in_every_version() {
        let key = derive(&"tokenlease".into(), b"0123456789abcdef").unwrap();
        // The first bytes, as another implementation of Argon2id and HMAC computes them.
        let mac = key.mac("golden", &[]);
        assert_eq!(mac[..8], [0x4f, 0xcc, 0x4e, 0x70, 0x56, 0x8a, 0xc8, 0x74]);
    }
}
