//! Identities: whose tokens are cached and shared.

use std::{collections::BTreeSet, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::{
    error::{Error, ErrorKind, Result},
    provider::extra,
};

/// The account that a token is for: provider, base address, user, contract or tenant, client, scope,
/// extra fields and subject, normalized.
///
/// Identities that differ in any part never share a lease. The requested lifetime and the secrets
/// are not part of an identity.
///
/// ```
/// use tokenlease_core::Identity;
///
/// let winkas = Identity::winkas("https://air.winkas.net", "NAME", "CODE")?;
/// assert_eq!(winkas.to_string(), "winkas:NAME[CODE]@https://air.winkas.net");
///
/// // Addresses that mean the same are the same identity.
/// let wyn = Identity::wyn("HTTPS://Wyn.Example:443/", "admin", "integration")?;
/// assert_eq!(wyn, Identity::wyn("https://wyn.example", "admin", "integration")?);
/// assert_ne!(wyn.clone().with_tenant("/Org"), wyn);
///
/// // The client credentials grant has no user.
/// let client = Identity::oauth2("https://id.example", "", "app")?.with_scope("write read");
/// assert_eq!(client.scope(), "read write");
/// # Ok::<(), tokenlease_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(Arc<Parts>);

/// The parts of an identity, which its clones share. They are one text, because a program may hold a
/// hundred thousand of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Parts {
    provider: Provider,
    /// The parts that [`Part`] names, one after the other.
    text: Box<str>,
    /// Where each part ends in the text.
    ends: [u32; Part::COUNT],
    extra: Extra,
}

/// The extra fields. Most identities have none.
type Extra = Option<Box<BTreeSet<(String, String)>>>;

/// A part of an identity that is a text.
#[derive(Clone, Copy)]
enum Part {
    Server,
    User,
    Realm,
    Client,
    /// Its words, sorted and separated by one space.
    Scope,
    /// Empty if there is none.
    Subject,
}

impl Part {
    const COUNT: usize = 6;
}

impl Parts {
    fn new(provider: Provider, [server, user, realm, client]: [&str; 4]) -> Self {
        Self::of_texts(provider, [server, user, realm, client, "", ""], None)
    }

    fn of_texts(provider: Provider, texts: [&str; Part::COUNT], extra: Extra) -> Self {
        let mut end = 0;
        let ends = texts.map(|text| {
            end += text.len();
            u32::try_from(end).unwrap_or(u32::MAX)
        });
        Self { provider, text: texts.concat().into(), ends, extra }
    }

    fn get(&self, part: Part) -> &str {
        let at = part as usize;
        let end = |at: usize| self.ends.get(at).map_or(0, |end| *end as usize);
        let start = at.checked_sub(1).map_or(0, end);
        self.text.get(start..end(at)).unwrap_or_default()
    }

    fn texts(&self) -> [&str; Part::COUNT] {
        use Part::{Client, Realm, Scope, Server, Subject, User};
        [Server, User, Realm, Client, Scope, Subject].map(|part| self.get(part))
    }
}

impl Identity {
    /// Makes the identity of a user of a contract at WinKAS Air.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the address is not an HTTP URL without user, query and fragment, or
    /// if the user or the contract is empty.
    pub fn winkas(server: &str, user: &str, contract: &str) -> Result<Self> {
        let server = base_address(server)?;
        let (user, realm) = (needed(user, "user name")?, needed(contract, "contract code")?);
        Ok(Self::of(Parts::new(Provider::Winkas, [&server, user, realm, ""])))
    }

    /// Makes the identity of a user of a Wyn Enterprise server, in the global organization `/`.
    ///
    /// `client` is the client that logs the user in, usually
    /// [`wyn::DEFAULT_CLIENT`](crate::provider::wyn::DEFAULT_CLIENT).
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the address is not an HTTP URL without user, query and fragment, or
    /// if the user or the client is empty.
    pub fn wyn(server: &str, user: &str, client: &str) -> Result<Self> {
        let server = base_address(server)?;
        let (user, client) = (needed(user, "user name")?, needed(client, "client id")?);
        Ok(Self::of(Parts::new(Provider::Wyn, [&server, user, "/", client])))
    }

    /// Makes the identity of a user and a client of an OAuth2 server.
    ///
    /// The user is empty for the client credentials grant. The client may be empty if the server
    /// needs none.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the address is not an HTTP URL without user, query and fragment, or
    /// if both user and client are empty.
    pub fn oauth2(server: &str, user: &str, client: &str) -> Result<Self> {
        let server = base_address(server)?;
        if user.is_empty() && client.is_empty() {
            return Err(Error::new(ErrorKind::Config, "neither a user nor a client id is given")
                .expected("a client id, or a user name, or both"));
        }
        Ok(Self::of(Parts::new(Provider::OAuth2, [&server, user, "/", client])))
    }

    fn of(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Returns the identity with another text for that part.
    fn with(self, part: Part, text: &str) -> Self {
        let Parts { provider, extra, .. } = &*self.0;
        let mut texts = self.0.texts();
        if let Some(old) = texts.get_mut(part as usize) {
            *old = text;
        }
        Self::of(Parts::of_texts(*provider, texts, extra.clone()))
    }

    /// Sets the organization of a Wyn user: `/Org/SubOrg`, or `/` for the global one.
    ///
    /// An empty text means `/`.
    #[must_use]
    pub fn with_tenant(self, tenant: &str) -> Self {
        self.with(Part::Realm, if tenant.is_empty() { "/" } else { tenant })
    }

    /// Sets the scope: words separated by spaces, in any order (RFC 6749 section 3.3).
    #[must_use]
    pub fn with_scope(self, scope: &str) -> Self {
        let words: BTreeSet<_> = scope.split(' ').filter(|word| !word.is_empty()).collect();
        let words: Vec<_> = words.into_iter().collect();
        self.with(Part::Scope, &words.join(" "))
    }

    /// Adds an extra field of the token request, such as `audience` (OAuth2 and Wyn).
    ///
    /// A name may be repeated with several values (RFC 8707 section 2). The order does not matter.
    /// A value that is secret belongs in
    /// [`Credentials::with_extra_secret`](crate::Credentials::with_extra_secret).
    ///
    /// ```
    /// # use tokenlease_core::Identity;
    /// let app = || Identity::oauth2("https://id.example", "", "app");
    /// let orders = app()?.with_extra("resource", "https://orders.example")?;
    /// assert_ne!(orders, app()?);
    /// assert!(app()?.with_extra("client_secret", "SECRET").is_err());
    /// # Ok::<(), tokenlease_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the name is empty or one that the client sends itself, and
    /// [`ErrorKind::Unsupported`] for WinKAS, which has no extra fields.
    pub fn with_extra(mut self, name: &str, value: &str) -> Result<Self> {
        extra::check(self.provider(), name)?;
        let extra = &mut Arc::make_mut(&mut self.0).extra;
        extra.get_or_insert_default().insert((name.into(), value.into()));
        Ok(self)
    }

    /// Sets the subject: the application's own name of the user whom the token is for.
    ///
    /// It is for portals whose users' secrets are new each time, such as a ticket of another system. With a
    /// subject, a token is served to each caller that names the subject, whatever its secrets are: they
    /// are only sent with the next login. So **the application vouches for the subject**: it
    /// must have authenticated the user itself. Without a subject, which is the default, a token is
    /// served to the same secrets only.
    ///
    /// ```
    /// # use tokenlease_core::Identity;
    /// let portal = Identity::wyn("https://wyn.example", "portal", "integration")?;
    /// assert_ne!(portal.clone().with_subject("anna")?, portal.clone().with_subject("boris")?);
    /// assert!(portal.with_subject("").is_err());
    /// # Ok::<(), tokenlease_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the subject is empty: two users without a name would share a token.
    pub fn with_subject(self, subject: &str) -> Result<Self> {
        Ok(self.with(Part::Subject, needed(subject, "subject")?))
    }

    /// Returns the provider, which determines the protocol.
    pub fn provider(&self) -> Provider {
        self.0.provider
    }

    /// Returns the base address, without a trailing slash.
    pub fn server(&self) -> &str {
        self.0.get(Part::Server)
    }

    /// Returns the user, empty if the grant has none.
    pub fn user(&self) -> &str {
        self.0.get(Part::User)
    }

    /// Returns the contract code (WinKAS) or the tenant's path (Wyn).
    pub fn realm(&self) -> &str {
        self.0.get(Part::Realm)
    }

    /// Returns the client id, empty if there is no client.
    pub fn client(&self) -> &str {
        self.0.get(Part::Client)
    }

    /// Returns the scope: its words, sorted and separated by one space.
    pub fn scope(&self) -> String {
        self.0.get(Part::Scope).to_owned()
    }

    /// Returns the extra fields of the token request, sorted.
    pub fn extra(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.0.extra.iter().flat_map(|fields| fields.iter());
        fields.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the subject for which the application vouches, if there is one.
    pub fn subject(&self) -> Option<&str> {
        Some(self.0.get(Part::Subject)).filter(|subject| !subject.is_empty())
    }

    /// Returns the name under which a store keeps what is known about the server itself, for all
    /// identities there. It is no identity: it has neither a user nor a client.
    #[must_use]
    pub fn of_server(&self) -> Self {
        Self::of(Parts::new(self.provider(), [self.server(), "", "discovery", ""]))
    }

    /// Returns the identity as bytes, the same in all languages and versions.
    ///
    /// The first byte is the format number: 1, or 2 with a subject. Each part follows, prefixed by its
    /// length in four bytes, the most significant first. The subject, if there is one, follows the scope.
    /// The extra fields are the last parts, each as its name and its value.
    pub fn canonical(&self) -> Vec<u8> {
        let [server, user, realm, client, scope, _] = self.0.texts();
        let parts = [self.provider().as_str(), server, user, realm, client, scope];
        let subject = self.subject();
        let mut bytes = vec![if subject.is_some() { 2 } else { 1 }];
        let extra = self.extra().flat_map(|(name, value)| [name, value]);
        for part in parts.into_iter().chain(subject).chain(extra) {
            bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        bytes
    }

    /// Returns the SHA-256 of [`canonical`](Self::canonical), under which stores keep the record.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.canonical()).into()
    }

    /// Returns the [`digest`](Self::digest) in hexadecimal digits.
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
        let [server, user, realm, client, _, subject] = self.0.texts();
        write!(f, "{}:", self.provider().as_str())?;
        match (user.is_empty(), client.is_empty()) {
            (false, _) => write!(f, "{user}")?,
            (true, _) => write!(f, "{client}")?,
        }
        if realm != "/" {
            write!(f, "[{realm}]")?;
        }
        if !subject.is_empty() {
            write!(f, "#{subject}")?;
        }
        write!(f, "@{server}")
    }
}

/// The provider of a server, which determines its protocol.
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
    /// Returns the name that options and records use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Winkas => "winkas",
            Self::Wyn => "wyn",
            Self::OAuth2 => "oauth2",
        }
    }
}

/// Normalizes an address: scheme and host in lower case, without default port and trailing slash.
pub(crate) fn base_address(text: &str) -> Result<String> {
    let bad = |why: &str| {
        // An address may contain a password before the `@`, so it is not quoted.
        Error::new(ErrorKind::Config, format!("the server address {why}"))
            .expected("an address such as https://air.winkas.net")
    };
    let url = Url::parse(text.trim()).map_err(|error| bad(&format!("can't be read: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("is neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("contains a user name or password")
            .advice("set the user and the password by their own options"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("contains a query or a fragment"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn needed<'a>(text: &'a str, what: &'static str) -> Result<&'a str> {
    if text.is_empty() {
        return Err(Error::new(ErrorKind::Config, format!("the {what} is empty"))
            .expected(format!("a {what}")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
