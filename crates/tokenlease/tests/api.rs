//! Calls of both providers' APIs with `Authorize`, read, checked and replayed once.

mod common;

use std::{sync::Mutex, time::Duration};

use common::World;
use serde_json::json;
use tokenlease::{Authorize, Client, Error, ErrorKind, core::provider::ApiAnswer};

/// Any HTTP stack will do: here it is reqwest, without TLS.
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
            Ok::<_, Error>((client.read_api(&read), (status.as_u16(), body)))
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

#[tokio::test(flavor = "multi_thread")]
async fn lesson_28_a_winkas_envelope_that_says_no_is_asked_about_before_it_is_believed() {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_401_at_wyn_is_checked_by_userinfo_and_replayed_once() {
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
async fn what_the_caller_did_wrong_is_an_error_and_no_rejection() {
    let world = World::start().await;
    let client = world.winkas(&world.registry(), &world.emulator.winkas().password());
    let token = client.token().await.unwrap();
    let error = Authorize::new(&token).json_body(&mut json!([1])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let teapot = http::Response::builder().status(418).body("").unwrap();
    assert!(matches!(client.read_api(&teapot), ApiAnswer::NotRejected));
}
