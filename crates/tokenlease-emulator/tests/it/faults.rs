use std::io::ErrorKind;
use std::time::{Duration, Instant};

use tokenlease_emulator::{Emulator, Endpoint, Fault};

use crate::client::{
    AUTHENTICATE, Client, Reply, authenticate_body, basic, connect_token, post_json, start,
    try_post_json, winkas_token, wyn_token,
};

fn call(emulator: &Emulator) -> Reply {
    let body = authenticate_body(emulator, &emulator.winkas().password());
    post_json(&emulator.winkas().server(), AUTHENTICATE, &body)
}

/// Returns a client that has sent an Authenticate call and has not read the answer.
fn sent(emulator: &Emulator) -> Client {
    let body = authenticate_body(emulator, &emulator.winkas().password()).to_string();
    let mut client = Client::connect(&emulator.winkas().server());
    client.write("POST", AUTHENTICATE, &[("Content-Type", "application/json")], &body).unwrap();
    client
}

#[test]
fn a_status_fault_applies_to_the_given_number_of_calls_and_processes_none() {
    let emulator = start();
    let fault = Fault::status(503).with_body("<h1>busy</h1>").with_content_type("text/html");
    emulator.fault(Endpoint::WinkasLogin, fault, 2);
    for _ in 0..2 {
        let reply = call(&emulator);
        assert_eq!((reply.status, reply.header("content-type")), (503, Some("text/html")));
        assert_eq!(reply.body, b"<h1>busy</h1>");
    }
    assert_eq!(emulator.details().winkas.tokens_issued, 0);
    winkas_token(&emulator);
    assert_eq!(emulator.counts().winkas.login, 3);
}

#[test]
fn a_fault_does_not_affect_other_endpoints() {
    let emulator = start();
    emulator.fault(Endpoint::WinkasLogin, Fault::status(500), 1);
    wyn_token(&emulator);
    emulator.clear_faults();
    winkas_token(&emulator);
}

#[test]
fn a_status_after_processing_loses_the_issued_token() {
    let emulator = start();
    emulator.fault(Endpoint::WinkasLogin, Fault::status(502).after_processing(), 1);
    assert_eq!(call(&emulator).status, 502);
    assert_eq!(emulator.winkas().active_tokens().len(), 1);
}

#[test]
fn retry_after_is_in_seconds_or_a_date_of_the_emulators_clock() {
    let emulator = start();
    emulator.advance(Duration::from_secs(86_400));
    let wait = Duration::from_secs(90);
    emulator.fault(Endpoint::WinkasLogin, Fault::status(429).with_retry_after(wait), 1);
    emulator.fault(Endpoint::WinkasLogin, Fault::status(503).with_retry_after_date(wait), 1);
    assert_eq!(call(&emulator).header("retry-after"), Some("90"));
    let reply = call(&emulator);
    let parse = |name| httpdate::parse_http_date(reply.header(name).unwrap()).unwrap();
    assert_eq!(parse("retry-after").duration_since(parse("date")).unwrap(), wait);
}

#[test]
fn a_delayed_call_is_processed_before_the_delay() {
    let emulator = start();
    emulator.fault(Endpoint::WinkasLogin, Fault::delay(Duration::from_millis(60)), 1);
    let start = Instant::now();
    assert_eq!(call(&emulator).status, 200);
    assert!(start.elapsed() >= Duration::from_millis(60));
    // The token is also issued if the client closes the connection.
    emulator.fault(Endpoint::WinkasLogin, Fault::delay(Duration::from_secs(600)), 1);
    let client = sent(&emulator);
    while emulator.counts().winkas.login < 2 {
        std::thread::yield_now();
    }
    drop(client);
    assert_eq!(emulator.details().winkas.tokens_issued, 2);
}

#[test]
fn a_reset_before_processing_issues_no_token() {
    let emulator = start();
    emulator.fault(Endpoint::WinkasLogin, Fault::reset(), 1);
    let error = sent(&emulator).read().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(emulator.details().winkas.tokens_issued, 0);
    assert_eq!(emulator.counts().winkas.login, 1);
}

#[test]
fn a_reset_after_processing_loses_only_the_answer() {
    let emulator = start();
    emulator.fault(Endpoint::WinkasLogin, Fault::reset().after_processing(), 1);
    let error = sent(&emulator).read().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(emulator.details().winkas.tokens_issued, 1);
}

#[test]
fn a_reset_fault_also_resets_a_reused_connection() {
    let emulator = start();
    let mut client = sent(&emulator);
    assert_eq!(client.read().unwrap().status, 200);
    emulator.fault(Endpoint::WinkasLogin, Fault::reset(), 1);
    let body = authenticate_body(&emulator, &emulator.winkas().password()).to_string();
    let headers = [("Content-Type", "application/json")];
    let error = client.send("POST", AUTHENTICATE, &headers, &body).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn half_a_body_is_shorter_than_its_content_length() {
    let emulator = start();
    emulator.fault(Endpoint::WinkasLogin, Fault::half_body(), 1);
    let mut client = sent(&emulator);
    let (status, headers) = client.read_head().unwrap();
    assert_eq!(status, 200);
    let announced = headers.iter().find(|(name, _)| name == "content-length").unwrap();
    let announced: usize = announced.1.parse().unwrap();
    assert_eq!(client.read_rest().unwrap().len(), announced / 2);
    assert_eq!(emulator.details().winkas.tokens_issued, 1);
}

#[test]
fn half_of_an_empty_body_also_breaks_off() {
    let emulator = start();
    emulator.fault(Endpoint::WynRevoke, Fault::half_body(), 1);
    let token = wyn_token(&emulator);
    let basic = basic(&emulator);
    let headers =
        [("Authorization", basic.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    let mut client = Client::connect(&emulator.wyn().server());
    let answer = client.send("POST", "/connect/revocation", &headers, &format!("token={token}"));
    assert_eq!(answer.err().unwrap().kind(), ErrorKind::UnexpectedEof);
    assert!(!emulator.token_is_active(&token));
}

#[test]
fn a_fault_may_change_only_the_content_type() {
    let emulator = start();
    emulator.fault(Endpoint::WynLogin, Fault::content_type("text/html"), 1);
    let reply = connect_token(&emulator, &[]);
    assert_eq!(reply.header("content-type"), Some("text/html"));
    assert!(emulator.token_is_active(reply.json()["access_token"].as_str().unwrap()));
}

#[test]
fn a_garbage_body_has_the_given_length_and_is_not_json() {
    let emulator = start();
    emulator.fault(Endpoint::WinkasLogin, Fault::garbage(3_000_001), 1);
    let reply = call(&emulator);
    assert_eq!((reply.status, reply.body.len()), (200, 3_000_001));
    assert!(serde_json::from_slice::<serde_json::Value>(&reply.body).is_err());
    assert_eq!(emulator.details().winkas.tokens_issued, 0);
}

#[test]
fn an_envelope_error_is_answered_in_http_200() {
    let emulator = start();
    emulator.fault(Endpoint::WinkasLogin, Fault::envelope(42, "Maintenance."), 1);
    let reply = call(&emulator);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["WinkasErrorCode"], 42);
    assert_eq!(reply.json()["WinKasMessage"], "Maintenance.");
}

#[test]
fn a_fault_may_be_an_oauth_error_or_set_any_header() {
    let emulator = start();
    emulator.fault(Endpoint::WynLogin, Fault::oauth_error("temporarily_unavailable"), 1);
    let elsewhere = Fault::status(307).with_header("location", "http://127.0.0.1:9/");
    emulator.fault(Endpoint::WynLogin, elsewhere, 1);
    let reply = connect_token(&emulator, &[]);
    assert_eq!((reply.status, &reply.json()["error"]), (400, &"temporarily_unavailable".into()));
    let reply = connect_token(&emulator, &[]);
    assert_eq!((reply.status, reply.header("location")), (307, Some("http://127.0.0.1:9/")));
}

#[test]
fn a_fault_may_set_a_wrong_date() {
    let emulator = start();
    let date = "Mon, 21 Mar 2022 10:43:26 GMT";
    let fault = Fault::delay(Duration::ZERO).with_header("date", date);
    emulator.fault(Endpoint::WinkasLogin, fault, 1);
    let body = authenticate_body(&emulator, &emulator.winkas().password());
    let reply = try_post_json(&emulator.winkas().server(), AUTHENTICATE, &body).unwrap();
    assert_eq!((reply.status, reply.header("date")), (200, Some(date)));
}
