//! Events on their way to Python's `logging`.
//!
//! They are queued where they happen, on threads of ours, and handed over by a thread of Python's
//! that has its lock already: a thread that took the lock for a log line could wait for one that
//! waits for it.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use pyo3::{prelude::*, types::PyDict};
use tokenlease::{Client, core::lifecycle::Event};

/// More than anyone reads: older ones are dropped.
const LONGEST: usize = 256;

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<VecDeque<String>>>);

impl Log {
    pub(crate) fn push(&self, event: &Event) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() == LONGEST {
            events.pop_front();
        }
        events.push_back(event.to_string());
    }

    /// Hands over what has happened, unless the program never imported `logging`.
    pub(crate) fn hand_over(&self, py: Python<'_>, client: &Client) {
        // Tried only: in a forked child its holder may be missing. And not held while logging: a
        // handler may call the client.
        let events = self.0.try_lock().map(|mut events| mem::take(&mut *events));
        let Some(events) = events.ok().filter(|events| !events.is_empty()) else { return };
        if let Err(failure) = log(py, &format!("{client:?}"), &events) {
            failure.write_unraisable(py, None);
        }
    }
}

fn log(py: Python<'_>, client: &str, events: &VecDeque<String>) -> PyResult<()> {
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    let Some(logging) = modules.get_item("logging")? else { return Ok(()) };
    let logger = logging.call_method1("getLogger", ("tokenlease",))?;
    for event in events {
        logger.call_method1("info", ("%s: %s", client, event))?;
    }
    Ok(())
}
