//! The steps of a request for a token that is not cached.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokenlease::{Client, Registry};
use tokenlease_store::FileStore;

use crate::{
    fixture::{Fixture, plain_http, plain_http_builder, plain_login},
    measurement::{Case, Measurement, Selection, nanoseconds},
};

const REGISTRY: Case = Case {
    name: "slow_registry",
    unit: "µs",
    measures: "building a registry, with its TLS setup",
    baseline: "building a reqwest client that trusts the platform's certificates",
};
const STORE_HIT: Case = Case {
    name: "slow_store_hit",
    unit: "µs",
    measures: "building a client whose token is in the registry's memory, and getting the token",
    baseline: "spawning and awaiting a task that does nothing",
};
const NEW_CONNECTION: Case = Case {
    name: "slow_new_connection",
    unit: "µs",
    measures: "a login with reqwest and serde on a new connection",
    baseline: "the same login on a kept connection",
};
const FLIGHT: Case = Case {
    name: "slow_flight",
    unit: "µs",
    measures: "a whole flight: store read, lock, store read, login, save, unlock",
    baseline: "one login with reqwest and serde",
};
const FLIGHT_FILE_STORE: Case = Case {
    name: "slow_flight_file_store",
    unit: "µs",
    measures: "a whole flight with a file store, which syncs the record to disk",
    baseline: "the same flight with a store in memory",
};
const FLIGHT_DURABLE: Case = Case {
    name: "slow_flight_durable",
    unit: "µs",
    measures: "a whole flight with a file store, until its caller has the token",
    baseline: "replacing a file of the same size durably: write, fsync, rename, fsync of the folder",
};

const TURNS: usize = 31;
/// Requests per turn.
const REQUESTS: u32 = 100;
/// The size of the file of a record with one token.
const RECORD_BYTES: usize = 300;
/// Longer than a token lives: after this time, the next request logs in.
const PAST_EXPIRY: Duration = Duration::from_secs(400 * 24 * 3600 * 11);

pub(crate) fn run(selection: &Selection) -> Vec<Measurement> {
    let mut measurements = Vec::new();
    if selection.includes(REGISTRY) {
        let tokenlease = || nanoseconds(10, || Registry::builder().build()) / 1e3;
        let baseline = || nanoseconds(10, plain_http) / 1e3;
        measurements.push(Measurement::take(REGISTRY, TURNS, tokenlease, baseline));
    }
    if selection.includes(STORE_HIT) {
        measurements.push(store_hit());
    }
    if selection.includes(NEW_CONNECTION) {
        measurements.push(new_connection());
    }
    if selection.includes(FLIGHT) {
        let fixture = Fixture::new();
        let url = format!("{}/connect/token", fixture.emulator.wyn().server());
        let (form, http) = (fixture.form(), plain_http());
        let client = fixture.client(&fixture.registry());
        let tokenlease = || flight(&fixture, &client);
        let baseline = || each(&fixture, async || drop(plain_login(&http, &url, &form).await));
        measurements.push(Measurement::take(FLIGHT, TURNS, tokenlease, baseline));
    }
    if selection.includes(FLIGHT_FILE_STORE) {
        measurements.push(flight_file_store());
    }
    if selection.includes(FLIGHT_DURABLE) {
        measurements.push(flight_durable());
    }
    measurements
}

fn store_hit() -> Measurement {
    let fixture = Fixture::new();
    let registry = fixture.registry();
    fixture.runtime.block_on(fixture.client(&registry).token()).expect("a token");
    let logins = fixture.emulator.counts().wyn.login;
    let tokenlease =
        || each(&fixture, async || drop(fixture.client(&registry).token().await.expect("a token")));
    let baseline = || each(&fixture, async || tokio::spawn(async {}).await.expect("a task"));
    let measurement = Measurement::take(STORE_HIT, TURNS, tokenlease, baseline);
    assert_eq!(fixture.emulator.counts().wyn.login, logins, "the token is in the store");
    measurement
}

/// Measures the cost of a connection that is not kept open. Both sides are without tokenlease.
fn new_connection() -> Measurement {
    let fixture = Fixture::new();
    let url = format!("{}/connect/token", fixture.emulator.wyn().server());
    let (form, kept) = (fixture.form(), plain_http());
    let fresh = plain_http_builder().pool_max_idle_per_host(0).build().expect("a client");
    let new = || each(&fixture, async || drop(plain_login(&fresh, &url, &form).await));
    let baseline = || each(&fixture, async || drop(plain_login(&kept, &url, &form).await));
    Measurement::take(NEW_CONNECTION, TURNS, new, baseline)
}

/// Returns a client whose store is that folder.
fn client_on_disk(fixture: &Fixture, folder: &Path) -> Client {
    let clock = Arc::new(fixture.clock.clone());
    let store = FileStore::with_clock(folder, clock.clone()).expect("a store");
    let key = store.own_key().expect("a key");
    let registry = Registry::builder().clock(clock).store(Arc::new(store), key).build();
    fixture.client(&registry.expect("a registry"))
}

/// Measures how long callers wait. The lock is released after that, and not measured.
fn flight_durable() -> Measurement {
    let fixture = Fixture::new();
    let folder = tempfile::tempdir().expect("a folder");
    let client = client_on_disk(&fixture, &folder.path().join("store"));
    let flights = || {
        let mut took = Duration::ZERO;
        for _ in 0..REQUESTS {
            fixture.clock.advance(PAST_EXPIRY);
            took += fixture.runtime.block_on(async {
                let start = Instant::now();
                client.token().await.expect("a token");
                let took = start.elapsed();
                client.close().await.expect("closed");
                took
            });
        }
        took.as_secs_f64() * 1e6 / f64::from(REQUESTS)
    };
    let bytes = [7; RECORD_BYTES];
    let (file, temporary) = (folder.path().join("file"), folder.path().join("file.tmp"));
    let replaces = || {
        nanoseconds(REQUESTS, || {
            let mut written = File::create(&temporary).expect("a file");
            written.write_all(&bytes).expect("written");
            written.sync_all().expect("synced");
            fs::rename(&temporary, &file).expect("renamed");
            File::open(folder.path()).and_then(|folder| folder.sync_all()).expect("synced");
        }) / 1e3
    };
    Measurement::take(FLIGHT_DURABLE, TURNS, flights, replaces).at_most(3.0)
}

fn flight_file_store() -> Measurement {
    let fixture = Fixture::new();
    let folder = tempfile::tempdir().expect("a folder");
    let on_disk = client_on_disk(&fixture, &folder.path().join("store"));
    let in_memory = fixture.client(&fixture.registry());
    let (tokenlease, baseline) = (|| flight(&fixture, &on_disk), || flight(&fixture, &in_memory));
    Measurement::take(FLIGHT_FILE_STORE, TURNS, tokenlease, baseline)
}

/// Returns the microseconds of a request for a token after the last one has expired.
fn flight(fixture: &Fixture, client: &Client) -> f64 {
    each(fixture, async || {
        fixture.clock.advance(PAST_EXPIRY);
        client.token().await.expect("a token");
    })
}

/// Returns the microseconds per call, over [`REQUESTS`] calls in sequence.
fn each(fixture: &Fixture, mut call: impl AsyncFnMut()) -> f64 {
    fixture.runtime.block_on(async {
        let start = Instant::now();
        for _ in 0..REQUESTS {
            call().await;
        }
        start.elapsed().as_secs_f64() * 1e6 / f64::from(REQUESTS)
    })
}
