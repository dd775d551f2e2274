//! Events for logs and hooks. No event holds a token or a credential.

use std::{fmt, time::Duration};

use crate::{time::Timestamp, token::TokenFingerprint};

/// One thing that happened to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A login brought a new token.
    LoggedIn(TokenFingerprint),
    /// A login brought a token that is active for a year or longer, as on a Wyn server as installed, where it
    /// is 10 years. Request a shorter lifetime, and revoke tokens after use.
    LongLifetime(TokenFingerprint, Duration),
    /// Another process' token was adopted from the store.
    Adopted(TokenFingerprint),
    /// A refetch returned the running token.
    Refetched(TokenFingerprint),
    /// The server called the token active.
    Validated(TokenFingerprint),
    /// An API rejected the token; the server is asked before that is believed.
    Suspected(TokenFingerprint),
    /// The server could not confirm that a rejected token is inactive: the token is replaced, and the
    /// client backs off before the next such login.
    Rejected(TokenFingerprint),
    /// The server called the token inactive.
    Inactive(TokenFingerprint),
    /// The token is not used any more, because a revocation was sent: the server accepted it, or its answer is
    /// not known.
    Revoked(TokenFingerprint),
    /// The token was forgotten here and in the store.
    Forgotten(TokenFingerprint),
    /// The server rejected the credentials: they are not sent again before the given time.
    CircuitOpened(Timestamp),
    /// Credentials that had been rejected were accepted, or were unblocked.
    CircuitClosed,
    /// The server asked to wait, failed, or gave these credentials an unusable answer: they are not sent
    /// before the given time.
    BackedOff(Timestamp),
    /// The answer to a login was lost: a token may be active that no client knows.
    LoginLost,
    /// The wall clock and the clock that counts lifetimes have parted by more than two minutes since the
    /// token was last confirmed: the host may have been suspended. The server is asked about the token
    /// where it can be.
    ClocksParted(TokenFingerprint),
    /// The store failed three times in a row.
    StoreUnavailable,
    /// The store answers, and rejects calls: a person has to correct it.
    StoreRejected,
    /// The store works again, after `StoreUnavailable`, `StoreRejected` or `RecordUnreadable`: a record
    /// was read or written.
    StoreAvailable,
    /// The store has a record that can't be read.
    RecordUnreadable,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoggedIn(token) => write!(f, "logged in {token}"),
            Self::LongLifetime(token, _) => write!(f, "long lifetime {token}"),
            Self::Adopted(token) => write!(f, "adopted {token}"),
            Self::Refetched(token) => write!(f, "refetched {token}"),
            Self::Validated(token) => write!(f, "validated {token}"),
            Self::Suspected(token) => write!(f, "suspected {token}"),
            Self::Rejected(token) => write!(f, "rejected {token}"),
            Self::Inactive(token) => write!(f, "inactive {token}"),
            Self::Revoked(token) => write!(f, "revoked {token}"),
            Self::Forgotten(token) => write!(f, "forgotten {token}"),
            Self::CircuitOpened(_) => f.write_str("circuit opened"),
            Self::CircuitClosed => f.write_str("circuit closed"),
            Self::BackedOff(_) => f.write_str("backed off"),
            Self::LoginLost => f.write_str("login lost"),
            Self::ClocksParted(token) => write!(f, "clocks parted {token}"),
            Self::StoreUnavailable => f.write_str("store unavailable"),
            Self::StoreRejected => f.write_str("store rejected"),
            Self::StoreAvailable => f.write_str("store available"),
            Self::RecordUnreadable => f.write_str("record unreadable"),
        }
    }
}
