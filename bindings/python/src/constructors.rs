//! The constructors of both clients that set a part of the options themselves.

use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyDict, PyType},
};

use crate::arguments::ENVIRONMENT;

/// Makes a client of that provider.
pub(crate) fn of_provider<'py>(
    class: &Bound<'py, PyType>,
    provider: &str,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    let options = options.cloned().unwrap_or_else(|| PyDict::new(py));
    if options.contains("provider")? {
        let twice = format!("{provider}() sets \"provider\" itself; leave it out");
        return Err(PyTypeError::new_err(twice));
    }
    options.set_item("provider", provider)?;
    class.call((), Some(&options))
}

/// Makes a client of the variables of the environment. The given options override them.
pub(crate) fn of_environment<'py>(
    class: &Bound<'py, PyType>,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let options = options.cloned().unwrap_or_else(|| PyDict::new(class.py()));
    options.set_item(ENVIRONMENT, true)?;
    class.call((), Some(&options))
}
