//! The native half of the client for event loops: each call begins something and gives the future
//! that it will settle. Python makes coroutines of them (`_async.py`).

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use pyo3::{prelude::*, types::PyDict};
use tokenlease::Result;

use crate::{
    error,
    event_loop::EventLoop,
    registry::Registry,
    shared::{Outcome, Shared, token_options},
    stats::Stats,
    token::Token,
};

/// Begins what `tokenlease.AsyncClient` awaits.
#[pyclass(frozen, subclass, module = "tokenlease._tokenlease")]
pub(crate) struct AsyncClient {
    shared: Arc<Shared>,
    /// The loop that called last: nearly always there is one.
    event_loop: ArcSwapOption<EventLoop>,
}

impl AsyncClient {
    fn begin<F, R>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(tokenlease::Client) -> F,
    ) -> PyResult<Py<PyAny>>
    where
        F: Future<Output = Result<R>> + Send + 'static,
        R: Outcome,
    {
        let client = &self.shared.client;
        let runtime = client.runtime().and_then(|runtime| runtime.handle());
        let runtime = runtime.map_err(|error| error::raise(py, &error))?;
        let (future, promise) = EventLoop::running(py, &self.event_loop)?.future(py)?;
        let (shared, work) = (self.shared.clone(), work(client.clone()));
        runtime.spawn(async move {
            let outcome = work.await;
            promise.keep(move |py| {
                shared.log.hand_over(py, &shared.client);
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
    #[pyo3(signature = (*, password=None, client_secret=None, registry=None, **options))]
    fn new(
        py: Python<'_>,
        password: Option<&Bound<'_, PyAny>>,
        client_secret: Option<&Bound<'_, PyAny>>,
        registry: Option<&Bound<'_, Registry>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let shared = Shared::new(py, password, client_secret, registry, options)?;
        Ok(Self { shared: Arc::new(shared), event_loop: ArcSwapOption::empty() })
    }

    fn _cached(&self, py: Python<'_>) -> PyResult<Option<Py<Token>>> {
        self.shared.cached(py).transpose()
    }

    fn _token(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.begin(py, |client| async move { client.token().await })
    }

    fn _token_with(
        &self,
        py: Python<'_>,
        deadline: Option<&Bound<'_, PyAny>>,
        min_remaining: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let options = token_options(deadline, min_remaining)?;
        self.begin(py, |client| async move { client.token_with(options).await })
    }

    fn _reject(&self, py: Python<'_>, token: &Bound<'_, Token>) -> PyResult<Py<PyAny>> {
        let token = token.get().inner().clone();
        self.begin(py, |client| async move { client.report_rejected(&token).await })
    }

    fn _validate(&self, py: Python<'_>, token: &Bound<'_, Token>) -> PyResult<Py<PyAny>> {
        let token = token.get().inner().clone();
        self.begin(py, |client| async move { client.validate(&token).await })
    }

    fn _refetch(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.begin(py, |client| async move { client.refetch().await })
    }

    fn _revoke(&self, py: Python<'_>, token: &Bound<'_, Token>) -> PyResult<Py<PyAny>> {
        let token = token.get().inner().clone();
        self.begin(py, |client| async move { client.revoke(&token).await })
    }

    fn _forget(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.begin(py, |client| async move { client.forget().await })
    }

    fn _reset(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.begin(py, |client| async move { client.unblock().await })
    }

    fn _close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.begin(py, |client| async move { client.close().await })
    }

    /// Where the token in hand stands and how it came, in words.
    fn explain(&self) -> String {
        self.shared.client.explain()
    }

    /// What this client has done since it was made.
    fn stats(&self) -> Stats {
        self.shared.client.stats().into()
    }

    fn __repr__(&self) -> String {
        format!("<Async{:?}>", self.shared.client)
    }
}
