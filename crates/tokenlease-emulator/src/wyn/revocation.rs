//! Revocation of one token (RFC 7009), and of all tokens that were issued before a time.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::clock::Millis;
use crate::counts::Provider;
use crate::http1::{Answer, Call, empty, json as json_answer, method_not_allowed};
use crate::quirk::Quirk;
use crate::state::State;
use crate::wyn::client_auth::{Form, authenticate};
use crate::wyn::protocol::{FORM, Rejection};

/// `POST /connect/revocation`. Also answers 200 for an unknown token, and for a token of another
/// client, which stays active.
pub(super) fn revoke(state: &mut State, now: Millis, call: &Call) -> Answer {
    if call.method != Method::POST {
        return method_not_allowed("POST");
    }
    if !call.has_content_type(FORM) {
        return empty(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    match try_revoke(state, now, call) {
        Ok(()) => empty(StatusCode::OK),
        Err(rejection) => rejection.answer_without_cache_headers(),
    }
}

fn try_revoke(state: &mut State, now: Millis, call: &Call) -> Result<(), Rejection> {
    let form = Form::read(call);
    let client = authenticate(state, call, &form)?;
    let value = form.value("token").ok_or_else(|| Rejection::new("invalid_request"))?;
    // The server reads the parameter of the RFC, and ignores `token_type` of the provider's article.
    match form.value("token_type_hint") {
        None | Some("access_token") if state.has(Quirk::RevokesNothing) => {}
        None | Some("access_token") => {
            state.tokens.end(now, |token| {
                token.provider == Provider::Wyn && token.client == client && token.value == value
            });
        }
        // IdentityServer4 then searches only the refresh tokens.
        Some("refresh_token") => {}
        Some(_) => return Err(Rejection::new("unsupported_token_type")),
    }
    Ok(())
}

/// `POST /api/v2/identity/token/batch-revocation` of Wyn 9.0.00263.0. Ends all tokens that were issued
/// before `creationBefore`, a date or a time in UTC by ISO 8601.
pub(super) fn revoke_batch(state: &mut State, now: Millis, call: &Call) -> Answer {
    if call.method != Method::POST {
        return method_not_allowed("POST");
    }
    let admin = call.header("reference-token").unwrap_or_default();
    if state.tokens.active(Provider::Wyn, admin, now).is_none() {
        return empty(StatusCode::UNAUTHORIZED);
    }
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let Some(before) = body["creationBefore"].as_str().and_then(Millis::of_iso) else {
        let message = "creationBefore must be a time such as 2026-02-13T01:31:00Z";
        return json_answer(StatusCode::BAD_REQUEST, &json!({ "message": message }));
    };
    let count =
        state.tokens.end(now, |token| token.provider == Provider::Wyn && token.created < before);
    json_answer(StatusCode::OK, &json!({ "count": count }))
}
