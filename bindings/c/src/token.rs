//! A token to use.

use std::{ffi::c_char, ptr};

use tokenlease::core::{Token, TokenKind};
use zeroize::Zeroizing;

use crate::boundary::free;

/// A token. It never changes: threads may read it together. Whoever got it frees it with
/// tokenlease_token_free, which overwrites its text.
pub struct tokenlease_token {
    token: Token,
    /// For C, with a NUL at its end.
    text: Zeroizing<Box<[u8]>>,
}

/// How a token is presented to an API.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_token_kind {
    /// None: the answer for NULL.
    TOKENLEASE_KIND_NONE = 0,
    /// In the field "Token" of a JSON body (WinKAS Air).
    TOKENLEASE_KIND_WINKAS = 1,
    /// In the header "Authorization: Bearer" (RFC 6750).
    TOKENLEASE_KIND_BEARER = 2,
}

/// The token's text: a secret, so it belongs in no log. It lives as long as the token. NULL for
/// NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_text(token: Option<&tokenlease_token>) -> *const c_char {
    token.map_or(ptr::null(), |token| token.text.as_ptr().cast())
}

/// The length of the text in bytes, without the NUL at its end. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_length(token: Option<&tokenlease_token>) -> usize {
    token.map_or(0, |token| token.token.expose().len())
}

/// How it is presented to an API.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_kind_of(
    token: Option<&tokenlease_token>,
) -> tokenlease_token_kind {
    match token.map(|token| token.token.kind()) {
        Some(TokenKind::Winkas) => tokenlease_token_kind::TOKENLEASE_KIND_WINKAS,
        Some(TokenKind::Bearer) => tokenlease_token_kind::TOKENLEASE_KIND_BEARER,
        // A kind that this library does not know can't be presented by its callers.
        Some(_) | None => tokenlease_token_kind::TOKENLEASE_KIND_NONE,
    }
}

/// Frees a token, and overwrites its text. It ends no token at the provider. Nothing for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_free(token: Option<Box<tokenlease_token>>) {
    free(token);
}

impl tokenlease_token {
    pub(crate) fn new(token: Token) -> Self {
        // In one go: a vector that grows leaves copies behind.
        let text = [token.expose().as_bytes(), &[0]].concat();
        Self { token, text: Zeroizing::new(text.into_boxed_slice()) }
    }

    pub(crate) fn inner(&self) -> &Token {
        &self.token
    }
}
