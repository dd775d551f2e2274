//! What happened, for logs and hooks. No event holds a token or a credential.

use std::fmt;

use crate::{time::Timestamp, token::TokenFingerprint};

/// One thing that happened to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A new token was issued.
    LoggedIn(TokenFingerprint),
    /// A sibling's token was adopted from the store.
    Adopted(TokenFingerprint),
    /// The provider returned the token in use.
    Refetched(TokenFingerprint),
    /// The provider said that a token is active.
    Validated(TokenFingerprint),
    /// An API rejected the token; the provider is asked before that is believed.
    Suspected(TokenFingerprint),
    /// The provider had no word on a rejected token: it is replaced, with growing space.
    Rejected(TokenFingerprint),
    /// The provider said that the token is dead.
    Inactive(TokenFingerprint),
    /// The token was revoked.
    Revoked(TokenFingerprint),
    /// The token was forgotten by its holder.
    Forgotten(TokenFingerprint),
    /// The provider rejected the credentials: they are not sent again until then.
    CircuitOpened(Timestamp),
    /// Credentials that had been rejected were accepted, or were reset.
    CircuitClosed,
    /// The provider asked to wait, or failed: nothing is sent until then.
    BackedOff(Timestamp),
    /// The answer to an login got lost: a token that nobody knows may be alive.
    LoginLost,
    /// The store failed three times in a row.
    StoreUnavailable,
    /// The store answers again.
    StoreAvailable,
    /// The store holds a record that can't be read.
    RecordUnreadable,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoggedIn(token) => write!(f, "logged in {token}"),
            Self::Adopted(token) => write!(f, "adopted {token}"),
            Self::Refetched(token) => write!(f, "refetched {token}"),
            Self::Validated(token) => write!(f, "verified {token}"),
            Self::Suspected(token) => write!(f, "suspected {token}"),
            Self::Rejected(token) => write!(f, "rejected {token}"),
            Self::Inactive(token) => write!(f, "inactive {token}"),
            Self::Revoked(token) => write!(f, "revoked {token}"),
            Self::Forgotten(token) => write!(f, "forgotten {token}"),
            Self::CircuitOpened(_) => f.write_str("circuit opened"),
            Self::CircuitClosed => f.write_str("circuit closed"),
            Self::BackedOff(_) => f.write_str("backed off"),
            Self::LoginLost => f.write_str("login lost"),
            Self::StoreUnavailable => f.write_str("store unavailable"),
            Self::StoreAvailable => f.write_str("store available"),
            Self::RecordUnreadable => f.write_str("record unreadable"),
        }
    }
}
