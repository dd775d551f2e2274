//! The answer to a request that the host program sent.

use std::{
    ffi::{c_char, c_void},
    mem::{MaybeUninit, size_of},
    ptr,
};

use tokenlease::{Error, ErrorKind, core::machine::Outcome, hosted::Answer};

use crate::{
    boundary::{SizedOptions, guard, required, sized, text},
    bytes::bytes,
    constants::TOKENLEASE_NUL_TERMINATED,
    effect::{tokenlease_action::TOKENLEASE_ACTION_SEND, tokenlease_effect},
    error::tokenlease_error,
    outcome::give,
    status::tokenlease_status,
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

/// Returns the server's answer to a request. Every status is an answer, also 401, 407 and 503.
///
/// Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL. An answer that is an
/// error is no error of this call: the machine learns of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_effect_answered(
    effect: Option<&mut tokenlease_effect>,
    answer: *const tokenlease_answer,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let effect = required(effect, "effect")?;
        // SAFETY: the caller passes an answer whose pointers are valid for their lengths.
        let answer = unsafe { read(answer) }?;
        let taken = effect.take(&[TOKENLEASE_ACTION_SEND])?;
        Ok(effect.client().answered(taken, answer)?)
    })
}

/// Says that the request cannot have reached the server: there was no connection, or no byte of it was
/// written. Sending it again costs no second login. The message appears in errors; secrets of the
/// request that it quotes are redacted.
///
/// Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_effect_not_sent(
    effect: Option<&mut tokenlease_effect>,
    message: *const c_char,
    message_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    // SAFETY: the caller passes a text with its length.
    unsafe { failed(effect, message, message_length, Outcome::NotSent, error) }
}

/// Says that the request may have reached the server, and no answer came: a timeout, or a connection
/// that ended. The login may have been made, so the machine backs off before it sends another one. Use
/// this instead of tokenlease_effect_not_sent if that is not certain. The message appears in errors;
/// secrets of the request that it quotes are redacted.
///
/// Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_effect_lost(
    effect: Option<&mut tokenlease_effect>,
    message: *const c_char,
    message_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    // SAFETY: the caller passes a text with its length.
    unsafe { failed(effect, message, message_length, Outcome::Lost, error) }
}

/// Reads a caller's answer.
///
/// # Safety
/// The pointer is NULL, or points to an answer whose pointers are NULL or valid for reads of their
/// lengths, and which nothing changes while the returned one is used.
pub(crate) unsafe fn read<'a>(
    argument: *const tokenlease_answer,
) -> Result<Answer<'a>, Box<tokenlease_error>> {
    if argument.is_null() {
        return Err(tokenlease_error::bad_argument("the argument answer is NULL", "a pointer"));
    }
    // SAFETY: the caller guarantees it.
    let given = unsafe { sized(argument, "answer") }?;
    let Some(status) =
        u16::try_from(given.status).ok().filter(|status| (100..1000).contains(status))
    else {
        let detail = format!("the field status of the argument answer is {}", given.status);
        return Err(tokenlease_error::bad_argument(&detail, "an HTTP status from 100 to 999"));
    };
    // SAFETY: the caller guarantees it.
    let (headers, body) = unsafe {
        (
            bytes(given.headers.cast(), given.headers_length, "answer.headers")?,
            bytes(given.body, given.body_length, "answer.body")?,
        )
    };
    let answer = Answer::new(status, headers, body);
    if given.broke_off.is_null() {
        return Ok(answer);
    }
    // SAFETY: the caller guarantees it.
    let how = unsafe { text(given.broke_off, TOKENLEASE_NUL_TERMINATED, "answer.broke_off") }?;
    Ok(answer.broke_off(how))
}

/// Returns a request with the error of the host's HTTP library.
///
/// # Safety
/// As for [`text`].
unsafe fn failed(
    effect: Option<&mut tokenlease_effect>,
    message: *const c_char,
    length: usize,
    outcome: fn(Error) -> Outcome<'static>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller guarantees it.
        let message = unsafe { text(message, length, "message") }?;
        let failed = Error::new(ErrorKind::Transport, message.to_owned())
            .advice("check the network, and the settings of the program's HTTP library");
        give(effect, &[TOKENLEASE_ACTION_SEND], outcome(failed))
    })
}
