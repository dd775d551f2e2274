//! `WinKAS` Air: Authenticate, refetch, Validate and two API calls.
//!
//! Paths, field names and texts are from the provider's pages "API Authorization" and "API Token". The
//! error codes other than 0 are invented, because the provider documents none.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::accounts::Login;
use crate::clock::Millis;
use crate::counts::Provider;
use crate::encoding::{from_latin1, latin1};
use crate::fault::Endpoint;
use crate::fields::Fields;
use crate::http1::{Answer, Call, empty, json as json_answer, method_not_allowed, with};
use crate::options::{
    Authenticate, Names, RefetchNone, RefetchWrongPassword, ValidateRejection, WinkasOptions,
};
use crate::quirk::Quirk;
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
    let options = &state.options.winkas;
    let text_json = options.text_json && call.has_content_type("text/json");
    if !text_json && !call.has_content_type("application/json") {
        return empty(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let Some(body) = read_body(options, call) else {
        let message = "The body could not be read as JSON.";
        return envelope(options, now, UNREADABLE, message, Fields::new());
    };
    match call.path.as_str() {
        AUTHENTICATE => authenticate(state, now, &body),
        REFETCH => refetch(state, now, &body),
        path => report(state, now, path, body),
    }
}

/// Reads the fields of a body. With the option their names are in any case.
fn read_body(options: &WinkasOptions, call: &Call) -> Option<Map<String, Value>> {
    let in_latin1 = options.latin1
        && call.header("content-type").is_some_and(|value| {
            value.to_ascii_lowercase().replace('"', "").contains("charset=iso-8859-1")
        });
    let read = if in_latin1 {
        serde_json::from_str(&from_latin1(&call.body))
    } else {
        serde_json::from_slice(&call.body)
    };
    let Ok(Value::Object(body)) = read else { return None };
    if !options.request_names_in_any_case {
        return Some(body);
    }
    let documented = |name: String| {
        let known = REQUEST_NAMES.iter().find(|known| known.eq_ignore_ascii_case(&name));
        known.map_or(name, |known| (*known).to_owned())
    };
    // Authenticate and refetch spell the user's name differently.
    let refetch = call.path == REFETCH;
    let spelled = |name: String| match name.as_str() {
        "UserName" if refetch => "Username".to_owned(),
        _ => name,
    };
    Some(body.into_iter().map(|(name, value)| (spelled(documented(name)), value)).collect())
}

/// Returns the running token or a new one, as the option says, and whether it is new.
pub(crate) fn login(state: &mut State, now: Millis) -> (String, bool) {
    let quirk = state.has(Quirk::AuthenticateReturnsRunning);
    let options = &state.options.winkas;
    match if quirk { Authenticate::Running } else { options.authenticate } {
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
    let lifetime_s = if quirk { RUNNING_LIFETIME_S } else { state.options.winkas.lifetime_s };
    let token = Token::new(Provider::Winkas, now, lifetime_s);
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
    own: Fields,
) -> Answer {
    let (status, status_string) = if code == 0 { (0, "Okay") } else { (1, "Error") };
    let number = |n: i64| if options.numbers_as_strings { json!(n.to_string()) } else { json!(n) };
    let info = Fields::new().with("ElapsedSeconds", 0.1).with("ServerName", "WINKAS-EMULATOR");
    let body = own
        .with("WinkasErrorCode", number(code))
        .with("WinKasStatus", number(status))
        .with("WinKasStatusString", status_string)
        .with("WinKasMessage", message)
        .with("ApiVersion", "5.67.2.1")
        .with("ResponseDateTime", now.plus_s(3600).iso_without_zone())
        .with("ResponseInfo", info)
        .with("Source", Value::Null);
    let body = match options.names {
        Names::Documented => body,
        Names::Camel => body.rename(|name| name[..1].to_ascii_lowercase() + &name[1..]),
        Names::Lower => body.rename(str::to_ascii_lowercase),
        Names::Upper => body.rename(str::to_ascii_uppercase),
    };
    let mut answer = json_answer(StatusCode::OK, &body);
    if options.latin1 {
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        *answer.body_mut() = latin1(&text).into();
    }
    let content_type = match (options.text_json, options.latin1) {
        (false, false) => return answer,
        (true, false) => "text/json; charset=utf-8",
        (false, true) => "application/json; charset=iso-8859-1",
        (true, true) => "text/json; charset=iso-8859-1",
    };
    with(answer, &[("content-type", content_type)])
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
        let own = validation("User could not be authenticated".into());
        let message = "Authentication failed.";
        return envelope(&state.options.winkas, now, WRONG_CREDENTIALS, message, own);
    }
    let (token, new) = login(state, now);
    state.details.winkas.tokens_issued += u64::from(new);
    let options = &state.options.winkas;
    let echo = |name| {
        if options.echo_credentials { text(body, name).unwrap_or_default() } else { "" }
    };
    let id = if options.numbers_as_strings { json!("3397") } else { json!(3397) };
    let data = Fields::new()
        .with("Id", id)
        .with("UserName", echo("UserName"))
        .with("UserPassword", echo("UserPassword"))
        .with("UserContractCode", echo("UserContractCode"))
        .with("CurrentToken", token)
        .with("UserRealName", if options.latin1 { "M. J\u{f8}rgensen" } else { "MJ" })
        .with("AuthLevel", Value::Null)
        .with("Profile", Value::Null);
    let own = Fields::new()
        .with("AuthenticationMessage", "User successfully authenticated")
        .with("WinKasData", data);
    envelope(options, now, 0, "Authentication was okay.", own)
}

/// Returns the fields of an answer without data.
fn validation(message: Value) -> Fields {
    Fields::new().with("AuthenticationMessage", message).with("WinKasData", Value::Null)
}

fn refetch(state: &mut State, now: Millis, body: &Map<String, Value>) -> Answer {
    let counts = state.options.winkas.lockout_counts_refetch;
    let login = log_in(state, now, body, ["ContractId", "Username", "Password"], counts);
    let options = &state.options.winkas;
    if login != Login::Accepted && options.refetch_wrong_password == RefetchWrongPassword::ErrorCode
    {
        let own = Fields::new().with("Token", Value::Null);
        return envelope(options, now, WRONG_CREDENTIALS, "Authentication failed.", own);
    }
    let mut found = state.tokens.actives(Provider::Winkas, now).next();
    if options.refetch_returns_ended {
        found = found.or_else(|| state.tokens.latest(Provider::Winkas));
    }
    if let (Login::Accepted, Some(token)) = (login, found) {
        let own = Fields::new().with("Token", token.value.as_str());
        return envelope(options, now, 0, "Returned the active token", own);
    }
    let (code, token) = match options.refetch_none {
        RefetchNone::NullToken => (0, Value::Null),
        RefetchNone::EmptyToken => (0, json!("")),
        RefetchNone::ErrorCode => (NO_TOKEN, Value::Null),
    };
    envelope(options, now, code, "There is no active token", Fields::new().with("Token", token))
}

fn validate(state: &State, now: Millis, call: &Call) -> Answer {
    if call.method != Method::GET {
        return method_not_allowed("GET");
    }
    // RFC 3986 section 3.4: a query must percent-encode this character.
    let options = &state.options.winkas;
    if call.query.contains('|') && !options.raw_pipe {
        return empty(StatusCode::BAD_REQUEST);
    }
    let token = call.query_value("token").unwrap_or_default();
    let active = is_active(state, &token, now);
    if !active && options.validate_rejection == ValidateRejection::ErrorCode {
        let own = validation(Value::Null);
        return envelope(options, now, NO_TOKEN, "Token validation failed.", own);
    }
    let result = if active { "True" } else { "False" };
    let own = validation(format!("Token validation result is: {result}").into());
    envelope(options, now, 0, "Token validation was successful.", own)
}

/// Returns whether the API accepts a token.
fn is_active(state: &State, token: &str, now: Millis) -> bool {
    !state.has(Quirk::Api401) && state.tokens.active(Provider::Winkas, token, now).is_some()
}

/// Answers an API call. A rejected token and a missing permission get the same answer, as at the
/// provider.
fn report(state: &mut State, now: Millis, path: &str, mut body: Map<String, Value>) -> Answer {
    let token = text(&body, "Token").unwrap_or_default();
    let active = is_active(state, token, now);
    state.counts.winkas.rejected += u64::from(!active);
    let options = &state.options.winkas;
    if !active || path == FORBIDDEN {
        let own = Fields::new().with("WinKasData", Value::Null);
        return envelope(options, now, ACCESS_DENIED, "Access denied.", own);
    }
    body.remove("Token");
    envelope(options, now, 0, "Okay.", Fields::new().with("WinKasData", Value::Object(body)))
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

/// The names of all requests. Those of Authenticate differ in more than their case from those of refetch,
/// except for the user's.
const REQUEST_NAMES: [&str; 7] = [
    "UserName",
    "UserPassword",
    "UserContractCode",
    "UserToken",
    "ContractId",
    "Password",
    "Token",
];
/// The quirk's lifetime: longer than the documented 24 hours.
const RUNNING_LIFETIME_S: u32 = 25 * 3600;

const WRONG_CREDENTIALS: i64 = 101;
const NO_TOKEN: i64 = 102;
const ACCESS_DENIED: i64 = 103;
const UNREADABLE: i64 = 104;
