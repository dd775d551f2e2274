//! The state of the server: what its configuration says, replaced as a whole by a reload.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

use arc_swap::ArcSwap;
use tokenlease::{Error, ErrorKind, Result};
use tokenlease_config::consumer;

use crate::{
    consumers::Consumers,
    counts::Counts,
    forward::{ForwardTo, Upstream},
    limits::Limits,
    profiles::Profiles,
    rate::Rate,
};

/// The parts of the state that a reload replaces.
#[derive(Debug, Default)]
pub(crate) struct Configured {
    pub(crate) consumers: Consumers,
    pub(crate) profiles: Profiles,
    pub(crate) upstreams: HashMap<String, Arc<Upstream>>,
}

/// The state of the server.
#[derive(Debug)]
pub(crate) struct Shared {
    file: Option<PathBuf>,
    forwards: Vec<ForwardTo>,
    configured: ArcSwap<Configured>,
    pub(crate) limits: Limits,
    pub(crate) counts: Counts,
    /// The limit on wrong credentials, for all consumers together.
    pub(crate) failures: Rate,
}

impl Shared {
    pub(crate) fn open(
        file: Option<PathBuf>,
        forwards: Vec<ForwardTo>,
        limits: Limits,
    ) -> Result<Self> {
        let shared = Self {
            file,
            forwards,
            configured: ArcSwap::default(),
            failures: Rate::new(limits.failures_per_second),
            limits,
            counts: Counts::default(),
        };
        shared.reload()?;
        Ok(shared)
    }

    pub(crate) fn configured(&self) -> Arc<Configured> {
        self.configured.load_full()
    }

    /// Reads the configuration again. After an error the former one goes on. Opening stores blocks.
    pub(crate) fn reload(&self) -> Result<()> {
        let former = self.configured();
        let file = self.file.as_deref();
        let consumers = consumer::load(file)?;
        if consumers.is_empty() {
            return Err(Error::new(ErrorKind::Config, "the configuration file has no consumer")
                .expected("a table [consumer.NAME]")
                .advice("run `tokenlease serve --new-secret FILE`, which prints what to write"));
        }
        let consumers = Consumers::new(consumers, &former.consumers);
        for consumer in consumers.iter() {
            let is_known = |name: &&String| self.forwards.iter().any(|to| to.name == **name);
            if let Some(unknown) = consumer.forwards.iter().find(|name| !is_known(name)) {
                let detail =
                    format!("consumer \"{}\": there is no --forward {unknown}", consumer.name);
                return Err(Error::new(ErrorKind::Config, detail)
                    .expected("the names of options such as --forward NAME=PROFILE,URL"));
            }
        }
        let of_consumers = consumers.iter().flat_map(|consumer| consumer.profiles.iter());
        let names = of_consumers.chain(self.forwards.iter().map(|to| &to.profile)).cloned();
        let profiles = Profiles::open(file, names, &former.profiles)?;
        let mut upstreams = HashMap::new();
        for to in &self.forwards {
            let Some(profile) = profiles.get(&to.profile) else { continue };
            let known = former.upstreams.get(&to.name).filter(|known| known.is_for(profile));
            let upstream = match known {
                Some(known) => known.clone(),
                None => Arc::new(Upstream::new(to, profile.clone(), &self.limits)?),
            };
            upstreams.insert(to.name.clone(), upstream);
        }
        self.configured.store(Arc::new(Configured { consumers, profiles, upstreams }));
        Ok(())
    }

    /// Returns how many connections are open.
    pub(crate) fn connections(&self) -> u64 {
        self.counts.connections.load(Ordering::Relaxed)
    }
}
