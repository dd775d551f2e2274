//! An emulator and a client clock that move together.
#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(unreachable_pub, reason = "a module of several tests")]

pub mod faulty_store;

use std::{sync::Arc, time::Duration};

use tokenlease::{
    Client, Clock as _, Registry, SteeredClock,
    core::{Credentials, Identity, lifecycle::Event, provider::Server},
};
use tokenlease_emulator::Emulator;

pub struct World {
    pub emulator: Emulator,
    pub clock: SteeredClock,
}

impl World {
    pub async fn start() -> Self {
        let emulator = Emulator::builder().start().await.unwrap();
        Self { emulator, clock: SteeredClock::new() }
    }

    pub fn registry(&self) -> Registry {
        Registry::builder().clock(Arc::new(self.clock.clone())).build().unwrap()
    }

    pub fn winkas_server(&self) -> Server {
        let w = self.emulator.winkas();
        Server::new(Identity::winkas(&w.server(), &w.user(), &w.contract()).unwrap())
    }

    pub fn winkas(&self, registry: &Registry, password: &str) -> Client {
        Client::builder(self.winkas_server(), Credentials::password(password))
            .registry(registry)
            .build()
            .unwrap()
    }

    pub fn wyn_credentials(&self) -> Credentials {
        let w = self.emulator.wyn();
        Credentials::password(w.password()).with_client_secret(w.client_secret())
    }

    pub fn wyn(&self, registry: &Registry, life: Duration) -> Client {
        let w = self.emulator.wyn();
        let identity = Identity::wyn(&w.server(), &w.user(), w.client_id()).unwrap();
        let credentials = Credentials::password(w.password()).with_client_secret(w.client_secret());
        Client::builder(Server::new(identity).with_lifetime(life).unwrap(), credentials)
            .registry(registry)
            .build()
            .unwrap()
    }

    /// Returns an event hook that moves the client's clock to the end of each backoff, so that no
    /// test waits for one.
    pub fn skip_backoffs(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let clock = self.clock.clone();
        move |event| {
            let wait = match event {
                Event::BackedOff(until) => until.0.saturating_sub(clock.elapsed().0),
                // The event of a lost login has no time.
                Event::LoginLost => 60_000,
                _ => return,
            };
            clock.advance(Duration::from_millis(wait.try_into().unwrap_or(0)));
        }
    }

    pub fn pass(&self, time: Duration) {
        self.emulator.advance(time);
        self.clock.advance(time);
    }
}
