//! The history of a record: its last logins, refetches and rejections, for people who ask why a login
//! was sent.
//!
//! No rule of the state machine depends on it. A record keeps it as separate bytes, which are read only
//! when someone asks or writes. Bytes that can't be read are an empty history: they cost no login.

mod codes;
mod minimum;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

pub use self::{
    codes::{HistoryCause, HistoryKind, HistoryResult},
    minimum::{ExtraLogin, LoginCount},
};
use super::Record;
use crate::{credentials::CredentialsFingerprint, time::StoreTime, token::TokenFingerprint};

/// The maximum number of entries in a history.
pub(crate) const MAX_ENTRIES: usize = 32;
/// The maximum size of the name of a host, in bytes.
const MAX_HOST: usize = 64;

/// One login, refetch or rejection. It contains no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryEntry<T> {
    /// When the request was sent, or when the rejection was reported.
    pub at: T,
    /// Its kind.
    pub kind: HistoryKind,
    /// Why, as its process knew.
    pub cause: HistoryCause,
    /// Its result.
    pub result: HistoryResult,
    /// Whether the process could not read the store, so that it did not know of other processes.
    pub without_store: bool,
    /// The beginning of the fingerprint of the credentials, as `status` prints it.
    pub credentials: ShortFingerprint<3>,
    /// The beginning of the fingerprint of the token, as logs print it.
    pub token: Option<ShortFingerprint<6>>,
    /// For how long the token of a login is expected to serve, from when the login was sent. `None`: not
    /// known, or there was no token.
    pub lifetime: Option<Duration>,
    /// The name of the host, at most 64 bytes.
    pub host: Arc<str>,
    /// The number of the process on its host.
    pub process: u32,
    /// A random number of the writing state machine. With `sequence` it identifies the entry.
    pub(crate) writer: u32,
    pub(crate) sequence: u32,
}

/// The first bytes of a fingerprint. `Display` writes them as hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShortFingerprint<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> ShortFingerprint<N> {
    fn of(bytes: &[u8]) -> Self {
        let mut short = [0; N];
        for (to, from) in short.iter_mut().zip(bytes) {
            *to = *from;
        }
        Self(short)
    }
}

impl ShortFingerprint<3> {
    /// Returns the beginning of a fingerprint of credentials.
    pub fn of_credentials(fingerprint: CredentialsFingerprint) -> Self {
        Self::of(fingerprint.as_bytes())
    }
}

impl ShortFingerprint<6> {
    /// Returns the beginning of a fingerprint of a token.
    pub fn of_token(fingerprint: TokenFingerprint) -> Self {
        Self::of(fingerprint.as_bytes())
    }
}

impl<const N: usize> fmt::Display for ShortFingerprint<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<T> HistoryEntry<T> {
    /// Converts the time to another clock.
    pub fn map<U>(&self, to: impl FnOnce(&T) -> U) -> HistoryEntry<U> {
        HistoryEntry {
            at: to(&self.at),
            kind: self.kind,
            cause: self.cause,
            result: self.result,
            without_store: self.without_store,
            credentials: self.credentials,
            token: self.token,
            lifetime: self.lifetime,
            host: Arc::clone(&self.host),
            process: self.process,
            writer: self.writer,
            sequence: self.sequence,
        }
    }
}

impl<T: Copy + Ord> HistoryEntry<T> {
    fn order(&self) -> (T, u32, u32) {
        (self.at, self.writer, self.sequence)
    }

    /// Takes what a second report of the same event says more: the answer to a login may arrive after
    /// the login was given up.
    pub(crate) fn join(self, other: Self) -> Self {
        let at = self.at.max(other.at);
        let more =
            if (other.result, other.token) > (self.result, self.token) { other } else { self };
        Self { at, ..more }
    }
}

/// Returns a host's name as a history keeps it: without control characters, cut to 64 bytes.
pub(crate) fn host_name(name: &str) -> Arc<str> {
    let mut kept = String::new();
    for letter in name.trim().chars().filter(|letter| !letter.is_control()) {
        if kept.len() + letter.len_utf8() > MAX_HOST {
            break;
        }
        kept.push(letter);
    }
    kept.into()
}

/// The bytes of a history.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct History(Vec<u8>);

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "History({} bytes)", self.0.len())
    }
}

/// The contents of the bytes.
#[derive(Default, Serialize, Deserialize)]
struct Rows<'a> {
    #[serde(borrow)]
    hosts: Vec<&'a str>,
    rows: Vec<Row>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Row {
    at: i64,
    writer: u32,
    sequence: u32,
    kind: u8,
    cause: u8,
    result: u8,
    without_store: bool,
    credentials: [u8; 3],
    token: Option<[u8; 6]>,
    lifetime_s: Option<u64>,
    host: u8,
    process: u32,
}

impl History {
    /// Returns the entries, the oldest first.
    pub(crate) fn entries(&self) -> Vec<HistoryEntry<StoreTime>> {
        let Rows { hosts, rows } = postcard::from_bytes(&self.0).unwrap_or_default();
        let hosts: Vec<Arc<str>> = hosts.into_iter().take(MAX_ENTRIES).map(host_name).collect();
        let rows = rows.into_iter().rev().take(MAX_ENTRIES);
        merged(rows.filter_map(|row| entry(&row, &hosts)))
    }

    /// Adds entries. Of more than the maximum the oldest are dropped.
    pub(crate) fn add(&mut self, new: impl IntoIterator<Item = HistoryEntry<StoreTime>>) {
        let mut new = new.into_iter().peekable();
        if new.peek().is_none() {
            return;
        }
        let entries = merged(self.entries().into_iter().chain(new));
        let mut hosts: Vec<&str> = Vec::new();
        let mut rows = Vec::new();
        for entry in &entries {
            let at = hosts.iter().position(|host| **host == *entry.host);
            let host = at.unwrap_or_else(|| {
                hosts.push(&entry.host);
                hosts.len() - 1
            });
            rows.push(row(entry, u8::try_from(host).unwrap_or_default()));
        }
        self.0 = postcard::to_allocvec(&Rows { hosts, rows }).unwrap_or_default();
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

fn row(entry: &HistoryEntry<StoreTime>, host: u8) -> Row {
    Row {
        at: entry.at.0,
        writer: entry.writer,
        sequence: entry.sequence,
        kind: entry.kind.code(),
        cause: entry.cause.code(),
        result: entry.result.code(),
        without_store: entry.without_store,
        credentials: entry.credentials.0,
        token: entry.token.map(|token| token.0),
        lifetime_s: entry.lifetime.map(|lifetime| lifetime.as_secs()),
        host,
        process: entry.process,
    }
}

/// Returns the entry of a row, unless a later version wrote one of a kind that is unknown here.
fn entry(row: &Row, hosts: &[Arc<str>]) -> Option<HistoryEntry<StoreTime>> {
    Some(HistoryEntry {
        at: StoreTime(row.at),
        kind: HistoryKind::of_code(row.kind)?,
        cause: HistoryCause::of_code(row.cause).unwrap_or(HistoryCause::Other),
        result: HistoryResult::of_code(row.result).unwrap_or(HistoryResult::Other),
        without_store: row.without_store,
        credentials: ShortFingerprint(row.credentials),
        token: row.token.map(ShortFingerprint),
        lifetime: row.lifetime_s.map(Duration::from_secs),
        host: hosts.get(usize::from(row.host)).cloned().unwrap_or_default(),
        process: row.process,
        writer: row.writer,
        sequence: row.sequence,
    })
}

/// Returns the union of the entries, in the order of their times: the newest 32. An API may reject an
/// active token at each call, so of such rejections the last one of each token is kept.
fn merged(entries: impl Iterator<Item = HistoryEntry<StoreTime>>) -> Vec<HistoryEntry<StoreTime>> {
    let mut by_writer: BTreeMap<(u32, u32), HistoryEntry<StoreTime>> = BTreeMap::new();
    for entry in entries {
        let key = (entry.writer, entry.sequence);
        let joined = match by_writer.remove(&key) {
            Some(known) => known.join(entry),
            None => entry,
        };
        by_writer.insert(key, joined);
    }
    let mut all: Vec<_> = by_writer.into_values().collect();
    all.sort_by_key(HistoryEntry::order);
    let mut still_active = Vec::new();
    let mut kept: Vec<_> = all
        .into_iter()
        .rev()
        .filter(|entry| {
            let is_repeated =
                entry.result == HistoryResult::StillActive && still_active.contains(&entry.token);
            if entry.result == HistoryResult::StillActive {
                still_active.push(entry.token);
            }
            !is_repeated
        })
        .take(MAX_ENTRIES)
        .collect();
    kept.reverse();
    kept
}

impl Serialize for History {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for History {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(Self::from_bytes)
    }
}

impl Record {
    /// Returns the last logins, refetches and rejections of the identity, the oldest first.
    pub fn history(&self) -> Vec<HistoryEntry<StoreTime>> {
        self.0.history.entries()
    }
}

#[cfg(test)]
mod tests;
