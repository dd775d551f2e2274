//! The users of a portal: a login storm, logouts, and a registry whose tokens expired.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use tokenlease::{
    Client, Registry, Store as _,
    core::{lifecycle::Revocation, provider::Server},
    store::RecordName,
};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    fixture::{Fixture, plain_http, plain_login},
    identities::{FilledRegistry, IDENTITIES, name},
    measurement::{Case, Measurement, Selection},
};

const LOGIN_STORM: Case = Case {
    name: "login_storm",
    unit: "ms",
    measures: "10,000 users log in at once, 8 at a time, each with a client and a deadline",
    baseline: "10,000 logins with reqwest and serde behind a semaphore, into a `HashMap`",
};
const LOGOUT: Case = Case {
    name: "logout",
    unit: "µs",
    measures: "a revocation that the server confirms, without the time of its two requests",
    baseline: "a limit of 2 ms",
};
const SWEEP_PAUSE: Case = Case {
    name: "sweep_pause",
    unit: "µs",
    measures: "the longest call, in processor time, of the registry's store while 1,000,000 expired \
               records are removed and as many are saved",
    baseline: "a limit of 1 ms",
};
const SWEEP_BARE: Case = Case {
    name: "sweep_beside_a_map",
    unit: "µs",
    measures: "the same",
    baseline: "removing 1,000,000 expired entries of a `HashMap`",
};

const USERS: usize = 10_000;
const LOGOUTS: usize = 300;

pub(crate) fn run(selection: &Selection) -> Vec<Measurement> {
    let mut measurements = Vec::new();
    if selection.includes(LOGIN_STORM) {
        let fixture = Fixture::new();
        let measured = Measurement::take(LOGIN_STORM, 3, || storm(&fixture), || bare(&fixture));
        measurements.push(measured);
    }
    if selection.includes(LOGOUT) {
        measurements.push(logout());
    }
    if selection.includes(SWEEP_PAUSE) {
        let (pause, bare) = sweep();
        measurements.push(Measurement::from_pairs(SWEEP_PAUSE, &[(pause, 1000.0)]).at_most(1.0));
        measurements.push(Measurement::from_pairs(SWEEP_BARE, &[(pause, bare)]));
    }
    measurements
}

fn user(fixture: &Fixture, registry: &Registry, number: usize) -> Client {
    let (server, credentials) = fixture.wyn();
    let subject = format!("user-{number:05}");
    let identity = server.identity().clone().with_subject(&subject).expect("a subject");
    let server = Server::new(identity);
    Client::builder(server, credentials).registry(registry).build().expect("a client")
}

/// Returns how long all logins take.
fn storm(fixture: &Fixture) -> f64 {
    let registry = Registry::builder().build().expect("a registry");
    let logins = fixture.emulator.counts().wyn.login;
    let clients: Vec<_> = (0..USERS).map(|number| user(fixture, &registry, number)).collect();
    let began = Instant::now();
    fixture.runtime.block_on(async {
        let mut running = JoinSet::new();
        for client in &clients {
            let client = client.clone();
            running.spawn(async move { client.token().await.expect("a token") });
        }
        assert_eq!(running.join_all().await.len(), USERS);
    });
    let took = began.elapsed().as_secs_f64() * 1e3;
    assert_eq!(fixture.emulator.counts().wyn.login - logins, USERS as u64);
    took
}

/// Returns how long as many logins take without tokenlease.
fn bare(fixture: &Fixture) -> f64 {
    let url = format!("{}/connect/token", fixture.emulator.wyn().server());
    let (http, form) = (plain_http(), Arc::new(fixture.form()));
    let (turns, tokens) = (Arc::new(Semaphore::new(8)), Arc::new(Mutex::new(HashMap::new())));
    let began = Instant::now();
    fixture.runtime.block_on(async {
        let mut running = JoinSet::new();
        for number in 0..USERS {
            let (http, url, form) = (http.clone(), url.clone(), form.clone());
            let (turns, tokens) = (turns.clone(), tokens.clone());
            running.spawn(async move {
                let _turn = turns.acquire().await.expect("a turn");
                let token = plain_login(&http, &url, &*form).await;
                tokens.lock().expect("the map").insert(number, token);
            });
        }
        running.join_all().await;
    });
    assert_eq!(tokens.lock().expect("the map").len(), USERS);
    began.elapsed().as_secs_f64() * 1e3
}

/// Measures revocations beside the same two requests without tokenlease.
fn logout() -> Measurement {
    let fixture = Fixture::new();
    let registry = Registry::builder().build().expect("a registry");
    let (server, http) = (fixture.emulator.wyn().server(), plain_http());
    let form = fixture.form();
    let pairs: Vec<_> = (0..LOGOUTS)
        .map(|number| {
            fixture.runtime.block_on(async {
                let client = user(&fixture, &registry, number);
                let token = client.token().await.expect("a token");
                let began = Instant::now();
                let revoked = client.revoke(&token).await.expect("a revocation");
                let took = began.elapsed();
                assert_eq!(revoked, Revocation::Proven);
                let login = format!("{server}/connect/token");
                let token = plain_login(&http, &login, &form).await;
                let began = Instant::now();
                plain_revocation(&fixture, &http, &server, &token).await;
                (took.saturating_sub(began.elapsed()).as_secs_f64() * 1e6, 2000.0)
            })
        })
        .collect();
    let calls = fixture.emulator.counts().wyn;
    assert_eq!(calls.revoke, 2 * LOGOUTS as u64);
    Measurement::from_pairs(LOGOUT, &pairs).at_most(1.0)
}

async fn plain_revocation(fixture: &Fixture, http: &reqwest::Client, server: &str, token: &str) {
    let wyn = fixture.emulator.wyn();
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("token", token), ("token_type_hint", "access_token")])
        .extend_pairs([("client_id", wyn.client_id()), ("client_secret", &wyn.client_secret())])
        .finish();
    let revoked = http
        .post(format!("{server}/connect/revocation"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(revoked.status(), 200);
    revoked.bytes().await.expect("a body");
    let userinfo = http.get(format!("{server}/connect/userinfo")).bearer_auth(token);
    let inactive = userinfo.send().await.expect("an answer");
    assert_eq!(inactive.status(), 401);
    inactive.bytes().await.expect("a body");
}

/// Returns the longest call of a store whose records expired, and the time in which a map loses as many.
fn sweep() -> (f64, f64) {
    let FilledRegistry { fixture, store, record, .. } = &FilledRegistry::new();
    let hour = Duration::from_secs(3600);
    let names: Vec<RecordName> = (1..=2 * IDENTITIES).map(|n| name(fixture, n)).collect();
    let (expired, new) = names.split_at(IDENTITIES as usize);
    let save = |names: &[RecordName], keep: Duration| {
        let mut longest = 0.0_f64;
        fixture.runtime.block_on(async {
            for name in names {
                let began = processor_time();
                store.swap(name, None, record, Some(keep)).await.expect("saved");
                longest = longest.max(processor_time() - began);
            }
        });
        longest
    };
    let growing = save(expired, hour);
    fixture.clock.advance(2 * hour);
    let sweeping = save(new, 100 * hour);
    let left = format!("{store:?}");
    let mut map: HashMap<_, _> =
        expired.iter().map(|name| (name.key().to_owned(), (1_u64, record.clone()))).collect();
    let began = processor_time();
    map.retain(|_, (revision, _)| *revision > 1);
    let bare = processor_time() - began;
    assert!(map.is_empty(), "{left}");
    eprintln!("sweep_pause: {growing:.0} µs while growing, {sweeping:.0} µs; {left}");
    (growing.max(sweeping), bare)
}

/// Returns the processor time of this thread in microseconds: a pause of the system does not count.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "a time of a short run")]
    let micros = time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3;
    micros
}
