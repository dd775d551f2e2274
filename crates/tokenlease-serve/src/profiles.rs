//! The clients of the profiles that `serve` uses.

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use tokenlease::{
    Client, Clock as _, Result, SystemClock, TokenFacts,
    core::{Credentials, Token, WallTime, lease::ExpiryBasis, lease::margin},
};
use tokenlease_config::{Options, StoreUrl, environment, profile};

/// A profile with its client. The client alone caches and shares tokens.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) options: Options,
    pub(crate) client: Client,
}

impl Profile {
    /// Opens a profile of the configuration file. Opening its store blocks.
    fn open(name: &str, options: Options) -> Result<Self> {
        let credentials = options.credentials(Credentials::default())?;
        let client = options.client(credentials, None)?.build()?;
        Ok(Self { name: name.to_owned(), options, client })
    }

    /// Returns how long a token will certainly be active, in whole seconds. It is 0 if that is not
    /// known: if the server states no lifetime, or an assumed one has ended.
    pub(crate) fn certain_life(&self, token: &Token) -> u64 {
        let facts = self.client.facts(token);
        facts.map_or(0, |facts| certain(facts, SystemClock.now().wall).as_secs())
    }
}

/// The time in which the client serves a token without asking the provider, and no better one is due.
fn certain(facts: TokenFacts, now: WallTime) -> Duration {
    let between = |from: WallTime, to: WallTime| {
        Duration::from_millis(u64::try_from(to.0.saturating_sub(from.0)).unwrap_or_default())
    };
    let Some(expires_at) = facts.expires_at else { return Duration::ZERO };
    let left = between(now, expires_at);
    match facts.expiry {
        // A consumer must not use it in the time in which the client does not.
        ExpiryBasis::Stated | ExpiryBasis::Capped => {
            left.saturating_sub(margin(between(facts.sent_at, expires_at)))
        }
        ExpiryBasis::Assumed | ExpiryBasis::Learned => left,
        _ => Duration::ZERO,
    }
}

/// All profiles in use.
#[derive(Debug, Default)]
pub(crate) struct Profiles(HashMap<String, Arc<Profile>>);

impl Profiles {
    /// Opens the profiles of these names. One whose options are unchanged keeps its client, and so its
    /// tokens also with a store in memory.
    pub(crate) fn open(
        file: Option<&Path>,
        names: impl Iterator<Item = String>,
        former: &Self,
    ) -> Result<Self> {
        let warn = |warning: &str| tracing::warn!(target: "tokenlease", "{warning}");
        let mut all = HashMap::new();
        for name in names {
            if all.contains_key(&name) {
                continue;
            }
            let service = environment::service(&|name| std::env::var_os(name), Some(&name));
            let mut options = profile::load(file, &name, warn)?.or(service);
            // Tokens survive a restart, and the program's other commands share them.
            options.store.get_or_insert_with(StoreUrl::user_folder);
            let known = former.0.get(&name).filter(|known| known.options == options).cloned();
            let profile = match known {
                Some(known) => known,
                None => Arc::new(Profile::open(&name, options)?),
            };
            all.insert(name, profile);
        }
        Ok(Self(all))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Profile>> {
        self.0.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Profile>> {
        self.0.values()
    }
}
