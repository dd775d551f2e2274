//! The state of a client in words, and its counters.

use std::{ffi::c_char, mem::MaybeUninit};

use crate::{
    boundary::{check_buffer, copy, guard, required},
    client::tokenlease_client,
    error::tokenlease_error,
    status::tokenlease_status,
};

/// Describes the current token in words, without the secret: its state and the source it came from.
/// Writes into a buffer like tokenlease_client_copy_token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_explain(
    client: Option<&tokenlease_client>,
    buffer: *mut c_char,
    capacity: usize,
    length: Option<&mut MaybeUninit<usize>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, length) = (required(client, "client")?, required(length, "length")?);
        check_buffer(buffer, capacity)?;
        // SAFETY: the caller passes a buffer of `capacity` bytes.
        unsafe { copy(&client.0.explain(), buffer, capacity, length) }
    })
}

/// Writes the last 32 logins, refetches and rejections of the identity as JSON into a buffer like
/// tokenlease_client_copy_token: times, causes, hosts and processes, without a secret. It answers why a
/// login was sent. docs/json.md describes the fields. Reads the store, and sends no request to the
/// provider. A history has less than 16 KB.
///
/// Errors: TOKENLEASE_STORE, TOKENLEASE_DEADLINE_EXCEEDED, TOKENLEASE_CONFIG,
/// TOKENLEASE_BUFFER_TOO_SMALL, TOKENLEASE_FORKED and TOKENLEASE_INTERNAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_history(
    client: Option<&tokenlease_client>,
    buffer: *mut c_char,
    capacity: usize,
    length: Option<&mut MaybeUninit<usize>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, length) = (required(client, "client")?, required(length, "length")?);
        check_buffer(buffer, capacity)?;
        // SAFETY: the caller passes a buffer of `capacity` bytes.
        unsafe { copy(&client.0.history()?.to_json(), buffer, capacity, length) }
    })
}

/// Writes the status of the client's token as JSON into a buffer like tokenlease_client_copy_token: when
/// it expires and how that is known, its age, source and generation, the circuit and backoffs with their
/// causes, and the counts of the client by cause, without a secret. docs/json.md describes the fields. Reads the store, and sends no
/// request to the provider. A status has less than 16 KB.
///
/// Errors: TOKENLEASE_DEADLINE_EXCEEDED, TOKENLEASE_BUFFER_TOO_SMALL, TOKENLEASE_FORKED and
/// TOKENLEASE_INTERNAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_client_status_json(
    client: Option<&tokenlease_client>,
    buffer: *mut c_char,
    capacity: usize,
    length: Option<&mut MaybeUninit<usize>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, length) = (required(client, "client")?, required(length, "length")?);
        check_buffer(buffer, capacity)?;
        // SAFETY: the caller passes a buffer of `capacity` bytes.
        unsafe { copy(&client.0.status()?.to_json(), buffer, capacity, length) }
    })
}

/// The counters of a client. Calls that are answered from memory are not counted.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_count {
    /// Requests for a new token.
    TOKENLEASE_COUNT_LOGINS = 0,
    /// Requests for the running token.
    TOKENLEASE_COUNT_REFETCHES = 1,
    /// Requests that ask whether a token is active.
    TOKENLEASE_COUNT_VALIDATIONS = 2,
    /// Requests that revoke a token.
    TOKENLEASE_COUNT_REVOCATIONS = 3,
    /// Calls to the store.
    TOKENLEASE_COUNT_STORE_CALLS = 4,
    /// Calls that could not be answered from memory.
    TOKENLEASE_COUNT_CACHE_MISSES = 5,
    /// Calls that returned an error.
    TOKENLEASE_COUNT_ERRORS = 6,
}

/// Gets how often a client has done something since it was made. counter is a tokenlease_count.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_client_count(
    client: Option<&tokenlease_client>,
    counter: i32,
    count: Option<&mut MaybeUninit<u64>>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let (client, count) = (required(client, "client")?, required(count, "count")?);
        let stats = client.0.stats();
        // Indexed by `tokenlease_count`.
        let counts = [
            stats.logins,
            stats.refetches,
            stats.validations,
            stats.revocations,
            stats.store_calls,
            stats.cache_misses,
            stats.errors,
        ];
        let found = usize::try_from(counter).ok().and_then(|counter| counts.get(counter));
        count.write(*found.ok_or_else(|| {
            let detail = format!("the argument counter is {counter}");
            tokenlease_error::bad_argument(&detail, "a tokenlease_count")
        })?);
        Ok(())
    })
}
