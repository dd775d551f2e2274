use std::time::Duration;

use serde_json::{Value, json};
use tokenlease_emulator::{
    Authenticate, Emulator, RefetchNone, RefetchWrongPassword, ValidateRejection,
};

use crate::client::{
    AUTHENTICATE, REFETCH, authenticate, authenticate_body, get, post_json, refetch, start,
    winkas_token,
};

fn validate(emulator: &Emulator, token: &str) -> Value {
    let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
    let target = format!("/api/Authentication/Validate?token={token}");
    get(&emulator.winkas().server(), &target, &[]).json()
}

fn report(emulator: &Emulator, method: &str, token: &str) -> Value {
    let body = json!({"Token": token, "Year": "2026"});
    post_json(&emulator.winkas().server(), &format!("/api/Report/{method}"), &body).json()
}

fn wrong_password(emulator: &Emulator) -> Value {
    let body = authenticate_body(emulator, "wrong");
    post_json(&emulator.winkas().server(), AUTHENTICATE, &body).json()
}

#[test]
fn authenticate_returns_a_token_in_an_envelope_with_mixed_spelling() {
    let emulator = start();
    let body = authenticate(&emulator);
    assert_eq!(body["WinkasErrorCode"], 0);
    assert_eq!(body["WinKasStatus"], 0);
    assert_eq!(body["WinKasStatusString"], "Okay");
    assert_eq!(body["AuthenticationMessage"], "User successfully authenticated");
    assert_eq!(body["WinKasData"]["UserPassword"], "");
    let token = body["WinKasData"]["CurrentToken"].as_str().unwrap();
    for part in ["|", "-", "_"] {
        assert!(token.contains(part));
    }
    assert!(emulator.token_is_active(token));
    // There is no time zone, so clients must not calculate with it.
    assert_eq!(body["ResponseDateTime"].as_str().unwrap().len(), "2022-03-21T10:43:26".len());
}

#[test]
fn a_wrong_password_is_rejected_inside_http_200() {
    let emulator = start();
    let reply =
        post_json(&emulator.winkas().server(), AUTHENTICATE, &authenticate_body(&emulator, "x"));
    assert_eq!(reply.status, 200);
    assert_ne!(reply.json()["WinkasErrorCode"], 0);
    assert_eq!(reply.json()["WinKasData"], Value::Null);
    assert_eq!(emulator.details().winkas.wrong_credentials, 1);
}

#[test]
fn authenticate_keeps_older_tokens_by_default() {
    let emulator = start();
    let (first, second) = (winkas_token(&emulator), winkas_token(&emulator));
    assert_ne!(first, second);
    assert!(emulator.token_is_active(&first) && emulator.token_is_active(&second));
    assert_eq!(emulator.details().winkas.tokens_issued, 2);
}

#[test]
fn authenticate_may_return_the_running_token() {
    let emulator = start();
    emulator.options(|o| o.winkas.authenticate = Authenticate::Running);
    let first = winkas_token(&emulator);
    assert_eq!(winkas_token(&emulator), first);
    assert_eq!(emulator.details().winkas.tokens_issued, 1);
    emulator.advance(Duration::from_secs(43_200));
    assert_ne!(winkas_token(&emulator), first);
}

#[test]
fn authenticate_may_end_older_tokens() {
    let emulator = start();
    emulator.options(|o| o.winkas.authenticate = Authenticate::EndsOlder);
    let (first, second) = (winkas_token(&emulator), winkas_token(&emulator));
    assert!(!emulator.token_is_active(&first));
    assert!(emulator.token_is_active(&second));
}

#[test]
fn authenticate_accepts_an_active_token_instead_of_a_password() {
    let emulator = start();
    let server = emulator.winkas().server();
    let token = winkas_token(&emulator);
    let body = json!({ "UserToken": token });
    assert_eq!(post_json(&server, AUTHENTICATE, &body).json()["WinkasErrorCode"], 0);
    emulator.end_all_tokens();
    assert_ne!(post_json(&server, AUTHENTICATE, &body).json()["WinkasErrorCode"], 0);
}

#[test]
fn a_token_is_active_for_twelve_hours_of_the_emulators_clock() {
    let emulator = start();
    let token = winkas_token(&emulator);
    emulator.advance(Duration::from_secs(43_190));
    assert!(emulator.token_is_active(&token));
    emulator.advance(Duration::from_secs(10));
    assert!(!emulator.token_is_active(&token));
}

#[test]
fn the_date_header_is_the_emulators_clock() {
    let emulator = start();
    emulator.advance(Duration::from_secs(10 * 86_400));
    let before = emulator.now() - Duration::from_secs(1);
    let reply = get(&emulator.winkas().server(), "/api/Authentication/Validate?token=x", &[]);
    let date = httpdate::parse_http_date(reply.header("date").unwrap()).unwrap();
    assert!(date >= before && date <= emulator.now());
}

#[test]
fn winkas_paths_are_in_any_case_and_begin_with_one_or_two_slashes() {
    let emulator = start();
    let token = winkas_token(&emulator);
    let winkas = emulator.winkas();
    let body = json!({
        "ContractId": winkas.contract(), "Username": winkas.user(), "Password": winkas.password(),
    });
    for path in [
        "/api/authentication/refetchToken/",
        "//api/authentication/refetchToken/",
        "/API/Authentication/RefetchToken",
    ] {
        assert_eq!(post_json(&winkas.server(), path, &body).json()["Token"], token.as_str());
    }
    assert_eq!(emulator.counts().winkas.refetch, 3);
}

#[test]
fn refetch_and_authenticate_use_different_field_names() {
    let emulator = start();
    let token = winkas_token(&emulator);
    assert_eq!(refetch(&emulator, &emulator.winkas().password())["Token"], token.as_str());
    let body = authenticate_body(&emulator, &emulator.winkas().password());
    let reply = post_json(&emulator.winkas().server(), REFETCH, &body).json();
    assert_eq!(reply["Token"], Value::Null);
}

#[test]
fn refetch_returns_a_token_that_another_system_obtained() {
    let emulator = start();
    let token = emulator.winkas().log_in_elsewhere();
    assert_eq!(refetch(&emulator, &emulator.winkas().password())["Token"], token.as_str());
    assert_eq!(emulator.counts().winkas.login, 0);
    assert_eq!(emulator.details().winkas.tokens_issued, 0);
}

#[test]
fn refetch_without_an_active_token_answers_as_the_option_says() {
    let emulator = start();
    let password = emulator.winkas().password();
    let body = refetch(&emulator, &password);
    assert_eq!((&body["Token"], &body["WinkasErrorCode"]), (&Value::Null, &json!(0)));
    emulator.options(|o| o.winkas.refetch_none = RefetchNone::EmptyToken);
    assert_eq!(refetch(&emulator, &password)["Token"], "");
    emulator.options(|o| o.winkas.refetch_none = RefetchNone::ErrorCode);
    assert_ne!(refetch(&emulator, &password)["WinkasErrorCode"], 0);
    let ended = winkas_token(&emulator);
    emulator.end_token(&ended);
    emulator.options(|o| o.winkas.refetch_returns_ended = true);
    assert_eq!(refetch(&emulator, &password)["Token"], ended.as_str());
}

#[test]
fn refetch_with_a_wrong_password_answers_as_the_option_says() {
    let emulator = start();
    winkas_token(&emulator);
    let body = refetch(&emulator, "wrong");
    assert_eq!((&body["Token"], &body["WinkasErrorCode"]), (&Value::Null, &json!(0)));
    emulator.options(|o| o.winkas.refetch_wrong_password = RefetchWrongPassword::ErrorCode);
    assert_ne!(refetch(&emulator, "wrong")["WinkasErrorCode"], 0);
}

#[test]
fn three_wrong_passwords_lock_the_account_until_a_call_unlocks_it() {
    let emulator = start();
    for _ in 0..3 {
        wrong_password(&emulator);
    }
    assert!(emulator.winkas().is_locked());
    emulator.advance(Duration::from_secs(30 * 86_400));
    let (locked, rejected) = (authenticate(&emulator), wrong_password(&emulator));
    assert_ne!(locked["WinkasErrorCode"], 0);
    assert_eq!(locked["WinkasErrorCode"], rejected["WinkasErrorCode"]);
    assert_eq!(locked["WinKasMessage"], rejected["WinKasMessage"]);
    emulator.winkas().unlock();
    winkas_token(&emulator);
}

#[test]
fn wrong_passwords_at_refetch_lock_the_account_unless_the_option_is_off() {
    let emulator = start();
    emulator.options(|o| o.winkas.lockout_counts_refetch = false);
    for _ in 0..3 {
        refetch(&emulator, "wrong");
    }
    assert!(!emulator.winkas().is_locked());
    emulator.options(|o| o.winkas.lockout_counts_refetch = true);
    for _ in 0..3 {
        refetch(&emulator, "wrong");
    }
    assert!(emulator.winkas().is_locked());
}

#[test]
fn a_lockout_may_end_by_the_emulators_clock() {
    let emulator = start();
    emulator.options(|o| o.winkas.lockout_s = Some(900));
    for _ in 0..3 {
        wrong_password(&emulator);
    }
    emulator.advance(Duration::from_secs(900));
    winkas_token(&emulator);
}

#[test]
fn two_passwords_are_valid_during_a_rotation() {
    let emulator = start();
    let old = emulator.winkas().password();
    emulator.winkas().set_passwords(["new", &old]);
    winkas_token(&emulator);
    emulator.winkas().set_passwords(["new"]);
    let body = authenticate_body(&emulator, &old);
    let reply = post_json(&emulator.winkas().server(), AUTHENTICATE, &body).json();
    assert_ne!(reply["WinkasErrorCode"], 0);
}

#[test]
fn validate_returns_its_result_in_the_last_word_of_a_message() {
    let emulator = start();
    let token = winkas_token(&emulator);
    let body = validate(&emulator, &token);
    assert_eq!(body["AuthenticationMessage"], "Token validation result is: True");
    emulator.end_token(&token);
    let body = validate(&emulator, &token);
    assert_eq!(body["AuthenticationMessage"], "Token validation result is: False");
    assert_eq!(body["WinkasErrorCode"], 0);
}

#[test]
fn validate_may_answer_with_an_error_code_instead_of_a_result() {
    let emulator = start();
    emulator.options(|o| o.winkas.validate_rejection = ValidateRejection::ErrorCode);
    let body = validate(&emulator, "unknown");
    assert_eq!(body["AuthenticationMessage"], Value::Null);
    assert_ne!(body["WinkasErrorCode"], 0);
}

#[test]
fn validate_rejects_a_token_that_is_not_percent_encoded() {
    let emulator = start();
    let target = format!("/api/Authentication/Validate?token={}", winkas_token(&emulator));
    assert_eq!(get(&emulator.winkas().server(), &target, &[]).status, 400);
}

#[test]
fn a_rejected_token_looks_like_a_missing_permission() {
    let emulator = start();
    let token = winkas_token(&emulator);
    let echo = report(&emulator, "Echo", &token);
    assert_eq!(echo["WinKasData"], json!({"Year": "2026"}));
    let forbidden = report(&emulator, "Forbidden", &token);
    assert_eq!(emulator.counts().winkas.rejected, 0);
    emulator.end_token(&token);
    let rejected = report(&emulator, "Echo", &token);
    assert_ne!(rejected["WinkasErrorCode"], 0);
    assert_eq!(rejected["WinkasErrorCode"], forbidden["WinkasErrorCode"]);
    assert_eq!(rejected["WinKasMessage"], forbidden["WinKasMessage"]);
    assert_eq!((emulator.counts().winkas.api, emulator.counts().winkas.rejected), (3, 1));
}

#[test]
fn numbers_in_envelopes_may_be_strings() {
    let emulator = start();
    emulator.options(|o| o.winkas.numbers_as_strings = true);
    let body = authenticate(&emulator);
    assert_eq!((&body["WinkasErrorCode"], &body["WinKasStatus"]), (&json!("0"), &json!("0")));
}

#[test]
fn authenticate_may_return_the_password() {
    let emulator = start();
    emulator.options(|o| o.winkas.echo_credentials = true);
    let password = authenticate(&emulator)["WinKasData"]["UserPassword"].clone();
    assert_eq!(password, emulator.winkas().password());
}

#[test]
fn authenticate_answers_405_to_get_and_415_to_another_content_type() {
    let emulator = start();
    let server = emulator.winkas().server();
    let reply = get(&server, AUTHENTICATE, &[]);
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
    assert_eq!(crate::client::post_form(&server, AUTHENTICATE, &[], &[("a", "b")]).status, 415);
    assert_eq!(get(&server, "/api/Unknown/Call", &[]).status, 404);
}

#[test]
fn a_token_is_as_long_as_the_documented_one() {
    let emulator = start();
    let token = winkas_token(&emulator);
    assert_eq!((token.len(), token.matches('|').count()), (237, 9));
}

#[test]
fn the_keys_of_an_answer_are_in_the_documented_order() {
    let emulator = start();
    let body = authenticate_body(&emulator, &emulator.winkas().password());
    let reply = post_json(&emulator.winkas().server(), AUTHENTICATE, &body);
    let text = String::from_utf8(reply.body).unwrap();
    let keys = [
        "AuthenticationMessage",
        "WinKasData",
        "Id",
        "UserName",
        "UserPassword",
        "UserContractCode",
        "CurrentToken",
        "UserRealName",
        "AuthLevel",
        "Profile",
        "WinkasErrorCode",
        "WinKasStatus",
        "WinKasStatusString",
        "WinKasMessage",
        "ApiVersion",
        "ResponseDateTime",
        "ResponseInfo",
        "ElapsedSeconds",
        "ServerName",
        "Source",
    ];
    let found = keys.map(|key| text.find(&format!("\"{key}\":")).expect(key));
    assert!(found.is_sorted(), "{text}");
}
