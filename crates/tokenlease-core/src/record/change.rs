//! Changes to a record: the events that a process saves for the other processes.

use std::time::Duration;

use super::{BackoffReason, Tombstone, cause::Cause, clock_mapping::Translate};
use crate::{
    credentials::CredentialsFingerprint, host_clocks::HostTime, lease::Lease,
    provider::OptionsFingerprint, time::Moment, token::TokenFingerprint,
};

/// One event that changes the record of an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecordChange<T> {
    /// The server accepted the credentials with these options, in a call sent at that time: their
    /// circuit closes and their backoff ends.
    Accepted { credentials: CredentialsFingerprint, options: Option<OptionsFingerprint>, sent: T },
    /// The credentials have this lease. `replacing` is the token of the lease that it replaces, as
    /// far as the writer knew when it requested the token.
    Leased {
        credentials: CredentialsFingerprint,
        options: Option<OptionsFingerprint>,
        lease: Lease<T>,
        replacing: Option<TokenFingerprint>,
        origin: Origin,
    },
    /// A validation sent at that time found the token active.
    Validated { fingerprint: TokenFingerprint, sent: T, then: HostTime },
    /// A refetch sent at that time returned a token that was rejected without a validation.
    Lifted { fingerprint: TokenFingerprint, sent: T, then: HostTime },
    /// A token must not be used any more.
    Ended {
        credentials: CredentialsFingerprint,
        fingerprint: TokenFingerprint,
        tombstone: Tombstone<T>,
    },
    /// The holder of the credentials called `forget` for the token.
    Forgotten { credentials: CredentialsFingerprint, fingerprint: TokenFingerprint },
    /// The server rejected the credentials.
    Rejected {
        credentials: CredentialsFingerprint,
        options: Option<OptionsFingerprint>,
        until: T,
        count: u32,
        cause: Option<Cause>,
    },
    /// Credentials that were never accepted before were rejected at that time.
    RejectedUnaccepted { credentials: CredentialsFingerprint, at: T },
    /// The server throttles or fails.
    BackedOff { until: T, count: u32, reason: BackoffReason, cause: Option<Cause> },
    /// The server's response to the credentials was unusable.
    EntryBackedOff {
        credentials: CredentialsFingerprint,
        options: Option<OptionsFingerprint>,
        until: T,
        count: u32,
        cause: Option<Cause>,
    },
    /// A login brought no better token than the one in use, or its answer was lost.
    LoginSpent { credentials: CredentialsFingerprint, at: T, count: u32, lost: bool },
    /// The learned age from which tokens are validated.
    Learned(Option<Duration>),
    /// A token was inactive before the agreed lifetime, or the next one was not (`None`).
    EarlyEnd(Option<(Duration, TokenFingerprint)>),
    /// A user called `unblock`: circuit, backoffs and the rejections of other credentials that were
    /// never accepted are removed.
    Unblocked { credentials: CredentialsFingerprint, at: T },
}

/// How a process got a lease that it saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// By a login.
    Login,
    /// By a refetch or by `adopt`: the server or the caller just confirmed it.
    Returned,
    /// It already had the lease, and the record lacks it.
    Kept,
}

impl<T: Moment> RecordChange<T> {
    /// Converts the change's times to another clock.
    pub(crate) fn translate<U>(&self, to: &impl Translate<T, U>) -> RecordChange<U> {
        match self {
            Self::Accepted { credentials, options, sent } => RecordChange::Accepted {
                credentials: *credentials,
                options: *options,
                sent: to.lower_bound(*sent),
            },
            Self::Leased { credentials, options, lease, replacing, origin } => {
                RecordChange::Leased {
                    credentials: *credentials,
                    options: *options,
                    lease: lease.map(|t| to.lower_bound(t)),
                    replacing: *replacing,
                    origin: *origin,
                }
            }
            Self::Validated { fingerprint, sent, then } => RecordChange::Validated {
                fingerprint: *fingerprint,
                sent: to.lower_bound(*sent),
                then: *then,
            },
            Self::Lifted { fingerprint, sent, then } => RecordChange::Lifted {
                fingerprint: *fingerprint,
                sent: to.lower_bound(*sent),
                then: *then,
            },
            Self::Ended { credentials, fingerprint, tombstone } => RecordChange::Ended {
                credentials: *credentials,
                fingerprint: *fingerprint,
                tombstone: Tombstone { cause: tombstone.cause, at: to.upper_bound(tombstone.at) },
            },
            Self::Forgotten { credentials, fingerprint } => {
                RecordChange::Forgotten { credentials: *credentials, fingerprint: *fingerprint }
            }
            Self::Rejected { credentials, options, until, count, cause } => {
                RecordChange::Rejected {
                    credentials: *credentials,
                    options: *options,
                    until: to.upper_bound(*until),
                    count: *count,
                    cause: cause.clone(),
                }
            }
            Self::RejectedUnaccepted { credentials, at } => RecordChange::RejectedUnaccepted {
                credentials: *credentials,
                at: to.upper_bound(*at),
            },
            Self::BackedOff { until, count, reason, cause } => RecordChange::BackedOff {
                until: to.upper_bound(*until),
                count: *count,
                reason: *reason,
                cause: cause.clone(),
            },
            Self::EntryBackedOff { credentials, options, until, count, cause } => {
                RecordChange::EntryBackedOff {
                    credentials: *credentials,
                    options: *options,
                    until: to.upper_bound(*until),
                    count: *count,
                    cause: cause.clone(),
                }
            }
            Self::LoginSpent { credentials, at, count, lost } => RecordChange::LoginSpent {
                credentials: *credentials,
                at: to.upper_bound(*at),
                count: *count,
                lost: *lost,
            },
            Self::Learned(age) => RecordChange::Learned(*age),
            Self::EarlyEnd(age) => RecordChange::EarlyEnd(*age),
            Self::Unblocked { credentials, at } => {
                RecordChange::Unblocked { credentials: *credentials, at: to.upper_bound(*at) }
            }
        }
    }
}
