//! Random numbers from the operating system: for jitter, the names of lock owners, and keys.

use tokenlease_core::{Error, ErrorKind, Key, Result};
use zeroize::Zeroizing;

/// Returns a number that cannot be guessed.
pub(crate) fn seed() -> Result<u64> {
    getrandom::u64().map_err(failed)
}

/// Returns a key that exists only in this process.
pub(crate) fn key() -> Result<Key> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(failed)?;
    Ok(Key::new(*bytes))
}

fn failed(error: getrandom::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("the system provides no random numbers: {error}"))
        .advice("check whether the sandbox of this process forbids getrandom or /dev/urandom")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_seeds_and_two_keys_differ() {
        assert_ne!(seed().unwrap(), seed().unwrap());
        assert!(key().unwrap() != key().unwrap());
    }
}
