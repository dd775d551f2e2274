//! The token of a successful login or refetch, and its lifetime.

use std::time::Duration;

use crate::{
    secret::Secret,
    time::{Moment as _, Timestamp},
    token::Token,
};

/// A token as the response contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The token. It is never empty.
    pub token: Token,
    /// Its lifetime, as far as the response states it.
    pub life: Life,
    /// The scope, if the response states one. It may differ from the requested one (RFC 6749 section
    /// 3.3).
    pub scope: Option<String>,
    /// The refresh token (RFC 6749 section 1.5), if the response contains one. The state machine does
    /// not use it.
    pub refresh_token: Option<Secret>,
    /// When the request was sent. The lifetime counts from here, so that latency shortens it.
    pub sent_at: Timestamp,
}

impl Granted {
    /// Returns when the token expires, if the response states it: `sent_at + expires_in`, at most
    /// [`Timestamp::MAX`].
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self.life {
            Life::Stated(life) => Some(self.sent_at.plus(life)),
            Life::ExpiredOnArrival => Some(self.sent_at),
            Life::Unstated => None,
        }
    }
}

/// The lifetime of a token, as far as the response states it (`expires_in`, RFC 6749 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// The lifetime, counted from when the request was sent. It is longer than zero.
    Stated(Duration),
    /// `expires_in` is zero or negative: the token serves only the callers that waited for it.
    ExpiredOnArrival,
    /// The response does not state it. No response of WinKAS does.
    Unstated,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TokenKind;

    fn granted(life: Life) -> Granted {
        Granted {
            token: Token::new(TokenKind::Bearer, "canary"),
            life,
            scope: None,
            refresh_token: Some("canary".into()),
            sent_at: Timestamp(5_000),
        }
    }

    /// Rule: Expiry: a stated lifetime of ten years fits, and a longer one than the clock saturates.
    #[test]
    fn a_lifetime_of_ten_years_fits_and_the_longest_one_saturates() {
        let end = |seconds| granted(Life::Stated(Duration::from_secs(seconds))).expires_at();
        assert_eq!(end(315_360_000), Some(Timestamp(315_360_005_000)));
        assert_eq!(end(u64::MAX), Some(Timestamp::MAX));
    }

    #[test]
    fn a_token_that_expired_on_arrival_ends_when_it_was_requested_and_an_unstated_end_is_none() {
        assert_eq!(granted(Life::ExpiredOnArrival).expires_at(), Some(Timestamp(5_000)));
        assert_eq!(granted(Life::Unstated).expires_at(), None);
    }

    /// Rule: Secrets: Debug of a response's token shows neither it nor the refresh token.
    #[test]
    fn debug_of_a_granted_token_shows_no_token() {
        let text = format!("{:?}", granted(Life::ExpiredOnArrival));
        assert!(!text.contains("canary"), "{text}");
    }
}
