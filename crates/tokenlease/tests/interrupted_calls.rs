//! Tests of waits that another thread ends, of calls with a deadline, and of calls that would wait for
//! themselves.

mod common;

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use common::World;
use tokenlease::{
    Client, CredentialsSource, Error, ErrorKind, Result, WaitOptions, blocking,
    core::{Credentials, Token, lifecycle::Event},
};
use tokenlease_emulator::{Counts, Endpoint, Fault};

const HOUR: Duration = Duration::from_secs(3600);

/// Makes a client of the emulated WinKAS whose callers wait for an hour.
fn patient(world: &World, credentials: impl Into<CredentialsSource>) -> Client {
    let builder = Client::builder(world.winkas_server(), credentials);
    builder.registry(&world.registry()).deadline(HOUR).build().unwrap()
}

fn password(world: &World) -> Credentials {
    Credentials::password(world.emulator.winkas().password())
}

/// Interrupts the client until all these threads have ended, and returns their results. A thread may
/// begin its call at any time.
fn interrupt_all<T>(client: &Client, threads: Vec<thread::JoinHandle<T>>) -> Vec<T> {
    while !threads.iter().all(thread::JoinHandle::is_finished) {
        client.interrupt();
        thread::yield_now();
    }
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

/// Rule: Deadlines: an interrupt from another thread ends all waits of a client at once, and the flight
/// goes on for other callers.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_all_waits_and_the_flight_goes_on() {
    let world = World::start().await;
    let (release, released) = mpsc::channel::<()>();
    let (released, calls) = (Mutex::new(released), Arc::new(AtomicUsize::new(0)));
    let (credentials, count) = (password(&world), calls.clone());
    let source = CredentialsSource::from_fn(move || {
        count.fetch_add(1, Ordering::SeqCst);
        // Until the sender is dropped.
        let _ = released.lock().unwrap().recv();
        Ok(credentials.clone())
    });
    let client = patient(&world, source);
    for _ in 0..2 {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let client = client.blocking();
                thread::spawn(move || client.token().map_err(|error| error.kind()))
            })
            .collect();
        for result in interrupt_all(&client, threads) {
            assert_eq!(result, Err(ErrorKind::Interrupted));
        }
    }
    let asynchronous = tokio::spawn({
        let client = client.clone();
        async move { client.token().await }
    });
    while !asynchronous.is_finished() {
        client.interrupt();
        tokio::task::yield_now().await;
    }
    let error = asynchronous.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(!error.is_retryable(), "a program that retries would undo its own interrupt");
    drop(release);
    client.token().await.unwrap();
    assert_eq!(world.emulator.counts().winkas.login, 1);
}

/// A call with its endpoint, and the count of its requests.
type Call =
    (Endpoint, fn(&Counts) -> u64, fn(&blocking::Client, &Token, WaitOptions) -> Result<()>);

const CALLS_OF_WINKAS: [Call; 3] = [
    (
        Endpoint::WinkasValidate,
        |counts| counts.winkas.validate,
        |client, token, options| client.validate_with(token, options).map(drop),
    ),
    (
        Endpoint::WinkasRefetch,
        |counts| counts.winkas.refetch,
        |client, _, options| client.refetch_with(options).map(drop),
    ),
    (
        Endpoint::WinkasValidate,
        |counts| counts.winkas.validate,
        |client, token, options| client.report_rejected_with(token, options).map(drop),
    ),
];

const REVOKE: Call = (
    Endpoint::WynRevoke,
    |counts| counts.wyn.revoke,
    |client, token, options| client.revoke_with(token, options).map(drop),
);

/// Runs a call at a server that does not answer it, and `act` when its request has arrived.
async fn unanswered(
    world: &World,
    client: &Client,
    (endpoint, sent, call): Call,
    options: WaitOptions,
    mut act: impl FnMut(),
) -> Error {
    let token = client.token().await.unwrap();
    world.emulator.fault(endpoint, Fault::delay(HOUR), 1);
    let before = sent(&world.emulator.counts());
    let caller = client.blocking();
    let thread = thread::spawn(move || call(&caller, &token, options).unwrap_err());
    while sent(&world.emulator.counts()) == before {
        tokio::task::yield_now().await;
    }
    while !thread.is_finished() {
        act();
        tokio::task::yield_now().await;
    }
    thread.join().unwrap()
}

/// Rule: Deadlines: a validation, refetch, revocation and report have their own deadline, and an
/// interrupt ends each.
#[tokio::test(flavor = "multi_thread")]
async fn each_call_has_its_own_deadline_and_can_be_interrupted() {
    for call in [&CALLS_OF_WINKAS[..], &[REVOKE]].concat() {
        let new = |world: &World| match call.0 {
            Endpoint::WynRevoke => world.wyn(&world.registry(), HOUR),
            _ => patient(world, password(world)),
        };
        let world = World::start().await;
        let client = new(&world);
        let second = WaitOptions::default().with_deadline(Duration::from_secs(1));
        // Once: the request's timeout must not pass before the caller has seen its deadline.
        let mut left = Duration::from_secs(1);
        let pass = || world.clock.advance(std::mem::take(&mut left));
        let error = unanswered(&world, &client, call, second, pass).await;
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{:?}: {error}", call.0);

        let world = World::start().await;
        let client = new(&world);
        let interrupt = || client.interrupt();
        let error = unanswered(&world, &client, call, WaitOptions::default(), interrupt).await;
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{:?}: {error}", call.0);
    }
}

/// Rule: Deadlines: `close` has its own deadline, and an interrupt ends it.
#[tokio::test(flavor = "multi_thread")]
async fn close_has_its_own_deadline_and_can_be_interrupted() {
    let world = World::start().await;
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let builder = Client::builder(world.winkas_server(), password(&world));
    let client = builder
        .registry(&world.registry())
        .deadline(HOUR)
        .on_event(move |_| _ = released.lock().unwrap().recv())
        .build()
        .unwrap();
    client.token().await.unwrap();
    let none = WaitOptions::default().with_deadline(Duration::ZERO);
    let error = client.close_with(none).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    let closer = client.blocking();
    let threads = vec![thread::spawn(move || closer.close().unwrap_err().kind())];
    assert_eq!(interrupt_all(&client, threads), [ErrorKind::Interrupted]);
    drop(release);
    client.close().await.unwrap();
}

/// Rule: Deadlines: a function that fetches credentials and asks its own client gets an error at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_credentials_function_that_asks_its_own_client_gets_an_error() {
    let world = World::start().await;
    let own: Arc<OnceLock<Client>> = Arc::default();
    let (of_function, credentials) = (own.clone(), password(&world));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let errors = seen.clone();
    let source = CredentialsSource::from_fn(move || {
        let (client, token) = (of_function.wait(), of_function.wait().token_from_text("text")?);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (threads, own) = (client.blocking(), client.clone());
        errors.lock().unwrap().extend([
            threads.token().unwrap_err(),
            threads.validate(&token).unwrap_err(),
            threads.close().unwrap_err(),
            runtime.block_on(async move { own.token().await.unwrap_err() }),
        ]);
        Ok(credentials.clone())
    });
    let client = patient(&world, source);
    own.set(client.clone()).unwrap();
    client.token().await.unwrap();
    let errors = seen.lock().unwrap();
    assert!(errors.len() >= 4);
    for error in errors.iter() {
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.detail().contains("its own client"), "{error}");
    }
}

/// Rule: Events: a hook that closes its own client gets an error at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_closes_its_own_client_gets_an_error() {
    let world = World::start().await;
    let own: Arc<OnceLock<Client>> = Arc::default();
    let (of_hook, (sender, errors)) = (own.clone(), mpsc::channel());
    let builder = Client::builder(world.winkas_server(), password(&world));
    let hook = move |_: &Event| {
        let client: &Client = of_hook.wait();
        sender.send(client.blocking().close().unwrap_err()).unwrap();
    };
    let client = builder.registry(&world.registry()).deadline(HOUR).on_event(hook).build().unwrap();
    own.set(client.clone()).unwrap();
    client.token().await.unwrap();
    let error = errors.recv().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.detail().contains("the event hook"), "{error}");
    client.close().await.unwrap();
}
