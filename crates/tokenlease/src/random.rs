//! Random numbers from the operating system: seeds for jitter, names of owners, keys.

use tokenlease_core::{Error, ErrorKind, Key, Result};
use zeroize::Zeroizing;

/// A number nobody can guess.
pub(crate) fn seed() -> Result<u64> {
    getrandom::u64().map_err(failed)
}

/// A key that exists in this process alone.
pub(crate) fn key() -> Result<Key> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(failed)?;
    Ok(Key::new(*bytes))
}

fn failed(error: getrandom::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("the system gave no random numbers: {error}"))
        .advice("look at what the sandbox of this process forbids (getrandom, /dev/urandom)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_seeds_and_no_two_keys_are_alike() {
        assert_ne!(seed().unwrap(), seed().unwrap());
        assert!(key().unwrap() != key().unwrap());
    }
}
