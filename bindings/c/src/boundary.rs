//! What every call does first and last: it looks at its arguments before it uses them, writes its
//! outputs on success alone, and lets no panic out.

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

/// Runs a call's body, and hands over what went wrong to who wants to know it.
pub(crate) fn guard(
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
    body: impl FnOnce() -> Result<(), Box<tokenlease_error>>,
) -> tokenlease_status {
    // A client's steps leave it whole wherever they end, so it may be used on after a panic.
    let failure = match panic::catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return tokenlease_status::TOKENLEASE_OK,
        Ok(Err(failure)) => failure,
        Err(_) => Error::new(ErrorKind::Internal, "a call panicked")
            .advice("look for the panic on standard error, and report it")
            .into(),
    };
    let status = failure.status();
    if let Some(error) = error {
        error.write(Box::into_raw(failure));
    }
    status
}

/// Frees something, and lets no panic out.
pub(crate) fn free<T>(owned: Option<Box<T>>) {
    // Who frees has nobody to tell.
    let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(owned)));
}

/// An argument that must not be NULL.
pub(crate) fn given<T>(argument: Option<T>, name: &str) -> Result<T, Box<tokenlease_error>> {
    argument.ok_or_else(|| null(name))
}

/// Hands a value over, to be freed by the caller.
pub(crate) fn hand_over<T>(output: &mut MaybeUninit<*mut T>, value: T) {
    output.write(Box::into_raw(Box::new(value)));
}

/// The text of an argument.
///
/// # Safety
/// It is NULL, or ends with a NUL and is not written to for as long as the text is used.
pub(crate) unsafe fn text<'a>(
    argument: *const c_char,
    name: &str,
) -> Result<&'a str, Box<tokenlease_error>> {
    if argument.is_null() {
        return Err(null(name));
    }
    // SAFETY: it is not NULL, and the caller vouches for the rest.
    unsafe { CStr::from_ptr(argument) }.to_str().map_err(|wrong| {
        let detail =
            format!("the argument {name} is no UTF-8 from byte {} on", wrong.valid_up_to());
        tokenlease_error::bad_argument(&detail, "text in UTF-8 that ends with a NUL")
    })
}

/// A time of an argument; `None` if the default shall apply.
pub(crate) fn millis(argument: i64, name: &str) -> Result<Option<Duration>, Box<tokenlease_error>> {
    if argument == TOKENLEASE_NONE {
        return Ok(None);
    }
    u64::try_from(argument).map(|millis| Some(Duration::from_millis(millis))).map_err(|_| {
        let detail = format!("the argument {name} is {argument}");
        tokenlease_error::bad_argument(&detail, "milliseconds from 0 on, or TOKENLEASE_NONE")
    })
}

/// Copies a text and a NUL into the caller's buffer; the length is told also where it is too small.
///
/// # Safety
/// The buffer is NULL, or that many bytes of it may be written to.
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
    // SAFETY: there is room for the text and one byte more, and a buffer that the caller lets be
    // written to does not overlap a text that is ours.
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

    #[test]
    fn a_panic_is_an_internal_error_and_does_not_get_out() {
        let mut error = MaybeUninit::uninit();
        let status = guard(Some(&mut error), || panic!("on purpose"));
        assert_eq!(status, tokenlease_status::TOKENLEASE_INTERNAL);
        // SAFETY: a call that fails writes its error, which is its caller's then.
        let error = unsafe { Box::from_raw(error.assume_init()) };
        assert_eq!(error.status(), status);
        assert_eq!(guard(None, || panic!("on purpose")), status);
    }

    #[test]
    fn a_panic_while_something_is_freed_does_not_get_out() {
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                panic!("on purpose");
            }
        }
        free(Some(Box::new(Panics)));
    }
}
