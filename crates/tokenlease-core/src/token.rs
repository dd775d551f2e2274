//! Tokens and their fingerprints.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, ErrorKind, Result},
    key::Key,
    secret::Secret,
};

/// A token: its secret text and its kind. Clones share the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    kind: TokenKind,
    text: Secret,
}

impl Token {
    /// Makes a token of that kind. The text is not checked.
    pub fn new(kind: TokenKind, text: impl Into<Secret>) -> Self {
        Self { kind, text: text.into() }
    }

    /// Makes a token of a text that came from elsewhere, for example from a user.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if no token can have this text. The error does not quote it.
    pub fn read(kind: TokenKind, text: impl Into<Secret>) -> Result<Self> {
        let text = text.into();
        if kind.fits(text.expose()) {
            return Ok(Self { kind, text });
        }
        Err(Error::new(ErrorKind::Config, "the text is not a token")
            .expected("the token as the server returned it, without a line break"))
    }

    /// Returns how the token is presented to an API.
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    /// Returns the token's text. The caller must keep it out of logs, errors and URLs.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// Returns whether one token is a clone of the other.
    ///
    /// This is cheaper than a comparison, and `false` for equal tokens that were made separately.
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
    /// In the field `Token` of a JSON body (WinKAS Air).
    Winkas,
    /// In the header `Authorization: Bearer` (RFC 6750 section 2.1).
    Bearer,
}

impl TokenKind {
    /// Returns the kind's name, the same in all languages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Winkas => "winkas",
            Self::Bearer => "bearer",
        }
    }

    /// Returns whether a token of that kind can have this text.
    pub(crate) fn fits(self, text: &str) -> bool {
        // RFC 6749 appendix A.12, and the characters that a header can carry. The loop has no early
        // exit, so that the compiler can vectorize it.
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

    /// Parses a kind's name.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for any other name.
    fn from_str(name: &str) -> Result<Self> {
        [Self::Winkas, Self::Bearer].into_iter().find(|kind| kind.as_str() == name).ok_or_else(
            || {
                Error::new(ErrorKind::Config, "the kind of token is unknown")
                    .expected("winkas or bearer")
            },
        )
    }
}

/// A name for a token that does not disclose it, so that it can be logged, stored and compared.
///
/// It is the first half of the HMAC-SHA-256 of the token's text under the store's key.
///
/// ```
/// use tokenlease_core::{Key, Token, TokenFingerprint, TokenKind};
///
/// let key = Key::new([7; 32]); // random in production
/// let token = Token::new(TokenKind::Bearer, "4E2EDEF2");
/// let fingerprint = TokenFingerprint::of(&key, &token);
/// assert_eq!(fingerprint.to_string().len(), 12); // the first 6 bytes, in hexadecimal digits
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenFingerprint([u8; 16]);

impl TokenFingerprint {
    /// Returns the fingerprint of a token under a key.
    pub fn of(key: &Key, token: &Token) -> Self {
        let tag = key.mac("tokenlease fingerprint", &[token.expose().as_bytes()]);
        let mut half = [0; 16];
        for (to, from) in half.iter_mut().zip(tag) {
            *to = from;
        }
        Self(half)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns a number derived from the fingerprint, the same for the same token, key and seed.
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

    /// Rule: Secrets: Debug of a token shows none of it, not even a prefix.
    #[test]
    fn debug_of_a_token_is_redacted() {
        let token = Token::new(TokenKind::Bearer, "abcdefgh");
        assert_eq!(format!("{token:?}"), "Token(Bearer, [redacted])");
    }

    #[test]
    fn a_clone_is_distinguished_from_an_equal_token() {
        let token = Token::new(TokenKind::Bearer, "a");
        let equal = Token::new(TokenKind::Bearer, "a");
        assert!(token.clone().is_clone_of(&token));
        assert!(token == equal && !token.is_clone_of(&equal));
    }

    #[test]
    fn a_kind_is_parsed_from_its_name() {
        for kind in [TokenKind::Winkas, TokenKind::Bearer] {
            assert_eq!(kind.as_str().parse::<TokenKind>().unwrap(), kind);
        }
        let error = "canary".parse::<TokenKind>().unwrap_err().to_string();
        assert!(error.contains("winkas or bearer") && !error.contains("canary"), "{error}");
    }

    /// Rule: Secrets: a text that is not a token is an error that does not quote it.
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
