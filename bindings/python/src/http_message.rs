//! Requests that the host program sends, and the answers that it received.

use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyBytes, PyString, PyTuple},
};
use tokenlease::{core::http, hosted::Answer};
use zeroize::Zeroizing;

use crate::options::wrong_type;

/// A request to send, once and as it is. Headers and body contain secrets, and so may the URL.
#[pyclass(frozen, get_all, module = "tokenlease.hosted")]
pub(crate) struct Request {
    method: Py<PyString>,
    url: Py<PyString>,
    headers: Py<PyTuple>,
    body: Py<PyBytes>,
}

impl Request {
    pub(crate) fn of(py: Python<'_>, request: &http::Request) -> PyResult<Py<Self>> {
        let headers = request.headers().iter().map(|(name, value)| {
            // A header's value is visible ASCII: the library encodes all else.
            (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let url = Zeroizing::new(request.uri().to_string());
        let made = Self {
            method: PyString::new(py, request.method().as_str()).unbind(),
            url: PyString::new(py, &url).unbind(),
            headers: PyTuple::new(py, headers.collect::<Vec<_>>())?.unbind(),
            body: PyBytes::new(py, request.body().as_bytes()).unbind(),
        };
        Py::new(py, made)
    }
}

#[pymethods]
impl Request {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<Request {} [redacted]>", self.method.bind(py).to_cow()?))
    }
}

/// The bytes of an answer.
pub(crate) struct Received<'py> {
    status: u16,
    headers: Vec<u8>,
    body: Option<Bound<'py, PyBytes>>,
    broke_off: Option<String>,
}

impl<'py> Received<'py> {
    /// Reads an answer. The headers are a mapping, pairs of name and value, or the lines as bytes.
    pub(crate) fn read(
        status: u16,
        headers: Option<&Bound<'py, PyAny>>,
        body: Option<&Bound<'py, PyBytes>>,
        broke_off: Option<String>,
    ) -> PyResult<Self> {
        if !(100..1000).contains(&status) {
            let wrong = format!("the status is {status}; expected an HTTP status from 100 to 999");
            return Err(PyValueError::new_err(wrong));
        }
        let headers = headers.map_or_else(|| Ok(Vec::new()), lines)?;
        Ok(Self { status, headers, body: body.cloned(), broke_off })
    }

    pub(crate) fn answer(&self) -> Answer<'_> {
        let body = self.body.as_ref().map_or(&b""[..], |body| body.as_bytes());
        let answer = Answer::new(self.status, &self.headers, body);
        match &self.broke_off {
            Some(how) => answer.broke_off(how),
            None => answer,
        }
    }
}

/// Returns the lines of headers.
fn lines(headers: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(lines) = headers.cast::<PyBytes>() {
        return Ok(lines.as_bytes().to_vec());
    }
    let pairs = if headers.hasattr("items")? { &headers.call_method0("items")? } else { headers };
    let mut lines = Vec::new();
    for pair in pairs.try_iter()? {
        let pair = pair?;
        let (name, value): (String, String) = pair.extract().map_err(|_| {
            wrong_type("headers", &pair, "pairs of text, a mapping, or the lines as bytes")
        })?;
        // A name or value with a line end would be read as another header.
        let line = format!("{name}: {value}").replace(['\r', '\n'], " ");
        lines.extend_from_slice(line.as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
    Ok(lines)
}
