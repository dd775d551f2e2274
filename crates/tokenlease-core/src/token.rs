//! A token and its fingerprint.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, ErrorKind, Result},
    key::Key,
    secret::Secret,
};

/// The secret text that a provider issued, with its kind. Cloning shares the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    kind: TokenKind,
    text: Secret,
}

impl Token {
    /// A token of that kind.
    pub fn new(kind: TokenKind, text: impl Into<Secret>) -> Self {
        Self { kind, text: text.into() }
    }

    /// A token of that kind from a text that came from elsewhere.
    ///
    /// # Errors
    /// `Config` for a text that no token can have; it is not quoted.
    pub fn read(kind: TokenKind, text: impl Into<Secret>) -> Result<Self> {
        let text = text.into();
        if kind.fits(text.expose()) {
            return Ok(Self { kind, text });
        }
        Err(Error::new(ErrorKind::Config, "the text is no token")
            .expected("a token as the provider issued it, without a line's end"))
    }

    /// How the token is presented to an API.
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The token's text. Whoever calls this is responsible for where it goes.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// Whether one is a clone of the other: cheaper than whether they are equal, and `false` for
    /// equal tokens that came separately.
    pub fn is_clone_of(&self, other: &Self) -> bool {
        self.text.is_clone_of(&other.text)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?}, [redacted])", self.kind)
    }
}

/// How a token is presented to an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TokenKind {
    /// The field `Token` of a JSON body (WinKAS Air).
    Winkas,
    /// The header `Authorization: Bearer` (RFC 6750).
    Bearer,
}

impl TokenKind {
    /// The kind's name, the same in every language.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Winkas => "winkas",
            Self::Bearer => "bearer",
        }
    }

    /// Whether a token of that kind can have this text.
    pub(crate) fn fits(self, text: &str) -> bool {
        // RFC 6749 appendix A.12, and what a header can carry. There is no way out of the loop, so
        // that the compiler takes many bytes at a time.
        let plain = text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
        let fits = match self {
            Self::Winkas => plain || !text.contains(char::is_control),
            Self::Bearer => plain,
        };
        fits && text.contains(|c: char| !c.is_whitespace())
    }
}

impl FromStr for TokenKind {
    type Err = Error;

    /// Reads the kind's name. Kind `Config` for another one.
    fn from_str(name: &str) -> Result<Self> {
        [Self::Winkas, Self::Bearer].into_iter().find(|kind| kind.as_str() == name).ok_or_else(
            || {
                Error::new(ErrorKind::Config, "no token is of that kind")
                    .expected("winkas or bearer")
            },
        )
    }
}

/// Names a token without telling it: the first half of HMAC-SHA-256 of its text under a key that
/// the store keeps. It may be logged, stored and compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenFingerprint([u8; 16]);

impl TokenFingerprint {
    /// The fingerprint of a token under a key.
    pub fn of(key: &Key, token: &Token) -> Self {
        let tag = key.mac("tokenlease fingerprint", &[token.expose().as_bytes()]);
        let mut half = [0; 16];
        for (to, from) in half.iter_mut().zip(tag) {
            *to = from;
        }
        Self(half)
    }

    /// A number drawn from the fingerprint, the same for the same token, key and seed.
    pub(crate) fn mix(self, seed: u64) -> u64 {
        let mut first = [0; 8];
        for (to, from) in first.iter_mut().zip(self.0) {
            *to = from;
        }
        crate::backoff::mix(seed ^ u64::from_le_bytes(first))
    }
}

impl fmt::Display for TokenFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenFingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_a_token() {
        let token = Token::new(TokenKind::Bearer, "abcdefgh");
        assert_eq!(format!("{token:?}"), "Token(Bearer, [redacted])");
    }

    #[test]
    fn a_clone_is_known_from_an_equal_token() {
        let token = Token::new(TokenKind::Bearer, "a");
        let equal = Token::new(TokenKind::Bearer, "a");
        assert!(token.clone().is_clone_of(&token));
        assert!(token == equal && !token.is_clone_of(&equal));
    }

    #[test]
    fn a_kind_is_read_from_its_name() {
        for kind in [TokenKind::Winkas, TokenKind::Bearer] {
            assert_eq!(kind.as_str().parse::<TokenKind>().unwrap(), kind);
        }
        let error = "canary".parse::<TokenKind>().unwrap_err().to_string();
        assert!(error.contains("winkas or bearer") && !error.contains("canary"), "{error}");
    }

    #[test]
    fn a_text_that_no_token_can_have_is_an_error_that_does_not_quote_it() {
        for (kind, text) in [
            (TokenKind::Winkas, ""),
            (TokenKind::Winkas, " "),
            (TokenKind::Winkas, "canary\n"),
            (TokenKind::Bearer, "canary\0"),
            (TokenKind::Bearer, "canaryø"),
        ] {
            let error = Token::read(kind, text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!error.to_string().contains("canary"), "{error}");
        }
        let token = Token::read(TokenKind::Winkas, "U1vT|ø").unwrap();
        assert_eq!(token, Token::new(TokenKind::Winkas, "U1vT|ø"));
    }

    #[test]
    fn a_fingerprint_depends_on_key_and_text_alone() {
        let key = Key::new([7; 32]);
        let of = |text| TokenFingerprint::of(&key, &Token::new(TokenKind::Bearer, text));
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
        let other = Key::new([8; 32]);
        assert_ne!(of("a"), TokenFingerprint::of(&other, &Token::new(TokenKind::Bearer, "a")));
    }
}
