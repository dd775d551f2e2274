//! Performs single effects of the state machine: calls of the store, and requests to the provider.

use std::{sync::Arc, time::Duration};

use tokenlease_core::{
    Credentials, CredentialsFingerprint, Error, ErrorKind,
    lifecycle::{Effect, Outcome, Receipt},
    machine::{self, Exchange, lasting},
    provider::{Answer, Call},
    record::{HistoryCause, HistoryKind},
    time::Moment as _,
};

use crate::{
    entry::Entry,
    login_turns::Turn,
    state::ClientState,
    store::{Loaded, Locked, Store as _, StoreError, Swapped},
    transport::SendError,
};

impl ClientState {
    /// Reads the record, if the store can do so without waiting.
    pub(super) fn load_now(&self, entry: &Entry) -> Option<Outcome> {
        let loaded = self.registry.store().load_now(&entry.name)?;
        self.cache.counters.store_called();
        Some(loaded.map_or_else(failed, read))
    }

    /// Performs an effect at the store.
    pub(super) async fn perform(&self, entry: &Entry, lock_epoch: u64, effect: Effect) -> Outcome {
        self.cache.counters.store_called();
        let (store, name) = (self.registry.store(), &entry.name);
        let outcome = match effect {
            Effect::Load => store.load(name).await.map(read),
            Effect::Lock { ttl } => {
                store.lock(name, &entry.owner(lock_epoch), ttl).await.map(granted)
            }
            Effect::Renew { ttl } => {
                store.renew(name, &entry.owner(lock_epoch), ttl).await.map(granted)
            }
            Effect::Save { expected, record, keep } => {
                let bytes = record.encode();
                match store.swap(name, expected, &bytes, keep).await {
                    Ok(Swapped::Done { revision, now }) => Ok(Outcome::Saved { revision, now }),
                    Ok(Swapped::Conflict(loaded)) => {
                        Ok(machine::conflict(stored(&loaded), loaded.now))
                    }
                    Err(error) => Err(error),
                }
            }
            Effect::Unlock => {
                store.unlock(name, &entry.owner(lock_epoch)).await.map(|()| Outcome::Unlocked)
            }
            effect => {
                let detail = format!("this client does not know the effect `{effect}`");
                Ok(Outcome::Failed(
                    Error::new(ErrorKind::Internal, detail)
                        .advice("use tokenlease and tokenlease-core of the same version"),
                ))
            }
        };
        outcome.unwrap_or_else(failed)
    }

    /// Sends a call to the provider, and reads its answer. It waits until `late` after the receipt's
    /// deadline.
    pub(super) async fn send(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        call: Call,
        receipt: &mut Receipt,
        mut turn: Option<Turn>,
        late: Duration,
    ) -> Outcome {
        let until = receipt.deadline();
        // The call itself has at least half of the time.
        let half = until.since(self.elapsed()) / 2;
        let server = match self.discovered(entry, self.elapsed().plus(half)).await {
            Ok(server) => server,
            Err(error) => return Outcome::NotSent(lasting(error)),
        };
        if let Err(outcome) = Exchange::check(&server, &call) {
            return *outcome;
        }
        let credentials = {
            let fetched = self.credentials_for(entry, &call);
            tokio::pin!(fetched);
            tokio::select! {
                biased;
                fetched = &mut fetched => fetched,
                // A function that does not return must not keep other identities from logging in.
                () = self.registry.clock().sleep(until.since(self.elapsed())), if turn.is_some() => {
                    turn = None;
                    let fetched = fetched.await;
                    fetched.and(Err(too_late()))
                }
            }
        };
        let credentials = match credentials {
            Ok(credentials) => credentials,
            Err(error) => return Outcome::NotSent(error),
        };
        if let Some(error) = self.note_credentials(entry, &call, &credentials, receipt) {
            return Outcome::NotSent(error);
        }
        // Without a store there is no lock, before which a flight waits for its turn.
        if let Some(turn) = &mut turn {
            let enough = self.registry.clock().sleep(until.since(self.elapsed()) / 2);
            if !turn.wait(|| self.login_queue(), enough).await {
                return Outcome::NotSent(self.no_turn());
            }
        }
        let (exchange, request) = match Exchange::new(server, call, credentials) {
            Ok(exchange) => exchange,
            Err(outcome) => return *outcome,
        };
        let cause = cause_of(entry, exchange.call());
        self.cache.counters.sent(exchange.call(), cause);
        let is_validation = matches!(exchange.call(), Call::Validate(_));
        let sent_at = self.elapsed();
        let left = until.since(sent_at).saturating_add(late);
        let answer = self.registry.http().answer(request, left).await;
        drop(turn);
        let outcome = match answer.and_then(|answer| answer.usable(exchange.status_is_enough())) {
            Ok(response) => Outcome::Answered(exchange.read(&response, sent_at)),
            Err(SendError::NotSent(error)) => Outcome::NotSent(lasting(error)),
            Err(SendError::Lost(error)) => Outcome::Lost(error),
            Err(SendError::Unreadable(error)) => Outcome::Answered(Answer::Failed(error)),
        };
        if is_validation {
            self.cache.counters.validated(&outcome);
        }
        outcome
    }
}

/// Returns why the machine of an entry sends a login or a refetch.
fn cause_of(entry: &Entry, call: &Call) -> Option<HistoryCause> {
    let kind = match call {
        Call::Login => HistoryKind::Login,
        Call::Refetch => HistoryKind::Refetch,
        Call::Validate(_) | Call::Revoke(_) => return None,
    };
    entry.peek(|machine| machine.cause_of_last(kind))
}

impl ClientState {
    /// Notes which credentials of a subject are sent. Returns the error of those that the server rejected
    /// before: another process may have sent them.
    fn note_credentials(
        &self,
        entry: &Entry,
        call: &Call,
        credentials: &Credentials,
        receipt: &mut Receipt,
    ) -> Option<Error> {
        if !entry.has_subject() || !call.takes_credentials() {
            return None;
        }
        let fingerprint = CredentialsFingerprint::of(self.registry.key(), credentials);
        let mut machine = entry.lock();
        machine.lifecycle.sends_credentials(receipt, fingerprint);
        machine.lifecycle.rejection_of_subject(self.now())
    }
}

fn too_late() -> Error {
    let detail = "the function that fetches the credentials did not return in time";
    Error::new(ErrorKind::DeadlineExceeded, detail).advice("check what the function waits for")
}

fn failed(error: StoreError) -> Outcome {
    match error {
        StoreError::Unavailable(error) => Outcome::Failed(error),
        StoreError::Rejected(error) => Outcome::Rejected(error),
        StoreError::Unreadable(error) => Outcome::Unreadable(error),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "its bytes are overwritten here")]
fn read(loaded: Loaded) -> Outcome {
    machine::loaded(stored(&loaded), loaded.now)
}

/// Returns the revision and the bytes of a record, if there is one.
fn stored(loaded: &Loaded) -> Option<(u64, &[u8])> {
    loaded.record.as_ref().map(|stored| (stored.revision(), stored.bytes()))
}

fn granted(locked: Locked) -> Outcome {
    match locked {
        Locked::Granted => Outcome::Locked,
        Locked::Busy => Outcome::Busy,
    }
}
