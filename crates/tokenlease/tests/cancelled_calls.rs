//! Tests of validations, revocations and refetches whose caller stops waiting.

mod common;

use std::{future::Future, time::Duration};

use common::World;
use tokenlease::{Client, ErrorKind, core::Credentials};
use tokenlease_emulator::{Counts, Endpoint, Fault};

const HOUR: Duration = Duration::from_secs(3600);
const SLOW: Duration = Duration::from_millis(300);

/// Runs a call until its request has reached the server, and drops it there.
async fn cancel<T: Send + 'static>(
    world: &World,
    call: impl Future<Output = T> + Send + 'static,
    sent: fn(&Counts) -> u64,
) {
    let before = sent(&world.emulator.counts());
    let task = tokio::spawn(call);
    while sent(&world.emulator.counts()) == before {
        tokio::task::yield_now().await;
    }
    task.abort();
    assert!(task.await.is_err_and(|error| error.is_cancelled()));
}

/// Rule: Validation: a validation whose caller is cancelled does not affect the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_validation_does_not_affect_the_next_one() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    let token = client.token().await.unwrap();
    world.emulator.fault(Endpoint::WinkasValidate, Fault::delay(SLOW), 1);
    let (cancelled, its_token) = (client.clone(), token.clone());
    let call = async move { cancelled.validate(&its_token).await };
    cancel(&world, call, |counts| counts.winkas.validate).await;
    assert!(client.validate(&token).await.unwrap());
    // The result of the cancelled one is not that of the next.
    world.emulator.end_token(token.expose());
    assert!(!client.validate(&token).await.unwrap());
}

/// Rule: Revocation: a revocation whose caller is cancelled is completed, and does not affect the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_revocation_is_completed() {
    let world = World::start().await;
    let client = world.wyn(&world.registry(), HOUR);
    let token = client.token().await.unwrap();
    world.emulator.fault(Endpoint::WynRevoke, Fault::delay(SLOW), 1);
    let (cancelled, its_token) = (client.clone(), token.clone());
    let call = async move { cancelled.revoke(&its_token).await };
    cancel(&world, call, |counts| counts.wyn.revoke).await;
    // The next one waits for it.
    client.revoke(&token).await.unwrap();
    assert!(!world.emulator.token_is_active(token.expose()));
    assert_ne!(client.token().await.unwrap(), token);
}

/// Rule: Refetch: a refetch never returns the result of an earlier one whose caller was cancelled.
#[tokio::test(flavor = "multi_thread")]
async fn a_refetch_does_not_return_the_result_of_a_cancelled_one() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    let token = client.token().await.unwrap();
    world.emulator.fault(Endpoint::WinkasRefetch, Fault::delay(SLOW), 1);
    let cancelled = client.clone();
    let call = async move { cancelled.refetch().await.map(drop) };
    cancel(&world, call, |counts| counts.winkas.refetch).await;
    client.close().await.unwrap();
    world.emulator.end_token(token.expose());
    let error = client.refetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected, "{error}");
}

/// Rule: Deadlines: a call that follows one past its deadline waits up to its own deadline.
#[tokio::test(flavor = "multi_thread")]
async fn a_validation_after_one_past_its_deadline_has_its_own_deadline() {
    let world = World::start().await;
    let client = Client::builder(
        world.winkas_server(),
        Credentials::password(world.emulator.winkas().password()),
    )
    .registry(&world.registry())
    .deadline(Duration::from_millis(500))
    .build()
    .unwrap();
    let token = client.token().await.unwrap();
    world.emulator.fault(Endpoint::WinkasValidate, Fault::delay(HOUR), 1);
    for _ in 0..2 {
        let cancelled = client.clone();
        let its_token = token.clone();
        let call = tokio::spawn(async move { cancelled.validate(&its_token).await });
        while world.emulator.counts().winkas.validate == 0 {
            tokio::task::yield_now().await;
        }
        world.clock.advance(Duration::from_millis(500));
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{error}");
    }
    // The machine gives the request up after its timeout.
    world.clock.advance(Duration::from_secs(10));
    client.close().await.unwrap();
    assert!(client.validate(&token).await.unwrap());
}
