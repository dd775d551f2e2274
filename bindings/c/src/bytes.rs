//! Arguments that are bytes, not texts.

use std::{ffi::c_void, slice};

use crate::error::tokenlease_error;

/// Returns the bytes of an argument. NULL is an error, unless the length is 0.
///
/// # Safety
/// The pointer is NULL, or points to `length` bytes that nothing writes to while the returned ones are
/// used.
pub(crate) unsafe fn bytes<'a>(
    argument: *const c_void,
    length: usize,
    name: &str,
) -> Result<&'a [u8], Box<tokenlease_error>> {
    if length == 0 {
        return Ok(&[]);
    }
    if argument.is_null() {
        let detail = format!("the argument {name} is NULL");
        return Err(tokenlease_error::bad_argument(&detail, "a pointer, or the length 0"));
    }
    if isize::try_from(length).is_err() {
        let detail = format!("the length of the argument {name} is {length}");
        return Err(tokenlease_error::bad_argument(&detail, "the length in bytes"));
    }
    // SAFETY: it is not NULL, and no object is longer than this; the caller guarantees the rest.
    Ok(unsafe { slice::from_raw_parts(argument.cast(), length) })
}
