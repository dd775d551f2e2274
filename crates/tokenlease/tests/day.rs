//! Days at both providers, over real HTTP: the client's clock and the emulator's are moved together.

mod common;

use std::time::Duration;

use common::World;
use tokenlease::{
    Client, ErrorKind, Registry, Rejection, TokenOptions,
    core::{
        Credentials, Identity,
        lease::{Expiry, Source},
        lifecycle::Revocation,
        provider::{ApiAnswer, Server},
    },
};
use tokenlease_emulator::{Emulator, Endpoint, Fault};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread")]
async fn lesson_4_a_thousand_callers_on_a_cold_client_are_one_login() {
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
        assert!(client.cached(|_| ()).is_some(), "the fast path is set");
    }
    let counts = world.emulator.counts();
    assert_eq!((counts.winkas.login, counts.wyn.login), (1, 1));
}

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

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_of_24_hours_is_found_out_and_costs_one_login_a_day() {
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

#[tokio::test(flavor = "multi_thread")]
async fn lesson_14_wrong_credentials_of_fifty_callers_cost_one_login_and_a_refetch() {
    let world = World::start().await;
    let registry = world.registry();
    let client = world.winkas(&registry, "wrong");
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.token().await })
        })
        .collect();
    for caller in callers {
        let error = caller.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{error}");
        assert!(error.until().is_some());
    }
    for _ in 0..5 {
        world.pass(HOUR / 6);
        let error = client.token().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{error}");
    }
    let counts = world.emulator.counts().winkas;
    assert_eq!((counts.login, counts.refetch), (1, 1));
    // The right password is another entry: it is not disturbed.
    let right = world.winkas(&registry, &world.emulator.winkas().password());
    right.token().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lesson_26_a_wrong_password_is_never_answered_with_the_right_ones_token() {
    let world = World::start().await;
    let registry = world.registry();
    let right = world.winkas(&registry, &world.emulator.winkas().password());
    right.token().await.unwrap();
    let wrong = world.winkas(&registry, "wrong");
    let error = wrong.token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRejected, "{error}");
    right.token().await.unwrap();
    assert_eq!(world.emulator.counts().winkas.login, 2, "the right login and the wrong one");
}

#[tokio::test(flavor = "multi_thread")]
async fn lesson_8_an_outage_during_the_refresh_keeps_the_token_in_use() {
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

#[tokio::test(flavor = "multi_thread")]
async fn lesson_28_a_permission_error_is_no_rejection_and_a_dead_token_is_replaced_once() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    let token = client.token().await.unwrap();
    assert_eq!(client.report_rejected(&token).await.unwrap(), Rejection::StillActive);
    assert_eq!(client.report_rejected(&token).await.unwrap(), Rejection::StillActive);
    assert_eq!(world.emulator.counts().winkas.validate, 1);
    world.pass(HOUR);
    world.emulator.end_token(token.expose());
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let (client, token) = (client.clone(), token.clone());
            tokio::spawn(async move { client.report_rejected(&token).await })
        })
        .collect();
    let mut replaced = Vec::new();
    for caller in callers {
        match caller.await.unwrap().unwrap() {
            Rejection::Replaced(token) => replaced.push(token),
            other => panic!("{other:?}"),
        }
    }
    assert!(replaced.windows(2).all(|pair| pair[0] == pair[1]));
    let counts = world.emulator.counts().winkas;
    assert_eq!((counts.login, counts.validate), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_replayed_once_with_another_token_if_the_first_is_dead() {
    let world = World::start().await;
    let client = world.wyn(&world.registry(), HOUR);
    let token = client.token().await.unwrap();
    world.emulator.end_token(token.expose());
    let mut calls = 0;
    let answer = client
        .call(|token| {
            calls += 1;
            let active = world.emulator.token_is_active(token.expose());
            async move {
                let said = if active { ApiAnswer::NotRejected } else { ApiAnswer::Rejected };
                Ok::<_, tokenlease::Error>((said, active))
            }
        })
        .await
        .unwrap();
    assert!(answer);
    assert_eq!(calls, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn lesson_23_a_revoked_token_is_used_by_nobody_and_its_end_is_proven() {
    let world = World::start().await;
    let registry = world.registry();
    let (one, other) = (world.wyn(&registry, HOUR), world.wyn(&registry, HOUR));
    let token = one.token().await.unwrap();
    assert_eq!(other.token().await.unwrap(), token);
    assert_eq!(one.revoke(&token).await.unwrap(), Revocation::Proven);
    assert!(!world.emulator.token_is_active(token.expose()));
    assert_ne!(one.token().await.unwrap(), token);
    world.pass(Duration::from_secs(31));
    assert_ne!(other.token().await.unwrap(), token);
    assert_eq!(world.emulator.counts().wyn.login, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn lesson_21_a_lost_answer_is_refetched_before_another_login() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    world.emulator.fault(Endpoint::WinkasLogin, Fault::reset().after_processing(), 1);
    let served = client.lease().await.unwrap();
    assert_eq!(served.source, Source::Refetch);
    assert_eq!(world.emulator.counts().winkas.login, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_answered_by_its_own_deadline() {
    let world = World::start().await;
    let client = world.wyn(&world.registry(), HOUR);
    world.emulator.fault(Endpoint::WynLogin, Fault::delay(Duration::from_millis(300)), 1);
    let options = TokenOptions::default().with_deadline(Duration::from_millis(50));
    let error = client.token_with(options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{error}");
    client.token().await.unwrap();
    assert_eq!(world.emulator.counts().wyn.login, 1, "the flight outlived its first caller");
}

#[test]
fn threads_that_block_share_one_login_too() {
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

#[test]
fn threads_that_block_and_get_no_token_are_all_told_why() {
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
