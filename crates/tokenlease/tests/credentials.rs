//! Tests of credentials: wrong, changed, shared, fetched by a function.

mod common;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::World;
use tokenlease::{
    Client, CredentialsSource, ErrorKind, TokenOptions,
    core::{Credentials, Error, Identity, lease::Source, provider::Server},
};

const HOUR: Duration = Duration::from_secs(3600);

/// Rule: Circuit: wrong credentials cost one login, however many callers use them.
/// Reported as camunda-community-hub/zeebe-client-node-js#244, requests-arcgis-auth#4 and concourse#3586.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_of_fifty_callers_cost_one_login_and_one_refetch() {
    let world = World::start().await;
    let registry = world.registry();
    let client = world.winkas(&registry, "wrong");
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.token().await })
        })
        .collect();
    for caller in callers {
        let error = caller.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{error}");
        assert!(error.until().is_some());
    }
    for _ in 0..5 {
        world.pass(HOUR / 6);
        let error = client.token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{error}");
    }
    let counts = world.emulator.counts().winkas;
    assert_eq!((counts.login, counts.refetch), (1, 1));
    // The right password is another entry: it is not disturbed.
    let right = world.winkas(&registry, &world.emulator.winkas().password());
    right.token().await.unwrap();
}

/// Rule: Identity: a token is served only to callers with the credentials that obtained it.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_never_gets_the_token_of_the_right_one() {
    let world = World::start().await;
    let registry = world.registry();
    let right = world.winkas(&registry, &world.emulator.winkas().password());
    right.token().await.unwrap();
    let wrong = world.winkas(&registry, "wrong");
    let error = wrong.token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{error}");
    right.token().await.unwrap();
    assert_eq!(world.emulator.counts().winkas.login, 2, "the right login and the wrong one");
}

/// Rule: Circuit: `unblock` closes the circuit at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_unlocked_account_works_again_after_unblock() {
    let world = World::start().await;
    let registry = world.registry();
    let password = world.emulator.winkas().password();
    world.emulator.winkas().set_passwords(["another"]);
    let client = world.winkas(&registry, &password);
    assert_eq!(client.token().await.unwrap_err().kind(), ErrorKind::CredentialsRejected);
    world.emulator.winkas().set_passwords([password.as_str()]);
    assert_eq!(client.token().await.unwrap_err().kind(), ErrorKind::CredentialsRejected);
    client.unblock().await.unwrap();
    client.token().await.unwrap();
}

/// Rule: Circuit: an open circuit lets one probe through after an hour, and closes if it succeeds.
#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_closes_by_one_probe_after_an_hour() {
    let world = World::start().await;
    let password = world.emulator.winkas().password();
    world.emulator.winkas().set_passwords(["another"]);
    let client = world.winkas(&world.registry(), &password);
    assert_eq!(client.token().await.unwrap_err().kind(), ErrorKind::CredentialsRejected);
    world.emulator.winkas().set_passwords([password.as_str()]);
    world.pass(HOUR + Duration::from_secs(1));
    client.token().await.unwrap();
}

/// Rule: Identity: two valid secrets of one identity keep their own tokens side by side.
#[tokio::test(flavor = "multi_thread")]
async fn two_valid_secrets_keep_one_token_each() {
    let world = World::start().await;
    let registry = world.registry();
    world.emulator.wyn().set_passwords(["old", "new"]);
    let w = world.emulator.wyn();
    let client = |password: &str| {
        let identity = Identity::wyn(&w.server(), &w.user(), w.client_id()).unwrap();
        let server = Server::new(identity).with_lifetime(8 * HOUR).unwrap();
        let credentials = Credentials::password(password).with_client_secret(w.client_secret());
        Client::builder(server, credentials).registry(&registry).build().unwrap()
    };
    let (old, new) = (client("old").token().await.unwrap(), client("new").token().await.unwrap());
    for _ in 0..5 {
        world.pass(HOUR / 2);
        assert_eq!(client("old").token().await.unwrap(), old);
        assert_eq!(client("new").token().await.unwrap(), new);
    }
    assert_eq!(world.emulator.counts().wyn.login, 2);
}

/// Rule: Refetch: after a changed password WinKAS returns the running token, so no login is needed.
#[tokio::test(flavor = "multi_thread")]
async fn new_credentials_find_the_running_token_by_a_refetch() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    let first = client.token().await.unwrap();
    world.emulator.winkas().set_passwords(["changed"]);
    client.set_credentials(Credentials::password("changed")).unwrap();
    let second = client.lease().await.unwrap();
    assert_eq!((second.source, second.lease.token()), (Source::Refetch, &first));
    assert_eq!(world.emulator.counts().winkas.login, 1);
}

/// Rule: Identity: if the function returns other secrets, the client and its waiting callers move to
/// their entry.
#[tokio::test(flavor = "multi_thread")]
async fn changed_secrets_of_a_function_move_the_client_and_its_waiting_callers() {
    let world = World::start().await;
    let current = Arc::new(Mutex::new(world.emulator.winkas().password()));
    let read = current.clone();
    let source = CredentialsSource::from_fn(move || {
        Ok(Credentials::password(read.lock().unwrap().as_str()))
    });
    let client =
        Client::builder(world.winkas_server(), source).registry(&world.registry()).build().unwrap();
    let first = client.token().await.unwrap();
    *current.lock().unwrap() = "changed".to_owned();
    world.emulator.winkas().set_passwords(["changed"]);
    world.pass(12 * HOUR + Duration::from_secs(61));
    let second = client.token().await.unwrap();
    assert_ne!(first, second);
    assert!(world.emulator.token_is_active(second.expose()));
    assert_eq!(world.emulator.details().winkas.wrong_credentials, 0);
}

/// Rule: Secrets: a function that returns another secret at each call causes one login, with the secret
/// that it returned last.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_returns_a_new_secret_at_each_call_causes_one_login() {
    let world = World::start().await;
    let w = world.emulator.wyn();
    let secrets: Vec<_> = (0..100).map(|number| format!("once-{number}")).collect();
    w.set_passwords(secrets.iter().map(String::as_str));
    let (calls, client_secret) = (Arc::new(AtomicU64::new(0)), w.client_secret());
    let counted = calls.clone();
    let source = CredentialsSource::from_fn(move || {
        let number = counted.fetch_add(1, Ordering::Relaxed);
        let password = format!("once-{number}");
        Ok(Credentials::password(password).with_client_secret(client_secret.as_str()))
    });
    let identity = Identity::wyn(&w.server(), &w.user(), w.client_id()).unwrap();
    let server = Server::new(identity).with_lifetime(HOUR).unwrap();
    let client = Client::builder(server, source).registry(&world.registry()).build().unwrap();
    for logins in 1..4 {
        client.token().await.unwrap();
        client.token().await.unwrap();
        assert_eq!(world.emulator.counts().wyn.login, logins);
        // Once for the store's entry, then once for each login.
        assert_eq!(calls.load(Ordering::Relaxed), logins + 1);
        world.pass(HOUR + Duration::from_secs(1));
    }
}

/// Rule: Secrets: the function is called before the store is read first and before each request with
/// credentials, never while a token is cached.
#[tokio::test(flavor = "multi_thread")]
async fn a_credentials_function_is_called_for_requests_and_never_for_a_cached_token() {
    let world = World::start().await;
    let (calls, password) = (Arc::new(AtomicU64::new(0)), world.emulator.winkas().password());
    let counted = calls.clone();
    let source = CredentialsSource::from_fn(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(Credentials::password(password.as_str()))
    });
    let client =
        Client::builder(world.winkas_server(), source).registry(&world.registry()).build().unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    for _ in 0..100 {
        client.token().await.unwrap();
    }
    // For the store, for the refetch that found no token, and for the login.
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

/// Rule: Deadlines: a credentials function that does not return delays no caller beyond its deadline.
#[tokio::test(flavor = "multi_thread")]
async fn a_credentials_function_that_blocks_delays_no_caller_beyond_its_deadline() {
    let world = World::start().await;
    let (calls, password) = (Arc::new(AtomicU64::new(0)), world.emulator.winkas().password());
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (counted, held) = (calls.clone(), Mutex::new(held));
    let source = CredentialsSource::from_fn(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        // Returns an error once the sender is dropped.
        let _ = held.lock().unwrap().recv();
        Ok(Credentials::password(password.as_str()))
    });
    let client =
        Client::builder(world.winkas_server(), source).registry(&world.registry()).build().unwrap();
    let soon = TokenOptions::default().with_deadline(Duration::from_millis(30));
    for _ in 0..3 {
        assert_eq!(client.token_with(soon).await.unwrap_err().kind(), ErrorKind::DeadlineExceeded);
    }
    // The callers that gave up share one running call, which serves the next caller.
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    drop(release);
    client.token().await.unwrap();
}

/// Rule: Deadlines: an error of the configuration, such as a password file that is missing, ends the wait of
/// callers at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_finds_no_secret_ends_the_wait_of_callers() {
    let world = World::start().await;
    let (calls, password) = (Arc::new(AtomicU64::new(0)), world.emulator.winkas().password());
    let counted = calls.clone();
    let source = CredentialsSource::from_fn(move || {
        // The first call is for the entry of the store. The file is removed after it.
        if counted.fetch_add(1, Ordering::Relaxed) > 0 {
            return Err(Error::new(ErrorKind::Config, "the password file can't be read"));
        }
        Ok(Credentials::password(password.as_str()))
    });
    let client =
        Client::builder(world.winkas_server(), source).registry(&world.registry()).build().unwrap();
    let patient = TokenOptions::default().with_deadline(Duration::from_secs(5));
    let error = client.token_with(patient).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(!error.is_retryable() && error.detail().contains("password file"), "{error}");
    assert_eq!(calls.load(Ordering::Relaxed), 2, "the caller waited for another attempt");
    let counts = world.emulator.counts().winkas;
    assert_eq!((counts.login, counts.refetch), (0, 0));
}

/// Rule: Secrets: a client for a plain HTTP address on another machine is not built.
#[test]
fn secrets_are_not_sent_unencrypted_to_other_machines() {
    let identity = Identity::wyn("http://wyn.example", "u", "integration").unwrap();
    let credentials = Credentials::password("p").with_client_secret("s");
    let error = Client::builder(Server::new(identity), credentials).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("dangerously_allow_plain_http"), "{error}");
}

#[test]
fn missing_credentials_are_named_when_the_client_is_built() {
    let identity = Identity::winkas("https://air.winkas.net", "u", "c").unwrap();
    let error = Client::builder(Server::new(identity), Credentials::default()).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("password"), "{error}");
}
