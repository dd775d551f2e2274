//! Wyn Enterprise: the `/connect/*` endpoints, as `IdentityServer4` serves them, and API calls.
//!
//! Facts from the provider's article "How To Use Connect Tokens", from `IdentityServer4`, and from
//! the RFCs named at each place.

mod api;
mod client_auth;
mod revocation;
mod token;

use http::{Method, StatusCode};
use serde_json::json;

use crate::clock::Millis;
use crate::counts::Provider;
use crate::fault::Endpoint;
use crate::http1::{Answer, Call, empty, json as json_answer, method_not_allowed, with};
use crate::state::State;
use crate::tokens::Token;

/// The client that Wyn keeps for programs.
pub(crate) const CLIENT_ID: &str = "integration";

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

pub(crate) fn process(state: &mut State, now: Millis, call: &Call) -> Answer {
    match call.path.as_str() {
        TOKEN => token::answer(state, now, call),
        REVOCATION => revocation::revoke(state, now, call),
        BATCH_REVOCATION => revocation::revoke_batch(state, now, call),
        INTROSPECT => api::introspect(state, now, call),
        USERINFO => api::userinfo(state, now, call),
        ME | FORBIDDEN => api::call(state, now, call),
        DISCOVERY => discovery(call),
        _ => empty(StatusCode::NOT_FOUND),
    }
}

/// A token of this client for the same user, as another program would have got it.
pub(crate) fn login_elsewhere(state: &mut State, client: &str, now: Millis) -> String {
    let mut token = Token::new(Provider::Wyn, now, state.options.wyn.lifetime_s);
    client.clone_into(&mut token.client);
    "/".clone_into(&mut token.tenant);
    token.user.clone_from(&state.wyn.user);
    SCOPE.clone_into(&mut token.scope);
    login(state, token, now)
}

fn login(state: &mut State, token: Token, now: Millis) -> String {
    if state.options.wyn.new_token_ends_older {
        state
            .tokens
            .end(now, |older| older.provider == Provider::Wyn && older.client == token.client);
    }
    state.tokens.push(token)
}

/// An error of RFC 6749 section 5.2, which no cache may keep.
struct Rejection {
    status: StatusCode,
    error: &'static str,
    description: Option<&'static str>,
}

impl Rejection {
    const fn new(error: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: None }
    }

    const fn because(error: &'static str, description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: Some(description) }
    }

    fn answer(self) -> Answer {
        let body = match self.description {
            Some(description) => json!({"error": self.error, "error_description": description}),
            None => json!({"error": self.error}),
        };
        let answer = no_store(json_answer(self.status, &body));
        if self.status != StatusCode::UNAUTHORIZED {
            return answer;
        }
        with(answer, &[("www-authenticate", "Basic realm=\"tokenlease-emulator\"")])
    }
}

fn no_store(answer: Answer) -> Answer {
    with(answer, &[("cache-control", "no-store"), ("pragma", "no-cache")])
}

/// The server's metadata (RFC 8414; `OpenID` Connect Discovery 1.0 section 4).
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

const FORM: &str = "application/x-www-form-urlencoded";
/// All scopes, as the article shows them.
const SCOPE: &str = "cache email openid profile scheduler server_portal storage";
/// In characters: what `IdentityServer4` lets a user, a password, a client id and a secret have.
const MAX_LENGTH: usize = 100;
