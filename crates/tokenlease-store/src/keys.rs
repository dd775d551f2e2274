//! The sources of a store's key: 32 bytes that all processes of a store share.

pub(crate) mod file;
pub(crate) mod note;
pub(crate) mod passphrase;
pub(crate) mod text;

use std::{fmt, path::PathBuf};

use tokenlease::{
    Result,
    core::{Key, Secret},
};

/// The source of a store's key.
///
/// The key encrypts the records and keys the fingerprints of credentials, so all processes of a
/// store need the same one.
///
/// ```
/// use tokenlease_store::{KeySource, StoreOptions};
///
/// // 64 hexadecimal digits or base64, as `openssl rand -hex 32` prints them.
/// let text = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// let key = KeySource::from_text(text)?;
/// assert_eq!(format!("{key:?}"), "Given([redacted])");
/// let options = StoreOptions::new().with_key(key);
///
/// // Or from a file, a passphrase or a keyring:
/// let options = StoreOptions::new().with_key(KeySource::File("/etc/tokenlease.key".into()));
/// let options = StoreOptions::new().with_key(KeySource::Passphrase("PASSPHRASE".into()));
/// # let _ = options;
/// # Ok::<(), tokenlease::Error>(())
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum KeySource {
    /// The store's own key (the default). A folder has it in its file `key`, which the first use
    /// makes; a store in memory has a random one. Stores for many hosts have none.
    #[default]
    Own,
    /// The given key.
    Given(Key),
    /// A file with 32 bytes, either raw or as text in hexadecimal digits or base64. Other users
    /// must not be able to read it.
    File(PathBuf),
    /// A passphrase. Argon2id (version 1.3, 64 MiB, 3 passes, 1 lane) derives the key from it, with
    /// a salt of 16 bytes that the store keeps.
    Passphrase(Secret),
    /// A keyring of the operating system (feature `keyring`). The first use makes a key there, and
    /// the store keeps the key's name.
    Keyring(Keyring),
}

/// A keyring of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keyring {
    /// The user's keyring: the Secret Service (GNOME Keyring, `KWallet`, `KeePassXC`), the keychain
    /// of macOS, or the Credential Manager of Windows.
    User,
    /// The keyring of the Linux kernel that all processes of the user share. It needs no desktop.
    /// It loses the key at each boot and after 3 days without use: then the store must be emptied,
    /// unless the key is put back.
    Kernel,
}

#[cfg(feature = "keyring")]
impl Keyring {
    /// Returns the keyring's name for error messages.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::User => "this user's keyring",
            Self::Kernel => "the kernel's keyring",
        }
    }

    /// Returns what the keyring needs, for error messages.
    pub(crate) fn needs(self) -> &'static str {
        match self {
            Self::User => {
                "a Secret Service on the user's D-Bus (Linux), the keychain (macOS) or the \
                 Credential Manager (Windows)"
            }
            Self::Kernel => "Linux, and permission to call keyctl, which containers often lack",
        }
    }
}

impl KeySource {
    /// Reads a key from text: 64 hexadecimal digits, or base64 of 32 bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](tokenlease::ErrorKind::Config) if the text is neither. The error does
    /// not quote it.
    pub fn from_text(text: &str) -> Result<Self> {
        text::parse(text.as_bytes())
            .map(Self::Given)
            .ok_or_else(|| text::malformed("the given text"))
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("Own"),
            Self::Given(_) => f.write_str("Given([redacted])"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Passphrase(_) => f.write_str("Passphrase([redacted])"),
            Self::Keyring(keyring) => f.debug_tuple("Keyring").field(keyring).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokenlease::ErrorKind;

    use super::*;

    const HEX: &str = "000102030405060708090a0B0C0D0E0F101112131415161718191a1b1c1d1e1f";

    /// Rule: Secrets: an error about a malformed key does not quote it, and Debug shows no key and
    /// no passphrase.
    #[test]
    fn neither_errors_nor_debug_show_a_key() {
        for text in ["", "canary", &HEX[1..], &format!("{HEX}00"), &"+f".repeat(32)] {
            let error = KeySource::from_text(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!error.to_string().contains("canary"), "{error}");
        }
        let sources = [
            KeySource::Given(Key::new(*b"canary-canary-canary-canary-cana")),
            KeySource::Passphrase("canary".into()),
            KeySource::from_text(HEX).unwrap(),
        ];
        assert!(!format!("{sources:?}").contains("canary"));
    }
}
