//! A token.

use std::{ffi::c_char, ptr};

use tokenlease::core::{Token, TokenKind};
use zeroize::Zeroizing;

use crate::boundary::free;

/// A token. It is immutable: threads may read it concurrently. The caller frees it with
/// tokenlease_token_free, which overwrites its text.
pub struct tokenlease_token {
    token: Token,
    /// The text of the token, NUL-terminated for C.
    text: Zeroizing<Box<[u8]>>,
}

/// How a token is presented to an API.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_kind {
    /// The result for NULL.
    TOKENLEASE_KIND_NONE = 0,
    /// In the field "Token" of the JSON body (WinKAS Air).
    TOKENLEASE_KIND_WINKAS = 1,
    /// In the header "Authorization: Bearer" (RFC 6750).
    TOKENLEASE_KIND_BEARER = 2,
}

/// Returns the token's text. It is a secret: do not log it. The string is valid until the token is
/// freed. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_text(token: Option<&tokenlease_token>) -> *const c_char {
    token.map_or(ptr::null(), |token| token.text.as_ptr().cast())
}

/// Returns the length of the text in bytes, without the terminating NUL. 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_length(token: Option<&tokenlease_token>) -> usize {
    token.map_or(0, |token| token.token.expose().len())
}

/// Returns how the token is presented to an API. TOKENLEASE_KIND_NONE for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_kind(token: Option<&tokenlease_token>) -> tokenlease_kind {
    match token.map(|token| token.token.kind()) {
        Some(TokenKind::Winkas) => tokenlease_kind::TOKENLEASE_KIND_WINKAS,
        Some(TokenKind::Bearer) => tokenlease_kind::TOKENLEASE_KIND_BEARER,
        // No caller could present a token of a kind that this library does not know.
        Some(_) | None => tokenlease_kind::TOKENLEASE_KIND_NONE,
    }
}

/// Overwrites the text of a token and frees it. It does not revoke the token. Freeing NULL is a
/// no-op.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_free(token: Option<Box<tokenlease_token>>) {
    free(token);
}

impl tokenlease_token {
    pub(crate) fn new(token: Token) -> Self {
        // In one allocation: a vector that grows leaves copies of the secret behind.
        let text = [token.expose().as_bytes(), &[0]].concat();
        Self { token, text: Zeroizing::new(text.into_boxed_slice()) }
    }

    pub(crate) fn inner(&self) -> &Token {
        &self.token
    }
}
