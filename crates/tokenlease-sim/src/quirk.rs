//! Behaviours of real token endpoints that a client must bear.

use crate::{Kind, S, rng::Rng};

/// How a provider differs from one that issues a new token with a full life at each login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// A login returns the running token with the life that is left, in whole seconds (WSO2, early
    /// Spring OAuth). WinKAS: a login returns the running token.
    RunningToken,
    /// A login returns the running token, which lives for its full life again (sliding sessions).
    SlidingToken,
    /// The provider states a life that the token has used up when its answer arrives.
    ExpiredOnArrival,
    /// The provider's validation and its APIs accept no token.
    AcceptsNoToken,
    /// The answers to logins are cut off while the token is issued all the same.
    CutOff,
    /// The validation answers 401 or 404 to the question itself, whatever the token (a wrong path, or a
    /// client that may not ask).
    ValidationRefused,
    /// The validation calls each token active (403 `insufficient_scope`, which a server answers before it
    /// checks whether the token was revoked).
    AllTokensActive,
}

impl Quirk {
    /// All quirks.
    pub const ALL: [Self; 7] = [
        Self::RunningToken,
        Self::SlidingToken,
        Self::ExpiredOnArrival,
        Self::AcceptsNoToken,
        Self::CutOff,
        Self::ValidationRefused,
        Self::AllTokensActive,
    ];

    /// Returns a random quirk of what a provider does at a login.
    pub(crate) fn draw(kind: Kind, rng: &mut Rng) -> Self {
        match kind {
            Kind::Winkas => rng.pick(&[Self::RunningToken, Self::AcceptsNoToken, Self::CutOff]),
            Kind::Wyn => rng.pick(&[
                Self::RunningToken,
                Self::SlidingToken,
                Self::ExpiredOnArrival,
                Self::AcceptsNoToken,
                Self::CutOff,
            ]),
        }
    }

    /// Returns a random quirk of what a provider says about a token.
    pub(crate) fn draw_of_validation(kind: Kind, rng: &mut Rng) -> Option<Self> {
        match kind {
            Kind::Winkas => None,
            Kind::Wyn => Some(rng.pick(&[Self::ValidationRefused, Self::AllTokensActive])),
        }
    }

    /// Returns a random lifetime for a provider with this quirk, if it has a special one.
    pub(crate) fn lifetime(self, rng: &mut Rng) -> Option<i64> {
        match self {
            Self::ExpiredOnArrival => Some(rng.pick(&[0, 1, 15, S, 3 * S])),
            Self::RunningToken | Self::SlidingToken => {
                Some(rng.pick(&[3 * S, 60 * S, 600 * S, 3600 * S]))
            }
            _ => None,
        }
    }
}
