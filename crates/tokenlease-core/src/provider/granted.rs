//! What a provider grants: a token and its life.

use std::time::Duration;

use crate::{
    secret::Secret,
    time::{Moment as _, Timestamp},
    token::Token,
};

/// A token as a provider's answer gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The token. It is never empty.
    pub token: Token,
    /// How long it lives, as far as the answer says.
    pub life: Life,
    /// The scope, where the answer names one: it may differ from the one asked for
    /// (RFC 6749 section 3.3).
    pub scope: Option<String>,
    /// A refresh token (RFC 6749 section 1.5), where one came along. The machine makes no use of
    /// it.
    pub refresh_token: Option<Secret>,
    /// When the request was sent: a life counts from here, so latency shortens it.
    pub sent_at: Timestamp,
}

impl Granted {
    /// When the token ends, if the answer says so: `sent_at + expires_in`, at most the end of time.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self.life {
            Life::Stated(life) => Some(self.sent_at.plus(life)),
            Life::ExpiredOnArrival => Some(self.sent_at),
            Life::Unstated => None,
        }
    }
}

/// How long a token lives, as far as the provider's answer says (`expires_in`, RFC 6749 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// That long, counted from the moment its request was sent. Longer than zero.
    Stated(Duration),
    /// `expires_in` is zero or negative: the token serves the callers of its flight only.
    ExpiredOnArrival,
    /// The answer does not say (always so at WinKAS).
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

    #[test]
    fn lesson_12_ten_years_fit_and_the_end_of_time_is_not_passed() {
        let end = |seconds| granted(Life::Stated(Duration::from_secs(seconds))).expires_at();
        assert_eq!(end(315_360_000), Some(Timestamp(315_360_005_000)));
        assert_eq!(end(u64::MAX), Some(Timestamp::MAX));
    }

    #[test]
    fn a_spent_token_ended_when_it_was_asked_for_and_an_unstated_end_is_none() {
        assert_eq!(granted(Life::ExpiredOnArrival).expires_at(), Some(Timestamp(5_000)));
        assert_eq!(granted(Life::Unstated).expires_at(), None);
    }

    #[test]
    fn lesson_2_debug_shows_nothing_of_the_tokens() {
        let text = format!("{:?}", granted(Life::ExpiredOnArrival));
        assert!(!text.contains("canary"), "{text}");
    }
}
