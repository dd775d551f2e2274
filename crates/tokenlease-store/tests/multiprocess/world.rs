//! The surroundings of a test: an emulator of the providers, a store, and starters of child
//! processes that use both.

use std::{
    net::Ipv4Addr,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use tokenlease_emulator::Emulator;

use crate::{clock_offset::ClockOffset, process::Starter};

const KEY: &str = "6b65792d6b65792d6b65792d6b65792d6b65792d6b65792d6b65792d6b65792d";

pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) store: String,
    pub(crate) folder: tempfile::TempDir,
    /// The clock of the children and the store's server, if the test can advance it.
    pub(crate) clock: Option<Rc<ClockOffset>>,
}

impl World {
    /// A world whose store is a folder.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("file:{}", folder.path().join("store").display());
        Self { folder, ..Self::with_store(store) }
    }

    pub(crate) fn with_store(store: String) -> Self {
        Self::with_provider_at(store, Ipv4Addr::LOCALHOST)
    }

    /// A world whose providers listen on that address.
    pub(crate) fn with_provider_at(store: String, provider: Ipv4Addr) -> Self {
        let (folder, provider) = (tempfile::tempdir().unwrap(), (provider, 0).into());
        let emulator = Emulator::builder().winkas_addr(provider).wyn_addr(provider);
        Self { emulator: emulator.start_blocking().unwrap(), store, folder, clock: None }
    }

    /// Advances the clocks of the providers, the children and the store.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.as_ref().expect("a clock that the test can advance").pass(time);
        self.emulator.advance(time);
    }

    /// Returns a starter of children that use `WinKAS`; a test can add options.
    pub(crate) fn winkas(&self) -> Starter {
        let w = self.emulator.winkas();
        self.starter()
            .with("PROVIDER", "winkas")
            .with("SERVER", w.server())
            .with("USER", w.user())
            .with("REALM", w.contract())
            .with("PASSWORD", w.password())
    }

    pub(crate) fn wyn(&self) -> Starter {
        let w = self.emulator.wyn();
        self.starter()
            .with("PROVIDER", "wyn")
            .with("SERVER", w.server())
            .with("USER", w.user())
            .with("CLIENT", w.client_id())
            .with("PASSWORD", w.password())
            .with("SECRET", w.client_secret())
    }

    pub(crate) fn both(&self) -> [Starter; 2] {
        [self.winkas(), self.wyn()]
    }

    fn starter(&self) -> Starter {
        let clock = self.clock.as_ref().map(|clock| clock.path().to_string_lossy().into_owned());
        Starter::default()
            .with("STORE", self.store.clone())
            .with("KEY", KEY)
            .with("CLOCK_OFFSET", clock.unwrap_or_default())
    }

    /// Counts the logins at both providers.
    pub(crate) fn logins(&self) -> u64 {
        let counts = self.emulator.counts();
        counts.winkas.login + counts.wyn.login
    }

    /// Lists the files in the store's folder whose names end with `end`; none for a server.
    pub(crate) fn files(&self, end: &str) -> Vec<std::path::PathBuf> {
        let Ok(folder) = std::fs::read_dir(self.folder.path().join("store")) else {
            return Vec::new();
        };
        let paths = folder.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.to_string_lossy().ends_with(end)).collect()
    }
}

/// Polls `condition` until it returns a value, for at most 30 s.
pub(crate) fn wait_until<R>(mut condition: impl FnMut() -> Option<R>) -> R {
    let began = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "the condition never held");
        thread::sleep(Duration::from_millis(1));
    }
}
