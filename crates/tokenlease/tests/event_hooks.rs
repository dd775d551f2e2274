//! Tests of event hooks that panic, block, or call their client.

mod common;

use std::{
    panic::resume_unwind,
    sync::{Arc, Mutex, OnceLock, mpsc},
};

use common::World;
use tokenlease::{
    Client, Registry,
    core::{Credentials, Token, TokenKind, lifecycle::Event},
};

/// Makes a client of the emulated WinKAS with that hook.
fn with_hook(
    world: &World,
    registry: &Registry,
    hook: impl Fn(&Event) + Send + Sync + 'static,
) -> Client {
    let password = Credentials::password(world.emulator.winkas().password());
    let builder = Client::builder(world.winkas_server(), password).registry(registry);
    builder.on_event(hook).build().unwrap()
}

/// Rule: Events: a hook that panics affects neither its client nor the next event.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_panics_affects_neither_its_client_nor_the_next_event() {
    let world = World::start().await;
    let events = Arc::new(Mutex::new(0));
    let count = events.clone();
    let client = with_hook(&world, &world.registry(), move |_| {
        *count.lock().unwrap() += 1;
        resume_unwind(Box::new("on purpose"));
    });
    let token = client.token().await.unwrap();
    world.emulator.end_token(token.expose());
    client.report_rejected(&token).await.unwrap();
    let next = client.token().await.unwrap();
    assert_ne!(next, token);
    assert!(client.validate(&next).await.unwrap());
    client.close().await.unwrap();
    assert!(*events.lock().unwrap() >= 4);
}

/// Rule: Events: a hook that blocks holds up no client. Of more than 256 waiting events the oldest are
/// dropped and counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_blocks_holds_up_no_client_and_dropped_events_are_counted() {
    let world = World::start().await;
    let registry = world.registry();
    let (release, released) = mpsc::channel::<()>();
    let (released, events) = (Mutex::new(released), Arc::new(Mutex::new(Vec::new())));
    let seen = events.clone();
    let client = with_hook(&world, &registry, move |event| {
        // Blocks until the sender is dropped.
        let _ = released.lock().unwrap().recv();
        seen.lock().unwrap().push(*event);
    });
    let token = client.token().await.unwrap();
    for number in 0..300 {
        let adopted = Token::new(TokenKind::Winkas, format!("adopted-{number}").as_str());
        client.adopt(adopted, None).await.unwrap();
        client.forget().await.unwrap();
    }
    let other = world.winkas(&registry, &world.emulator.winkas().password());
    assert_eq!(other.token().await.unwrap(), token);
    let dropped = client.stats().events_dropped;
    assert!(dropped > 0);
    drop(release);
    client.close().await.unwrap();
    let events = events.lock().unwrap();
    // One was with the hook when the queue was full.
    assert!(matches!(events.len(), 256 | 257), "{}", events.len());
    assert!(matches!(events.last(), Some(Event::Forgotten(_))));
    assert_eq!(client.stats().events_dropped, dropped);
}

/// Rule: Events: a hook may call its client and wait for the result.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_may_call_its_client_and_wait_for_the_result() {
    let world = World::start().await;
    let own: Arc<OnceLock<Client>> = Arc::default();
    let (of_hook, results) = (own.clone(), Arc::new(Mutex::new(Vec::new())));
    let seen = results.clone();
    let client = with_hook(&world, &world.registry(), move |event| {
        if matches!(event, Event::LoggedIn(_)) {
            let client = of_hook.wait().blocking();
            let token = client.token().unwrap();
            seen.lock().unwrap().push(client.validate(&token).map_err(|error| error.kind()));
        }
    });
    own.set(client.clone()).unwrap();
    client.token().await.unwrap();
    client.close().await.unwrap();
    assert_eq!(*results.lock().unwrap(), [Ok(true)]);
}
