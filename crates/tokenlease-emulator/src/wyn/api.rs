//! The endpoints that take a token: userinfo, introspection and two API calls.

use http::{HeaderValue, Method, StatusCode};
use serde_json::json as object;

use crate::clock::Millis;
use crate::counts::Provider;
use crate::fields::Fields;
use crate::http1::{Answer, Call, empty, json as json_answer, method_not_allowed, with};
use crate::quirk::Quirk;
use crate::state::State;
use crate::wyn::client_auth::{Form, may_introspect, scheme};
use crate::wyn::protocol::{FORM, Rejection, base_address, json, no_store};

/// `GET /connect/userinfo` (`OpenID` Connect Core 1.0 section 5.3). The token must have the scope
/// `openid`.
pub(super) fn userinfo(state: &State, now: Millis, call: &Call) -> Answer {
    if call.method != Method::GET && call.method != Method::POST {
        return method_not_allowed("GET, POST");
    }
    if state.has(Quirk::Userinfo401) || state.has(Quirk::Api401) {
        return challenge(state, StatusCode::UNAUTHORIZED, INVALID_TOKEN);
    }
    if state.has(Quirk::Userinfo403) {
        return empty(StatusCode::FORBIDDEN);
    }
    if state.has(Quirk::Userinfo404) {
        return empty(StatusCode::NOT_FOUND);
    }
    let in_form = call.has_content_type(FORM).then(|| Form::read(call));
    let value = bearer(call).or_else(|| in_form.as_ref()?.value("access_token"));
    let token = state.tokens.active(Provider::Wyn, value.unwrap_or_default(), now);
    let Some(token) = token else {
        return challenge(state, StatusCode::UNAUTHORIZED, INVALID_TOKEN);
    };
    let has = |scope| token.scope.split(' ').any(|one| one == scope);
    if !has("openid") || state.has(Quirk::InsufficientScope) {
        return challenge(state, StatusCode::FORBIDDEN, INSUFFICIENT_SCOPE);
    }
    let mut body = Fields::new().with("sub", token.user.as_str());
    if has("profile") {
        body = body.with("name", token.user.as_str());
    }
    no_store(json(StatusCode::OK, &body))
}

/// Returns a challenge as `IdentityServer4` sends it (RFC 6750 section 3).
fn challenge(state: &State, status: StatusCode, error: &'static str) -> Answer {
    let mut answer = no_store(empty(status));
    let headers = answer.headers_mut();
    let mut add = |text: String| {
        let value = HeaderValue::try_from(text).expect("a valid header value");
        headers.append("www-authenticate", value);
    };
    if state.has(Quirk::SplitChallenge) {
        add("Bearer realm=\"IdentityServer\"".to_owned());
        add(format!("error=\"{error}\""));
    } else {
        add(format!("Bearer error=\"{error}\""));
    }
    answer
}

/// `POST /connect/introspect` (RFC 7662), for the API resource with its own secret.
pub(super) fn introspect(state: &mut State, now: Millis, call: &Call) -> Answer {
    if call.method != Method::POST {
        return method_not_allowed("POST");
    }
    if !call.has_content_type(FORM) {
        return empty(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    if state.has(Quirk::Introspect401) {
        let text = "ErrorType=unauthorized_client";
        let answer = empty(StatusCode::UNAUTHORIZED).map(|_| text.into());
        return with(answer, &[("content-type", "text/plain; charset=utf-8")]);
    }
    let form = Form::read(call);
    if !may_introspect(state, call, &form) {
        return empty(StatusCode::UNAUTHORIZED);
    }
    let Some(value) = form.sent("token") else {
        return Rejection::new("missing_token").answer();
    };
    let body = match state.tokens.active(Provider::Wyn, value, now) {
        None => Fields::new().with("active", false),
        Some(token) => {
            let times = Fields::new()
                .with("iss", base_address(call))
                .with("nbf", token.created.seconds())
                .with("exp", token.expires.seconds())
                .with("client_id", token.client.as_str());
            let user = if token.user.is_empty() {
                Fields::new()
            } else {
                Fields::new().with("sub", token.user.as_str())
            };
            times.followed_by(user).with("active", true).with("scope", token.scope.as_str())
        }
    };
    no_store(json(StatusCode::OK, &body))
}

/// `GET /api/v2/me`, and `GET /api/v2/forbidden`, for which the user has no permission.
pub(super) fn call(state: &mut State, now: Millis, call: &Call, permitted: bool) -> Answer {
    if call.method != Method::GET {
        return method_not_allowed("GET");
    }
    let in_url = call.query_value("token");
    let value = bearer(call).or_else(|| call.header("reference-token")).or(in_url.as_deref());
    let mut token = state.tokens.active(Provider::Wyn, value.unwrap_or_default(), now);
    if state.has(Quirk::Api401) {
        token = None;
    }
    let Some(token) = token else {
        state.counts.wyn.rejected += 1;
        return unauthorized(value.is_some());
    };
    if !permitted {
        let message = "The user has no permission for this.";
        return json_answer(StatusCode::FORBIDDEN, &object!({ "message": message }));
    }
    json_answer(StatusCode::OK, &object!({"name": token.user, "tenant_path": token.tenant}))
}

/// Returns 401 with the challenge of RFC 6750 section 3, which has no error if the call had no token.
fn unauthorized(with_token: bool) -> Answer {
    let challenge = if with_token { "Bearer error=\"invalid_token\"" } else { "Bearer" };
    no_store(with(empty(StatusCode::UNAUTHORIZED), &[("www-authenticate", challenge)]))
}

fn bearer(call: &Call) -> Option<&str> {
    scheme(call.header("authorization")?, "bearer")
}

const INVALID_TOKEN: &str = "invalid_token";
const INSUFFICIENT_SCOPE: &str = "insufficient_scope";
