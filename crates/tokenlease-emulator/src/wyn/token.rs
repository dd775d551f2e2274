//! `POST /connect/token` (RFC 6749 sections 4.3, 4.4, 5.1 and 5.2).

use http::{Method, StatusCode};
use serde_json::json;

use crate::accounts::Login;
use crate::clock::Millis;
use crate::counts::Provider;
use crate::http1::{Answer, Call, json as json_answer};
use crate::state::State;
use crate::tokens::Token;
use crate::wyn::client_auth::{Form, authenticate};
use crate::wyn::protocol::{FORM, MAX_LENGTH, Rejection, SCOPE, no_store};

pub(super) fn answer(state: &mut State, now: Millis, call: &Call) -> Answer {
    try_answer(state, now, call).unwrap_or_else(Rejection::answer)
}

fn try_answer(state: &mut State, now: Millis, call: &Call) -> Result<Answer, Rejection> {
    // IdentityServer4 answers neither 405 nor 415 here.
    if call.method != Method::POST || !call.has_content_type(FORM) {
        return Err(Rejection::new("invalid_request"));
    }
    let form = Form::read(call).ok_or_else(|| Rejection::new("invalid_request"))?;
    let client = authenticate(state, call, &form)?;
    let user = match form.value("grant_type") {
        Some("password") => log_in(state, now, &form)?,
        Some("client_credentials") if state.options.wyn.client_credentials => String::new(),
        Some("client_credentials" | "authorization_code" | "refresh_token") => {
            return Err(Rejection::new("unauthorized_client"));
        }
        _ => return Err(Rejection::new("unsupported_grant_type")),
    };
    let scope = form.value("scope").unwrap_or(SCOPE);
    if !scope.split(' ').all(|one| SCOPE.split(' ').any(|known| known == one)) {
        return Err(Rejection::new("invalid_scope"));
    }
    let tenant = form.value("tenant_path").unwrap_or("/");
    if !tenant.starts_with('/') {
        return Err(Rejection::because("invalid_request", "tenant_path must start with a slash"));
    }
    let lifetime_s = match form.value("access-token-lifetime").map(str::parse) {
        None => state.options.wyn.lifetime_s,
        Some(Ok(seconds @ 1..)) => seconds,
        Some(_) => {
            let expected = "access-token-lifetime must be a positive whole number of seconds";
            return Err(Rejection::because("invalid_request", expected));
        }
    };
    let mut token = Token::new(Provider::Wyn, now, lifetime_s);
    client.clone_into(&mut token.client);
    tenant.clone_into(&mut token.tenant);
    scope.clone_into(&mut token.scope);
    token.user = user;
    let value = login(state, token, now);
    state.details.wyn.tokens_issued += 1;
    let mut body = json!({"access_token": value, "token_type": "Bearer", "scope": scope});
    if !state.options.wyn.omit_expires_in {
        body["expires_in"] = json!(lifetime_s);
    }
    Ok(no_store(json_answer(StatusCode::OK, &body)))
}

/// Issues a token of a client to the same user, as another program would get it.
pub(crate) fn login_elsewhere(state: &mut State, client: &str, now: Millis) -> String {
    let mut token = Token::new(Provider::Wyn, now, state.options.wyn.lifetime_s);
    client.clone_into(&mut token.client);
    "/".clone_into(&mut token.tenant);
    token.user.clone_from(&state.wyn.user);
    SCOPE.clone_into(&mut token.scope);
    login(state, token, now)
}

/// Stores a new token, and ends the older ones of its client if the option says so.
fn login(state: &mut State, token: Token, now: Millis) -> String {
    if state.options.wyn.new_token_ends_older {
        state
            .tokens
            .end(now, |older| older.provider == Provider::Wyn && older.client == token.client);
    }
    state.tokens.push(token)
}

/// Returns the user of the form, or the error answer, which is the same for every cause.
fn log_in(state: &mut State, now: Millis, form: &Form) -> Result<String, Rejection> {
    let rejected = || Rejection::because("invalid_grant", "invalid_username_or_password");
    let short = |name| form.value(name).filter(|value| value.chars().count() <= MAX_LENGTH);
    let lockout = state.lockout(Provider::Wyn);
    let login = match (short("username"), short("password")) {
        (Some(user), Some(password)) => state.wyn.log_in(user, password, lockout, now),
        _ => Login::Wrong,
    };
    state.details.wyn.wrong_credentials += u64::from(login == Login::Wrong);
    if login == Login::Accepted { Ok(state.wyn.user.clone()) } else { Err(rejected()) }
}
