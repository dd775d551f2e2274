//! The kinds of stores that every rule is tested on: a folder, Redis and PostgreSQL.

use std::{cell::Cell, iter, net::Ipv4Addr, rc::Rc, time::Duration};

#[cfg(unix)]
use tokenlease_test_servers as servers;
#[cfg(unix)]
use tokenlease_test_servers::Running;

use crate::{clock_offset::ClockOffset, world::World};

/// The servers of stores run on Unix.
#[cfg(not(unix))]
pub(crate) enum Running {}

#[cfg(not(unix))]
impl Running {
    fn url(&self) -> String {
        match *self {}
    }
}

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
/// How long a process relies on its last read of the store (30 s, also the lock TTL), and 1 s more.
pub(crate) const CHECK_INTERVAL: Duration = Duration::from_secs(31);

/// How often the tests repeat a rule: once, or `TOKENLEASE_ROUNDS` times for races on a folder's
/// files. All other rules run for a seventeenth of these rounds.
pub(crate) fn rounds() -> u32 {
    std::env::var("TOKENLEASE_ROUNDS").map_or(1, |count| count.parse().expect("a number of rounds"))
}

fn reduced_rounds() -> u32 {
    rounds().div_ceil(17)
}

/// A kind of store, with its server if it has one.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    server: Option<Running>,
    provider: Ipv4Addr,
    clock: Option<Rc<ClockOffset>>,
    worlds: Cell<u32>,
}

impl Engine {
    /// Returns a folder, in real time.
    pub(crate) fn folder() -> Self {
        Self::without_server(None)
    }

    /// Returns all engines whose servers are installed, in real time.
    pub(crate) fn all() -> Vec<Self> {
        iter::once(Self::folder()).chain(Self::servers()).collect()
    }

    /// Returns all engines whose servers are installed, each with a clock that tests can advance.
    pub(crate) fn all_with_clock() -> Vec<Self> {
        let folder = Self::without_server(Some(Rc::new(ClockOffset::new())));
        let here = Ipv4Addr::LOCALHOST;
        iter::once(folder).chain(Self::servers_with_clock(here, here)).collect()
    }

    /// Returns the servers that are installed, in real time.
    pub(crate) fn servers() -> Vec<Self> {
        Self::start_servers(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST, None)
    }

    /// Returns the servers that are installed, on the address `server`, with a clock that tests can
    /// advance. The providers of their worlds listen on `provider`.
    pub(crate) fn servers_with_clock(provider: Ipv4Addr, server: Ipv4Addr) -> Vec<Self> {
        Self::start_servers(provider, server, Some(ClockOffset::new))
    }

    fn without_server(clock: Option<Rc<ClockOffset>>) -> Self {
        let (name, provider, worlds) = ("file", Ipv4Addr::LOCALHOST, Cell::new(0));
        Self { name, server: None, provider, clock, worlds }
    }

    #[cfg(unix)]
    fn start_servers(
        provider: Ipv4Addr,
        at: Ipv4Addr,
        clock: Option<fn() -> ClockOffset>,
    ) -> Vec<Self> {
        let engine = |name, start: fn(&servers::Place) -> Option<Running>| {
            let clock = clock.map(|clock| Rc::new(clock()));
            let server = start(&servers::Place::at(at, clock.as_deref().map(ClockOffset::path)))?;
            Some(Self { name, server: Some(server), provider, clock, worlds: Cell::new(0) })
        };
        let redis = engine("redis", servers::redis_at);
        let postgres = engine("postgres", |place| {
            let server = servers::postgres_at(place)?;
            make_table(&server.url());
            Some(server)
        });
        redis.into_iter().chain(postgres).collect()
    }

    #[cfg(not(unix))]
    fn start_servers(_: Ipv4Addr, _: Ipv4Addr, _: Option<fn() -> ClockOffset>) -> Vec<Self> {
        Vec::new()
    }

    /// Returns a world with a new emulator and an empty store.
    fn world(&self) -> World {
        self.worlds.set(self.worlds.get() + 1);
        let mut world = match &self.server {
            None => World::new(),
            Some(server) => World::with_provider_at(server.url(), self.provider),
        };
        world.empty();
        if let Some(clock) = &self.clock {
            world.emulator.advance(clock.passed());
            world.clock = Some(clock.clone());
        }
        world
    }

    pub(crate) fn server(&self) -> Option<&Running> {
        self.server.as_ref()
    }

    /// Runs a rule that is a race for a folder's files, in all rounds on a folder.
    pub(crate) fn repeat_race(&self, rule: impl FnMut(&World, u32)) {
        self.times(if self.server.is_none() { rounds() } else { reduced_rounds() }, rule);
    }

    /// Runs any other rule.
    pub(crate) fn repeat(&self, rule: impl FnMut(&World, u32)) {
        self.times(reduced_rounds(), rule);
    }

    fn times(&self, rounds: u32, mut rule: impl FnMut(&World, u32)) {
        for round in 0..rounds {
            rule(&self.world(), round);
        }
    }
}

/// Prints how many worlds a test ran.
impl Drop for Engine {
    fn drop(&mut self) {
        println!("{}: {} worlds", self.name, self.worlds.get());
    }
}

/// Creates the store's table in that database.
#[cfg(unix)]
fn make_table(url: &str) {
    let store = tokenlease_store::PostgresStore::open(url, &[]).unwrap();
    let runtime = tokenlease::runtime::Runtime::current().unwrap();
    runtime.block_on(async move { store.init().await }).unwrap().unwrap();
}
