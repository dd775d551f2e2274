//! Maps the kind of an error to its exception class, which is written in Python (`_errors.py`).

use std::error::Error as _;

use pyo3::{
    exceptions::{PyOSError, PyRuntimeError},
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyType},
};
use tokenlease::{Error, ErrorKind, core::WallTime};

use crate::words;

/// The class of each kind, in the order of `ErrorKind::ALL`.
static CLASSES: PyOnceLock<Vec<(ErrorKind, Py<PyType>)>> = PyOnceLock::new();

/// Loads the class of each kind. A kind without a class fails the import.
pub(crate) fn load(py: Python<'_>) -> PyResult<()> {
    let by_kind = py.import("tokenlease._errors")?.getattr("BY_KIND")?;
    let find = |kind: ErrorKind| -> PyResult<_> {
        Ok((kind, by_kind.get_item(kind.as_str())?.cast_into::<PyType>()?.unbind()))
    };
    let classes = ErrorKind::ALL.into_iter().map(find).collect::<PyResult<_>>()?;
    let _ = CLASSES.set(py, classes);
    Ok(())
}

/// Converts an error to its exception.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error).unwrap_or_else(|failure| failure)
}

fn exception(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let classes = CLASSES.get(py).into_iter().flatten();
    let (_, class) = classes
        .into_iter()
        .find(|(kind, _)| *kind == error.kind())
        .ok_or_else(|| PyRuntimeError::new_err(error.to_string()))?;
    let attributes = PyDict::new(py);
    attributes.set_item("retryable", error.is_retryable())?;
    attributes.set_item("status", error.status())?;
    attributes.set_item("code", error.code())?;
    attributes.set_item("retry_after", error.retry_after())?;
    attributes.set_item("until", error.until().map(|until| datetime(py, until)).transpose()?)?;
    let text = words::for_python(&error.to_string());
    let exception = class.bind(py).call((text,), Some(&attributes))?;
    let raised = PyErr::from_value(exception);
    // The exception that a user's function raised, if there is one.
    let cause = error.source().and_then(|source| source.downcast_ref::<PyErr>());
    raised.set_cause(py, cause.map(|cause| cause.clone_ref(py)));
    Ok(raised)
}

fn datetime(py: Python<'_>, time: WallTime) -> PyResult<Bound<'_, PyAny>> {
    let module = py.import("datetime")?;
    let utc = module.getattr("timezone")?.getattr("utc")?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 are exact for many centuries"
    )]
    let seconds = time.0 as f64 / 1000.0;
    module.getattr("datetime")?.call_method1("fromtimestamp", (seconds, utc))
}

/// Converts an exception that a user's function raised. An exception of this package keeps its
/// kind. `OSError`, `ConnectionError` and `TimeoutError` become `Unavailable`, which is retryable: the
/// place where the secret is kept cannot be reached now. Any other becomes `Config`. The message is not copied, since it may contain a secret: it
/// stays in the exception, which becomes the cause.
pub(crate) fn of_exception(py: Python<'_>, raised: PyErr, what: &str) -> Error {
    let value = raised.value(py);
    let class = value.get_type().name().map_or_else(|_| "an exception".into(), |n| n.to_string());
    let kind = CLASSES
        .get(py)
        .into_iter()
        .flatten()
        .find(|(_, class)| value.is_instance(class.bind(py)).unwrap_or(false));
    // `ConnectionError` and `TimeoutError` are subclasses of `OSError`.
    let other = || {
        let is_temporary = value.is_instance_of::<PyOSError>();
        if is_temporary { ErrorKind::Unavailable } else { ErrorKind::Config }
    };
    let kind = kind.map_or_else(other, |(kind, _)| *kind);
    Error::new(kind, format!("{what} raised {class}"))
        .advice("see the cause of this exception for its message")
        .with_source(raised)
}
