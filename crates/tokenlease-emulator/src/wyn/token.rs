//! `POST /connect/token` (RFC 6749 sections 4.3, 4.4, 5.1 and 5.2).

use std::collections::BTreeSet;

use http::{Method, StatusCode};

use crate::accounts::Login;
use crate::clock::Millis;
use crate::counts::Provider;
use crate::fields::Fields;
use crate::http1::{Answer, Call, empty, with};
use crate::quirk::Quirk;
use crate::state::State;
use crate::tokens::Token;
use crate::wyn::client_auth::{Form, authenticate};
use crate::wyn::protocol::{
    FORM, IDENTITY_SCOPES, MAX_LENGTH, MAX_SCOPE_LENGTH, Rejection, SCOPE, json, length, no_store,
};

pub(super) fn answer(state: &mut State, now: Millis, call: &Call) -> Answer {
    try_answer(state, now, call).unwrap_or_else(Rejection::answer)
}

fn try_answer(state: &mut State, now: Millis, call: &Call) -> Result<Answer, Rejection> {
    if state.has(Quirk::Bearer401) {
        let answer = empty(StatusCode::UNAUTHORIZED);
        return Ok(with(answer, &[("www-authenticate", "Bearer")]));
    }
    // IdentityServer4 answers neither 405 nor 415 here.
    if call.method != Method::POST || !call.has_content_type(FORM) {
        return Err(Rejection::new("invalid_request"));
    }
    let form = Form::read(call);
    let client = authenticate(state, call, &form)?;
    if state.has(Quirk::ConfigError) && state.config_errors < CONFIG_ERRORS {
        state.config_errors += 1;
        return Err(Rejection::new("unauthorized_client"));
    }
    let own_token = check_grant(state, &form)?;
    // Before the password: a wrong scope does not count for the lockout.
    let scope = scope(&form, own_token).ok_or_else(|| Rejection::new("invalid_scope"))?;
    let user = if own_token { String::new() } else { log_in(state, now, &form)? };
    let tenant = form.value("tenant_path").unwrap_or("/");
    if !tenant.starts_with('/') {
        return Err(Rejection::because("invalid_request", "tenant_path must start with a slash"));
    }
    let lifetime_s = lifetime(state, &form)?;
    let mut token = Token::new(Provider::Wyn, now, lifetime_s);
    client.clone_into(&mut token.client);
    tenant.clone_into(&mut token.tenant);
    token.scope.clone_from(&scope);
    token.user = user;
    let (value, expires) = running(state, now, &token).unwrap_or_else(|| {
        let expires = token.expires;
        state.details.wyn.tokens_issued += 1;
        (login(state, token, now), expires)
    });
    let mut body = Fields::new().with("access_token", value);
    if !state.options.wyn.omit_expires_in {
        body = if state.has(Quirk::TinyLifetime) {
            body.with("expires_in", 0.0005)
        } else {
            body.with("expires_in", expires.seconds() - now.seconds())
        };
    }
    let token_type = if state.has(Quirk::TokenType) { "BearerToken" } else { "Bearer" };
    let body = body.with("token_type", token_type).with("scope", scope);
    Ok(no_store(json(StatusCode::OK, &body)))
}

/// Returns whether the grant is for the client's own token. Grant names are case-sensitive, as in
/// `IdentityServer4`; only the names of parameters are in any case.
fn check_grant(state: &State, form: &Form) -> Result<bool, Rejection> {
    let grant = form.value("grant_type").filter(|grant| length(grant) <= MAX_LENGTH);
    let error = match grant {
        Some("password") => return Ok(false),
        Some("client_credentials") if state.options.wyn.client_credentials => return Ok(true),
        Some(
            "client_credentials"
            | "authorization_code"
            | "urn:ietf:params:oauth:grant-type:device_code",
        ) => "unauthorized_client",
        Some("refresh_token") if form.value("refresh_token").is_none() => "invalid_request",
        Some("refresh_token") => "invalid_grant",
        _ => "unsupported_grant_type",
    };
    Err(Rejection::new(error))
}

/// Returns the scope of the token, distinct and sorted, or `None` if it is not allowed.
fn scope(form: &Form, own_token: bool) -> Option<String> {
    let allowed = |one: &&str| {
        SCOPE.split(' ').any(|known| known == *one) && !(own_token && IDENTITY_SCOPES.contains(one))
    };
    let Some(requested) = form.value("scope") else {
        return Some(SCOPE.split(' ').filter(allowed).collect::<Vec<_>>().join(" "));
    };
    if length(requested) > MAX_SCOPE_LENGTH {
        return None;
    }
    let scopes: BTreeSet<_> = requested.trim().split(' ').filter(|one| !one.is_empty()).collect();
    scopes.iter().all(allowed).then(|| scopes.into_iter().collect::<Vec<_>>().join(" "))
}

fn lifetime(state: &State, form: &Form) -> Result<u32, Rejection> {
    if state.has(Quirk::TinyLifetime) {
        return Ok(0);
    }
    if state.has(Quirk::OverOnArrival) {
        return Ok(1);
    }
    match form.value("access-token-lifetime").map(str::parse) {
        None => Ok(state.options.wyn.lifetime_s),
        Some(Ok(seconds @ 1..)) => Ok(seconds),
        Some(_) => {
            let expected = "access-token-lifetime must be a positive whole number of seconds";
            Err(Rejection::because("invalid_request", expected))
        }
    }
}

/// Returns the running token and its end, if a quirk says that a request gets it again.
fn running(state: &mut State, now: Millis, new: &Token) -> Option<(String, Millis)> {
    let (same_end, new_end) = (state.has(Quirk::RunningToken), state.has(Quirk::SameTokenNewEnd));
    if !same_end && !new_end {
        return None;
    }
    let running = state.tokens.running(new, now)?;
    if new_end {
        running.expires = new.expires;
    }
    Some((running.value.clone(), running.expires))
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

/// Returns the user of the form, or the error answer. Only a user that is missing or too long is an error
/// without a description.
fn log_in(state: &mut State, now: Millis, form: &Form) -> Result<String, Rejection> {
    let user = form.value("username");
    let password = form.value("password").unwrap_or_default();
    let Some(user) =
        user.filter(|user| length(user) <= MAX_LENGTH && length(password) <= MAX_LENGTH)
    else {
        state.details.wyn.wrong_credentials += 1;
        return Err(Rejection::new("invalid_grant"));
    };
    let lockout = state.lockout(Provider::Wyn);
    let login = state.wyn.log_in(user, password, lockout, now);
    state.details.wyn.wrong_credentials += u64::from(login == Login::Wrong);
    if login == Login::Accepted {
        return Ok(state.wyn.user.clone());
    }
    Err(Rejection::because("invalid_grant", "invalid_username_or_password"))
}

/// The token requests that the quirk `config-error` answers.
const CONFIG_ERRORS: u32 = 3;
