//! The Python object of a token.

use pyo3::{exceptions::PyTypeError, prelude::*, sync::PyOnceLock, types::PyString};
use spin::mutex::SpinMutex;
use tokenlease::{
    Client,
    bindings::{self, CacheVersion},
    core::{self, TokenKind, provider::TokenHeader},
};

use crate::error;

/// The secret text of a token, with its kind.
#[pyclass(frozen, subclass, module = "tokenlease")]
pub(crate) struct Token {
    /// Made once for each token, so that reading it allocates nothing.
    #[pyo3(get)]
    value: Py<PyString>,
    inner: core::Token,
    /// Of a token that a program made from text: made when it is first read.
    authorization: PyOnceLock<Py<PyString>>,
    /// The header in which the server's API takes the token.
    header: TokenHeader,
    header_value: PyOnceLock<Py<PyString>>,
}

/// A token that goes into the header `Authorization`. A member is read faster than a getter, and has no
/// error, which a token of WinKAS Air needs. Programs see the class `Token`.
#[pyclass(frozen, extends = Token, name = "Token", module = "tokenlease")]
struct BearerToken {
    /// The value of the header `Authorization` (RFC 6750 section 2.1).
    #[pyo3(get)]
    authorization: Py<PyString>,
}

impl Token {
    pub(crate) fn of(
        py: Python<'_>,
        token: &core::Token,
        header: TokenHeader,
    ) -> PyResult<Py<Self>> {
        let value = PyString::new(py, token.expose()).unbind();
        let made = Self::made(value, token.clone(), header);
        // A token that cannot be sent in the header is an error when that is read.
        let Ok(authorization) = token.authorization() else { return Py::new(py, made) };
        let authorization = PyString::new(py, authorization.expose()).unbind();
        let bearer = PyClassInitializer::from(made).add_subclass(BearerToken { authorization });
        Ok(Bound::new(py, bearer)?.into_super().unbind())
    }

    fn made(value: Py<PyString>, inner: core::Token, header: TokenHeader) -> Self {
        let (authorization, header_value) = (PyOnceLock::new(), PyOnceLock::new());
        Self { value, inner, authorization, header, header_value }
    }

    pub(crate) fn inner(&self) -> &core::Token {
        &self.inner
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
        Ok(Self::made(value.unbind(), token, TokenHeader::default()))
    }

    /// Returns how the token is presented to an API.
    #[getter]
    fn kind(&self) -> &'static str {
        self.inner.kind().as_str()
    }

    /// Returns the value of the header `Authorization` (RFC 6750 section 2.1).
    #[getter]
    fn authorization(&self, py: Python<'_>) -> PyResult<Py<PyString>> {
        let value = self.authorization.get_or_try_init(py, || {
            let value = self.inner.authorization().map_err(|error| error::raise(py, &error))?;
            Ok::<_, PyErr>(PyString::new(py, value.expose()).unbind())
        })?;
        Ok(value.clone_ref(py))
    }

    /// Returns the name of the header in which the server's API takes the token.
    #[getter]
    fn header_name(&self, py: Python<'_>) -> PyResult<&'static str> {
        self.header_value(py).map(|_| self.header.name())
    }

    /// Returns the value of that header.
    #[getter]
    fn header_value(&self, py: Python<'_>) -> PyResult<Py<PyString>> {
        let value = self.header_value.get_or_try_init(py, || {
            let value = self.inner.header_value(self.header);
            let value = value.map_err(|error| error::raise(py, &error))?;
            Ok::<_, PyErr>(PyString::new(py, value.expose()).unbind())
        })?;
        Ok(value.clone_ref(py))
    }

    /// Returns the member of a JSON body in which WinKAS Air expects the token, escaped.
    #[getter]
    fn json_field(&self, py: Python<'_>) -> PyResult<Py<PyString>> {
        let member = self.inner.json_field().map_err(|error| error::raise(py, &error))?;
        Ok(PyString::new(py, member.expose()).unbind())
    }

    pub(crate) fn __repr__(&self) -> String {
        format!("<Token {} [redacted]>", self.kind())
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.inner == other.inner
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
            "a Token is a secret and cannot be pickled; make a client in each process and share the \
             token with the option \"store\", or pass token.value",
        ))
    }
}

/// The Python object of the last token: all callers get the same object until the token changes.
///
/// A caller only tries the spin lock and never waits for it; that costs half of a lock that can
/// wait. The interpreter's lock keeps threads apart, because nothing is run, made or dropped while
/// the spin lock is held. A caller that finds it taken makes another object.
pub(crate) struct Tokens {
    last: SpinMutex<Option<Last>>,
    header: TokenHeader,
}

struct Last {
    token: Py<Token>,
    version: Option<CacheVersion>,
}

impl Tokens {
    /// Makes the objects of a client's tokens, which its API takes in that header.
    pub(crate) fn new(header: TokenHeader) -> Self {
        Self { last: SpinMutex::new(None), header }
    }

    /// Returns the last object, if its token is still cached and fresh.
    #[expect(clippy::inline_always, reason = "a build that optimizes for size would not inline it")]
    #[inline(always)]
    pub(crate) fn cached(&self, py: Python<'_>, client: &Client) -> Option<Py<Token>> {
        let last = self.last.try_lock()?;
        let Last { token, version } = last.as_ref()?;
        version
            .as_ref()
            .is_some_and(|version| bindings::holds(client, version))
            .then(|| token.clone_ref(py))
    }

    /// Returns the object of a token: the last one if the token is the same, otherwise a new one.
    pub(crate) fn object_of(
        &self,
        py: Python<'_>,
        token: &core::Token,
        version: Option<CacheVersion>,
    ) -> PyResult<Py<Token>> {
        if let Some(mut last) = self.last.try_lock()
            && let Some(last) = &mut *last
            && last.token.get().inner.is_clone_of(token)
        {
            last.version = version.or_else(|| last.version.take());
            return Ok(last.token.clone_ref(py));
        }
        let made = Token::of(py, token, self.header)?;
        let last = Last { token: made.clone_ref(py), version };
        // Dropped without the lock, since the drop may run Python code.
        let previous = self.last.try_lock().and_then(|mut slot| slot.replace(last));
        drop(previous);
        Ok(made)
    }
}
