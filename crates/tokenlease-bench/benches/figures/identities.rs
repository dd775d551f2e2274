//! Many identities of one registry.

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
    figure::{Figure, Wanted, nanoseconds},
    request::{World, http},
};

/// The word before the name of a figure that a process is started for.
pub(crate) const MEASURE: &str = "--measure";
const IDENTITY: &str = "identity_bytes";
const CLIENT: &str = "client_bytes";

const TURNS: usize = 31;
/// How many identities a registry caches.
const MANY: u32 = 1_000_000;
/// How many of them are looked up in a turn.
const LOOKUPS: u32 = 10_000;
/// How many clients are held, each with its token.
const HELD: u32 = 100_000;

fn identity(world: &World, number: u32) -> Identity {
    let wyn = world.emulator.wyn();
    let tenant = format!("/tenant-{number:07}");
    Identity::wyn(&wyn.server(), &wyn.user(), wyn.client_id()).expect("one").with_tenant(&tenant)
}

fn client(world: &World, registry: &Registry, number: u32) -> Client {
    let wyn = world.emulator.wyn();
    let credentials = Credentials::password(wyn.password()).with_client_secret(wyn.client_secret());
    Client::builder(Server::new(identity(world, number)), credentials)
        .registry(registry)
        .build()
        .expect("a client")
}

pub(crate) fn figures(wanted: &Wanted) -> Vec<Figure> {
    let mut figures = Vec::new();
    if wanted.has("client_further") {
        let world = World::new();
        let registry = Registry::builder().build().expect("a registry");
        let ours = || nanoseconds(100, || client(&world, &registry, 7)) / 1e3;
        let limit = || nanoseconds(10, http) / 1e3;
        figures
            .push(Figure::measure("client_further", "µs", TURNS, ours, limit).at_most(1.0 / 30.0));
    }
    if wanted.has(IDENTITY) {
        figures.push(Figure::of(IDENTITY, "B", &[(in_a_process(IDENTITY), 400.0)]).at_most(1.0));
    }
    if wanted.has(CLIENT) {
        figures.push(Figure::of(CLIENT, "B", &[(in_a_process(CLIENT), 400.0)]));
    }
    if wanted.has("identity_lookup") {
        figures.push(lookup());
    }
    figures
}

/// Bytes, measured in a process of its own: what another figure freed is used again in this one.
fn in_a_process(name: &str) -> f64 {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args([MEASURE, name]).output().expect("a process");
    let text = String::from_utf8(output.stdout).expect("text");
    text.trim().parse().unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// Prints what a process was started for by [`in_a_process`].
pub(crate) fn measured(name: &str) {
    println!("{}", if name == IDENTITY { cached() } else { held() });
}

/// A registry's store with a million identities, of which nobody holds a client.
struct Cached {
    world: World,
    registry: Registry,
    store: Arc<MemoryStore>,
    record: Vec<u8>,
    token: Token,
}

impl Cached {
    fn new() -> Self {
        let world = World::new();
        let clock = Arc::new(world.clock.clone());
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let registry = Registry::builder().clock(clock).store(store.clone(), Key::new([7; 32]));
        let registry = registry.build().expect("a registry");
        let token = world.runtime.block_on(client(&world, &registry, 0).token());
        let loaded = world.runtime.block_on(store.load(&name(&world, 0))).expect("a look");
        let record = loaded.record.expect("a record").bytes().to_vec();
        Self { world, registry, store, record, token: token.expect("a token") }
    }

    fn fill(&self) {
        let keep = Some(Duration::from_secs(365 * 24 * 3600));
        self.world.runtime.block_on(async {
            for number in 1..=MANY {
                let name = name(&self.world, number);
                self.store.swap(&name, None, &self.record, keep).await.expect("saved");
            }
        });
        let logins = self.world.emulator.counts().wyn.login;
        let token = client(&self.world, &self.registry, MANY).blocking().token();
        assert_eq!(token.expect("a token"), self.token);
        assert_eq!(self.world.emulator.counts().wyn.login, logins, "the token was cached");
    }
}

fn name(world: &World, number: u32) -> RecordName {
    RecordName::new(identity(world, number))
}

/// What an identity takes whose token a registry caches, beyond the token's text, while nobody
/// holds a client of it.
fn cached() -> f64 {
    let cached = Cached::new();
    let before = resident();
    cached.fill();
    #[expect(clippy::cast_precision_loss, reason = "bytes")]
    let (grown, text) = ((resident() - before) as f64, cached.token.expose().len() as f64);
    grown / f64::from(MANY) - text
}

/// Finding an identity's record in the registry's store, beside a map from names to records.
fn lookup() -> Figure {
    let cached = Cached::new();
    cached.fill();
    let Cached { world, store, record, .. } = &cached;
    let names: Vec<_> = (0..LOOKUPS).map(|n| name(world, 1 + n * (MANY / LOOKUPS))).collect();
    let by_hand: HashMap<_, _> = (1..=MANY)
        .map(|number| (name(world, number).key().to_owned(), (1_u64, record.clone())))
        .collect();
    let ours = || {
        world.runtime.block_on(async {
            let began = Instant::now();
            for name in &names {
                black_box(store.load(name).await.expect("a look"));
            }
            began.elapsed().as_secs_f64() * 1e9 / f64::from(LOOKUPS)
        })
    };
    let limit = || {
        let mut name = names.iter().cycle();
        nanoseconds(LOOKUPS, || name.next().and_then(|name| by_hand.get(name.key()).cloned()))
    };
    Figure::measure("identity_lookup", "ns", TURNS, ours, limit).at_most(1.3)
}

/// What a client takes that is held with its token, beyond its texts.
fn held() -> f64 {
    let world = World::new();
    let registry = Registry::builder().build().expect("a registry");
    let mut cached = Vec::with_capacity(HELD as usize);
    let before = resident();
    let mut texts = 0_usize;
    world.runtime.block_on(async {
        for number in 0..HELD {
            let client = client(&world, &registry, number);
            let text = format!("{number:064}");
            texts += text.len() + identity(&world, number).canonical().len();
            let token = Token::new(TokenKind::Bearer, text);
            client.adopt(token, None).await.expect("adopted");
            client.token().await.expect("a token");
            cached.push(client);
        }
    });
    let after = resident();
    #[expect(clippy::cast_precision_loss, reason = "bytes")]
    let each = ((after - before) as f64 - texts as f64) / f64::from(HELD);
    each
}

/// Resident memory in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("pages") * 4096
}
