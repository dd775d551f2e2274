//! Passes the client's log to Python's `logging`.
//!
//! Threads of the client queue events, and a Python thread that already holds the interpreter's
//! lock writes them. A thread that took the lock to log could deadlock with a thread that waits for
//! it.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use pyo3::{prelude::*, types::PyDict};
use tokenlease::{Client, LogEntry, LogLevel};

/// The most events that are queued; older ones are dropped.
const MAX_EVENTS: usize = 256;

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<VecDeque<LogEntry>>>);

impl Log {
    pub(crate) fn push(&self, entry: &LogEntry) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() == MAX_EVENTS {
            events.pop_front();
        }
        events.push_back(entry.clone());
    }

    /// Writes the queued events to the logger, unless the program never imported `logging`.
    pub(crate) fn write(&self, py: Python<'_>, client: &Client) {
        // `try_lock`: in a forked child, the thread that holds the lock may not exist. The lock is
        // not held while logging, because a handler may call the client.
        let events = self.0.try_lock().map(|mut events| mem::take(&mut *events));
        let Some(events) = events.ok().filter(|events| !events.is_empty()) else { return };
        if let Err(failure) = log(py, &format!("{client:?}"), &events) {
            failure.write_unraisable(py, None);
        }
    }
}

fn log(py: Python<'_>, client: &str, events: &VecDeque<LogEntry>) -> PyResult<()> {
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    let Some(logging) = modules.get_item("logging")? else { return Ok(()) };
    let logger = logging.call_method1("getLogger", ("tokenlease",))?;
    if logger.getattr("handlers")?.is_empty()? {
        // Without a handler of the program, `logging` would write warnings to standard error.
        logger.call_method1("addHandler", (logging.call_method0("NullHandler")?,))?;
    }
    for entry in events {
        let method = match entry.level {
            LogLevel::Warning => "warning",
            _ => "debug",
        };
        logger.call_method1(method, ("%s: %s", client, &entry.text))?;
    }
    Ok(())
}
