//! Wyn Enterprise: the `/connect/*` endpoints of `IdentityServer4`, and API calls.
//!
//! Sources: the provider's article "How To Use Connect Tokens", `IdentityServer4`, and the RFCs that
//! the comments name.

mod api;
mod client_auth;
mod protocol;
mod revocation;
mod token;

use http::{Method, StatusCode};
use serde_json::json;

pub(crate) use protocol::{API_RESOURCE, CLIENT_ID};
pub(crate) use token::login_elsewhere;

use crate::clock::Millis;
use crate::fault::Endpoint;
use crate::fields::Fields;
use crate::http1::{Answer, Call, empty, method_not_allowed};
use crate::quirk::Quirk;
use crate::state::State;
use crate::wyn::protocol::{SCOPE, base_address};

/// Returns the endpoint of a path, if it takes faults.
pub(crate) fn endpoint(path: &str) -> Option<Endpoint> {
    Some(match path {
        TOKEN => Endpoint::WynLogin,
        REVOCATION => Endpoint::WynRevoke,
        USERINFO => Endpoint::WynUserinfo,
        INTROSPECT => Endpoint::WynIntrospect,
        ME | FORBIDDEN => Endpoint::WynApi,
        _ => return None,
    })
}

/// Processes a call and returns its answer.
pub(crate) fn process(state: &mut State, now: Millis, call: &Call) -> Answer {
    let options = &state.options.wyn;
    match call.path.as_str() {
        TOKEN => token::answer(state, now, call),
        REVOCATION if options.revocation => revocation::revoke(state, now, call),
        BATCH_REVOCATION => revocation::revoke_batch(state, now, call),
        INTROSPECT if options.introspection => api::introspect(state, now, call),
        USERINFO if options.userinfo => api::userinfo(state, now, call),
        ME => api::call(state, now, call, true),
        FORBIDDEN => api::call(state, now, call, false),
        DISCOVERY if options.discovery => discovery(state, call),
        _ => empty(StatusCode::NOT_FOUND),
    }
}

/// Answers with the server's metadata (RFC 8414; `OpenID` Connect Discovery 1.0 section 4), which has
/// what the options allow.
fn discovery(state: &State, call: &Call) -> Answer {
    let (options, quirk) = (&state.options.wyn, |quirk| state.has(quirk));
    if quirk(Quirk::Discovery503) {
        return empty(StatusCode::SERVICE_UNAVAILABLE);
    }
    if call.method != Method::GET {
        return method_not_allowed("GET");
    }
    let server = base_address(call);
    let issuer = if quirk(Quirk::OtherIssuer) { "https://issuer.example" } else { &server };
    let mut body = Fields::new().with("issuer", issuer);
    let token = if quirk(Quirk::ForeignEndpoint) { "https://token.example" } else { &server };
    let server_of = |path| if path == TOKEN { token } else { &server };
    for (name, path, exists) in [
        ("token_endpoint", TOKEN, true),
        ("userinfo_endpoint", USERINFO, options.userinfo),
        ("revocation_endpoint", REVOCATION, options.revocation),
        ("introspection_endpoint", INTROSPECT, options.introspection),
    ] {
        if exists {
            body = body.with(name, format!("{}{path}", server_of(path)));
        }
    }
    let grants: &[&str] = if options.client_credentials {
        &["client_credentials", "password"]
    } else {
        &["password"]
    };
    let body = body
        .with("scopes_supported", json!(SCOPE.split(' ').collect::<Vec<_>>()))
        .with("grant_types_supported", json!(grants))
        .with(
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post"]),
        );
    protocol::json(StatusCode::OK, &body)
}

const TOKEN: &str = "/connect/token";
const REVOCATION: &str = "/connect/revocation";
const USERINFO: &str = "/connect/userinfo";
const INTROSPECT: &str = "/connect/introspect";
const DISCOVERY: &str = "/.well-known/openid-configuration";
const BATCH_REVOCATION: &str = "/api/v2/identity/token/batch-revocation";
const ME: &str = "/api/v2/me";
const FORBIDDEN: &str = "/api/v2/forbidden";
