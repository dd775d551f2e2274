//! What clients share.

use pyo3::{prelude::*, types::PyDict};
use tokenlease_config::Options;

use crate::{options, wait};

/// What many clients share: the store, trust, and how long a request may take.
#[pyclass(frozen, module = "tokenlease")]
pub(crate) struct Registry(tokenlease::Registry);

impl Registry {
    pub(crate) fn inner(&self) -> &tokenlease::Registry {
        &self.0
    }
}

#[pymethods]
impl Registry {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let options = options::read(options)?;
        let registry = opened(py, options, Options::registry)?;
        Ok(Self(registry))
    }

    #[expect(clippy::unused_self, reason = "Python's protocol")]
    fn __repr__(&self) -> &'static str {
        "<Registry>"
    }
}

/// Makes something of options; opening a store blocks.
pub(crate) fn opened<R: Send + 'static>(
    py: Python<'_>,
    options: Options,
    make: impl FnOnce(&Options) -> tokenlease::Result<R> + Send + 'static,
) -> PyResult<R> {
    if options.store.is_some() {
        return wait::of_blocking(py, move || make(&options));
    }
    make(&options).map_err(|error| crate::error::raise(py, &error))
}
