//! Which entries of a record are a caller's.

use super::Record;
use crate::{
    credentials::{Credentials, CredentialsFingerprint},
    identity::Identity,
    key::Key,
    time::StoreTime,
    token::Token,
};

/// The fingerprints under which a record keeps a caller's lease, circuits and backoffs.
///
/// With a subject, the lease is kept for the subject, and the circuits for the secrets that were sent.
///
/// ```
/// use tokenlease_core::{Credentials, Identity, Key, record::OwnEntries};
///
/// let (key, ticket) = (Key::new([7; 32]), Credentials::password("TICKET")); // random in production
/// let portal = Identity::wyn("https://wyn.example", "portal", "integration")?;
/// let anna = portal.clone().with_subject("anna")?;
/// // The subject is known without its secrets.
/// assert!(OwnEntries::new(&key, &anna, None).is_some());
/// assert!(OwnEntries::new(&key, &portal, None).is_none());
/// assert!(OwnEntries::new(&key, &portal, Some(&ticket)).is_some());
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnEntries {
    holder: CredentialsFingerprint,
    credentials: Option<CredentialsFingerprint>,
}

impl OwnEntries {
    /// Returns the entries of that identity and those credentials, if they are known. `None`: without a
    /// subject, unknown credentials have no entries.
    pub fn new(key: &Key, identity: &Identity, credentials: Option<&Credentials>) -> Option<Self> {
        let credentials = credentials.map(|secrets| CredentialsFingerprint::of(key, secrets));
        let holder = CredentialsFingerprint::of_subject(key, identity).or(credentials)?;
        Some(Self { holder, credentials })
    }

    /// Returns the entries by their fingerprints.
    pub fn of(holder: CredentialsFingerprint, credentials: CredentialsFingerprint) -> Self {
        Self { holder, credentials: Some(credentials) }
    }

    /// Returns the fingerprint under which the lease is kept.
    pub fn holder(&self) -> CredentialsFingerprint {
        self.holder
    }

    /// Returns whether the entry under that fingerprint is one of these.
    pub fn contains(&self, entry: CredentialsFingerprint) -> bool {
        entry == self.holder || Some(entry) == self.credentials
    }
}

impl Record {
    /// Returns the token that is kept under that fingerprint, if it can be served at that time of the
    /// store: it has not expired, it has no tombstone, and it was not forgotten.
    pub fn live_token(&self, holder: CredentialsFingerprint, now: StoreTime) -> Option<Token> {
        let lease = self.0.lease(holder)?;
        self.0.is_usable(lease, now).then(|| lease.token().clone())
    }
}
