//! Tests of subjects: an application vouches for its users, whose secrets change.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use common::World;
use tokenlease::{
    Client, ClientBuilder, CredentialsSource, ErrorKind, Registry,
    core::{Credentials, Identity, lease::Source, lifecycle::Revocation, provider::Server},
};

const HOUR: Duration = Duration::from_secs(3600);

fn server(world: &World, subject: &str) -> Server {
    let w = world.emulator.wyn();
    let identity = Identity::wyn(&w.server(), &w.user(), w.client_id()).unwrap();
    Server::new(identity.with_subject(subject).unwrap()).with_lifetime(8 * HOUR).unwrap()
}

fn ticket(world: &World, ticket: &str) -> Credentials {
    Credentials::password(ticket).with_client_secret(world.emulator.wyn().client_secret())
}

fn portal(world: &World, registry: &Registry, subject: &str, of: &str) -> ClientBuilder {
    Client::builder(server(world, subject), ticket(world, of)).registry(registry)
}

/// Rule: Subjects: a client whose secret is replaced keeps its cached token, and sends the new secret with
/// its next login.
#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_secret_neither_logs_in_nor_disturbs_the_entry() {
    let world = World::start().await;
    world.emulator.wyn().set_passwords(["first"]);
    let registry = world.registry();
    let client = portal(&world, &registry, "anna", "first").build().unwrap();
    let first = client.token().await.unwrap();
    world.emulator.wyn().set_passwords(["second"]);
    client.set_credentials(ticket(&world, "second")).unwrap();
    assert_eq!(client.cached(Clone::clone), Some(first.clone()), "the token is still cached");
    assert_eq!(client.token().await.unwrap(), first);
    // Another client of the subject, with a ticket that was never sent.
    let other = portal(&world, &registry, "anna", "third").build().unwrap();
    let served = other.lease().await.unwrap();
    assert_eq!((served.source, served.lease.token()), (Source::Store, &first));
    assert_eq!(world.emulator.counts().wyn.login, 1);
    world.pass(9 * HOUR);
    let second = client.token().await.unwrap();
    assert_ne!(second, first);
    assert_eq!(other.token().await.unwrap(), second);
    assert_eq!(world.emulator.counts().wyn.login, 2);
    assert_eq!(world.emulator.details().wyn.wrong_credentials, 0);
}

/// Rule: Subjects: another subject is never served, even with the same secret.
#[tokio::test(flavor = "multi_thread")]
async fn another_subject_is_never_served() {
    let world = World::start().await;
    world.emulator.wyn().set_passwords(["ticket"]);
    let registry = world.registry();
    let mut tokens = Vec::new();
    for subject in ["anna", "boris", "Anna"] {
        let client = portal(&world, &registry, subject, "ticket").build().unwrap();
        tokens.push(client.token().await.unwrap());
    }
    let w = world.emulator.wyn();
    let none = Identity::wyn(&w.server(), &w.user(), w.client_id()).unwrap();
    let none = Client::builder(Server::new(none), ticket(&world, "ticket")).registry(&registry);
    tokens.push(none.build().unwrap().token().await.unwrap());
    for (n, token) in tokens.iter().enumerate() {
        assert!(!tokens.get(n + 1..).unwrap().contains(token), "two subjects share a token");
    }
    assert_eq!(world.emulator.counts().wyn.login, 4);
}

/// Rule: Subjects: a function is called for a login only, and again for the next caller after the server
/// rejected its secret.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_called_again_after_its_secret_was_rejected() {
    let world = World::start().await;
    world.emulator.wyn().set_passwords(["ticket-0", "ticket-2"]);
    let calls = Arc::new(AtomicU32::new(0));
    let (counter, secret) = (calls.clone(), world.emulator.wyn().client_secret());
    let source = CredentialsSource::from_fn(move || {
        let ticket = format!("ticket-{}", counter.load(Ordering::Relaxed));
        Ok(Credentials::password(ticket).with_client_secret(secret.as_str()))
    });
    let registry = world.registry();
    let client =
        Client::builder(server(&world, "anna"), source).registry(&registry).build().unwrap();
    client.token().await.unwrap();
    calls.store(1, Ordering::Relaxed);
    world.pass(9 * HOUR);
    let error = client.token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{error}");
    // The same ticket is not sent again.
    let error = client.token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{error}");
    assert_eq!(world.emulator.details().wyn.wrong_credentials, 1);
    let status = client.status().await.unwrap();
    assert!(status.circuit.is_some() && status.lease.is_some(), "{status:?}");
    calls.store(2, Ordering::Relaxed);
    client.token().await.unwrap();
    assert_eq!(world.emulator.details().wyn.wrong_credentials, 1);
}

/// Rule: Subjects: a client without login needs no credentials, is served the subject's stored token, and
/// revokes it for all.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_login_uses_and_revokes_the_stored_token() {
    let world = World::start().await;
    world.emulator.wyn().set_passwords(["ticket"]);
    let registry = world.registry();
    let secret = || Credentials::default().with_client_secret(world.emulator.wyn().client_secret());
    let without = |subject: &str| {
        let builder = Client::builder(server(&world, subject), secret()).registry(&registry);
        builder.without_login().build().unwrap()
    };
    let logout = without("anna");
    let error = logout.token().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Config && error.to_string().contains("without_login"));
    let client = portal(&world, &registry, "anna", "ticket").build().unwrap();
    let token = client.token().await.unwrap();
    let logout = without("anna");
    assert_eq!(logout.token().await.unwrap(), token);
    assert!(logout.validate(&token).await.unwrap());
    assert_eq!(logout.revoke(&token).await.unwrap(), Revocation::Proven);
    assert!(!world.emulator.token_is_active(token.expose()));
    world.pass(HOUR / 60);
    assert_ne!(client.token().await.unwrap(), token, "the revocation is shared");
    assert_eq!(without("boris").token().await.unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(world.emulator.counts().wyn.login, 2);
}
