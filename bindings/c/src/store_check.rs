//! The checks that every store must pass, for a store of the caller's own.

use std::{
    any::Any,
    ffi::c_void,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use tokenlease::{
    Error, ErrorKind, Result, conformance,
    runtime::{Runtime, check_may_block},
};

use crate::{custom_store::tokenlease_store_pass_function, store_calls::CustomStore};

/// Runs all checks on the calling thread. A broken rule is an error of kind `Store` with the text of
/// the check.
pub(crate) fn run(
    store: &CustomStore,
    unit: Duration,
    (function, user): (tokenlease_store_pass_function, *mut c_void),
) -> Result<()> {
    let pass = async |time: Duration| {
        let Some(function) = function else { return tokio::time::sleep(time).await };
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        // SAFETY: `user` is valid until the checks end, and the caller waits for them.
        let result = unsafe { function(user, millis) };
        assert_eq!(result, 0, "the function pass failed");
    };
    check_may_block()?;
    let runtime = Runtime::current()?;
    let handle = runtime.handle()?;
    // A check panics with what it found.
    let checks = || handle.block_on(conformance::all(store, unit, pass));
    panic::catch_unwind(AssertUnwindSafe(checks)).map_err(|found| broken(&*found))
}

fn broken(found: &(dyn Any + Send)) -> Error {
    let text = found.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| found.downcast_ref::<&str>().copied()).unwrap_or("a check failed");
    // An assertion has a line for each value.
    let text: Vec<_> = text.lines().map(str::trim).collect();
    Error::new(ErrorKind::Store, format!("the store breaks a rule: {}", text.join("; ")))
        .advice("the header describes each function of a store")
}
