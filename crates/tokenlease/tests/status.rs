//! Tests of a client's status and of the facts about its token.

mod common;

use std::time::Duration;

use common::World;
use serde_json::Value;
use tokenlease::{
    Client, Clock as _, ErrorKind,
    core::{
        Credentials,
        lease::{ExpiryBasis, Source},
    },
};

const HOUR: Duration = Duration::from_secs(3600);

fn json(status: &tokenlease::Status) -> Value {
    serde_json::from_str(&status.to_json()).unwrap()
}

/// Rule: Formats: the status of a client states when its token expires, how that is known, its age,
/// source and generation, and contains no token.
#[tokio::test(flavor = "multi_thread")]
async fn a_status_states_expiry_basis_age_source_and_generation() {
    let world = World::start().await;
    let registry = world.registry();
    let client = world.wyn(&registry, HOUR);
    let before = client.status().await.unwrap();
    assert!(before.lease.is_none() && before.source.is_none());
    assert!(json(&before)["lease"].is_null());

    let token = client.token().await.unwrap();
    world.pass(Duration::from_secs(600));
    let status = client.status().await.unwrap();
    let lease = status.lease.unwrap();
    assert_eq!((lease.expiry, lease.generation), (ExpiryBasis::Stated, 1));
    assert_eq!((lease.is_live, status.source), (true, Some(Source::Login)));
    assert!((600..1200).contains(&lease.age.as_secs()), "{lease:?}");
    assert!((2400..=3000).contains(&lease.remaining.unwrap().as_secs()), "{lease:?}");
    let until = lease.expires_at.unwrap().0 - world.clock.now().wall.0;
    assert!((2_400_000..=3_000_000).contains(&until), "{until}");

    let json = json(&status);
    assert_eq!(json["lease"]["expiry"], "stated");
    assert_eq!(json["lease"]["age_s"], lease.age.as_secs());
    assert_eq!(json["source"], "login");
    assert!(json["circuit"].is_null() && json["store_error"].is_null());
    assert!(!json.to_string().contains(token.expose()));

    // Another client finds the token in the store before it uses it.
    let other = world.wyn(&registry, HOUR).status().await.unwrap();
    assert_eq!(other.lease.unwrap().fingerprint, lease.fingerprint);
    assert_eq!(other.source, None);
    assert_eq!(world.emulator.counts().wyn.login, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_states_rejected_credentials_with_their_cause() {
    let world = World::start().await;
    let wrong = Credentials::password("canary-wrong");
    let client = Client::builder(world.winkas_server(), wrong).registry(&world.registry());
    let client = client.build().unwrap();
    client.token().await.unwrap_err();
    client.close().await.unwrap();
    let status = client.status().await.unwrap();
    let circuit = status.circuit.as_ref().unwrap();
    assert_eq!(circuit.cause.as_ref().unwrap().kind(), ErrorKind::CredentialsRejected);
    assert!(circuit.until > world.clock.now().wall);
    let json = json(&status);
    assert_eq!(json["circuit"]["cause"]["kind"], "credentials_rejected");
    assert!(!format!("{json}{status:?}").contains("canary"));
}

/// Rule: Formats: the facts about a token are those of the client's current token alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_facts_about_a_token_are_those_of_the_current_token() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    let token = client.token().await.unwrap();
    let facts = client.facts(&token).unwrap();
    assert_eq!((facts.expiry, facts.source), (ExpiryBasis::Assumed, Source::Login));
    assert_eq!(facts.generation, 1);
    world.pass(Duration::from_secs(60));
    assert!((60..600).contains(&facts.age(world.clock.now().wall).as_secs()));
    let copy = client.token_from_text(token.expose()).unwrap();
    assert!(client.facts(&copy).is_some());
    assert_eq!(client.facts(&client.token_from_text("other").unwrap()), None);
}
