//! A store of the caller's own, by functions.

use std::{
    ffi::{c_char, c_void},
    mem::{MaybeUninit, size_of},
    slice,
    time::Duration,
};

use tokenlease::{AnyStore, store::Stored};

use crate::{
    boundary::{SizedOptions, guard, required, text},
    config::tokenlease_config,
    credentials::tokenlease_drop_function,
    error::tokenlease_error,
    status::tokenlease_status,
    store_calls::{Calls, CustomStore},
    store_check,
};

/// The results of a store's functions.
#[repr(C)]
pub enum tokenlease_store_result {
    /// The call is done.
    TOKENLEASE_STORE_DONE = 0,
    /// swap: the record has another revision. lock and renew: another owner holds the lock, or it has
    /// expired.
    TOKENLEASE_STORE_BUSY = 1,
    /// The store can't be reached. The option "on_store_outage" decides what the client does. So do all
    /// values that are not listed.
    TOKENLEASE_STORE_UNAVAILABLE = 2,
    /// The store answers and rejects the call, for example a wrong password or a full disk. The client
    /// does not log in until the store is corrected.
    TOKENLEASE_STORE_REJECTED = 3,
}

/// The answer of a store's function. It is borrowed: it is valid until the function returns.
#[derive(Default)]
pub struct tokenlease_store_reply {
    pub(crate) record: Option<Stored>,
    pub(crate) revision: Option<u64>,
    pub(crate) now: Option<i64>,
    pub(crate) message: Option<String>,
}

/// Answers with a record and its revision: in load if there is one, and in swap with
/// TOKENLEASE_STORE_BUSY if there is one. The bytes are copied. revision is 1 or more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_store_reply_set_record(
    reply: Option<&mut tokenlease_store_reply>,
    revision: u64,
    record: *const u8,
    record_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let reply = required(reply, "reply")?;
        if isize::try_from(record_length).is_err() {
            let detail = format!("the argument record_length is {record_length}");
            return Err(tokenlease_error::bad_argument(&detail, "the length in bytes"));
        }
        if record.is_null() && record_length > 0 {
            return Err(tokenlease_error::bad_argument("the argument record is NULL", "a pointer"));
        }
        let bytes = if record_length == 0 {
            Vec::new()
        } else {
            // SAFETY: it is not NULL, and the caller passes a pointer to `record_length` bytes.
            unsafe { slice::from_raw_parts(record, record_length) }.to_vec()
        };
        reply.record = Some(Stored::new(checked(revision)?, bytes));
        Ok(())
    })
}

/// Answers a swap that is done with the new revision: 1 or more, and one that the name never had.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_store_reply_set_revision(
    reply: Option<&mut tokenlease_store_reply>,
    revision: u64,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let reply = required(reply, "reply")?;
        reply.revision = Some(checked(revision)?);
        Ok(())
    })
}

/// Answers with the store's time, in load and swap: milliseconds since any start, 0 or more, by the
/// clock of the place where the records are kept, which all processes see alike.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_store_reply_set_time(
    reply: Option<&mut tokenlease_store_reply>,
    now_ms: i64,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let reply = required(reply, "reply")?;
        if now_ms < 0 {
            let detail = format!("the argument now_ms is {now_ms}");
            return Err(tokenlease_error::bad_argument(&detail, "0 or more milliseconds"));
        }
        reply.now = Some(now_ms);
        Ok(())
    })
}

/// Answers with what went wrong, for the error of the call that needs the store. It contains no
/// secret. The text is copied, at most 1,000 bytes of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_store_reply_set_message(
    reply: Option<&mut tokenlease_store_reply>,
    message: *const c_char,
    message_length: usize,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes a text with its length.
        let message = unsafe { text(message, message_length, "message") }?;
        let end = (0..=message.len().min(1000)).rev().find(|end| message.is_char_boundary(*end));
        required(reply, "reply")?.message =
            end.and_then(|end| message.get(..end)).map(str::to_owned);
        Ok(())
    })
}

/// Returns the record and the store's time, read together. name has 64 hexadecimal digits.
pub type tokenlease_store_load_function = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        name: *const c_char,
        reply: *mut tokenlease_store_reply,
    ) -> i32,
>;

/// Replaces the record if its revision is expected; 0: if there is no record. Otherwise it changes
/// nothing and answers TOKENLEASE_STORE_BUSY with the record, or with none. The store may drop the
/// record after keep_ms; TOKENLEASE_NONE: never.
pub type tokenlease_store_swap_function = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        name: *const c_char,
        expected: u64,
        record: *const u8,
        record_length: usize,
        keep_ms: i64,
        reply: *mut tokenlease_store_reply,
    ) -> i32,
>;

/// Takes (lock) or extends (renew) the lock of a record until ttl_ms from now, by the store's clock.
/// It never waits. An owner gets a lock that it holds again; an expired lock is not renewed. The
/// record need not exist. owner has at most 100 characters.
pub type tokenlease_store_lock_function = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        name: *const c_char,
        owner: *const c_char,
        ttl_ms: i64,
        reply: *mut tokenlease_store_reply,
    ) -> i32,
>;

/// Releases the lock if the owner holds it; another owner's lock stays.
pub type tokenlease_store_unlock_function = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        name: *const c_char,
        owner: *const c_char,
        reply: *mut tokenlease_store_reply,
    ) -> i32,
>;

/// The functions of a store of your own. Set size to the size of the struct, and all others but
/// drop. Each function returns a tokenlease_store_result. They run on threads of the library, several
/// at once, and never while the library holds one of its locks. They must return, must not throw, and
/// must not call a client that uses the store. Later versions add fields at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tokenlease_store_functions {
    /// The size of the struct in bytes.
    pub size: usize,
    /// Reads a record.
    pub load: tokenlease_store_load_function,
    /// Replaces a record.
    pub swap: tokenlease_store_swap_function,
    /// Takes a lock.
    pub lock: tokenlease_store_lock_function,
    /// Extends a lock.
    pub renew: tokenlease_store_lock_function,
    /// Releases a lock.
    pub unlock: tokenlease_store_unlock_function,
    /// Frees user. It is called once, on any thread, when nothing uses the store any more. May be NULL.
    pub drop: tokenlease_drop_function,
}

// SAFETY: it is `#[repr(C)]`, begins with its size, and a function pointer of any bits is not called
// before the caller passes it as a function.
unsafe impl SizedOptions for tokenlease_store_functions {
    const DEFAULT: Self = Self {
        size: size_of::<Self>(),
        load: None,
        swap: None,
        lock: None,
        renew: None,
        unlock: None,
        drop: None,
    };
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Sets a store of your own, in place of the option "store". The library encrypts the records, with
/// the key of the options "store_key", "store_key_file" or "store_passphrase_file", or of the secrets
/// "store_key" or "store_passphrase": one of them is needed. Check a new store with
/// tokenlease_store_check.
///
/// Ownership: if this call succeeds, the library owns user. It calls drop(user) once, after the
/// config, its registries and all their clients were freed, and no call is in progress. The struct
/// itself is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_config_set_store(
    config: Option<&mut tokenlease_config>,
    functions: *const tokenlease_store_functions,
    user: *mut c_void,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let config = required(config, "config")?;
        // SAFETY: the caller passes NULL or a struct with its size.
        let calls = unsafe { Calls::new(functions) }?;
        config.parts.store = Some(AnyStore::new(CustomStore::new(calls, user, true)));
        Ok(())
    })
}

/// Runs the checks that every store must pass: the library's own stores pass the same ones. It uses
/// new names of records, so it may run against a store that is in use, and does not call drop.
///
/// Locks and records of the checks live for a few unit_ms. pass lets that time pass in the store: it
/// moves a clock of a test, and returns 0. If pass is NULL, the call waits, for about 20 times
/// unit_ms.
///
/// Errors: TOKENLEASE_STORE with the rule that the store breaks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tokenlease_store_check(
    functions: *const tokenlease_store_functions,
    user: *mut c_void,
    unit_ms: i64,
    pass: tokenlease_store_pass_function,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        // SAFETY: the caller passes NULL or a struct with its size.
        let calls = unsafe { Calls::new(functions) }?;
        let unit = u64::try_from(unit_ms).ok().filter(|unit| (1..=3_600_000).contains(unit));
        let Some(unit) = unit.map(Duration::from_millis) else {
            let detail = format!("the argument unit_ms is {unit_ms}");
            return Err(tokenlease_error::bad_argument(&detail, "1 ms to an hour"));
        };
        let store = CustomStore::new(calls, user, false);
        Ok(store_check::run(&store, unit, (pass, user))?)
    })
}

/// Lets the time of a store pass, in tokenlease_store_check. Any result but 0 fails the check.
pub type tokenlease_store_pass_function =
    Option<unsafe extern "C" fn(user: *mut c_void, milliseconds: i64) -> i32>;

fn checked(revision: u64) -> Result<u64, Box<tokenlease_error>> {
    match revision {
        0 => Err(tokenlease_error::bad_argument("the argument revision is 0", "1 or more")),
        revision => Ok(revision),
    }
}
