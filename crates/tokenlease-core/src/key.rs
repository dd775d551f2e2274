//! The key under which secrets are named: credentials fingerprints of credentials and fingerprints of tokens.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// 32 bytes that all who share a store hold: the store's key, or one drawn at random where the
/// memory of a process is the store. Clones are overwritten when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// A key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// HMAC-SHA-256 of length-prefixed `parts`, apart from all others by its `label`. Stores use
    /// it to derive the keys they need from the one they were given.
    pub fn mac(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut tag = [0; 32];
        // HMAC takes keys of any length, so there is no other case.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&*self.0) {
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
