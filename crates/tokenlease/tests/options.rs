//! Tests of options that cannot work: building the client or its registry is an error.

mod common;

use std::time::Duration;

use common::World;
use tokenlease::{
    Client, ClientBuilder, Error, ErrorKind, HttpOptions, Registry,
    core::{Credentials, Identity, lifecycle::OnStoreOutage, provider::Server},
};

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn wyn() -> ClientBuilder {
    let identity = Identity::wyn("https://wyn.example", "u", "c").unwrap();
    let credentials = Credentials::password("p").with_client_secret("s");
    Client::builder(Server::new(identity), credentials)
}

fn with_timeout(timeout: Duration) -> Result<Registry, Error> {
    Registry::builder().http(HttpOptions::new().with_timeout(timeout)).build()
}

fn assert_says(error: &Error, words: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
}

/// Rule: Languages: options with which a client could get no token are an error when it is built. The
/// error names the option, the reason and a value that works.
#[test]
fn options_that_cannot_work_are_an_error_when_a_client_is_built() {
    let zero = Duration::ZERO;
    let slow = with_timeout(millis(90_000)).unwrap();
    for (builder, words) in [
        (wyn().lock_ttl(millis(5_000)), ["lock_ttl is 5s and timeout is 10s", "at least 14s"]),
        // Each renewal would be answered too late for the request that follows.
        (wyn().lock_ttl(millis(10_001)), ["lock_ttl is 10.001s", "at least 14s"]),
        (wyn().lock_ttl(zero), ["lock_ttl is 0ns", "at least 14s"]),
        (wyn().lock_ttl(Duration::MAX), ["lock_ttl", "at most 86400s"]),
        (wyn().registry(&slow).lock_ttl(millis(30_000)), ["timeout is 90s", "at least 94s"]),
        (wyn().store_check_interval(zero), ["store_check_interval is 0s", "at least 1s"]),
        (wyn().store_check_interval(millis(20)), ["store_check_interval is 20ms", "at least 1s"]),
        (wyn().max_lifetime(zero), ["max_lifetime is 0s", "at least 60s"]),
        (wyn().max_lifetime(millis(5_000)), ["max_lifetime is 5s", "at least 60s"]),
        (wyn().registry(&slow).max_lifetime(millis(60_000)), ["timeout is 90s", "more than 90s"]),
        (wyn().agreed_lifetime(zero), ["agreed_lifetime is 0s", "at least 60s"]),
        (wyn().deadline(zero), ["deadline is 0s", "at least 10ms"]),
        (
            wyn().on_store_outage(OnStoreOutage::RefetchOnly),
            ["on_store_outage is refetch-only", "expected fail or login-within-budget"],
        ),
    ] {
        assert_says(&builder.build().unwrap_err(), &words);
    }
}

/// Rule: Languages: a timeout within which no request completes is an error when the registry is built.
#[test]
fn a_timeout_that_cannot_work_is_an_error_when_a_registry_is_built() {
    for (timeout, bound) in [
        (Duration::ZERO, "timeout is 0s"),
        (millis(1), "at least 100ms"),
        (Duration::MAX, "at most 3600s"),
    ] {
        assert_says(&with_timeout(timeout).unwrap_err(), &[bound]);
    }
}

/// Rule: Languages: the shortest options that are allowed work.
#[tokio::test(flavor = "multi_thread")]
async fn the_shortest_options_that_are_allowed_work() {
    let world = World::start().await;
    let http = HttpOptions::new().with_timeout(millis(1_000));
    let registry = Registry::builder().http(http).build().unwrap();
    let client = Client::builder(
        world.winkas_server(),
        Credentials::password(world.emulator.winkas().password()),
    )
    .registry(&registry)
    .lock_ttl(millis(5_000))
    .store_check_interval(millis(1_000))
    .agreed_lifetime(millis(60_000))
    .max_lifetime(millis(60_000))
    .on_store_outage(OnStoreOutage::RefetchOnly)
    .build()
    .unwrap();
    client.token().await.unwrap();
    assert_eq!(client.stats().logins, 1);
}
