//! `WinKAS` Air: Authenticate, refetch, Validate and two API calls.
//!
//! Paths, field names and texts are from the provider's pages "API Authorization" and "API Token". The
//! error codes other than 0 are invented, because the provider documents none.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::accounts::Login;
use crate::clock::Millis;
use crate::counts::Provider;
use crate::fault::Endpoint;
use crate::http1::{Answer, Call, empty, json as json_answer, method_not_allowed};
use crate::options::{
    Authenticate, RefetchNone, RefetchWrongPassword, ValidateRejection, WinkasOptions,
};
use crate::state::State;
use crate::tokens::Token;

/// Returns the endpoint of a path, if it takes faults.
pub(crate) fn endpoint(path: &str) -> Option<Endpoint> {
    Some(match path {
        AUTHENTICATE => Endpoint::WinkasLogin,
        REFETCH => Endpoint::WinkasRefetch,
        VALIDATE => Endpoint::WinkasValidate,
        ECHO | FORBIDDEN => Endpoint::WinkasApi,
        _ => return None,
    })
}

/// Processes a call and returns its answer.
pub(crate) fn process(state: &mut State, now: Millis, call: &Call) -> Answer {
    if call.path == VALIDATE {
        return validate(state, now, call);
    }
    if endpoint(&call.path).is_none() {
        return json_answer(
            StatusCode::NOT_FOUND,
            &json!({"Message": "No HTTP resource was found"}),
        );
    }
    if call.method != Method::POST {
        return method_not_allowed("POST");
    }
    if !call.has_content_type("application/json") {
        return empty(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let Ok(Value::Object(body)) = serde_json::from_slice(&call.body) else {
        let message = "The body could not be read as JSON.";
        return envelope(&state.options.winkas, now, UNREADABLE, message, &[]);
    };
    match call.path.as_str() {
        AUTHENTICATE => authenticate(state, now, &body),
        REFETCH => refetch(state, now, &body),
        path => report(state, now, path, body),
    }
}

/// Returns the running token or a new one, as the option says, and whether it is new.
pub(crate) fn login(state: &mut State, now: Millis) -> (String, bool) {
    match state.options.winkas.authenticate {
        Authenticate::Running => {
            if let Some(running) = state.tokens.actives(Provider::Winkas, now).next() {
                return (running.value.clone(), false);
            }
        }
        Authenticate::EndsOlder => {
            state.tokens.end(now, |token| token.provider == Provider::Winkas);
        }
        Authenticate::KeepsOlder => {}
    }
    let token = Token::new(Provider::Winkas, now, state.options.winkas.lifetime_s);
    (state.tokens.push(token), true)
}

/// Returns an answer in the envelope of `WinKAS`, with the call's own fields.
///
/// As at the provider, `WinkasErrorCode` is spelled differently from the other fields.
/// `ResponseDateTime` has no time zone. It is one hour ahead of UTC, so that a client that reads it as
/// UTC gets a wrong time.
pub(crate) fn envelope(
    options: &WinkasOptions,
    now: Millis,
    code: i64,
    message: &str,
    own: &[(&str, Value)],
) -> Answer {
    let (status, status_string) = if code == 0 { (0, "Okay") } else { (1, "Error") };
    let number = |n: i64| if options.numbers_as_strings { json!(n.to_string()) } else { json!(n) };
    let mut body = json!({
        "WinkasErrorCode": number(code),
        "WinKasStatus": number(status),
        "WinKasStatusString": status_string,
        "WinKasMessage": message,
        "ApiVersion": "5.67.2.1",
        "ResponseDateTime": now.plus_s(3600).iso_without_zone(),
        "ResponseInfo": { "ElapsedSeconds": 0.1, "ServerName": "WINKAS-EMULATOR" },
        "Source": null,
    });
    for (name, value) in own {
        body[name] = value.clone();
    }
    json_answer(StatusCode::OK, &body)
}

fn authenticate(state: &mut State, now: Millis, body: &Map<String, Value>) -> Answer {
    let accepted = match text(body, "UserToken") {
        Some(token) => state.tokens.active(Provider::Winkas, token, now).is_some(),
        None => {
            log_in(state, now, body, ["UserContractCode", "UserName", "UserPassword"], true)
                == Login::Accepted
        }
    };
    if !accepted {
        let own = [
            ("AuthenticationMessage", json!("User could not be authenticated")),
            ("WinKasData", Value::Null),
        ];
        let message = "Authentication failed.";
        return envelope(&state.options.winkas, now, WRONG_CREDENTIALS, message, &own);
    }
    let (token, new) = login(state, now);
    state.details.winkas.tokens_issued += u64::from(new);
    let options = &state.options.winkas;
    let echo = |name| {
        if options.echo_credentials { text(body, name).unwrap_or_default() } else { "" }
    };
    let id = if options.numbers_as_strings { json!("3397") } else { json!(3397) };
    let data = json!({
        "Id": id,
        "UserName": echo("UserName"),
        "UserPassword": echo("UserPassword"),
        "UserContractCode": echo("UserContractCode"),
        "CurrentToken": token,
        "UserRealName": "MJ",
        "AuthLevel": null,
        "Profile": null,
    });
    let own =
        [("AuthenticationMessage", json!("User successfully authenticated")), ("WinKasData", data)];
    envelope(options, now, 0, "Authentication was okay.", &own)
}

fn refetch(state: &mut State, now: Millis, body: &Map<String, Value>) -> Answer {
    let counts = state.options.winkas.lockout_counts_refetch;
    let login = log_in(state, now, body, ["ContractId", "Username", "Password"], counts);
    let options = &state.options.winkas;
    if login != Login::Accepted && options.refetch_wrong_password == RefetchWrongPassword::ErrorCode
    {
        let own = [("Token", Value::Null)];
        return envelope(options, now, WRONG_CREDENTIALS, "Authentication failed.", &own);
    }
    let mut found = state.tokens.actives(Provider::Winkas, now).next();
    if options.refetch_returns_ended {
        found = found.or_else(|| state.tokens.latest(Provider::Winkas));
    }
    if let (Login::Accepted, Some(token)) = (login, found) {
        let own = [("Token", json!(token.value))];
        return envelope(options, now, 0, "Returned the active token", &own);
    }
    let (code, token) = match options.refetch_none {
        RefetchNone::NullToken => (0, Value::Null),
        RefetchNone::EmptyToken => (0, json!("")),
        RefetchNone::ErrorCode => (NO_TOKEN, Value::Null),
    };
    envelope(options, now, code, "There is no active token", &[("Token", token)])
}

fn validate(state: &State, now: Millis, call: &Call) -> Answer {
    if call.method != Method::GET {
        return method_not_allowed("GET");
    }
    // RFC 3986 section 3.4: a query must percent-encode this character.
    if call.query.contains('|') {
        return empty(StatusCode::BAD_REQUEST);
    }
    let options = &state.options.winkas;
    let token = call.query_value("token").unwrap_or_default();
    let active = state.tokens.active(Provider::Winkas, &token, now).is_some();
    if !active && options.validate_rejection == ValidateRejection::ErrorCode {
        let own = [("AuthenticationMessage", Value::Null), ("WinKasData", Value::Null)];
        return envelope(options, now, NO_TOKEN, "Token validation failed.", &own);
    }
    let validation = if active { "True" } else { "False" };
    let own = [
        ("AuthenticationMessage", json!(format!("Token validation result is: {validation}"))),
        ("WinKasData", Value::Null),
    ];
    envelope(options, now, 0, "Token validation was successful.", &own)
}

/// Answers an API call. A rejected token and a missing permission get the same answer, as at the
/// provider.
fn report(state: &mut State, now: Millis, path: &str, mut body: Map<String, Value>) -> Answer {
    let token = text(&body, "Token").unwrap_or_default();
    let active = state.tokens.active(Provider::Winkas, token, now).is_some();
    state.counts.winkas.rejected += u64::from(!active);
    let options = &state.options.winkas;
    if !active || path == FORBIDDEN {
        let own = [("WinKasData", Value::Null)];
        return envelope(options, now, ACCESS_DENIED, "Access denied.", &own);
    }
    body.remove("Token");
    envelope(options, now, 0, "Okay.", &[("WinKasData", Value::Object(body))])
}

/// Logs in with the fields of these names: contract, user and password.
fn log_in(
    state: &mut State,
    now: Millis,
    body: &Map<String, Value>,
    names: [&str; 3],
    counts_for_lockout: bool,
) -> Login {
    let [Some(contract), Some(user), Some(password)] = names.map(|name| text(body, name)) else {
        return Login::Wrong;
    };
    let lockout = state.lockout(Provider::Winkas);
    let login = if contract != state.contract {
        Login::Wrong
    } else if counts_for_lockout || state.winkas.is_locked(lockout, now) {
        state.winkas.log_in(user, password, lockout, now)
    } else {
        state.winkas.check(user, password)
    };
    state.details.winkas.wrong_credentials += u64::from(login == Login::Wrong);
    login
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name)?.as_str()
}

const AUTHENTICATE: &str = "/api/authentication/authenticate";
const REFETCH: &str = "/api/authentication/refetchtoken";
const VALIDATE: &str = "/api/authentication/validate";
const ECHO: &str = "/api/report/echo";
const FORBIDDEN: &str = "/api/report/forbidden";

const WRONG_CREDENTIALS: i64 = 101;
const NO_TOKEN: i64 = 102;
const ACCESS_DENIED: i64 = 103;
const UNREADABLE: i64 = 104;
