//! The calls of an API with a token. The Python module `tokenlease._call` makes them, for both clients.

use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyBytes, PyDict, PyString},
};
use tokenlease::Client;

/// Reads an API's answer: whether it rejects the token of the call.
pub(crate) fn read_answer(
    client: &Client,
    status: u16,
    body: &Bound<'_, PyBytes>,
    headers: Option<&Bound<'_, PyAny>>,
) -> PyResult<&'static str> {
    let mut response = http::Response::new(body.as_bytes());
    *response.status_mut() = http::StatusCode::from_u16(status)
        .map_err(|_| PyValueError::new_err(format!("the status is {status}, not 100 to 999")))?;
    if let Some(headers) = headers {
        for header in headers.call_method0("items")?.try_iter()? {
            let (name, value): (Bound<'_, PyString>, Bound<'_, PyString>) = header?.extract()?;
            // Some libraries decode bytes that are no text to lone surrogates.
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            // Other headers than valid ones mean nothing here.
            if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(&*name), value.parse()) {
                response.headers_mut().append(name, value);
            }
        }
    }
    Ok(client.read_answer(&response).as_str())
}

/// Calls the function of `tokenlease._call` of that name.
pub(crate) fn call(
    client: Bound<'_, PyAny>,
    function: &Bound<'_, PyAny>,
    read: Option<&Bound<'_, PyAny>>,
) -> PyResult<Py<PyAny>> {
    let py = client.py();
    let options = PyDict::new(py);
    options.set_item("read", read)?;
    let module = py.import("tokenlease._call")?;
    Ok(module.getattr("call")?.call((client, function), Some(&options))?.unbind())
}
