use std::time::Duration;

use serde_json::{Value, json};
use tokenlease_emulator::{Emulator, Provider, Quirk};

use crate::client::{
    AUTHENTICATE, Client, Reply, authenticate, authenticate_body, connect_token, get, post_json,
    revoke, try_post_json, winkas_token, wyn_token,
};

fn with(quirk: Quirk) -> Emulator {
    Emulator::builder().quirks([quirk]).start_blocking().unwrap()
}

fn bearer(emulator: &Emulator, target: &str, token: &str) -> Reply {
    let bearer = format!("Bearer {token}");
    get(&emulator.wyn().server(), target, &[("Authorization", &bearer)])
}

/// Logs in to WinKAS over a connection whose answer is read as bytes.
fn raw_login(emulator: &Emulator) -> Vec<u8> {
    let mut client = Client::connect(&emulator.winkas().server());
    let headers = [("Content-Type", "application/json"), ("Connection", "close")];
    let body = authenticate_body(emulator, &emulator.winkas().password()).to_string();
    client.write("POST", AUTHENTICATE, &headers, &body).unwrap();
    client.read_rest().unwrap()
}

#[test]
fn running_token_returns_the_running_token_with_its_remaining_lifetime() {
    let emulator = with(Quirk::RunningToken);
    let first = connect_token(&emulator, &[("access-token-lifetime", "3600")]).json();
    emulator.advance(Duration::from_secs(3000));
    let second = connect_token(&emulator, &[("access-token-lifetime", "3600")]).json();
    assert_eq!(first["access_token"], second["access_token"]);
    let left = second["expires_in"].as_i64().unwrap();
    assert!((590..=600).contains(&left), "{left}");
    let other = connect_token(&emulator, &[("tenant_path", "/Org")]).json();
    assert_ne!(first["access_token"], other["access_token"]);
    emulator.advance(Duration::from_secs(600));
    assert_ne!(first["access_token"], wyn_token(&emulator).as_str());
    assert_eq!(emulator.details().wyn.tokens_issued, 3);
}

#[test]
fn same_token_new_end_returns_the_same_text_with_a_new_lifetime() {
    let emulator = with(Quirk::SameTokenNewEnd);
    let lifetime = [("access-token-lifetime", "60")];
    let first = connect_token(&emulator, &lifetime).json();
    emulator.advance(Duration::from_secs(50));
    let second = connect_token(&emulator, &lifetime).json();
    assert_eq!(first["access_token"], second["access_token"]);
    assert_eq!(second["expires_in"], 60);
    emulator.advance(Duration::from_secs(50));
    assert!(emulator.token_is_active(first["access_token"].as_str().unwrap()));
}

#[test]
fn tokens_have_expired_when_they_arrive() {
    let emulator = with(Quirk::OverOnArrival);
    let body = connect_token(&emulator, &[]).json();
    assert_eq!(body["expires_in"], 1);
    assert!(!emulator.token_is_active(body["access_token"].as_str().unwrap()));
    let emulator = with(Quirk::TinyLifetime);
    let body = connect_token(&emulator, &[]).json();
    assert_eq!(body["expires_in"], 0.0005);
    assert!(!emulator.token_is_active(body["access_token"].as_str().unwrap()));
}

#[test]
fn userinfo_answers_every_call_alike() {
    let emulator = Emulator::builder().start_blocking().unwrap();
    let token = wyn_token(&emulator);
    for (quirk, status) in [
        (Quirk::Userinfo401, 401),
        (Quirk::Userinfo403, 403),
        (Quirk::Userinfo404, 404),
        (Quirk::InsufficientScope, 403),
        (Quirk::Api401, 401),
    ] {
        emulator.options(|o| o.quirks = [quirk].into());
        assert_eq!(bearer(&emulator, "/connect/userinfo", &token).status, status, "{quirk}");
        assert!(emulator.token_is_active(&token));
    }
    assert_eq!(bearer(&emulator, "/api/v2/me", &token).status, 401);
}

#[test]
fn insufficient_scope_is_for_active_tokens_only_and_may_be_split_over_two_lines() {
    let emulator = with(Quirk::InsufficientScope);
    let token = wyn_token(&emulator);
    let reply = bearer(&emulator, "/connect/userinfo", &token);
    assert_eq!(reply.header("www-authenticate"), Some("Bearer error=\"insufficient_scope\""));
    emulator.options(|o| {
        o.quirks.insert(Quirk::SplitChallenge);
    });
    let reply = bearer(&emulator, "/connect/userinfo", &token);
    let lines: Vec<_> =
        reply.headers.iter().filter(|(name, _)| name == "www-authenticate").collect();
    assert_eq!(lines[0].1, "Bearer realm=\"IdentityServer\"");
    assert_eq!(lines[1].1, "error=\"insufficient_scope\"");
    assert_eq!(bearer(&emulator, "/connect/userinfo", "unknown").status, 401);
}

#[test]
fn introspection_answers_401_in_plain_text() {
    let emulator = with(Quirk::Introspect401);
    let form = [("token", "x")];
    let reply =
        crate::client::post_form(&emulator.wyn().server(), "/connect/introspect", &[], &form);
    assert_eq!((reply.status, &*reply.body), (401, &b"ErrorType=unauthorized_client"[..]));
    assert!(reply.header("content-type").unwrap().starts_with("text/plain"));
}

#[test]
fn the_winkas_api_denies_every_token() {
    let emulator = with(Quirk::Api401);
    let token = winkas_token(&emulator);
    let body = json!({ "Token": token });
    let reply = post_json(&emulator.winkas().server(), "/api/Report/Echo", &body).json();
    assert_ne!(reply["WinkasErrorCode"], 0);
    let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
    let target = format!("/api/Authentication/Validate?token={token}");
    let reply = get(&emulator.winkas().server(), &target, &[]).json();
    assert_eq!(reply["AuthenticationMessage"], "Token validation result is: False");
}

#[test]
fn authenticate_returns_a_token_that_runs_for_more_than_a_day() {
    let emulator = with(Quirk::AuthenticateReturnsRunning);
    let first = winkas_token(&emulator);
    emulator.advance(Duration::from_secs(24 * 3600 + 60));
    assert_eq!(winkas_token(&emulator), first);
    emulator.advance(Duration::from_secs(3600));
    assert_ne!(winkas_token(&emulator), first);
}

#[test]
fn an_answer_is_cut_off_after_the_token_was_issued() {
    let emulator = with(Quirk::CutOff);
    let body = authenticate_body(&emulator, &emulator.winkas().password());
    assert!(try_post_json(&emulator.winkas().server(), AUTHENTICATE, &body).is_err());
    assert_eq!(emulator.details().winkas.tokens_issued, 1);
}

#[test]
fn errors_of_the_token_endpoint() {
    let emulator = with(Quirk::ConfigError);
    let errors: Vec<_> =
        (0..4).map(|_| connect_token(&emulator, &[]).json()["error"].clone()).collect();
    let error = json!("unauthorized_client");
    assert_eq!(errors, [error.clone(), error.clone(), error, Value::Null]);

    let emulator = with(Quirk::Keycloak401);
    let reply = connect_token(&emulator, &[("client_secret", "wrong")]);
    assert_eq!(reply.status, 401);
    let text = "Invalid client or Invalid client credentials";
    let body = json!({"error": "unauthorized_client", "error_description": text});
    assert_eq!(reply.json(), body);
    assert_eq!(connect_token(&emulator, &[]).status, 200);

    let emulator = with(Quirk::Bearer401);
    let reply = connect_token(&emulator, &[]);
    assert_eq!((reply.status, reply.body.len()), (401, 0));
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
}

#[test]
fn the_token_type_is_bearer_token() {
    let body = connect_token(&with(Quirk::TokenType), &[]).json();
    assert_eq!(body["token_type"], "BearerToken");
}

#[test]
fn a_revocation_revokes_nothing() {
    let emulator = with(Quirk::RevokesNothing);
    let token = wyn_token(&emulator);
    assert_eq!(revoke(&emulator, &[("token", &token)]).status, 200);
    assert!(emulator.token_is_active(&token));
}

#[test]
fn bodies_are_in_other_encodings() {
    let emulator = with(Quirk::Latin1);
    let reply = connect_token(&emulator, &[("password", "wrong")]);
    assert_eq!(reply.status, 400);
    let text: String = reply.body.iter().map(|&byte| char::from(byte)).collect();
    assert!(reply.body.contains(&0xFC));
    let body = json!({"error": "invalid_grant", "error_description": "Ung\u{fc}ltig"});
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), body);

    let emulator = with(Quirk::Utf16);
    let reply = connect_token(&emulator, &[]);
    let units: Vec<_> =
        reply.body.chunks(2).map(|two| u16::from_le_bytes(two.try_into().unwrap())).collect();
    assert_eq!(units[0], 0xFEFF);
    let body: Value = serde_json::from_str(&String::from_utf16(&units[1..]).unwrap()).unwrap();
    assert!(body["access_token"].is_string());

    let reply = connect_token(&with(Quirk::WrongContentType), &[]);
    assert_eq!(reply.header("content-type"), Some("text/html"));
    assert!(reply.json()["access_token"].is_string());

    let reply = connect_token(&with(Quirk::LongBody), &[]);
    assert!(reply.body.len() > 1 << 20);
    assert!(reply.json()["access_token"].is_string());
}

#[test]
fn bodies_are_compressed() {
    for (quirk, name, magic) in
        [(Quirk::Gzip, "gzip", [0x1F, 0x8B]), (Quirk::Deflate, "deflate", [0x78, 0x01])]
    {
        let reply = connect_token(&with(quirk), &[]);
        assert_eq!(reply.header("content-encoding"), Some(name));
        assert_eq!(reply.body[..2], magic);
    }
}

#[test]
fn heads_are_written_in_other_styles() {
    for (quirk, text) in [
        (Quirk::HeaderSpace, "\r\nX-Quirk-Space : 1\r\n"),
        (Quirk::HeaderFolding, "\r\nX-Quirk-Folding: one\r\n two\r\n"),
        (Quirk::BareLf, "HTTP/1.1 200 OK\n"),
        (Quirk::ManyHeaders, "\r\nx-quirk-150: 150\r\n"),
    ] {
        let emulator = with(quirk);
        let answer = String::from_utf8(raw_login(&emulator)).unwrap();
        assert!(answer.contains(text), "{quirk}: {answer}");
        let token = &emulator.winkas().active_tokens()[0];
        assert!(answer.contains(token.as_str()) && answer.ends_with('}'), "{quirk}");
    }
}

#[test]
fn quirks_are_set_and_removed_over_http() {
    let emulator = Emulator::builder().start_blocking().unwrap();
    let server = emulator.wyn().server();
    let body = json!({"quirks": ["token-type", "gzip"]});
    let reply = post_json(&server, "/_emulator/options", &body);
    // Control calls have no quirks.
    assert_eq!(reply.json()["quirks"], json!(["token-type", "gzip"]));
    let reply = post_json(&server, "/_emulator/options", &json!({"quirks": ["magic"]}));
    assert_eq!(reply.status, 400);
    assert!(reply.json()["error"].as_str().unwrap().contains("running-token"));
    post_json(&server, "/_emulator/options", &json!({"quirks": []}));
    assert_eq!(connect_token(&emulator, &[]).json()["token_type"], "Bearer");
}

#[test]
fn a_quirk_changes_only_its_providers() {
    let emulator = Emulator::builder()
        .quirks(Quirk::ALL.iter().copied().filter(|quirk| quirk.providers() == [Provider::Wyn]));
    let emulator = emulator.start_blocking().unwrap();
    assert_eq!(authenticate(&emulator)["WinkasErrorCode"], 0);
}

#[test]
fn the_readme_describes_every_quirk() {
    let readme = include_str!("../../README.md");
    for quirk in Quirk::ALL {
        let provider = match quirk.providers() {
            [Provider::Winkas] => "`winkas`",
            [Provider::Wyn] => "`wyn`",
            _ => "both",
        };
        let row = format!("| `{quirk}` | {provider} | {} |", quirk.description());
        assert!(readme.contains(&row), "{row}");
    }
}
