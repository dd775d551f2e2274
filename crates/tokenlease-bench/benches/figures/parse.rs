//! Parsing the response to a login.

use std::hint::black_box;

use serde::Deserialize;
use tokenlease::core::{
    Timestamp,
    provider::{oauth2, winkas},
};

use crate::measurement::{Case, Measurement, Selection, nanoseconds};

const PLAIN_SERDE: &str = "serde into a struct with owned fields, from the same bytes";
const PARSE_WINKAS: Case = Case {
    name: "parse_winkas",
    unit: "ns",
    measures: "parsing the response to a WinKAS login",
    baseline: PLAIN_SERDE,
};
const PARSE_OAUTH2: Case = Case {
    name: "parse_oauth2",
    unit: "ns",
    measures: "parsing the response to an OAuth2 login",
    baseline: PLAIN_SERDE,
};

const CALLS: u32 = 20_000;
const TURNS: usize = 31;

const WINKAS: &str = r#"{ "WinKasData": { "CurrentToken": "U1vT|86Vb-crg_9f0yBq3KxA7mZtQpLsWdEhNjRiOuYcVbG" }, "WinkasErrorCode": 0, "WinkasErrorMessage": "", "WinKasStatus": 0, "WinKasStatusString": "Okay" }"#;
const STANDARD: &str = r#"{"access_token":"eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJyZXBvcnQifQ.c2lnbmF0dXJl","expires_in":315360000,"token_type":"Bearer","scope":"api_all"}"#;

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields that a program would keep")]
struct Envelope {
    #[serde(rename = "WinKasData")]
    data: Data,
    #[serde(rename = "WinkasErrorCode")]
    code: i64,
    #[serde(rename = "WinkasErrorMessage")]
    message: String,
    #[serde(rename = "WinKasStatus")]
    status: i64,
    #[serde(rename = "WinKasStatusString")]
    words: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields that a program would keep")]
struct Data {
    #[serde(rename = "CurrentToken")]
    token: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the fields that a program would keep")]
struct Standard {
    access_token: String,
    expires_in: u64,
    token_type: String,
    scope: String,
}

pub(crate) fn run(selection: &Selection) -> Vec<Measurement> {
    let mut measurements = Vec::new();
    if selection.includes(PARSE_WINKAS) {
        let response = http::Response::new(WINKAS);
        let tokenlease = || {
            nanoseconds(CALLS, || winkas::Login::parse(black_box(&response), Timestamp(0)).unwrap())
        };
        let baseline = || {
            nanoseconds(CALLS, || {
                serde_json::from_slice::<Envelope>(black_box(WINKAS.as_bytes())).unwrap()
            })
        };
        measurements
            .push(Measurement::take(PARSE_WINKAS, TURNS, tokenlease, baseline).at_most(1.4));
    }
    if selection.includes(PARSE_OAUTH2) {
        let response = http::Response::new(STANDARD);
        let tokenlease = || {
            nanoseconds(CALLS, || oauth2::Login::parse(black_box(&response), Timestamp(0)).unwrap())
        };
        let baseline = || {
            nanoseconds(CALLS, || {
                serde_json::from_slice::<Standard>(black_box(STANDARD.as_bytes())).unwrap()
            })
        };
        measurements
            .push(Measurement::take(PARSE_OAUTH2, TURNS, tokenlease, baseline).at_most(1.4));
    }
    measurements
}
