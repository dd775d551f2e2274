//! The endpoints of OAuth 2.0.

use std::{fs, sync::Arc, time::Duration};

use serde_json::json;
use tokenlease_emulator::{Endpoint, Fault};
use tokio::task::JoinSet;

use crate::support::{Running, SECRET, consumers, write};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// Rule: Logins: a thousand clients that ask `serve` at once, while nothing is cached, cost one login.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_cold_clients_cost_one_login() {
    let running = Arc::new(Running::start().await);
    let mut asking = JoinSet::new();
    for _ in 0..1000 {
        let running = running.clone();
        asking.spawn(async move { running.token("all", "erp").await });
    }
    let tokens = asking.join_all().await;
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(running.emulator.counts().winkas.login, 1);
    let (_, metrics) = running.get("/metrics").await;
    let login = r#"tokenlease_logins_total{profile="erp",provider="winkas",cause="first"} 1"#;
    assert!(metrics.lines().any(|line| line == login), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"));
    Arc::into_inner(running).unwrap().stop().await;
}

/// Rule: Logins: a restart of `serve` costs no login.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_costs_no_login() {
    let running = Running::start().await;
    let first = running.token("all", "bi").await;
    let running = running.restart().await;
    assert_eq!(running.token("all", "bi").await, first);
    assert_eq!(running.emulator.counts().wyn.login, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_answer_has_the_fields_of_the_standard() {
    let running = Running::start().await;
    running.emulator.options(|options| options.wyn.lifetime_s = 1000);
    let (status, body) = running.post("bi", "/token", &[GRANT]).await;
    assert_eq!(
        (status.as_u16(), &body["token_type"], &body["scope"]),
        (200, &json!("Bearer"), &json!("bi"))
    );
    // The margin in which the client itself serves no token is no certain life.
    let life = body["expires_in"].as_u64().unwrap();
    assert!((930..=940).contains(&life), "{life}");
    let (_, erp) = running.post("php", "/token", &[GRANT]).await;
    let assumed = erp["expires_in"].as_u64().unwrap();
    assert!(assumed > 3600 && assumed <= 12 * 3600, "{assumed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_named_by_scope_audience_or_resource_or_is_the_only_one() {
    let running = Running::start().await;
    for (consumer, form, expected) in [
        ("php", &[GRANT][..], Ok("erp")),
        ("php", &[GRANT, ("scope", "erp")], Ok("erp")),
        ("php", &[GRANT, ("scope", "bi")], Err("invalid_scope")),
        ("php", &[GRANT, ("scope", "nothing")], Err("invalid_scope")),
        ("all", &[GRANT], Err("invalid_scope")),
        ("all", &[GRANT, ("audience", "bi")], Ok("bi")),
        ("all", &[GRANT, ("resource", "bi")], Ok("bi")),
        ("all", &[GRANT, ("resource", "x")], Err("invalid_target")),
        ("all", &[GRANT, ("scope", "erp"), ("audience", "bi")], Err("invalid_request")),
        ("all", &[("scope", "erp")], Err("invalid_request")),
        ("all", &[("grant_type", "password"), ("scope", "erp")], Err("unsupported_grant_type")),
        ("all", &[GRANT, ("scope", "erp"), ("scope", "erp")], Err("invalid_request")),
        ("proxy", &[GRANT], Err("invalid_scope")),
    ] {
        let (status, body) = running.post(consumer, "/token", form).await;
        match expected {
            Ok(profile) => assert_eq!((status.as_u16(), &body["scope"]), (200, &json!(profile))),
            Err(code) => {
                assert_eq!((status.as_u16(), &body["error"]), (400, &json!(code)), "{form:?}");
            }
        }
    }
}

/// Rule: Secrets: `serve` answers wrong credentials of a consumer with 401, and many of them with 429.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_rejected_and_then_limited() {
    let running = Running::start().await;
    let ask = |id: &'static str, secret: &'static str| {
        let request = running.http.post(running.url("/token")).basic_auth(id, Some(secret));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        async move { request.body("grant_type=client_credentials").send().await.unwrap() }
    };
    for (id, secret) in [("php", "wrong"), ("nobody", SECRET), ("php", "")] {
        let response = ask(id, secret).await;
        assert_eq!(response.status(), 401, "{id}");
        assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic "));
        assert!(response.text().await.unwrap().contains("invalid_client"));
    }
    let mut limited = None;
    for _ in 0..100 {
        let response = ask("php", "wrong").await;
        if response.status() == 429 {
            limited = Some(response);
            break;
        }
    }
    assert!(limited.expect("429").headers().contains_key("retry-after"));
    // The limit stops nobody with the right secret.
    assert_eq!(ask("php", SECRET).await.status(), 200);
    assert_eq!(running.emulator.counts().winkas.login, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_in_the_body_are_accepted_and_in_two_places_not() {
    let running = Running::start().await;
    let body = format!("grant_type=client_credentials&client_id=php&client_secret={SECRET}");
    let request = || {
        let request = running.http.post(running.url("/token")).body(body.clone());
        request.header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
    };
    assert_eq!(request().send().await.unwrap().status(), 200);
    let both = request().basic_auth("php", Some(SECRET)).send().await.unwrap();
    assert_eq!(both.status(), 400);
    let json = running.http.post(running.url("/token")).basic_auth("php", Some(SECRET));
    let json = json.header("content-type", "application/json").body("{}").send().await.unwrap();
    assert_eq!(json.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn get_returns_the_token_in_json_or_as_text() {
    let running = Running::start().await;
    let token = running.token("php", "erp").await;
    let get = |path: &'static str, accept: &'static str| {
        let request = running.http.get(running.url(path)).basic_auth("php", Some(SECRET));
        async move { request.header("accept", accept).send().await.unwrap() }
    };
    let json: serde_json::Value =
        serde_json::from_slice(&get("/token/erp", "*/*").await.bytes().await.unwrap()).unwrap();
    assert_eq!(json["access_token"], token);
    let response = get("/token/erp", "text/plain").await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.text().await.unwrap(), format!("{token}\n"));
    assert_eq!(get("/token/bi", "*/*").await.status(), 403);
    assert_eq!(get("/token/nothing", "*/*").await.status(), 403);
    assert_eq!(running.http.get(running.url("/token/erp")).send().await.unwrap().status(), 401);
    assert_eq!(running.http.delete(running.url("/token/erp")).send().await.unwrap().status(), 405);
    assert_eq!(running.get("/nothing").await.0, 404);
    assert_eq!(running.get("/healthz").await, (200.try_into().unwrap(), "ok\n".to_owned()));
}

/// Rule: Revocation: a consumer of `serve` without the right `revoke` ends a token in its own view alone, and
/// is not issued the same token again before the provider has called it active.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_revokes_a_token_in_its_own_view() {
    let running = Running::start().await;
    let token = running.token("php", "erp").await;
    let active = async |consumer| {
        let (status, body) = running.post(consumer, "/introspect", &[("token", &token)]).await;
        assert_eq!(status, 200);
        body["active"].as_bool().unwrap()
    };
    assert!(active("php").await && active("all").await);
    let (status, _) = running.post("php", "/revoke", &[("token", &token)]).await;
    assert_eq!(status, 200);
    assert!(!active("php").await && active("all").await);
    // The token is active, so that the API rejected something else.
    let before = running.emulator.counts().winkas.validate;
    assert_eq!(running.token("php", "erp").await, token);
    assert_eq!(running.emulator.counts().winkas.validate, before + 1);
    assert!(active("php").await);
    assert_eq!(running.emulator.counts().winkas.login, 1);
}

/// Rule: Rejection: a consumer of `serve` whose API rejected the token revokes it, and is issued another one if
/// it is inactive.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_revokes_an_inactive_token_and_is_issued_another_one() {
    let running = Running::start().await;
    let token = running.token("php", "erp").await;
    running.emulator.end_token(&token);
    running.post("php", "/revoke", &[("token", &token)]).await;
    let new = running.token("php", "erp").await;
    assert_ne!(new, token);
    assert_eq!(running.token("all", "erp").await, new);
    assert_eq!(running.emulator.counts().winkas.login, 2);
}

/// Rule: Revocation: a consumer of `serve` with the right `revoke` ends the token at the provider.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_with_the_right_ends_the_token_at_the_provider() {
    let running = Running::start().await;
    let token = running.token("all", "bi").await;
    assert_eq!(running.post("all", "/revoke", &[("token", &token)]).await.0, 200);
    assert!(!running.emulator.token_is_active(&token));
    let (_, body) = running.post("all", "/introspect", &[("token", &token)]).await;
    assert_eq!(body, json!({ "active": false }));
    assert_ne!(running.token("all", "bi").await, token);
    // WinKAS has no revocation.
    let token = running.token("all", "erp").await;
    let (status, body) = running.post("all", "/revoke", &[("token", &token)]).await;
    assert_eq!((status.as_u16(), &body["error"]), (400, &json!("unsupported_token_type")));
    assert_eq!(running.post("all", "/revoke", &[("token", "unknown")]).await.0, 200);
    assert_eq!(running.post("all", "/revoke", &[]).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_describes_a_token_of_the_consumers_profiles() {
    let running = Running::start().await;
    let token = running.token("bi", "bi").await;
    let (_, body) = running.post("bi", "/introspect", &[("token", &token)]).await;
    assert_eq!(
        (&body["active"], &body["scope"], &body["client_id"]),
        (&json!(true), &json!("bi"), &json!("bi"))
    );
    assert!(body["exp"].as_i64() > body["iat"].as_i64(), "{body}");
    // Another consumer's token, an unknown one, and one that the provider calls inactive.
    let inactive = json!({ "active": false });
    assert_eq!(running.post("php", "/introspect", &[("token", &token)]).await.1, inactive);
    assert_eq!(running.post("bi", "/introspect", &[("token", "unknown")]).await.1, inactive);
    // Another login's token: the provider knows it.
    let elsewhere = running.emulator.wyn().log_in_elsewhere();
    let (_, body) = running.post("bi", "/introspect", &[("token", &elsewhere)]).await;
    assert_eq!(body["active"], true);
    running.emulator.end_token(&token);
    assert_eq!(running.post("bi", "/introspect", &[("token", &token)]).await.1, inactive);
}

/// Rule: Backoff: `serve` answers a provider's failure with an error of OAuth 2.0 and `Retry-After`, and sends
/// no request in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_the_provider_is_an_error_with_retry_after() {
    let running = Running::start().await;
    running.emulator.fault(
        Endpoint::WynLogin,
        Fault::status(429).with_retry_after(Duration::from_secs(60)),
        100,
    );
    for _ in 0..5 {
        let request = running.http.get(running.url("/token/bi")).basic_auth("bi", Some(SECRET));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 503);
        let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert!(response.text().await.unwrap().contains("temporarily_unavailable"));
    }
    assert_eq!(running.emulator.counts().wyn.login, 1);
}

/// Rule: Circuit: `serve` answers a consumer with `Retry-After` until rejected credentials are sent again.
#[tokio::test(flavor = "multi_thread")]
async fn rejected_credentials_are_an_error_with_retry_after() {
    let running = Running::start().await;
    running.emulator.wyn().set_passwords(["changed"]);
    for _ in 0..3 {
        let request = running.http.get(running.url("/token/bi")).basic_auth("bi", Some(SECRET));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 502);
        let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!(wait > 60, "{wait}");
        assert!(response.text().await.unwrap().contains("server_error"));
    }
    assert_eq!(running.emulator.counts().wyn.login, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_discovery_document_names_the_endpoints() {
    let running = Running::start().await;
    let (status, text) = running.get("/.well-known/oauth-authorization-server").await;
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status, 200);
    assert_eq!(document["issuer"], running.url(""));
    assert_eq!(document["token_endpoint"], running.url("/token"));
    assert_eq!(document["scopes_supported"], json!(["bi", "erp"]));
}

/// Rule: Formats: a reload of `serve` takes the consumers and profiles of the changed file; a malformed file
/// changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_the_changed_configuration() {
    let running = Running::start().await;
    let token = running.token("php", "erp").await;
    let path = write(
        running.folder.path(),
        &running.emulator,
        &consumers().replace("[\"erp\"]", "[\"bi\"]"),
    );
    running.control.reload().await.unwrap();
    let (_, body) = running.post("php", "/token", &[GRANT]).await;
    assert_eq!(body["scope"], "bi");
    // The profile is unchanged, and so is its client.
    assert_eq!(running.token("all", "erp").await, token);
    fs::write(path, "[consumer.php]\n").unwrap();
    assert!(running.control.reload().await.is_err());
    assert_eq!(running.token("php", "bi").await, body["access_token"].as_str().unwrap());
    assert_eq!(running.emulator.counts().winkas.login, 1);
}
