//! How an answer is sent: encodings, headers and interruptions that quirks cause.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{HeaderName, HeaderValue, header};
use serde_json::{Value, json};

use crate::counts::Provider;
use crate::encoding::{deflate, gzip, latin1, utf16};
use crate::fault::Endpoint;
use crate::http1::Answer;
use crate::quirk::Quirk;
use crate::wire::HeadStyle;

/// An answer as it is sent.
pub(crate) struct Delivery {
    pub(crate) answer: Answer,
    pub(crate) delay: Duration,
    /// Whether the body breaks off in the middle.
    pub(crate) half: bool,
    pub(crate) head: HeadStyle,
}

impl Delivery {
    pub(crate) const fn plain(answer: Answer) -> Self {
        Self { answer, delay: Duration::ZERO, half: false, head: HeadStyle::PLAIN }
    }
}

/// Applies the quirks of an answer's delivery. The providers apply the quirks of its content.
pub(crate) fn deliver(
    quirks: &BTreeSet<Quirk>,
    provider: Provider,
    endpoint: Option<Endpoint>,
    answer: Answer,
) -> Delivery {
    let has = |quirk: Quirk| quirk.is_of(provider) && quirks.contains(&quirk);
    let login = matches!(endpoint, Some(Endpoint::WinkasLogin | Endpoint::WynLogin));
    let mut delivery = Delivery::plain(answer);
    encode(&mut delivery.answer, &has, login);
    if login && delivery.answer.status().is_success() {
        delivery.half = has(Quirk::CutOff);
        if has(Quirk::OverOnArrival) {
            delivery.delay = OVER_ON_ARRIVAL;
        }
    }
    if has(Quirk::ManyHeaders) {
        for number in 1..=150_u32 {
            let name = HeaderName::try_from(format!("x-quirk-{number}")).expect("a header name");
            delivery.answer.headers_mut().insert(name, HeaderValue::from(number));
        }
    }
    delivery.head = HeadStyle {
        space: has(Quirk::HeaderSpace),
        folding: has(Quirk::HeaderFolding),
        bare_lf: has(Quirk::BareLf),
    };
    delivery
}

/// Applies the quirks of a JSON body.
fn encode(answer: &mut Answer, has: &impl Fn(Quirk) -> bool, login: bool) {
    let content_type = answer.headers().get(header::CONTENT_TYPE);
    let is_json = content_type.and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(';').next().is_some_and(|essence| essence.ends_with("json"))
    });
    if !is_json {
        return;
    }
    // The option `winkas.latin1` has encoded the body already.
    let Ok(mut text) = String::from_utf8(answer.body().to_vec()) else { return };
    let failed = answer.status().is_client_error();
    let mut put = |name, value| {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    };
    if has(Quirk::LongBody) && login {
        text.push_str(&" ".repeat(LONG_BODY));
    }
    let mut body = if has(Quirk::Latin1) {
        put(header::CONTENT_TYPE, "application/json");
        latin1(&in_german(&text, failed))
    } else if has(Quirk::Utf16) {
        put(header::CONTENT_TYPE, "application/json; charset=utf-16");
        utf16(&text)
    } else {
        text.into_bytes()
    };
    if has(Quirk::Gzip) {
        put(header::CONTENT_ENCODING, "gzip");
        body = gzip(&body);
    } else if has(Quirk::Deflate) {
        put(header::CONTENT_ENCODING, "deflate");
        body = deflate(&body);
    }
    if has(Quirk::WrongContentType) {
        put(header::CONTENT_TYPE, "text/html");
    }
    *answer.body_mut() = body.into();
}

/// Puts a character that ISO-8859-1 encodes in a byte that is not UTF-8 into an answer's text.
fn in_german(text: &str, failed: bool) -> String {
    if failed && let Ok(Value::Object(mut error)) = serde_json::from_str(text) {
        error.insert("error_description".to_owned(), json!("Ung\u{fc}ltig"));
        return Value::Object(error).to_string();
    }
    text.replace("\"MJ\"", "\"M. J\u{f8}rgensen\"")
        .replace("Authentication failed.", "Anmeldung ung\u{fc}ltig.")
}

/// Longer than the `expires_in` of 1 second that the answer states.
const OVER_ON_ARRIVAL: Duration = Duration::from_millis(1200);
/// The number of spaces that make a body longer than 1 MiB.
const LONG_BODY: usize = (1 << 20) + 1;
