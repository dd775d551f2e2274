//! The client whose calls block the calling thread.

use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::PyException,
    prelude::*,
    types::{PyBytes, PyDict, PyTuple, PyType},
};

use crate::{
    call, constructors,
    shared::{Shared, token_options, wait_options},
    stats::Stats,
    token::Token,
};

/// Gets, caches and shares the token of one identity; its calls block the calling thread.
#[pyclass(frozen, weakref, module = "tokenlease")]
pub(crate) struct Client(Shared);

impl Client {
    pub(crate) fn client(&self) -> &tokenlease::Client {
        &self.0.client
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Shared::new(py, options).map(Self)
    }

    /// Makes a client of WinKAS Air.
    #[classmethod]
    #[pyo3(signature = (**options))]
    fn winkas<'py>(
        class: &Bound<'py, PyType>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        constructors::of_provider(class, "winkas", options)
    }

    /// Makes a client of a Wyn Enterprise server.
    #[classmethod]
    #[pyo3(signature = (**options))]
    fn wyn<'py>(
        class: &Bound<'py, PyType>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        constructors::of_provider(class, "wyn", options)
    }

    /// Makes a client of an OAuth2 server.
    #[classmethod]
    #[pyo3(signature = (**options))]
    fn oauth2<'py>(
        class: &Bound<'py, PyType>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        constructors::of_provider(class, "oauth2", options)
    }

    /// Makes a client of the variables `TOKENLEASE_…`, as the program reads them.
    #[classmethod]
    #[pyo3(signature = (**options))]
    fn from_env<'py>(
        class: &Bound<'py, PyType>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        constructors::of_environment(class, options)
    }

    /// Returns the token to use now.
    fn token(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let shared = self.0.with_cache(py)?;
        match shared.tokens.cached(py, &shared.client) {
            Some(token) => Ok(token.into_any()),
            None => shared.token(py),
        }
    }

    /// Returns the token to use now, with a deadline or a minimum remaining lifetime.
    #[pyo3(signature = (*, deadline=None, min_remaining=None))]
    fn token_with(
        &self,
        py: Python<'_>,
        deadline: Option<&Bound<'_, PyAny>>,
        min_remaining: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        // Read also while a token is cached, so that a mistake is found by the first test.
        let options = token_options(deadline, min_remaining)?;
        if min_remaining.is_none()
            && let Some(token) = self.0.with_cache(py)?.cached(py)
        {
            return token.map(Py::into_any);
        }
        self.0.wait(py, |client| async move { client.token_with(options).await })
    }

    /// Reports that an API rejected this token. The client checks it with the provider.
    #[pyo3(signature = (token, *, deadline=None))]
    fn report_rejected(
        &self,
        py: Python<'_>,
        token: &Bound<'_, Token>,
        deadline: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (token, options) = (token.get().inner().clone(), wait_options(deadline)?);
        self.0.wait(py, |client| async move { client.report_rejected_with(&token, options).await })
    }

    /// Reads an API's answer to a call with this client's token.
    #[pyo3(signature = (status, body=None, headers=None))]
    fn read_answer(
        &self,
        py: Python<'_>,
        status: u16,
        body: Option<&Bound<'_, PyBytes>>,
        headers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<&'static str> {
        let none = PyBytes::new(py, b"");
        call::read_answer(&self.0.here(py)?.client, status, body.unwrap_or(&none), headers)
    }

    /// Calls an API with the token, and once more with another token if the first was inactive.
    #[pyo3(signature = (function, *, read=None))]
    fn call(
        slf: Bound<'_, Self>,
        function: &Bound<'_, PyAny>,
        read: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        call::call(slf.into_any(), function, read)
    }

    /// Returns the status of the token: its expiry, age, source and generation, and the backoffs.
    fn status(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.0.wait(py, |client| async move { client.status().await })
    }

    /// Asks the provider whether a token is active.
    #[pyo3(signature = (token, *, deadline=None))]
    fn validate(
        &self,
        py: Python<'_>,
        token: &Bound<'_, Token>,
        deadline: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (token, options) = (token.get().inner().clone(), wait_options(deadline)?);
        self.0.wait(py, |client| async move { client.validate_with(&token, options).await })
    }

    /// Asks the provider for the running token.
    #[pyo3(signature = (*, deadline=None))]
    fn refetch(&self, py: Python<'_>, deadline: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let options = wait_options(deadline)?;
        self.0.wait(py, |client| async move { client.refetch_with(options).await })
    }

    /// Revokes a token at the provider, for every process that shares it.
    #[pyo3(signature = (token, *, deadline=None))]
    fn revoke(
        &self,
        py: Python<'_>,
        token: &Bound<'_, Token>,
        deadline: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (token, options) = (token.get().inner().clone(), wait_options(deadline)?);
        self.0.wait(py, |client| async move { client.revoke_with(&token, options).await })
    }

    /// Drops the token from memory and the store, without revoking it.
    fn forget(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.0.wait(py, |client| async move { client.forget().await })
    }

    /// Allows credentials to be sent again after the provider rejected them.
    fn unblock(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.0.wait(py, |client| async move { client.unblock().await })
    }

    /// Uses a token that was obtained elsewhere, with its remaining lifetime if it is known.
    #[pyo3(signature = (token, *, lifetime=None))]
    fn adopt(
        &self,
        py: Python<'_>,
        token: &Bound<'_, Token>,
        lifetime: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (token, lifetime) = (token.get().inner().clone(), crate::shared::lifetime(lifetime)?);
        self.0.wait(py, |client| async move { client.adopt(token, lifetime).await })
    }

    /// Replaces the credentials of this client.
    #[pyo3(signature = (**secrets))]
    fn set_credentials(&self, py: Python<'_>, secrets: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        self.0.set_credentials(py, secrets)
    }

    /// Describes the current token without the secret: its state and its source.
    fn explain(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.0.here_now(py)?.client.explain())
    }

    /// Returns the last logins, refetches and rejections of the identity, with their causes.
    fn history(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.0.wait(py, |client| async move { client.history().await })
    }

    /// Returns counters of what this client has done since it was made.
    fn stats(&self, py: Python<'_>) -> PyResult<Stats> {
        Ok(self.0.here_now(py)?.client.stats().into())
    }

    /// Waits until the client has no work in progress.
    #[pyo3(signature = (*, deadline=None))]
    fn close(&self, py: Python<'_>, deadline: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let options = wait_options(deadline)?;
        self.0.wait(py, |client| async move { client.close_with(options).await })
    }

    /// Ends all waits of this client that are under way, from any thread.
    fn interrupt(&self, py: Python<'_>) -> PyResult<()> {
        let here = self.0.here_now(py)?;
        py.detach(|| here.client.interrupt());
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(
        &self,
        py: Python<'_>,
        exception: &Bound<'_, PyTuple>,
    ) -> PyResult<Option<Py<PyAny>>> {
        if is_interrupted(exception)? { Ok(None) } else { self.close(py, None).map(Some) }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.traverse(&visit)
    }

    fn __clear__(&self) {
        self.0.clear();
    }

    fn __repr__(&self) -> String {
        format!("<{:?}>", self.0.client)
    }
}

/// Returns whether a `with` block ends by an exception that is not an `Exception`, such as
/// `KeyboardInterrupt` or `CancelledError`. Then the program wants to end now, and does not wait.
fn is_interrupted(exception: &Bound<'_, PyTuple>) -> PyResult<bool> {
    let Ok(class) = exception.get_item(0) else { return Ok(false) };
    match class.cast::<PyType>() {
        Ok(class) => Ok(!class.is_subclass_of::<PyException>()?),
        Err(_) => Ok(false),
    }
}
