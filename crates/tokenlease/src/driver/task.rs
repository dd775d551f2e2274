//! The task that drives an entry's machine: it performs the effects that the machine names, at the
//! store and at the provider, and brings back what comes of them.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use tokenlease_core::{
    Error, ErrorKind, Result, Timestamp,
    lifecycle::{Effect, Outcome, Step},
    provider::Call,
    record::{DecodeError, Record},
    time::Moment as _,
};

use super::Entry;
use crate::{
    state::ClientState,
    store::{Loaded, Locked, Owner, StoreError, Stored, Swapped},
    transport::SendError,
};

/// How long an answer is still waited for after the machine gave it up: a token that comes late
/// is a token.
const LATE: Duration = Duration::from_secs(20);

/// Drives an entry's machine until it has nothing to do. It is a task of its own, so no caller
/// that gives up takes it along.
pub(super) struct Driver {
    inner: Arc<ClientState>,
    entry: Arc<Entry>,
}

impl Driver {
    pub(super) fn new(inner: Arc<ClientState>, entry: Arc<Entry>) -> Self {
        Self { inner, entry }
    }

    pub(super) async fn run(self) {
        loop {
            let (inner, entry) = (&self.inner, &self.entry);
            let woken = entry.woken.notified();
            let (step, now) = {
                let mut machine = entry.lock();
                let now = inner.now();
                let step = machine.lifecycle.poll(now);
                let mut progress = entry.publish(inner, &mut machine, now);
                if matches!(step, Step::Done) {
                    machine.driven = false;
                    progress.completed = true;
                }
                drop(machine);
                entry.tell(inner, progress);
                (step, now.elapsed)
            };
            match step {
                Step::Done => return,
                Step::Wait(until) => {
                    tokio::select! {
                        () = woken => {}
                        () = inner.registry.clock().sleep(until.since(now)) => {}
                    }
                }
                Step::Do(Effect::Send(call), receipt) => {
                    let until = receipt.deadline();
                    let sending = {
                        let (inner, entry) = (inner.clone(), entry.clone());
                        Box::pin(async move {
                            let outcome = entry.send(&inner, call, until.since(now) + LATE).await;
                            entry.handle(&inner, receipt, outcome);
                        })
                    };
                    self.until(until, sending).await;
                }
                Step::Do(effect, receipt) => {
                    let limit = receipt.deadline().since(now);
                    let performed = entry.perform(inner, receipt.lock_epoch(), effect);
                    let outcome = tokio::time::timeout(limit, performed).await;
                    let outcome = outcome.unwrap_or_else(|_| {
                        Outcome::Failed(
                            Error::new(ErrorKind::Store, "the store did not answer in time")
                                .advice("look at the store and the network to it"),
                        )
                    });
                    entry.handle(inner, receipt, outcome);
                }
            }
        }
    }

    /// Awaits an exchange until the machine gives it up. From then on it is a task of its own: an
    /// answer that comes late is still brought to the machine.
    async fn until(&self, until: Timestamp, mut sending: Pin<Box<dyn Future<Output = ()> + Send>>) {
        loop {
            let left = until.since(self.inner.elapsed());
            if left.is_zero() {
                tokio::spawn(sending);
                return;
            }
            tokio::select! {
                () = &mut sending => return,
                () = self.inner.registry.clock().sleep(left) => {}
            }
        }
    }
}

impl Drop for Driver {
    /// Where the runtime ends in the middle of a flight, the next caller's driver takes over.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.entry.lock().driven = false;
            self.entry.completed.notify_waiters();
        }
    }
}

impl Entry {
    /// The name under which this entry takes locks.
    fn owner(&self, lock_epoch: u64) -> Owner {
        Owner::new(self.seed.wrapping_add(lock_epoch))
    }

    async fn perform(&self, inner: &ClientState, lock_epoch: u64, effect: Effect) -> Outcome {
        inner.counters.store_called();
        let (store, name) = (inner.registry.store(), &inner.name);
        let outcome = match effect {
            Effect::Load => store.load(name).await.and_then(|loaded| {
                let (stored, now) = decoded(loaded)?;
                Ok(Outcome::Loaded { stored, now })
            }),
            Effect::Lock { life } => {
                store.lock(name, &self.owner(lock_epoch), life).await.map(granted)
            }
            Effect::Renew { life } => {
                store.renew(name, &self.owner(lock_epoch), life).await.map(granted)
            }
            Effect::Save { expected, record, keep } => {
                let bytes = record.encode();
                match store.swap(name, expected, &bytes, keep).await {
                    Ok(Swapped::Done { revision, now }) => Ok(Outcome::Saved { revision, now }),
                    Ok(Swapped::Conflict(loaded)) => {
                        decoded(loaded).map(|(stored, now)| Outcome::Conflict { stored, now })
                    }
                    Err(error) => Err(error),
                }
            }
            Effect::Unlock => {
                store.unlock(name, &self.owner(lock_epoch)).await.map(|()| Outcome::Unlocked)
            }
            effect => {
                let why = format!("the effect `{effect}` is unknown to this client");
                Ok(Outcome::Failed(Error::new(ErrorKind::Internal, why)))
            }
        };
        outcome.unwrap_or_else(|error| match error {
            StoreError::Away(error) => Outcome::Failed(error),
            StoreError::Unreadable(error) => Outcome::Unreadable(error),
        })
    }

    async fn send(
        self: &Arc<Self>,
        inner: &Arc<ClientState>,
        call: Call,
        limit: Duration,
    ) -> Outcome {
        let credentials = match inner.credentials_for(self, &call).await {
            Ok(credentials) => credentials,
            Err(error) => return Outcome::NotSent(error),
        };
        let request = match inner.server.request(&call, &credentials) {
            Ok(request) => request,
            Err(error) => return Outcome::NotSent(error),
        };
        inner.counters.sent(&call);
        let sent_at = inner.elapsed();
        match inner.registry.http().send(request, limit).await {
            Ok(response) => {
                Outcome::Answered(inner.server.read(&call, &response, sent_at, &credentials))
            }
            Err(SendError::NotSent(error)) => Outcome::NotSent(error),
            Err(SendError::Lost(error)) => Outcome::Lost(error),
        }
    }
}

fn granted(locked: Locked) -> Outcome {
    match locked {
        Locked::Granted => Outcome::Locked,
        Locked::Busy => Outcome::Busy,
    }
}

type Decoded = (Option<(u64, Record)>, tokenlease_core::StoreTime);

fn decoded(loaded: Loaded) -> Result<Decoded, StoreError> {
    let record = |stored: Stored| match Record::decode(stored.bytes()) {
        Ok(record) => Ok((stored.revision(), record)),
        // A torn record is set aside by the next write over it.
        Err(DecodeError::Torn) => Ok((stored.revision(), Record::default())),
        Err(error) => Err(StoreError::Unreadable(
            Error::new(ErrorKind::Store, error.to_string())
                .advice("until then, nothing is issued for this identity"),
        )),
    };
    Ok((loaded.record.map(record).transpose()?, loaded.now))
}
