//! The connection of a store on a server. It is made when the first call needs it, and made again
//! after it broke, within the time limit of a call.

use std::{
    future::Future,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokenlease::{
    Clock, Error, ErrorKind, SystemClock,
    core::{Timestamp, time::Moment as _},
    store::StoreError,
};
use tokio::time::Instant;

/// The time limit of a call, including the connection. The client's own timeout is 2 s.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_millis(1800);

/// The longest TTL that is sent to a server: 100 years.
const MAX_TTL: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Returns a TTL in milliseconds, at least 1: some servers reject 0.
pub(crate) fn millis(ttl: Duration) -> i64 {
    i64::try_from(ttl.min(MAX_TTL).as_millis()).unwrap_or(i64::MAX).max(1)
}

/// Returns an error about a store's URL, which it does not quote: the URL may contain a password.
pub(crate) fn bad_url(why: &str, expected: &'static str) -> Error {
    Error::new(ErrorKind::Config, format!("the store's URL {why}")).expected(expected)
}

/// The longest time that a connection is unused and then used without a check. Routers that translate
/// addresses forget connections, some of them after a few minutes, and tell neither end.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// The time limit of a check. A call has the time for a check and a new connection.
const CHECK_TIMEOUT: Duration = Duration::from_millis(500);

/// When and how often the system checks a quiet TCP connection.
pub(crate) const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
pub(crate) const KEEPALIVE_RETRIES: u32 = 3;

/// Makes and checks the connections of a [`Slot`].
pub(crate) trait Connect {
    type Connection;

    fn connect(&self) -> impl Future<Output = Result<Self::Connection, Error>> + Send;

    /// Returns whether the server answers on the connection. An error message is an answer.
    fn answers(&self, connection: &Self::Connection) -> impl Future<Output = bool> + Send;
}

/// One connection for all callers of a process. A forked child does not use its parent's
/// connection: it leaves that alone and makes another.
#[derive(Debug)]
pub(crate) struct Slot<C> {
    state: Mutex<State<C>>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct State<C> {
    process: u32,
    connection: Option<Arc<C>>,
    /// When a caller last took the connection, on the clock that runs through suspend.
    last_used: Timestamp,
    /// Locked while a caller connects or checks the connection, so that concurrent callers make one
    /// connection.
    connecting: Arc<tokio::sync::Mutex<()>>,
}

/// The error of a call, and what the call needs before it can be repeated.
pub(crate) struct Failure {
    pub(crate) remedy: Remedy,
    pub(crate) error: Error,
}

/// The step that a failed call needs before it can be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// It would fail again.
    None,
    /// It lost against a concurrent call, and can be repeated at once.
    Repeat,
    /// The connection is broken, or leads to a server that may not write any more.
    Reconnect,
}

impl<C> Slot<C> {
    pub(crate) fn new() -> Self {
        Self::on_clock(Arc::new(SystemClock))
    }

    fn on_clock(clock: Arc<dyn Clock>) -> Self {
        Self { state: Mutex::new(State::new()), clock }
    }

    /// Makes a call on the connection, and ends at the deadline. Connects first if there is no
    /// connection, and checks one that was not used for a minute. If an old connection turns out to
    /// be broken, it repeats the call once on a new one; a call that lost against a concurrent one
    /// is repeated once, too. So all calls may be made twice.
    pub(crate) async fn call<R, Calling>(
        &self,
        deadline: Instant,
        server: &impl Connect<Connection = C>,
        call: impl Fn(Arc<C>) -> Calling,
    ) -> Result<R, StoreError>
    where
        Calling: Future<Output = Result<R, Failure>>,
    {
        let attempts = async {
            let (mut connection, mut fresh) = self.connected(server).await?;
            let mut repeated = false;
            loop {
                let failure = match call(connection.clone()).await {
                    Ok(result) => return Ok(result),
                    Err(failure) => failure,
                };
                let again = match failure.remedy {
                    Remedy::None => false,
                    Remedy::Repeat => true,
                    Remedy::Reconnect => {
                        self.forget(&connection);
                        !fresh
                    }
                };
                if repeated || !again {
                    return Err(failure.error);
                }
                repeated = true;
                (connection, fresh) = self.connected(server).await?;
            }
        };
        tokio::time::timeout_at(deadline, attempts)
            .await
            .unwrap_or_else(|_| {
                // The state of the connection is unknown.
                self.lock().connection = None;
                Err(late())
            })
            .map_err(of_server)
    }

    async fn connected(
        &self,
        server: &impl Connect<Connection = C>,
    ) -> Result<(Arc<C>, bool), Error> {
        let connecting = {
            let mut state = self.lock();
            if let Some(connection) = state.take(self.clock.elapsed()) {
                return Ok((connection, false));
            }
            state.connecting.clone()
        };
        let _guard = connecting.lock().await;
        let idle = {
            let mut state = self.lock();
            if let Some(connection) = state.take(self.clock.elapsed()) {
                return Ok((connection, false));
            }
            state.connection.clone()
        };
        if let Some(connection) = idle {
            let check = server.answers(&connection);
            if tokio::time::timeout(CHECK_TIMEOUT, check).await.unwrap_or(false) {
                self.lock().last_used = self.clock.elapsed();
                return Ok((connection, false));
            }
            self.forget(&connection);
        }
        let connection = Arc::new(server.connect().await?);
        let mut state = self.lock();
        state.connection = Some(connection.clone());
        state.last_used = self.clock.elapsed();
        Ok((connection, true))
    }

    fn forget(&self, broken: &Arc<C>) {
        let mut state = self.lock();
        if state.connection.as_ref().is_some_and(|current| Arc::ptr_eq(current, broken)) {
            state.connection = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        // Each change leaves the state intact, also before a panic.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.process != std::process::id() {
            // Dropping the parent's connection would close it for the parent.
            mem::forget(mem::replace(&mut *state, State::new()));
        }
        state
    }
}

impl<C> State<C> {
    fn new() -> Self {
        Self {
            process: std::process::id(),
            connection: None,
            last_used: Timestamp::MIN,
            connecting: Arc::default(),
        }
    }

    /// Returns the connection for a call, unless it needs a check first.
    fn take(&mut self, now: Timestamp) -> Option<Arc<C>> {
        let connection = self.connection.as_ref()?;
        if now.since(self.last_used) > MAX_IDLE {
            return None;
        }
        self.last_used = now;
        Some(connection.clone())
    }
}

/// Returns an outage, or a rejection for an error with the code of a server's answer, or that lasts.
/// Stores set the code only for answers that do not change before a person corrects the server or the
/// options. The faults of certificates last.
pub(crate) fn of_server(error: Error) -> StoreError {
    let lasts = matches!(error.kind(), ErrorKind::Store | ErrorKind::Config);
    if error.code().is_some() || (lasts && !error.is_retryable()) {
        StoreError::Rejected(error)
    } else {
        StoreError::Unavailable(error)
    }
}

fn late() -> Error {
    Error::new(ErrorKind::Store, format!("the store did not answer within {CALL_TIMEOUT:?}"))
        .advice("check the server and the network to it; the client retries by itself")
}

/// Returns the deadline of a call that begins now.
pub(crate) fn deadline() -> Instant {
    Instant::now() + CALL_TIMEOUT
}

#[cfg(test)]
mod tests;
