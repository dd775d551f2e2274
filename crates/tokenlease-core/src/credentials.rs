//! What a client proves itself with, and the credentials fingerprint that a lease remembers of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{key::Key, secret::Secret};

/// The secrets of an identity. They are sent to the provider and never stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The user's password, where the grant has a user.
    pub password: Option<Secret>,
    /// The client's secret (RFC 6749 section 2.3.1), where there is a client.
    pub client_secret: Option<Secret>,
}

impl Credentials {
    /// A password alone: all that WinKAS asks for.
    pub fn password(password: impl Into<Secret>) -> Self {
        Self { password: Some(password.into()), client_secret: None }
    }

    /// A client's secret alone: the client credentials grant (RFC 6749 section 4.4).
    pub fn client_secret(secret: impl Into<Secret>) -> Self {
        Self { password: None, client_secret: Some(secret.into()) }
    }

    /// Adds a client's secret.
    #[must_use]
    pub fn with_client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    /// The texts that must not be seen in what a provider answers.
    pub fn texts(&self) -> Vec<&str> {
        [&self.password, &self.client_secret].into_iter().flatten().map(Secret::expose).collect()
    }
}

/// HMAC-SHA-256 of the credentials' secrets under the store's key. A lease is served only to who
/// holds the credentials fingerprint that it was obtained with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CredentialsFingerprint([u8; 32]);

impl CredentialsFingerprint {
    /// The credentials fingerprint of these credentials under a key.
    pub fn of(key: &Key, credentials: &Credentials) -> Self {
        // Absent and empty differ: the first byte says which.
        let part = |secret: &Option<Secret>| {
            zeroize::Zeroizing::new(
                secret
                    .as_ref()
                    .map_or_else(|| vec![0], |secret| [&[1], secret.expose().as_bytes()].concat()),
            )
        };
        let (password, client) = (part(&credentials.password), part(&credentials.client_secret));
        Self(key.mac("tokenlease proof", &[&password, &client]))
    }

    /// A credentials fingerprint from its bytes, for callers that compute it elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The credentials fingerprint's bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CredentialsFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, ..] = self.0;
        write!(f, "CredentialsFingerprint({a:02x}{b:02x}{c:02x})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_secret_counts_and_absent_is_not_empty() {
        let key = Key::new([1; 32]);
        let all = [
            Credentials::default(),
            Credentials::password(""),
            Credentials::password("a"),
            Credentials::client_secret("a"),
            Credentials::password("a").with_client_secret("b"),
            Credentials::password("ab").with_client_secret(""),
        ];
        let credentials_fingerprints: std::collections::BTreeSet<_> =
            all.iter().map(|credentials| CredentialsFingerprint::of(&key, credentials)).collect();
        assert_eq!(credentials_fingerprints.len(), all.len());
        assert_ne!(
            CredentialsFingerprint::of(&Key::new([2; 32]), &all[2]),
            CredentialsFingerprint::of(&key, &all[2])
        );
    }

    #[test]
    fn debug_shows_nothing_of_the_credentials() {
        let text = format!("{:?}", Credentials::password("canary").with_client_secret("canary"));
        assert!(!text.contains("canary"), "{text}");
    }
}
