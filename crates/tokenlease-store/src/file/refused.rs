//! A file or folder that is not used, because another user could change it.

#![cfg_attr(not(any(unix, windows)), allow(dead_code, reason = "other systems refuse all files"))]

use std::{error::Error, fmt, io, path::Path};

/// Why a file is not used, and what to do.
#[derive(Debug)]
pub(super) struct Refused {
    why: String,
    advice: String,
}

impl Refused {
    pub(super) fn new(why: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { why: why.into(), advice: advice.into() }
    }

    /// Returns the advice of an error of this type.
    pub(super) fn advice_of(error: &io::Error) -> Option<String> {
        let refused = error.get_ref()?.downcast_ref::<Self>()?;
        Some(refused.advice.clone())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Error for Refused {}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, refused)
    }
}

/// A user's number and, if the host's file of users has it, name.
#[cfg(unix)]
pub(super) struct UserName {
    uid: u32,
    name: Option<String>,
}

#[cfg(unix)]
impl UserName {
    /// Returns the user as an argument of `sudo -u`.
    pub(super) fn for_sudo(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("'#{}'", self.uid))
    }

    /// Returns the user as an argument of `chown`.
    pub(super) fn for_chown(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.uid.to_string())
    }
}

#[cfg(unix)]
impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} (uid {})", self.uid),
            None => write!(f, "uid {}", self.uid),
        }
    }
}

/// Looks up a user's name.
#[cfg(unix)]
pub(super) fn named(uid: u32) -> UserName {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    UserName { uid, name }
}

/// Returns a path, quoted for the command prompt: a path of Windows has no quotes.
#[cfg(windows)]
pub(super) fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display())
}

/// Returns a path, quoted for a shell if it needs that.
#[cfg(not(windows))]
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:@,".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
