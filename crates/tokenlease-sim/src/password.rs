//! The passwords of a world.

use std::fmt;

/// A user's password: a short ASCII name, stored as a number so that it is `Copy`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Password(u128);

impl Password {
    /// Returns the password as text.
    pub fn text(self) -> String {
        let bytes = self.0.to_be_bytes().into_iter().take_while(|byte| *byte != 0);
        bytes.map(char::from).collect()
    }
}

impl From<&str> for Password {
    /// # Panics
    ///
    /// Panics if the name is longer than 16 bytes, or is not ASCII.
    fn from(name: &str) -> Self {
        assert!(
            name.is_ascii() && name.len() <= 16,
            "a password is at most 16 ASCII characters: {name}"
        );
        let mut bytes = [0; 16];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Self(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text())
    }
}
