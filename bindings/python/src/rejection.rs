//! The result of a report that an API rejected a token.

use pyo3::{prelude::*, types::PyTuple};
use tokenlease::Rejection;

use crate::token::{Token, Tokens};

/// Another token is in use now. Repeat the API call once with it.
#[pyclass(frozen, eq, module = "tokenlease")]
pub(crate) struct Replaced {
    #[pyo3(get)]
    token: Py<Token>,
}

impl PartialEq for Replaced {
    fn eq(&self, other: &Self) -> bool {
        self.token.get().inner() == other.token.get().inner()
    }
}

#[pymethods]
impl Replaced {
    #[new]
    pub(crate) fn new(token: Py<Token>) -> Self {
        Self { token }
    }

    #[classattr]
    fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
        PyTuple::new(py, ["token"])
    }

    fn __repr__(&self) -> String {
        format!("<Replaced {}>", self.token.get().__repr__())
    }
}

/// The provider says that the token is active. Do not repeat the API call.
#[pyclass(frozen, eq, module = "tokenlease")]
#[derive(PartialEq)]
pub(crate) struct StillActive;

#[pymethods]
impl StillActive {
    #[new]
    fn new() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "Python's protocol")]
    fn __repr__(&self) -> &'static str {
        "<StillActive>"
    }
}

/// Converts the result for Python.
pub(crate) fn convert(
    py: Python<'_>,
    tokens: &Tokens,
    rejection: &Rejection,
) -> PyResult<Py<PyAny>> {
    Ok(match rejection {
        Rejection::Replaced(token) => {
            Py::new(py, Replaced { token: tokens.object_of(py, token, None)? })?.into_any()
        }
        // `StillActive` and any later variant: the call is not repeated.
        _ => Py::new(py, StillActive)?.into_any(),
    })
}
