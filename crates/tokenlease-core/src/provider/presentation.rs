//! How a token is presented to an API: the value of a header, or a member of a JSON body.

use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorKind, Result},
    http,
    secret::Secret,
    token::{Token, TokenKind},
};

/// The member of the JSON body in which WinKAS Air expects the token.
pub const JSON_FIELD: &str = "Token";

/// The most bytes of JSON that a byte of a text becomes: a control character, as `\u001f`.
const MAX_ESCAPED: usize = 6;

/// The header in which an API takes a Bearer token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenHeader {
    /// `Authorization: Bearer` and the token (RFC 6750 section 2.1).
    #[default]
    Authorization,
    /// `Reference-Token` and the token, which some calls of Wyn Enterprise require.
    ReferenceToken,
}

impl TokenHeader {
    /// Returns the header's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authorization => "Authorization",
            Self::ReferenceToken => "Reference-Token",
        }
    }
}

impl Token {
    /// Returns the value of the header `Authorization`: `Bearer` and the token (RFC 6750 section 2.1).
    ///
    /// ```
    /// use tokenlease_core::{Token, TokenKind};
    ///
    /// let token = Token::new(TokenKind::Bearer, "4E2E");
    /// assert_eq!(token.authorization()?.expose(), "Bearer 4E2E");
    /// # Ok::<(), tokenlease_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a token of WinKAS Air, which goes into the body, and for a token with
    /// characters that a header can't carry.
    pub fn authorization(&self) -> Result<Secret> {
        self.check_for_a_header()?;
        // In one allocation of the exact size: a text that grows leaves copies of the secret behind.
        Ok(Secret::new(["Bearer ", self.expose()].concat()))
    }

    /// Returns the value of the header `Reference-Token`, which some calls of Wyn Enterprise require: the
    /// token's text.
    ///
    /// # Errors
    /// As [`authorization`](Self::authorization).
    pub fn reference_token(&self) -> Result<&str> {
        self.check_for_a_header()?;
        Ok(self.expose())
    }

    /// Returns the member of a JSON body in which WinKAS Air expects the token in every call, escaped:
    /// `"Token":"…"`.
    ///
    /// ```
    /// use tokenlease_core::{Token, TokenKind};
    ///
    /// let token = Token::new(TokenKind::Winkas, "U1vT|86Vb");
    /// assert_eq!(token.json_field()?.expose(), r#""Token":"U1vT|86Vb""#);
    /// # Ok::<(), tokenlease_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for any other token, which goes into a header.
    pub fn json_field(&self) -> Result<Secret> {
        if self.kind() != TokenKind::Winkas {
            return Err(Error::new(
                ErrorKind::Config,
                "a Bearer token does not go into the request body",
            )
            .expected("the header `Authorization`")
            .advice("use the token's `authorization`"));
        }
        let text = self.expose();
        let mut member =
            Zeroizing::new(Vec::with_capacity(JSON_FIELD.len() + 5 + MAX_ESCAPED * text.len()));
        member.extend_from_slice(format!("\"{JSON_FIELD}\":").as_bytes());
        let written = serde_json::to_writer(&mut *member, text);
        let member = written.ok().and_then(|()| std::str::from_utf8(&member).ok());
        member.map(Secret::new).ok_or_else(|| {
            Error::new(ErrorKind::Internal, "a token's text could not be written as JSON")
                .advice("this is a bug in tokenlease: please report it")
        })
    }

    /// Returns the value of a header that presents the token: that of
    /// [`authorization`](Self::authorization) or of [`reference_token`](Self::reference_token).
    ///
    /// # Errors
    /// As [`authorization`](Self::authorization).
    pub fn header_value(&self, header: TokenHeader) -> Result<Secret> {
        match header {
            TokenHeader::Authorization => self.authorization(),
            TokenHeader::ReferenceToken => self.reference_token().map(Secret::new),
        }
    }

    fn check_for_a_header(&self) -> Result<()> {
        if self.kind() == TokenKind::Winkas {
            return Err(Error::new(
                ErrorKind::Config,
                "a WinKAS Air token does not go into a header",
            )
            .expected("the field `Token` of the request's JSON body")
            .advice("use the token's `json_field`"));
        }
        http::bearer(self.expose()).map(drop).map_err(|_| {
            Error::new(
                ErrorKind::Config,
                "the token contains characters that are not allowed in a header",
            )
            .expected("visible characters, no line breaks")
            .advice("remove a stray line break where the adopted token comes from")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Secrets: a token's presentation to an API is a secret, which Debug does not show.
    #[test]
    fn a_presented_token_is_not_printed() {
        let bearer = Token::new(TokenKind::Bearer, "canary").authorization().unwrap();
        let winkas = Token::new(TokenKind::Winkas, "canary").json_field().unwrap();
        assert_eq!(format!("{bearer:?} {winkas:?}"), "[redacted] [redacted]");
    }

    /// Rule: Formats: the JSON member of a WinKAS token is escaped.
    #[test]
    fn the_json_member_of_a_token_is_escaped() {
        for text in ["U1vT|86Vb…-crg_", "a\"b\\c", "\u{1}\n\u{7f}é😀", "</script>"] {
            let member = Token::new(TokenKind::Winkas, text).json_field().unwrap();
            let body: serde_json::Value =
                serde_json::from_str(&format!("{{{}}}", member.expose())).unwrap();
            assert_eq!(body, serde_json::json!({ "Token": text }));
        }
    }

    #[test]
    fn a_token_is_presented_by_its_kind_alone() {
        let bearer = Token::new(TokenKind::Bearer, "abc");
        assert_eq!(bearer.authorization().unwrap().expose(), "Bearer abc");
        assert_eq!(bearer.reference_token().unwrap(), "abc");
        assert!(bearer.json_field().unwrap_err().to_string().contains("`authorization`"));
        let winkas = Token::new(TokenKind::Winkas, "abc");
        for error in [winkas.authorization().unwrap_err(), winkas.reference_token().unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains("`json_field`"), "{error}");
        }
    }

    /// Rule: Formats: the header that presents a token is chosen by an option, and its value is the one of
    /// that header.
    #[test]
    fn the_value_of_the_chosen_header_presents_the_token() {
        let bearer = Token::new(TokenKind::Bearer, "abc");
        for (header, name, value) in [
            (TokenHeader::Authorization, "Authorization", "Bearer abc"),
            (TokenHeader::ReferenceToken, "Reference-Token", "abc"),
        ] {
            assert_eq!(
                (header.name(), bearer.header_value(header).unwrap().expose()),
                (name, value)
            );
            let winkas = Token::new(TokenKind::Winkas, "abc");
            assert_eq!(winkas.header_value(header).unwrap_err().kind(), ErrorKind::Config);
        }
    }

    #[test]
    fn a_token_that_a_header_cannot_carry_is_not_presented() {
        let token = Token::new(TokenKind::Bearer, "canary\n");
        for error in [token.authorization().unwrap_err(), token.reference_token().unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }
}
