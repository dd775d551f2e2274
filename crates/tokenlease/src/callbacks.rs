//! Knows which function of the program runs on a thread, so that it does not wait for itself.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
};

use tokenlease_core::{Error, ErrorKind, Result};

thread_local! {
    static RUNNING: Cell<Option<Owner>> = const { Cell::new(None) };
}

/// Names the owner of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(u64);

impl Owner {
    /// Returns a name that no other owner has.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Runs a function of this owner.
    pub(crate) fn run<R>(self, function: impl FnOnce() -> R) -> R {
        let _before = Before(RUNNING.replace(Some(self)));
        function()
    }
}

/// Restores what ran before, also after a panic.
struct Before(Option<Owner>);

impl Drop for Before {
    fn drop(&mut self) {
        RUNNING.set(self.0);
    }
}

/// Fails if a function of that owner runs on this thread. `function` describes it.
pub(crate) fn check(owner: Owner, function: &str) -> Result<()> {
    if RUNNING.get() != Some(owner) {
        return Ok(());
    }
    let detail = format!("{function} called its own client, which waits for it");
    Err(Error::new(ErrorKind::Config, detail).expected("a call outside of the function").advice(
        "make the call on another thread after the function returned, or use another client",
    ))
}
