//! The parts that the blocking and the async client share.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use once_cell::race::OnceBox;
use pyo3::{PyTraverseError, PyVisit, prelude::*, types::PyDict};
use tokenlease::{
    Client, History, Rejection, Result, Status, TokenOptions, WaitOptions,
    bindings::{self, Slot},
    core::{
        Token,
        lifecycle::{Revocation, Served},
    },
};

use crate::{
    arguments::Arguments,
    credentials::{self, Functions, OfClient},
    error,
    event_loop::EventLoop,
    events, fork,
    log::Log,
    options, registry, rejection,
    token::{self, Tokens},
    wait,
};

pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) tokens: Tokens,
    pub(crate) log: Log,
    /// The loop of the last call. Nearly every program has only one.
    pub(crate) event_loop: ArcSwapOption<EventLoop>,
    /// The functions that fetch the credentials.
    functions: ArcSwap<Functions>,
    on_event: Functions,
    /// The number of forks when this was made.
    forks: u32,
    /// The same client in a child that this process forked.
    child: OnceBox<Arc<Self>>,
}

impl Shared {
    pub(crate) fn new(py: Python<'_>, given: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        fork::notice();
        let mut arguments = Arguments::read(py, given)?;
        let OfClient { credentials, functions } = credentials::source(py, &arguments)?;
        let on_event = arguments.on_event.take().map(|function| vec![function.unbind()]);
        let has_events = on_event.is_some();
        let on_event = Functions::new(on_event.unwrap_or_default());
        let registry = arguments.registry();
        let Arguments { sources, parts, .. } = arguments;
        let log = Log::default();
        let hook = log.clone();
        let called = on_event.clone();
        let client = registry::build(py, sources.options(), move |options| {
            let mut builder = options.client_with(credentials, registry.as_ref(), &parts)?;
            if has_events {
                builder = builder.on_log(move |entry| events::deliver(&called, entry));
            }
            bindings::observe(builder, move |_, entry| hook.push(entry)).build()
        })?;
        Ok(Self::of(client, log, functions, on_event))
    }

    fn of(client: Client, log: Log, functions: Functions, on_event: Functions) -> Self {
        fork::client_is_made();
        Self {
            tokens: Tokens::new(client.token_header()),
            client,
            log,
            event_loop: ArcSwapOption::empty(),
            functions: ArcSwap::from_pointee(functions),
            on_event,
            forks: fork::count(),
            child: OnceBox::new(),
        }
    }

    /// Returns this in the process that made it, and in a forked child what the child made of it.
    #[inline]
    pub(crate) fn here(&self, py: Python<'_>) -> PyResult<&Self> {
        if self.forks == fork::count() {
            return Ok(self);
        }
        self.of_child(py).map(|child| child.map_or(self, |child| &**child))
    }

    /// As [`here`](Self::here), to read the cached token. As long as a forked child has made no client,
    /// that is the token that its parent had in memory: to read it makes no client.
    #[inline]
    pub(crate) fn with_cache(&self, py: Python<'_>) -> PyResult<&Self> {
        if self.forks == fork::count() { Ok(self) } else { self.cache_of_parent(py) }
    }

    #[cold]
    fn cache_of_parent(&self, py: Python<'_>) -> PyResult<&Self> {
        if !fork::no_client_is_made() {
            return self.here(py);
        }
        let mut last = self;
        while let Some(child) = last.child.get() {
            last = child;
        }
        Ok(last)
    }

    /// As [`here`](Self::here), for calls that are not answered from memory: they also notice a fork
    /// that Python does not know of.
    pub(crate) fn here_now(&self, py: Python<'_>) -> PyResult<&Self> {
        fork::notice();
        self.here(py)
    }

    /// As [`here_now`](Self::here_now), for calls that outlive the caller.
    pub(crate) fn shared_now(self: &Arc<Self>, py: Python<'_>) -> PyResult<Arc<Self>> {
        fork::notice();
        Ok(self.of_child(py)?.unwrap_or(self).clone())
    }

    /// Returns what this process made of it as a forked child. Makes it at the first call: from the
    /// same settings, with the tokens that the parent had in memory. `None` if this process made it.
    /// Each forked process of a line is one link of a chain.
    fn of_child(&self, py: Python<'_>) -> PyResult<Option<&Arc<Self>>> {
        let (mut last, mut found) = (self, None);
        loop {
            if let Some(child) = last.child.get() {
                (last, found) = (child, Some(child));
            } else if last.forks == fork::count() {
                return Ok(found);
            } else {
                // If two threads get here at once, one of their clients is dropped unused.
                let made = last.child.get_or_try_init(|| last.after_fork().map(Box::new));
                made.map_err(|error| error::raise(py, &error))?;
            }
        }
    }

    fn after_fork(&self) -> Result<Arc<Self>> {
        let log = Log::default();
        let hook = log.clone();
        let client = bindings::after_fork(&self.client, move |_, entry| hook.push(entry))?;
        let functions = Functions::clone(&self.functions.load());
        Ok(Arc::new(Self::of(client, log, functions, self.on_event.clone())))
    }

    /// Replaces the credentials.
    pub(crate) fn set_credentials(
        &self,
        py: Python<'_>,
        given: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let arguments = Arguments::of_secrets(given)?;
        let OfClient { credentials, functions } = credentials::source(py, &arguments)?;
        let here = self.here_now(py)?;
        let replaced = py.detach(|| here.client.set_credentials(credentials));
        replaced.map_err(|error| error::raise(py, &error))?;
        here.functions.store(Arc::new(functions));
        Ok(())
    }

    /// Shows the garbage collector the references to Python objects that may refer to the client.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        self.on_event.traverse(visit)?;
        let mut last = Some(self);
        while let Some(shared) = last {
            shared.functions.load().traverse(visit)?;
            if let Some(event_loop) = &*shared.event_loop.load() {
                event_loop.traverse(visit)?;
            }
            last = shared.child.get().map(|child| &**child);
        }
        Ok(())
    }

    /// Drops those references.
    pub(crate) fn clear(&self) {
        self.on_event.clear();
        let mut last = Some(self);
        while let Some(shared) = last {
            shared.functions.load().clear();
            shared.event_loop.store(None);
            last = shared.child.get().map(|child| &**child);
        }
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
        let is_of_parent = self.forks != fork::count() && fork::no_client_is_made();
        if is_of_parent && let Some(token) = self.cached(py) {
            return token.map(Py::into_any);
        }
        self.here_now(py)?.token_here(py)
    }

    fn token_here(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
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
        let here = self.here_now(py)?;
        let call = here.begin(py)?;
        let work = work(here.client.clone());
        let work = bindings::interruptible(here.client.clone(), call, work);
        let outcome = wait::for_client(py, &here.client, work);
        here.convert(py, outcome)
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

/// Reads the lifetime of a token that was obtained elsewhere.
pub(crate) fn lifetime(lifetime: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Duration>> {
    lifetime.map(|lifetime| options::duration("lifetime", lifetime)).transpose()
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

impl Outcome for Status {
    fn into_python(self, py: Python<'_>, _: &Tokens) -> PyResult<Py<PyAny>> {
        let status = py.import("tokenlease._status")?.getattr("Status")?;
        Ok(status.call_method1("_of", (self.to_json(),))?.unbind())
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
