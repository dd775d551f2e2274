//! Tests of the calls that a caller names: validate, refetch, revoke, forget, adopt; and of events.

mod common;

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use common::{World, faulty_store::Faulty};
use tokenlease::{
    Client, ErrorKind, MemoryStore, Registry,
    core::{
        Credentials, Identity, Key, Token, TokenKind,
        lifecycle::{Event, Revocation},
        provider::Server,
    },
};

const HOUR: Duration = Duration::from_secs(3600);

/// Rule: Validation: `validate` and `refetch` call the provider at once, whatever is cached.
#[tokio::test(flavor = "multi_thread")]
async fn validate_and_refetch_call_the_provider_at_once() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    let token = client.token().await.unwrap();
    assert!(client.validate(&token).await.unwrap());
    assert_eq!(client.refetch().await.unwrap().lease.token(), &token);
    world.emulator.end_token(token.expose());
    assert!(!client.validate(&token).await.unwrap());
    let error = client.refetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected, "{error}");
    let error = client.revoke(&token).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("forget"), "{error}");
}

/// Rule: Validation: an inactive validation of a known token reaches every process that uses it, even
/// if the process that validated it never used it.
#[tokio::test(flavor = "multi_thread")]
async fn an_inactive_validation_reaches_the_clients_that_use_the_token() {
    let world = World::start().await;
    let registry = world.registry();
    let client = world.winkas(&registry, &world.emulator.winkas().password());
    let token = client.token().await.unwrap();
    world.emulator.end_token(token.expose());
    let other = world.winkas(&registry, "not sent");
    assert!(!other.validate(&token).await.unwrap());
    assert_eq!(world.emulator.counts().winkas.login, 1);
    world.pass(Duration::from_secs(31));
    // The result was saved before `validate` returned.
    assert_ne!(client.token().await.unwrap(), token);
}

/// Rule: Revocation: a tombstone is saved, the provider is called, and a validation proves the end.
/// Reported as vercel/vercel#16578.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_used_by_no_client_and_its_end_is_proven() {
    let world = World::start().await;
    let registry = world.registry();
    let (one, other) = (world.wyn(&registry, HOUR), world.wyn(&registry, HOUR));
    let token = one.token().await.unwrap();
    assert_eq!(other.token().await.unwrap(), token);
    assert_eq!(one.revoke(&token).await.unwrap(), Revocation::Proven);
    assert!(!world.emulator.token_is_active(token.expose()));
    assert_ne!(one.token().await.unwrap(), token);
    world.pass(Duration::from_secs(31));
    assert_ne!(other.token().await.unwrap(), token);
    assert_eq!(world.emulator.counts().wyn.login, 2);
}

/// Rule: Revocation: `forget` and `unblock` are errors while the store cannot be read, even for a client
/// that knows no token.
#[tokio::test(flavor = "multi_thread")]
async fn forget_and_unblock_are_errors_while_the_store_is_away() {
    let world = World::start().await;
    let clock = Arc::new(world.clock.clone());
    let is_away = Arc::new(AtomicBool::new(false));
    let store = Arc::new(Faulty::new(MemoryStore::new(clock.clone()), is_away.clone()));
    let registry = || {
        let builder = Registry::builder().clock(clock.clone());
        builder.store(store.clone(), Key::new([7; 32])).build().unwrap()
    };
    let first = world.wyn(&registry(), HOUR).token().await.unwrap();
    let other = world.wyn(&registry(), HOUR);
    is_away.store(true, Ordering::Relaxed);
    for result in [other.forget().await, other.unblock().await] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Store);
    }
    is_away.store(false, Ordering::Relaxed);
    world.pass(Duration::from_secs(60));
    other.unblock().await.unwrap();
    assert_eq!(other.token().await.unwrap(), first);
    other.forget().await.unwrap();
    assert_ne!(other.token().await.unwrap(), first);
}

/// Rule: Revocation: `forget` leaves a mark in the record, and the token stays active at the provider.
#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_token_is_adopted_by_no_client() {
    let world = World::start().await;
    let registry = world.registry();
    let client = world.wyn(&registry, HOUR);
    let first = client.token().await.unwrap();
    client.forget().await.unwrap();
    let second = world.wyn(&registry, HOUR).token().await.unwrap();
    assert_ne!(first, second);
    assert!(world.emulator.token_is_active(first.expose()), "forgotten, not revoked");
}

/// Rule: Identity: an adopted token serves only its client until its credentials are seen accepted.
#[tokio::test(flavor = "multi_thread")]
async fn an_adopted_token_serves_this_client_and_no_other() {
    let world = World::start().await;
    let registry = world.registry();
    let made = world.emulator.winkas().log_in_elsewhere();
    let token = Token::new(TokenKind::Winkas, made);
    let client = world.winkas(&registry, &world.emulator.winkas().password());
    client.adopt(token.clone(), None).await.unwrap();
    let served = client.lease().await.unwrap();
    assert_eq!(served.lease.token(), &token);
    let other = world.winkas(&registry, "wrong");
    assert_eq!(other.token().await.unwrap_err().kind(), ErrorKind::CredentialsRejected);
}

/// Rule: Events: a hook gets an event for each new token.
/// Reported as golang/oauth2#84.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_gets_an_event_for_each_new_token() {
    let world = World::start().await;
    let events = Arc::new(Mutex::new(Vec::new()));
    let hook = events.clone();
    let client = Client::builder(
        world.winkas_server(),
        Credentials::password(world.emulator.winkas().password()),
    )
    .registry(&world.registry())
    .on_event(move |event| hook.lock().unwrap().push(*event))
    .build()
    .unwrap();
    let token = client.token().await.unwrap();
    world.emulator.end_token(token.expose());
    client.report_rejected(&token).await.unwrap();
    client.close().await.unwrap();
    let events = events.lock().unwrap();
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event.to_string().split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["logged", "suspected", "inactive", "logged"], "{events:?}");
    assert!(matches!(events[0], Event::LoggedIn(_)));
}

/// Rule: Events: a hook may call `explain` and `stats` of its client.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_may_call_explain_and_stats() {
    let world = World::start().await;
    let seen: Arc<(OnceLock<Client>, Mutex<Vec<String>>)> = Arc::default();
    let hook = seen.clone();
    let w = world.emulator.wyn();
    let identity = Identity::wyn(&w.server(), &w.user(), w.client_id()).unwrap();
    let client = Client::builder(Server::new(identity), world.wyn_credentials())
        .registry(&world.registry())
        .on_event(move |_| {
            let client = hook.0.get().unwrap();
            let words = format!("{} after {:?}", client.explain(), client.stats().logins);
            hook.1.lock().unwrap().push(words);
        })
        .build()
        .unwrap();
    seen.0.set(client.clone()).unwrap();
    client.token().await.unwrap();
    client.close().await.unwrap();
    let words = seen.1.lock().unwrap();
    // The login, and the long lifetime of its token.
    assert!(words.len() == 2 && words.iter().all(|it| it.contains("after 1")), "{words:?}");
}

/// Rule: Secrets: `explain` names the source of the token and not the token.
#[tokio::test(flavor = "current_thread")]
async fn explain_names_the_source_of_the_token_and_not_the_token() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    let token = client.token().await.unwrap();
    let words = client.explain();
    assert!(words.contains("source login") && words.contains("it is served"), "{words}");
    assert!(!words.contains(token.expose()));
    let stats = client.stats();
    assert_eq!((stats.logins, stats.refetches, stats.errors), (1, 1, 0));
}
