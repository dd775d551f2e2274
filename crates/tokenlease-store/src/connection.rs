//! The connection of a store on a server. It is made when the first call needs it, and made again
//! after it broke, within the time limit of a call.

use std::{
    future::Future,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokenlease::{Error, ErrorKind, store::StoreError};

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

/// One connection for all callers of a process. A forked child does not use its parent's
/// connection: it leaves that alone and makes another.
#[derive(Debug)]
pub(crate) struct Slot<C>(Mutex<State<C>>);

#[derive(Debug)]
struct State<C> {
    process: u32,
    connection: Option<Arc<C>>,
    /// Locked while a caller connects, so that concurrent callers make one connection.
    connecting: Arc<tokio::sync::Mutex<()>>,
}

/// The error of a call, and whether the connection is unusable afterwards.
pub(crate) struct Failure {
    pub(crate) broken: bool,
    pub(crate) error: Error,
}

impl<C> Slot<C> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State::new()))
    }

    /// Makes a call on the connection, within [`CALL_TIMEOUT`]. Connects first if there is no
    /// connection. If an old connection turns out to be broken, it repeats the call once on a new
    /// one: all calls may be made twice.
    pub(crate) async fn call<R, Connecting, Calling>(
        &self,
        connect: impl Fn() -> Connecting,
        call: impl Fn(Arc<C>) -> Calling,
    ) -> Result<R, StoreError>
    where
        Connecting: Future<Output = Result<C, Error>>,
        Calling: Future<Output = Result<R, Failure>>,
    {
        let attempt = async {
            let (connection, fresh) = self.connected(&connect).await?;
            match call(connection.clone()).await {
                Err(failure) if failure.broken => {
                    self.forget(&connection);
                    if fresh {
                        return Err(failure.error);
                    }
                    let (connection, _) = self.connected(&connect).await?;
                    call(connection.clone()).await.map_err(|failure| {
                        if failure.broken {
                            self.forget(&connection);
                        }
                        failure.error
                    })
                }
                result => result.map_err(|failure| failure.error),
            }
        };
        match within(attempt).await {
            Ok(result) => result.map_err(StoreError::Unavailable),
            Err(late) => {
                // The state of the connection is unknown.
                self.lock().connection = None;
                Err(StoreError::Unavailable(late))
            }
        }
    }

    async fn connected<Connecting>(
        &self,
        connect: impl Fn() -> Connecting,
    ) -> Result<(Arc<C>, bool), Error>
    where
        Connecting: Future<Output = Result<C, Error>>,
    {
        let connecting = {
            let state = self.lock();
            if let Some(connection) = &state.connection {
                return Ok((connection.clone(), false));
            }
            state.connecting.clone()
        };
        let _guard = connecting.lock().await;
        if let Some(connection) = &self.lock().connection {
            return Ok((connection.clone(), false));
        }
        let connection = Arc::new(connect().await?);
        self.lock().connection = Some(connection.clone());
        Ok((connection, true))
    }

    fn forget(&self, broken: &Arc<C>) {
        let mut state = self.lock();
        if state.connection.as_ref().is_some_and(|current| Arc::ptr_eq(current, broken)) {
            state.connection = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        // Each change is one assignment, so the state is intact even after a panic.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.process != std::process::id() {
            // Dropping the parent's connection would close it for the parent.
            mem::forget(mem::replace(&mut *state, State::new()));
        }
        state
    }
}

impl<C> State<C> {
    fn new() -> Self {
        Self { process: std::process::id(), connection: None, connecting: Arc::default() }
    }
}

async fn within<R>(work: impl Future<Output = R>) -> Result<R, Error> {
    tokio::time::timeout(CALL_TIMEOUT, work).await.map_err(|_| {
        Error::new(ErrorKind::Store, format!("the store did not answer within {CALL_TIMEOUT:?}"))
            .advice("check the server and the network to it; the client retries by itself")
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn broken() -> Failure {
        Failure { broken: true, error: Error::new(ErrorKind::Store, "it broke") }
    }

    /// Rule: Expiry: a TTL that is sent to a server is at least a millisecond and at most a
    /// century, so a very long one does not overflow.
    ///
    /// Reported as directus/directus#4054
    #[test]
    fn a_ttl_is_at_least_a_millisecond_and_at_most_a_century() {
        assert_eq!(millis(Duration::ZERO), 1);
        assert_eq!(millis(Duration::from_secs(30)), 30_000);
        assert_eq!(millis(Duration::MAX), 100 * 365 * 24 * 3600 * 1000);
    }

    /// Rule: Store: concurrent calls to a server make one connection, and a broken one is replaced
    /// once for each call.
    #[tokio::test]
    async fn concurrent_calls_make_one_connection_and_replace_a_broken_one_once() {
        let (slot, made) = (Slot::new(), AtomicU32::new(0));
        let connect = || async {
            tokio::task::yield_now().await;
            Ok(made.fetch_add(1, Ordering::SeqCst))
        };
        let calls =
            (0..20).map(|_| slot.call(connect, |connection| async move { Ok(*connection) }));
        let mut calls: Vec<_> = calls.map(Box::pin).collect();
        for call in &mut calls {
            assert_eq!(call.await.unwrap(), 0);
        }
        let call = |connection: Arc<u32>| async move {
            if *connection == 0 { Err(broken()) } else { Ok(7) }
        };
        assert_eq!(slot.call(connect, call).await.unwrap(), 7);
        assert_eq!(made.load(Ordering::SeqCst), 2);

        let never = |_| async { Err::<(), _>(broken()) };
        assert!(slot.call(connect, never).await.is_err());
        assert_eq!(made.load(Ordering::SeqCst), 3, "no more than one repetition");
    }

    /// Rule: Deadlines: a call to a server that does not answer ends before the client's own
    /// timeout for the store.
    #[tokio::test(start_paused = true)]
    async fn a_call_to_a_hanging_server_ends_before_the_clients_timeout() {
        let (slot, connect) = (Slot::new(), || async { Ok(()) });
        let began = tokio::time::Instant::now();
        let hanging = |_| std::future::pending::<Result<(), Failure>>();
        let error = slot.call(connect, hanging).await.unwrap_err();
        assert!(error.to_string().contains("did not answer within"), "{error}");
        assert_eq!(began.elapsed(), CALL_TIMEOUT);
    }
}
