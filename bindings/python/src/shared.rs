//! The parts that the blocking and the async client share.

use std::time::Instant;

use pyo3::{prelude::*, types::PyDict};
use tokenlease::{
    Client, History, Rejection, Result, TokenOptions, WaitOptions,
    bindings::{self, Slot},
    core::{
        Token,
        lifecycle::{Revocation, Served},
    },
};

use crate::{
    credentials, error,
    log::Log,
    options,
    registry::{self, Registry},
    rejection,
    token::{self, Tokens},
    wait,
};

pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) tokens: Tokens,
    pub(crate) log: Log,
}

impl Shared {
    pub(crate) fn new(
        py: Python<'_>,
        password: Option<&Bound<'_, PyAny>>,
        client_secret: Option<&Bound<'_, PyAny>>,
        extra_secret: Option<&Bound<'_, PyDict>>,
        registry: Option<&Bound<'_, Registry>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let options = options::read(options)?;
        let credentials = credentials::source(py, &options, password, client_secret, extra_secret)?;
        let registry = registry.map(|registry| registry.get().inner().clone());
        let log = Log::default();
        let hook = log.clone();
        let client = registry::build(py, options, move |options| {
            let builder = options.client(credentials, registry.as_ref())?;
            bindings::observe(builder, move |event| hook.push(event)).build()
        })?;
        Ok(Self { client, tokens: Tokens::default(), log })
    }

    /// Returns the token if it is cached and fresh.
    #[cold]
    pub(crate) fn cached(&self, py: Python<'_>) -> Option<PyResult<Py<token::Token>>> {
        match self.tokens.cached(py, &self.client) {
            Some(token) => Some(Ok(token)),
            None => bindings::cached_with_version(&self.client, |token, version| {
                self.tokens.object_of(py, token, Some(version))
            }),
        }
    }

    /// Returns the token, after this thread got a slot in the wait queue.
    #[cold]
    #[inline(never)]
    pub(crate) fn token(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if let Some(token) = self.cached(py) {
            return token.map(Py::into_any);
        }
        let began = Instant::now();
        let call = self.begin(py)?;
        let slot = wait::for_slot(py, &self.client, call)?;
        if let Some(token) = self.cached(py) {
            return token.map(Py::into_any);
        }
        let slot = slot.and_then(Slot::lead);
        let left = self.client.deadline().saturating_sub(began.elapsed());
        let options = TokenOptions::default().with_deadline(left);
        let work = self.client.clone();
        let work = async move { work.token_with(options).await };
        let work = bindings::interruptible(self.client.clone(), call, work);
        let outcome = wait::for_client(py, &self.client, work);
        // A log handler may call the client too.
        drop(slot);
        self.convert(py, outcome)
    }

    /// Starts an operation of the client and waits for its result.
    pub(crate) fn wait<F, R>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(Client) -> F,
    ) -> PyResult<Py<PyAny>>
    where
        F: Future<Output = Result<R>> + Send + 'static,
        R: Outcome,
    {
        let call = self.begin(py)?;
        let work = work(self.client.clone());
        let work = bindings::interruptible(self.client.clone(), call, work);
        let outcome = wait::for_client(py, &self.client, work);
        self.convert(py, outcome)
    }

    /// Begins a call of the client on this thread.
    pub(crate) fn begin(&self, py: Python<'_>) -> PyResult<bindings::Begun> {
        bindings::begin(&self.client).map_err(|error| error::raise(py, &error))
    }

    fn convert(&self, py: Python<'_>, outcome: PyResult<impl Outcome>) -> PyResult<Py<PyAny>> {
        self.log.write(py, &self.client);
        outcome?.into_python(py, &self.tokens)
    }
}

/// Reads the options of a call for a token.
pub(crate) fn token_options(
    deadline: Option<&Bound<'_, PyAny>>,
    min_remaining: Option<&Bound<'_, PyAny>>,
) -> PyResult<TokenOptions> {
    let mut options = TokenOptions::default();
    if let Some(deadline) = deadline {
        options = options.with_deadline(options::duration("deadline", deadline)?);
    }
    if let Some(remaining) = min_remaining {
        options = options.with_min_remaining(options::duration("min_remaining", remaining)?);
    }
    Ok(options)
}

/// Reads the options of another call that waits.
pub(crate) fn wait_options(deadline: Option<&Bound<'_, PyAny>>) -> PyResult<WaitOptions> {
    let options = WaitOptions::default();
    Ok(match deadline {
        Some(deadline) => options.with_deadline(options::duration("deadline", deadline)?),
        None => options,
    })
}

/// The result of a call, to be converted to a Python object.
pub(crate) trait Outcome: Send + 'static {
    fn into_python(self, py: Python<'_>, tokens: &Tokens) -> PyResult<Py<PyAny>>;
}

impl Outcome for Token {
    fn into_python(self, py: Python<'_>, tokens: &Tokens) -> PyResult<Py<PyAny>> {
        Ok(tokens.object_of(py, &self, None)?.into_any())
    }
}

impl Outcome for Served {
    fn into_python(self, py: Python<'_>, tokens: &Tokens) -> PyResult<Py<PyAny>> {
        self.lease.token().clone().into_python(py, tokens)
    }
}

impl Outcome for Rejection {
    fn into_python(self, py: Python<'_>, tokens: &Tokens) -> PyResult<Py<PyAny>> {
        rejection::convert(py, tokens, &self)
    }
}

impl Outcome for Revocation {
    fn into_python(self, py: Python<'_>, _: &Tokens) -> PyResult<Py<PyAny>> {
        let text = if self == Self::Proven { "proven" } else { "unproven" };
        Ok(text.into_pyobject(py)?.into_any().unbind())
    }
}

impl Outcome for History {
    fn into_python(self, py: Python<'_>, _: &Tokens) -> PyResult<Py<PyAny>> {
        let history = py.import("json")?.call_method1("loads", (self.to_json(),))?;
        Ok(history.unbind())
    }
}

impl Outcome for bool {
    fn into_python(self, py: Python<'_>, _: &Tokens) -> PyResult<Py<PyAny>> {
        Ok(self.into_pyobject(py)?.to_owned().into_any().unbind())
    }
}

impl Outcome for () {
    fn into_python(self, py: Python<'_>, _: &Tokens) -> PyResult<Py<PyAny>> {
        Ok(py.None())
    }
}
