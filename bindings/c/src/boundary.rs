//! The first and last steps of every call: it checks its arguments before it uses them, writes its
//! outputs only on success, and catches panics.

use std::{
    ffi::{CStr, c_char},
    mem::{MaybeUninit, size_of},
    panic::{self, AssertUnwindSafe},
    ptr, slice,
    time::Duration,
};

use tokenlease::{Error, ErrorKind};

use crate::{
    constants::{TOKENLEASE_NONE, TOKENLEASE_NUL_TERMINATED},
    error::tokenlease_error,
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

/// Returns a text argument. It is an error if the text is NULL, not valid UTF-8, or contains a NUL.
///
/// The other languages accept a NUL in a text. In C it shows a wrong length, such as one that
/// counts the terminating NUL: a password with such a tail would be sent, be rejected, and count
/// towards a lockout of the account.
///
/// # Safety
/// The pointer is NULL, or points to `length` bytes, or to a NUL-terminated string if `length` is
/// `TOKENLEASE_NUL_TERMINATED`. Nothing writes to the text while the returned one is used.
pub(crate) unsafe fn text<'a>(
    argument: *const c_char,
    length: usize,
    name: &str,
) -> Result<&'a str, Box<tokenlease_error>> {
    if argument.is_null() {
        return Err(null(name));
    }
    let bytes = if length == TOKENLEASE_NUL_TERMINATED {
        // SAFETY: it is not NULL; the caller guarantees the rest.
        unsafe { CStr::from_ptr(argument) }.to_bytes()
    } else if isize::try_from(length).is_err() {
        let detail = format!("the argument {name}_length is {length}");
        let expected = "the length in bytes, or TOKENLEASE_NUL_TERMINATED";
        return Err(tokenlease_error::bad_argument(&detail, expected));
    } else {
        // SAFETY: it is not NULL, and no object is longer than this; the caller guarantees the rest.
        unsafe { slice::from_raw_parts(argument.cast(), length) }
    };
    let text = str::from_utf8(bytes).map_err(|wrong| {
        let detail =
            format!("the argument {name} is not valid UTF-8 from byte {} on", wrong.valid_up_to());
        tokenlease_error::bad_argument(&detail, "a text in UTF-8")
    })?;
    if let Some(at) = text.find('\0') {
        let detail = format!("the argument {name} has a NUL at byte {at}");
        return Err(tokenlease_error::bad_argument(&detail, "a length that does not count a NUL"));
    }
    Ok(text)
}

/// A struct of options, which later versions extend at its end.
///
/// # Safety
/// The type is `#[repr(C)]`, its first field is its `size: usize`, and any bytes are valid values
/// of its fields.
pub(crate) unsafe trait SizedOptions: Copy {
    /// The options of a caller that sets none.
    const DEFAULT: Self;
    /// The size of the struct in the first version that had it.
    const FIRST_SIZE: usize;
}

/// Returns a struct of options: the caller's fields, and the defaults of those that the caller's
/// header does not have. NULL selects the defaults.
///
/// # Safety
/// The pointer is NULL, or points to a struct of the size that its first field says.
pub(crate) unsafe fn sized<T: SizedOptions>(
    argument: *const T,
    name: &str,
) -> Result<T, Box<tokenlease_error>> {
    if argument.is_null() {
        return Ok(T::DEFAULT);
    }
    // SAFETY: it is not NULL, and each such struct begins with its size.
    let size = unsafe { argument.cast::<usize>().read_unaligned() };
    if size < T::FIRST_SIZE || size > size_of::<T>() {
        let detail = format!("the field size of the argument {name} is {size}");
        let known = format!(
            "the size of the struct, from {} to {}, and a library at least as new as the header",
            T::FIRST_SIZE,
            size_of::<T>()
        );
        return Err(tokenlease_error::bad_argument(&detail, &known));
    }
    let mut options = T::DEFAULT;
    // SAFETY: the caller's struct has `size` bytes, `options` has at least as many, and any bytes
    // are valid values.
    unsafe {
        ptr::copy_nonoverlapping(argument.cast::<u8>(), (&raw mut options).cast::<u8>(), size);
    }
    Ok(options)
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

/// Checks the arguments of a buffer, before the call does anything else.
pub(crate) fn check_buffer(
    buffer: *const c_char,
    capacity: usize,
) -> Result<(), Box<tokenlease_error>> {
    if buffer.is_null() && capacity > 0 { Err(null("buffer")) } else { Ok(()) }
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
