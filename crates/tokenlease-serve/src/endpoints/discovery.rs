//! The discovery document (RFC 8414), by which libraries find the endpoints.

use http::StatusCode;
use serde_json::json as object;

use crate::{
    answer::{Answer, json},
    guard::Place,
    state::Configured,
};

const METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// Answers `GET /.well-known/oauth-authorization-server`.
pub(crate) fn get(configured: &Configured, place: Place) -> Answer {
    let issuer = match place {
        Place::Tcp(address) => format!("http://{address}"),
        // A client of a Unix socket has to name some host.
        Place::Unix => "http://localhost".to_owned(),
    };
    let mut scopes: Vec<_> =
        configured.profiles.iter().map(|profile| profile.name.as_str()).collect();
    scopes.sort_unstable();
    let document = object!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/token"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "scopes_supported": scopes,
        "token_endpoint_auth_methods_supported": METHODS,
        "introspection_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint_auth_methods_supported": METHODS,
    });
    json(StatusCode::OK, &document)
}
