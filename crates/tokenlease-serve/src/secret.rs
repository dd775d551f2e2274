//! The secrets of consumers: made from 256 random bits, kept as a hash, compared in constant time.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokenlease::{Error, ErrorKind, Result, core::Secret};
use tokenlease_config::consumer::SecretHash;
use zeroize::Zeroizing;

/// Makes a consumer's secret: 43 characters that need no escaping anywhere.
///
/// # Errors
/// [`Internal`](ErrorKind::Internal) if the system provides no random numbers.
pub fn new_secret() -> Result<Secret> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| {
        let detail = format!("the system provides no random numbers: {error}");
        Error::new(ErrorKind::Internal, detail)
    })?;
    Ok(Secret::from(URL_SAFE_NO_PAD.encode(*bytes)))
}

/// Returns the hash of a consumer's secret, as its configuration has it.
pub fn hash(secret: &Secret) -> SecretHash {
    SecretHash(Sha256::digest(secret.expose()).into())
}

/// Compares in constant time. A consumer that does not exist costs the same time as one that does.
pub(crate) fn matches(secret: &str, expected: Option<&SecretHash>) -> bool {
    let found: [u8; 32] = Sha256::digest(secret).into();
    let is_known = expected.is_some();
    let expected = expected.map_or(&[0; 32], |hash| &hash.0);
    bool::from(found.ct_eq(expected)) & is_known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_secret_matches_its_hash_alone() {
        let (one, other) = (new_secret().unwrap(), new_secret().unwrap());
        assert_eq!(one.expose().len(), 43);
        assert!(matches(one.expose(), Some(&hash(&one))));
        assert!(!matches(one.expose(), Some(&hash(&other))));
        assert!(!matches(one.expose(), None));
        // The same as `sha256sum` prints.
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hash(&"".into()).to_string(), empty);
    }
}
