//! Tests of the counters by provider, cause and result.

mod common;

use std::time::Duration;

use common::World;
use tokenlease::{Count, Counter, ErrorKind, Rejection, core::record::HistoryCause};

const HOUR: Duration = Duration::from_secs(3600);

/// Returns counts as `counter provider cause-or-result count`, without those of single calls.
fn words(counts: &[Count]) -> Vec<String> {
    let word = |count: &Count| {
        let label = count.cause.map(HistoryCause::as_str).or(count.result).unwrap_or("-");
        let (counter, provider) = (count.counter.as_str(), count.provider.as_str());
        format!("{counter} {provider} {label} {}", count.count)
    };
    counts.iter().map(word).filter(|word| !word.starts_with("store_calls")).collect()
}

/// Rule: Events: logins, refetches, validations and rejections are counted by provider and cause, for a client
/// and for its registry, whose counts keep those of dropped clients.
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_provider_and_cause() {
    let world = World::start().await;
    let registry = world.registry();
    let wyn = world.wyn(&registry, HOUR);
    let token = wyn.token().await.unwrap();
    assert_eq!(wyn.report_rejected(&token).await.unwrap(), Rejection::StillActive);
    assert!(wyn.validate(&token).await.unwrap());
    world.pass(2 * HOUR);
    wyn.token().await.unwrap();
    let status = wyn.status().await.unwrap();
    let expected = [
        "logins wyn first 1",
        "logins wyn expired 1",
        "validations wyn active 2",
        "rejections wyn token_rejected 1",
        "cache_misses wyn - 3",
    ];
    let counted = words(&status.counts);
    assert!(expected.iter().all(|word| counted.iter().any(|one| one == word)), "{counted:?}");
    assert_eq!((wyn.stats().logins, wyn.stats().validations), (2, 2));

    let winkas = world.winkas(&registry, &world.emulator.winkas().password());
    winkas.token().await.unwrap();
    winkas.refetch().await.unwrap();
    let wrong = world.winkas(&registry, "wrong");
    let error = wrong.token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
    drop((wyn, winkas, wrong));
    let counted = words(&registry.counts().unwrap());
    for word in [
        "logins wyn first 1",
        "logins winkas first 1",
        "refetches winkas requested 1",
        "rejections winkas credentials_rejected 1",
        "errors winkas - 1",
    ] {
        assert!(counted.iter().any(|one| one == word), "{word}: {counted:?}");
    }
}

/// Rule: Memory: a cached token that is served many times counts once in each tick of the clock.
#[tokio::test(flavor = "multi_thread")]
async fn cache_hits_are_sampled_by_the_clock() {
    let world = World::start().await;
    let client = world.wyn(&world.registry(), HOUR);
    client.token().await.unwrap();
    for _ in 0..3 {
        for _ in 0..100 {
            client.cached(|_| ()).expect("a cached token");
        }
        world.pass(Duration::from_secs(1));
    }
    let counts = client.status().await.unwrap().counts;
    let sampled = |count: &&Count| count.counter == Counter::CacheHitsSampled;
    let sampled = counts.iter().find(sampled).expect("hits").count;
    // The system's clock may tick between the calls, too.
    assert!((3..100).contains(&sampled), "{sampled} of 300");
}
