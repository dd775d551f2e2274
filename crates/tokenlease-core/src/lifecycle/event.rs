//! What happened, for logs and hooks. No event holds a token or a credential.

use std::fmt;

use crate::{time::Timestamp, token::Fingerprint};

/// One thing that happened to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A new token was issued.
    Issued(Fingerprint),
    /// A sibling's token was adopted from the store.
    Adopted(Fingerprint),
    /// The vendor returned the token in use.
    Refetched(Fingerprint),
    /// The vendor said that a token is active.
    Verified(Fingerprint),
    /// An API refused the token; the vendor is asked before that is believed.
    Doubted(Fingerprint),
    /// The vendor had no word on a refused token: it is replaced, with growing space.
    Refused(Fingerprint),
    /// The vendor said that the token is dead.
    Dead(Fingerprint),
    /// The token was revoked.
    Revoked(Fingerprint),
    /// The token was forgotten by its holder.
    Forgotten(Fingerprint),
    /// The vendor refused the credentials: they are not sent again until then.
    CircuitOpened(Timestamp),
    /// Credentials that had been refused were accepted, or were reset.
    CircuitClosed,
    /// The vendor asked to wait, or failed: nothing is sent until then.
    Held(Timestamp),
    /// The answer to an issue got lost: a token that nobody knows may be alive.
    IssueLost,
    /// The store failed three times in a row.
    StoreAway,
    /// The store answers again.
    StoreBack,
    /// The store holds a record that can't be read.
    RecordUnreadable,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issued(token) => write!(f, "issued {token}"),
            Self::Adopted(token) => write!(f, "adopted {token}"),
            Self::Refetched(token) => write!(f, "refetched {token}"),
            Self::Verified(token) => write!(f, "verified {token}"),
            Self::Doubted(token) => write!(f, "doubted {token}"),
            Self::Refused(token) => write!(f, "refused {token}"),
            Self::Dead(token) => write!(f, "dead {token}"),
            Self::Revoked(token) => write!(f, "revoked {token}"),
            Self::Forgotten(token) => write!(f, "forgotten {token}"),
            Self::CircuitOpened(_) => f.write_str("circuit opened"),
            Self::CircuitClosed => f.write_str("circuit closed"),
            Self::Held(_) => f.write_str("held"),
            Self::IssueLost => f.write_str("issue lost"),
            Self::StoreAway => f.write_str("store away"),
            Self::StoreBack => f.write_str("store back"),
            Self::RecordUnreadable => f.write_str("record unreadable"),
        }
    }
}
