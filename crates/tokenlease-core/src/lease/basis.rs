//! How a token's expiry is known, by name, and the time that each language shows for it.

use super::Expiry;
use crate::time::Moment;

/// How a token's expiry is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExpiryBasis {
    /// The server stated it.
    Stated,
    /// The option `max_lifetime` ends it before the server does.
    Capped,
    /// The agreed lifetime (WinKAS): from then on the token is validated before it is served.
    Assumed,
    /// As [`Assumed`](Self::Assumed), but learned from earlier tokens.
    Learned,
    /// A refetch returned the token, and its login is not known.
    Unknown,
    /// The server states none, and no rule gives one.
    Unstated,
    /// The server stated a lifetime of zero or less.
    ExpiredOnArrival,
}

impl ExpiryBasis {
    /// Returns the name in snake case, the same in all languages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stated => "stated",
            Self::Capped => "capped",
            Self::Assumed => "assumed",
            Self::Learned => "learned",
            Self::Unknown => "unknown",
            Self::Unstated => "unstated",
            Self::ExpiredOnArrival => "expired_on_arrival",
        }
    }
}

impl<T: Moment> Expiry<T> {
    /// Returns how the expiry is known.
    pub fn basis(&self) -> ExpiryBasis {
        match self {
            Self::Stated { .. } => ExpiryBasis::Stated,
            Self::Capped { .. } => ExpiryBasis::Capped,
            Self::Assumed { learned: false, .. } => ExpiryBasis::Assumed,
            Self::Assumed { learned: true, .. } => ExpiryBasis::Learned,
            Self::Unknown => ExpiryBasis::Unknown,
            Self::Unstated => ExpiryBasis::Unstated,
            Self::ExpiredOnArrival { .. } => ExpiryBasis::ExpiredOnArrival,
        }
    }

    /// Returns the expiry of a token that was requested at `sent_at`, as far as it is known. Of an assumed
    /// or learned expiry it is the time from which the client validates the token before each use.
    pub fn expires_at(&self, sent_at: T) -> Option<T> {
        match *self {
            Self::Stated { end } | Self::Capped { end } => Some(end),
            Self::Assumed { validate_from_age, .. } => Some(sent_at.plus(validate_from_age)),
            Self::ExpiredOnArrival { received } => Some(received),
            Self::Unknown | Self::Unstated => None,
        }
    }
}
