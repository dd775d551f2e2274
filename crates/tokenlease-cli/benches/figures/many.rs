//! Many identities of one registry.

use std::{collections::HashMap, hint::black_box, sync::Arc, time::Duration};

use tokenlease::{
    Client, MemoryStore, Registry, Store as _,
    core::{Credentials, Identity, Key, Token, TokenKind, vendor::Server},
    store::RecordName,
};

use crate::{
    figure::{Figure, Wanted, nanoseconds},
    request::{World, http},
};

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
    if wanted.has("identity_bytes") || wanted.has("identity_lookup") {
        figures.extend(cached());
    }
    if wanted.has("client_bytes") {
        figures.push(held());
    }
    figures
}

/// What an identity takes whose token a registry caches, beyond the token's text, while nobody
/// holds a client of it; and what it costs to find it.
fn cached() -> [Figure; 2] {
    let world = World::new();
    let store = Arc::new(MemoryStore::new(Arc::new(world.clock.clone())));
    let registry = Registry::builder()
        .clock(Arc::new(world.clock.clone()))
        .store(store.clone(), Key::new([7; 32]))
        .build()
        .expect("a registry");
    let name = |number| RecordName::new(identity(&world, number));
    let text = world.runtime.block_on(async {
        let token = client(&world, &registry, 0).token().await.expect("a token");
        token.expose().len()
    });
    let keep = Duration::from_secs(365 * 24 * 3600);
    let record = world.runtime.block_on(async {
        let loaded = store.load(&name(0)).await.expect("a look");
        loaded.record.expect("a record").bytes().to_vec()
    });

    let before = resident();
    world.runtime.block_on(async {
        for number in 1..=MANY {
            store.swap(&name(number), None, &record, Some(keep)).await.expect("saved");
        }
    });
    let after = resident();
    let logins = world.emulator.counts().wyn.issue;
    world.runtime.block_on(client(&world, &registry, MANY).token()).expect("a token");
    assert_eq!(world.emulator.counts().wyn.issue, logins, "the token was cached");
    #[expect(clippy::cast_precision_loss, reason = "bytes")]
    let each = (after - before) as f64 / f64::from(MANY) - text as f64;

    let names: Vec<_> = (0..LOOKUPS).map(|n| name(1 + n * (MANY / LOOKUPS))).collect();
    let by_hand: HashMap<_, _> =
        (1..=MANY).map(|number| (name(number).key().to_owned(), (1_u64, record.clone()))).collect();
    let ours = || {
        world.runtime.block_on(async {
            let began = std::time::Instant::now();
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
    [
        Figure::measure("identity_bytes", "B", 1, || each, || 400.0).at_most(1.0),
        Figure::measure("identity_lookup", "ns", TURNS, ours, limit).at_most(1.3),
    ]
}

/// What a client takes that is held with its token, beyond its texts.
fn held() -> Figure {
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
    Figure::measure("client_bytes", "B", 1, || each, || 400.0)
}

/// Resident memory in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("pages") * 4096
}
