use serde_json::{Value, json};

use crate::client::{
    Reply, authenticate, connect_token, get, post_json, start, winkas_token, wyn_token,
};

#[test]
fn counts_have_the_same_names_on_both_addresses() {
    let emulator = start();
    winkas_token(&emulator);
    let expected = json!({
        "winkas": {"login": 1, "refetch": 0, "validate": 0, "api": 0, "rejected": 0},
        "wyn": {"login": 0, "revoke": 0, "userinfo": 0, "api": 0, "rejected": 0},
    });
    for server in [emulator.winkas().server(), emulator.wyn().server()] {
        assert_eq!(get(&server, "/_emulator/counts", &[]).json(), expected);
    }
}

#[test]
fn the_ready_line_has_the_addresses_and_credentials() {
    let emulator = start();
    let line = emulator.ready_line();
    assert_eq!(line["winkas"]["server"], emulator.winkas().server());
    assert_eq!(line["winkas"]["contract"], emulator.winkas().contract());
    assert_eq!(line["wyn"]["client_id"], "integration");
    assert_eq!(line["wyn"]["client_secret"], emulator.wyn().client_secret());
    assert!(!line.to_string().contains('\n'));
}

#[test]
fn the_control_api_moves_the_clock() {
    let emulator = start();
    let token = winkas_token(&emulator);
    let server = emulator.wyn().server();
    let reply = post_json(&server, "/_emulator/clock", &json!({"advance_s": 43_200}));
    assert_eq!(reply.json()["offset_ms"], 43_200_000);
    assert!(!emulator.token_is_active(&token));
    post_json(&server, "/_emulator/clock", &json!({"advance_ms": -43_200_000}));
    assert!(emulator.token_is_active(&token));
}

#[test]
fn the_control_api_injects_faults_of_every_kind() {
    let emulator = start();
    let server = emulator.winkas().server();
    for order in [
        json!({"endpoint": "wyn.login", "times": 2, "kind": "status", "status": 503, "body": "x",
            "content_type": "text/plain", "retry_after_s": 7}),
        json!({"endpoint": "wyn.login", "kind": "status", "status": 429, "retry_after_date_s": 9,
            "headers": {"X-Why": "test"}, "when": "after"}),
        json!({"endpoint": "wyn.revoke", "kind": "delay", "delay_ms": 5}),
        json!({"endpoint": "wyn.userinfo", "kind": "reset", "when": "before"}),
        json!({"endpoint": "wyn.introspect", "kind": "reset", "when": "after"}),
        json!({"endpoint": "wyn.api", "kind": "half_body"}),
        json!({"endpoint": "winkas.login", "kind": "content_type", "content_type": "text/html"}),
        json!({"endpoint": "winkas.refetch", "kind": "garbage", "bytes": 10}),
        json!({"endpoint": "winkas.validate", "kind": "envelope", "code": 5, "message": "m"}),
        json!({"endpoint": "winkas.api", "kind": "envelope", "code": 5}),
    ] {
        let reply = post_json(&server, "/_emulator/faults", &order);
        assert_eq!(reply.status, 200, "{order}: {}", reply.json());
    }
    let faulted = connect_token(&emulator, &[]);
    assert_eq!((faulted.status, faulted.header("retry-after")), (503, Some("7")));
    assert_eq!(connect_token(&emulator, &[]).body, b"x");
    let faulted = connect_token(&emulator, &[]);
    assert_eq!((faulted.status, faulted.header("x-why")), (429, Some("test")));
    assert_eq!(emulator.wyn().active_tokens().len(), 1);
    let reply = post_json(&server, "/_emulator/faults", &json!({"clear": true}));
    assert_eq!(reply.json(), json!({"waiting": 0}));
    winkas_token(&emulator);
}

#[test]
fn the_control_api_changes_single_options() {
    let emulator = start();
    let server = emulator.winkas().server();
    let patch = json!({"winkas": {"authenticate": "running", "lockout_failures": null}});
    let options = post_json(&server, "/_emulator/options", &patch).json();
    assert_eq!(options["winkas"]["authenticate"], "running");
    assert_eq!(options["winkas"]["lockout_failures"], Value::Null);
    assert_eq!(options["winkas"]["lifetime_s"], 43_200);
    assert_eq!(options["wyn"]["lifetime_s"], 315_360_000);
    assert_eq!(winkas_token(&emulator), winkas_token(&emulator));
}

#[test]
fn the_control_api_ends_checks_and_issues_tokens() {
    let emulator = start();
    let control =
        |body: Value| post_json(&emulator.winkas().server(), "/_emulator/tokens", &body).json();
    let token = wyn_token(&emulator);
    assert_eq!(control(json!({ "is_active": token })), json!({"active": true}));
    assert_eq!(control(json!({ "end_token": token })), json!({"ended": 1}));
    assert_eq!(control(json!({ "is_active": token })), json!({"active": false}));
    let other = control(json!({"login": "winkas"}));
    assert!(emulator.token_is_active(other["token"].as_str().unwrap()));
    control(json!({"login": "wyn"}));
    control(json!({"login": "wyn", "client": "other"}));
    assert_eq!(control(json!({"end": "wyn"})), json!({"ended": 2}));
    assert_eq!(control(json!({"end": "all"})), json!({"ended": 1}));
}

#[test]
fn the_control_api_locks_and_unlocks_accounts_and_sets_passwords() {
    let emulator = start();
    let control =
        |body: Value| post_json(&emulator.wyn().server(), "/_emulator/account", &body).json();
    assert_eq!(control(json!({"provider": "winkas", "lock": true})), json!({"locked": true}));
    assert_ne!(authenticate(&emulator)["WinkasErrorCode"], 0);
    assert_eq!(control(json!({"provider": "winkas", "unlock": true})), json!({"locked": false}));
    control(json!({"provider": "winkas", "passwords": ["new", "old"]}));
    assert_eq!(emulator.winkas().password(), "new");
    control(json!({"provider": "wyn", "secrets": ["s1", "s2"], "passwords": ["p"]}));
    assert_eq!(connect_token(&emulator, &[("client_secret", "s2")]).status, 200);
}

#[test]
fn a_reset_restores_the_initial_state() {
    let emulator = start();
    let password = emulator.winkas().password();
    let token = winkas_token(&emulator);
    emulator.winkas().set_passwords(["other"]);
    post_json(&emulator.winkas().server(), "/_emulator/reset", &json!({}));
    assert_eq!(emulator.winkas().password(), password);
    assert_eq!(emulator.counts().winkas.login, 0);
    assert!(!emulator.token_is_active(&token));
}

#[test]
fn the_log_contains_methods_and_paths_but_no_token() {
    let emulator = start();
    let token = wyn_token(&emulator);
    get(&emulator.wyn().server(), &format!("/api/v2/me?token={token}"), &[]);
    let reply = get(&emulator.wyn().server(), "/_emulator/log", &[]);
    assert!(!String::from_utf8(reply.body.clone()).unwrap().contains(&token));
    let log = reply.json();
    assert_eq!(log.as_array().unwrap().len(), 2);
    assert_eq!((&log[0]["method"], &log[0]["path"]), (&json!("POST"), &json!("/connect/token")));
    assert_eq!((&log[1]["path"], &log[1]["endpoint"]), (&json!("/api/v2/me"), &json!("wyn.api")));
    let details = get(&emulator.wyn().server(), "/_emulator/details", &[]).json();
    assert_eq!(details["wyn"]["tokens_issued"], 1);
    assert_eq!(details["wyn"]["connections"], 4);
}

#[test]
fn an_invalid_control_call_is_answered_with_the_mistake_and_an_example() {
    let emulator = start();
    let check = |path: &str, body: Value, wrong: &str| {
        let reply: Reply = post_json(&emulator.winkas().server(), path, &body);
        assert_eq!(reply.status, 400, "{body}");
        let text = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(text.contains(wrong), "{body}: {text}");
        assert!(reply.json()["expected"].is_string());
    };
    check("/_emulator/clock", json!({}), "advance_s");
    check("/_emulator/clock", json!({"advance_s": "a day"}), "i64");
    check("/_emulator/clock", json!({"seconds": 1}), "unknown field `seconds`");
    check("/_emulator/options", json!({"winkas": {"magic": 1}}), "unknown field `magic`");
    check("/_emulator/options", json!({"winkas": {"authenticate": "x"}}), "keeps_older");
    check("/_emulator/options", json!([]), "object");
    check("/_emulator/tokens", json!({}), "end_token");
    check("/_emulator/tokens", json!({"login": "winkas", "client": "x"}), "only wyn");
    check("/_emulator/account", json!({"unlock": true}), "provider");
    check("/_emulator/account", json!({"provider": "winkas", "passwords": []}), "at least one");
    let faults = |body: Value, wrong| check("/_emulator/faults", body, wrong);
    faults(json!({"kind": "reset"}), "endpoint");
    faults(json!({"endpoint": "winkas.magic", "kind": "reset"}), "winkas.login");
    faults(json!({"endpoint": "wyn.api"}), "kind");
    faults(json!({"endpoint": "wyn.api", "kind": "status"}), "status");
    faults(json!({"endpoint": "wyn.api", "kind": "status", "status": 100}), "200 to 999");
    faults(json!({"endpoint": "wyn.api", "kind": "reset", "bytes": 1}), "bytes");
    faults(json!({"endpoint": "wyn.api", "kind": "half_body", "when": "before"}), "after");
    faults(json!({"endpoint": "wyn.api", "kind": "reset", "headers": {"a b": "c"}}), "a b");
    let reply = get(&emulator.winkas().server(), "/_emulator/magic", &[]);
    assert_eq!(reply.status, 404);
    assert_eq!(get(&emulator.winkas().server(), "/_emulator/tokens", &[]).status, 405);
}
