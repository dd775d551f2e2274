//! Effects in bytes: what a machine asks its host to do, and what the host answers.

use std::{fmt, time::Duration};

use ::http::Response;
use zeroize::Zeroizing;

use super::{exchange::Exchange, stored};
use crate::{
    error::{Error, ErrorKind},
    http::Request,
    identity::Identity,
    lifecycle::{self, Receipt},
    time::{StoreTime, Timestamp},
};

/// The next step of a machine.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// No call is open, and nothing is under way.
    Done,
    /// Perform the effect, and return it with its outcome.
    Do(Box<Effect>),
    /// Poll again then, or after an outcome was returned.
    Wait(Timestamp),
}

/// Something that the host must do. It ends its machine's claim to it when it is dropped: then it
/// counts as failed at its deadline.
#[derive(Debug)]
#[must_use]
pub struct Effect {
    pub(super) action: Action,
    pub(super) origin: Origin,
    pub(super) deadline: Timestamp,
}

/// The origin of an effect.
#[derive(Debug)]
pub(super) enum Origin {
    /// A store effect of the lifecycle.
    Store(Receipt),
    /// A request of the lifecycle.
    Exchange { receipt: Receipt, exchange: Box<Exchange>, sent_at: Timestamp },
    /// A step of the discovery.
    Discovery(u64),
}

/// An action of the host. A record is named by an identity: [`Identity::key`] is its name in stores.
///
/// The meaning of each store action is that of [`lifecycle::Effect`].
#[non_exhaustive]
pub enum Action {
    /// Send the request once, and return the answer.
    Send(Request),
    /// Read the record and the store's clock.
    Load {
        /// The name of the record.
        record: Identity,
    },
    /// Take the record's lock, unless another owner has it.
    Lock {
        /// The name of the record.
        record: Identity,
        /// A random number that names the owner among those of this process.
        owner: u64,
        /// How long the lock lives.
        ttl: Duration,
    },
    /// Extend the lock, if the owner still has it.
    Renew {
        /// The name of the record.
        record: Identity,
        /// As for `Lock`.
        owner: u64,
        /// How long the lock lives from now on.
        ttl: Duration,
    },
    /// Replace the record if its revision is still the expected one (compare-and-swap).
    Save {
        /// The name of the record.
        record: Identity,
        /// The revision that must be stored; `None`: no record at all.
        expected: Option<u64>,
        /// The bytes to write. They contain the token.
        bytes: Zeroizing<Vec<u8>>,
        /// How long the record is of use; `None` is for ever.
        keep: Option<Duration>,
    },
    /// Release the lock, if the owner has it.
    Unlock {
        /// The name of the record.
        record: Identity,
        /// As for `Lock`.
        owner: u64,
    },
}

/// The outcome of an effect.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// Of `Send`: the server's answer.
    Answered(Response<&'a [u8]>),
    /// Of `Send`: the request can't have reached the server.
    NotSent(Error),
    /// Of `Send`: no answer, or a part of one; the server may have acted.
    Lost(Error),
    /// Of `Send`: the server answered with success, and the body can't be read.
    Unusable(Error),
    /// Of `Load`: the record with its revision, if there is one, and the store's clock.
    Loaded {
        /// The record and its revision.
        stored: Option<(u64, &'a [u8])>,
        /// The store's clock, read at the store.
        now: StoreTime,
    },
    /// Of `Lock` and `Renew`: this owner has the lock.
    Locked,
    /// Of `Lock` and `Renew`: this owner does not have it.
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
        stored: Option<(u64, &'a [u8])>,
        /// The store's clock.
        now: StoreTime,
    },
    /// Of `Unlock`: done.
    Unlocked,
    /// Of a store effect: it failed.
    Failed(Error),
    /// Of a store effect: the store answered, and rejected it, as for a wrong password, a missing
    /// permission or a full disk.
    Rejected(Error),
    /// Of `Load` and `Save`: a record is stored that can't be read.
    Unreadable(Error),
}

impl Effect {
    /// Returns what to do.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// Returns when the machine gives the effect up. A later outcome is still taken if it is of use.
    pub fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// Returns whether the status of a success is all that the answer says. Then a body that broke off
    /// does no harm.
    pub fn status_is_enough(&self) -> bool {
        matches!(&self.origin, Origin::Exchange { exchange, .. } if exchange.status_is_enough())
    }

    /// Removes the secrets of the request from a text of the host's HTTP library, which may quote the
    /// request's address.
    #[must_use]
    pub fn redact(&self, error: Error) -> Error {
        match &self.origin {
            Origin::Exchange { exchange, .. } => exchange.redact(error),
            Origin::Store(_) | Origin::Discovery(_) => error,
        }
    }

    /// Returns whether an outcome is one of this effect.
    pub fn takes(&self, outcome: &Outcome<'_>) -> bool {
        use Outcome as O;
        match (&self.action, outcome) {
            (Action::Send(_), O::Answered(_) | O::NotSent(_) | O::Lost(_) | O::Unusable(_))
            | (Action::Load { .. }, O::Loaded { .. } | O::Unreadable(_))
            | (Action::Lock { .. } | Action::Renew { .. }, O::Locked | O::Busy)
            | (Action::Save { .. }, O::Saved { .. } | O::Conflict { .. } | O::Unreadable(_))
            | (Action::Unlock { .. }, O::Unlocked) => true,
            (action, O::Failed(_) | O::Rejected(_)) => !matches!(action, Action::Send(_)),
            _ => false,
        }
    }

    /// Returns the outcome of an effect that failed.
    pub(super) fn failed(&self, error: Error) -> Outcome<'static> {
        match self.action {
            Action::Send(_) => Outcome::Lost(error),
            _ => Outcome::Failed(error),
        }
    }

    /// Makes the effect of a store effect of the lifecycle.
    pub(super) fn of_store(
        effect: lifecycle::Effect,
        receipt: Receipt,
        record: &Identity,
        owner: u64,
    ) -> Result<Self, Box<(Receipt, lifecycle::Outcome)>> {
        let record = record.clone();
        let action = match effect {
            lifecycle::Effect::Load => Action::Load { record },
            lifecycle::Effect::Lock { ttl } => Action::Lock { record, owner, ttl },
            lifecycle::Effect::Renew { ttl } => Action::Renew { record, owner, ttl },
            lifecycle::Effect::Save { expected, record: content, keep } => {
                let bytes = content.encode();
                Action::Save { record, expected, bytes, keep }
            }
            lifecycle::Effect::Unlock => Action::Unlock { record, owner },
            lifecycle::Effect::Send(_) => {
                let error = Error::new(ErrorKind::Internal, "a request is no effect of the store");
                return Err(Box::new((receipt, lifecycle::Outcome::NotSent(error))));
            }
        };
        let deadline = receipt.deadline();
        Ok(Self { action, origin: Origin::Store(receipt), deadline })
    }
}

impl Action {
    /// Returns the name of the record that a store action is about.
    pub fn record(&self) -> Option<&Identity> {
        match self {
            Self::Send(_) => None,
            Self::Load { record }
            | Self::Lock { record, .. }
            | Self::Renew { record, .. }
            | Self::Save { record, .. }
            | Self::Unlock { record, .. } => Some(record),
        }
    }

    /// Returns the number that names the owner of a lock.
    pub fn owner(&self) -> Option<u64> {
        match self {
            Self::Lock { owner, .. } | Self::Renew { owner, .. } | Self::Unlock { owner, .. } => {
                Some(*owner)
            }
            Self::Send(_) | Self::Load { .. } | Self::Save { .. } => None,
        }
    }
}

impl Outcome<'_> {
    /// Returns the outcome of a store effect as the lifecycle takes it.
    pub(super) fn of_store(self) -> lifecycle::Outcome {
        use lifecycle::Outcome as O;
        match self {
            Self::Loaded { stored, now } => stored::loaded(stored, now),
            Self::Locked => O::Locked,
            Self::Busy => O::Busy,
            Self::Saved { revision, now } => O::Saved { revision, now },
            Self::Conflict { stored, now } => stored::conflict(stored, now),
            Self::Unlocked => O::Unlocked,
            Self::Rejected(error) => O::Rejected(error),
            Self::Unreadable(error) => O::Unreadable(error),
            Self::Failed(error)
            | Self::NotSent(error)
            | Self::Lost(error)
            | Self::Unusable(error) => O::Failed(error),
            Self::Answered(_) => O::Failed(Error::new(
                ErrorKind::Internal,
                "a store effect got the answer to a request",
            )),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Send(_) => "send",
            Self::Load { .. } => "load",
            Self::Lock { .. } => "lock",
            Self::Renew { .. } => "renew",
            Self::Save { .. } => "save",
            Self::Unlock { .. } => "unlock",
        })
    }
}

impl fmt::Debug for Action {
    /// Shows no address: that of a validation contains the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
