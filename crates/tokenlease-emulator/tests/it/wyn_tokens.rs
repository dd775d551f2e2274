//! Revocation, userinfo and introspection.

use serde_json::{Value, json};
use tokenlease_emulator::Emulator;

use crate::client::{Reply, basic_of, get, post_form, post_json, revoke, start, wyn_token};

fn error(reply: &Reply) -> (u16, Value) {
    (reply.status, reply.json()["error"].clone())
}

fn introspect_as(emulator: &Emulator, id: &str, secret: &str, form: &[(&str, &str)]) -> Reply {
    let header = basic_of(id, secret);
    let headers = [("Authorization", header.as_str())];
    post_form(&emulator.wyn().server(), "/connect/introspect", &headers, form)
}

fn introspect(emulator: &Emulator, token: &str) -> Value {
    let wyn = emulator.wyn();
    let form = [("token", token)];
    introspect_as(emulator, wyn.api_resource(), &wyn.api_secret(), &form).json()
}

#[test]
fn a_revoked_token_is_inactive_at_once() {
    let emulator = start();
    let token = wyn_token(&emulator);
    let reply = revoke(
        &emulator,
        &[("token", &token), ("token_type", "access_token"), ("token_type_hint", "access_token")],
    );
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert!(!emulator.token_is_active(&token));
}

#[test]
fn revoking_an_unknown_token_answers_200() {
    let emulator = start();
    assert_eq!(revoke(&emulator, &[("token", "unknown")]).status, 200);
    assert_eq!(emulator.counts().wyn.revoke, 1);
}

#[test]
fn revoking_another_clients_token_answers_200_and_keeps_it_active() {
    let emulator = start();
    let foreign = emulator.wyn().foreign_token();
    assert_eq!(revoke(&emulator, &[("token", &foreign)]).status, 200);
    assert!(emulator.token_is_active(&foreign));
}

#[test]
fn the_hint_refresh_token_finds_no_access_token_and_another_hint_is_unsupported() {
    let emulator = start();
    let token = wyn_token(&emulator);
    let reply = revoke(&emulator, &[("token", &token), ("token_type_hint", "refresh_token")]);
    assert_eq!(reply.status, 200);
    let reply = revoke(&emulator, &[("token", &token), ("token_type_hint", "id_token")]);
    assert_eq!(error(&reply), (400, json!("unsupported_token_type")));
    assert!(emulator.token_is_active(&token));
}

#[test]
fn revocation_rejects_get_another_content_type_a_missing_token_and_a_wrong_client() {
    let emulator = start();
    let server = emulator.wyn().server();
    assert_eq!(get(&server, "/connect/revocation", &[]).status, 405);
    assert_eq!(post_json(&server, "/connect/revocation", &json!({})).status, 415);
    let reply = revoke(&emulator, &[]);
    assert_eq!(error(&reply), (400, json!("invalid_request")));
    assert_eq!(reply.header("cache-control"), None);
    assert_eq!(error(&revoke(&emulator, &[("token", " ")])), (400, json!("invalid_request")));
    let reply = post_form(&server, "/connect/revocation", &[], &[("token", "x")]);
    assert_eq!(error(&reply), (400, json!("invalid_client")));
}

#[test]
fn userinfo_answers_401_with_a_challenge_for_an_inactive_token() {
    let emulator = start();
    let token = wyn_token(&emulator);
    let bearer = format!("Bearer {token}");
    let ask = || get(&emulator.wyn().server(), "/connect/userinfo", &[("Authorization", &bearer)]);
    assert_eq!(ask().status, 200);
    emulator.end_token(&token);
    let reply = ask();
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    assert_eq!(emulator.counts().wyn.userinfo, 2);
}

#[test]
fn introspection_says_whether_a_token_is_active() {
    let emulator = start();
    let token = wyn_token(&emulator);
    let body = introspect(&emulator, &token);
    assert_eq!((&body["active"], &body["client_id"]), (&json!(true), &json!("integration")));
    emulator.end_token(&token);
    assert_eq!(introspect(&emulator, &token), json!({"active": false}));
    assert_eq!(introspect(&emulator, ""), json!({"active": false}));
    assert_eq!(emulator.details().wyn.introspect, 3);
}

#[test]
fn only_the_api_resource_introspects_and_others_get_an_empty_401() {
    let emulator = start();
    let (token, wyn) = (wyn_token(&emulator), emulator.wyn());
    let form = [("token", token.as_str())];
    let (client, api) = (wyn.client_id(), wyn.api_resource());
    for (id, secret) in [(client, wyn.client_secret()), (api, "wrong".into()), ("x", "y".into())] {
        let reply = introspect_as(&emulator, id, &secret, &form);
        assert_eq!((reply.status, reply.body.len()), (401, 0), "{id}");
        assert_eq!((reply.header("www-authenticate"), reply.header("content-type")), (None, None));
    }
    assert_eq!(post_form(&wyn.server(), "/connect/introspect", &[], &form).status, 401);
    let reply = introspect_as(&emulator, api, &wyn.api_secret(), &[]);
    assert_eq!(error(&reply), (400, json!("missing_token")));
    emulator.options(|o| o.wyn.clients_introspect = true);
    assert_eq!(introspect_as(&emulator, client, &wyn.client_secret(), &form).status, 200);
}
