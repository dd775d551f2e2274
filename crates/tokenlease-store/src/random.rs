//! Random numbers from the operating system.

use tokenlease::{Error, ErrorKind, Result, core::Key};
use zeroize::Zeroizing;

pub(crate) fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| {
        Error::new(ErrorKind::Internal, format!("the system gave no random numbers: {error}"))
            .advice("allow getrandom and /dev/urandom in this process's sandbox")
    })
}

/// Returns 32 random bytes for a key.
pub(crate) fn key() -> Result<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    fill(&mut *bytes)?;
    Ok(bytes)
}

/// Returns a random number, which identifies a lock owner or a temporary file.
pub(crate) fn number() -> Result<u64> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// Returns a random key, for a store in memory.
pub(crate) fn store_key() -> Result<Key> {
    Ok(Key::new(*key()?))
}
