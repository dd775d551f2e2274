//! `POST /_emulator/faults`: parses a fault from JSON.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::control::read;
use crate::fault::{Endpoint, Fault};
use crate::http1::Call;
use crate::state::Shared;

/// Adds a fault, or removes all faults that wait.
pub(super) fn add(shared: &Shared, call: &Call) -> Result<Value, String> {
    let request: FaultRequest = read(call)?;
    if request.clear == Some(true) {
        shared.state().faults.clear();
        if request.endpoint.is_none() {
            return Ok(json!({"waiting": 0}));
        }
    }
    let endpoint = request.endpoint.ok_or("endpoint is required")?;
    let times = request.times.unwrap_or(1);
    let fault = request.fault()?;
    let mut state = shared.state();
    state.faults.add(endpoint, fault, times);
    Ok(json!({"waiting": state.faults.waiting()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultRequest {
    clear: Option<bool>,
    endpoint: Option<Endpoint>,
    times: Option<u32>,
    kind: Option<Kind>,
    status: Option<u16>,
    body: Option<String>,
    content_type: Option<String>,
    bytes: Option<usize>,
    code: Option<i64>,
    message: Option<String>,
    delay_ms: Option<u64>,
    retry_after_s: Option<u64>,
    retry_after_date_s: Option<u64>,
    #[serde(default)]
    headers: Map<String, Value>,
    when: Option<When>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Status,
    Delay,
    Reset,
    HalfBody,
    ContentType,
    Garbage,
    Envelope,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum When {
    Before,
    After,
}

impl FaultRequest {
    fn fault(&self) -> Result<Fault, String> {
        let kind = self.kind.ok_or("kind is required")?;
        self.check_fields(kind)?;
        let delay = Duration::from_millis(self.delay_ms.unwrap_or_default());
        let fault = match kind {
            Kind::Status => {
                let status = self.status.ok_or("kind status requires status")?;
                if !(200..=999).contains(&status) {
                    return Err(format!("status must be from 200 to 999, not {status}"));
                }
                Fault::status(status).with_body(self.body.as_deref().unwrap_or_default())
            }
            Kind::Delay => {
                self.delay_ms.ok_or("kind delay requires delay_ms")?;
                Fault::delay(delay)
            }
            Kind::Reset => Fault::reset(),
            Kind::HalfBody => Fault::half_body(),
            Kind::ContentType => {
                let text =
                    self.content_type.as_ref().ok_or("kind content_type requires content_type")?;
                Fault::content_type(header_value(text)?)
            }
            Kind::Garbage => {
                let bytes = self.bytes.ok_or("kind garbage requires bytes")?;
                if bytes > MAX_GARBAGE {
                    return Err(format!("bytes must be at most {MAX_GARBAGE}, not {bytes}"));
                }
                Fault::garbage(bytes)
            }
            Kind::Envelope => {
                let code = self.code.ok_or("kind envelope requires code")?;
                Fault::envelope(code, self.message.as_deref().unwrap_or("Injected fault."))
            }
        };
        self.decorate(fault.with_delay(delay))
    }

    /// Adds the fields that every kind accepts.
    fn decorate(&self, mut fault: Fault) -> Result<Fault, String> {
        if let Some(text) = &self.content_type {
            fault = fault.with_content_type(header_value(text)?);
        }
        for (name, value) in &self.headers {
            let value = value
                .as_str()
                .ok_or_else(|| format!("the value of header {name} must be a string"))?;
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                return Err(format!("{name:?} is not a valid header name"));
            }
            fault = fault.with_header(name, header_value(value)?);
        }
        if self.retry_after_s.is_some() && self.retry_after_date_s.is_some() {
            return Err("retry_after_s and retry_after_date_s exclude each other".to_owned());
        }
        if let Some(seconds) = self.retry_after_s {
            fault = fault.with_retry_after(Duration::from_secs(seconds));
        }
        if let Some(seconds) = self.retry_after_date_s {
            fault = fault.with_retry_after_date(Duration::from_secs(seconds));
        }
        match self.when {
            Some(When::After) => Ok(fault.after_processing()),
            Some(When::Before) if fault.processed => {
                Err("this kind changes the real answer, so when must be after".to_owned())
            }
            _ => Ok(fault),
        }
    }

    /// Rejects fields that only another kind reads.
    fn check_fields(&self, kind: Kind) -> Result<(), String> {
        let fields = [
            ("status", self.status.is_some(), Kind::Status),
            ("body", self.body.is_some(), Kind::Status),
            ("bytes", self.bytes.is_some(), Kind::Garbage),
            ("code", self.code.is_some(), Kind::Envelope),
            ("message", self.message.is_some(), Kind::Envelope),
        ];
        match fields.iter().find(|(_, set, of)| *set && *of != kind) {
            Some((name, ..)) => Err(format!("{name} is not valid with this kind")),
            None => Ok(()),
        }
    }
}

fn header_value(text: &str) -> Result<&str, String> {
    HeaderValue::from_str(text).map_err(|_| format!("{text:?} is not a valid header value"))?;
    Ok(text)
}

/// The longest body, in bytes, because it is built in memory.
const MAX_GARBAGE: usize = 256 << 20;
