//! Bugs planted in the driver, the store or what lies between them, to see whether the oracle finds
//! them. The machine itself has no switch.

use std::collections::{BTreeMap, BTreeSet};

use tokenlease_core::{
    Error, ErrorKind, StoreTime,
    lifecycle::{Effect, Outcome, Receipt},
    provider::{Answer, Call},
    record::Record,
};

use crate::{H, Owner, Password, Provider, S, World};

/// A bug that a world has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// The driver says that the lock is ours without asking the store.
    LockUnasked,
    /// The look inside the lock is answered with what was read before it.
    InsideFromBefore,
    /// A failed look inside the lock is answered with an old record.
    FailedLookIgnored,
    /// A save that was lost is taken for saved.
    LostSaveIgnored,
    /// A failed refresh throws the lease away.
    EvictionOnFailure,
    /// The store does not compare the revision.
    NoCompare,
    /// A conflict is answered by writing over what stands there.
    OverwriteOnConflict,
    /// Each caller's attempt begins anew, without a record.
    CredentialsRetried,
    /// Circuits are not saved.
    CircuitNotSaved,
    /// All credentials have one credentials fingerprint.
    OneProof,
    /// All who ask in a process join one flight, whatever their credentials.
    OneFlight,
    /// The wall clock ends leases.
    WallClockOnly,
    /// The record is in the writer's wall time.
    WallTimeInRecord,
    /// The store is looked at only when memory is empty.
    StoreOnlyWhenEmpty,
    /// A rejection is believed unasked.
    RejectionBelieved,
    /// A rejection drops whatever token is in use.
    AnyTokenRejected,
    /// A validation of a minute ago serves who asks now.
    ValidationJoined,
    /// A refetched token is served for an hour after its last validation.
    OldValidationServes,
    /// No answer to a refetch is taken for no token.
    SilenceTakenForNone,
    /// The store's locks live a tenth of what was asked for.
    ShortLock,
    /// Holds are not saved.
    HoldNotSaved,
    /// What comes after its receipt was given up is thrown away.
    LateAnswerDropped,
    /// One lost call to the store is taken for an outage.
    OneLossOutage,
    /// A process takes all its locks under one name: an unlock that lands late frees the next.
    OneLockEpoch,
    /// The driver sends a request that failed again by itself, as long as it may.
    SentAgain,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::LockUnasked,
        Self::InsideFromBefore,
        Self::FailedLookIgnored,
        Self::LostSaveIgnored,
        Self::EvictionOnFailure,
        Self::NoCompare,
        Self::OverwriteOnConflict,
        Self::CredentialsRetried,
        Self::CircuitNotSaved,
        Self::OneProof,
        Self::OneFlight,
        Self::WallClockOnly,
        Self::WallTimeInRecord,
        Self::StoreOnlyWhenEmpty,
        Self::RejectionBelieved,
        Self::AnyTokenRejected,
        Self::ValidationJoined,
        Self::OldValidationServes,
        Self::SilenceTakenForNone,
        Self::ShortLock,
        Self::HoldNotSaved,
        Self::LateAnswerDropped,
        Self::OneLossOutage,
        Self::OneLockEpoch,
        Self::SentAgain,
    ];
}

/// What a load brought.
type Load = (Option<(u64, Record)>, StoreTime);

/// What the broken parts remember.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    loads: BTreeMap<(usize, Password), Load>,
    locked: BTreeSet<(usize, Password)>,
    yes: BTreeMap<usize, i64>,
    failing: BTreeMap<(usize, Password), u8>,
}

fn pretended(expected: Option<u64>, now: i64) -> Outcome {
    Outcome::Saved { revision: expected.unwrap_or_default() + 1, now: StoreTime(now) }
}

impl World {
    fn bug(&self, bug: Bug) -> bool {
        self.setup.bug == Some(bug)
    }

    /// What a broken driver answers without performing the effect.
    pub(crate) fn instead(&mut self, p: usize, of: &Password, effect: &Effect) -> Option<Outcome> {
        let bug = self.setup.bug?;
        let key = (p, *of);
        let store_now = self.now + self.store.offset;
        if !matches!(effect, Effect::Send(_))
            && let Some(left) = self.planted.failing.get_mut(&key)
            && *left > 0
        {
            *left -= 1;
            return Some(Outcome::Failed(Error::new(ErrorKind::Store, "it is taken to be away")));
        }
        match (bug, effect) {
            (Bug::LockUnasked, Effect::Lock { .. }) => Some(Outcome::Locked),
            (Bug::InsideFromBefore, Effect::Load) if self.planted.locked.contains(&key) => {
                let (stored, now) = self.planted.loads.get(&key).cloned()?;
                Some(Outcome::Loaded { stored, now })
            }
            (Bug::CredentialsRetried, Effect::Load) => {
                Some(Outcome::Loaded { stored: None, now: StoreTime(store_now) })
            }
            (Bug::CredentialsRetried, Effect::Save { expected, .. }) => {
                Some(pretended(*expected, store_now))
            }
            (Bug::CircuitNotSaved, Effect::Save { expected, record, .. })
                if !record.inspect().circuits.is_empty() =>
            {
                Some(pretended(*expected, store_now))
            }
            (Bug::HoldNotSaved, Effect::Save { expected, record, .. })
                if record.inspect().hold.is_some() =>
            {
                Some(pretended(*expected, store_now))
            }
            (Bug::RejectionBelieved, Effect::Send(Call::Validate(_))) => {
                Some(Outcome::Answered(Answer::Inactive))
            }
            (
                Bug::ValidationJoined | Bug::OldValidationServes,
                Effect::Send(Call::Validate(token)),
            ) => {
                let serves = if bug == Bug::ValidationJoined { 60 * S } else { H };
                let yes = self.planted.yes.get(&Provider::number(token))?;
                (self.now - yes < serves).then_some(Outcome::Answered(Answer::Active))
            }
            _ => None,
        }
    }

    /// Whether a broken driver sends a request that failed again by itself.
    pub(crate) fn repeats(
        &self,
        p: usize,
        effect: &Effect,
        outcome: &Outcome,
        receipt: &Receipt,
    ) -> bool {
        self.bug(Bug::SentAgain)
            && matches!(effect, Effect::Send(_))
            && matches!(outcome, Outcome::NotSent(_) | Outcome::Answered(Answer::Failed(_)))
            && receipt.deadline() > self.clock(p).elapsed
    }

    /// What a broken driver makes of a call that was lost before anyone heard it.
    pub(crate) fn instead_of_silence(
        &mut self,
        p: usize,
        of: &Password,
        effect: &Effect,
    ) -> Option<Outcome> {
        let key = (p, *of);
        match (self.setup.bug?, effect) {
            (Bug::FailedLookIgnored, Effect::Load) if self.planted.locked.contains(&key) => {
                let (stored, now) = self.planted.loads.get(&key).cloned()?;
                Some(Outcome::Loaded { stored, now })
            }
            (Bug::LostSaveIgnored, Effect::Save { expected, .. }) => {
                Some(pretended(*expected, self.now + self.store.offset))
            }
            (Bug::SilenceTakenForNone, Effect::Send(Call::Refetch)) => {
                let error = Error::new(ErrorKind::TokenRejected, "no active token");
                Some(Outcome::Answered(Answer::NoToken(error)))
            }
            (Bug::OneLossOutage, effect) if !matches!(effect, Effect::Send(_)) => {
                self.planted.failing.insert(key, 2);
                Some(Outcome::Failed(Error::new(ErrorKind::Store, "it is taken to be away")))
            }
            _ => None,
        }
    }

    /// What a broken driver or store makes of an outcome.
    pub(crate) fn twisted(&mut self, owner: &Owner, effect: &Effect, outcome: Outcome) -> Outcome {
        let Some(bug) = self.setup.bug else { return outcome };
        let key = (owner.0, owner.2);
        match (bug, effect, outcome) {
            (_, Effect::Load, Outcome::Loaded { stored, now }) => {
                self.planted.loads.insert(key, (stored.clone(), now));
                Outcome::Loaded { stored, now }
            }
            (Bug::FailedLookIgnored, Effect::Load, Outcome::Failed(error)) => {
                match self.planted.loads.get(&key).cloned() {
                    Some((stored, now)) if self.planted.locked.contains(&key) => {
                        Outcome::Loaded { stored, now }
                    }
                    _ => Outcome::Failed(error),
                }
            }
            (_, Effect::Lock { .. }, Outcome::Locked) => {
                self.planted.locked.insert(key);
                Outcome::Locked
            }
            (_, Effect::Unlock, outcome) => {
                self.planted.locked.remove(&key);
                outcome
            }
            (
                Bug::OverwriteOnConflict,
                Effect::Save { record, .. },
                Outcome::Conflict { stored: Some((revision, _)), .. },
            ) => self.store.save(self.now, Some(revision), record),
            (_, Effect::Send(Call::Validate(token)), Outcome::Answered(Answer::Active)) => {
                self.planted.yes.insert(Provider::number(token), self.now);
                Outcome::Answered(Answer::Active)
            }
            (
                Bug::OldValidationServes,
                Effect::Send(_),
                Outcome::Answered(Answer::Token(granted)),
            ) => {
                self.planted.yes.insert(Provider::number(&granted.token), self.now);
                Outcome::Answered(Answer::Token(granted))
            }
            (
                Bug::EvictionOnFailure,
                Effect::Send(Call::Login),
                outcome @ Outcome::Answered(Answer::Failed(_)),
            ) => {
                let now = self.clock(owner.0);
                self.machine(owner.0, &owner.2).forget(now);
                outcome
            }
            (_, _, outcome) => outcome,
        }
    }

    /// Which entry of a process a broken driver takes for a caller's.
    pub(crate) fn entry_of(&mut self, p: usize, caller: &Password) -> Password {
        if self.bug(Bug::CredentialsRetried)
            && self.processes[p].entries.get(caller).is_some_and(|entry| !entry.machine.is_busy())
        {
            self.processes[p].entries.remove(caller);
        }
        if self.bug(Bug::OneFlight) { self.processes[p].password } else { *caller }
    }
}
