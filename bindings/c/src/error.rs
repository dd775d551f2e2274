//! The details of a failed call.

use std::{
    ffi::{CString, c_char},
    ptr,
    time::Duration,
};

use tokenlease::Error;

use crate::{constants::TOKENLEASE_NONE, status::tokenlease_status};

/// The details of a failed call. It contains no secret, so it may be logged. It is immutable:
/// threads may read it concurrently. The caller frees it with tokenlease_error_free.
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

/// Returns the status that the failed call returned. TOKENLEASE_OK for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_status(error: Option<&tokenlease_error>) -> tokenlease_status {
    error.map_or(tokenlease_status::TOKENLEASE_OK, |error| error.status)
}

/// Returns the whole message: what was wrong, what was expected, what to do. The string is valid
/// until the error is freed. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_message(error: Option<&tokenlease_error>) -> *const c_char {
    error.map_or(ptr::null(), |error| error.message.as_ptr())
}

/// Returns only what was wrong. The string is valid until the error is freed. NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_detail(error: Option<&tokenlease_error>) -> *const c_char {
    error.map_or(ptr::null(), |error| error.detail.as_ptr())
}

/// Returns the provider's error code: "error" of RFC 6749 section 5.2, or "WinkasErrorCode". The
/// string is valid until the error is freed. NULL if the provider gave no code, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_code(error: Option<&tokenlease_error>) -> *const c_char {
    let code = error.and_then(|error| error.code.as_ref());
    code.map_or(ptr::null(), |code| code.as_ptr())
}

/// Returns the HTTP status of the provider's response. 0 if no response was read, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_http_status(error: Option<&tokenlease_error>) -> i32 {
    error.map_or(0, |error| error.http_status)
}

/// Returns whether the same call may succeed later without a change. false for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_is_retryable(error: Option<&tokenlease_error>) -> bool {
    error.is_some_and(|error| error.retryable)
}

/// Returns the wait that the provider asked for in Retry-After (RFC 9110 section 10.2.3), in
/// milliseconds. TOKENLEASE_NONE if it asked for none, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_retry_after_ms(error: Option<&tokenlease_error>) -> i64 {
    error.map_or(TOKENLEASE_NONE, |error| error.retry_after)
}

/// Returns the time before which a retry fails with the same error, in milliseconds since
/// 1970-01-01T00:00:00Z. TOKENLEASE_NONE if it is not known, and for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_until_ms(error: Option<&tokenlease_error>) -> i64 {
    error.map_or(TOKENLEASE_NONE, |error| error.until)
}

/// Frees an error. Freeing NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_error_free(error: Option<Box<tokenlease_error>>) {
    drop(error);
}

impl tokenlease_error {
    /// Returns the error for an invalid argument.
    pub(crate) fn bad_argument(detail: &str, expected: &str) -> Box<Self> {
        let message = format!("bad argument: {detail}; expected {expected}");
        Self::of_call(tokenlease_status::TOKENLEASE_BAD_ARGUMENT, detail, message)
    }

    /// Returns the error for a buffer that cannot hold the text and its NUL.
    pub(crate) fn too_small(capacity: usize, needed: usize) -> Box<Self> {
        let detail = format!("the buffer holds {capacity} bytes");
        let message = format!("buffer too small: {detail}; expected at least {needed}");
        Self::of_call(tokenlease_status::TOKENLEASE_BUFFER_TOO_SMALL, &detail, message)
    }

    /// Returns the error for a function of the program that failed with this result.
    pub(crate) fn call_failed(result: i32) -> Box<Self> {
        let detail = format!("the function that calls the API failed ({result})");
        let message = format!("call failed: {detail}; expected it to return 0");
        Self::of_call(tokenlease_status::TOKENLEASE_CALL_FAILED, &detail, message)
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

/// Converts a text for C. NUL characters inside are replaced, because they would end the string.
pub(crate) fn c_text(text: impl Into<String>) -> CString {
    CString::new(text.into().replace('\0', "\u{fffd}")).unwrap_or_default()
}
