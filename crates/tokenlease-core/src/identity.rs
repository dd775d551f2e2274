//! Who a token speaks for.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::error::{Error, ErrorKind, Result};

/// Who a token speaks for: provider, base address, user, contract or tenant, client and scope,
/// normalized. Identities that differ in any one part never share a lease. The requested lifetime
/// and the secrets are no part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    provider: Provider,
    server: String,
    user: String,
    realm: String,
    client: String,
    scope: BTreeSet<String>,
}

impl Identity {
    /// A user of a contract at WinKAS Air.
    pub fn winkas(server: &str, user: &str, contract: &str) -> Result<Self> {
        let server = base_address(server)?;
        let (user, realm) = (needed(user, "user name")?, needed(contract, "contract code")?);
        Ok(Self {
            provider: Provider::Winkas,
            server,
            user,
            realm,
            client: String::new(),
            scope: BTreeSet::new(),
        })
    }

    /// A user of a Wyn Enterprise server, signed in through a client (`integration`, as a rule),
    /// in the global organization `/`.
    pub fn wyn(server: &str, user: &str, client: &str) -> Result<Self> {
        let server = base_address(server)?;
        let (user, client) = (needed(user, "user name")?, needed(client, "client id")?);
        Ok(Self {
            provider: Provider::Wyn,
            server,
            user,
            realm: "/".into(),
            client,
            scope: BTreeSet::new(),
        })
    }

    /// A user (empty for the client credentials grant) and a client of an OAuth2 server.
    pub fn oauth2(server: &str, user: &str, client: &str) -> Result<Self> {
        let server = base_address(server)?;
        if user.is_empty() && client.is_empty() {
            return Err(Error::new(ErrorKind::Config, "neither a user nor a client id is given")
                .expected("a client id, or a user name, or both"));
        }
        Ok(Self {
            provider: Provider::OAuth2,
            server,
            user: user.into(),
            realm: "/".into(),
            client: client.into(),
            scope: BTreeSet::new(),
        })
    }

    /// Sets the organization at Wyn: `/` is the global one, `/Org/SubOrg` a path down. Empty means
    /// absent, which is `/`.
    #[must_use]
    pub fn with_tenant(mut self, tenant: &str) -> Self {
        self.realm = if tenant.is_empty() { "/".into() } else { tenant.into() };
        self
    }

    /// Sets the scope: words separated by spaces (RFC 6749 section 3.3), as a set.
    #[must_use]
    pub fn with_scope(mut self, scope: &str) -> Self {
        self.scope = scope.split(' ').filter(|word| !word.is_empty()).map(Into::into).collect();
        self
    }

    /// Whose protocol the server speaks.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The base address, without a trailing slash.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The user, empty where the grant has none.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The contract code (WinKAS) or the tenant's path (Wyn).
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The client id, empty where there is none.
    pub fn client(&self) -> &str {
        &self.client
    }

    /// The scope, sorted, its words separated by one space.
    pub fn scope(&self) -> String {
        self.scope.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The identity as bytes, the same in every language and version: a format number, then each
    /// part after its length as four bytes, the most significant first.
    pub fn canonical(&self) -> Vec<u8> {
        let scope = self.scope();
        let parts =
            [self.provider.as_str(), &self.server, &self.user, &self.realm, &self.client, &scope];
        let mut bytes = vec![1];
        for part in parts {
            bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        bytes
    }

    /// SHA-256 of [`canonical`](Self::canonical): a name for the identity where stores need one.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.canonical()).into()
    }

    /// The [`digest`](Self::digest) in hexadecimal digits.
    pub fn key(&self) -> String {
        use fmt::Write as _;
        self.digest().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, server, user, realm, client, .. } = self;
        write!(f, "{}:", provider.as_str())?;
        match (user.is_empty(), client.is_empty()) {
            (false, _) => write!(f, "{user}")?,
            (true, _) => write!(f, "{client}")?,
        }
        if realm != "/" {
            write!(f, "[{realm}]")?;
        }
        write!(f, "@{server}")
    }
}

/// Whose protocol a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Provider {
    /// WinKAS Air.
    #[serde(rename = "winkas")]
    Winkas,
    /// Wyn Enterprise.
    #[serde(rename = "wyn")]
    Wyn,
    /// Any OAuth2 server.
    #[serde(rename = "oauth2")]
    OAuth2,
}

impl Provider {
    /// The name as options and records write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Winkas => "winkas",
            Self::Wyn => "wyn",
            Self::OAuth2 => "oauth2",
        }
    }
}

/// Scheme and host in lower case, no default port, no trailing slash, the path kept.
fn base_address(text: &str) -> Result<String> {
    let bad = |why: &str| {
        // An address may hold a password before the `@`: it is not quoted.
        Error::new(ErrorKind::Config, format!("the server address {why}"))
            .expected("an address such as https://air.winkas.net")
    };
    let url = Url::parse(text.trim()).map_err(|error| bad(&format!("can't be read: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("is neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("holds a user name or password")
            .advice("give the user and the password by their own options"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("holds a query or a fragment"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn needed(text: &str, what: &'static str) -> Result<String> {
    if text.is_empty() {
        return Err(Error::new(ErrorKind::Config, format!("the {what} is empty"))
            .expected(format!("a {what}")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_mean_the_same_are_one_identity() {
        let of = |server| Identity::wyn(server, "u", "integration").unwrap();
        assert_eq!(of("HTTPS://Wyn.Example:443/"), of("https://wyn.example"));
        assert_eq!(of("https://wyn.example/Base/"), of("https://wyn.example/Base"));
        assert_ne!(of("https://wyn.example/base"), of("https://wyn.example/Base"));
        assert_ne!(of("https://wyn.example:444"), of("https://wyn.example"));
        assert_ne!(of("http://wyn.example"), of("https://wyn.example"));
    }

    #[test]
    fn lesson_3_identities_that_differ_in_any_part_have_different_keys() {
        let wyn = |user, client| Identity::wyn("https://h", user, client).unwrap();
        let all = [
            wyn("u", "c"),
            wyn("U", "c"),
            wyn("u", "d"),
            wyn("uc", "c"),
            wyn("u", "c").with_tenant("/Org"),
            wyn("u", "c").with_tenant("/org"),
            wyn("u", "c").with_scope("a"),
            wyn("u", "c").with_scope("a b"),
            Identity::wyn("https://i", "u", "c").unwrap(),
            Identity::oauth2("https://h", "u", "c").unwrap(),
            Identity::winkas("https://h", "u", "c").unwrap(),
            Identity::winkas("https://h", "uc", "c").unwrap(),
        ];
        let keys: BTreeSet<_> = all.iter().map(Identity::key).collect();
        assert_eq!(keys.len(), all.len());
    }

    #[test]
    fn scope_is_a_sorted_set_and_an_absent_tenant_is_the_global_one() {
        let wyn = || Identity::wyn("https://h", "u", "c").unwrap();
        assert_eq!(wyn().with_scope("b a  b"), wyn().with_scope("a b"));
        assert_eq!(wyn().with_tenant(""), wyn().with_tenant("/"));
        assert_eq!(wyn(), wyn().with_tenant("/"));
    }

    #[test]
    fn a_bad_address_is_an_error_that_quotes_no_password() {
        for address in
            ["", "air.winkas.net", "ftp://h", "https://u:canary@h", "https://h/?token=canary"]
        {
            let error = Identity::wyn(address, "u", "c").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!error.to_string().contains("canary"));
        }
    }
}
