//! A thousand concurrent callers on a client without a token.

use std::time::{Duration, Instant};

use tokenlease_emulator::{Endpoint, Fault};

use crate::{
    fixture::{Fixture, plain_http, plain_login},
    measurement::{Case, Measurement, Selection},
};

/// The baseline of all benchmarks of this kind.
pub(crate) const ONE_LOGIN: &str = "one login with reqwest and serde to the same server";
const TASKS: Case = Case {
    name: "cold_1000_tasks",
    unit: "ms",
    measures: "1,000 tasks request a token at once; the server takes 50 ms for the one login",
    baseline: ONE_LOGIN,
};

const CALLERS: usize = 1000;
pub(crate) const TURNS: usize = 11;
/// The time that the server takes for a login.
pub(crate) const SERVER_DELAY: Duration = Duration::from_millis(50);

pub(crate) fn run(selection: &Selection) -> Vec<Measurement> {
    if !selection.includes(TASKS) {
        return Vec::new();
    }
    let fixture = Fixture::new();
    fixture.emulator.fault(Endpoint::WynLogin, Fault::delay(SERVER_DELAY), 100);
    let tokenlease = || {
        // A new registry has a new store. A client of the same registry would find the token.
        let client = fixture.client(&fixture.registry());
        let before = fixture.emulator.counts().wyn.login;
        let milliseconds = fixture.runtime.block_on(async {
            let start = Instant::now();
            let callers: Vec<_> = (0..CALLERS)
                .map(|_| {
                    let client = client.clone();
                    tokio::spawn(async move { client.token().await })
                })
                .collect();
            for caller in callers {
                caller.await.expect("a task").expect("a token");
            }
            start.elapsed().as_secs_f64() * 1e3
        });
        assert_eq!(fixture.emulator.counts().wyn.login - before, 1, "one login for all callers");
        milliseconds
    };
    let baseline = one_login(&fixture);
    vec![Measurement::take(TASKS, TURNS, tokenlease, baseline).at_most(1.25)]
}

/// Returns a closure that measures one login without tokenlease on a kept connection, in
/// milliseconds.
pub(crate) fn one_login(fixture: &Fixture) -> impl FnMut() -> f64 {
    let (form, http) = (fixture.form(), plain_http());
    let url = format!("{}/connect/token", fixture.emulator.wyn().server());
    move || {
        fixture.runtime.block_on(async {
            let start = Instant::now();
            plain_login(&http, &url, &form).await;
            start.elapsed().as_secs_f64() * 1e3
        })
    }
}
