//! The control API over HTTP, on both addresses. The README of this crate documents its JSON.

mod faults;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::counts::Provider;
use crate::http1::{Answer, Call, json as json_answer, method_not_allowed};
use crate::options::Options;
use crate::state::Shared;
use crate::winkas;
use crate::wyn::{self, CLIENT_ID};

/// Answers a control call; `path` is the part after `/_emulator`.
pub(crate) fn answer(shared: &Shared, path: &str, call: &Call) -> Answer {
    let get = call.method == Method::GET;
    let post = call.method == Method::POST;
    let done = match path {
        "/counts" if get => return json_answer(StatusCode::OK, &shared.state().counts),
        "/details" if get => return json_answer(StatusCode::OK, &shared.state().details),
        "/log" if get => return json_answer(StatusCode::OK, &shared.state().log.entries()),
        "/options" if get => return json_answer(StatusCode::OK, &shared.state().options),
        "/counts" | "/details" | "/log" => return method_not_allowed("GET"),
        "/clock" if get => Ok(clock_body(shared)),
        "/clock" if post => clock(shared, call),
        "/faults" if post => faults::add(shared, call),
        "/options" if post => options(shared, call),
        "/tokens" if post => tokens(shared, call),
        "/account" if post => account(shared, call),
        "/reset" if post => {
            shared.reset();
            Ok(json!({}))
        }
        "/clock" | "/options" => return method_not_allowed("GET, POST"),
        "/faults" | "/tokens" | "/account" | "/reset" => return method_not_allowed("POST"),
        _ => {
            let body = json!({"error": "unknown control call", "expected": CALLS});
            return json_answer(StatusCode::NOT_FOUND, &body);
        }
    };
    match done {
        Ok(body) => json_answer(StatusCode::OK, &body),
        Err(error) => {
            let expected = EXAMPLES.iter().find(|(name, _)| *name == path).map(|(_, text)| text);
            let body = json!({"error": error, "expected": expected});
            json_answer(StatusCode::BAD_REQUEST, &body)
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockRequest {
    advance_s: Option<i64>,
    advance_ms: Option<i64>,
}

fn clock(shared: &Shared, call: &Call) -> Result<Value, String> {
    let request: ClockRequest = read(call)?;
    let ms = match (request.advance_s, request.advance_ms) {
        (Some(s), None) => s.saturating_mul(1000),
        (None, Some(ms)) => ms,
        _ => return Err("exactly one of advance_s and advance_ms is required".to_owned()),
    };
    shared.clock.advance_ms(ms);
    Ok(clock_body(shared))
}

fn clock_body(shared: &Shared) -> Value {
    json!({"now_ms": shared.clock.now().0, "offset_ms": shared.clock.offset_ms()})
}

fn options(shared: &Shared, call: &Call) -> Result<Value, String> {
    let patch: Value = read(call)?;
    if !patch.is_object() {
        return Err("the body must be a JSON object".to_owned());
    }
    let mut state = shared.state();
    let mut merged = json!(state.options);
    merge(&mut merged, patch);
    let options: Options = serde_json::from_value(merged).map_err(|error| error.to_string())?;
    state.options = options;
    Ok(json!(state.options))
}

fn merge(old: &mut Value, patch: Value) {
    match (old, patch) {
        (Value::Object(old), Value::Object(patch)) => {
            for (name, value) in patch {
                merge(old.entry(name).or_insert(Value::Null), value);
            }
        }
        (old, patch) => *old = patch,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokensRequest {
    end: Option<Owner>,
    end_token: Option<String>,
    login: Option<Provider>,
    client: Option<String>,
    is_active: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Owner {
    All,
    Winkas,
    Wyn,
}

fn tokens(shared: &Shared, call: &Call) -> Result<Value, String> {
    let request: TokensRequest = read(call)?;
    let now = shared.clock.now();
    let mut state = shared.state();
    match request {
        TokensRequest {
            end: Some(owner),
            end_token: None,
            login: None,
            is_active: None,
            client: None,
        } => {
            let ended = state.tokens.end(now, |token| match owner {
                Owner::All => true,
                Owner::Winkas => token.provider == Provider::Winkas,
                Owner::Wyn => token.provider == Provider::Wyn,
            });
            Ok(json!({ "ended": ended }))
        }
        TokensRequest {
            end_token: Some(value),
            end: None,
            login: None,
            is_active: None,
            client: None,
        } => {
            let ended = state.tokens.end(now, |token| token.value == value);
            Ok(json!({ "ended": ended }))
        }
        TokensRequest {
            is_active: Some(value),
            end: None,
            end_token: None,
            login: None,
            client: None,
        } => Ok(json!({"active": state.tokens.is_active(&value, now)})),
        TokensRequest {
            login: Some(provider),
            client,
            end: None,
            end_token: None,
            is_active: None,
        } => {
            let token = match client {
                Some(client) if provider == Provider::Wyn => {
                    wyn::login_elsewhere(&mut state, &client, now)
                }
                Some(_) => return Err("client is only valid with wyn: only wyn has clients".to_owned()),
                None => match provider {
                    Provider::Winkas => winkas::login(&mut state, now).0,
                    Provider::Wyn => wyn::login_elsewhere(&mut state, CLIENT_ID, now),
                },
            };
            Ok(json!({ "token": token }))
        }
        _ => Err("exactly one of end, end_token, is_active and login is required; client is only valid with login"
            .to_owned()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountRequest {
    provider: Provider,
    #[serde(default)]
    unlock: bool,
    #[serde(default)]
    lock: bool,
    passwords: Option<Vec<String>>,
    secrets: Option<Vec<String>>,
}

fn account(shared: &Shared, call: &Call) -> Result<Value, String> {
    let request: AccountRequest = read(call)?;
    if request.secrets.is_some() && request.provider != Provider::Wyn {
        return Err("secrets is only valid with wyn: only wyn has client secrets".to_owned());
    }
    let empty = |list: &Option<Vec<String>>| list.as_ref().is_some_and(Vec::is_empty);
    if empty(&request.passwords) || empty(&request.secrets) {
        return Err("passwords and secrets must contain at least one entry".to_owned());
    }
    let now = shared.clock.now();
    let mut state = shared.state();
    let lockout = state.lockout(request.provider);
    let account = state.account(request.provider);
    if request.unlock {
        account.unlock();
    }
    if request.lock {
        account.lock(now);
    }
    if let Some(passwords) = request.passwords {
        account.passwords = passwords;
    }
    let locked = account.is_locked(lockout, now);
    if let Some(secrets) = request.secrets {
        state.secrets = secrets;
    }
    Ok(json!({ "locked": locked }))
}

fn read<T: DeserializeOwned>(call: &Call) -> Result<T, String> {
    serde_json::from_slice(&call.body).map_err(|error| error.to_string())
}

const CALLS: &[&str] = &[
    "GET /_emulator/counts",
    "GET /_emulator/details",
    "GET /_emulator/log",
    "GET or POST /_emulator/clock",
    "GET or POST /_emulator/options",
    "POST /_emulator/faults",
    "POST /_emulator/tokens",
    "POST /_emulator/account",
    "POST /_emulator/reset",
];

/// The examples in the answers to invalid calls.
const EXAMPLES: &[(&str, &str)] = &[
    ("/clock", r#"{"advance_s":43200} or {"advance_ms":1500}"#),
    (
        "/faults",
        concat!(
            r#"{"endpoint":"winkas.login","times":3,"kind":"status","status":503}, "#,
            "or another kind: delay with delay_ms, reset, half_body, content_type with ",
            "content_type, garbage with bytes, envelope with code; ",
            r#"or {"clear":true}"#,
        ),
    ),
    ("/options", r#"{"winkas":{"authenticate":"running"},"wyn":{"lifetime_s":3600}}"#),
    (
        "/tokens",
        concat!(
            r#"{"end":"all"}, {"end":"winkas"}, {"end_token":"TOKEN"}, {"is_active":"TOKEN"}, "#,
            r#"{"login":"winkas"} or {"login":"wyn","client":"other"}"#,
        ),
    ),
    ("/account", r#"{"provider":"winkas","unlock":true,"passwords":["old","new"]}"#),
];
