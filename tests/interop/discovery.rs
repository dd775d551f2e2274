//! A token with the server's address alone: the paths come from the server's discovery document.

use std::collections::BTreeMap;

use tokenlease::Rejection;
use tokenlease_tests::servers::{Running, TestServer};

use crate::{life::in_short, trial::Trial};

/// The part of the address after the port, which is a part of the issuer.
fn path(server: &TestServer) -> &'static str {
    match server.name.as_str() {
        "keycloak" => "/realms/test",
        _ => "",
    }
}

/// The outcome at a server: a token and what can be done with it, or the error without a document.
pub(crate) fn run(server: &TestServer, running: &Running) -> String {
    let profile = &server.profiles[0].1;
    let mut trial = Trial::new(running, profile).with("provider", "oauth2");
    for option in ["token_path", "revocation_path", "introspection_path", "userinfo_path"] {
        trial = trial.without(option);
    }
    let trial = trial.with("server", &(running.address() + path(server)));
    let client = trial.client().expect("a client");
    let token = match client.token() {
        Ok(token) => token,
        Err(error) => return error.to_string(),
    };
    let place = &server.name;
    assert_eq!(trial.api(&server.api, &token).status(), 200, "{place}");
    let validated = in_short(client.validate(&token));
    let reported = match client.report_rejected(&token) {
        Ok(Rejection::StillActive) => "still active".into(),
        other => in_short(other.map(|_| "replaced")),
    };
    let revoked = in_short(client.revoke(&token));
    format!("a token; validate: {validated}; report rejected: {reported}; revoke: {revoked}")
}

/// Checks what was found at each server.
pub(crate) fn check(found: &BTreeMap<String, String>) {
    for (name, outcome) in found {
        let all = "a token; validate: true; report rejected: still active; revoke: proven";
        let expected = match name.as_str() {
            "keycloak" | "oidc-provider" | "spring-authorization-server" | "zitadel-oidc" => all,
            // Its document names userinfo alone, and the token lacks the scope `openid`.
            "django-oauth-toolkit" => {
                "a token; validate: unsupported; report rejected: \"replaced\"; revoke: unsupported"
            }
            // It is called at the default path, and has its token endpoint elsewhere.
            _ => "there is no discovery document at http://127.0.0.1:",
        };
        assert!(outcome.contains(expected), "{name}: {outcome}");
    }
}
