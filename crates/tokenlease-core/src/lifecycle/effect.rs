//! What the machine asks its driver to do, and what the driver answers.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    error::Error,
    provider::{Answer, Call},
    record::Record,
    time::{StoreTime, Timestamp},
};

/// The machine's answer to `poll`.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// Nothing to do until someone asks.
    Done,
    /// Perform the effect and bring the receipt back with what came of it.
    Do(Effect, Receipt),
    /// Poll again at that moment, or when something came back.
    Wait(Timestamp),
}

/// Something to be done outside. Each has a time limit, [`Receipt::deadline`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Effect {
    /// Read the identity's record and the store's clock.
    Load,
    /// Take the identity's lock for that long, or take it anew: it is idempotent by owner.
    Lock {
        /// How long the lock lives, counted by the store from when it grants it.
        life: Duration,
    },
    /// Lengthen the lock that is held.
    Renew {
        /// As for `Lock`.
        life: Duration,
    },
    /// Put the record in the place of the one with that revision, `None`: of none at all.
    Save {
        /// The revision that must still stand in the store.
        expected: Option<u64>,
        /// The record to write.
        record: Arc<Record>,
        /// How long it is of use; `None` is for ever.
        keep: Option<Duration>,
    },
    /// Give the lock back, if it is still that lock_epoch's ([`Receipt::lock_epoch`]).
    Unlock,
    /// Send the call's request to the provider, once.
    Send(Call),
}

/// What came of an effect.
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
    /// Of `Lock` and `Renew`: the lock is ours.
    Locked,
    /// Of `Lock` and `Renew`: another owner has it.
    Busy,
    /// Of `Save`: written.
    Saved {
        /// The revision of what was written.
        revision: u64,
        /// The store's clock.
        now: StoreTime,
    },
    /// Of `Save`: another revision stands there.
    Conflict {
        /// What stands there.
        stored: Option<(u64, Record)>,
        /// The store's clock.
        now: StoreTime,
    },
    /// Of `Unlock`: done.
    Unlocked,
    /// Of `Send`: the provider's answer as the exchange reads it.
    Answered(Answer),
    /// Of `Send`: the request can't have reached the provider.
    NotSent(Error),
    /// Of `Send`: no answer, or half of one; the provider may have acted.
    Lost(Error),
    /// Of a store effect: it failed, or its time limit passed.
    Failed(Error),
    /// Of `Load` and `Save`: a record stands there that can't be read, because it does not
    /// authenticate or is of a newer version. Nothing is issued while that is so.
    Unreadable(Error),
}

/// The receipt of an effect. It is brought back with the [`Outcome`]; if it is lost, the effect
/// counts as failed at its deadline.
#[derive(Debug)]
#[must_use]
pub struct Receipt {
    pub(super) id: u64,
    pub(super) what: EffectKind,
    pub(super) sent: Timestamp,
    pub(super) deadline: Timestamp,
    pub(super) lock_epoch: u64,
}

impl Receipt {
    /// Which of this machine's lock_epochs of the lock the effect is of. It belongs to the name under
    /// which `Lock`, `Renew` and `Unlock` are performed, so that an unlock that lands late or
    /// twice, frees no later lock. It grows with each unlock.
    pub fn lock_epoch(&self) -> u64 {
        self.lock_epoch
    }

    /// When the machine gives the effect up. What comes later is still taken if it is of use.
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
    /// An unlock of an earlier lock_epoch, which was not answered.
    GiveBack,
    Login,
    Refetch,
    Validate,
    /// A call of an explicit job.
    Job,
}

/// What a caller asks for.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// When the caller asked.
    pub asked: Timestamp,
    /// When it will no longer wait.
    pub deadline: Timestamp,
    /// The life that it wants left, at most a half of the token's. Where ends are only assumed it
    /// means a validation now, never a new token. It is a wish: a failed attempt at it falls back to
    /// the lease that stands.
    pub min_remaining: Option<Duration>,
}

impl Ask {
    /// A caller that asks now and waits that long.
    pub fn new(now: Timestamp, wait: Duration) -> Self {
        use crate::time::Moment as _;
        Self { asked: now, deadline: now.plus(wait), min_remaining: None }
    }
}

/// What a store's silence means for new tokens, when no lease is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStoreOutage {
    /// An error.
    Fail,
    /// Only the provider's running token is asked for: the default where there is a refetch.
    RefetchOnly,
    /// One new token a process and lifetime: the default elsewhere.
    LoginWithinBudget,
}

/// How the machine behaves; [`Policy::default`] is what DESIGN and README describe.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Whether there is a store. Without one the machine answers its own store effects.
    pub store: bool,
    /// A look at the store is good for that long.
    pub store_check_interval: Duration,
    /// The time limit of a store effect.
    pub store_timeout: Duration,
    /// The time limit of a request to the provider.
    pub request_timeout: Duration,
    /// The life of the lock, counted from when it was sent for.
    pub lock_ttl: Duration,
    /// What happens while the store is away; `None` is the provider's default.
    pub on_store_outage: Option<OnStoreOutage>,
    /// The life of tokens whose end nobody states (WinKAS), if the agreement's is known.
    pub agreed_lifetime: Option<Duration>,
    /// An upper limit of our own for a token's life.
    pub max_lifetime: Option<Duration>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            store: true,
            store_check_interval: Duration::from_secs(30),
            store_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(10),
            lock_ttl: Duration::from_secs(30),
            on_store_outage: None,
            agreed_lifetime: None,
            max_lifetime: None,
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load => f.write_str("load"),
            Self::Lock { .. } => f.write_str("lock"),
            Self::Renew { .. } => f.write_str("renew"),
            Self::Save { .. } => f.write_str("save"),
            Self::Unlock => f.write_str("unlock"),
            Self::Send(Call::Login) => f.write_str("login"),
            Self::Send(Call::Refetch) => f.write_str("refetch"),
            Self::Send(Call::Validate(_)) => f.write_str("verify"),
            Self::Send(Call::Revoke(_)) => f.write_str("revoke"),
        }
    }
}
