//! What a client owes to those who use it, over real HTTP.

mod common;

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::World;
use tokenlease::{
    Client, CredentialsSource, ErrorKind, HttpOptions, Registry, Rejection, SteeredClock,
    TokenOptions,
    core::{
        Credentials, Identity, Token, TokenKind, lease::Source, lifecycle::Event, provider::Server,
    },
};
use tokenlease_emulator::{Endpoint, Fault};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread")]
async fn lesson_5_a_flight_outlives_the_caller_who_began_it() {
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

#[tokio::test(flavor = "multi_thread")]
async fn lesson_31_a_lock_is_made_long_enough_for_requests_that_may_take_long() {
    let world = World::start().await;
    let http = HttpOptions::new().with_timeout(Duration::from_secs(45));
    let registry = Registry::builder().http(http).clock(Arc::new(world.clock.clone())).build();
    world.wyn(&registry.unwrap(), HOUR).token().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lesson_6_a_slow_identity_holds_up_no_other() {
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

#[tokio::test(flavor = "multi_thread")]
async fn lesson_7_no_failure_but_rejected_credentials_lasts() {
    let world = World::start().await;
    let client = world.wyn(&world.registry(), HOUR);
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

#[tokio::test(flavor = "multi_thread")]
async fn lesson_25_a_hook_hears_of_each_new_token() {
    let world = World::start().await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = heard.clone();
    let client = Client::builder(
        world.winkas_server(),
        Credentials::password(world.emulator.winkas().password()),
    )
    .registry(&world.registry())
    .on_event(move |event| ear.lock().unwrap().push(*event))
    .build()
    .unwrap();
    let token = client.token().await.unwrap();
    world.emulator.end_token(token.expose());
    client.report_rejected(&token).await.unwrap();
    let heard = heard.lock().unwrap();
    let kinds: Vec<_> =
        heard.iter().map(|event| event.to_string().split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["logged", "suspected", "inactive", "logged"], "{heard:?}");
    assert!(matches!(heard[0], Event::LoggedIn(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_made_anew_finds_its_token_in_its_registry() {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_may_look_at_the_client_that_calls_it() {
    let world = World::start().await;
    let seen: Arc<(OnceLock<Client>, Mutex<Vec<String>>)> = Arc::default();
    let hook = seen.clone();
    let w = world.emulator.wyn();
    let identity = Identity::wyn(&w.server(), &w.user(), w.client_id()).unwrap();
    let client = Client::builder(Server::new(identity), world.wyn_credentials())
        .registry(&world.registry())
        .on_event(move |_| {
            let client = hook.0.get().unwrap();
            let words = format!("{} after {:?}", client.explain(), client.stats().logins);
            hook.1.lock().unwrap().push(words);
        })
        .build()
        .unwrap();
    seen.0.set(client.clone()).unwrap();
    client.token().await.unwrap();
    client.close().await.unwrap();
    let words = seen.1.lock().unwrap();
    assert!(words.len() == 1 && words[0].contains("after 1"), "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lesson_30_two_valid_secrets_live_side_by_side() {
    let world = World::start().await;
    let registry = world.registry();
    world.emulator.wyn().set_passwords(["old", "new"]);
    let w = world.emulator.wyn();
    let client = |password: &str| {
        let identity = Identity::wyn(&w.server(), &w.user(), w.client_id()).unwrap();
        let server = Server::new(identity).with_lifetime(8 * HOUR).unwrap();
        let credentials = Credentials::password(password).with_client_secret(w.client_secret());
        Client::builder(server, credentials).registry(&registry).build().unwrap()
    };
    let (old, new) = (client("old").token().await.unwrap(), client("new").token().await.unwrap());
    for _ in 0..5 {
        world.pass(HOUR / 2);
        assert_eq!(client("old").token().await.unwrap(), old);
        assert_eq!(client("new").token().await.unwrap(), new);
    }
    assert_eq!(world.emulator.counts().wyn.login, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_called_before_the_first_look_and_before_each_send_and_never_while_cached() {
    let world = World::start().await;
    let (calls, password) = (Arc::new(AtomicU64::new(0)), world.emulator.winkas().password());
    let counted = calls.clone();
    let source = CredentialsSource::from_fn(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(Credentials::password(password.as_str()))
    });
    let client =
        Client::builder(world.winkas_server(), source).registry(&world.registry()).build().unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    for _ in 0..100 {
        client.token().await.unwrap();
    }
    // The look, the refetch that found none, the login.
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_return_holds_up_nobody_beyond_their_deadline() {
    let world = World::start().await;
    let (calls, password) = (Arc::new(AtomicU64::new(0)), world.emulator.winkas().password());
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (counted, held) = (calls.clone(), Mutex::new(held));
    let source = CredentialsSource::from_fn(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        // An error once the other end is dropped.
        let _ = held.lock().unwrap().recv();
        Ok(Credentials::password(password.as_str()))
    });
    let client =
        Client::builder(world.winkas_server(), source).registry(&world.registry()).build().unwrap();
    let soon = TokenOptions::default().with_deadline(Duration::from_millis(30));
    for _ in 0..3 {
        assert_eq!(client.token_with(soon).await.unwrap_err().kind(), ErrorKind::DeadlineExceeded);
    }
    // Those who gave up left one call under way, which serves who comes next.
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    drop(release);
    client.token().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_a_provider_changed_move_the_client_and_those_who_wait() {
    let world = World::start().await;
    let current = Arc::new(Mutex::new(world.emulator.winkas().password()));
    let read = current.clone();
    let source = CredentialsSource::from_fn(move || {
        Ok(Credentials::password(read.lock().unwrap().as_str()))
    });
    let client =
        Client::builder(world.winkas_server(), source).registry(&world.registry()).build().unwrap();
    let first = client.token().await.unwrap();
    *current.lock().unwrap() = "changed".to_owned();
    world.emulator.winkas().set_passwords(["changed"]);
    world.pass(12 * HOUR + Duration::from_secs(61));
    let second = client.token().await.unwrap();
    assert_ne!(first, second);
    assert!(world.emulator.token_is_active(second.expose()));
    assert_eq!(world.emulator.details().winkas.wrong_credentials, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_credentials_find_the_running_token_by_a_refetch() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    let first = client.token().await.unwrap();
    world.emulator.winkas().set_passwords(["changed"]);
    client.set_credentials(Credentials::password("changed")).unwrap();
    let second = client.lease().await.unwrap();
    assert_eq!((second.source, second.lease.token()), (Source::Refetch, &first));
    assert_eq!(world.emulator.counts().winkas.login, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adopted_token_serves_this_client_and_no_other() {
    let world = World::start().await;
    let registry = world.registry();
    let made = world.emulator.winkas().log_in_elsewhere();
    let token = Token::new(TokenKind::Winkas, made);
    let client = world.winkas(&registry, &world.emulator.winkas().password());
    client.adopt(token.clone(), None).await.unwrap();
    let served = client.lease().await.unwrap();
    assert_eq!(served.lease.token(), &token);
    let sibling = world.winkas(&registry, "wrong");
    assert_eq!(sibling.token().await.unwrap_err().kind(), ErrorKind::CredentialsRejected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_token_is_adopted_by_nobody() {
    let world = World::start().await;
    let registry = world.registry();
    let client = world.wyn(&registry, HOUR);
    let first = client.token().await.unwrap();
    client.forget().await.unwrap();
    let second = world.wyn(&registry, HOUR).token().await.unwrap();
    assert_ne!(first, second);
    assert!(world.emulator.token_is_active(first.expose()), "forgotten, not revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_only_siblings_have_in_hand_is_checked_before_its_rejection_is_answered() {
    let world = World::start().await;
    let registry = world.registry();
    let token = world.wyn(&registry, HOUR).token().await.unwrap();
    let rejected = world.wyn(&registry, HOUR).report_rejected(&token).await.unwrap();
    assert_eq!(rejected, Rejection::StillActive);
    assert_eq!(world.emulator.counts().wyn.userinfo, 1);

    world.emulator.end_token(token.expose());
    let rejected = world.wyn(&registry, HOUR).report_rejected(&token).await.unwrap();
    let Rejection::Replaced(new) = rejected else { panic!("{token:?} is dead") };
    assert!(world.emulator.token_is_active(new.expose()));
    assert_eq!(world.emulator.counts().wyn.login, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unlocked_account_works_again_after_a_reset() {
    let world = World::start().await;
    let registry = world.registry();
    let password = world.emulator.winkas().password();
    world.emulator.winkas().set_passwords(["another"]);
    let client = world.winkas(&registry, &password);
    assert_eq!(client.token().await.unwrap_err().kind(), ErrorKind::CredentialsRejected);
    world.emulator.winkas().set_passwords([password.as_str()]);
    assert_eq!(client.token().await.unwrap_err().kind(), ErrorKind::CredentialsRejected);
    client.unblock().await.unwrap();
    client.token().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_closes_by_one_probe_after_its_hour() {
    let world = World::start().await;
    let password = world.emulator.winkas().password();
    world.emulator.winkas().set_passwords(["another"]);
    let client = world.winkas(&world.registry(), &password);
    assert_eq!(client.token().await.unwrap_err().kind(), ErrorKind::CredentialsRejected);
    world.emulator.winkas().set_passwords([password.as_str()]);
    world.pass(HOUR + Duration::from_secs(1));
    client.token().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_and_refetch_ask_the_provider_now() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    let token = client.token().await.unwrap();
    assert!(client.validate(&token).await.unwrap());
    assert_eq!(client.refetch().await.unwrap().lease.token(), &token);
    world.emulator.end_token(token.expose());
    assert!(!client.validate(&token).await.unwrap());
    let error = client.refetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TokenRejected, "{error}");
    let error = client.revoke(&token).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("forget"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_that_one_heard_who_never_used_the_token_reaches_those_who_do() {
    let world = World::start().await;
    let registry = world.registry();
    let client = world.winkas(&registry, &world.emulator.winkas().password());
    let token = client.token().await.unwrap();
    world.emulator.end_token(token.expose());
    let other = world.winkas(&registry, "not sent");
    assert!(!other.validate(&token).await.unwrap());
    assert_eq!(world.emulator.counts().winkas.login, 1);
    world.pass(Duration::from_secs(31));
    // At once: the no was in the store before it was answered.
    assert_ne!(client.token().await.unwrap(), token);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_whose_deadline_passes_hears_what_failed() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    world.emulator.fault(Endpoint::WinkasRefetch, Fault::reset(), 9);
    let options = TokenOptions::default().with_deadline(Duration::from_millis(200));
    let error = client.token_with(options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert!(error.to_string().contains("what failed last: transport"), "{error}");
}

#[test]
fn secrets_are_not_sent_in_the_clear_to_other_machines() {
    let identity = Identity::wyn("http://wyn.example", "u", "integration").unwrap();
    let credentials = Credentials::password("p").with_client_secret("s");
    let error = Client::builder(Server::new(identity), credentials).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("dangerously_allow_plain_http"), "{error}");
}

#[test]
fn missing_credentials_are_named_when_the_client_is_built() {
    let identity = Identity::winkas("https://air.winkas.net", "u", "c").unwrap();
    let error = Client::builder(Server::new(identity), Credentials::default()).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("password"), "{error}");
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

#[tokio::test(flavor = "current_thread")]
async fn explain_tells_where_the_token_came_from_without_telling_the_token() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    let token = client.token().await.unwrap();
    let words = client.explain();
    assert!(words.contains("source login") && words.contains("it is served"), "{words}");
    assert!(!words.contains(token.expose()));
    let stats = client.stats();
    assert_eq!((stats.logins, stats.refetches, stats.errors), (1, 1, 0));
}
