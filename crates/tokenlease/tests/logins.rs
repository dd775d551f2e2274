//! Tests of when a client logs in, over real HTTP. The client's clock and the emulator's move together.

mod common;

use std::{sync::Arc, time::Duration};

use common::World;
use tokenlease::{
    Client, ErrorKind, HttpOptions, Registry, SteeredClock, TokenOptions,
    core::{
        Credentials, Identity,
        lease::{Expiry, Source},
        provider::Server,
    },
};
use tokenlease_emulator::{Emulator, Endpoint, Fault};

const HOUR: Duration = Duration::from_secs(3600);

/// Rule: Logins: concurrent callers share one flight, so a thousand callers cause one login.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_callers_of_a_new_client_cause_one_login() {
    let world = World::start().await;
    let registry = world.registry();
    let winkas = world.winkas(&registry, &world.emulator.winkas().password());
    let wyn = world.wyn(&registry, 8 * HOUR);
    for client in [winkas, wyn] {
        let callers: Vec<_> = (0..1000)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.token().await })
            })
            .collect();
        let mut tokens = Vec::new();
        for caller in callers {
            tokens.push(caller.await.unwrap().unwrap());
        }
        assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]));
        assert!(world.emulator.token_is_active(tokens[0].expose()));
        assert!(client.cached(|_| ()).is_some(), "the token is cached");
    }
    let counts = world.emulator.counts();
    assert_eq!((counts.winkas.login, counts.wyn.login), (1, 1));
}

/// Rule: Logins: concurrent blocking threads share one login.
#[test]
fn blocking_threads_share_one_login() {
    let emulator = Emulator::builder().start_blocking().unwrap();
    let w = emulator.winkas();
    let identity = Identity::winkas(&w.server(), &w.user(), &w.contract()).unwrap();
    let client = Client::builder(Server::new(identity), Credentials::password(w.password()))
        .registry(&Registry::builder().build().unwrap())
        .build()
        .unwrap()
        .blocking();
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| client.token().unwrap());
        }
    });
    assert_eq!(emulator.counts().winkas.login, 1);
}

/// Rule: Languages: every blocking thread that waits for a token gets the error of the failed flight.
#[test]
fn every_blocking_thread_without_a_token_gets_the_error() {
    let emulator = Emulator::builder().start_blocking().unwrap();
    let w = emulator.winkas();
    let identity = Identity::winkas(&w.server(), &w.user(), &w.contract()).unwrap();
    let client = |password: &str, limit| {
        let registry = Registry::builder().build().unwrap();
        Client::builder(Server::new(identity.clone()), Credentials::password(password))
            .registry(&registry)
            .deadline(limit)
            .build()
            .unwrap()
            .blocking()
    };
    let kinds = |client: &tokenlease::blocking::Client| {
        std::thread::scope(|scope| {
            let ask = || scope.spawn(|| client.token().unwrap_err().kind());
            let asking: Vec<_> = std::iter::repeat_with(ask).take(32).collect();
            asking.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        })
    };
    let rejected = client("wrong", Duration::from_secs(30));
    assert_eq!(kinds(&rejected), [ErrorKind::CredentialsRejected; 32]);
    emulator.fault(Endpoint::WinkasLogin, Fault::delay(Duration::from_secs(60)), 1);
    let slow = client(&w.password(), Duration::from_millis(50));
    assert_eq!(kinds(&slow), [ErrorKind::DeadlineExceeded; 32]);
}

/// Rule: Logins: a flight is a separate task, so the end of the caller that began it does not cancel it.
/// Reported as golang/oauth2#388.
#[tokio::test(flavor = "multi_thread")]
async fn a_flight_continues_after_its_first_caller_is_cancelled() {
    let world = World::start().await;
    let client = world.wyn(&world.registry(), HOUR);
    world.emulator.fault(Endpoint::WynLogin, Fault::delay(Duration::from_millis(60)), 1);
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.token().await }
    });
    while world.emulator.counts().wyn.login == 0 {
        tokio::task::yield_now().await;
    }
    let second = tokio::spawn({
        let client = client.clone();
        async move { client.token().await }
    });
    first.abort();
    second.await.unwrap().unwrap();
    assert_eq!(world.emulator.counts().wyn.login, 1);
}

/// Rule: Deadlines: a caller gets a token or an error by its own deadline, and the flight continues.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_gets_its_answer_by_its_own_deadline() {
    let world = World::start().await;
    let client = world.wyn(&world.registry(), HOUR);
    world.emulator.fault(Endpoint::WynLogin, Fault::delay(Duration::from_millis(300)), 1);
    let options = TokenOptions::default().with_deadline(Duration::from_millis(50));
    let error = client.token_with(options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{error}");
    client.token().await.unwrap();
    assert_eq!(world.emulator.counts().wyn.login, 1, "the flight continued");
}

/// Rule: Deadlines: an error at the deadline names the last failure of the flight.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_at_the_deadline_names_the_last_failure() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    world.emulator.fault(Endpoint::WinkasRefetch, Fault::reset(), 9);
    let options = TokenOptions::default().with_deadline(Duration::from_secs(1));
    let error = client.token_with(options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert!(error.to_string().contains("the last failure was: transport"), "{error}");
}

/// Rule: Lock: locks are held for each identity, so a slow one delays no other.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_identity_delays_no_other_identity() {
    let world = World::start().await;
    let registry = world.registry();
    let slow = world.wyn(&registry, HOUR);
    let quick = world.winkas(&registry, &world.emulator.winkas().password());
    world.emulator.fault(Endpoint::WynLogin, Fault::delay(Duration::from_secs(5)), 1);
    let waiting = tokio::spawn(async move { slow.token().await });
    while world.emulator.counts().wyn.login == 0 {
        tokio::task::yield_now().await;
    }
    quick.token().await.unwrap();
    assert!(!waiting.is_finished());
    waiting.abort();
}

/// Rule: Refetch: a new process without a store finds the running token of WinKAS by a refetch.
#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_process_finds_the_running_token_by_a_refetch() {
    let world = World::start().await;
    let password = world.emulator.winkas().password();
    let first = world.winkas(&world.registry(), &password).lease().await.unwrap();
    assert_eq!(first.source, Source::Login);
    world.pass(HOUR);
    let second = world.winkas(&world.registry(), &password).lease().await.unwrap();
    assert_eq!(second.source, Source::Refetch);
    assert_eq!(second.lease.expiry(), Expiry::Unknown);
    assert_eq!(first.lease.token(), second.lease.token());
    assert_eq!(world.emulator.counts().winkas.login, 1);
}

/// Rule: Logins: one identity with one accepted credential costs one login for each token lifetime.
#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_twelve_hour_tokens_costs_two_logins() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    for _ in 0..48 {
        let token = client.token().await.unwrap();
        assert!(world.emulator.token_is_active(token.expose()));
        world.pass(HOUR / 2);
    }
    assert_eq!(world.emulator.counts().winkas.login, 2);
}

/// Rule: Expiry: at WinKAS a client learns longer lifetimes from validations of its tokens.
#[tokio::test(flavor = "multi_thread")]
async fn a_lifetime_of_24_hours_is_learned_and_costs_one_login_a_day() {
    let world = World::start().await;
    world.emulator.options(|options| options.winkas.lifetime_s = 24 * 3600);
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    for _ in 0..96 {
        let token = client.token().await.unwrap();
        assert!(world.emulator.token_is_active(token.expose()));
        world.pass(HOUR / 2);
    }
    assert_eq!(world.emulator.counts().winkas.login, 2);
}

/// Rule: Store: the store of a registry keeps the tokens of clients that were dropped.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_client_finds_its_token_in_the_registry() {
    let world = World::start().await;
    let registry = world.registry();
    let password = world.emulator.winkas().password();
    let winkas = world.winkas(&registry, &password).token().await.unwrap();
    let wyn = world.wyn(&registry, HOUR).token().await.unwrap();
    for _ in 0..3 {
        world.pass(HOUR / 4);
        assert_eq!(world.winkas(&registry, &password).token().await.unwrap(), winkas);
        assert_eq!(world.wyn(&registry, HOUR).token().await.unwrap(), wyn);
    }
    let counts = world.emulator.counts();
    assert_eq!((counts.winkas.login, counts.wyn.login), (1, 1));
}

/// Rule: Outage: a failed refresh keeps the token in use until it expires.
/// Reported as googleapis/google-cloud-rust#5809.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_refresh_keeps_the_cached_token() {
    let world = World::start().await;
    let client = world.wyn(&world.registry(), HOUR);
    let first = client.token().await.unwrap();
    world.pass(Duration::from_secs(3600 - 65));
    world.emulator.fault(Endpoint::WynLogin, Fault::status(503), 100);
    for _ in 0..10 {
        assert_eq!(client.token().await.unwrap(), first);
    }
    client.close().await.unwrap();
    world.emulator.clear_faults();
    world.pass(Duration::from_secs(70));
    let second = client.token().await.unwrap();
    assert_ne!(first, second);
    assert_eq!(world.emulator.details().wyn.tokens_issued, 2);
}

/// Rule: Backoff: no failure lasts, except rejected credentials.
/// Reported as googleapis/google-cloud-rust#4541 and google-cloud-rust#5864.
#[tokio::test(flavor = "multi_thread")]
async fn only_rejected_credentials_cause_a_lasting_failure() {
    let world = World::start().await;
    let w = world.emulator.wyn();
    let identity = Identity::wyn(&w.server(), &w.user(), w.client_id()).unwrap();
    let client = Client::builder(Server::new(identity), world.wyn_credentials())
        .registry(&world.registry())
        .on_event(world.skip_backoffs())
        .build()
        .unwrap();
    for fault in [
        Fault::status(500),
        Fault::status(429).with_retry_after(Duration::from_secs(90)),
        Fault::status(403),
        Fault::garbage(100),
        Fault::reset(),
        Fault::half_body(),
    ] {
        world.emulator.fault(Endpoint::WynLogin, fault, 2);
        let error = client
            .token_with(TokenOptions::default().with_deadline(Duration::ZERO))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{error}");
        let error = client.token().await;
        world.emulator.clear_faults();
        world.pass(Duration::from_secs(2 * 3600));
        let token = client.token().await.unwrap_or_else(|late| panic!("{error:?}, then {late}"));
        assert!(world.emulator.token_is_active(token.expose()));
        client.forget().await.unwrap();
    }
}

/// Rule: Login: after a login whose answer was lost, the client refetches before it logs in again.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_with_a_lost_answer_is_found_by_a_refetch() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    world.emulator.fault(Endpoint::WinkasLogin, Fault::reset().after_processing(), 1);
    let served = client.lease().await.unwrap();
    assert_eq!(served.source, Source::Refetch);
    assert_eq!(world.emulator.counts().winkas.login, 1);
}

/// Rule: Lock: the default TTL of the lock is at least twice the timeout of a request.
#[tokio::test(flavor = "multi_thread")]
async fn the_default_lock_ttl_fits_long_request_timeouts() {
    let world = World::start().await;
    let http = HttpOptions::new().with_timeout(Duration::from_secs(45));
    let registry = Registry::builder().http(http).clock(Arc::new(world.clock.clone())).build();
    world.wyn(&registry.unwrap(), HOUR).token().await.unwrap();
}

#[test]
fn a_hundred_thousand_clients_share_one_registry() {
    let registry = Registry::builder().clock(Arc::new(SteeredClock::new())).build().unwrap();
    let clients: Vec<_> = (0..100_000)
        .map(|n| {
            let identity =
                Identity::winkas("https://air.winkas.net", &format!("user{n}"), "c").unwrap();
            Client::builder(Server::new(identity), Credentials::password("p"))
                .registry(&registry)
                .build()
                .unwrap()
        })
        .collect();
    assert_eq!(clients.len(), 100_000);
}
