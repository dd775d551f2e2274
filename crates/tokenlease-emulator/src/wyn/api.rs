//! The endpoints that take a token: userinfo, introspection and two API calls.

use http::{Method, StatusCode};
use serde_json::json;

use crate::clock::Millis;
use crate::counts::Provider;
use crate::http1::{Answer, Call, empty, json as json_answer, method_not_allowed, with};
use crate::state::State;
use crate::wyn::client_auth::{Form, authenticate, scheme};
use crate::wyn::protocol::{FORM, Rejection, no_store};

/// `GET /connect/userinfo` (`OpenID` Connect Core 1.0 section 5.3).
pub(super) fn userinfo(state: &State, now: Millis, call: &Call) -> Answer {
    if call.method != Method::GET && call.method != Method::POST {
        return method_not_allowed("GET, POST");
    }
    let Some(value) = bearer(call) else { return unauthorized(false) };
    let Some(token) = state.tokens.active(Provider::Wyn, value, now) else {
        return unauthorized(true);
    };
    no_store(json_answer(StatusCode::OK, &json!({"sub": token.user, "name": token.user})))
}

/// `POST /connect/introspect` (RFC 7662), for the client that got the token.
pub(super) fn introspect(state: &mut State, now: Millis, call: &Call) -> Answer {
    if call.method != Method::POST {
        return method_not_allowed("POST");
    }
    if !call.has_content_type(FORM) {
        return empty(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let Some(form) = Form::read(call) else { return Rejection::new("invalid_request").answer() };
    if let Err(mut rejection) = authenticate(state, call, &form) {
        // 401 as RFC 7662 section 2.3 requires; the token endpoint answers 400.
        if rejection.error == "invalid_client" {
            rejection.status = StatusCode::UNAUTHORIZED;
        }
        return rejection.answer();
    }
    let Some(value) = form.value("token") else {
        return Rejection::new("invalid_request").answer();
    };
    let body = match state.tokens.active(Provider::Wyn, value, now) {
        None => json!({"active": false}),
        Some(token) => json!({
            "active": true,
            "client_id": token.client,
            "sub": token.user,
            "scope": token.scope,
            "token_type": "Bearer",
            "iat": token.created.seconds(),
            "exp": token.expires.seconds(),
        }),
    };
    no_store(json_answer(StatusCode::OK, &body))
}

/// `GET /api/v2/me`, and `GET /api/v2/forbidden`, for which the user has no permission.
pub(super) fn call(state: &mut State, now: Millis, call: &Call, permitted: bool) -> Answer {
    if call.method != Method::GET {
        return method_not_allowed("GET");
    }
    let in_url = call.query_value("token");
    let value = bearer(call).or_else(|| call.header("reference-token")).or(in_url.as_deref());
    let Some(token) = state.tokens.active(Provider::Wyn, value.unwrap_or_default(), now) else {
        state.counts.wyn.rejected += 1;
        return unauthorized(value.is_some());
    };
    if !permitted {
        let message = "The user has no permission for this.";
        return json_answer(StatusCode::FORBIDDEN, &json!({ "message": message }));
    }
    json_answer(StatusCode::OK, &json!({"name": token.user, "tenant_path": token.tenant}))
}

/// Returns 401 with the challenge of RFC 6750 section 3, which has no error if the call had no token.
fn unauthorized(with_token: bool) -> Answer {
    let challenge = if with_token { "Bearer error=\"invalid_token\"" } else { "Bearer" };
    no_store(with(empty(StatusCode::UNAUTHORIZED), &[("www-authenticate", challenge)]))
}

fn bearer(call: &Call) -> Option<&str> {
    scheme(call.header("authorization")?, "bearer")
}
