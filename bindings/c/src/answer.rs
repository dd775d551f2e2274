//! The answer to a request that the host program sent.

use std::{
    ffi::{c_char, c_void},
    mem::size_of,
    ptr,
};

use tokenlease::hosted::Answer;

use crate::{
    boundary::{SizedOptions, bytes, sized, text},
    constants::TOKENLEASE_NUL_TERMINATED,
    error::tokenlease_error,
};

/// The answer to a request. Begin with TOKENLEASE_ANSWER_INIT, then set fields. In a language without
/// this macro, set size to the size of the struct, and the other fields to 0. Later versions add fields
/// at the end. The library copies what it needs.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenlease_answer {
    /// The size of the struct in bytes.
    pub size: usize,
    /// The HTTP status, from 100 to 999.
    pub status: i32,
    /// The lines of the head as the server sent them, "Name: value", with any line ends. A line such
    /// as "HTTP/1.1 200 OK" begins a head, and the last of several heads counts. May be NULL, but then
    /// no Retry-After is obeyed.
    pub headers: *const c_char,
    /// The length of headers in bytes.
    pub headers_length: usize,
    /// The bytes of the body, as they arrived. Those of gzip and deflate are decompressed. NULL if
    /// there is none.
    pub body: *const c_void,
    /// The length of the body in bytes. Bytes after the first MiB make the answer unusable.
    pub body_length: usize,
    /// NULL if the body is complete. If it broke off, a NUL-terminated text that says how: what arrived
    /// is used if it is a whole JSON object.
    pub broke_off: *const c_char,
}

// SAFETY: it is `#[repr(C)]`, begins with its size, and has only integers and raw pointers.
unsafe impl SizedOptions for tokenlease_answer {
    const DEFAULT: Self = Self {
        size: size_of::<Self>(),
        status: 0,
        headers: ptr::null(),
        headers_length: 0,
        body: ptr::null(),
        body_length: 0,
        broke_off: ptr::null(),
    };
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Reads a caller's answer.
///
/// # Safety
/// The pointer is NULL, or points to an answer whose pointers are NULL or valid for reads of their
/// lengths, and which nothing changes while the returned one is used.
pub(crate) unsafe fn answer<'a>(
    argument: *const tokenlease_answer,
) -> Result<Answer<'a>, Box<tokenlease_error>> {
    if argument.is_null() {
        return Err(tokenlease_error::bad_argument("the argument answer is NULL", "a pointer"));
    }
    // SAFETY: the caller guarantees it.
    let read = unsafe { sized(argument, "answer") }?;
    let Some(status) = u16::try_from(read.status).ok().filter(|status| (100..1000).contains(status))
    else {
        let detail = format!("the field status of the argument answer is {}", read.status);
        return Err(tokenlease_error::bad_argument(&detail, "an HTTP status from 100 to 999"));
    };
    // SAFETY: the caller guarantees it.
    let (headers, body) = unsafe {
        (
            bytes(read.headers.cast(), read.headers_length, "answer.headers")?,
            bytes(read.body, read.body_length, "answer.body")?,
        )
    };
    let answer = Answer::new(status, headers, body);
    if read.broke_off.is_null() {
        return Ok(answer);
    }
    // SAFETY: the caller guarantees it.
    let how = unsafe { text(read.broke_off, TOKENLEASE_NUL_TERMINATED, "answer.broke_off") }?;
    Ok(answer.broke_off(how))
}
