//! Tests of rejected tokens: reports, and calls of both providers' APIs with one retry.

mod common;

use std::{sync::Mutex, time::Duration};

use common::World;
use serde_json::json;
use tokenlease::{Authorize, Client, Error, ErrorKind, Rejection, core::provider::ApiAnswer};

const HOUR: Duration = Duration::from_secs(3600);

/// Calls an API, here with reqwest without TLS. Any HTTP stack works.
async fn call(
    client: &Client,
    request: impl Fn(&Authorize<'_>) -> Result<reqwest::RequestBuilder, Error>,
) -> Result<(u16, String), Error> {
    let calls = Mutex::new(0);
    let answer = client
        .call(async |token| {
            *calls.lock().unwrap() += 1;
            let failed = |_| Error::new(ErrorKind::Transport, "the API was not reached");
            let response = request(&Authorize::new(&token))?.send().await.map_err(failed)?;
            let status = response.status();
            let body = response.text().await.map_err(failed)?;
            let read = http::Response::builder().status(status).body(body.clone()).unwrap();
            Ok::<_, Error>((client.read_answer(&read), (status.as_u16(), body)))
        })
        .await?;
    assert!(*calls.lock().unwrap() <= 2);
    Ok(answer)
}

fn http() -> reqwest::Client {
    let tls = rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_root_certificates(rustls::RootCertStore::empty())
    .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap()
}

/// Rule: Rejection: a report is checked by a validation: an active token stays, and an inactive one is
/// replaced once, however many callers report it.
#[tokio::test(flavor = "multi_thread")]
async fn a_permission_error_keeps_the_token_and_an_inactive_token_is_replaced_once() {
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

/// Rule: Rejection: a token that only other processes have is validated before its report is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_reported_token_that_only_other_clients_have_is_validated() {
    let world = World::start().await;
    let registry = world.registry();
    let token = world.wyn(&registry, HOUR).token().await.unwrap();
    let rejected = world.wyn(&registry, HOUR).report_rejected(&token).await.unwrap();
    assert_eq!(rejected, Rejection::StillActive);
    assert_eq!(world.emulator.counts().wyn.userinfo, 1);

    world.emulator.end_token(token.expose());
    let rejected = world.wyn(&registry, HOUR).report_rejected(&token).await.unwrap();
    let Rejection::Replaced(new) = rejected else { panic!("{token:?} is inactive") };
    assert!(world.emulator.token_is_active(new.expose()));
    assert_eq!(world.emulator.counts().wyn.login, 2);
}

/// Rule: Rejection: `call` retries once with another token if the first one is inactive.
#[tokio::test(flavor = "multi_thread")]
async fn call_retries_once_with_another_token_if_the_first_is_inactive() {
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
                Ok::<_, Error>((said, active))
            }
        })
        .await
        .unwrap();
    assert!(answer);
    assert_eq!(calls, 2);
}

#[test]
fn a_blocking_call_retries_once_and_returns_the_second_answer_whatever_it_is() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::start());
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password()).blocking();
    let mut tokens = Vec::new();
    let mut call = |rejected: &[bool]| {
        tokens.clear();
        client
            .call(|token| {
                tokens.push(token.clone());
                let is_rejected = rejected[tokens.len() - 1];
                world.emulator.end_token(token.expose());
                let said = if is_rejected { ApiAnswer::Ask } else { ApiAnswer::NotRejected };
                Ok::<_, Error>((said, tokens.len()))
            })
            .unwrap()
    };
    assert_eq!(call(&[false]), 1);
    assert_eq!(call(&[true, true]), 2, "no third call");
    assert_ne!(tokens[0], tokens[1]);
    let error = client.call(|_| Err::<(ApiAnswer, ()), _>(Error::new(ErrorKind::Config, "mine")));
    assert_eq!(error.unwrap_err().detail(), "mine");
}

/// Rule: Rejection: an error in a WinKAS envelope causes a validation, and a login only if the token is
/// inactive.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_winkas_envelope_is_validated_before_the_token_is_replaced() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    let server = world.emulator.winkas().server();
    let post = |path: &'static str| {
        let (http, url) = (http(), format!("{server}/api/Report/{path}"));
        move |authorize: &Authorize<'_>| {
            let mut body = json!({ "Text": "hello" });
            authorize.json_body(&mut body)?;
            Ok(http.post(&url).header("content-type", "application/json").body(body.to_string()))
        }
    };
    let (status, _) = call(&client, post("Echo")).await.unwrap();
    assert_eq!(status, 200);
    for _ in 0..20 {
        let (_, body) = call(&client, post("Forbidden")).await.unwrap();
        assert!(body.contains("WinkasErrorCode"));
    }
    let counts = world.emulator.counts().winkas;
    assert_eq!((counts.login, counts.validate), (1, 1), "permission errors cost no login");
    let token = client.token().await.unwrap();
    world.emulator.end_token(token.expose());
    world.pass(Duration::from_secs(61));
    let (_, body) = call(&client, post("Echo")).await.unwrap();
    assert!(body.contains("\"WinkasErrorCode\":0"), "{body}");
    assert_eq!(world.emulator.counts().winkas.login, 2);
}

/// Rule: Rejection: a 401 at Wyn Enterprise is validated by userinfo; a 403 is about a permission.
#[tokio::test(flavor = "multi_thread")]
async fn a_401_of_wyn_is_validated_by_userinfo_and_retried_once() {
    let world = World::start().await;
    let client = world.wyn(&world.registry(), Duration::from_secs(3600));
    let server = world.emulator.wyn().server();
    let get = |path: &'static str| {
        let (http, url) = (http(), format!("{server}/api/v2/{path}"));
        move |authorize: &Authorize<'_>| authorize.reqwest(http.get(&url))
    };
    assert_eq!(call(&client, get("me")).await.unwrap().0, 200);
    assert_eq!(call(&client, get("forbidden")).await.unwrap().0, 403);
    assert_eq!(world.emulator.counts().wyn.userinfo, 0, "a 403 is not about the token");
    let token = client.token().await.unwrap();
    world.emulator.end_token(token.expose());
    assert_eq!(call(&client, get("me")).await.unwrap().0, 200);
    let counts = world.emulator.counts().wyn;
    assert_eq!((counts.login, counts.userinfo, counts.rejected), (2, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_of_the_caller_is_an_error_and_not_a_rejection() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    let token = client.token().await.unwrap();
    let error = Authorize::new(&token).json_body(&mut json!([1])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let teapot = http::Response::builder().status(418).body("").unwrap();
    assert!(matches!(client.read_answer(&teapot), ApiAnswer::NotRejected));
}
