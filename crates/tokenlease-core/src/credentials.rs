//! Credentials, and the fingerprint that names them in records.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    identity::{Identity, Provider},
    key::Key,
    provider::extra,
    secret::Secret,
};

/// The secrets of an identity. They are sent to the server and never stored.
///
/// ```
/// use tokenlease_core::Credentials;
///
/// let winkas = Credentials::password("PASSWORD");
/// let wyn = Credentials::password("PASSWORD").with_client_secret("SECRET");
/// let client = Credentials::client_secret("SECRET");
/// assert_ne!(winkas, wyn);
/// assert!(!format!("{client:?}").contains("SECRET"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The user's password, if the grant has a user.
    pub password: Option<Secret>,
    /// The client's secret (RFC 6749 section 2.3.1), if there is a confidential client.
    pub client_secret: Option<Secret>,
    /// The secret extra fields of a token request, by name. A name may be repeated, and the order
    /// does not matter.
    pub extra_secrets: Vec<(String, Secret)>,
}

impl Credentials {
    /// Makes credentials of a password alone. WinKAS needs no more.
    pub fn password(password: impl Into<Secret>) -> Self {
        Self { password: Some(password.into()), ..Self::default() }
    }

    /// Makes credentials of a client secret alone, for the client credentials grant (RFC 6749 section
    /// 4.4).
    pub fn client_secret(secret: impl Into<Secret>) -> Self {
        Self { client_secret: Some(secret.into()), ..Self::default() }
    }

    /// Adds a client secret.
    #[must_use]
    pub fn with_client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secret = Some(secret.into());
        self
    }

    /// Adds an extra field of the token request whose value is secret (OAuth2 and Wyn).
    #[must_use]
    pub fn with_extra_secret(mut self, name: impl Into<String>, secret: impl Into<Secret>) -> Self {
        self.extra_secrets.push((name.into(), secret.into()));
        self
    }

    /// Returns the secret texts, so that they can be redacted in a server's response.
    pub fn texts(&self) -> Vec<&str> {
        let extra = self.extra_secrets.iter().map(|(_, secret)| secret);
        let secrets = [&self.password, &self.client_secret].into_iter().flatten().chain(extra);
        secrets.map(Secret::expose).collect()
    }

    /// Returns the secret extra fields, sorted and without repetitions.
    pub(crate) fn extra(&self) -> BTreeSet<(&str, &str)> {
        self.extra_secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose())).collect()
    }

    /// Checks the names of the secret extra fields.
    pub(crate) fn check_extra(&self, provider: Provider) -> Result<()> {
        self.extra_secrets.iter().try_for_each(|(name, _)| extra::check(provider, name))
    }
}

/// The HMAC-SHA-256 of the credentials' secrets under the store's key.
///
/// A lease is served only to callers whose credentials have the fingerprint it was obtained with.
///
/// ```
/// use tokenlease_core::{Credentials, CredentialsFingerprint, Key};
///
/// let key = Key::new([7; 32]); // random in production
/// let right = CredentialsFingerprint::of(&key, &Credentials::password("PASSWORD"));
/// let wrong = CredentialsFingerprint::of(&key, &Credentials::password("password"));
/// assert_ne!(right, wrong);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CredentialsFingerprint([u8; 32]);

impl CredentialsFingerprint {
    /// Returns the fingerprint under which the leases of an identity with a subject are kept, whatever the
    /// secrets are. `None` without a subject: they are kept under that of the credentials.
    pub fn of_subject(key: &Key, identity: &Identity) -> Option<Self> {
        let subject = identity.subject()?;
        Some(Self(key.mac("tokenlease subject", &[subject.as_bytes()])))
    }

    /// Returns the fingerprint of these credentials under a key.
    pub fn of(key: &Key, credentials: &Credentials) -> Self {
        // The first byte tells an absent secret from an empty one.
        let part = |secret: &Option<Secret>| {
            zeroize::Zeroizing::new(
                secret
                    .as_ref()
                    .map_or_else(|| vec![0], |secret| [&[1], secret.expose().as_bytes()].concat()),
            )
        };
        let (password, client) = (part(&credentials.password), part(&credentials.client_secret));
        let mut parts: Vec<&[u8]> = vec![&password, &client];
        for (name, secret) in credentials.extra() {
            parts.extend([name.as_bytes(), secret.as_bytes()]);
        }
        Self(key.mac("tokenlease proof", &parts))
    }

    /// Makes a fingerprint of bytes that were computed elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the fingerprint's bytes.
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

    /// Rule: Identity: credentials that differ in any secret have different fingerprints, and an absent
    /// secret is not an empty one.
    #[test]
    fn credentials_that_differ_in_any_secret_have_different_fingerprints() {
        let key = Key::new([1; 32]);
        let all = [
            Credentials::default(),
            Credentials::password(""),
            Credentials::password("a"),
            Credentials::client_secret("a"),
            Credentials::password("a").with_client_secret("b"),
            Credentials::password("ab").with_client_secret(""),
            Credentials::password("a").with_extra_secret("b", ""),
            Credentials::password("a").with_extra_secret("", "b"),
            Credentials::password("a").with_extra_secret("b", "c"),
            Credentials::password("a").with_extra_secret("b", "c").with_extra_secret("b", "d"),
        ];
        let fingerprints: BTreeSet<_> =
            all.iter().map(|credentials| CredentialsFingerprint::of(&key, credentials)).collect();
        assert_eq!(fingerprints.len(), all.len());
        assert_ne!(
            CredentialsFingerprint::of(&Key::new([2; 32]), &all[2]),
            CredentialsFingerprint::of(&key, &all[2])
        );
    }

    /// Rule: Identity: the order of secret extra fields does not change the fingerprint.
    #[test]
    fn the_order_of_secret_extra_fields_does_not_change_the_fingerprint() {
        let key = Key::new([1; 32]);
        let of = |fields: [(&str, &str); 2]| {
            let [a, b] = fields;
            let credentials = Credentials::password("p").with_extra_secret(a.0, a.1);
            CredentialsFingerprint::of(&key, &credentials.with_extra_secret(b.0, b.1))
        };
        assert_eq!(of([("a", "1"), ("b", "2")]), of([("b", "2"), ("a", "1")]));
        assert_eq!(of([("a", "1"), ("a", "2")]), of([("a", "2"), ("a", "1")]));
    }

    /// Rule: Secrets: Debug of credentials shows no secret.
    #[test]
    fn debug_of_credentials_shows_no_secret() {
        let text = format!(
            "{:?}",
            Credentials::password("canary")
                .with_client_secret("canary")
                .with_extra_secret("connection", "canary")
        );
        assert!(!text.contains("canary"), "{text}");
    }
}
