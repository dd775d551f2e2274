//! Tests of clients that know the server's address alone: the paths come from its discovery document.

mod common;

use std::{sync::Arc, time::Duration};

use common::World;
use tokenlease::{
    Client, ErrorKind, MemoryStore, Registry, Rejection, TokenOptions,
    core::{Identity, Key, Token, lifecycle::Revocation, provider::Server},
};
use tokenlease_emulator::Quirk;

const HOUR: Duration = Duration::from_secs(3600);
const DOCUMENT: &str = "/.well-known/openid-configuration";

fn server(world: &World) -> Server {
    let w = world.emulator.wyn();
    let identity = Identity::oauth2(&w.server(), &w.user(), w.client_id()).unwrap();
    Server::new(identity.with_scope("openid"))
}

fn build(world: &World, registry: &Registry, server: Server) -> Client {
    Client::builder(server, world.wyn_credentials()).registry(registry).build().unwrap()
}

fn client(world: &World, registry: &Registry) -> Client {
    build(world, registry, server(world))
}

/// The registry of another process, with the store that all share.
fn sharing(world: &World, store: &Arc<MemoryStore>) -> Registry {
    let clock = Arc::new(world.clock.clone());
    Registry::builder().clock(clock).store(store.clone(), Key::new([7; 32])).build().unwrap()
}

/// How often the document was requested.
fn reads(world: &World) -> usize {
    world.emulator.log().iter().filter(|entry| entry.path.contains("/.well-known/")).count()
}

/// Rule: Discovery: with a server address alone a token is obtained, validated and revoked, and the
/// document is read once.
#[tokio::test]
async fn a_server_address_alone_is_enough_for_every_call() {
    let world = World::start().await;
    let client = client(&world, &world.registry());
    let token = client.token().await.unwrap();
    assert!(client.validate(&token).await.unwrap());
    assert_eq!(client.report_rejected(&token).await.unwrap(), Rejection::StillActive);
    assert_eq!(client.revoke(&token).await.unwrap(), Revocation::Proven);
    assert!(!world.emulator.token_is_active(token.expose()));
    assert_ne!(client.token().await.unwrap(), token);
    assert_eq!(reads(&world), 1);
}

/// Rule: Discovery: all clients of a server in a process read its document once.
#[tokio::test(flavor = "multi_thread")]
async fn all_clients_of_a_process_read_the_document_once() {
    let world = World::start().await;
    let registry = world.registry();
    let clients: Vec<_> = (0..20)
        .map(|n| {
            let resource = format!("https://api{n}.example");
            let identity = server(&world).identity().clone();
            let identity = identity.with_extra("resource", &resource).unwrap();
            build(&world, &registry, Server::new(identity))
        })
        .collect();
    let mut calls = tokio::task::JoinSet::new();
    for client in clients {
        calls.spawn(async move { client.token().await });
    }
    for token in calls.join_all().await {
        token.unwrap();
    }
    assert_eq!((world.emulator.counts().wyn.login, reads(&world)), (20, 1));
}

/// Rule: Discovery: a process that finds its token in the store requests no document; one that logs in
/// within an hour takes the document from the store.
#[tokio::test]
async fn a_process_with_a_stored_token_requests_no_document() {
    let world = World::start().await;
    let store = Arc::new(MemoryStore::new(Arc::new(world.clock.clone())));
    let first = client(&world, &sharing(&world, &store));
    let token = first.token().await.unwrap();
    let second = client(&world, &sharing(&world, &store));
    assert_eq!(second.token().await.unwrap(), token);
    // The first call to the server is a validation.
    assert_eq!(second.report_rejected(&token).await.unwrap(), Rejection::StillActive);
    let identity = server(&world).identity().clone().with_extra("a", "b").unwrap();
    let third = build(&world, &sharing(&world, &store), Server::new(identity));
    third.token().await.unwrap();
    assert_eq!((world.emulator.counts().wyn.login, reads(&world)), (2, 1));
    world.pass(2 * HOUR);
    assert_eq!(second.token().await.unwrap(), token);
    assert_eq!(reads(&world), 1);
    assert!(third.validate(&token).await.unwrap());
    assert_eq!(reads(&world), 2);
}

/// Rule: Discovery: a known document is used while the server does not answer for a newer one.
#[tokio::test]
async fn a_known_document_is_used_while_the_server_fails() {
    let world = World::start().await;
    let client = client(&world, &world.registry());
    let token = client.token().await.unwrap();
    world.emulator.options(|options| options.quirks = [Quirk::Discovery503].into());
    world.pass(2 * HOUR);
    assert!(client.validate(&token).await.unwrap());
    assert_eq!(reads(&world), 2);
}

/// Rule: Discovery: an unusable document is an error that says what to set; no credentials are sent, and
/// the document is not requested again at once.
#[tokio::test]
async fn an_unusable_document_is_an_error_and_no_flood() {
    for (quirk, kind, says) in [
        (Quirk::OtherIssuer, ErrorKind::Config, "is of the issuer https://issuer.example"),
        (Quirk::ForeignEndpoint, ErrorKind::Config, "is at https://token.example"),
    ] {
        let world = World::start().await;
        world.emulator.options(|options| options.quirks = [quirk].into());
        let store = Arc::new(MemoryStore::new(Arc::new(world.clock.clone())));
        let mut text = String::new();
        for _ in 0..10 {
            let client = client(&world, &sharing(&world, &store));
            for _ in 0..10 {
                let error = client.token().await.unwrap_err();
                assert_eq!(error.kind(), kind, "{error}");
                assert!(error.until().is_some(), "{error}");
                text = error.to_string();
            }
        }
        assert!(text.contains(says) && text.contains("the option token_path"), "{text}");
        assert_eq!((world.emulator.counts().wyn.login, reads(&world)), (0, 1), "{text}");
        // The server is repaired.
        world.emulator.options(|options| options.quirks = [].into());
        world.pass(HOUR);
        client(&world, &sharing(&world, &store)).token().await.unwrap();
    }
}

/// Rule: Discovery: a caller waits for a document while its server fails, up to its own deadline.
#[tokio::test]
async fn a_caller_waits_for_a_failing_server_up_to_its_deadline() {
    let world = World::start().await;
    world.emulator.options(|options| options.quirks = [Quirk::Discovery503].into());
    let client = client(&world, &Registry::builder().build().unwrap());
    let options = TokenOptions::default().with_deadline(Duration::from_secs(2));
    let error = client.token_with(options).await.unwrap_err();
    assert!(error.to_string().contains("HTTP 503"), "{error}");
    world.emulator.options(|options| options.quirks = [].into());
    client.token().await.unwrap();
    assert_eq!(world.emulator.counts().wyn.login, 1);
}

/// Rule: Discovery: an explicit token path wins, and then no document is requested.
#[tokio::test]
async fn with_an_explicit_token_path_no_document_is_requested() {
    let world = World::start().await;
    let server = server(&world).with_token_path("/connect/token").unwrap();
    let client = build(&world, &world.registry(), server);
    let token = client.token().await.unwrap();
    assert_eq!(client.validate(&token).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(reads(&world), 0);
}

/// Rule: Discovery: a server without a document is called at `/token`; if nothing is there, the error
/// names the option to set.
#[tokio::test]
async fn a_server_without_a_document_is_called_at_the_default_path() {
    let world = World::start().await;
    world.emulator.options(|options| options.wyn.discovery = false);
    let error = client(&world, &world.registry()).token().await.unwrap_err().to_string();
    assert!(error.contains(DOCUMENT) && error.contains("set the option token_path"), "{error}");
    assert_eq!(reads(&world), 2);
    assert!(world.emulator.log().iter().any(|entry| entry.path == "/token"));
}

/// Rule: Discovery: a token of a server whose document names no validation and no revocation is replaced
/// when it is reported rejected, and is in use after a revocation that cannot be sent.
#[tokio::test]
async fn a_server_whose_document_names_no_other_call_has_none() {
    let world = World::start().await;
    world.emulator.options(|options| {
        options.wyn.userinfo = false;
        options.wyn.introspection = false;
        options.wyn.revocation = false;
    });
    let store = Arc::new(MemoryStore::new(Arc::new(world.clock.clone())));
    let first = client(&world, &sharing(&world, &store)).token().await.unwrap();
    let other = client(&world, &sharing(&world, &store));
    for error in
        [other.revoke(&first).await.unwrap_err(), other.validate(&first).await.unwrap_err()]
    {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    assert_eq!(other.token().await.unwrap(), first);
    let replaced: Token = match other.report_rejected(&first).await.unwrap() {
        Rejection::Replaced(token) => token,
        other => panic!("{other:?}"),
    };
    assert_ne!(replaced, first);
    assert_eq!(reads(&world), 1);
}
