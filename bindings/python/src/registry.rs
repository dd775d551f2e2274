//! The registry: what clients share.

use pyo3::{prelude::*, types::PyDict};
use tokenlease::bindings;
use tokenlease_config::Options;

use crate::{options, wait};

/// The store, the trusted certificates and the HTTP settings that several clients share.
#[pyclass(frozen, weakref, module = "tokenlease")]
pub(crate) struct Registry(tokenlease::Registry);

impl Registry {
    pub(crate) fn of(registry: tokenlease::Registry) -> Self {
        Self(registry)
    }

    /// Returns the registry, or in a forked child the child's own.
    pub(crate) fn in_this_process(&self, py: Python<'_>) -> PyResult<tokenlease::Registry> {
        let registry = bindings::registry_in_this_process(&self.0);
        registry.map_err(|error| crate::error::raise(py, &error))
    }
}

#[pymethods]
impl Registry {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let options = options::read(options)?;
        let registry = build(py, options, Options::registry)?;
        Ok(Self(registry))
    }

    #[expect(clippy::unused_self, reason = "Python's protocol")]
    fn __repr__(&self) -> &'static str {
        "<Registry>"
    }
}

/// Builds a value from options, on another thread if that opens a store, which blocks.
pub(crate) fn build<R: Send + 'static>(
    py: Python<'_>,
    options: Options,
    make: impl FnOnce(&Options) -> tokenlease::Result<R> + Send + 'static,
) -> PyResult<R> {
    if options.store.is_some() {
        return wait::for_blocking(py, move || make(&options));
    }
    make(&options).map_err(|error| crate::error::raise(py, &error))
}
