//! The outcomes of store effects that a host returns to its machine.

use std::{
    ffi::{c_char, c_void},
    mem::MaybeUninit,
};

use tokenlease::{
    Error, ErrorKind,
    core::{StoreTime, machine::Outcome},
};

use crate::{
    boundary::{guard, required, text},
    bytes::bytes,
    constants::TOKENLEASE_NONE,
    effect::{
        tokenlease_action::{
            self, TOKENLEASE_ACTION_LOAD, TOKENLEASE_ACTION_LOCK, TOKENLEASE_ACTION_RENEW,
            TOKENLEASE_ACTION_SAVE, TOKENLEASE_ACTION_UNLOCK,
        },
        tokenlease_effect,
    },
    error::tokenlease_error,
    status::tokenlease_status,
};

/// Why a host's own store failed.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_store_failure {
    /// The store is unreachable or failing: the option "on_store_outage" applies.
    TOKENLEASE_STORE_UNAVAILABLE = 0,
    /// The store answers and rejects the call: a wrong password, a missing permission, a full disk. No
    /// login is sent while that is so.
    TOKENLEASE_STORE_REJECTED = 1,
    /// The record exists and cannot be trusted, because it does not authenticate. No login is sent
    /// while that is so. Only for LOAD and SAVE.
    TOKENLEASE_STORE_UNREADABLE = 2,
}

const STORE: [tokenlease_action; 5] = [
    TOKENLEASE_ACTION_LOAD,
    TOKENLEASE_ACTION_LOCK,
    TOKENLEASE_ACTION_RENEW,
    TOKENLEASE_ACTION_SAVE,
    TOKENLEASE_ACTION_UNLOCK,
];

/// Does what an effect asks for, unless it is a request: the library calls the store of the machine's
/// config or registry, or waits, and returns the outcome to the machine. A wait takes 30 seconds at
/// most, and ends when another thread returns an outcome or begins a call. For TOKENLEASE_ACTION_DONE
/// it does nothing. A store that fails is no error of this call: the machine learns of it.
///
/// Errors: TOKENLEASE_BAD_ARGUMENT for a request, and for an effect that has its outcome.
/// TOKENLEASE_CONFIG for a wait if the host passes its own clocks: then only the host can wait.
/// TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_perform(
    effect: Option<&mut tokenlease_effect>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let effect = required(effect, "effect")?;
        if effect.is_done() {
            return Ok(());
        }
        if let Some(wait) = effect.wait() {
            return Ok(effect.client().wait(wait)?);
        }
        let taken = effect.take(&STORE)?;
        Ok(effect.client().perform(taken)?)
    })
}

/// Returns the record that a host's own store has: its revision and bytes, and the store's clock in
/// milliseconds, read with it. All processes that share the store must see the same clock. Pass
/// TOKENLEASE_NONE as the revision if there is no record; record is then ignored.
///
/// Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_effect_loaded(
    effect: Option<&mut tokenlease_effect>,
    revision: i64,
    record: *const c_void,
    record_length: usize,
    store_ms: i64,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes bytes with their length.
        let stored = unsafe { stored(revision, record, record_length) }?;
        let outcome = Outcome::Loaded { stored, now: store_time(store_ms)? };
        give(effect, &[TOKENLEASE_ACTION_LOAD], outcome)
    })
}

/// Says whether the owner has the lock now. For LOCK and RENEW.
///
/// Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_lock_result(
    effect: Option<&mut tokenlease_effect>,
    granted: bool,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let outcome = if granted { Outcome::Locked } else { Outcome::Busy };
        give(effect, &[TOKENLEASE_ACTION_LOCK, TOKENLEASE_ACTION_RENEW], outcome)
    })
}

/// Says that the record was replaced: its new revision, which must never be used again for this name,
/// and the store's clock in milliseconds.
///
/// Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_saved(
    effect: Option<&mut tokenlease_effect>,
    revision: i64,
    store_ms: i64,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let Ok(revision) = u64::try_from(revision) else { return Err(bad_revision(revision)) };
        let outcome = Outcome::Saved { revision, now: store_time(store_ms)? };
        give(effect, &[TOKENLEASE_ACTION_SAVE], outcome)
    })
}

/// Says that the record has another revision than the expected one, so nothing was written. The other
/// arguments are those of tokenlease_effect_loaded.
///
/// Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_effect_conflict(
    effect: Option<&mut tokenlease_effect>,
    revision: i64,
    record: *const c_void,
    record_length: usize,
    store_ms: i64,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes bytes with their length.
        let stored = unsafe { stored(revision, record, record_length) }?;
        let outcome = Outcome::Conflict { stored, now: store_time(store_ms)? };
        give(effect, &[TOKENLEASE_ACTION_SAVE], outcome)
    })
}

/// Says that this owner does not have the lock any more.
///
/// Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_effect_unlocked(
    effect: Option<&mut tokenlease_effect>,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || give(effect, &[TOKENLEASE_ACTION_UNLOCK], Outcome::Unlocked))
}

/// Says that a host's own store failed. failure is a tokenlease_store_failure. The message appears in
/// errors.
///
/// Errors: TOKENLEASE_BAD_ARGUMENT; TOKENLEASE_FORKED; TOKENLEASE_INTERNAL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_effect_store_failed(
    effect: Option<&mut tokenlease_effect>,
    failure: i32,
    message: *const c_char,
    message_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    use tokenlease_store_failure as Failure;
    guard(error, || {
        // SAFETY: the caller passes a text with its length.
        let message = unsafe { text(message, message_length, "message") }?;
        let failed = Error::new(ErrorKind::Store, message.to_owned());
        let record = [TOKENLEASE_ACTION_LOAD, TOKENLEASE_ACTION_SAVE];
        match failure {
            _ if failure == Failure::TOKENLEASE_STORE_UNAVAILABLE as i32 => {
                give(effect, &STORE, Outcome::Failed(failed))
            }
            _ if failure == Failure::TOKENLEASE_STORE_REJECTED as i32 => {
                give(effect, &STORE, Outcome::Rejected(failed))
            }
            _ if failure == Failure::TOKENLEASE_STORE_UNREADABLE as i32 => {
                give(effect, &record, Outcome::Unreadable(failed))
            }
            _ => Err(tokenlease_error::bad_argument(
                &format!("the argument failure is {failure}"),
                "a tokenlease_store_failure",
            )),
        }
    })
}

pub(crate) fn give(
    effect: Option<&mut tokenlease_effect>,
    actions: &[tokenlease_action],
    outcome: Outcome<'_>,
) -> Result<(), Box<tokenlease_error>> {
    let effect = required(effect, "effect")?;
    let taken = effect.take(actions)?;
    Ok(effect.client().handle(taken, outcome)?)
}

/// Reads a record argument.
///
/// # Safety
/// As for [`bytes`].
unsafe fn stored<'a>(
    revision: i64,
    record: *const c_void,
    length: usize,
) -> Result<Option<(u64, &'a [u8])>, Box<tokenlease_error>> {
    if revision == TOKENLEASE_NONE {
        return Ok(None);
    }
    let Ok(number) = u64::try_from(revision) else { return Err(bad_revision(revision)) };
    // SAFETY: the caller guarantees it.
    Ok(Some((number, unsafe { bytes(record, length, "record") }?)))
}

fn store_time(millis: i64) -> Result<StoreTime, Box<tokenlease_error>> {
    if millis < 0 {
        let detail = format!("the argument store_ms is {millis}");
        return Err(tokenlease_error::bad_argument(&detail, "0 or more milliseconds"));
    }
    Ok(StoreTime(millis))
}

fn bad_revision(revision: i64) -> Box<tokenlease_error> {
    tokenlease_error::bad_argument(
        &format!("the argument revision is {revision}"),
        "0 or more; TOKENLEASE_NONE where there may be no record",
    )
}
