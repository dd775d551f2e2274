//! The registry: what clients share.

use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};
use tokenlease::{Count, EndBy, EntryFilter, RegistryEntry, bindings};
use tokenlease_config::Options;

use crate::{arguments, wait};

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
        let (options, parts) = arguments::of_registry(options)?;
        let registry = build(py, options, move |options| options.registry_with(&parts))?;
        Ok(Self(registry))
    }

    /// Lists the live tokens that clients of the registry use.
    #[pyo3(signature = (*, server=None, user=None, subject=None))]
    fn entries(
        &self,
        py: Python<'_>,
        server: Option<&str>,
        user: Option<&str>,
        subject: Option<&str>,
    ) -> PyResult<Py<PyAny>> {
        let registry = self.in_this_process(py)?;
        let filter = filter(server, user, subject);
        let entries = filter.and_then(|filter| registry.entries(&filter));
        let entries = entries.map_err(|error| crate::error::raise(py, &error))?;
        from_json(py, &RegistryEntry::list_to_json(&entries))
    }

    /// Counts what the clients of the registry did.
    fn counts(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let counts = self.in_this_process(py)?.counts();
        let counts = counts.map_err(|error| crate::error::raise(py, &error))?;
        let list = from_json(py, &Count::list_to_json(&counts))?;
        Ok(py.import("tokenlease._status")?.call_method1("_counts", (list,))?.unbind())
    }

    /// Ends the tokens of clients of the registry.
    #[pyo3(signature = (*, by, server=None, user=None, subject=None))]
    fn end(
        &self,
        py: Python<'_>,
        by: &str,
        server: Option<&str>,
        user: Option<&str>,
        subject: Option<&str>,
    ) -> PyResult<Py<PyAny>> {
        let by = match by {
            "forgetting" => EndBy::Forgetting,
            "revocation" => EndBy::Revocation,
            _ => {
                let why = format!("by is {by:?}; expected \"forgetting\" or \"revocation\"");
                return Err(PyValueError::new_err(why));
            }
        };
        let registry = self.in_this_process(py)?;
        let filter = filter(server, user, subject);
        let filter = filter.map_err(|error| crate::error::raise(py, &error))?;
        let report = wait::for_process(py, async move { registry.end(&filter, by).await })?;
        from_json(py, &report.to_json())
    }

    #[expect(clippy::unused_self, reason = "Python's protocol")]
    fn __repr__(&self) -> &'static str {
        "<Registry>"
    }
}

fn filter(
    server: Option<&str>,
    user: Option<&str>,
    subject: Option<&str>,
) -> tokenlease::Result<EntryFilter> {
    let mut filter = EntryFilter::default();
    if let Some(server) = server {
        filter = filter.server(server)?;
    }
    if let Some(user) = user {
        filter = filter.user(user);
    }
    Ok(match subject {
        Some(subject) => filter.subject(subject),
        None => filter,
    })
}

fn from_json(py: Python<'_>, text: &str) -> PyResult<Py<PyAny>> {
    Ok(py.import("json")?.call_method1("loads", (text,))?.unbind())
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
