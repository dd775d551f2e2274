//! Reading an answer.

use std::hint::black_box;

use serde::Deserialize;
use tokenlease::core::{
    Timestamp,
    provider::{oauth2, winkas},
};

use crate::figure::{Figure, Wanted, nanoseconds};

const LOOPS: u32 = 20_000;
const TURNS: usize = 31;

const WINKAS: &str = r#"{ "WinKasData": { "CurrentToken": "U1vT|86Vb-crg_9f0yBq3KxA7mZtQpLsWdEhNjRiOuYcVbG" }, "WinkasErrorCode": 0, "WinkasErrorMessage": "", "WinKasStatus": 0, "WinKasStatusString": "Okay" }"#;
const STANDARD: &str = r#"{"access_token":"eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJyZXBvcnQifQ.c2lnbmF0dXJl","expires_in":315360000,"token_type":"Bearer","scope":"api_all"}"#;

#[derive(Deserialize)]
#[expect(dead_code, reason = "what a program by hand would keep")]
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
#[expect(dead_code, reason = "what a program by hand would keep")]
struct Data {
    #[serde(rename = "CurrentToken")]
    token: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what a program by hand would keep")]
struct Standard {
    access_token: String,
    expires_in: u64,
    token_type: String,
    scope: String,
}

pub(crate) fn figures(wanted: &Wanted) -> Vec<Figure> {
    let mut figures = Vec::new();
    if wanted.has("parse_winkas") {
        let response = http::Response::new(WINKAS);
        let ours = || {
            nanoseconds(LOOPS, || winkas::Login::parse(black_box(&response), Timestamp(0)).unwrap())
        };
        let limit = || {
            nanoseconds(LOOPS, || {
                serde_json::from_slice::<Envelope>(black_box(WINKAS.as_bytes())).unwrap()
            })
        };
        figures.push(Figure::measure("parse_winkas", "ns", TURNS, ours, limit).at_most(1.4));
    }
    if wanted.has("parse_oauth2") {
        let response = http::Response::new(STANDARD);
        let ours = || {
            nanoseconds(LOOPS, || oauth2::Login::parse(black_box(&response), Timestamp(0)).unwrap())
        };
        let limit = || {
            nanoseconds(LOOPS, || {
                serde_json::from_slice::<Standard>(black_box(STANDARD.as_bytes())).unwrap()
            })
        };
        figures.push(Figure::measure("parse_oauth2", "ns", TURNS, ours, limit).at_most(1.4));
    }
    figures
}
