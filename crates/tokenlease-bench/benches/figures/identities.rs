//! Many identities in one registry.

use std::{
    collections::HashMap,
    hint::black_box,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use tokenlease::{
    Client, MemoryStore, Registry, Store as _,
    core::{Credentials, Identity, Key, Token, TokenKind, provider::Server},
    store::RecordName,
};

use crate::{
    fixture::{Fixture, plain_http},
    measurement::{Case, Measurement, Selection, nanoseconds},
};

const CLIENT_BUILD: Case = Case {
    name: "client_build",
    unit: "µs",
    measures: "building another client of a registry",
    baseline: "building a reqwest client that trusts the platform's certificates",
};
const IDENTITY_BYTES: Case = Case {
    name: "identity_bytes",
    unit: "B",
    measures: "memory per identity beyond the token's text, for 1,000,000 identities in a \
               registry whose clients were dropped",
    baseline: "a limit of 400 bytes",
};
const CLIENT_BYTES: Case = Case {
    name: "client_bytes",
    unit: "B",
    measures: "memory per client beyond its texts, for 100,000 live clients with a token",
    baseline: "a limit of 1,024 bytes",
};
const CLIENT_RECORD_BYTES: Case = Case {
    name: "client_record_bytes",
    unit: "B",
    measures: "memory per client beyond its texts, for 100,000 live clients whose tokens are in the \
               registry's store, without the memory of the store",
    baseline: "the same 1,024 bytes",
};
const LOOKUP: Case = Case {
    name: "identity_lookup",
    unit: "ns",
    measures: "loading one of 1,000,000 records from the registry's store",
    baseline: "finding and copying one of as many records in a `HashMap`",
};

/// The argument that makes this program measure memory, before the name of a benchmark.
pub(crate) const MEMORY_FLAG: &str = "--measure";

const TURNS: usize = 31;
/// The identities in a registry.
pub(crate) const IDENTITIES: u32 = 1_000_000;
/// The lookups per turn.
const LOOKUPS: u32 = 10_000;
/// The live clients with a token.
const CLIENTS: u32 = 100_000;

fn identity(fixture: &Fixture, number: u32) -> Identity {
    let wyn = fixture.emulator.wyn();
    let tenant = format!("/tenant-{number:07}");
    Identity::wyn(&wyn.server(), &wyn.user(), wyn.client_id())
        .expect("an identity")
        .with_tenant(&tenant)
}

fn client(fixture: &Fixture, registry: &Registry, number: u32) -> Client {
    let wyn = fixture.emulator.wyn();
    let credentials = Credentials::password(wyn.password()).with_client_secret(wyn.client_secret());
    Client::builder(Server::new(identity(fixture, number)), credentials)
        .registry(registry)
        .build()
        .expect("a client")
}

pub(crate) fn run(selection: &Selection) -> Vec<Measurement> {
    let mut measurements = Vec::new();
    if selection.includes(CLIENT_BUILD) {
        let fixture = Fixture::new();
        let registry = Registry::builder().build().expect("a registry");
        let tokenlease = || nanoseconds(100, || client(&fixture, &registry, 7)) / 1e3;
        let baseline = || nanoseconds(10, plain_http) / 1e3;
        measurements
            .push(Measurement::take(CLIENT_BUILD, TURNS, tokenlease, baseline).at_most(1.0 / 30.0));
    }
    if selection.includes(IDENTITY_BYTES) {
        let pair = (memory_in_new_process(IDENTITY_BYTES), 400.0);
        measurements.push(Measurement::from_pairs(IDENTITY_BYTES, &[pair]).at_most(1.0));
    }
    for case in [CLIENT_BYTES, CLIENT_RECORD_BYTES] {
        if selection.includes(case) {
            let pair = (memory_in_new_process(case), 1024.0);
            measurements.push(Measurement::from_pairs(case, &[pair]).at_most(1.0));
        }
    }
    if selection.includes(LOOKUP) {
        measurements.push(lookup());
    }
    measurements
}

/// Returns the bytes that a new process measures. In this process, memory that another benchmark
/// freed would be reused and falsify the result.
fn memory_in_new_process(case: Case) -> f64 {
    let program = std::env::current_exe().expect("the path of this program");
    let output = Command::new(program).args([MEMORY_FLAG, case.name]).output().expect("a process");
    let text = String::from_utf8(output.stdout).expect("text");
    text.trim().parse().unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// Prints the bytes that [`memory_in_new_process`] reads.
pub(crate) fn print_memory(name: &str) {
    let bytes = match name {
        name if name == IDENTITY_BYTES.name => identity_bytes(),
        name if name == CLIENT_BYTES.name => client_bytes(),
        _ => client_record_bytes(),
    };
    println!("{bytes}");
}

/// A registry whose store has a record of each identity, without live clients.
pub(crate) struct FilledRegistry {
    pub(crate) fixture: Fixture,
    registry: Registry,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) record: Vec<u8>,
    token: Token,
}

impl FilledRegistry {
    pub(crate) fn new() -> Self {
        let fixture = Fixture::new();
        let clock = Arc::new(fixture.clock.clone());
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let registry = Registry::builder().clock(clock).store(store.clone(), Key::new([7; 32]));
        let registry = registry.build().expect("a registry");
        let token = fixture.runtime.block_on(client(&fixture, &registry, 0).token());
        let loaded = fixture.runtime.block_on(store.load(&name(&fixture, 0))).expect("a load");
        let record = loaded.record.expect("a record").bytes().to_vec();
        Self { fixture, registry, store, record, token: token.expect("a token") }
    }

    fn fill(&self) {
        let keep = Some(Duration::from_secs(365 * 24 * 3600));
        self.fixture.runtime.block_on(async {
            for number in 1..=IDENTITIES {
                let name = name(&self.fixture, number);
                self.store.swap(&name, None, &self.record, keep).await.expect("saved");
            }
        });
        let logins = self.fixture.emulator.counts().wyn.login;
        let token = client(&self.fixture, &self.registry, IDENTITIES).blocking().token();
        assert_eq!(token.expect("a token"), self.token);
        assert_eq!(self.fixture.emulator.counts().wyn.login, logins, "the token is in the store");
    }
}

pub(crate) fn name(fixture: &Fixture, number: u32) -> RecordName {
    RecordName::new(identity(fixture, number))
}

/// Returns the bytes per identity in a registry, beyond the token's text, without live clients.
fn identity_bytes() -> f64 {
    let filled = FilledRegistry::new();
    let before = resident_memory();
    filled.fill();
    #[expect(clippy::cast_precision_loss, reason = "a number of bytes")]
    let (grown, text) = ((resident_memory() - before) as f64, filled.token.expose().len() as f64);
    grown / f64::from(IDENTITIES) - text
}

fn lookup() -> Measurement {
    let filled = FilledRegistry::new();
    filled.fill();
    let FilledRegistry { fixture, store, record, .. } = &filled;
    let names: Vec<_> =
        (0..LOOKUPS).map(|n| name(fixture, 1 + n * (IDENTITIES / LOOKUPS))).collect();
    let map: HashMap<_, _> = (1..=IDENTITIES)
        .map(|number| (name(fixture, number).key().to_owned(), (1_u64, record.clone())))
        .collect();
    let tokenlease = || {
        fixture.runtime.block_on(async {
            let start = Instant::now();
            for name in &names {
                black_box(store.load(name).await.expect("a load"));
            }
            start.elapsed().as_secs_f64() * 1e9 / f64::from(LOOKUPS)
        })
    };
    let baseline = || {
        let mut names = names.iter().cycle();
        nanoseconds(LOOKUPS, || names.next().and_then(|name| map.get(name.key()).cloned()))
    };
    Measurement::take(LOOKUP, TURNS, tokenlease, baseline).at_most(1.3)
}

/// Returns the bytes per live client with a token, beyond its texts.
fn client_bytes() -> f64 {
    let fixture = Fixture::new();
    let registry = Registry::builder().build().expect("a registry");
    let mut clients = Vec::with_capacity(CLIENTS as usize);
    let before = resident_memory();
    let mut texts = 0_usize;
    fixture.runtime.block_on(async {
        for number in 0..CLIENTS {
            let client = client(&fixture, &registry, number);
            let text = format!("{number:064}");
            texts += text.len() + identity(&fixture, number).canonical().len();
            let token = Token::new(TokenKind::Bearer, text);
            client.adopt(token, None).await.expect("adopted");
            client.token().await.expect("a token");
            clients.push(client);
        }
    });
    let after = resident_memory();
    #[expect(clippy::cast_precision_loss, reason = "a number of bytes")]
    let each = ((after - before) as f64 - texts as f64) / f64::from(CLIENTS);
    each
}

/// Returns the bytes per live client whose token is in the registry's store, beyond its texts.
fn client_record_bytes() -> f64 {
    let filled = FilledRegistry::new();
    filled.fill();
    let FilledRegistry { fixture, registry, token, .. } = &filled;
    let mut clients = Vec::with_capacity(CLIENTS as usize);
    let before = resident_memory();
    let mut texts = 0_usize;
    fixture.runtime.block_on(async {
        for number in 1..=CLIENTS {
            let client = client(fixture, registry, number);
            texts += token.expose().len() + identity(fixture, number).canonical().len();
            assert_eq!(client.token().await.expect("a token"), *token);
            clients.push(client);
        }
    });
    let after = resident_memory();
    #[expect(clippy::cast_precision_loss, reason = "a number of bytes")]
    let each = ((after - before) as f64 - texts as f64) / f64::from(CLIENTS);
    each
}

/// Returns the resident memory of this process in bytes.
fn resident_memory() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a number of pages") * 4096
}
