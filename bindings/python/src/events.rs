//! Events for a function of the program.

use pyo3::prelude::*;
use tokenlease::{LogEntry, LogLevel};

use crate::{credentials::Functions, interpreter_guard};

/// An event of a client, such as a login. It contains no secret.
#[pyclass(frozen, eq, get_all, module = "tokenlease")]
#[derive(PartialEq)]
pub(crate) struct Event {
    name: String,
    text: String,
    level: u8,
}

impl Event {
    fn of(entry: &LogEntry) -> Self {
        // The numbers of Python's `logging`.
        let level = match entry.level {
            LogLevel::Warning => 30,
            _ => 10,
        };
        Self { name: entry.event.to_owned(), text: entry.text.clone(), level }
    }
}

#[pymethods]
impl Event {
    fn __str__(&self) -> &str {
        &self.text
    }

    fn __repr__(&self) -> String {
        format!("<Event {}: {}>", self.name, self.text)
    }
}

/// Calls a function of the program with an event, on a thread of the client that does nothing else.
pub(crate) fn deliver(functions: &Functions, entry: &LogEntry) {
    interpreter_guard::attach(|py| {
        // Without the function, the client was garbage-collected.
        let Ok(function) = functions.get(py, 0) else { return };
        let function = function.bind(py);
        if let Err(raised) = function.call1((Event::of(entry),)) {
            raised.write_unraisable(py, Some(function));
        }
    });
}
