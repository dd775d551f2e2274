//! The names of records and of lock owners.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use once_cell::race::OnceBox;
use tokenlease_core::Identity;

/// Names a record: the identity and its key in stores. Clones share both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName(Arc<Name>);

#[derive(Debug)]
struct Name {
    digest: [u8; 32],
    /// Made when a store outside the process needs it.
    key: OnceBox<String>,
    identity: Identity,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest && self.identity == other.identity
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.digest.cmp(&other.digest).then_with(|| self.identity.cmp(&other.identity))
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl RecordName {
    /// Creates the name of an identity's record.
    pub fn new(identity: Identity) -> Self {
        let digest = identity.digest();
        Self(Arc::new(Name { digest, key: OnceBox::new(), identity }))
    }

    /// Returns the identity of the record. A store that encrypts authenticates it with the record.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Returns the key in stores: 64 hexadecimal digits, different for any two identities.
    pub fn key(&self) -> &str {
        self.0.key.get_or_init(|| Box::new(self.0.identity.key()))
    }

    /// Returns the key as bytes.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        &self.0.digest
    }
}

/// Names the owner of a lock: the host, the process and a random number. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(String);

impl Owner {
    /// Names this process as an owner.
    ///
    /// The `random` number distinguishes it from other owners in this process, and from an earlier
    /// process with the same id. The text is `host:process id:number`: ASCII without spaces, at most
    /// 100 characters.
    pub fn new(random: u64) -> Self {
        Self(format!("{}:{}:{random:016x}", host(), std::process::id()))
    }

    /// Returns the text, which never changes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the name of this host: ASCII without spaces, from 1 to 64 characters.
pub(crate) fn host() -> &'static str {
    static HOST: OnceBox<String> = OnceBox::new();
    HOST.get_or_init(|| {
        let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let host: String = system_host().chars().filter(allowed).take(64).collect();
        Box::new(if host.is_empty() { "host".into() } else { host })
    })
}

#[cfg(unix)]
fn system_host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn system_host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_differ_by_their_number_and_are_short_plain_text() {
        let (one, other) = (Owner::new(1), Owner::new(u64::MAX));
        assert_ne!(one, other);
        for owner in [one, other] {
            let parts: Vec<_> = owner.as_str().split(':').collect();
            assert_eq!(parts.len(), 3, "{owner}");
            assert_eq!(parts[1], std::process::id().to_string());
            assert!(owner.as_str().len() <= 100);
            assert!(owner.as_str().is_ascii() && !owner.as_str().contains(' '));
        }
    }

    /// Rule: Identity: two identities that differ in any part have records of different names.
    #[test]
    fn identities_that_differ_have_records_of_different_names() {
        let of = |tenant| {
            RecordName::new(Identity::wyn("https://h", "u", "c").unwrap().with_tenant(tenant))
        };
        assert_ne!(of("/a").key(), of("/b").key());
        assert_eq!(of("/a"), of("/a"));
        assert_eq!(of("/a").identity().realm(), "/a");
    }
}
