//! What went wrong, for callers that want more than a status.

use std::{
    ffi::{CString, c_char},
    ptr,
    time::Duration,
};

use tokenlease::Error;

use crate::status::tokenlease_status;

/// No time, and no wish of one: what is answered where a time is not known, and given where the
/// default shall apply.
pub const TOKENLEASE_NONE: i64 = -1;

/// What went wrong. It holds no secret, so it may be logged. It never changes: threads may read it
/// together. Whoever got it frees it with tokenlease_error_free.
pub struct tokenlease_error {
    status: tokenlease_status,
    message: CString,
    detail: CString,
    code: Option<CString>,
    http_status: i32,
    retryable: bool,
    retry_after: i64,
    until: i64,
}

/// The same status as the call's. TOKENLEASE_OK for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_status(error: Option<&tokenlease_error>) -> tokenlease_status {
    error.map_or(tokenlease_status::TOKENLEASE_OK, |error| error.status)
}

/// All of it in words: what was wrong, what was expected, what to do. It lives as long as the
/// error. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_message(error: Option<&tokenlease_error>) -> *const c_char {
    error.map_or(ptr::null(), |error| error.message.as_ptr())
}

/// What was wrong, alone. It lives as long as the error. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_detail(error: Option<&tokenlease_error>) -> *const c_char {
    error.map_or(ptr::null(), |error| error.detail.as_ptr())
}

/// The provider's own error code, RFC 6749 "error" or WinKAS' "WinkasErrorCode". It lives as long as
/// the error. NULL if the provider gave none, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_code(error: Option<&tokenlease_error>) -> *const c_char {
    let code = error.and_then(|error| error.code.as_ref());
    code.map_or(ptr::null(), |code| code.as_ptr())
}

/// The HTTP status of the provider's answer. 0 if none was read, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_http_status(error: Option<&tokenlease_error>) -> i32 {
    error.map_or(0, |error| error.http_status)
}

/// Whether the same call may succeed later without anything being changed. false for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_is_retryable(error: Option<&tokenlease_error>) -> bool {
    error.is_some_and(|error| error.retryable)
}

/// The wait that the provider asked for (Retry-After), in milliseconds. TOKENLEASE_NONE if it did
/// not, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_retry_after_ms(error: Option<&tokenlease_error>) -> i64 {
    error.map_or(TOKENLEASE_NONE, |error| error.retry_after)
}

/// The moment before which the answer will not change, in milliseconds since
/// 1970-01-01T00:00:00Z. TOKENLEASE_NONE if it is not known, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_until_ms(error: Option<&tokenlease_error>) -> i64 {
    error.map_or(TOKENLEASE_NONE, |error| error.until)
}

/// Frees an error. Nothing for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_free(error: Option<Box<tokenlease_error>>) {
    drop(error);
}

impl tokenlease_error {
    /// An argument that can't be taken.
    pub(crate) fn bad_argument(detail: &str, expected: &str) -> Box<Self> {
        let message = format!("bad argument: {detail}; expected {expected}");
        Self::of_call(tokenlease_status::TOKENLEASE_BAD_ARGUMENT, detail, message)
    }

    /// A buffer that can't hold the text and its NUL.
    pub(crate) fn too_small(capacity: usize, needed: usize) -> Box<Self> {
        let detail = format!("the buffer holds {capacity} bytes");
        let message = format!("buffer too small: {detail}; expected {needed} at least");
        Self::of_call(tokenlease_status::TOKENLEASE_BUFFER_TOO_SMALL, &detail, message)
    }

    fn of_call(status: tokenlease_status, detail: &str, message: String) -> Box<Self> {
        Box::new(Self {
            status,
            message: c_text(message),
            detail: c_text(detail),
            code: None,
            http_status: 0,
            retryable: false,
            retry_after: TOKENLEASE_NONE,
            until: TOKENLEASE_NONE,
        })
    }

    pub(crate) fn status(&self) -> tokenlease_status {
        self.status
    }
}

impl From<Error> for Box<tokenlease_error> {
    fn from(error: Error) -> Self {
        Self::new(tokenlease_error {
            status: error.kind().into(),
            message: c_text(error.to_string()),
            detail: c_text(error.detail()),
            code: error.code().map(c_text),
            http_status: error.status().map_or(0, i32::from),
            retryable: error.is_retryable(),
            retry_after: error.retry_after().map_or(TOKENLEASE_NONE, millis),
            until: error.until().map_or(TOKENLEASE_NONE, |until| until.0.max(0)),
        })
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A text for C, which would see its end at a NUL inside.
fn c_text(text: impl Into<String>) -> CString {
    CString::new(text.into().replace('\0', "\u{fffd}")).unwrap_or_default()
}
