//! The log: a function of the program that gets each event of a client.

use std::{
    ffi::{c_char, c_void},
    mem::MaybeUninit,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
};

use tokenlease::{LogEntry, LogLevel};

use crate::{
    boundary::{guard, required},
    config::tokenlease_config,
    credentials::tokenlease_drop_function,
    error::{c_text, tokenlease_error},
    status::tokenlease_status,
};

/// How much an entry of the log matters. Later versions may add numbers between these: the larger, the
/// more it matters.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tokenlease_log_level {
    /// A normal step.
    TOKENLEASE_LOG_DEBUG = 10,
    /// Rejected credentials, and outages of the provider or the store, with their ends: somebody may
    /// have to act.
    TOKENLEASE_LOG_WARNING = 30,
}

/// A function that gets the entries of the log: see tokenlease_config_set_log_function. level is a
/// tokenlease_log_level.
pub type tokenlease_log_function = Option<
    unsafe extern "C" fn(user: *mut c_void, level: i32, event: *const c_char, text: *const c_char),
>;

/// Sets a function that gets the events of the clients that are made from the config: logins, rejected
/// credentials, outages and so on, with their causes and durations. event is a name, such as
/// "circuit_opened"; docs/json.md lists them. text is what happened, in words. Both strings are
/// borrowed, and contain no secret. NULL as the function turns the log off for later clients.
///
/// The function is called on a thread of the library that does nothing else, without a lock of the
/// library: it may block, and may call the client. For one client it gets one entry at a time, in
/// their order; for several clients, several threads may call it at once. If more than 256 entries
/// wait, the oldest are dropped. tokenlease_client_close waits until the function has returned from all
/// entries. It is not called for a client after tokenlease_client_free has returned: that call waits for
/// the function, unless the function itself made it.
///
/// Ownership: if this call succeeds, the library owns user. It calls drop(user) once, on any thread,
/// after the config and all clients made from it were freed, or the config got another function.
/// drop may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn tokenlease_config_set_log_function(
    config: Option<&mut tokenlease_config>,
    function: tokenlease_log_function,
    user: *mut c_void,
    drop: tokenlease_drop_function,
    error: Option<&mut MaybeUninit<*mut tokenlease_error>>,
) -> tokenlease_status {
    guard(error, || {
        let config = required(config, "config")?;
        let call = match function {
            Some(call) => call,
            None => ignore,
        };
        config.log = Some(Arc::new(Function { call, user, drop }));
        Ok(())
    })
}

unsafe extern "C" fn ignore(_: *mut c_void, _: i32, _: *const c_char, _: *const c_char) {}

/// The caller's function with its `user` pointer.
pub(crate) struct Function {
    call: unsafe extern "C" fn(*mut c_void, i32, *const c_char, *const c_char),
    user: *mut c_void,
    drop: tokenlease_drop_function,
}

// SAFETY: the header requires a function that may be called on any thread, on several at once, and
// a `drop` that may be called on any thread.
unsafe impl Send for Function {}
// SAFETY: as above.
unsafe impl Sync for Function {}

impl Drop for Function {
    fn drop(&mut self) {
        if let Some(drop) = self.drop {
            // SAFETY: this is the last use of the caller's pointer.
            unsafe { drop(self.user) }
        }
    }
}

/// The calls of a log function for one client.
pub(crate) struct Log {
    state: Mutex<State>,
    returned: Condvar,
    process: u32,
}

struct State {
    /// `None` after the client was freed.
    function: Option<Arc<Function>>,
    /// The thread on which the function runs.
    running: Option<ThreadId>,
}

impl Log {
    pub(crate) fn new(function: Arc<Function>) -> Self {
        Self {
            state: Mutex::new(State { function: Some(function), running: None }),
            returned: Condvar::new(),
            process: std::process::id(),
        }
    }

    /// Calls the function. Only one thread at a time does.
    pub(crate) fn write(&self, entry: &LogEntry) {
        let mut state = self.lock();
        let Some(function) = state.function.clone() else { return };
        state.running = Some(thread::current().id());
        drop(state);
        let level = match entry.level {
            LogLevel::Warning => tokenlease_log_level::TOKENLEASE_LOG_WARNING,
            _ => tokenlease_log_level::TOKENLEASE_LOG_DEBUG,
        };
        let (event, text) = (c_text(entry.event), c_text(entry.text.as_str()));
        // SAFETY: the caller's pointer is valid until `drop`, and the strings outlive the call.
        unsafe { (function.call)(function.user, level as i32, event.as_ptr(), text.as_ptr()) }
        // Before the wait for it ends, so that the client's part in the function has ended then.
        drop(function);
        self.lock().running = None;
        self.returned.notify_all();
    }

    /// Calls the function no more, and waits until a call of it has returned.
    pub(crate) fn stop(&self) {
        // A forked child does not have the thread that runs the function or holds the lock.
        if self.process != std::process::id() {
            return;
        }
        let own = thread::current().id();
        let mut state = self.lock();
        let function = state.function.take();
        while state.running.is_some_and(|running| running != own) {
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        // The caller's `drop` runs without the lock.
        drop(function);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No function runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
