//! Tests of the connections that the identities of one server share.

mod common;

use std::time::Duration;

use common::World;
use tokenlease::{
    Client, Registry, TokenOptions,
    core::{Identity, provider::Server},
};
use tokenlease_emulator::{Endpoint, Fault};

/// Makes a client of the same user in another organization, which is another identity.
fn client(world: &World, registry: &Registry, number: usize) -> Client {
    let wyn = world.emulator.wyn();
    let identity = Identity::wyn(&wyn.server(), &wyn.user(), wyn.client_id()).unwrap();
    let server = Server::new(identity.with_tenant(&format!("/Org{number}")));
    let server = server.with_lifetime(Duration::from_secs(3600)).unwrap();
    Client::builder(server, world.wyn_credentials()).registry(registry).build().unwrap()
}

/// Rule: Login: the identities of one server share a connection that is kept for a second.
#[tokio::test(flavor = "multi_thread")]
async fn the_identities_of_one_server_share_a_connection() {
    let world = World::start().await;
    let registry = world.registry();
    for number in 0..50 {
        client(&world, &registry, number).token().await.unwrap();
    }
    assert_eq!(world.emulator.counts().wyn.login, 50);
    let connections = world.emulator.details().wyn.connections;
    // One, unless this machine pauses for a second between two logins.
    assert!(connections < 10, "{connections} connections");
}

/// Rule: Login: the client counts each login that reaches the server over a kept connection.
#[tokio::test(flavor = "multi_thread")]
async fn each_login_that_reaches_the_server_is_counted_by_the_client() {
    let world = World::start().await;
    let registry = world.registry();
    let mut counted = 0;
    for number in 0..20 {
        if number % 2 == 1 {
            world.emulator.fault(Endpoint::WynLogin, Fault::reset(), 1);
        }
        let client = client(&world, &registry, number);
        if number % 2 == 1 {
            // The login is lost, and the next one waits for longer than this.
            let soon = TokenOptions::default().with_deadline(Duration::from_secs(5));
            client.token_with(soon).await.unwrap_err();
            world.pass(Duration::from_secs(11));
        }
        client.token().await.unwrap();
        counted += client.stats().logins;
    }
    assert_eq!((world.emulator.counts().wyn.login, counted), (30, 30));
}
