//! Recorded answers: each is read as the answer to the call that it belongs to, and the outcomes are a
//! snapshot.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use http::Response;
use tokenlease_core::{
    Credentials, Error, Identity, Timestamp, Token, TokenKind,
    provider::{Answer, Call, Server},
};
use tokenlease_tests::{fixtures, recorded};

const SENT_AT: Timestamp = Timestamp(1_000);
const TOKEN: &str = "U1vTcanaryA|86Vb-crg_";

#[test]
fn oidc_provider_is_understood() {
    let server = Identity::wyn("http://127.0.0.1:5001", "admin", "integration").unwrap();
    insta::assert_snapshot!(summary("captures/oidc-provider", &Server::new(server)));
}

#[test]
fn django_oauth_toolkit_is_understood() {
    let server = Identity::wyn("http://127.0.0.1:5002", "admin", "integration").unwrap();
    insta::assert_snapshot!(summary("captures/django-oauth-toolkit", &Server::new(server)));
}

#[test]
fn winkas_air_is_understood() {
    let server = Identity::winkas("https://air.winkas.net", "mj", "42").unwrap();
    insta::assert_snapshot!(summary("examples/winkas", &Server::new(server)));
}

#[test]
fn wyn_enterprise_is_understood() {
    let server = Identity::wyn("http://localhost:51980", "admin", "integration").unwrap();
    insta::assert_snapshot!(summary("examples/wyn", &Server::new(server)));
}

#[test]
fn every_listed_capture_is_there_and_no_other() {
    for server in ["oidc-provider", "django-oauth-toolkit"] {
        let listed = fs::read(fixtures().join("captures").join(server).join("_cases.json"));
        let listed: serde_json::Value = serde_json::from_slice(&listed.unwrap()).unwrap();
        let listed: BTreeMap<_, _> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|case| (case["case"].as_str().unwrap().to_owned(), case["status"].as_u64()))
            .collect();
        let found: BTreeMap<_, _> = responses(&format!("captures/{server}"))
            .into_iter()
            .map(|(case, response)| (case, Some(u64::from(response.status().as_u16()))))
            .collect();
        assert_eq!(listed, found);
    }
}

/// Returns one line for each response in a folder, without any token's text.
fn summary(folder: &str, server: &Server) -> String {
    let token = || Token::new(server.token_kind(), TOKEN);
    let credentials = Credentials::password("hunter2canary").with_client_secret("secret-canary");
    let introspecting = match server.token_kind() {
        TokenKind::Bearer => server
            .clone()
            .with_introspection_path("/connect/introspect")
            .and_then(|server| server.with_userinfo_path(""))
            .unwrap(),
        _ => server.clone(),
    };
    let mut summary = String::new();
    let mut secrets = vec!["canary".to_owned()];
    for (case, response) in responses(folder) {
        let read = |server: &Server, call: Call| {
            outcome(&server.read(&call, &response, SENT_AT, &credentials))
        };
        let outcome = match case.split('_').next().unwrap() {
            "refetch" => read(server, Call::Refetch),
            "validate" | "userinfo" => read(server, Call::Validate(token())),
            "introspect" => read(&introspecting, Call::Validate(token())),
            "revoke" => read(server, Call::Revoke(token())),
            "api" => format!("{:?}", server.read_answer(&response)),
            // Also answers of other endpoints, at a wrong token path.
            _ => read(server, Call::Login),
        };
        writeln!(summary, "{case} ({}): {outcome}", response.status().as_u16()).unwrap();
        secrets.extend(tokens(&response));
    }
    for secret in &secrets {
        assert!(!summary.contains(secret), "{secret} in {summary}");
    }
    summary
}

fn outcome(answer: &Answer) -> String {
    let error = |name: &str, error: &Error| {
        let retry = error.retry_after().map(|wait| format!(", retry after {wait:?}"));
        format!("{name}, {}{}\n    {error}", error.kind().as_str(), retry.unwrap_or_default())
    };
    match answer {
        Answer::Token(granted) => {
            let refresh = if granted.refresh_token.is_some() { ", refresh token" } else { "" };
            let scope = granted.scope.as_deref().unwrap_or("none");
            format!(
                "Token, {:?}, ends {:?}, scope {scope}{refresh}",
                granted.life,
                granted.expires_at()
            )
        }
        Answer::NoToken(cause) => error("NoToken", cause),
        Answer::Failed(cause) => error("Failed", cause),
        Answer::NotRevoked(cause) => error("NotRevoked", cause),
        other => format!("{other:?}"),
    }
}

/// Returns the tokens in a response.
fn tokens(response: &Response<Vec<u8>>) -> Vec<String> {
    let body = serde_json::from_slice::<serde_json::Value>(response.body()).unwrap_or_default();
    [&body["access_token"], &body["refresh_token"], &body["Token"]]
        .into_iter()
        .filter_map(|token| token.as_str().filter(|text| !text.is_empty()))
        .map(str::to_owned)
        .collect()
}

fn responses(folder: &str) -> BTreeMap<String, Response<Vec<u8>>> {
    let responses: BTreeMap<_, _> = fs::read_dir(fixtures().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "http"))
        .map(|path| {
            let case = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (case, recorded(&fs::read(&path).unwrap()))
        })
        .collect();
    assert!(!responses.is_empty(), "{folder} has no responses");
    responses
}
