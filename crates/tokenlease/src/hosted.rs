//! A client whose program sends the requests: for hosts that must use their own HTTP library, such as
//! one that knows the proxy of an ERP system, and for test doubles.
//!
//! A [`HostedClient`] decides what to do, like a [`Client`](crate::Client), with the same store and the
//! same promises. It has no connection and no thread: the host polls it, performs what it names, and
//! returns the outcome. The client performs store effects and waits itself if the host wants that, so
//! a host need only send requests.
//!
//! Only two things are left to the host: [`HttpOptions`](crate::HttpOptions) do not apply to its
//! requests, and neither does the bound on concurrent logins, because the host's own threads are that
//! bound.
//!
//! ```
//! use tokenlease::{
//!     Client, Registry,
//!     core::{
//!         Credentials, Identity,
//!         machine::{Action, CallResult, ClientCall},
//!         provider::Server,
//!     },
//!     hosted::{Answer, HostStep},
//! };
//!
//! # fn send(request: &tokenlease::core::http::Request) -> (u16, &'static str) {
//! #     assert_eq!(request.uri(), "https://wyn.example/connect/token");
//! #     (200, r#"{"access_token":"4E2E","expires_in":3600}"#)
//! # }
//! let server = Server::new(Identity::wyn("https://wyn.example", "admin", "integration")?);
//! let credentials = Credentials::password("PASSWORD").with_client_secret("SECRET");
//! let client = Client::builder(server, credentials)
//!     .registry(&Registry::builder().build()?)
//!     .build_hosted(None)?;
//!
//! let call = client.begin(ClientCall::Token { min_remaining: None }, None)?;
//! loop {
//!     match client.poll(Some(call))? {
//!         HostStep::Do(effect) => match effect.action() {
//!             Action::Send(request) => {
//!                 let (status, body) = send(request); // with any HTTP library
//!                 let answer = Answer::new(status, b"", body.as_bytes());
//!                 client.answered(*effect, answer)?;
//!             }
//!             _ => client.perform(*effect)?,
//!         },
//!         HostStep::Wait(wait) => client.wait(wait)?,
//!         HostStep::Done => break,
//!     }
//! }
//! let Some(Ok(CallResult::Token(served))) = client.take(call)? else { panic!() };
//! assert_eq!(served.lease.token().expose(), "4E2E");
//! # Ok::<(), tokenlease::Error>(())
//! ```

mod answer;
mod exchange;
mod store_call;

use std::{
    fmt,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokenlease_core::{
    BootId, Credentials, Error, ErrorKind, Now, Result, Token,
    http::Request,
    lifecycle::Policy,
    machine::{Action, CallId, CallResult, ClientCall, Effect, Machine, Outcome, Settings, Step},
    provider::{Server, TokenHeader},
    time::Moment as _,
};

pub use self::{answer::Answer, exchange::HostedExchange};
use crate::{
    callbacks::Owner,
    credentials_source::CredentialsSource,
    random,
    registry::Registry,
    runtime::{Runtime, check_process},
    store,
};

/// The longest time of one [`HostedClient::wait`]. Timers stop while the machine is suspended.
const SLICE: Duration = Duration::from_secs(30);

/// A client whose program sends the requests. Threads may share it.
pub struct HostedClient {
    registry: Registry,
    process: u32,
    shared: Mutex<Shared>,
    changed: Condvar,
}

struct Shared {
    machine: Machine,
    /// The clocks, if the host passes its own.
    clocks: Option<Now>,
    /// Counts the changes that end a wait.
    changes: u64,
}

/// The next step of a host.
#[derive(Debug)]
#[must_use]
pub enum HostStep {
    /// Nothing is left to do: the call is complete, or without a call nothing is under way.
    Done,
    /// Perform the effect, and return it with its outcome.
    Do(Box<Effect>),
    /// Wait, and poll again. An outcome or a call on another thread ends the wait.
    Wait(Wait),
}

/// A wait of a host.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// How long to wait at most.
    pub at_most: Duration,
    changes: u64,
}

impl HostedClient {
    pub(crate) fn new(
        registry: Registry,
        server: Server,
        credentials: &CredentialsSource,
        policy: Policy,
        wait: Duration,
        clocks: Option<Now>,
    ) -> Result<Self> {
        registry.check_process()?;
        registry.http().check(server.identity())?;
        let credentials = fetched(credentials)?;
        // Only the clocks of this start of the host are compared among its processes.
        let boot = registry.clock().boot().filter(|_| clocks.is_none()).map(BootId::of);
        let process = std::process::id();
        let settings = Settings {
            key: registry.key().clone(),
            policy,
            seed: random::seed()?,
            boot,
            host: store::host(),
            process,
            wait,
        };
        let machine = Machine::new(server, credentials, settings)?;
        let shared = Mutex::new(Shared { machine, clocks, changes: 0 });
        Ok(Self { registry, process, shared, changed: Condvar::new() })
    }

    /// Moves the clocks of a client that was built with the host's own.
    ///
    /// # Errors
    /// `Config` if the client reads the system's clocks, and `Forked`.
    pub fn set_now(&self, now: Now) -> Result<()> {
        self.change(|shared, _| match &mut shared.clocks {
            Some(clocks) => {
                *clocks = now;
                Ok(())
            }
            None => Err(Error::new(
                ErrorKind::Config,
                "the client reads the system's clocks, so the host can't set them",
            )
            .advice("pass the host's clocks when the client is built")),
        })?
    }

    /// Begins a call. `wait`: how long it may take; `None` for the client's own deadline.
    ///
    /// # Errors
    /// `Forked` in any process but the one that made the client, as for every method.
    pub fn begin(&self, call: ClientCall, wait: Option<Duration>) -> Result<CallId> {
        self.change(|shared, now| shared.machine.begin(call, wait, now))
    }

    /// Returns whether the result of a call can be taken.
    ///
    /// # Errors
    /// `Forked`.
    pub fn is_complete(&self, call: CallId) -> Result<bool> {
        Ok(self.lock()?.machine.is_complete(call))
    }

    /// Returns the result of a call, once. `None` as long as it is not complete.
    ///
    /// # Errors
    /// `Forked`. The call's own error is inside.
    pub fn take(&self, call: CallId) -> Result<Option<Result<CallResult>>> {
        Ok(self.lock()?.machine.take(call))
    }

    /// Ends a call whose result nobody waits for.
    ///
    /// # Errors
    /// `Forked`.
    pub fn abandon(&self, call: CallId) -> Result<()> {
        self.change(|shared, _| shared.machine.abandon(call))
    }

    /// Returns the next step. With a call, the host is done when the call is complete and no effect is
    /// to be performed now; without one, when nothing is under way.
    ///
    /// Effects are those of all calls. A host that only polls until its result is there leaves the rest
    /// to the next one, such as the lock's release: poll until `Done`.
    ///
    /// # Errors
    /// `Forked`.
    pub fn poll(&self, call: Option<CallId>) -> Result<HostStep> {
        let mut shared = self.lock()?;
        let now = self.now(&shared);
        let step = shared.machine.poll(now);
        for event in shared.machine.events() {
            let identity = shared.machine.server().identity();
            tracing::info!(target: "tokenlease", %identity, "{event}");
        }
        Ok(match step {
            Step::Done => HostStep::Done,
            Step::Do(effect) => HostStep::Do(effect),
            Step::Wait(_) if call.is_some_and(|call| shared.machine.is_complete(call)) => {
                HostStep::Done
            }
            Step::Wait(until) => {
                HostStep::Wait(Wait { at_most: until.since(now.elapsed), changes: shared.changes })
            }
        })
    }

    /// Waits until the time passed, 30 s at most, or until another thread returned an outcome or began
    /// a call.
    ///
    /// # Errors
    /// `Config` if the host passes its own clocks: then the host waits itself. `Forked`.
    pub fn wait(&self, wait: Wait) -> Result<()> {
        let shared = self.lock()?;
        if shared.clocks.is_some() {
            return Err(Error::new(
                ErrorKind::Config,
                "the host passes its own clocks, so the client can't wait for it",
            )
            .advice("wait as the host's clocks do, set them, and poll again"));
        }
        let unchanged = |shared: &mut Shared| shared.changes == wait.changes;
        let waited = self.changed.wait_timeout_while(shared, wait.at_most.min(SLICE), unchanged);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    /// Performs a store effect at the registry's store, and returns its outcome to the client. Blocks
    /// until the effect's deadline at most.
    ///
    /// # Errors
    /// `Config` for a request, which only the host can send. `Forked` and `Internal`. A store that
    /// fails is no error here, but the outcome of the effect.
    pub fn perform(&self, effect: Effect) -> Result<()> {
        let limit = {
            let shared = self.lock()?;
            effect.deadline().since(self.now(&shared).elapsed)
        };
        let done = store_call::perform(&self.registry, &effect, limit)?;
        self.handle(effect, done.outcome())
    }

    /// Returns the answer to a request: its status, headers and body, also of a body that broke off.
    ///
    /// # Errors
    /// `Config` for a status or an effect that has no answer. `Forked`.
    pub fn answered(&self, effect: Effect, answer: Answer<'_>) -> Result<()> {
        let request = request_of(&effect)?;
        match answer.read(request.uri(), effect.status_is_enough())? {
            Ok(response) => {
                let (head, body) = response.into_parts();
                let response = http::Response::from_parts(head, body.as_slice());
                self.handle(effect, Outcome::Answered(response))
            }
            Err(outcome) => self.handle(effect, outcome),
        }
    }

    /// Returns an effect with the outcome of a host's own store, or with the failure of a request. The
    /// errors of a request may quote its address: secrets are redacted.
    ///
    /// # Errors
    /// `Forked`.
    pub fn handle(&self, effect: Effect, outcome: Outcome<'_>) -> Result<()> {
        let outcome = match outcome {
            Outcome::NotSent(error) => Outcome::NotSent(effect.redact(error)),
            Outcome::Lost(error) => Outcome::Lost(effect.redact(error)),
            outcome => outcome,
        };
        self.change(|shared, now| shared.machine.handle(effect, outcome, now))
    }

    /// Uses a token that was obtained elsewhere, see [`Client::adopt`](crate::Client::adopt).
    ///
    /// # Errors
    /// As [`Client::adopt`](crate::Client::adopt).
    pub fn adopt(&self, token: Token, lifetime: Option<Duration>) -> Result<()> {
        self.change(|shared, now| shared.machine.adopt(token, lifetime, now))?
    }

    /// Describes the current token and its source in words. The text holds no secret.
    ///
    /// # Errors
    /// `Forked`.
    pub fn explain(&self) -> Result<String> {
        let shared = self.lock()?;
        Ok(shared.machine.explain(self.now(&shared)))
    }

    /// Makes a token of this client's provider from its text.
    ///
    /// # Errors
    /// `Config` if no token can have that text, and `Forked`.
    pub fn token_of(&self, text: &str) -> Result<Token> {
        let kind = self.lock()?.machine.server().token_kind();
        Token::read(kind, text)
    }

    /// Returns the header in which the server's API takes Bearer tokens.
    ///
    /// # Errors
    /// `Forked`.
    pub fn token_header(&self) -> Result<TokenHeader> {
        Ok(self.lock()?.machine.server().token_header())
    }

    /// Returns how long an effect may still take.
    ///
    /// # Errors
    /// `Forked`.
    pub fn time_left(&self, effect: &Effect) -> Result<Duration> {
        let shared = self.lock()?;
        Ok(effect.deadline().since(self.now(&shared).elapsed))
    }

    /// Changes the machine, and ends the waits of other threads.
    fn change<R>(&self, change: impl FnOnce(&mut Shared, Now) -> R) -> Result<R> {
        let mut shared = self.lock()?;
        let now = self.now(&shared);
        let result = change(&mut shared, now);
        shared.changes = shared.changes.wrapping_add(1);
        drop(shared);
        self.changed.notify_all();
        Ok(result)
    }

    fn now(&self, shared: &Shared) -> Now {
        shared.clocks.unwrap_or_else(|| self.registry.clock().now())
    }

    fn lock(&self) -> Result<MutexGuard<'_, Shared>> {
        // In a forked child, a thread that does not exist there may hold the lock.
        check_process(self.process)?;
        // Each step of the machine leaves it consistent, even if a log's subscriber panicked afterwards.
        Ok(self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for HostedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostedClient").finish_non_exhaustive()
    }
}

/// Returns the credentials of a source. Blocks while a function fetches them.
fn fetched(source: &CredentialsSource) -> Result<Credentials> {
    if let Some(credentials) = source.fixed() {
        return Ok(credentials.clone());
    }
    let (runtime, source) = (Runtime::current()?, source.clone());
    let fetches = runtime.fetches.clone();
    runtime.block_on(async move { source.fetch(Owner::new(), &fetches).await })?
}

/// Returns the request of an effect.
///
/// # Errors
/// `Config` for an effect of the store.
fn request_of(effect: &Effect) -> Result<&Request> {
    match effect.action() {
        Action::Send(request) => Ok(request),
        action => Err(Error::new(
            ErrorKind::Config,
            format!("the effect `{action}` is one of the store, and got the answer to a request"),
        )
        .advice("answer the effects with the action `send` alone")),
    }
}
