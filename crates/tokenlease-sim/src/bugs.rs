//! Bugs that are injected into the simulated driver, store and network, to test whether the oracle
//! finds them. The state machine itself has no switch for them.

use std::collections::{BTreeMap, BTreeSet};

use tokenlease_core::{
    Error, ErrorKind, StoreTime,
    lifecycle::{Effect, Outcome, Receipt},
    provider::{Answer, Call, Life},
    record::Record,
};

use crate::{H, Owner, Password, Provider, S, World, duration};

/// A bug to inject into a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// The driver reports the lock as granted without a call to the store.
    LockWithoutStore,
    /// A read inside the lock returns the record that was read before the lock.
    StaleReadInsideLock,
    /// A failed read inside the lock returns an old record.
    FailedReadIgnored,
    /// A lost save is reported as saved.
    LostSaveIgnored,
    /// A failed login discards the current lease.
    EvictionOnFailure,
    /// The store does not compare the revision.
    NoCompare,
    /// A conflicting save overwrites the record.
    OverwriteOnConflict,
    /// Each call starts with a new state machine and without a record.
    CredentialsRetried,
    /// Circuits are not saved.
    CircuitNotSaved,
    /// All credentials have one credentials fingerprint.
    OneCredentialsFingerprint,
    /// All callers of a process share one flight, whatever their credentials.
    OneFlight,
    /// The history states of each login that the token had expired.
    WrongCause,
    /// Leases expire by the wall clock.
    WallClockOnly,
    /// The wall clock is not compared: a host that was frozen does not notice.
    WallClockIgnored,
    /// The record contains the writer's wall clock time.
    WallTimeInRecord,
    /// The store is read only if memory is empty.
    StoreOnlyWhenEmpty,
    /// A rejection is accepted without a validation.
    RejectionNotValidated,
    /// A rejection discards the current token, whichever token was rejected.
    WrongTokenRejected,
    /// A validation counts for calls up to a minute after it.
    OldValidationJoined,
    /// A validation, or the answer that returned the token, counts for an hour.
    OldValidationServes,
    /// A lost refetch is reported as "no token".
    FailedRefetchMeansNoToken,
    /// Locks have a tenth of the requested TTL.
    ShortLock,
    /// Server backoffs are not saved.
    BackoffNotSaved,
    /// An answer after its deadline is discarded.
    LateAnswerDropped,
    /// One lost call to the store counts as an outage.
    OneLossOutage,
    /// A process uses one name for all its locks, so a late unlock releases its next lock.
    OneLockEpoch,
    /// The driver itself resends a failed request until its deadline.
    ResentByDriver,
    /// Logins that brought nothing better are not saved.
    SpentLoginNotSaved,
    /// A login whose answer is cut off is reported as not sent.
    CutOffMeansNotSent,
    /// A running token that is returned again counts as a new one.
    RunningTokenMeansNew,
    /// A refused validation counts as an inactive token.
    RefusedMeansInactive,
    /// Backoffs of entries, as after an error of the configuration, are not saved.
    EntryBackoffNotSaved,
    /// A call that the store rejects is reported as failed.
    StoreRejectionMeansOutage,
    /// The leases of a subject are kept for each ticket.
    LeasePerTicket,
}

impl Bug {
    /// All bugs.
    pub const ALL: [Self; 34] = [
        Self::LockWithoutStore,
        Self::StaleReadInsideLock,
        Self::FailedReadIgnored,
        Self::LostSaveIgnored,
        Self::EvictionOnFailure,
        Self::NoCompare,
        Self::OverwriteOnConflict,
        Self::CredentialsRetried,
        Self::CircuitNotSaved,
        Self::OneCredentialsFingerprint,
        Self::OneFlight,
        Self::WallClockOnly,
        Self::WallClockIgnored,
        Self::WallTimeInRecord,
        Self::StoreOnlyWhenEmpty,
        Self::RejectionNotValidated,
        Self::WrongTokenRejected,
        Self::OldValidationJoined,
        Self::OldValidationServes,
        Self::FailedRefetchMeansNoToken,
        Self::ShortLock,
        Self::BackoffNotSaved,
        Self::LateAnswerDropped,
        Self::OneLossOutage,
        Self::OneLockEpoch,
        Self::WrongCause,
        Self::ResentByDriver,
        Self::SpentLoginNotSaved,
        Self::CutOffMeansNotSent,
        Self::RunningTokenMeansNew,
        Self::RefusedMeansInactive,
        Self::EntryBackoffNotSaved,
        Self::StoreRejectionMeansOutage,
        Self::LeasePerTicket,
    ];
}

/// The result of a load.
type Load = (Option<(u64, Record)>, StoreTime);

/// The state of the injected bugs.
#[derive(Debug, Default)]
pub(crate) struct BugState {
    loads: BTreeMap<(usize, Password), Load>,
    locked: BTreeSet<(usize, Password)>,
    active: BTreeMap<usize, i64>,
    failing: BTreeMap<(usize, Password), u8>,
}

fn pretend_saved(expected: Option<u64>, now: i64) -> Outcome {
    Outcome::Saved { revision: expected.unwrap_or_default() + 1, now: StoreTime(now) }
}

impl World {
    fn bug(&self, bug: Bug) -> bool {
        self.setup.bug == Some(bug)
    }

    /// Returns the outcome that a broken driver reports without performing the effect.
    pub(crate) fn replace_effect(
        &mut self,
        p: usize,
        of: &Password,
        effect: &Effect,
    ) -> Option<Outcome> {
        let bug = self.setup.bug?;
        let key = (p, *of);
        let store_now = self.now + self.store.offset;
        if !matches!(effect, Effect::Send(_))
            && let Some(left) = self.bug_state.failing.get_mut(&key)
            && *left > 0
        {
            *left -= 1;
            return Some(Outcome::Failed(Error::new(
                ErrorKind::Store,
                "the store is reported as unavailable",
            )));
        }
        match (bug, effect) {
            (Bug::LockWithoutStore, Effect::Lock { .. }) => Some(Outcome::Locked),
            (Bug::StaleReadInsideLock, Effect::Load) if self.bug_state.locked.contains(&key) => {
                let (stored, now) = self.bug_state.loads.get(&key).cloned()?;
                Some(Outcome::Loaded { stored, now })
            }
            (Bug::CredentialsRetried, Effect::Load) => {
                Some(Outcome::Loaded { stored: None, now: StoreTime(store_now) })
            }
            (Bug::CredentialsRetried, Effect::Save { expected, .. }) => {
                Some(pretend_saved(*expected, store_now))
            }
            (Bug::CircuitNotSaved, Effect::Save { expected, record, .. })
                if !record.inspect().circuits.is_empty() =>
            {
                Some(pretend_saved(*expected, store_now))
            }
            (Bug::BackoffNotSaved, Effect::Save { expected, record, .. })
                if record.inspect().server_backoff.is_some() =>
            {
                Some(pretend_saved(*expected, store_now))
            }
            (Bug::SpentLoginNotSaved, Effect::Save { expected, record, .. })
                if !record.inspect().spent_logins.is_empty() =>
            {
                Some(pretend_saved(*expected, store_now))
            }
            (Bug::EntryBackoffNotSaved, Effect::Save { expected, record, .. })
                if !record.inspect().entry_backoffs.is_empty() =>
            {
                Some(pretend_saved(*expected, store_now))
            }
            (Bug::RejectionNotValidated, Effect::Send(Call::Validate(_))) => {
                Some(Outcome::Answered(Answer::Inactive))
            }
            (
                Bug::OldValidationJoined | Bug::OldValidationServes,
                Effect::Send(Call::Validate(token)),
            ) => {
                let serves = if bug == Bug::OldValidationJoined { 60 * S } else { H };
                let active = self.bug_state.active.get(&Provider::number(token))?;
                (self.now - active < serves).then_some(Outcome::Answered(Answer::Active))
            }
            _ => None,
        }
    }

    /// Returns whether a broken driver resends a failed request.
    pub(crate) fn resends(
        &self,
        p: usize,
        effect: &Effect,
        outcome: &Outcome,
        receipt: &Receipt,
    ) -> bool {
        self.bug(Bug::ResentByDriver)
            && matches!(effect, Effect::Send(_))
            && matches!(outcome, Outcome::NotSent(_) | Outcome::Answered(Answer::Failed(_)))
            && receipt.deadline() > self.clock(p).elapsed
    }

    /// Returns the outcome that a broken driver reports for a call that was lost before it arrived.
    pub(crate) fn replace_lost_call(
        &mut self,
        p: usize,
        of: &Password,
        effect: &Effect,
    ) -> Option<Outcome> {
        let key = (p, *of);
        match (self.setup.bug?, effect) {
            (Bug::FailedReadIgnored, Effect::Load) if self.bug_state.locked.contains(&key) => {
                let (stored, now) = self.bug_state.loads.get(&key).cloned()?;
                Some(Outcome::Loaded { stored, now })
            }
            (Bug::LostSaveIgnored, Effect::Save { expected, .. }) => {
                Some(pretend_saved(*expected, self.now + self.store.offset))
            }
            (Bug::FailedRefetchMeansNoToken, Effect::Send(Call::Refetch)) => {
                let error = Error::new(ErrorKind::TokenRejected, "no active token");
                Some(Outcome::Answered(Answer::NoToken(error)))
            }
            (Bug::OneLossOutage, effect) if !matches!(effect, Effect::Send(_)) => {
                self.bug_state.failing.insert(key, 2);
                Some(Outcome::Failed(Error::new(
                    ErrorKind::Store,
                    "the store is reported as unavailable",
                )))
            }
            _ => None,
        }
    }

    /// Returns the outcome that a broken driver or store reports instead of the real one.
    pub(crate) fn replace_outcome(
        &mut self,
        owner: &Owner,
        effect: &Effect,
        outcome: Outcome,
    ) -> Outcome {
        let Some(bug) = self.setup.bug else { return outcome };
        let key = (owner.0, owner.2);
        match (bug, effect, outcome) {
            (_, Effect::Load, Outcome::Loaded { stored, now }) => {
                self.bug_state.loads.insert(key, (stored.clone(), now));
                Outcome::Loaded { stored, now }
            }
            (Bug::FailedReadIgnored, Effect::Load, Outcome::Failed(error)) => {
                match self.bug_state.loads.get(&key).cloned() {
                    Some((stored, now)) if self.bug_state.locked.contains(&key) => {
                        Outcome::Loaded { stored, now }
                    }
                    _ => Outcome::Failed(error),
                }
            }
            (_, Effect::Lock { .. }, Outcome::Locked) => {
                self.bug_state.locked.insert(key);
                Outcome::Locked
            }
            (_, Effect::Unlock, outcome) => {
                self.bug_state.locked.remove(&key);
                outcome
            }
            (
                Bug::OverwriteOnConflict,
                Effect::Save { record, .. },
                Outcome::Conflict { stored: Some((revision, _)), .. },
            ) => self.store.save(self.now, Some(revision), record),
            (_, Effect::Send(Call::Validate(token)), Outcome::Answered(Answer::Active)) => {
                self.bug_state.active.insert(Provider::number(token), self.now);
                Outcome::Answered(Answer::Active)
            }
            (
                Bug::OldValidationServes,
                Effect::Send(_),
                Outcome::Answered(Answer::Token(granted_to)),
            ) => {
                self.bug_state.active.insert(Provider::number(&granted_to.token), self.now);
                Outcome::Answered(Answer::Token(granted_to))
            }
            (
                Bug::RunningTokenMeansNew,
                Effect::Send(Call::Login),
                Outcome::Answered(Answer::Token(mut granted)),
            ) => {
                granted.life = Life::Stated(duration(self.provider.lifetime));
                Outcome::Answered(Answer::Token(granted))
            }
            (
                Bug::RefusedMeansInactive,
                Effect::Send(Call::Validate(_)),
                Outcome::Answered(Answer::Failed(error)),
            ) if matches!(error.status(), Some(401 | 404)) => Outcome::Answered(Answer::Inactive),
            (
                Bug::EvictionOnFailure,
                Effect::Send(Call::Login),
                outcome @ Outcome::Answered(Answer::Failed(_)),
            ) => {
                let now = self.clock(owner.0);
                self.lifecycle(owner.0, &owner.2).forget(now);
                outcome
            }
            (_, _, outcome) => outcome,
        }
    }

    /// Returns the entry of a process that a broken driver uses for a caller.
    pub(crate) fn entry_for(&mut self, p: usize, caller: &Password) -> Password {
        if self.bug(Bug::CredentialsRetried)
            && self.processes[p].entries.get(caller).is_some_and(|entry| !entry.lifecycle.is_busy())
        {
            self.processes[p].entries.remove(caller);
        }
        if self.bug(Bug::OneFlight) { self.processes[p].password } else { *caller }
    }
}
