use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokenlease_emulator::Emulator;

use crate::client::{
    Client, Reply, basic, basic_of, connect_token, get, post_form, post_json, start, wyn_token,
};

fn error(reply: &Reply) -> (u16, Value) {
    (reply.status, reply.json()["error"].clone())
}

fn userinfo(emulator: &Emulator, token: &str) -> Reply {
    let bearer = format!("Bearer {token}");
    get(&emulator.wyn().server(), "/connect/userinfo", &[("Authorization", &bearer)])
}

fn token_with(emulator: &Emulator, more: &[(&str, &str)]) -> String {
    connect_token(emulator, more).json()["access_token"].as_str().unwrap().to_owned()
}

/// Returns the positions of texts in a body.
fn positions(reply: &Reply, texts: &[&str]) -> Vec<usize> {
    let body = String::from_utf8(reply.body.clone()).unwrap();
    texts.iter().map(|text| body.find(text).unwrap_or_else(|| panic!("{text} in {body}"))).collect()
}

#[test]
fn a_token_is_64_upper_case_hex_digits_in_an_answer_that_forbids_caching() {
    let emulator = start();
    let reply = connect_token(&emulator, &[]);
    let no_store = Some("no-store, no-cache, max-age=0");
    assert_eq!((reply.status, reply.header("cache-control")), (200, no_store));
    assert_eq!(reply.header("pragma"), Some("no-cache"));
    assert_eq!(reply.header("content-type"), Some("application/json; charset=UTF-8"));
    let keys = ["access_token", "expires_in", "token_type", "scope"];
    assert!(positions(&reply, &keys).is_sorted());
    let body = reply.json();
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(token.len(), 64);
    assert!(token.bytes().all(|byte| b"0123456789ABCDEF".contains(&byte)));
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 315_360_000);
    assert!(body["scope"].as_str().unwrap().contains("server_portal"));
}

#[test]
fn a_token_is_active_for_ten_years_or_for_the_requested_lifetime() {
    let emulator = start();
    let long = wyn_token(&emulator);
    let body = connect_token(&emulator, &[("access-token-lifetime", "60")]).json();
    assert_eq!(body["expires_in"], 60);
    let short = body["access_token"].as_str().unwrap();
    emulator.advance(Duration::from_secs(60));
    assert!(!emulator.token_is_active(short));
    emulator.advance(Duration::from_secs(315_359_000));
    assert!(emulator.token_is_active(&long));
    emulator.advance(Duration::from_secs(940));
    assert!(!emulator.token_is_active(&long));
}

#[test]
fn a_lifetime_that_is_not_a_positive_number_of_seconds_is_an_invalid_request() {
    let emulator = start();
    for lifetime in ["0", "-1", "1.5", "soon"] {
        let reply = connect_token(&emulator, &[("access-token-lifetime", lifetime)]);
        assert_eq!(error(&reply), (400, json!("invalid_request")), "{lifetime}");
    }
}

#[test]
fn a_wrong_password_is_invalid_grant_in_400() {
    let emulator = start();
    let reply = connect_token(&emulator, &[("password", "wrong")]);
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.json(),
        json!({
            "error": "invalid_grant",
            "error_description": "invalid_username_or_password",
        })
    );
    assert_eq!(emulator.details().wyn.wrong_credentials, 1);
}

#[test]
fn a_wrong_secret_is_invalid_client_in_400_or_optionally_in_401() {
    let emulator = start();
    let wrong = [("client_secret", "wrong")];
    assert_eq!(error(&connect_token(&emulator, &wrong)), (400, json!("invalid_client")));
    emulator.options(|o| o.wyn.invalid_client_401 = true);
    let reply = connect_token(&emulator, &wrong);
    assert_eq!(error(&reply), (401, json!("invalid_client")));
    assert!(reply.header("www-authenticate").unwrap().starts_with("Basic "));
}

#[test]
fn a_basic_header_with_form_url_encoded_parts_authenticates_the_client() {
    let emulator = start();
    let wyn = emulator.wyn();
    let (user, password) = (wyn.user(), wyn.password());
    let form = [("grant_type", "password"), ("username", &user), ("password", &password)];
    let headers = [("Authorization", basic(&emulator))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let reply = post_form(&wyn.server(), "/connect/token", &headers, &form);
    assert_eq!(reply.status, 200);
}

#[test]
fn a_basic_header_wins_over_the_body_unless_it_is_malformed() {
    let emulator = start();
    let wyn = emulator.wyn();
    let (user, password, secret) = (wyn.user(), wyn.password(), wyn.client_secret());
    let ask = |header: &str, secret: &str| {
        let form = [
            ("grant_type", "password"),
            ("username", &user),
            ("password", &password),
            ("client_id", wyn.client_id()),
            ("client_secret", secret),
        ];
        post_form(&wyn.server(), "/connect/token", &[("Authorization", header)], &form).status
    };
    assert_eq!(ask(&basic(&emulator), "wrong"), 200);
    assert_eq!(ask(&basic_of(wyn.client_id(), "wrong"), &secret), 400);
    // A header without a secret is a secret that is wrong; one without an id is none.
    assert_eq!(ask(&basic_of(wyn.client_id(), ""), &secret), 400);
    assert_eq!(ask(&basic_of("", "wrong"), &secret), 200);
    assert_eq!(ask("Basic ???", &secret), 200);
    assert_eq!(ask(&basic_of(wyn.client_id(), &"x".repeat(101)), &secret), 200);
}

#[test]
fn values_of_more_than_100_characters_get_the_same_errors() {
    let emulator = start();
    let (most, long) = ("\u{e6}".repeat(100), "\u{e6}".repeat(101));
    emulator.wyn().set_passwords([most.as_str(), &long]);
    emulator.wyn().set_client_secrets([most.as_str(), &long]);
    assert_eq!(connect_token(&emulator, &[]).status, 200);
    let reply = connect_token(&emulator, &[("password", &long)]);
    assert_eq!(error(&reply), (400, json!("invalid_grant")));
    assert_eq!(reply.json()["error_description"], Value::Null);
    let reply = connect_token(&emulator, &[("client_secret", &long)]);
    assert_eq!(error(&reply), (400, json!("invalid_client")));
}

#[test]
fn lengths_are_counted_in_utf_16_units_and_before_a_basic_header_is_decoded() {
    let emulator = start();
    // One character beyond the basic plane is two units, and 12 bytes in percent-encoding.
    let (most, long) = ("\u{1f600}".repeat(50), "\u{1f600}".repeat(51));
    let ascii = "%".repeat(34);
    emulator.wyn().set_client_secrets([most.as_str(), &long, &ascii]);
    assert_eq!(connect_token(&emulator, &[]).status, 200);
    let reply = connect_token(&emulator, &[("client_secret", &long)]);
    assert_eq!(error(&reply), (400, json!("invalid_client")));
    assert_eq!(connect_token(&emulator, &[("client_secret", &ascii)]).status, 200);
    let headers = [("Authorization", &*basic_of("integration", &ascii))];
    let form = [("token", "unknown")];
    let reply = post_form(&emulator.wyn().server(), "/connect/revocation", &headers, &form);
    assert_eq!(error(&reply), (400, json!("invalid_client")));
}

#[test]
fn a_user_that_is_missing_is_invalid_grant_without_a_description() {
    let emulator = start();
    let reply = connect_token(&emulator, &[("username", "")]);
    assert_eq!(reply.json(), json!({"error": "invalid_grant"}));
    let reply = connect_token(&emulator, &[("password", "")]);
    assert_eq!(reply.json()["error_description"], "invalid_username_or_password");
}

#[test]
fn the_token_endpoint_answers_invalid_request_to_get_and_to_another_content_type() {
    let emulator = start();
    let server = emulator.wyn().server();
    assert_eq!(error(&get(&server, "/connect/token", &[])), (400, json!("invalid_request")));
    let reply = post_json(&server, "/connect/token", &json!({}));
    assert_eq!(error(&reply), (400, json!("invalid_request")));
}

#[test]
fn grants_and_scopes_that_are_not_allowed_have_separate_errors() {
    let emulator = start();
    for (name, value, expected) in [
        ("grant_type", "magic", "unsupported_grant_type"),
        ("grant_type", "client_credentials", "unauthorized_client"),
        ("scope", "openid magic", "invalid_scope"),
        ("tenant_path", "Org", "invalid_request"),
    ] {
        let reply = connect_token(&emulator, &[(name, value)]);
        assert_eq!(error(&reply), (400, json!(expected)), "{name}={value}");
    }
    emulator.options(|o| {
        o.wyn.client_credentials = true;
        o.wyn.omit_expires_in = true;
    });
    let reply = connect_token(&emulator, &[("grant_type", "client_credentials")]);
    assert_eq!((reply.status, &reply.json()["expires_in"]), (200, &Value::Null));
}

#[test]
fn the_first_of_repeated_parameters_counts_and_their_names_are_in_any_case() {
    let emulator = start();
    let reply = connect_token(&emulator, &[("scope", "openid"), ("SCOPE", "magic")]);
    assert_eq!(reply.json()["scope"], "openid");
    let reply = connect_token(&emulator, &[("grant_type", ""), ("Grant_Type", "password")]);
    assert_eq!(reply.status, 200);
}

#[test]
fn grant_names_in_another_case_are_unsupported() {
    let emulator = start();
    for grant in ["Password", "PASSWORD", "Client_Credentials", &"p".repeat(101)] {
        let reply = connect_token(&emulator, &[("grant_type", grant)]);
        assert_eq!(error(&reply), (400, json!("unsupported_grant_type")), "{grant}");
    }
    let reply = connect_token(&emulator, &[("grant_type", "refresh_token")]);
    assert_eq!(error(&reply), (400, json!("invalid_request")));
    let more = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    assert_eq!(error(&connect_token(&emulator, &more)), (400, json!("invalid_grant")));
}

#[test]
fn a_scope_is_split_distinct_and_sorted_in_the_answer() {
    let emulator = start();
    let reply = connect_token(&emulator, &[("scope", " storage  openid storage email ")]);
    assert_eq!(reply.json()["scope"], "email openid storage");
    let long = "openid ".repeat(50);
    let reply = connect_token(&emulator, &[("scope", &long)]);
    assert_eq!(error(&reply), (400, json!("invalid_scope")));
}

#[test]
fn a_wrong_scope_is_found_before_a_wrong_password_is_counted() {
    let emulator = start();
    let reply = connect_token(&emulator, &[("scope", "magic"), ("password", "wrong")]);
    assert_eq!(error(&reply), (400, json!("invalid_scope")));
    assert_eq!(emulator.details().wyn.wrong_credentials, 0);
}

#[test]
fn a_clients_own_token_has_no_scope_of_openid_connect() {
    let emulator = start();
    emulator.options(|o| o.wyn.client_credentials = true);
    let grant = ("grant_type", "client_credentials");
    let body = connect_token(&emulator, &[grant]).json();
    assert_eq!(body["scope"], "cache scheduler server_portal storage");
    assert_eq!(userinfo(&emulator, body["access_token"].as_str().unwrap()).status, 403);
    let reply = connect_token(&emulator, &[grant, ("scope", "openid")]);
    assert_eq!(error(&reply), (400, json!("invalid_scope")));
}

#[test]
fn userinfo_answers_403_insufficient_scope_without_openid() {
    let emulator = start();
    let token = token_with(&emulator, &[("scope", "server_portal")]);
    let reply = userinfo(&emulator, &token);
    let challenge = Some("Bearer error=\"insufficient_scope\"");
    assert_eq!((reply.status, reply.header("www-authenticate")), (403, challenge));
    emulator.end_token(&token);
    assert_eq!(userinfo(&emulator, &token).status, 401);
}

#[test]
fn userinfo_names_the_user_only_with_the_scope_profile() {
    let emulator = start();
    let token = token_with(&emulator, &[("scope", "openid")]);
    assert_eq!(userinfo(&emulator, &token).json(), json!({"sub": emulator.wyn().user()}));
    let form = [("access_token", token.as_str())];
    let reply = post_form(&emulator.wyn().server(), "/connect/userinfo", &[], &form);
    assert_eq!(reply.status, 200);
}

#[test]
fn a_token_belongs_to_the_requested_tenant() {
    let emulator = start();
    let body = connect_token(&emulator, &[("tenant_path", "/Org/SubOrg")]).json();
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let me = get(&emulator.wyn().server(), "/api/v2/me", &[("Authorization", &bearer)]).json();
    assert_eq!(me["tenant_path"], "/Org/SubOrg");
}

#[test]
fn three_wrong_passwords_lock_the_user_until_a_call_unlocks_it() {
    let emulator = start();
    for _ in 0..3 {
        connect_token(&emulator, &[("password", "wrong")]);
    }
    assert_eq!(error(&connect_token(&emulator, &[])), (400, json!("invalid_grant")));
    emulator.wyn().unlock();
    wyn_token(&emulator);
}

#[test]
fn two_secrets_are_valid_during_a_rotation() {
    let emulator = start();
    let old = emulator.wyn().client_secret();
    emulator.wyn().set_client_secrets(["new", &old]);
    assert_eq!(connect_token(&emulator, &[("client_secret", &old)]).status, 200);
    assert_eq!(connect_token(&emulator, &[("client_secret", "new")]).status, 200);
}

#[test]
fn a_new_token_may_end_the_older_ones_of_its_client() {
    let emulator = start();
    let (first, foreign) = (wyn_token(&emulator), emulator.wyn().foreign_token());
    wyn_token(&emulator);
    assert!(emulator.token_is_active(&first));
    emulator.options(|o| o.wyn.new_token_ends_older = true);
    wyn_token(&emulator);
    assert!(!emulator.token_is_active(&first));
    assert!(emulator.token_is_active(&foreign));
}

#[test]
fn the_api_accepts_a_token_in_either_header_or_in_the_url() {
    let emulator = start();
    let server = emulator.wyn().server();
    let token = wyn_token(&emulator);
    let bearer = format!("Bearer {token}");
    let in_url = format!("/api/v2/me?token={token}");
    let ask = || {
        [
            get(&server, "/api/v2/me", &[("Authorization", &bearer)]).status,
            get(&server, "/api/v2/me", &[("Reference-Token", &token)]).status,
            get(&server, &in_url, &[]).status,
        ]
    };
    assert_eq!(ask(), [200; 3]);
    emulator.end_token(&token);
    assert_eq!(ask(), [401; 3]);
    assert_eq!((emulator.counts().wyn.api, emulator.counts().wyn.rejected), (6, 3));
}

#[test]
fn a_missing_permission_is_403_and_not_a_rejected_token() {
    let emulator = start();
    let token = wyn_token(&emulator);
    let ask = || get(&emulator.wyn().server(), "/api/v2/forbidden", &[("Reference-Token", &token)]);
    assert_eq!(ask().status, 403);
    assert_eq!(emulator.counts().wyn.rejected, 0);
    emulator.end_token(&token);
    assert_eq!(ask().status, 401);
}

/// Formats a time by ISO 8601, in UTC.
fn iso(time: SystemTime) -> String {
    let text = httpdate::fmt_http_date(time);
    let [_, day, month, year, time, _] = text.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{text}");
    };
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    format!("{year}-{:02}-{day}T{time}Z", months.find(month).unwrap() / 3 + 1)
}

#[test]
fn batch_revocation_ends_all_tokens_issued_before_a_time() {
    let emulator = start();
    let (first, second) = (wyn_token(&emulator), wyn_token(&emulator));
    emulator.advance(Duration::from_secs(60));
    let before = iso(emulator.now());
    emulator.advance(Duration::from_secs(60));
    let admin = wyn_token(&emulator);
    let body = json!({"creationBefore": before}).to_string();
    let path = "/api/v2/identity/token/batch-revocation";
    let mut client = Client::connect(&emulator.wyn().server());
    let reply = client.send("POST", path, &[("Reference-Token", &admin)], &body).unwrap();
    assert_eq!(reply.json(), json!({"count": 2}));
    assert!(!emulator.token_is_active(&first) && !emulator.token_is_active(&second));
    assert!(emulator.token_is_active(&admin));
}

#[test]
fn wyn_paths_are_in_any_case_and_begin_with_one_slash() {
    let emulator = start();
    let server = emulator.wyn().server();
    assert_eq!(get(&server, "/Connect/UserInfo", &[]).status, 401);
    assert_eq!(get(&server, "//connect/userinfo", &[]).status, 404);
}

#[test]
fn the_metadata_names_the_endpoints() {
    let emulator = start();
    let reply = get(&emulator.wyn().server(), "/.well-known/openid-configuration", &[]);
    let endpoint = reply.json()["token_endpoint"].as_str().unwrap().to_owned();
    assert!(endpoint.ends_with("/connect/token"));
}

#[test]
fn the_metadata_follows_the_options() {
    let emulator = start();
    let path = "/.well-known/openid-configuration";
    let server = emulator.wyn().server();
    assert_eq!(get(&server, path, &[]).json()["grant_types_supported"], json!(["password"]));
    emulator.options(|o| {
        o.wyn.client_credentials = true;
        o.wyn.userinfo = false;
    });
    let body = get(&server, path, &[]).json();
    assert_eq!(body["grant_types_supported"], json!(["client_credentials", "password"]));
    assert_eq!(body["userinfo_endpoint"], Value::Null);
    assert_eq!(get(&server, "/connect/userinfo", &[]).status, 404);
    emulator.options(|o| o.wyn.discovery = false);
    assert_eq!(get(&server, path, &[]).status, 404);
}
