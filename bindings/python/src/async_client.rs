//! The native half of the client for event loops. Each call starts an operation and returns the
//! future that the operation completes. Python makes coroutines of them (`_async.py`).

use std::sync::Arc;

use pyo3::{
    PyTraverseError, PyVisit,
    prelude::*,
    types::{PyBytes, PyDict, PyType},
};
use tokenlease::bindings;

use crate::{
    call, constructors, error,
    event_loop::EventLoop,
    shared::{Outcome, Shared, token_options, wait_options},
    stats::Stats,
    token::Token,
};

/// Starts the operations that `tokenlease.AsyncClient` awaits.
#[pyclass(frozen, subclass, weakref, module = "tokenlease._tokenlease")]
pub(crate) struct AsyncClient {
    shared: Arc<Shared>,
}

impl AsyncClient {
    pub(crate) fn client(&self) -> &tokenlease::Client {
        &self.shared.client
    }

    fn cached(&self, py: Python<'_>) -> PyResult<Option<Py<Token>>> {
        self.shared.with_cache(py)?.cached(py).transpose()
    }

    fn start<F, R>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(tokenlease::Client) -> F,
    ) -> PyResult<Py<PyAny>>
    where
        F: Future<Output = tokenlease::Result<R>> + Send + 'static,
        R: Outcome,
    {
        let shared = self.shared.shared_now(py)?;
        let client = &shared.client;
        let call = shared.begin(py)?;
        let runtime = bindings::runtime(client).and_then(|runtime| runtime.handle());
        let runtime = runtime.map_err(|error| error::raise(py, &error))?;
        let (future, promise) = EventLoop::running(py, &shared.event_loop)?.future(py)?;
        let work = bindings::interruptible(client.clone(), call, work(client.clone()));
        runtime.spawn(async move {
            let outcome = work.await;
            promise.complete(move |py| {
                shared.log.write(py, &shared.client);
                let outcome = outcome.map_err(|error| error::raise(py, &error))?;
                outcome.into_python(py, &shared.tokens)
            });
        });
        Ok(future)
    }
}

#[pymethods]
impl AsyncClient {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Ok(Self { shared: Arc::new(Shared::new(py, options)?) })
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

    fn _cached(&self, py: Python<'_>) -> PyResult<Option<Py<Token>>> {
        self.cached(py)
    }

    /// Reads the options of a call, also while a token is cached, so that a mistake is found by the first
    /// test. Returns a cached token if the call takes any.
    fn _cached_with(
        &self,
        py: Python<'_>,
        deadline: Option<&Bound<'_, PyAny>>,
        min_remaining: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Py<Token>>> {
        token_options(deadline, min_remaining)?;
        if min_remaining.is_none() { self.cached(py) } else { Ok(None) }
    }

    fn _token(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.start(py, |client| async move { client.token().await })
    }

    fn _token_with(
        &self,
        py: Python<'_>,
        deadline: Option<&Bound<'_, PyAny>>,
        min_remaining: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let options = token_options(deadline, min_remaining)?;
        self.start(py, |client| async move { client.token_with(options).await })
    }

    fn _report_rejected(
        &self,
        py: Python<'_>,
        token: &Bound<'_, Token>,
        deadline: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (token, options) = (token.get().inner().clone(), wait_options(deadline)?);
        self.start(py, |client| async move { client.report_rejected_with(&token, options).await })
    }

    fn _validate(
        &self,
        py: Python<'_>,
        token: &Bound<'_, Token>,
        deadline: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (token, options) = (token.get().inner().clone(), wait_options(deadline)?);
        self.start(py, |client| async move { client.validate_with(&token, options).await })
    }

    fn _refetch(&self, py: Python<'_>, deadline: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let options = wait_options(deadline)?;
        self.start(py, |client| async move { client.refetch_with(options).await })
    }

    fn _revoke(
        &self,
        py: Python<'_>,
        token: &Bound<'_, Token>,
        deadline: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (token, options) = (token.get().inner().clone(), wait_options(deadline)?);
        self.start(py, |client| async move { client.revoke_with(&token, options).await })
    }

    fn _adopt(
        &self,
        py: Python<'_>,
        token: &Bound<'_, Token>,
        lifetime: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (token, lifetime) = (token.get().inner().clone(), crate::shared::lifetime(lifetime)?);
        self.start(py, |client| async move { client.adopt(token, lifetime).await })
    }

    /// Replaces the credentials of this client.
    #[pyo3(signature = (**secrets))]
    fn set_credentials(&self, py: Python<'_>, secrets: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        self.shared.set_credentials(py, secrets)
    }

    fn _forget(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.start(py, |client| async move { client.forget().await })
    }

    fn _unblock(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.start(py, |client| async move { client.unblock().await })
    }

    fn _status(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.start(py, |client| async move { client.status().await })
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
        call::read_answer(&self.shared.here(py)?.client, status, body.unwrap_or(&none), headers)
    }

    fn _history(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.start(py, |client| async move { client.history().await })
    }

    fn _close(&self, py: Python<'_>, deadline: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let options = wait_options(deadline)?;
        self.start(py, |client| async move { client.close_with(options).await })
    }

    /// Describes the current token without the secret: its state and its source.
    fn explain(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.shared.here_now(py)?.client.explain())
    }

    /// Returns counters of what this client has done since it was made.
    fn stats(&self, py: Python<'_>) -> PyResult<Stats> {
        Ok(self.shared.here_now(py)?.client.stats().into())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.shared.traverse(&visit)
    }

    fn __clear__(&self) {
        self.shared.clear();
    }

    /// Ends all waits of this client that are under way, from any thread.
    fn interrupt(&self, py: Python<'_>) -> PyResult<()> {
        let here = self.shared.here_now(py)?;
        py.detach(|| here.client.interrupt());
        Ok(())
    }

    fn __repr__(&self) -> String {
        format!("<Async{:?}>", self.shared.client)
    }
}
