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

pub(crate) use protocol::CLIENT_ID;
pub(crate) use token::login_elsewhere;

use crate::clock::Millis;
use crate::fault::Endpoint;
use crate::http1::{Answer, Call, empty, json as json_answer, method_not_allowed};
use crate::state::State;
use crate::wyn::protocol::SCOPE;

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
    match call.path.as_str() {
        TOKEN => token::answer(state, now, call),
        REVOCATION => revocation::revoke(state, now, call),
        BATCH_REVOCATION => revocation::revoke_batch(state, now, call),
        INTROSPECT => api::introspect(state, now, call),
        USERINFO => api::userinfo(state, now, call),
        ME => api::call(state, now, call, true),
        FORBIDDEN => api::call(state, now, call, false),
        DISCOVERY => discovery(call),
        _ => empty(StatusCode::NOT_FOUND),
    }
}

/// Answers with the server's metadata (RFC 8414; `OpenID` Connect Discovery 1.0 section 4).
fn discovery(call: &Call) -> Answer {
    if call.method != Method::GET {
        return method_not_allowed("GET");
    }
    let server = format!("http://{}", call.header("host").unwrap_or("127.0.0.1"));
    json_answer(
        StatusCode::OK,
        &json!({
            "issuer": server,
            "token_endpoint": format!("{server}/connect/token"),
            "revocation_endpoint": format!("{server}/connect/revocation"),
            "introspection_endpoint": format!("{server}/connect/introspect"),
            "userinfo_endpoint": format!("{server}/connect/userinfo"),
            "scopes_supported": SCOPE.split(' ').collect::<Vec<_>>(),
            "grant_types_supported": ["password", "client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }),
    )
}

const TOKEN: &str = "/connect/token";
const REVOCATION: &str = "/connect/revocation";
const USERINFO: &str = "/connect/userinfo";
const INTROSPECT: &str = "/connect/introspect";
const DISCOVERY: &str = "/.well-known/openid-configuration";
const BATCH_REVOCATION: &str = "/api/v2/identity/token/batch-revocation";
const ME: &str = "/api/v2/me";
const FORBIDDEN: &str = "/api/v2/forbidden";
