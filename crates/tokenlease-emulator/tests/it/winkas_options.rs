use serde_json::{Value, json};
use tokenlease_emulator::Names;

use crate::client::{
    AUTHENTICATE, Client, REFETCH, authenticate, authenticate_body, get, post_json, start,
    winkas_token,
};

#[test]
fn an_option_accepts_a_raw_pipe() {
    let emulator = start();
    let target = format!("/api/Authentication/Validate?token={}", winkas_token(&emulator));
    assert_eq!(get(&emulator.winkas().server(), &target, &[]).status, 400);
    emulator.options(|o| o.winkas.raw_pipe = true);
    let reply = get(&emulator.winkas().server(), &target, &[]).json();
    assert_eq!(reply["AuthenticationMessage"], "Token validation result is: True");
}

#[test]
fn an_option_accepts_the_names_of_requests_in_any_case() {
    let emulator = start();
    let winkas = emulator.winkas();
    let login = json!({"username": winkas.user(), "USERPASSWORD": winkas.password(),
        "userContractCode": winkas.contract()});
    let refetch = json!({"contractid": winkas.contract(), "USERNAME": winkas.user(),
        "password": winkas.password()});
    let reply = post_json(&winkas.server(), AUTHENTICATE, &login).json();
    assert_ne!(reply["WinkasErrorCode"], 0);
    emulator.options(|o| o.winkas.request_names_in_any_case = true);
    let token =
        post_json(&winkas.server(), AUTHENTICATE, &login).json()["WinKasData"]["CurrentToken"]
            .clone();
    assert_eq!(post_json(&winkas.server(), REFETCH, &refetch).json()["Token"], token);
    let body = json!({"token": token, "Year": "2026"});
    let reply = post_json(&winkas.server(), "/api/Report/Echo", &body).json();
    assert_eq!(reply["WinKasData"], json!({"Year": "2026"}));
}

#[test]
fn an_option_changes_the_case_of_the_names_in_answers() {
    let emulator = start();
    for (names, data, token) in [
        (Names::Camel, "winKasData", "currentToken"),
        (Names::Lower, "winkasdata", "currenttoken"),
        (Names::Upper, "WINKASDATA", "CURRENTTOKEN"),
    ] {
        emulator.options(|o| o.winkas.names = names);
        assert!(authenticate(&emulator)[data][token].is_string(), "{names:?}");
    }
}

#[test]
fn options_answer_in_text_json_and_iso_8859_1() {
    let emulator = start();
    emulator.options(|o| {
        o.winkas.text_json = true;
        o.winkas.latin1 = true;
    });
    let winkas = emulator.winkas();
    // The password has a character that is one byte in ISO-8859-1.
    let body = authenticate_body(&emulator, &winkas.password()).to_string();
    let body: Vec<u8> = body.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect();
    let headers = [("Content-Type", "text/json; charset=ISO-8859-1")];
    let mut client = Client::connect(&winkas.server());
    let reply = client.send_bytes("POST", AUTHENTICATE, &headers, &body).unwrap();
    assert_eq!(reply.header("content-type"), Some("text/json; charset=iso-8859-1"));
    assert!(std::str::from_utf8(&reply.body).is_err());
    let text: String = reply.body.iter().map(|&byte| char::from(byte)).collect();
    let body: Value = serde_json::from_str(&text).unwrap();
    assert!(body["WinKasData"]["CurrentToken"].is_string());
    assert_eq!(body["WinKasData"]["UserRealName"], "M. J\u{f8}rgensen");
}
