//! The calls of a store of the caller's own. Each runs on a thread for blocking work.

use std::{
    ffi::{CString, c_char, c_void},
    fmt,
    sync::Arc,
    time::Duration,
};

use tokenlease::{
    Error, ErrorKind, Store,
    core::StoreTime,
    runtime::run_blocking,
    store::{Loaded, Locked, Owner, RecordName, StoreError, Swapped},
};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::{
    boundary::{required, sized},
    constants::TOKENLEASE_NONE,
    credentials::tokenlease_drop_function,
    custom_store::{tokenlease_store_functions, tokenlease_store_reply},
    error::tokenlease_error,
};

/// The largest number of calls of one store at once. Each has a thread.
const MAX_CALLS: usize = 16;

/// The functions, none of which is missing.
#[derive(Clone, Copy)]
pub(crate) struct Calls {
    load: unsafe extern "C" fn(*mut c_void, *const c_char, *mut tokenlease_store_reply) -> i32,
    swap: unsafe extern "C" fn(
        *mut c_void,
        *const c_char,
        u64,
        *const u8,
        usize,
        i64,
        *mut tokenlease_store_reply,
    ) -> i32,
    lock: LockCall,
    renew: LockCall,
    unlock: unsafe extern "C" fn(
        *mut c_void,
        *const c_char,
        *const c_char,
        *mut tokenlease_store_reply,
    ) -> i32,
    drop: tokenlease_drop_function,
}

type LockCall = unsafe extern "C" fn(
    *mut c_void,
    *const c_char,
    *const c_char,
    i64,
    *mut tokenlease_store_reply,
) -> i32;

impl Calls {
    /// # Safety
    /// The pointer is NULL, or points to a struct of the size that its first field says.
    pub(crate) unsafe fn new(
        functions: *const tokenlease_store_functions,
    ) -> Result<Self, Box<tokenlease_error>> {
        if functions.is_null() {
            let detail = "the argument functions is NULL";
            return Err(tokenlease_error::bad_argument(detail, "a pointer"));
        }
        // SAFETY: the caller guarantees it.
        let functions = unsafe { sized(functions, "functions") }?;
        Ok(Self {
            load: required(functions.load, "functions->load")?,
            swap: required(functions.swap, "functions->swap")?,
            lock: required(functions.lock, "functions->lock")?,
            renew: required(functions.renew, "functions->renew")?,
            unlock: required(functions.unlock, "functions->unlock")?,
            drop: functions.drop,
        })
    }
}

/// The caller's functions with their `user` pointer.
struct Owned {
    calls: Calls,
    user: *mut c_void,
    /// Whether the library owns `user`.
    owns: bool,
}

// SAFETY: the header requires functions that may be called on any thread, on several at once, and a
// `drop` that may be called on any thread.
unsafe impl Send for Owned {}
// SAFETY: as above.
unsafe impl Sync for Owned {}

impl Drop for Owned {
    fn drop(&mut self) {
        if let (true, Some(drop)) = (self.owns, self.calls.drop) {
            // SAFETY: this is the last use of the caller's pointer.
            unsafe { drop(self.user) }
        }
    }
}

/// A store of the caller's own.
pub(crate) struct CustomStore {
    functions: Arc<Owned>,
    calls: Arc<Semaphore>,
}

impl fmt::Debug for CustomStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomStore").finish_non_exhaustive()
    }
}

/// How a call ended that did not fail.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Busy,
}

impl CustomStore {
    /// Makes a store. `owns`: it calls `drop` when nothing uses it any more.
    pub(crate) fn new(calls: Calls, user: *mut c_void, owns: bool) -> Self {
        let functions = Arc::new(Owned { calls, user, owns });
        Self { functions, calls: Arc::new(Semaphore::new(MAX_CALLS)) }
    }

    /// Runs a call on a thread for blocking work. A call that its caller no longer waits for runs to
    /// its end.
    async fn call(
        &self,
        function: &'static str,
        call: impl FnOnce(&Owned, *mut tokenlease_store_reply) -> i32 + Send + 'static,
    ) -> Result<(Outcome, tokenlease_store_reply), StoreError> {
        let functions = Arc::clone(&self.functions);
        let permit = self.calls.clone().acquire_owned().await.ok();
        let work = move || {
            let mut reply = tokenlease_store_reply::default();
            let result = call(&functions, &raw mut reply);
            (result, reply)
        };
        let (result, reply) = run_blocking(permit, work).await.map_err(StoreError::Unavailable)?;
        let failed = || {
            let why = reply.message.clone().unwrap_or_else(|| format!("it returned {result}"));
            let detail = format!("the store's function {function} failed: {why}");
            Error::new(ErrorKind::Store, detail)
        };
        match result {
            0 => Ok((Outcome::Done, reply)),
            1 => Ok((Outcome::Busy, reply)),
            3 => Err(StoreError::Rejected(failed().advice("correct the store's setup"))),
            _ => Err(StoreError::Unavailable(failed())),
        }
    }

    async fn lock_call(
        &self,
        function: &'static str,
        call: impl FnOnce(&Calls) -> LockCall + Send + 'static,
        names: (&RecordName, &Owner),
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        let (name, owner) = (c_text(names.0.key()), c_text(names.1.as_str()));
        let work = move |all: &Owned, reply: *mut tokenlease_store_reply| {
            // SAFETY: the texts and the reply outlive the call, and `user` is valid until `drop`.
            unsafe { call(&all.calls)(all.user, name.as_ptr(), owner.as_ptr(), millis(ttl), reply) }
        };
        Ok(match self.call(function, work).await?.0 {
            Outcome::Done => Locked::Granted,
            Outcome::Busy => Locked::Busy,
        })
    }
}

impl Store for CustomStore {
    async fn load(&self, name: &RecordName) -> Result<Loaded, StoreError> {
        let name = c_text(name.key());
        let work = move |all: &Owned, reply: *mut tokenlease_store_reply| {
            // SAFETY: the text and the reply outlive the call, and `user` is valid until `drop`.
            unsafe { (all.calls.load)(all.user, name.as_ptr(), reply) }
        };
        match self.call("load", work).await? {
            (Outcome::Done, reply) => loaded("load", reply),
            (Outcome::Busy, _) => Err(broken("load", "returned TOKENLEASE_STORE_BUSY")),
        }
    }

    async fn swap(
        &self,
        name: &RecordName,
        expected: Option<u64>,
        record: &[u8],
        keep: Option<Duration>,
    ) -> Result<Swapped, StoreError> {
        let (name, record) = (c_text(name.key()), Zeroizing::new(record.to_vec()));
        let (expected, keep) = (expected.unwrap_or(0), keep.map_or(TOKENLEASE_NONE, millis));
        let work = move |all: &Owned, reply: *mut tokenlease_store_reply| {
            let (name, bytes) = (name.as_ptr(), record.as_ptr());
            // SAFETY: the text, the record and the reply outlive the call, and `user` is valid until
            // `drop`.
            unsafe { (all.calls.swap)(all.user, name, expected, bytes, record.len(), keep, reply) }
        };
        match self.call("swap", work).await? {
            (Outcome::Done, reply) => {
                let revision = reply.revision.ok_or_else(|| broken("swap", "set no revision"))?;
                Ok(Swapped::Done { revision, now: time("swap", &reply)? })
            }
            (Outcome::Busy, reply) => loaded("swap", reply).map(Swapped::Conflict),
        }
    }

    async fn lock(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        self.lock_call("lock", |calls| calls.lock, (name, owner), ttl).await
    }

    async fn renew(
        &self,
        name: &RecordName,
        owner: &Owner,
        ttl: Duration,
    ) -> Result<Locked, StoreError> {
        self.lock_call("renew", |calls| calls.renew, (name, owner), ttl).await
    }

    async fn unlock(&self, name: &RecordName, owner: &Owner) -> Result<(), StoreError> {
        let (name, owner) = (c_text(name.key()), c_text(owner.as_str()));
        let work = move |all: &Owned, reply: *mut tokenlease_store_reply| {
            // SAFETY: the texts and the reply outlive the call, and `user` is valid until `drop`.
            unsafe { (all.calls.unlock)(all.user, name.as_ptr(), owner.as_ptr(), reply) }
        };
        self.call("unlock", work).await.map(drop)
    }
}

fn loaded(function: &str, reply: tokenlease_store_reply) -> Result<Loaded, StoreError> {
    Ok(Loaded { now: time(function, &reply)?, record: reply.record })
}

fn time(function: &str, reply: &tokenlease_store_reply) -> Result<StoreTime, StoreError> {
    reply.now.map(StoreTime).ok_or_else(|| broken(function, "set no time"))
}

/// A function that does not keep its contract. A person must correct it.
fn broken(function: &str, what: &str) -> StoreError {
    let detail = format!("the store's function {function} {what}");
    let error = Error::new(ErrorKind::Store, detail);
    StoreError::Rejected(error.advice("run tokenlease_store_check on the store"))
}

/// Returns the text with a NUL. Names of records and owners contain none.
fn c_text(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
