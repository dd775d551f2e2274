//! Effects: what the state machine asks its driver to do, and what the driver answers.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    credentials::CredentialsFingerprint,
    error::Error,
    host_clocks::HostClocks,
    provider::{Answer, Call},
    record::Record,
    time::{StoreTime, Timestamp},
    token::TokenFingerprint,
};

/// The state machine's answer to `poll`.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// Nothing to do until a caller asks.
    Done,
    /// Perform the effect and return the receipt with its outcome.
    Do(Effect, Receipt),
    /// Poll again at that moment, or when an outcome arrives.
    Wait(Timestamp),
}

/// Something to be done outside. Each effect has a time limit, [`Receipt::deadline`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Effect {
    /// Read the identity's record and the store's clock.
    Load,
    /// Take the identity's lock. It is idempotent: its owner may take it again.
    Lock {
        /// How long the lock lives. The store counts from when it grants the lock; the state machine from
        /// when it requested the lock, which is earlier.
        ttl: Duration,
    },
    /// Extend the lock that this process has.
    Renew {
        /// As for `Lock`.
        ttl: Duration,
    },
    /// Replace the record if its revision is still the expected one (compare-and-swap).
    Save {
        /// The revision that must be stored; `None`: no record at all.
        expected: Option<u64>,
        /// The record to write.
        record: Arc<Record>,
        /// How long it is of use; `None` is for ever.
        keep: Option<Duration>,
    },
    /// Release the lock, if it is still the one of that epoch ([`Receipt::lock_epoch`]).
    Unlock,
    /// Send the call's request to the server, once.
    Send(Call),
}

/// The outcome of an effect.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Of `Load`: the record with its revision, if there is one, and the store's clock.
    Loaded {
        /// The record and its revision.
        stored: Option<(u64, Record)>,
        /// The store's clock, read at the store.
        now: StoreTime,
    },
    /// Of `Lock` and `Renew`: this process has the lock.
    Locked,
    /// Of `Lock` and `Renew`: another owner has it.
    Busy,
    /// Of `Save`: written.
    Saved {
        /// The revision that was written.
        revision: u64,
        /// The store's clock.
        now: StoreTime,
    },
    /// Of `Save`: another revision is stored.
    Conflict {
        /// The stored record and its revision.
        stored: Option<(u64, Record)>,
        /// The store's clock.
        now: StoreTime,
    },
    /// Of `Unlock`: done.
    Unlocked,
    /// Of `Send`: the server's answer as the exchange reads it.
    Answered(Answer),
    /// Of `Send`: the request can't have reached the server.
    NotSent(Error),
    /// Of `Send`: no answer, or a part of one; the server may have acted.
    Lost(Error),
    /// Of a store effect: it failed, or its time limit passed.
    Failed(Error),
    /// Of a store effect: the store answered, and rejected it, as for a wrong password, a missing
    /// permission or a full disk. A person has to correct that. Nothing that may bring a token is sent
    /// while that is so.
    Rejected(Error),
    /// Of `Load` and `Save`: a record is stored that can't be read, because it does not authenticate
    /// or is of a newer version. No login is sent while that is so.
    Unreadable(Error),
}

/// The receipt of an effect. Return it with the [`Outcome`]. If it is lost, the effect counts as
/// failed at its deadline.
#[derive(Debug)]
#[must_use]
pub struct Receipt {
    pub(super) id: u64,
    pub(super) kind: EffectKind,
    pub(super) sent: Timestamp,
    pub(super) deadline: Timestamp,
    pub(super) lock_epoch: u64,
    /// Of a validation: the token that the server is asked about.
    pub(super) token: Option<TokenFingerprint>,
    /// The clocks when it was sent.
    pub(super) clocks: HostClocks,
    /// The credentials that are sent with it.
    pub(super) credentials: CredentialsFingerprint,
}

impl Receipt {
    /// Returns the lock epoch that the effect belongs to. Make it a part of the owner's name under
    /// which `Lock`, `Renew` and `Unlock` are performed: then an unlock that arrives late, or twice,
    /// releases no later lock. It grows with each unlock.
    pub fn lock_epoch(&self) -> u64 {
        self.lock_epoch
    }

    /// Returns when the state machine gives the effect up. A later outcome is still taken if it is
    /// of use.
    pub fn deadline(&self) -> Timestamp {
        self.deadline
    }

    pub(super) fn copy(&self) -> Self {
        Self { ..*self }
    }
}

/// Which effect a receipt is of, and on whose behalf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EffectKind {
    Load,
    Lock,
    Renew,
    Save,
    Unlock,
    /// An unlock of an earlier epoch that was not answered.
    UnlockEarlier,
    Login,
    Refetch,
    Validate,
    /// A request of a job.
    Job,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Load => "load",
            Self::Lock { .. } => "lock",
            Self::Renew { .. } => "renew",
            Self::Save { .. } => "save",
            Self::Unlock => "unlock",
            Self::Send(Call::Login) => "login",
            Self::Send(Call::Refetch) => "refetch",
            Self::Send(Call::Validate(_)) => "validate",
            Self::Send(Call::Revoke(_)) => "revoke",
        })
    }
}
