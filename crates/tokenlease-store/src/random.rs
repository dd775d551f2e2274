//! Random numbers from the operating system.

use tokenlease::{Error, ErrorKind, Result, core::Key};
use zeroize::Zeroizing;

pub(crate) fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| {
        Error::new(ErrorKind::Internal, format!("the system gave no random numbers: {error}"))
            .advice("look at what the sandbox of this process forbids (getrandom, /dev/urandom)")
    })
}

/// A key that nobody else has.
pub(crate) fn key() -> Result<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    fill(&mut *bytes)?;
    Ok(bytes)
}

/// A number that sets its owner apart from all others.
pub(crate) fn number() -> Result<u64> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

/// A store's key of one process's own.
pub(crate) fn store_key() -> Result<Key> {
    Ok(Key::new(*key()?))
}
