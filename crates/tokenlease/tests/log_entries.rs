//! Tests of the log: levels, causes and durations.

mod common;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use common::{World, faulty_store::Faulty};
use tokenlease::{
    Client, ErrorKind, LogEntry, LogLevel, MemoryStore, Registry,
    core::{Credentials, Identity, Key, provider::Server},
};
use tokenlease_emulator::{Endpoint, Fault};

type Entries = Arc<Mutex<Vec<LogEntry>>>;

/// Makes a client whose log entries are kept.
fn logged(server: Server, credentials: Credentials, registry: &Registry) -> (Client, Entries) {
    let entries = Entries::default();
    let kept = entries.clone();
    let builder = Client::builder(server, credentials).registry(registry).on_log(move |entry| {
        kept.lock().unwrap().push(entry.clone());
    });
    (builder.build().unwrap(), entries)
}

/// Returns the entry of the event, which must be a warning.
fn warning(entries: &Entries, event: &str) -> String {
    let entries = entries.lock().unwrap();
    let mut found = entries.iter().filter(|entry| entry.event == event);
    let entry = found.next().unwrap_or_else(|| panic!("no {event} in {entries:?}"));
    assert_eq!(entry.level, LogLevel::Warning, "{entry:?}");
    entry.text.clone()
}

/// Returns the seconds that a text states after that start.
fn seconds(text: &str, start: &str) -> u64 {
    let seconds = text.strip_prefix(start).and_then(|rest| rest.strip_suffix('s'));
    seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

/// Rule: Events: rejected credentials are a warning with their cause, and their end with its duration.
/// Normal steps are not warnings.
#[tokio::test(flavor = "multi_thread")]
async fn rejected_credentials_are_a_warning_with_cause_and_duration() {
    let world = World::start().await;
    let wrong = Credentials::password("canary-wrong");
    let (client, entries) = logged(world.winkas_server(), wrong, &world.registry());
    assert_eq!(client.token().await.unwrap_err().kind(), ErrorKind::CredentialsRejected);
    world.clock.advance(Duration::from_secs(90));
    client.unblock().await.unwrap();
    client.close().await.unwrap();
    let opened = warning(&entries, "circuit_opened");
    assert!(opened.starts_with("circuit opened, not sent before "), "{opened}");
    assert!(opened.contains(": credentials rejected: "), "{opened}");
    assert!(seconds(&warning(&entries, "circuit_closed"), "circuit closed after ") >= 90);
    assert!(!format!("{entries:?}").contains("canary"));

    let right = Credentials::password(world.emulator.winkas().password());
    let (client, entries) = logged(world.winkas_server(), right, &world.registry());
    client.token().await.unwrap();
    client.close().await.unwrap();
    let entries = entries.lock().unwrap();
    let levels: Vec<_> = entries.iter().map(|entry| (entry.event, entry.level)).collect();
    assert_eq!(levels, [("logged_in", LogLevel::Debug)]);
}

/// Rule: Events: an outage of the server is a warning with its cause and the length of the backoff.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_server_is_a_warning_with_cause_and_duration() {
    let world = World::start().await;
    let password = Credentials::password(world.emulator.winkas().password());
    let (client, entries) = logged(world.winkas_server(), password, &world.registry());
    let throttled = Fault::status(429).with_header("Retry-After", "120");
    world.emulator.fault(Endpoint::WinkasRefetch, throttled.clone(), 1);
    world.emulator.fault(Endpoint::WinkasLogin, throttled, 1);
    client.token().await.unwrap_err();
    client.close().await.unwrap();
    let text = warning(&entries, "backed_off");
    let (wait, cause) = text.split_once(": ").unwrap();
    assert!(seconds(wait, "backed off for ") > 60, "{text}");
    assert!(cause.starts_with("throttled: "), "{text}");
    assert!(text.contains("(HTTP 429)"), "{text}");
    let entries = entries.lock().unwrap();
    let attempt = entries.iter().find(|entry| entry.event == "attempt_failed").unwrap();
    assert_eq!(attempt.level, LogLevel::Debug);
}

/// Rule: Events: an outage of the store is a warning with its cause, and its end one with its duration.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_store_is_a_warning_with_cause_and_duration() {
    let world = World::start().await;
    let clock = Arc::new(world.clock.clone());
    let is_away = Arc::new(AtomicBool::new(false));
    let store = Faulty::new(MemoryStore::new(clock.clone()), is_away.clone());
    let registry = Registry::builder().clock(clock).store(store, Key::new([7; 32]));
    let registry = registry.build().unwrap();
    let password = Credentials::password(world.emulator.winkas().password());
    let (client, entries) = logged(world.winkas_server(), password, &registry);
    client.token().await.unwrap();
    let ask_for = async |minutes: u64| {
        for _ in 0..minutes {
            world.pass(Duration::from_secs(60));
            client.token().await.unwrap();
            client.close().await.unwrap();
        }
    };
    is_away.store(true, Ordering::Relaxed);
    ask_for(6).await;
    assert_eq!(warning(&entries, "store_unavailable"), "store unavailable: store: it is away");
    is_away.store(false, Ordering::Relaxed);
    ask_for(2).await;
    let text = warning(&entries, "store_available");
    assert!(seconds(&text, "store available after ") >= 120, "{text}");
}

/// Rule: Events: a login whose token is active for a year or longer is a warning that says for how long.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_active_for_years_is_a_warning() {
    let world = World::start().await;
    let w = world.emulator.wyn();
    for (lifetime, warns) in [(None, true), (Some(8), false)] {
        let identity = Identity::wyn(&w.server(), &w.user(), w.client_id()).unwrap();
        let server = match lifetime.map(|hours| Duration::from_secs(hours * 3600)) {
            Some(lifetime) => Server::new(identity).with_lifetime(lifetime).unwrap(),
            None => Server::new(identity),
        };
        let (client, entries) = logged(server, world.wyn_credentials(), &world.registry());
        client.token().await.unwrap();
        client.close().await.unwrap();
        if warns {
            let text = warning(&entries, "long_lifetime");
            assert!(text.contains("3650 days") && text.contains("`lifetime`"), "{text}");
        }
        let found = entries.lock().unwrap().iter().any(|entry| entry.event == "long_lifetime");
        assert_eq!(found, warns);
    }
}
