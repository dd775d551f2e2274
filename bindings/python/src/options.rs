//! Reads options from Python values: text, numbers, seconds, `timedelta`, paths and booleans.

use std::time::Duration;

use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyBool, PyDelta, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple},
};
use tokenlease::{Error, ErrorKind};
use tokenlease_config::{Options, Value, is_number, is_repeatable};

use crate::error;

/// Sets an option to a Python value.
pub(crate) fn set(options: &mut Options, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = value.py();
    if is_repeatable(key) && !value.is_instance_of::<PyString>() {
        return fields(key, value)?.iter().try_for_each(|(name, value)| {
            // A path is text to its reader; an item without a name is one `NAME=VALUE`.
            let value = if value.hasattr("__fspath__")? {
                value.call_method0("__fspath__")?
            } else {
                value.clone()
            };
            let value = value
                .cast::<PyString>()
                .map_err(|_| wrong_type(key, &value, "text for each field"))?
                .to_cow()?
                .into_owned();
            let text =
                name.as_ref().map_or_else(|| value.clone(), |name| format!("{name}={value}"));
            options.set(key, &text).map_err(|error| error::raise(py, &error))
        });
    }
    let set = if let Ok(text) = value.cast::<PyString>() {
        options.set(key, &text.to_cow()?)
    } else if let Ok(yes) = value.cast::<PyBool>() {
        options.set_value(key, Value::Bool(yes.is_true()))
    } else if is_number(key) && value.is_instance_of::<PyInt>() {
        // A negative number, and one that is too large, is named in the error as it is.
        options.set(key, &value.str()?.to_cow()?)
    } else if let Some(duration) = number(key, value)? {
        options.set_value(key, Value::Duration(duration))
    } else if value.hasattr("__fspath__")? {
        let path = value.call_method0("__fspath__")?;
        options.set(key, &path.cast::<PyString>()?.to_cow()?)
    } else {
        return Err(wrong_type(
            key,
            value,
            "text, a number of seconds, a timedelta, a path or a bool",
        ));
    };
    set.map_err(|error| error::raise(value.py(), &error))
}

/// A field of a token request: its name, unless the value contains it, and its value.
pub(crate) type Field<'py> = (Option<String>, Bound<'py, PyAny>);

/// Reads fields: a dict of names and values, or of names and lists of values, or a list of texts.
pub(crate) fn fields<'py>(key: &str, value: &Bound<'py, PyAny>) -> PyResult<Vec<Field<'py>>> {
    let is_list = |value: &Bound<'_, PyAny>| {
        value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>()
    };
    let items = |value: &Bound<'py, PyAny>| -> PyResult<Vec<Bound<'py, PyAny>>> {
        if is_list(value) { value.try_iter()?.collect() } else { Ok(vec![value.clone()]) }
    };
    if let Ok(dict) = value.cast::<PyDict>() {
        let mut fields = Vec::new();
        for (name, values) in dict {
            let name = name.cast::<PyString>()?.to_cow()?.into_owned();
            fields.extend(items(&values)?.into_iter().map(|value| (Some(name.clone()), value)));
        }
        return Ok(fields);
    }
    if is_list(value) {
        return Ok(items(value)?.into_iter().map(|value| (None, value)).collect());
    }
    Err(wrong_type(key, value, "a dict of names and values, or a list of texts"))
}

/// Reads the duration argument of a call.
pub(crate) fn duration(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    if let Ok(text) = value.cast::<PyString>() {
        return tokenlease_config::duration::parse(&text.to_cow()?)
            .map_err(|why| config(value.py(), &format!("\"{name}\": {why}")));
    }
    let number = if value.is_instance_of::<PyBool>() { None } else { number(name, value)? };
    number.ok_or_else(|| {
        wrong_type(name, value, "a number of seconds, a timedelta, or text such as \"10s\"")
    })
}

fn number(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Duration>> {
    let of = if value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>() {
        value.extract().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    } else if value.is_instance_of::<PyDelta>() {
        value.extract().ok()
    } else {
        return Ok(None);
    };
    match of {
        Some(duration) => Ok(Some(duration)),
        None => Err(config(
            value.py(),
            &format!("\"{name}\": {} is not a duration; expected 0 seconds or more", value.str()?),
        )),
    }
}

fn config(py: Python<'_>, detail: &str) -> PyErr {
    error::raise(py, &Error::new(ErrorKind::Config, detail.to_owned()))
}

/// Returns a `TypeError`. It does not quote the value, which may be a misplaced secret.
pub(crate) fn wrong_type(name: &str, value: &Bound<'_, PyAny>, expected: &str) -> PyErr {
    let found = value.get_type().name().map_or_else(|_| "an object".into(), |n| n.to_string());
    PyTypeError::new_err(format!("{name} is of type {found}; expected {expected}"))
}
