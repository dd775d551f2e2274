//! Leases: a token with its expiry.

mod basis;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::basis::ExpiryBasis;
use crate::{
    host_clocks::LeaseClocks,
    time::Moment,
    token::{Token, TokenFingerprint},
};

/// The longest lifetime of a WinKAS token (WinKAS help, page "API Token").
pub const WINKAS_MAX_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The lifetime of a WinKAS token unless another one was agreed (WinKAS help, page "API Token").
pub(crate) const WINKAS_USUAL_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

const MAX_MARGIN: Duration = Duration::from_secs(60);
const MAX_REFRESH_WINDOW: Duration = Duration::from_secs(5 * 60);

/// Returns the time before a stated end in which a token is no longer served.
///
/// It is a tenth of the lifetime, at most a minute.
pub fn margin(lifetime: Duration) -> Duration {
    MAX_MARGIN.min(lifetime / 10)
}

/// Returns the length of the period before the margin in which a refresh may begin.
///
/// It is a fifth of the lifetime, at most 5 minutes.
#[doc(hidden)]
pub fn refresh_window(lifetime: Duration) -> Duration {
    MAX_REFRESH_WINDOW.min(lifetime / 5)
}

/// A token with its generation and its expiry.
///
/// Its times are those of the process ([`Timestamp`](crate::Timestamp)) or of the store
/// ([`StoreTime`](crate::StoreTime)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease<T> {
    pub(crate) token: Token,
    pub(crate) fingerprint: TokenFingerprint,
    pub(crate) first: FirstSeen<T>,
    pub(crate) validated_at: Option<T>,
    /// The clocks of the host that last received word of it. `None`: no host of these clocks has.
    pub(crate) clocks: Option<LeaseClocks>,
}

/// The facts about a token that are fixed when it is first seen.
///
/// A token that comes back later, for example by a refetch, keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FirstSeen<T> {
    /// The number of tokens of the identity up to and including this one; 0 until a record counts
    /// it.
    pub(crate) generation: u64,
    /// When the request for the token was sent. The lifetime of a new token begins after that.
    pub(crate) sent_at: T,
    pub(crate) expiry: Expiry<T>,
}

/// When a token expires, and how that is known.
///
/// ```
/// use tokenlease_core::{Timestamp, lease::Expiry};
///
/// fn expires_at(expiry: Expiry<Timestamp>) -> Option<Timestamp> {
///     match expiry {
///         Expiry::Stated { end } | Expiry::Capped { end } => Some(end),
///         Expiry::ExpiredOnArrival { received } => Some(received),
///         // Only a validation, or a rejection by an API, can tell.
///         _ => None,
///     }
/// }
/// assert_eq!(expires_at(Expiry::Stated { end: Timestamp(60_000) }), Some(Timestamp(60_000)));
/// assert_eq!(expires_at(Expiry::Unstated), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Expiry<T> {
    /// The server stated it: `sent_at + expires_in` (RFC 6749 section 5.1).
    Stated {
        /// When the token expires.
        end: T,
    },
    /// The policy's `max_lifetime` ends it before the server does.
    Capped {
        /// When the token is no longer used.
        end: T,
    },
    /// The server states no end, but a rule gives one (WinKAS).
    ///
    /// Up to `validate_from_age` the token counts as active. From then on it is validated, and 24
    /// hours after its request it has expired.
    Assumed {
        /// The age at which validations begin, chosen once at the login.
        validate_from_age: Duration,
        /// Whether the age was learned from earlier tokens of the identity.
        learned: bool,
    },
    /// A refetch returned the token, and its login is not known. It is validated from the start,
    /// and has expired 24 hours after the refetch.
    Unknown,
    /// The server states no end, and no rule gives one: the token is used until it is rejected.
    Unstated,
    /// The server stated a lifetime of zero or less. The token serves only the callers that waited
    /// for it.
    ExpiredOnArrival {
        /// When the response arrived. Callers that ask later are not served.
        received: T,
    },
}

impl<T: Moment> Lease<T> {
    /// Returns the token.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Returns the fingerprint that names the token in logs and records.
    pub fn fingerprint(&self) -> TokenFingerprint {
        self.fingerprint
    }

    /// Returns the number of tokens of the identity up to and including this one; 0 if no store
    /// has counted it.
    pub fn generation(&self) -> u64 {
        self.first.generation
    }

    /// Returns when the request for the token was sent.
    pub fn sent_at(&self) -> T {
        self.first.sent_at
    }

    /// Returns when the token expires, and how that is known.
    pub fn expiry(&self) -> Expiry<T> {
        self.first.expiry
    }

    /// Returns when the last validation was sent that found the token active.
    pub fn validated_at(&self) -> Option<T> {
        self.validated_at
    }

    /// Returns the moment from which the token has certainly expired, if there is one.
    ///
    /// No validation extends it.
    pub fn end(&self) -> Option<T> {
        self.first.end()
    }

    pub(crate) fn has_expired(&self, now: T) -> bool {
        matches!(self.first.expiry, Expiry::ExpiredOnArrival { .. })
            || self.end().is_some_and(|end| end <= now)
    }

    /// Returns the time before a stated end in which the token is no longer served.
    pub(crate) fn margin(&self) -> Duration {
        match self.first.expiry {
            Expiry::Stated { end } | Expiry::Capped { end } => {
                margin(end.since(self.first.sent_at))
            }
            _ => Duration::ZERO,
        }
    }

    /// Converts all times to another clock, by the bound that makes the token expire earlier.
    pub(crate) fn map<U>(&self, lower_bound: impl Fn(T) -> U) -> Lease<U> {
        Lease {
            token: self.token.clone(),
            fingerprint: self.fingerprint,
            first: self.first.map(&lower_bound),
            validated_at: self.validated_at.map(lower_bound),
            clocks: self.clocks,
        }
    }
}

impl<T: Moment> FirstSeen<T> {
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

    /// The server returned the token again, with these facts. The end that it states now counts, and it
    /// is counted from now. Where it states none, the first time counts, unless the token has
    /// outlived it: then its expiry is unknown.
    pub(crate) fn returned_again(self, now: Self) -> Self {
        let has_ended = self.end().is_some_and(|end| end <= now.sent_at);
        let expiry = match now.expiry {
            _ if now.sent_at <= self.sent_at => return self,
            Expiry::Stated { .. } | Expiry::Capped { .. } => now.expiry,
            Expiry::ExpiredOnArrival { .. } if has_ended => now.expiry,
            _ if has_ended => Expiry::Unknown,
            _ => return self,
        };
        Self { generation: self.generation, sent_at: now.sent_at, expiry }
    }

    pub(crate) fn map<U>(&self, lower_bound: impl Fn(T) -> U) -> FirstSeen<U> {
        FirstSeen {
            generation: self.generation,
            sent_at: lower_bound(self.sent_at),
            expiry: match self.expiry {
                Expiry::Stated { end } => Expiry::Stated { end: lower_bound(end) },
                Expiry::Capped { end } => Expiry::Capped { end: lower_bound(end) },
                Expiry::Assumed { validate_from_age, learned } => {
                    Expiry::Assumed { validate_from_age, learned }
                }
                Expiry::Unknown => Expiry::Unknown,
                Expiry::Unstated => Expiry::Unstated,
                Expiry::ExpiredOnArrival { received } => {
                    Expiry::ExpiredOnArrival { received: lower_bound(received) }
                }
            },
        }
    }
}

/// Where a lease came from, the cheapest source first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Source {
    /// The memory of this process.
    Memory,
    /// The store that processes share.
    Store,
    /// The WinKAS call that returns the running token.
    Refetch,
    /// A login, which makes a new token.
    Login,
    /// The caller, through `adopt`.
    Adopted,
}

impl Source {
    /// Returns the source's name in snake case, the same in all languages.
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
