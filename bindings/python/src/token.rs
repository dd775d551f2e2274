//! A token as Python sees it.

use pyo3::{exceptions::PyTypeError, prelude::*, types::PyString};
use spin::mutex::SpinMutex;
use tokenlease::{
    Authorize, CacheVersion, Client,
    core::{self, TokenKind},
};

use crate::error;

/// The secret text that the provider issued, with its kind.
#[pyclass(frozen, module = "tokenlease")]
pub(crate) struct Token {
    /// Made once a token, so that reading it costs nothing.
    #[pyo3(get)]
    value: Py<PyString>,
    token: core::Token,
}

impl Token {
    pub(crate) fn of(py: Python<'_>, token: &core::Token) -> PyResult<Py<Self>> {
        let value = PyString::new(py, token.expose()).unbind();
        Py::new(py, Self { value, token: token.clone() })
    }

    pub(crate) fn inner(&self) -> &core::Token {
        &self.token
    }
}

#[pymethods]
impl Token {
    #[new]
    #[pyo3(signature = (value, *, kind))]
    fn new(py: Python<'_>, value: Bound<'_, PyString>, kind: &str) -> PyResult<Self> {
        let kind: TokenKind = kind.parse().map_err(|error| error::raise(py, &error))?;
        let token = core::Token::read(kind, value.to_cow()?.into_owned());
        let token = token.map_err(|error| error::raise(py, &error))?;
        Ok(Self { value: value.unbind(), token })
    }

    /// How the token is presented to an API.
    #[getter]
    fn kind(&self) -> &'static str {
        self.token.kind().as_str()
    }

    /// The value of the header `Authorization`.
    #[getter]
    fn authorization(&self, py: Python<'_>) -> PyResult<String> {
        let mut headers = http::HeaderMap::new();
        let set = Authorize::new(&self.token).header(&mut headers);
        set.map_err(|error| error::raise(py, &error))?;
        let value = headers.get(http::header::AUTHORIZATION).map(http::HeaderValue::as_bytes);
        Ok(String::from_utf8_lossy(value.unwrap_or_default()).into_owned())
    }

    pub(crate) fn __repr__(&self) -> String {
        format!("<Token {} [redacted]>", self.kind())
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.token == other.token
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.value.bind(py).hash()
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    #[expect(clippy::unused_self, reason = "Python's protocol")]
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a Token is a secret and is not pickled: each process asks its own client, and a store \
             shares the token; or pass token.value, on purpose",
        ))
    }
}

/// The last token that was handed out, as an object of Python's: the same for all who ask until
/// there is another.
///
/// Its lock is only tried, never waited for, and costs half of one that can be: the interpreter's
/// own keeps threads apart, as nothing is run, made or dropped while it is held. Whoever should meet
/// it taken makes an object of their own.
#[derive(Default)]
pub(crate) struct Tokens(SpinMutex<Option<Last>>);

struct Last {
    token: Py<Token>,
    version: Option<CacheVersion>,
}

impl Tokens {
    /// The last one, if the client still holds it.
    #[expect(clippy::inline_always, reason = "a library that is built for size would not")]
    #[inline(always)]
    pub(crate) fn held(&self, py: Python<'_>, client: &Client) -> Option<Py<Token>> {
        let last = self.0.try_lock()?;
        let Last { token, version } = last.as_ref()?;
        version.as_ref().is_some_and(|version| client.holds(version)).then(|| token.clone_ref(py))
    }

    pub(crate) fn of(
        &self,
        py: Python<'_>,
        token: &core::Token,
        version: Option<CacheVersion>,
    ) -> PyResult<Py<Token>> {
        if let Some(mut last) = self.0.try_lock()
            && let Some(last) = &mut *last
            && last.token.get().token.is_clone_of(token)
        {
            last.version = version.or_else(|| last.version.take());
            return Ok(last.token.clone_ref(py));
        }
        let made = Token::of(py, token)?;
        let last = Last { token: made.clone_ref(py), version };
        let before = self.0.try_lock().and_then(|mut place| place.replace(last));
        drop(before);
        Ok(made)
    }
}
