//! Performs the store effects of a hosted client at its registry's store.

use std::time::Duration;

use tokenlease_core::{
    Error, ErrorKind, Result,
    machine::{Action, Effect, Outcome},
};

use crate::{
    registry::Registry,
    runtime::Runtime,
    store::{AnyStore, Loaded, Locked, Owner, RecordName, Store as _, StoreError, Swapped},
};

/// The result of a store's call.
pub(super) enum Done {
    Loaded(Loaded),
    Locked(Locked),
    Swapped(Swapped),
    Unlocked,
    Failed(StoreError),
}

impl Done {
    pub(super) fn outcome(&self) -> Outcome<'_> {
        match self {
            Self::Loaded(loaded) => Outcome::Loaded { stored: stored(loaded), now: loaded.now },
            Self::Locked(Locked::Granted) => Outcome::Locked,
            Self::Locked(Locked::Busy) => Outcome::Busy,
            Self::Swapped(Swapped::Done { revision, now }) => {
                Outcome::Saved { revision: *revision, now: *now }
            }
            Self::Swapped(Swapped::Conflict(loaded)) => {
                Outcome::Conflict { stored: stored(loaded), now: loaded.now }
            }
            Self::Unlocked => Outcome::Unlocked,
            Self::Failed(StoreError::Unavailable(error)) => Outcome::Failed(error.clone()),
            Self::Failed(StoreError::Rejected(error)) => Outcome::Rejected(error.clone()),
            Self::Failed(StoreError::Unreadable(error)) => Outcome::Unreadable(error.clone()),
        }
    }
}

fn stored(loaded: &Loaded) -> Option<(u64, &[u8])> {
    loaded.record.as_ref().map(|stored| (stored.revision(), stored.bytes()))
}

/// Performs an effect within that time.
pub(super) fn perform(registry: &Registry, effect: &Effect, limit: Duration) -> Result<Done> {
    let (store, call) = (registry.store().clone(), StoreCall::of(effect.action())?);
    if let StoreCall::Load(name) = &call
        && let Some(loaded) = store.load_now(name)
    {
        return Ok(loaded.map_or_else(Done::Failed, Done::Loaded));
    }
    let performed = async move { tokio::time::timeout(limit, call.perform(&store)).await };
    Ok(match Runtime::current()?.block_on(performed)? {
        Ok(Ok(done)) => done,
        Ok(Err(error)) => Done::Failed(error),
        Err(_) => Done::Failed(StoreError::Unavailable(
            Error::new(ErrorKind::Store, "the store did not answer in time")
                .advice("check the store and the network to it"),
        )),
    })
}

/// A call of a store, with its arguments.
enum StoreCall {
    Load(RecordName),
    Lock(RecordName, Owner, Duration),
    Renew(RecordName, Owner, Duration),
    Swap { name: RecordName, expected: Option<u64>, bytes: Bytes, keep: Option<Duration> },
    Unlock(RecordName, Owner),
}

type Bytes = zeroize::Zeroizing<Vec<u8>>;

impl StoreCall {
    fn of(action: &Action) -> Result<Self> {
        let name = |record: &tokenlease_core::Identity| RecordName::new(record.clone());
        Ok(match action {
            Action::Load { record } => Self::Load(name(record)),
            Action::Lock { record, owner, ttl } => {
                Self::Lock(name(record), Owner::new(*owner), *ttl)
            }
            Action::Renew { record, owner, ttl } => {
                Self::Renew(name(record), Owner::new(*owner), *ttl)
            }
            Action::Save { record, expected, bytes, keep } => Self::Swap {
                name: name(record),
                expected: *expected,
                bytes: bytes.clone(),
                keep: *keep,
            },
            Action::Unlock { record, owner } => Self::Unlock(name(record), Owner::new(*owner)),
            action => {
                let detail = format!("the effect `{action}` is a request, which the host sends");
                return Err(
                    Error::new(ErrorKind::Config, detail).advice("send it, and return the answer")
                );
            }
        })
    }

    async fn perform(self, store: &AnyStore) -> Result<Done, StoreError> {
        Ok(match self {
            Self::Load(name) => Done::Loaded(store.load(&name).await?),
            Self::Lock(name, owner, ttl) => Done::Locked(store.lock(&name, &owner, ttl).await?),
            Self::Renew(name, owner, ttl) => Done::Locked(store.renew(&name, &owner, ttl).await?),
            Self::Swap { name, expected, bytes, keep } => {
                Done::Swapped(store.swap(&name, expected, &bytes, keep).await?)
            }
            Self::Unlock(name, owner) => {
                store.unlock(&name, &owner).await?;
                Done::Unlocked
            }
        })
    }
}
