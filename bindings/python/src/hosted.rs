//! The arguments that machines and exchanges share.

use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::PyDict,
};
use tokenlease::{ClientBuilder, Result, core};

use crate::{arguments::Arguments, credentials, error, fork, token::Token};

/// Builds a part of a client from the arguments of one. It blocks while it reads credentials and opens
/// a store; other threads run meanwhile.
pub(crate) fn build<R: Send>(
    py: Python<'_>,
    given: Option<&Bound<'_, PyDict>>,
    make: impl FnOnce(ClientBuilder) -> Result<R> + Send,
) -> PyResult<R> {
    fork::notice();
    // A machine shares the memory of the process with its clients.
    fork::client_is_made();
    let mut arguments = Arguments::read(py, given)?;
    if arguments.on_event.is_some() {
        let unused = "on_event is set for a client that sends nothing itself, which has no events; \
                      use the logger or the results of its calls";
        return Err(PyTypeError::new_err(unused));
    }
    let credentials = credentials::source(py, &arguments)?.credentials;
    let registry = arguments.registry();
    let Arguments { sources, parts, .. } = arguments;
    let built = py.detach(move || {
        make(sources.options().client_with(credentials, registry.as_ref(), &parts)?)
    });
    built.map_err(|failed| error::raise(py, &failed))
}

/// The token that a call is about, if it is about one.
pub(crate) struct OfToken<'a> {
    call: &'a str,
    token: Option<core::Token>,
}

impl<'a> OfToken<'a> {
    pub(crate) fn new(call: &'a str, token: Option<&Bound<'_, Token>>) -> Self {
        Self { call, token: token.map(|token| token.get().inner().clone()) }
    }

    /// Returns the token of a call that is about one.
    pub(crate) fn required(self) -> PyResult<core::Token> {
        let missing =
            || PyValueError::new_err(format!("\"{}\" is about a token; pass it", self.call));
        self.token.ok_or_else(missing)
    }

    /// Returns a call that is about no token.
    pub(crate) fn none<C>(&self, call: C) -> PyResult<C> {
        if self.token.is_none() {
            return Ok(call);
        }
        let unused = format!("\"{}\" is about no token; leave it out", self.call);
        Err(PyValueError::new_err(unused))
    }
}
