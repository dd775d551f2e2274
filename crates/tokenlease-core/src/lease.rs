//! A token with what is known of its end.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    expiry,
    time::Moment,
    token::{Token, TokenFingerprint},
};

/// No WinKAS token lives longer than this (the provider's page "API Token").
pub const WINKAS_MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a WinKAS token lives where nobody said otherwise (the provider's page "API Token").
pub const WINKAS_USUAL_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// A token with its generation and its expiry, in times of the process (`Timestamp`) or of the
/// store (`StoreTime`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease<T> {
    pub(crate) token: Token,
    pub(crate) fingerprint: TokenFingerprint,
    pub(crate) first: First<T>,
    pub(crate) validated_at: Option<T>,
}

/// What is known of a token since it was first seen; a token that comes back keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct First<T> {
    /// How many tokens the identity had had, this one included; 0 until a record counted it.
    pub(crate) generation: u64,
    /// When the request was sent that brought the token: for an login, its life began after that.
    pub(crate) sent_at: T,
    pub(crate) expiry: Expiry<T>,
}

/// When a token ends, and how we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Expiry<T> {
    /// The server said when: `sent_at + expires_in` (RFC 6749 section 5.1).
    Stated {
        /// The end.
        end: T,
    },
    /// Our own policy ends it before the server would.
    Capped {
        /// The end.
        end: T,
    },
    /// The provider's rule: up to this age it is taken to be active, from then on it is asked about,
    /// and 24 hours after the request it is over.
    Assumed {
        /// The age at which asking begins, drawn once at the login.
        validate_from_age: Duration,
        /// Whether that age was learned from earlier tokens of the identity.
        learned: bool,
    },
    /// It came back from a refetch and nobody remembers its login: over 24 hours after that.
    Unknown,
    /// The server said nothing: it is used until it is rejected.
    Unstated,
    /// The server said that it is over already: it serves the callers of its flight, no one else.
    ExpiredOnArrival {
        /// When the answer came: who asked later is not served.
        received: T,
    },
}

impl<T: Moment> Lease<T> {
    /// The token itself.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// The token's name in logs and records.
    pub fn fingerprint(&self) -> TokenFingerprint {
        self.fingerprint
    }

    /// How many tokens the identity has had, this one included; 0 if no store has counted it.
    pub fn generation(&self) -> u64 {
        self.first.generation
    }

    /// When the request was sent that brought the token.
    pub fn sent_at(&self) -> T {
        self.first.sent_at
    }

    /// When it ends, and how that is known.
    pub fn expiry(&self) -> Expiry<T> {
        self.first.expiry
    }

    /// When the last question was sent that the provider answered with yes.
    pub fn validated_at(&self) -> Option<T> {
        self.validated_at
    }

    /// The end beyond which the token is over whatever anyone says, if there is one.
    pub fn end(&self) -> Option<T> {
        self.first.end()
    }

    pub(crate) fn is_over(&self, now: T) -> bool {
        matches!(self.first.expiry, Expiry::ExpiredOnArrival { .. })
            || self.end().is_some_and(|end| end <= now)
    }

    /// The time before a stated end in which the token is no longer handed out.
    pub(crate) fn margin(&self) -> Duration {
        match self.first.expiry {
            Expiry::Stated { end } | Expiry::Capped { end } => {
                expiry::margin(end.since(self.first.sent_at))
            }
            _ => Duration::ZERO,
        }
    }

    /// Times of another clock, all by the bound that shortens a life.
    pub(crate) fn map<U>(&self, shorten: impl Fn(T) -> U) -> Lease<U> {
        Lease {
            token: self.token.clone(),
            fingerprint: self.fingerprint,
            first: self.first.map(&shorten),
            validated_at: self.validated_at.map(shorten),
        }
    }
}

impl<T: Moment> First<T> {
    pub(crate) fn end(&self) -> Option<T> {
        match self.expiry {
            Expiry::Stated { end } | Expiry::Capped { end } => Some(end),
            Expiry::Assumed { .. } | Expiry::Unknown => {
                Some(self.sent_at.plus(WINKAS_MAX_LIFETIME))
            }
            Expiry::Unstated => None,
            Expiry::ExpiredOnArrival { received } => Some(received),
        }
    }

    pub(crate) fn map<U>(&self, shorten: impl Fn(T) -> U) -> First<U> {
        First {
            generation: self.generation,
            sent_at: shorten(self.sent_at),
            expiry: match self.expiry {
                Expiry::Stated { end } => Expiry::Stated { end: shorten(end) },
                Expiry::Capped { end } => Expiry::Capped { end: shorten(end) },
                Expiry::Assumed { validate_from_age, learned } => {
                    Expiry::Assumed { validate_from_age, learned }
                }
                Expiry::Unknown => Expiry::Unknown,
                Expiry::Unstated => Expiry::Unstated,
                Expiry::ExpiredOnArrival { received } => {
                    Expiry::ExpiredOnArrival { received: shorten(received) }
                }
            },
        }
    }
}

/// The source of the ladder that a lease came from, cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The memory of this process.
    Memory,
    /// The store that siblings share.
    Store,
    /// The provider's call that returns the token in use.
    Refetch,
    /// A new token: the last resort.
    Login,
    /// The caller brought it (`adopt`).
    Adopted,
}

impl Source {
    /// The source's name in snake case, the same in every language.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Store => "store",
            Self::Refetch => "refetch",
            Self::Login => "login",
            Self::Adopted => "adopted",
        }
    }
}
