//! What the engines that are reached over a network have in common: one connection that is made
//! when it is needed, and made anew when it broke, within the time that a call may take.

use std::{
    future::Future,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokenlease::{Error, ErrorKind, store::StoreError};

/// A call takes no longer, connecting included. The client gives up at 2 s.
pub(crate) const LIMIT: Duration = Duration::from_millis(1800);

/// No longer life is told to a server.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A life as servers count it: at least a millisecond, since none at all is an error to some.
pub(crate) fn millis(life: Duration) -> i64 {
    i64::try_from(life.min(LONGEST).as_millis()).unwrap_or(i64::MAX).max(1)
}

/// What is wrong with a store's URL. It may hold a password: nothing of it is quoted.
pub(crate) fn bad_url(why: &str, expected: &'static str) -> Error {
    Error::new(ErrorKind::Config, format!("the store's URL {why}")).expected(expected)
}

/// One connection for all callers of a process. It is told apart from the one of a process that
/// this one was forked off: that is left alone, and another one is made.
#[derive(Debug)]
pub(crate) struct Slot<C>(Mutex<State<C>>);

#[derive(Debug)]
struct State<C> {
    process: u32,
    connection: Option<Arc<C>>,
    /// Held while somebody connects, so that a crowd makes one connection.
    connecting: Arc<tokio::sync::Mutex<()>>,
}

/// Why a call failed, and whether the connection is of use afterwards.
pub(crate) struct Failure {
    pub(crate) broken: bool,
    pub(crate) error: Error,
}

impl<C> Slot<C> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State::new()))
    }

    /// Calls on the connection, made by `connect` if there is none, within [`LIMIT`]. Where an
    /// old connection turns out to be broken, the call is repeated once on a new one: each is
    /// good for being done twice.
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
            Ok(result) => result.map_err(StoreError::Away),
            Err(late) => {
                // Nobody knows what became of the connection.
                self.lock().connection = None;
                Err(StoreError::Away(late))
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
        let _one = connecting.lock().await;
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
        // Each change is one assignment, so a panic elsewhere spoils nothing.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.process != std::process::id() {
            // Ending the parent's connection would end it for the parent.
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
    tokio::time::timeout(LIMIT, work).await.map_err(|_| {
        Error::new(ErrorKind::Store, format!("the store did not answer within {LIMIT:?}"))
            .advice("look at the store and the network to it; all comes back by itself")
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn broken() -> Failure {
        Failure { broken: true, error: Error::new(ErrorKind::Store, "it broke") }
    }

    #[test]
    fn lesson_12_a_life_is_at_least_a_millisecond_and_at_most_a_century() {
        assert_eq!(millis(Duration::ZERO), 1);
        assert_eq!(millis(Duration::from_secs(30)), 30_000);
        assert_eq!(millis(Duration::MAX), 100 * 365 * 24 * 3600 * 1000);
    }

    #[tokio::test]
    async fn a_crowd_makes_one_connection_and_a_broken_one_is_made_anew_once() {
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

    #[tokio::test(start_paused = true)]
    async fn a_silent_store_is_given_up_before_the_client_gives_up() {
        let (slot, connect) = (Slot::new(), || async { Ok(()) });
        let began = tokio::time::Instant::now();
        let silent = |_| std::future::pending::<Result<(), Failure>>();
        let error = slot.call(connect, silent).await.unwrap_err();
        assert!(error.to_string().contains("did not answer within"), "{error}");
        assert_eq!(began.elapsed(), LIMIT);
    }
}
