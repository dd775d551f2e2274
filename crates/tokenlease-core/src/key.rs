//! The key of all fingerprints: those of credentials and those of tokens.

use std::{fmt, sync::Arc};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A secret key of 32 bytes, shared by all processes that share a store.
///
/// It is the store's key, or a random one where the store is the memory of one process. Clones share the
/// bytes, which are overwritten when the last clone is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Arc<Zeroizing<[u8; 32]>>);

impl Key {
    /// Makes a key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    /// Returns the HMAC-SHA-256 of `parts`, each prefixed by its length.
    ///
    /// `label` separates one use of the key from the others. Stores derive their encryption keys
    /// with it.
    pub fn mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut tag = [0; 32];
        // HMAC accepts keys of any length, so this never fails.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&**self.0) {
            for part in [label.as_bytes()].iter().chain(parts) {
                mac.update(&(part.len() as u64).to_be_bytes());
                mac.update(part);
            }
            tag = mac.finalize().into_bytes().into();
        }
        tag
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([redacted])")
    }
}
