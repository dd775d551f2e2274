//! Tests of registries with more clients than live entries: the entries of the others are packed.

mod common;

use std::time::Duration;

use common::World;
use tokenlease::{
    Client, EntryFilter, Registry, Rejection,
    core::{Identity, provider::Server},
};

const HOUR: Duration = Duration::from_secs(3600);
/// More than the live entries of a registry.
const CLIENTS: usize = 300;

fn client(world: &World, registry: &Registry, number: usize) -> Client {
    let w = world.emulator.wyn();
    let identity = Identity::wyn(&w.server(), &w.user(), w.client_id()).unwrap();
    let server = Server::new(identity.with_subject(&format!("user-{number:03}")).unwrap());
    Client::builder(server.with_lifetime(8 * HOUR).unwrap(), world.wyn_credentials())
        .registry(registry)
        .build()
        .unwrap()
}

/// Makes clients that have a token, so that the entries of the first ones are packed.
async fn clients(world: &World, registry: &Registry) -> Vec<Client> {
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let client = client(world, registry, number);
        client.token().await.unwrap();
        clients.push(client);
    }
    clients
}

/// Rule: Memory: a client whose entry was packed serves its token without a login, and the facts about the
/// token are the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_entry_was_packed_serves_its_token_without_a_login() {
    let world = World::start().await;
    let registry = world.registry();
    let clients = clients(&world, &registry).await;
    let first = clients.first().unwrap();
    let token = first.token().await.unwrap();
    let facts = first.facts(&token).expect("the current token");
    let explained = first.explain();
    assert!(explained.contains("login"), "{explained}");
    // The cached tokens are not fresh any more, so that each client asks its state machine.
    world.clock.advance(Duration::from_secs(31));
    for client in &clients {
        assert!(client.facts(&client.token().await.unwrap()).is_some());
    }
    assert_eq!(first.token().await.unwrap(), token);
    let same = first.facts(&token).expect("the current token");
    assert_eq!((same.source, same.generation), (facts.source, facts.generation));
    assert_eq!(first.stats().logins, 1);
    assert_eq!(usize::try_from(world.emulator.counts().wyn.login).unwrap(), CLIENTS);
}

/// Rule: Memory: the entries of a registry are listed while they are packed.
#[tokio::test(flavor = "multi_thread")]
async fn entries_are_listed_while_they_are_packed() {
    let world = World::start().await;
    let registry = world.registry();
    let clients = clients(&world, &registry).await;
    let entries = registry.entries(&EntryFilter::default()).unwrap();
    assert_eq!(entries.len(), clients.len());
    assert_eq!(entries.first().unwrap().subject.as_deref(), Some("user-000"));
}

/// Rule: Memory: a client whose entry was packed takes a rejection of its token, and other credentials.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_entry_was_packed_takes_a_rejection_and_other_credentials() {
    let world = World::start().await;
    let registry = world.registry();
    let clients = clients(&world, &registry).await;
    let (one, other) = (clients.first().unwrap(), clients.get(1).unwrap());
    let token = one.token().await.unwrap();
    assert!(world.emulator.end_token(token.expose()));
    let rejection = one.report_rejected(&token).await.unwrap();
    assert!(matches!(rejection, Rejection::Replaced(new) if new != token));
    // The token of a subject does not depend on its secrets.
    let token = other.token().await.unwrap();
    other.set_credentials(world.wyn_credentials()).unwrap();
    world.clock.advance(Duration::from_secs(31));
    assert_eq!(other.token().await.unwrap(), token);
    other.close().await.unwrap();
}
