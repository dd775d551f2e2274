//! Tests of the bound on concurrent logins at one server.

#[path = "common/slow_server.rs"]
mod slow_server;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::channel,
    },
    time::Duration,
};

use slow_server::{credentials, new_store, registry, slow_server, start, until};
use tokenlease::{
    CredentialsSource, Error, ErrorKind, HttpOptions, Registry, SteeredClock, TokenOptions,
    core::Key,
    store::{Loaded, Locked, Owner, RecordName, Store, StoreError, Swapped},
};

/// Rule: Logins: at most eight logins run at one server at once, however many identities start
/// together, and clients of several registries count together.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn at_most_eight_logins_run_at_one_server_at_once() {
    const IDENTITIES: usize = 200;
    let server = slow_server();
    let registries = [0, 1].map(|_| Registry::builder().build().unwrap());
    let callers: Vec<_> = (0..IDENTITIES)
        .map(|number| start(&server.user(&registries[number % 2], &format!("u{number}"))))
        .collect();
    let mut running: Vec<_> = (0..8).map(|_| server.next()).collect();
    for _ in 8..IDENTITIES {
        running.remove(0);
        running.push(server.next());
    }
    drop(running);
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(server.most.load(Ordering::SeqCst), 8);
    assert!(server.logins.try_recv().is_err());
}

/// Rule: Deadlines: a caller whose login waits for its turn is answered at its own deadline, and the
/// login is not sent afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_whose_login_waits_for_its_turn_is_answered_at_its_deadline() {
    let (server, clock) = (slow_server(), SteeredClock::new());
    let registry = registry(1, &clock, &new_store(&clock));
    let first = start(&server.user(&registry, "first"));
    let running = server.next();
    let late = server.user(&registry, "late");
    let options = TokenOptions::default().with_deadline(Duration::from_millis(50));
    let error = late.token_with(options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert!(error.to_string().contains("max_concurrent_logins"), "{error}");
    let third = start(&server.user(&registry, "third"));
    // It has read the record, and waits.
    until(|| late.stats().store_calls == 1).await;
    clock.advance(Duration::from_secs(6));
    // It has read the record again, and ends.
    until(|| late.stats().store_calls == 2).await;
    drop(running);
    assert_eq!(server.next().user, "third");
    first.await.unwrap().unwrap();
    third.await.unwrap().unwrap();
    assert!(server.logins.try_recv().is_err());
}

/// Rule: Lock: a login that waits for its turn holds no lock, and is not sent if another process has
/// got the token meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_login_that_waits_for_its_turn_holds_no_lock() {
    let (server, clock) = (slow_server(), SteeredClock::new());
    let store = new_store(&clock);
    // Another limit is another queue, as another process has one.
    let [one, other] = [1, 2].map(|logins| registry(logins, &clock, &store));
    let first = start(&server.user(&one, "first"));
    let running = server.next();
    let waiting_client = server.user(&one, "shared");
    let waiting = start(&waiting_client);
    until(|| waiting_client.stats().store_calls == 1).await;
    let peer = start(&server.user(&other, "shared"));
    assert_eq!(server.next().user, "shared");
    peer.await.unwrap().unwrap();
    // Longer than the time limit of a store's call.
    clock.advance(Duration::from_secs(3));
    drop(running);
    first.await.unwrap().unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().expose(), "t-shared");
    assert_eq!(waiting_client.stats().logins, 0);
    assert!(server.logins.try_recv().is_err());
}

/// Rule: Deadlines: a validation is sent while a login of its client waits for its turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_validation_is_sent_while_a_login_waits_for_its_turn() {
    let (server, clock) = (slow_server(), SteeredClock::new());
    let registry = registry(1, &clock, &new_store(&clock));
    let first = start(&server.user(&registry, "first"));
    let running = server.next();
    let client = server.user(&registry, "waiting");
    let waiting = start(&client);
    until(|| client.stats().store_calls == 1).await;
    let token = client.token_from_text("t-other").unwrap();
    assert!(client.validate(&token).await.unwrap());
    drop(running);
    assert_eq!(server.next().user, "waiting");
    first.await.unwrap().unwrap();
    waiting.await.unwrap().unwrap();
}

/// A store that is away.
#[derive(Debug)]
struct Away;

fn away<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable(Error::new(ErrorKind::Store, "away")))
}

impl Store for Away {
    async fn load(&self, _: &RecordName) -> Result<Loaded, StoreError> {
        away()
    }

    async fn swap(
        &self,
        _: &RecordName,
        _: Option<u64>,
        _: &[u8],
        _: Option<Duration>,
    ) -> Result<Swapped, StoreError> {
        away()
    }

    async fn lock(&self, _: &RecordName, _: &Owner, _: Duration) -> Result<Locked, StoreError> {
        away()
    }

    async fn renew(&self, _: &RecordName, _: &Owner, _: Duration) -> Result<Locked, StoreError> {
        away()
    }

    async fn unlock(&self, _: &RecordName, _: &Owner) -> Result<(), StoreError> {
        away()
    }
}

/// Rule: Outage: logins without the store take turns, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logins_without_the_store_take_turns() {
    const IDENTITIES: usize = 20;
    let server = slow_server();
    let http = HttpOptions::new().without_proxy().with_max_concurrent_logins(2);
    let builder = Registry::builder().http(http).store(Away, Key::new([7; 32]));
    let registry = builder.build().unwrap();
    let callers: Vec<_> =
        (0..IDENTITIES).map(|n| start(&server.user(&registry, &format!("u{n}")))).collect();
    let mut running: Vec<_> = (0..2).map(|_| server.next()).collect();
    for _ in 2..IDENTITIES {
        running.remove(0);
        running.push(server.next());
    }
    drop(running);
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(server.most.load(Ordering::SeqCst), 2);
}

/// Rule: Logins: a credentials function that does not return keeps no other identity from logging in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_credentials_function_that_does_not_return_ends_its_turn() {
    let (server, clock) = (slow_server(), SteeredClock::new());
    let registry = registry(1, &clock, &new_store(&clock));
    let (entered, entry) = channel();
    let (release, released) = channel::<()>();
    let (calls, released) = (AtomicUsize::new(0), Mutex::new(released));
    let slow = CredentialsSource::from_fn(move || {
        // The first call is for the entry, the next one for a login.
        let is_first = calls.fetch_add(1, Ordering::SeqCst) == 0;
        entered.send(is_first).unwrap();
        if !is_first {
            let _ = released.lock().unwrap().recv();
        }
        Ok(credentials())
    });
    let hanging = start(&server.client(&registry, "hanging", slow));
    let next = || tokio::task::block_in_place(|| entry.recv_timeout(Duration::from_secs(60)));
    assert!(next().unwrap() && !next().unwrap());
    let other = start(&server.user(&registry, "other"));
    clock.advance(Duration::from_secs(11));
    assert_eq!(server.next().user, "other");
    other.await.unwrap().unwrap();
    hanging.abort();
    drop(release);
}
