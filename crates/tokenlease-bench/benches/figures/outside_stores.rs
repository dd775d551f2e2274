//! Redis and PostgreSQL with 100,000 records.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokenlease::{Store as _, core::Key};
use tokenlease_store::{KeySource, StoreOptions, open, postgres};
use tokenlease_test_servers::{self as servers, Running};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

use crate::{
    identities::{FilledRegistry, name},
    measurement::{Case, Measurement, Selection, quantile, sorted},
};

/// The records in a store.
const RECORDS: u32 = 100_000;
/// The measured reads.
const READS: u32 = 5_000;
/// The records that are saved at once while a store is filled.
const WRITERS: u32 = 16;

const MEASURES: &str = "reading one of 100,000 records, of 5,000 reads";
const SIZE: &str = "the memory or disk per record, of 100,000";

/// The benchmarks of one store.
struct Cases {
    p50: Case,
    p99: Case,
    bytes: Case,
}

const fn cases(names: [&'static str; 3], baseline: &'static str) -> Cases {
    let [p50, p99, bytes] = names;
    Cases {
        p50: Case { name: p50, unit: "µs", measures: MEASURES, baseline },
        p99: Case { name: p99, unit: "µs", measures: MEASURES, baseline },
        bytes: Case { name: bytes, unit: "B", measures: SIZE, baseline: "the record's bytes" },
    }
}

const REDIS: Cases = cases(
    ["redis_read_p50", "redis_read_p99", "redis_bytes"],
    "a PING on a kept connection, as many times",
);
const POSTGRES: Cases = cases(
    ["postgres_read_p50", "postgres_read_p99", "postgres_bytes"],
    "a SELECT 1 on a kept connection, as many times",
);

pub(crate) fn run(selection: &Selection) -> Vec<Measurement> {
    let is_selected = |of: &Cases| [of.p50, of.p99, of.bytes].map(|case| selection.includes(case));
    let mut measurements = Vec::new();
    if is_selected(&REDIS).contains(&true)
        && let Some(server) = servers::redis()
    {
        measurements.extend(of_store(&REDIS, &server));
    }
    if is_selected(&POSTGRES).contains(&true)
        && let Some(server) = servers::postgres()
    {
        measurements.extend(of_store(&POSTGRES, &server));
    }
    measurements
}

fn of_store(cases: &Cases, server: &Running) -> [Measurement; 3] {
    let filled = FilledRegistry::new();
    let FilledRegistry { fixture, record, .. } = &filled;
    let options = StoreOptions::new().with_key(KeySource::Given(Key::new([7; 32])));
    let mut bare = fixture.runtime.block_on(Bare::connect(&server.url()));
    let opened = fixture.runtime.block_on(open(&server.url(), &options)).expect("a store");
    let empty = fixture.runtime.block_on(bare.size());
    let names = Arc::new((0..RECORDS).map(|n| name(fixture, n)).collect::<Vec<_>>());
    fixture.runtime.block_on(async {
        let mut running = JoinSet::new();
        for writer in 0..WRITERS {
            let (names, store, record) = (names.clone(), opened.store.clone(), record.clone());
            running.spawn(async move {
                let own = names.iter().skip(writer as usize).step_by(WRITERS as usize);
                for name in own {
                    let keep = Some(Duration::from_secs(365 * 24 * 3600));
                    store.swap(name, None, &record, keep).await.expect("saved");
                }
            });
        }
        running.join_all().await;
    });
    let full = fixture.runtime.block_on(bare.size());
    let (reads, trips) = fixture.runtime.block_on(async {
        let (mut reads, mut trips) = (Vec::new(), Vec::new());
        for read in 0..READS {
            let name = &names[(read * 7919 % RECORDS) as usize];
            let began = Instant::now();
            let loaded = opened.store.load(name).await.expect("a read");
            reads.push(began.elapsed().as_secs_f64() * 1e6);
            assert_eq!(loaded.record.expect("a record").bytes(), record.as_slice());
            let began = Instant::now();
            bare.round_trip().await;
            trips.push(began.elapsed().as_secs_f64() * 1e6);
        }
        (sorted(reads.into_iter()), sorted(trips.into_iter()))
    });
    let at = |share| [(quantile(&reads, share), quantile(&trips, share))];
    #[expect(clippy::cast_precision_loss, reason = "numbers of bytes")]
    let size = ((full - empty) as f64 / f64::from(RECORDS), record.len() as f64);
    [
        Measurement::from_pairs(cases.p50, &at(0.5)),
        Measurement::from_pairs(cases.p99, &at(0.99)),
        Measurement::from_pairs(cases.bytes, &[size]),
    ]
}

/// A connection without tokenlease.
enum Bare {
    Redis(redis::aio::MultiplexedConnection),
    Postgres(tokio_postgres::Client),
}

impl Bare {
    async fn connect(url: &str) -> Self {
        if url.starts_with("redis") {
            let client = redis::Client::open(url).expect("an address");
            let connection = client.get_multiplexed_async_connection().await;
            return Self::Redis(connection.expect("a connection"));
        }
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
        tokio::spawn(connection);
        client.batch_execute(postgres::MIGRATION).await.expect("a table");
        Self::Postgres(client)
    }

    async fn round_trip(&mut self) {
        match self {
            Self::Redis(connection) => {
                let _: String = redis::cmd("PING").query_async(connection).await.expect("a pong");
            }
            Self::Postgres(client) => {
                client.simple_query("SELECT 1").await.expect("a row");
            }
        }
    }

    /// Returns the bytes that all records take, with their indexes.
    async fn size(&mut self) -> i64 {
        match self {
            Self::Redis(connection) => {
                let info: String =
                    redis::cmd("INFO").arg("memory").query_async(connection).await.expect("text");
                let used = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
                used.and_then(|used| used.trim().parse().ok()).expect("a number")
            }
            Self::Postgres(client) => {
                let sum = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class \
                           WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
                client.query_one(sum, &[]).await.expect("a row").get(0)
            }
        }
    }
}
