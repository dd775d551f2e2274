//! A client whose program sends the requests.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use pyo3::{
    exceptions::{PyRuntimeError, PyValueError},
    prelude::*,
    types::PyDict,
};
use tokenlease::{
    core::{
        Now, Timestamp, WallTime,
        lifecycle::Revocation,
        machine::{CallId, CallResult, ClientCall},
    },
    hosted::HostedClient,
};

use crate::{
    effect::Effect,
    error,
    hosted::{self, OfToken},
    options,
    rejection::{Replaced, StillActive},
    token::Token,
};

/// A client that sends nothing itself: it decides what to do, and the program does it.
#[pyclass(frozen, weakref, module = "tokenlease.hosted")]
pub(crate) struct Machine(Arc<HostedClient>);

/// A call of a machine.
#[pyclass(frozen, weakref, module = "tokenlease.hosted")]
pub(crate) struct MachineCall {
    client: Arc<HostedClient>,
    id: CallId,
    kind: String,
    is_taken: Mutex<bool>,
}

#[pymethods]
impl Machine {
    #[new]
    #[pyo3(signature = (*, now=None, **options))]
    fn new(
        py: Python<'_>,
        now: Option<(f64, f64)>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let clocks = now.map(|(elapsed, wall)| clocks(elapsed, wall)).transpose()?;
        let client = hosted::build(py, options, |builder| builder.build_hosted(clocks))?;
        Ok(Self(Arc::new(client)))
    }

    /// Moves the clocks of a machine that was made with the program's own.
    fn set_now(&self, py: Python<'_>, elapsed: f64, wall: f64) -> PyResult<()> {
        let now = clocks(elapsed, wall)?;
        self.0.set_now(now).map_err(|failed| error::raise(py, &failed))
    }

    /// Begins a call.
    #[pyo3(signature = (kind, token=None, *, deadline=None, min_remaining=None))]
    fn begin(
        &self,
        py: Python<'_>,
        kind: &str,
        token: Option<&Bound<'_, Token>>,
        deadline: Option<&Bound<'_, PyAny>>,
        min_remaining: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<MachineCall> {
        let duration = |name, value: Option<&Bound<'_, PyAny>>| {
            value.map(|value| options::duration(name, value)).transpose()
        };
        let deadline = duration("deadline", deadline)?;
        let min_remaining = duration("min_remaining", min_remaining)?;
        let token = OfToken::new(kind, token);
        let call = match kind {
            "token" => token.none(ClientCall::Token { min_remaining })?,
            "report_rejected" => ClientCall::ReportRejected(token.required()?),
            "validate" => ClientCall::Validate(token.required()?),
            "refetch" => token.none(ClientCall::Refetch)?,
            "revoke" => ClientCall::Revoke(token.required()?),
            "forget" => token.none(ClientCall::Forget)?,
            "unblock" => token.none(ClientCall::Unblock)?,
            _ => {
                let known = "token, report_rejected, validate, refetch, revoke, forget, unblock";
                return Err(PyValueError::new_err(format!(
                    "the call \"{kind}\" is unknown; expected one of {known}"
                )));
            }
        };
        if min_remaining.is_some() && kind != "token" {
            let unused = format!("min_remaining is for \"token\", and the call is \"{kind}\"");
            return Err(PyValueError::new_err(unused));
        }
        let id = self.0.begin(call, deadline).map_err(|failed| error::raise(py, &failed))?;
        let (client, kind) = (self.0.clone(), kind.to_owned());
        Ok(MachineCall { client, id, kind, is_taken: Mutex::new(false) })
    }

    /// Returns the next thing that the program must do.
    #[pyo3(signature = (call=None))]
    fn poll(&self, py: Python<'_>, call: Option<&Bound<'_, MachineCall>>) -> PyResult<Effect> {
        let id = match call.map(Bound::get) {
            Some(call) if Arc::ptr_eq(&call.client, &self.0) => Some(call.id),
            Some(_) => {
                let other = "the call belongs to another machine; pass one that this machine began";
                return Err(PyValueError::new_err(other));
            }
            None => None,
        };
        let step = self.0.poll(id).map_err(|failed| error::raise(py, &failed))?;
        Effect::new(py, self.0.clone(), step)
    }

    /// Uses a token that was obtained elsewhere.
    #[pyo3(signature = (token, *, lifetime=None))]
    fn adopt(
        &self,
        py: Python<'_>,
        token: &Bound<'_, Token>,
        lifetime: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let lifetime = crate::shared::lifetime(lifetime)?;
        let adopted = self.0.adopt(token.get().inner().clone(), lifetime);
        adopted.map_err(|failed| error::raise(py, &failed))
    }

    /// Describes the current token without the secret.
    fn explain(&self, py: Python<'_>) -> PyResult<String> {
        self.0.explain().map_err(|failed| error::raise(py, &failed))
    }

    #[expect(clippy::unused_self, reason = "Python's protocol")]
    fn __repr__(&self) -> &'static str {
        "<Machine>"
    }
}

#[pymethods]
impl MachineCall {
    /// Whether the result can be read.
    #[getter]
    fn is_complete(&self, py: Python<'_>) -> PyResult<bool> {
        self.client.is_complete(self.id).map_err(|failed| error::raise(py, &failed))
    }

    /// Reads the result, once.
    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let raise = |failed| error::raise(py, &failed);
        let outcome = self.client.take(self.id).map_err(raise)?;
        let mut is_taken = self.is_taken.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(outcome) = outcome else {
            let why = if *is_taken { "its result was read before" } else { "it is not complete" };
            return Err(PyRuntimeError::new_err(format!("the call has no result: {why}")));
        };
        *is_taken = true;
        drop(is_taken);
        Ok(match outcome.map_err(raise)? {
            CallResult::Token(served) => {
                let header = self.client.token_header().map_err(raise)?;
                let token = Token::of(py, served.lease.token(), header)?;
                if self.kind == "report_rejected" {
                    Py::new(py, Replaced::new(token))?.into_any()
                } else {
                    token.into_any()
                }
            }
            CallResult::StillActive => Py::new(py, StillActive)?.into_any(),
            CallResult::Validation(active) => {
                active.into_pyobject(py)?.to_owned().into_any().unbind()
            }
            CallResult::Revoked(proof) => {
                let text = if proof == Revocation::Proven { "proven" } else { "unproven" };
                text.into_pyobject(py)?.into_any().unbind()
            }
            _ => py.None(),
        })
    }

    fn __repr__(&self) -> String {
        format!("<MachineCall {}>", self.kind)
    }
}

impl Drop for MachineCall {
    fn drop(&mut self) {
        // In a forked child there is nothing to end.
        let _ = self.client.abandon(self.id);
    }
}

/// Returns the clocks of a program, from seconds.
fn clocks(elapsed: f64, wall: f64) -> PyResult<Now> {
    let millis = |name: &str, seconds: f64| {
        let duration = Duration::try_from_secs_f64(seconds).ok();
        let millis = duration.and_then(|duration| i64::try_from(duration.as_millis()).ok());
        millis.ok_or_else(|| {
            PyValueError::new_err(format!("the clock {name} is {seconds}; expected seconds from 0"))
        })
    };
    let (elapsed, wall) = (millis("elapsed", elapsed)?, millis("wall", wall)?);
    Ok(Now { elapsed: Timestamp(elapsed), wall: WallTime(wall) })
}
