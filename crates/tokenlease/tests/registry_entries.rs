//! Tests of the entries of a registry: they are listed, found and ended.

mod common;

use std::time::Duration;

use common::World;
use tokenlease::{
    Client, EndBy, Ended, EntryFilter, ErrorKind, HttpOptions, Registry, Rejection,
    core::{
        Credentials, Identity, WallTime,
        lease::Source,
        lifecycle::Revocation,
        provider::{Server, wyn},
    },
};
use tokenlease_emulator::{Endpoint, Fault};

const HOUR: Duration = Duration::from_secs(3600);

fn client(world: &World, registry: &Registry, subject: &str) -> Client {
    let w = world.emulator.wyn();
    let identity = Identity::wyn(&w.server(), &w.user(), w.client_id()).unwrap();
    let server = Server::new(identity.with_subject(subject).unwrap());
    Client::builder(server.with_lifetime(8 * HOUR).unwrap(), world.wyn_credentials())
        .registry(registry)
        .build()
        .unwrap()
}

fn all() -> EntryFilter {
    EntryFilter::default()
}

/// Rule: Subjects: the live tokens of its clients are listed by server, user and subject, without secrets.
#[tokio::test(flavor = "multi_thread")]
async fn live_entries_are_listed_by_server_and_subject() {
    let world = World::start().await;
    let registry = world.registry();
    let (anna, boris) = (client(&world, &registry, "anna"), client(&world, &registry, "boris"));
    let winkas = world.winkas(&registry, &world.emulator.winkas().password());
    assert_eq!(registry.entries(&all()).unwrap().len(), 0, "no client has asked for a token");
    let mut texts = Vec::new();
    for client in [&anna, &boris, &winkas, &client(&world, &registry, "anna")] {
        texts.push(client.token().await.unwrap().expose().to_owned());
    }
    let wyn = all().server(&format!("{}/", world.emulator.wyn().server())).unwrap();
    let entries = registry.entries(&wyn).unwrap();
    let subjects: Vec<_> = entries.iter().map(|entry| entry.subject.clone().unwrap()).collect();
    assert_eq!(subjects, ["anna", "boris"]);
    let first = entries.first().unwrap();
    assert!(first.lease.expires_at.is_some() && first.source == Source::Login, "{first:?}");
    assert_eq!(registry.entries(&wyn.clone().subject("boris")).unwrap().len(), 1);
    assert_eq!(registry.entries(&all().user("nobody")).unwrap().len(), 0);
    assert_eq!(registry.entries(&all()).unwrap().len(), 3);
    let json = tokenlease::RegistryEntry::list_to_json(&registry.entries(&all()).unwrap());
    for text in texts {
        assert!(!json.contains(&text), "{json}");
    }
    let found = registry.find(&wyn.clone().subject("boris")).unwrap().expect("a client");
    assert_eq!(found.token().await.unwrap(), boris.token().await.unwrap());
    assert!(registry.find(&wyn.clone().subject("clara")).unwrap().is_none());
    // An expired token is not listed, and neither is a client that was dropped.
    drop((boris, found));
    assert_eq!(registry.entries(&wyn).unwrap().len(), 1);
    world.pass(9 * HOUR);
    assert_eq!(registry.entries(&wyn).unwrap().len(), 0);
}

/// Rule: Subjects: all tokens of a user end by revocation, at most as many at once as logins may, and the
/// report says which ends the server confirmed.
#[tokio::test(flavor = "multi_thread")]
async fn all_tokens_are_revoked_with_a_report_of_the_proven_ones() {
    let world = World::start().await;
    let http = HttpOptions::new().with_max_concurrent_logins(2.try_into().unwrap());
    let clock = std::sync::Arc::new(world.clock.clone());
    let registry = Registry::builder().clock(clock).http(http).build().unwrap();
    let clients: Vec<_> =
        (0..20).map(|n| client(&world, &registry, &format!("user-{n:02}"))).collect();
    let twin = client(&world, &registry, "user-00");
    let mut tokens = Vec::new();
    for client in &clients {
        tokens.push(client.token().await.unwrap());
    }
    assert_eq!(twin.token().await.unwrap(), tokens[0]);
    let idle = client(&world, &registry, "user-99");
    // A client that has not read the store yet ends the stored token, too.
    drop(clients);
    let again = client(&world, &registry, "user-01");
    let others: Vec<_> =
        (2..20).map(|n| client(&world, &registry, &format!("user-{n:02}"))).collect();
    world.emulator.fault(Endpoint::WynRevoke, Fault::status(503), 1);
    let report = registry.end(&all(), EndBy::Revocation).await.unwrap();
    assert_eq!((report.entries.len(), report.proven(), report.failed()), (21, 19, 1));
    let last = report.entries.last().unwrap();
    assert!(last.subject.as_deref() == Some("user-99") && matches!(last.result, Ended::NoToken));
    let active = tokens.iter().filter(|token| world.emulator.token_is_active(token.expose()));
    assert_eq!(active.count(), 1, "the failed one");
    assert!(twin.cached(|_| ()).is_none(), "clients of the same identity drop the token, too");
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!((&json["proven"], &json["entries"][20]["result"]), (&19.into(), &"no_token".into()));
    assert!(!tokens.contains(&again.token().await.unwrap()));
    drop((others, idle));
}

/// Rule: Subjects: the tokens of one subject end without those of the others; where the server cannot revoke
/// tokens, they are forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn the_tokens_of_one_subject_end_alone() {
    let world = World::start().await;
    let registry = world.registry();
    let (anna, boris) = (client(&world, &registry, "anna"), client(&world, &registry, "boris"));
    let winkas = world.winkas(&registry, &world.emulator.winkas().password());
    let (first, other) = (anna.token().await.unwrap(), boris.token().await.unwrap());
    winkas.token().await.unwrap();
    let filter = all().subject("anna");
    let report = registry.end(&filter, EndBy::Revocation).await.unwrap();
    assert!(matches!(report.entries[0].result, Ended::Revoked(Revocation::Proven)), "{report:?}");
    assert_eq!((report.entries.len(), boris.token().await.unwrap()), (1, other.clone()));
    assert_ne!(anna.token().await.unwrap(), first);
    let winkas_server = all().server(&world.emulator.winkas().server()).unwrap();
    let report = registry.end(&winkas_server, EndBy::Revocation).await.unwrap();
    assert!(matches!(report.entries[0].result, Ended::Forgotten), "{report:?}");
    let report = registry.end(&all().subject("boris"), EndBy::Forgetting).await.unwrap();
    assert!(matches!(report.entries[0].result, Ended::Forgotten), "{report:?}");
    assert!(world.emulator.token_is_active(other.expose()), "forgotten, and not revoked");
    assert_ne!(boris.token().await.unwrap(), other);
    assert_eq!(all().server("no address").unwrap_err().kind(), ErrorKind::Config);
}

/// Rule: Revocation: processes learn of a batch revocation when an API rejects the token: one of them
/// validates it once, and one logs in for all.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_revocation_costs_one_validation_and_one_login() {
    let world = World::start().await;
    let registry = world.registry();
    let (one, other) = (client(&world, &registry, "anna"), client(&world, &registry, "anna"));
    let token = one.token().await.unwrap();
    assert_eq!(other.token().await.unwrap(), token);
    world.pass(HOUR);
    let admin = client(&world, &registry, "admin");
    let admin_token = admin.token().await.unwrap();
    let now = world.emulator.now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let revoke = wyn::BatchRevoke {
        server: &world.emulator.wyn().server(),
        admin: &admin_token,
        before: WallTime(i64::try_from(now).unwrap() - 60_000),
    };
    let http = tokenlease::Transport::new(&HttpOptions::new()).unwrap();
    let response = http.send(revoke.request().unwrap(), HOUR).await.unwrap();
    assert_eq!(wyn::BatchRevoke::parse(&response).unwrap(), 1);
    assert!(!world.emulator.token_is_active(token.expose()));
    let before = world.emulator.counts().wyn;
    let reports = [&one, &other].into_iter().cycle().take(100).map(|client| {
        let (client, token) = (client.clone(), token.clone());
        tokio::spawn(async move { client.report_rejected(&token).await })
    });
    for report in reports.collect::<Vec<_>>() {
        let replaced = report.await.unwrap().unwrap();
        assert!(matches!(replaced, Rejection::Replaced(new) if new != token));
    }
    let after = world.emulator.counts().wyn;
    assert_eq!(after.login - before.login, 1);
    assert!(after.userinfo - before.userinfo <= 2, "one validation for each client at most");
    assert_eq!(one.token().await.unwrap(), other.token().await.unwrap());
}

/// Rule: Subjects: a blocking caller ends tokens, too.
#[test]
fn a_blocking_caller_ends_tokens() {
    let emulator = tokenlease_emulator::Emulator::builder().start_blocking().unwrap();
    let w = emulator.wyn();
    let registry = Registry::builder().build().unwrap();
    let identity = Identity::wyn(&w.server(), &w.user(), w.client_id()).unwrap();
    let credentials = Credentials::password(w.password()).with_client_secret(w.client_secret());
    let client = Client::builder(Server::new(identity), credentials).registry(&registry);
    let client = client.build().unwrap();
    let token = client.blocking().token().unwrap();
    let report = registry.end_blocking(&all(), EndBy::Revocation).unwrap();
    assert_eq!(report.proven(), 1);
    assert!(!emulator.token_is_active(token.expose()));
}
