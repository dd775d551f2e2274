//! The first and last steps of every call: it checks its arguments before it uses them, writes its
//! outputs only on success, and catches panics.

use std::{
    ffi::{CStr, c_char},
    mem::MaybeUninit,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use tokenlease::{Error, ErrorKind};

use crate::{
    error::{TOKENLEASE_NONE, tokenlease_error},
    status::tokenlease_status,
};

/// Runs a call's body, catches its panics, and returns its status. On failure it writes the error,
/// if the caller passed a place for one.
pub(crate) fn guard(
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
    body: impl FnOnce() -> Result<(), Box<tokenlease_error>>,
) -> tokenlease_status {
    // Each step of a client leaves it consistent wherever it ends, so a client remains usable after
    // a panic.
    let failure = match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return tokenlease_status::TOKENLEASE_OK,
        Ok(Err(failure)) => failure,
        Err(_) => Error::new(ErrorKind::Internal, "a call panicked")
            .advice("find the panic message on standard error, and report it")
            .into(),
    };
    let status = failure.status();
    if let Some(error) = error {
        error.write(Box::into_raw(failure));
    }
    status
}

/// Frees a value, and catches panics.
pub(crate) fn free<T>(owned: Option<Box<T>>) {
    // A function that frees has no status to return.
    let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(owned)));
}

/// Returns an argument, or an error if it is NULL.
pub(crate) fn required<T>(argument: Option<T>, name: &str) -> Result<T, Box<tokenlease_error>> {
    argument.ok_or_else(|| null(name))
}

/// Writes a new handle to an output parameter; the caller frees it.
pub(crate) fn hand_over<T>(output: &mut MaybeUninit<*mut T>, value: T) {
    output.write(Box::into_raw(Box::new(value)));
}

/// Returns a string argument, or an error if it is NULL or not valid UTF-8.
///
/// # Safety
/// The pointer is NULL, or points to a NUL-terminated string that nothing writes to while the
/// returned text is used.
pub(crate) unsafe fn text<'a>(
    argument: *const c_char,
    name: &str,
) -> Result<&'a str, Box<tokenlease_error>> {
    if argument.is_null() {
        return Err(null(name));
    }
    // SAFETY: it is not NULL; the caller guarantees the rest.
    unsafe { CStr::from_ptr(argument) }.to_str().map_err(|wrong| {
        let detail =
            format!("the argument {name} is not valid UTF-8 from byte {} on", wrong.valid_up_to());
        tokenlease_error::bad_argument(&detail, "a NUL-terminated string in UTF-8")
    })
}

/// Returns a time argument in milliseconds; `None` for `TOKENLEASE_NONE`, which selects the
/// default.
pub(crate) fn millis(argument: i64, name: &str) -> Result<Option<Duration>, Box<tokenlease_error>> {
    if argument == TOKENLEASE_NONE {
        return Ok(None);
    }
    u64::try_from(argument).map(|millis| Some(Duration::from_millis(millis))).map_err(|_| {
        let detail = format!("the argument {name} is {argument}");
        tokenlease_error::bad_argument(&detail, "0 or more milliseconds, or TOKENLEASE_NONE")
    })
}

/// Copies a text and a NUL into the caller's buffer. Writes the length of the text even if the
/// buffer is too small.
///
/// # Safety
/// The buffer is NULL, or valid for writes of `capacity` bytes.
pub(crate) unsafe fn copy(
    text: &str,
    buffer: *mut c_char,
    capacity: usize,
    length: &mut MaybeUninit<usize>,
) -> Result<(), Box<tokenlease_error>> {
    length.write(text.len());
    if capacity <= text.len() {
        return Err(tokenlease_error::too_small(capacity, text.len() + 1));
    }
    if buffer.is_null() {
        return Err(null("buffer"));
    }
    // SAFETY: the buffer has room for the text and one more byte, and a buffer that the caller may
    // write to does not overlap a text that the library owns.
    unsafe {
        buffer.copy_from_nonoverlapping(text.as_ptr().cast(), text.len());
        buffer.add(text.len()).write(0);
    }
    Ok(())
}

fn null(name: &str) -> Box<tokenlease_error> {
    tokenlease_error::bad_argument(&format!("the argument {name} is NULL"), "a pointer")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule: Languages: a panic in a C call becomes `TOKENLEASE_INTERNAL` and does not end the program.
    #[test]
    fn a_panic_becomes_an_internal_error() {
        let mut error = MaybeUninit::uninit();
        let status = guard(Some(&mut error), || panic!("on purpose"));
        assert_eq!(status, tokenlease_status::TOKENLEASE_INTERNAL);
        // SAFETY: a call that fails writes its error, and its caller then owns it.
        let error = unsafe { Box::from_raw(error.assume_init()) };
        assert_eq!(error.status(), status);
        assert_eq!(guard(None, || panic!("on purpose")), status);
    }

    #[test]
    fn a_panic_while_a_handle_is_freed_is_caught() {
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                panic!("on purpose");
            }
        }
        free(Some(Box::new(Panics)));
    }
}
