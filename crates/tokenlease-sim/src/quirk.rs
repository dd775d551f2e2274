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
}

impl Quirk {
    /// All quirks.
    pub const ALL: [Self; 5] = [
        Self::RunningToken,
        Self::SlidingToken,
        Self::ExpiredOnArrival,
        Self::AcceptsNoToken,
        Self::CutOff,
    ];

    /// Returns a random quirk of a provider.
    pub(crate) fn draw(kind: Kind, rng: &mut Rng) -> Self {
        match kind {
            Kind::Winkas => rng.pick(&[Self::RunningToken, Self::AcceptsNoToken, Self::CutOff]),
            Kind::Wyn => rng.pick(&Self::ALL),
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
