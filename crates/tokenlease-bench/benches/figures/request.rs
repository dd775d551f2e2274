//! A login request on a connection that is kept open.

use std::time::{Duration, Instant};

use tokenlease::{
    HttpOptions, Transport,
    core::{
        Credentials, Timestamp,
        provider::{Answer, Call, Server},
    },
};

use crate::{
    fixture::{Fixture, plain_http, plain_login},
    measurement::{Case, Measurement, Selection},
};

const REUSED: Case = Case {
    name: "request_reused",
    unit: "µs",
    measures: "a login request on a kept connection: built, sent and parsed",
    baseline: "the same request with reqwest and serde, also on a kept connection",
};

/// Requests per turn.
const REQUESTS: u32 = 200;
const TURNS: usize = 31;

pub(crate) fn run(selection: &Selection) -> Vec<Measurement> {
    if !selection.includes(REUSED) {
        return Vec::new();
    }
    let fixture = Fixture::new();
    let (form, http) = (fixture.form(), plain_http());
    let url = format!("{}/connect/token", fixture.emulator.wyn().server());
    let transport = Transport::new(&HttpOptions::default()).expect("a transport");
    let (server, credentials) = fixture.wyn();
    let tokenlease = || {
        fixture.runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..REQUESTS {
                log_in(&transport, &server, &credentials).await;
            }
            start.elapsed().as_secs_f64() * 1e6 / f64::from(REQUESTS)
        })
    };
    let baseline = || {
        fixture.runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..REQUESTS {
                plain_login(&http, &url, &form).await;
            }
            start.elapsed().as_secs_f64() * 1e6 / f64::from(REQUESTS)
        })
    };
    vec![Measurement::take(REUSED, TURNS, tokenlease, baseline).at_most(1.1)]
}

/// Builds, sends and parses a login as a client does.
async fn log_in(transport: &Transport, server: &Server, credentials: &Credentials) {
    let request = server.request(&Call::Login, credentials).expect("a request");
    let response = transport.send(request, Duration::from_secs(10)).await.expect("a response");
    let answer = server.read(&Call::Login, &response, Timestamp(0), credentials);
    assert!(matches!(answer, Answer::Token(_)), "{answer:?}");
}
