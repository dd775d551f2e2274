//! The stores that every rule is tried on: a folder, Redis and PostgreSQL.

use std::{cell::Cell, iter, net::Ipv4Addr, rc::Rc, time::Duration};

use crate::{hour::Hour, servers, world::World};

/// How often the rules run: `TOKENLEASE_ROUNDS` times where the login is a race for a folder's
/// files, a sixteenth of that for all others, and once where nobody says so.
pub(crate) fn many() -> u32 {
    std::env::var("TOKENLEASE_ROUNDS").map_or(1, |count| count.parse().expect("a number of rounds"))
}

fn few() -> u32 {
    many().div_ceil(17)
}

/// An engine, with its server where it has one.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    server: Option<servers::Running>,
    provider: Ipv4Addr,
    hour: Option<Rc<Hour>>,
    worlds: Cell<u32>,
}

impl Engine {
    /// A folder, in real time.
    pub(crate) fn folder() -> Self {
        Self::without_server(None)
    }

    /// All whose servers are at hand, in real time.
    pub(crate) fn all() -> Vec<Self> {
        iter::once(Self::folder()).chain(Self::servers()).collect()
    }

    /// All whose servers are at hand, each with an hour that can be moved.
    pub(crate) fn all_steered() -> Vec<Self> {
        let folder = Self::without_server(Some(Rc::new(Hour::new())));
        let here = Ipv4Addr::LOCALHOST;
        iter::once(folder).chain(Self::servers_between(here, here)).collect()
    }

    /// The servers that are at hand, in real time.
    pub(crate) fn servers() -> Vec<Self> {
        Self::those(Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST, None)
    }

    /// The servers that are at hand, at that address, with an hour that can be moved.
    pub(crate) fn servers_between(provider: Ipv4Addr, server: Ipv4Addr) -> Vec<Self> {
        Self::those(provider, server, Some(Hour::new))
    }

    fn without_server(hour: Option<Rc<Hour>>) -> Self {
        let (name, provider, worlds) = ("file", Ipv4Addr::LOCALHOST, Cell::new(0));
        Self { name, server: None, provider, hour, worlds }
    }

    fn those(provider: Ipv4Addr, at: Ipv4Addr, hour: Option<fn() -> Hour>) -> Vec<Self> {
        let engine = |name, start: fn(&servers::Place) -> Option<servers::Running>| {
            let hour = hour.map(|hour| Rc::new(hour()));
            let server = start(&servers::Place::at(at, hour.as_deref()))?;
            Some(Self { name, server: Some(server), provider, hour, worlds: Cell::new(0) })
        };
        let redis = engine("redis", servers::redis_at);
        let postgres = engine("postgres", |place| {
            let server = servers::postgres_at(place)?;
            servers::make_table(&server.url());
            Some(server)
        });
        redis.into_iter().chain(postgres).collect()
    }

    /// A provider of its own, and a store with nothing in it.
    pub(crate) fn world(&self) -> World {
        self.worlds.set(self.worlds.get() + 1);
        let mut world = match &self.server {
            None => World::new(),
            Some(server) => World::between(server.url(), self.provider),
        };
        world.empty();
        if let Some(hour) = &self.hour {
            world.emulator.advance(hour.passed());
            world.hour = Some(hour.clone());
        }
        world
    }

    pub(crate) fn server(&self) -> Option<&servers::Running> {
        self.server.as_ref()
    }

    /// Tries a rule that is a race for a folder's files.
    pub(crate) fn often(&self, rule: impl FnMut(&World, u32)) {
        self.times(if self.server.is_none() { many() } else { few() }, rule);
    }

    /// Tries any other rule.
    pub(crate) fn seldom(&self, rule: impl FnMut(&World, u32)) {
        self.times(few(), rule);
    }

    fn times(&self, rounds: u32, mut rule: impl FnMut(&World, u32)) {
        for round in 0..rounds {
            rule(&self.world(), round);
        }
    }
}

/// Says how long a rule took with all its rounds.
impl Drop for Engine {
    fn drop(&mut self) {
        println!("{}: {} worlds", self.name, self.worlds.get());
    }
}

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
