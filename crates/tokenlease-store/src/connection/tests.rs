use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use tokenlease::SteeredClock;

use super::*;

/// A server whose connections are numbered from 0.
#[derive(Default)]
struct Numbered {
    made: AtomicU32,
    checks: AtomicU32,
    is_silent: AtomicBool,
}

impl Connect for Numbered {
    type Connection = u32;

    async fn connect(&self) -> Result<u32, Error> {
        tokio::task::yield_now().await;
        Ok(self.made.fetch_add(1, Ordering::SeqCst))
    }

    async fn answers(&self, _: &u32) -> bool {
        self.checks.fetch_add(1, Ordering::SeqCst);
        if self.is_silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        true
    }
}

impl Numbered {
    fn made(&self) -> u32 {
        self.made.load(Ordering::SeqCst)
    }
}

fn failure(remedy: Remedy) -> Failure {
    Failure { remedy, error: Error::new(ErrorKind::Store, "it failed") }
}

async fn number(slot: &Slot<u32>, server: &Numbered) -> u32 {
    slot.call(deadline(), server, |connection| async move { Ok(*connection) }).await.unwrap()
}

/// Rule: Expiry: a TTL that is sent to a server is at least a millisecond and at most a century, so
/// a very long one does not overflow.
///
/// Reported as directus/directus#4054
#[test]
fn a_ttl_is_at_least_a_millisecond_and_at_most_a_century() {
    assert_eq!(millis(Duration::ZERO), 1);
    assert_eq!(millis(Duration::from_secs(30)), 30_000);
    assert_eq!(millis(Duration::MAX), 100 * 365 * 24 * 3600 * 1000);
}

/// Rule: Store: concurrent calls to a server make one connection, and a broken one is replaced once
/// for each call.
#[tokio::test]
async fn concurrent_calls_make_one_connection_and_replace_a_broken_one_once() {
    let (slot, server) = (Slot::new(), Numbered::default());
    let mut calls: Vec<_> = (0..20).map(|_| Box::pin(number(&slot, &server))).collect();
    for call in &mut calls {
        assert_eq!(call.await, 0);
    }
    let call = |connection: Arc<u32>| async move {
        if *connection == 0 { Err(failure(Remedy::Reconnect)) } else { Ok(7) }
    };
    assert_eq!(slot.call(deadline(), &server, call).await.unwrap(), 7);
    assert_eq!(server.made(), 2);

    let never = |_| async { Err::<(), _>(failure(Remedy::Reconnect)) };
    assert!(slot.call(deadline(), &server, never).await.is_err());
    assert_eq!(server.made(), 3, "no more than one repetition");
}

/// Rule: Store: a call that lost against a concurrent one is repeated once, on the same connection.
#[tokio::test]
async fn a_call_that_lost_against_another_is_repeated_once() {
    let (slot, server) = (Slot::new(), Numbered::default());
    let calls = Mutex::new(0);
    let call = |_| {
        *calls.lock().unwrap() += 1;
        async { Err::<(), _>(failure(Remedy::Repeat)) }
    };
    assert!(slot.call(deadline(), &server, call).await.is_err());
    assert_eq!((*calls.lock().unwrap(), server.made()), (2, 1));
}

/// Rule: Store: a connection that was not used for a minute is checked before it is used, and
/// replaced if the server does not answer.
#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_checked_and_replaced_if_the_server_does_not_answer() {
    let clock = Arc::new(SteeredClock::new());
    let (slot, server) = (Slot::on_clock(clock.clone()), Numbered::default());
    for _ in 0..5 {
        assert_eq!(number(&slot, &server).await, 0);
        clock.advance(MAX_IDLE);
    }
    assert_eq!(server.checks.load(Ordering::SeqCst), 0, "no check of a connection in use");
    clock.advance(Duration::from_millis(1));
    assert_eq!(number(&slot, &server).await, 0);
    assert_eq!(server.checks.load(Ordering::SeqCst), 1);

    server.is_silent.store(true, Ordering::SeqCst);
    assert_eq!(number(&slot, &server).await, 0, "no check right after a check");
    clock.advance(MAX_IDLE + Duration::from_millis(1));
    assert_eq!(number(&slot, &server).await, 1, "a new connection within the same call");
}

/// Rule: Deadlines: a call to a server that does not answer ends before the client's own timeout
/// for the store.
#[tokio::test(start_paused = true)]
async fn a_call_to_a_hanging_server_ends_before_the_clients_timeout() {
    let (slot, server) = (Slot::new(), Numbered::default());
    let began = Instant::now();
    let hanging = |_| std::future::pending::<Result<(), Failure>>();
    let error = slot.call(deadline(), &server, hanging).await.unwrap_err();
    assert!(error.to_string().contains("did not answer within"), "{error}");
    assert_eq!(began.elapsed(), CALL_TIMEOUT);
}
