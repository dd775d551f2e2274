//! The effects that a machine asks its program for, and their outcomes.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use pyo3::{
    exceptions::{PyRuntimeError, PyValueError},
    prelude::*,
    types::PyBytes,
};
use tokenlease::{
    Error, ErrorKind,
    core::{
        StoreTime,
        machine::{Action, Effect as CoreEffect, Outcome},
    },
    hosted::{HostStep, HostedClient, Wait},
    store::Owner,
};

use crate::{
    error,
    http_message::{Received, Request},
    wait,
};

const STORE: &[&str] = &["load", "lock", "renew", "save", "unlock"];

/// Something that the program of a machine must do. One thread at a time uses it.
#[pyclass(frozen, weakref, module = "tokenlease.hosted")]
pub(crate) struct Effect {
    client: Arc<HostedClient>,
    #[pyo3(get)]
    action: &'static str,
    #[pyo3(get)]
    request: Option<Py<Request>>,
    #[pyo3(get)]
    record_name: Option<String>,
    #[pyo3(get)]
    lock_owner: Option<String>,
    #[pyo3(get)]
    lock_ttl: Option<Duration>,
    #[pyo3(get)]
    expected_revision: Option<u64>,
    #[pyo3(get)]
    record: Option<Py<PyBytes>>,
    #[pyo3(get)]
    keep: Option<Duration>,
    step: Mutex<Step>,
}

/// A record that the program's store has: its revision and its bytes.
#[derive(FromPyObject)]
struct Stored<'py>(u64, Bound<'py, PyBytes>);

impl Stored<'_> {
    fn get(&self) -> (u64, &[u8]) {
        (self.0, self.1.as_bytes())
    }
}

/// The state of an effect.
enum Step {
    Done,
    Wait(Wait),
    Do(Box<CoreEffect>),
    /// It has its outcome.
    Over,
}

impl Effect {
    pub(crate) fn new(py: Python<'_>, client: Arc<HostedClient>, step: HostStep) -> PyResult<Self> {
        let mut made = Self {
            client,
            action: "done",
            request: None,
            record_name: None,
            lock_owner: None,
            lock_ttl: None,
            expected_revision: None,
            record: None,
            keep: None,
            step: Mutex::new(Step::Done),
        };
        match step {
            HostStep::Done => {}
            HostStep::Wait(wait) => {
                (made.action, made.step) = ("wait", Mutex::new(Step::Wait(wait)));
            }
            HostStep::Do(effect) => {
                let action = effect.action();
                made.record_name = action.record().map(|record| record.key().clone());
                made.lock_owner = action.owner().map(|owner| Owner::new(owner).as_str().to_owned());
                made.action = match action {
                    Action::Send(request) => {
                        made.request = Some(Request::of(py, request)?);
                        "send"
                    }
                    Action::Load { .. } => "load",
                    Action::Lock { ttl, .. } => {
                        made.lock_ttl = Some(*ttl);
                        "lock"
                    }
                    Action::Renew { ttl, .. } => {
                        made.lock_ttl = Some(*ttl);
                        "renew"
                    }
                    Action::Save { expected, bytes, keep, .. } => {
                        (made.expected_revision, made.keep) = (*expected, *keep);
                        made.record = Some(PyBytes::new(py, bytes).unbind());
                        "save"
                    }
                    // There is no other action.
                    _ => "unlock",
                };
                made.step = Mutex::new(Step::Do(effect));
            }
        }
        Ok(made)
    }

    fn step(&self) -> MutexGuard<'_, Step> {
        // Nothing that can panic runs under the lock.
        self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the effect to return it with its outcome, if it has one of these actions.
    fn take(&self, actions: &[&str]) -> PyResult<CoreEffect> {
        if !actions.contains(&self.action) {
            return Err(PyValueError::new_err(format!(
                "the effect has the action \"{}\", which has no such outcome",
                self.action
            )));
        }
        let mut step = self.step();
        match std::mem::replace(&mut *step, Step::Over) {
            Step::Do(effect) => Ok(*effect),
            _ => Err(PyRuntimeError::new_err("the effect has its outcome already")),
        }
    }

    fn give(&self, py: Python<'_>, actions: &[&str], outcome: Outcome<'_>) -> PyResult<()> {
        let effect = self.take(actions)?;
        self.client.handle(effect, outcome).map_err(|failed| error::raise(py, &failed))
    }
}

#[pymethods]
impl Effect {
    /// The time that is left for the effect. `None` if it asks for nothing or has its outcome.
    #[getter]
    fn timeout(&self) -> Option<Duration> {
        match &*self.step() {
            Step::Wait(wait) => Some(wait.at_most),
            Step::Do(effect) => self.client.time_left(effect).ok(),
            Step::Done | Step::Over => None,
        }
    }

    /// Performs a wait, or an effect of the store at the machine's own store.
    fn perform(&self, py: Python<'_>) -> PyResult<()> {
        let waits = match &*self.step() {
            Step::Done => return Ok(()),
            Step::Wait(wait) => Some(*wait),
            Step::Do(_) | Step::Over => None,
        };
        let performed = if let Some(mut until) = waits {
            // A signal is handled when the wait ends; the program polls again then.
            until.at_most = until.at_most.min(wait::signal_interval(py)?);
            py.detach(|| self.client.wait(until))
        } else {
            let effect = self.take(STORE)?;
            py.detach(|| self.client.perform(effect))
        };
        py.check_signals()?;
        performed.map_err(|failed| error::raise(py, &failed))
    }

    /// Returns the answer to a request.
    #[pyo3(signature = (status, headers=None, body=None, *, broke_off=None))]
    fn answered(
        &self,
        py: Python<'_>,
        status: u16,
        headers: Option<&Bound<'_, PyAny>>,
        body: Option<&Bound<'_, PyBytes>>,
        broke_off: Option<String>,
    ) -> PyResult<()> {
        let received = Received::read(status, headers, body, broke_off)?;
        let effect = self.take(&["send"])?;
        let answered = self.client.answered(effect, received.answer());
        answered.map_err(|failed| error::raise(py, &failed))
    }

    /// Says that no byte of the request was written.
    fn not_sent(&self, py: Python<'_>, message: String) -> PyResult<()> {
        self.give(py, &["send"], Outcome::NotSent(transport(message)))
    }

    /// Says that no answer came, and that the request may have arrived.
    fn lost(&self, py: Python<'_>, message: String) -> PyResult<()> {
        self.give(py, &["send"], Outcome::Lost(transport(message)))
    }

    /// Returns the record that the program's store has.
    #[pyo3(signature = (record, *, store_time))]
    fn loaded(
        &self,
        py: Python<'_>,
        record: Option<&Bound<'_, PyAny>>,
        store_time: f64,
    ) -> PyResult<()> {
        let record: Option<Stored<'_>> = record.map(PyAnyMethods::extract).transpose()?;
        let stored = record.as_ref().map(Stored::get);
        let outcome = Outcome::Loaded { stored, now: time_of_store(store_time)? };
        self.give(py, &["load"], outcome)
    }

    /// Returns whether the owner has the lock now.
    fn lock_result(&self, py: Python<'_>, granted: bool) -> PyResult<()> {
        let outcome = if granted { Outcome::Locked } else { Outcome::Busy };
        self.give(py, &["lock", "renew"], outcome)
    }

    /// Says that the record was written.
    #[pyo3(signature = (revision, *, store_time))]
    fn saved(&self, py: Python<'_>, revision: u64, store_time: f64) -> PyResult<()> {
        let outcome = Outcome::Saved { revision, now: time_of_store(store_time)? };
        self.give(py, &["save"], outcome)
    }

    /// Says that another revision is stored.
    #[pyo3(signature = (record, *, store_time))]
    fn conflict(
        &self,
        py: Python<'_>,
        record: Option<&Bound<'_, PyAny>>,
        store_time: f64,
    ) -> PyResult<()> {
        let record: Option<Stored<'_>> = record.map(PyAnyMethods::extract).transpose()?;
        let stored = record.as_ref().map(Stored::get);
        let outcome = Outcome::Conflict { stored, now: time_of_store(store_time)? };
        self.give(py, &["save"], outcome)
    }

    /// Says that the lock was released.
    fn unlocked(&self, py: Python<'_>) -> PyResult<()> {
        self.give(py, &["unlock"], Outcome::Unlocked)
    }

    /// Says that the program's store failed: it is unavailable, or it rejected the call.
    #[pyo3(signature = (message, *, rejected=false))]
    fn store_failed(&self, py: Python<'_>, message: String, rejected: bool) -> PyResult<()> {
        let failed = Error::new(ErrorKind::Store, message);
        let outcome = if rejected { Outcome::Rejected(failed) } else { Outcome::Failed(failed) };
        self.give(py, STORE, outcome)
    }

    fn __repr__(&self) -> String {
        format!("<Effect {}>", self.action)
    }
}

fn transport(message: String) -> Error {
    Error::new(ErrorKind::Transport, message)
        .advice("check the network, and the settings of the program's HTTP library")
}

/// Returns a time of the store's clock, from seconds since 1970.
fn time_of_store(seconds: f64) -> PyResult<StoreTime> {
    let duration = Duration::try_from_secs_f64(seconds).ok();
    let millis = duration.and_then(|duration| i64::try_from(duration.as_millis()).ok());
    millis.map(StoreTime).ok_or_else(|| {
        PyValueError::new_err(format!("store_time is {seconds}; expected seconds from 0"))
    })
}
