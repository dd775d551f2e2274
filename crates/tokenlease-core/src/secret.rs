//! Secret text: zeroized when dropped, redacted in Debug and compared in constant time.

use std::{fmt, sync::Arc};

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A password, client secret or token text.
///
/// Clones share one allocation, which is overwritten when the last clone is dropped.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Box<str>>>);

impl Secret {
    /// Takes ownership of the text and leaves no copy behind.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// Returns the text. The caller must keep it out of logs, errors and URLs.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_clone_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(mut text: String) -> Self {
        let secret = Self::new(text.as_str());
        // `into_boxed_str` may reallocate and leave the old allocation as it is.
        zeroize::Zeroize::zeroize(&mut text);
        secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Secrets: Debug of a secret shows none of it.
    #[test]
    fn debug_of_a_secret_is_redacted() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "[redacted]");
    }
}
