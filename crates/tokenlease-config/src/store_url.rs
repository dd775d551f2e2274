//! The URL of a store.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use tokenlease::{Result, core::Secret};
use tokenlease_store::FileStore;
use zeroize::Zeroizing;

use crate::config;

/// The URL of a store. It may contain a password, so `Display` and `Debug` show only the scheme and
/// the folder or host.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(Secret);

impl StoreUrl {
    /// Returns the URL of the user's own folder, the default store.
    pub fn user_folder() -> Self {
        Self(Secret::from("file:"))
    }

    /// Takes any text; opening the store reports a wrong URL, without quoting it.
    ///
    /// # Errors
    /// Never fails. The signature is that of the readers of other options.
    pub fn read(text: &str) -> Result<Self, String> {
        Ok(Self(Secret::from(text.trim())))
    }

    /// Returns the whole URL, including a password.
    pub(crate) fn text(&self) -> &str {
        self.0.expose()
    }

    /// Returns the folder of a `file:` URL; the user's own folder if the URL names none.
    pub fn folder(&self) -> Option<PathBuf> {
        let path = self.text().strip_prefix("file:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() { FileStore::default_folder().ok() } else { Some(path.into()) }
    }

    /// Resolves a relative folder of a `file:` URL against `folder`.
    #[must_use]
    pub fn relative_to(self, folder: &Path) -> Self {
        match self.text().strip_prefix("file:") {
            Some(path) if !path.is_empty() && !path.starts_with('/') => {
                Self(Secret::from(format!("file:{}", folder.join(path).display())))
            }
            _ => self,
        }
    }

    /// Returns whether the URL contains a password.
    pub fn has_password(&self) -> bool {
        let Some((scheme, rest)) = self.text().split_once("://") else { return false };
        // A password with an unencoded `/`, `?` or `#` seems to be a path.
        let of_user = rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
        scheme != "file" && (of_user || rest.to_lowercase().contains("password="))
    }

    /// Checks that the server's password may come from elsewhere.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if the store has no server, or the URL has the password.
    pub(crate) fn check_takes_password(&self) -> Result<()> {
        let (scheme, rest) = self.text().split_once("://").unwrap_or_default();
        if !scheme.starts_with("redis") && !scheme.starts_with("postgres") {
            return Err(config(format!(
                "a store password is set, and the store {self} takes no password"
            ))
            .expected("the URL of a Redis or PostgreSQL server in the option \"store\""));
        }
        let query = rest.split(['?', '&']).skip(1);
        let in_query = query.map(str::to_lowercase).any(|pair| pair.starts_with("password="));
        if user_of(rest).0.contains(':') || in_query {
            return Err(config("two passwords of the store are set: one in its URL")
                .expected("one of: a URL with a password, a file, a command"));
        }
        Ok(())
    }

    /// Returns the URL with the server's password.
    pub(crate) fn with_password(&self, password: &Secret) -> Self {
        let (scheme, rest) = self.text().split_once("://").unwrap_or_default();
        let (user, hosts) = user_of(rest);
        let encoded = Zeroizing::new(encoded(password.expose()));
        let url = Zeroizing::new(format!("{scheme}://{user}:{}@{hosts}", *encoded));
        Self(Secret::from(url.as_str()))
    }

    /// Rejects a URL that contains a password, for a `place` that other users can read. `reason`
    /// says how they can. The error does not quote the URL.
    ///
    /// # Errors
    /// [`Config`](tokenlease::ErrorKind::Config) if the URL contains a password.
    pub fn reject_password(&self, place: &str, reason: &str) -> Result<()> {
        if !self.has_password() {
            return Ok(());
        }
        Err(config(format!("{place} contains a password: {reason}"))
            .expected("a URL with a password in the variable TOKENLEASE_STORE")
            .advice("if it was the real password, change it"))
    }
}

/// Splits the part of a URL after its scheme at the end of its user.
fn user_of(rest: &str) -> (&str, &str) {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, _)) => (user, &rest[user.len() + 1..]),
        None => ("", rest),
    }
}

/// Encodes a part of a URL (RFC 3986 section 2.1).
fn encoded(text: &str) -> String {
    // Allocated in full: a string that grows leaves copies of the secret in freed memory.
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(digit), 16).unwrap_or_default();
                encoded.push(digit.to_ascii_uppercase());
            }
        }
    }
    encoded
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        if let Some(folder) = self.folder() {
            return write!(f, "file:{}", folder.display());
        }
        match text.split_once("://") {
            Some((scheme, rest)) => {
                let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
                write!(f, "{scheme}://{host}")
            }
            None => write!(f, "{}:", text.split(':').next().unwrap_or_default()),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> StoreUrl {
        StoreUrl::read(text).expect("any text")
    }

    /// Rule: Secrets: a store URL is printed without its password.
    #[test]
    fn a_store_url_is_printed_without_its_password() {
        for (text, shown) in [
            ("memory:", "memory:"),
            ("file:/a b/c", "file:/a b/c"),
            ("file:///a", "file:/a"),
            ("redis://user:canary@h:6379/2?password=canary", "redis://h:6379"),
            ("postgres://canary@h/db", "postgres://h"),
            ("rediss://:canary@@h", "rediss://h"),
            ("redis://user:can/ary@h:6379/0", "redis://h:6379"),
            ("redis://user:can?ary#canary@h:6379/0", "redis://h:6379"),
            ("canary", "canary:"),
        ] {
            assert_eq!(url(text).to_string(), shown);
            assert_eq!(format!("{:?}", url(text)), format!("StoreUrl({shown})"));
        }
    }

    #[test]
    fn a_password_in_a_store_url_is_found() {
        for text in [
            "redis://:p@h",
            "redis://u:p@h/0",
            "postgres://u@h/db?password=p",
            "redis://u:p/p@h/0",
            "redis://u:p?p@h",
            "redis://u:1#p@h",
        ] {
            assert!(url(text).has_password(), "{text}");
        }
        for text in ["memory:", "file:/a:b@c", "redis://h:6379", "postgres://u@h:5432/db"] {
            assert!(!url(text).has_password(), "{text}");
        }
        let error = url("redis://:canary@h").reject_password("--store", "others can read it");
        let error = error.unwrap_err().to_string();
        assert!(error.contains("TOKENLEASE_STORE") && !error.contains("canary"), "{error}");
    }

    #[test]
    fn a_relative_folder_is_resolved_against_the_profiles_folder() {
        let of = |text: &str| url(text).relative_to(Path::new("/etc/x")).text().to_owned();
        let joined = if cfg!(windows) { "file:/etc/x\\state" } else { "file:/etc/x/state" };
        assert_eq!(of("file:state"), joined);
        for text in ["file:", "file:/state", "memory:", "redis://h"] {
            assert_eq!(of(text), text);
        }
    }
}
