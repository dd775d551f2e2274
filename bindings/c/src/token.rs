//! A token.

use std::{ffi::c_char, ptr, sync::OnceLock};

use tokenlease::{
    TokenFacts,
    blocking::Client,
    core::{Secret, Token, TokenKind, provider::TokenHeader},
};
use zeroize::Zeroizing;

use crate::boundary::free;

/// A token. It is immutable: threads may read it concurrently. The caller frees it with
/// tokenlease_token_free, which overwrites its text.
pub struct tokenlease_token {
    token: Token,
    /// The text of the token, NUL-terminated for C.
    text: Zeroizing<Box<[u8]>>,
    /// Made when they are read.
    authorization: OnceLock<Option<Zeroizing<Box<[u8]>>>>,
    header_value: OnceLock<Option<Zeroizing<Box<[u8]>>>>,
    json_field: OnceLock<Option<Zeroizing<Box<[u8]>>>>,
    /// The header in which the server's API takes the token.
    header: TokenHeader,
    /// The facts, if the client that made the handle used the token.
    pub(crate) facts: Option<TokenFacts>,
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

/// Returns the value of the header "Authorization": "Bearer " and the text. It is a secret. The string
/// is valid until the token is freed. NULL for a token that does not go into a header (WinKAS Air), and
/// for NULL. tokenlease_token_header_value is the value of the header that the option "token_header"
/// names.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_authorization(
    token: Option<&tokenlease_token>,
) -> *const c_char {
    string(token.map(|token| {
        token
            .authorization
            .get_or_init(|| token.token.authorization().ok().as_ref().map(terminated))
    }))
}

/// Returns the name of the header in which the server's API takes the token: that of the option
/// "token_header", "Authorization" or "Reference-Token". The string is static. NULL for a token that does
/// not go into a header (WinKAS Air), and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_header_name(token: Option<&tokenlease_token>) -> *const c_char {
    let token = token.filter(|token| token.token.kind() == TokenKind::Bearer);
    token.map_or(ptr::null(), |token| match token.header {
        TokenHeader::ReferenceToken => c"Reference-Token".as_ptr(),
        _ => c"Authorization".as_ptr(),
    })
}

/// Returns the value of the header that tokenlease_token_header_name names. It is a secret. The string is
/// valid until the token is freed. NULL for a token that does not go into a header (WinKAS Air), and for
/// NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_header_value(token: Option<&tokenlease_token>) -> *const c_char {
    string(token.map(|token| {
        let value = || token.token.header_value(token.header).ok().as_ref().map(terminated);
        token.header_value.get_or_init(value)
    }))
}

/// Returns the member of a JSON body in which WinKAS Air expects the token in every call, escaped:
/// "Token":"...". It is a secret. The string is valid until the token is freed. NULL for any other
/// token, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_json_field(token: Option<&tokenlease_token>) -> *const c_char {
    string(token.map(|token| {
        token.json_field.get_or_init(|| token.token.json_field().ok().as_ref().map(terminated))
    }))
}

/// Overwrites the text of a token and frees it. It does not revoke the token. Freeing NULL is a
/// no-op.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_token_free(token: Option<Box<tokenlease_token>>) {
    free(token);
}

impl tokenlease_token {
    /// Makes the handle of a token that a client returned.
    pub(crate) fn of(client: &Client, token: Token) -> Self {
        let facts = client.facts(&token);
        Self { facts, ..Self::new(token, client.token_header()) }
    }

    /// Makes the handle of a token of which no client knows the facts.
    pub(crate) fn new(token: Token, header: TokenHeader) -> Self {
        // In one allocation: a vector that grows leaves copies of the secret behind.
        let text = [token.expose().as_bytes(), &[0]].concat();
        Self {
            token,
            text: Zeroizing::new(text.into_boxed_slice()),
            authorization: OnceLock::new(),
            header_value: OnceLock::new(),
            json_field: OnceLock::new(),
            header,
            facts: None,
        }
    }

    pub(crate) fn inner(&self) -> &Token {
        &self.token
    }
}

/// Returns a secret as C reads it.
fn terminated(secret: &Secret) -> Zeroizing<Box<[u8]>> {
    let text = [secret.expose().as_bytes(), &[0]].concat();
    Zeroizing::new(text.into_boxed_slice())
}

fn string(text: Option<&Option<Zeroizing<Box<[u8]>>>>) -> *const c_char {
    text.and_then(Option::as_ref).map_or(ptr::null(), |text| text.as_ptr().cast())
}
