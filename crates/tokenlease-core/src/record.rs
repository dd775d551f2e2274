//! The record of one identity, which processes share through a store.
//!
//! Processes change it by compare-and-swap: a writer reads the record, merges its changes and saves
//! the result only if no other process wrote in the meantime. All times in it are the store's.

pub(crate) mod cause;
pub(crate) mod change;
pub(crate) mod clock_mapping;
mod encoding;
pub(crate) mod history;
mod inspect;
pub(crate) mod merge;
mod own;
mod summary;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::{cause::NumberedCause, history::History};
pub use self::{
    encoding::DecodeError,
    history::{
        ExtraLogin, HistoryCause, HistoryEntry, HistoryKind, HistoryResult, LoginCount,
        ShortFingerprint,
    },
    inspect::Inspection,
    own::OwnEntries,
    summary::{BlockSummary, EntrySummary, LeaseSummary, ServerBackoffSummary, Summary},
};
use crate::{
    credentials::CredentialsFingerprint,
    error::{Error, ErrorKind},
    lease::{FirstSeen, Lease},
    provider::OptionsFingerprint,
    time::{Moment, StoreTime},
    token::TokenFingerprint,
};

/// The maximum number of leases in a record. Tokens that can't be served go first, then old ones.
const MAX_LEASES: usize = 4;
/// The maximum number of circuits in a record, and of entry backoffs.
pub(crate) const MAX_BLOCKS: usize = 32;
/// The maximum number of login backoffs in a record, and of rows of spent logins.
const MAX_LOGIN_BACKOFFS: usize = 8;
/// The maximum number of tokens whose history a record keeps.
const MAX_HISTORIES: usize = 16;
/// The maximum number of rejected credentials that were never accepted before.
const MAX_REJECTED_UNACCEPTED: usize = 4;

/// The record of one identity, in the store's time.
///
/// It contains tokens, but no password. It is opaque to a store, which needs only
/// [`encode`](Self::encode), [`decode`](Self::decode) and [`keep`](Self::keep).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(pub(crate) RecordState<StoreTime>);

impl Record {
    /// Returns how long a store must keep the record from now on; `None` means without limit, which
    /// no record needs today.
    ///
    /// It is 30 days after the last end of a lease, a circuit, a backoff or a tombstone in it, at
    /// least 7 days. A lease without a known end is kept for 365 days after the last write: its
    /// token may be active for so long, and losing it costs a login.
    pub fn keep(&self, now: StoreTime) -> Option<Duration> {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let state = &self.0;
        let leases = state
            .leases
            .iter()
            .map(|entry| entry.lease.end().unwrap_or_else(|| now.plus(365 * DAY)));
        let blocks = state.circuits.iter().chain(&state.entry_backoffs).map(|block| block.until);
        let ends = leases
            .chain(blocks)
            .chain(state.server_backoff.iter().map(|backoff| backoff.until))
            .chain(state.login_backoffs.iter().filter_map(|backoff| backoff.last))
            .chain(state.rejected_unaccepted.iter().map(|(_, at)| *at))
            .chain(state.histories.iter().filter_map(|history| history.tombstone).map(|t| t.at));
        let last = ends.map(|end| end.plus(30 * DAY).since(now)).max();
        Some(last.unwrap_or_default().max(7 * DAY))
    }

    /// Returns the number of tokens that the identity has had.
    pub fn generation(&self) -> u64 {
        self.0.generation
    }
}

/// The facts about one identity, in the times of one clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordState<T> {
    /// The number of tokens that the identity has had. It never decreases.
    pub(crate) generation: u64,
    pub(crate) leases: Vec<Entry<T>>,
    /// The rejected credentials, the least recent first.
    pub(crate) circuits: Vec<Block<T>>,
    pub(crate) entry_backoffs: Vec<Block<T>>,
    pub(crate) login_backoffs: Vec<LoginBackoff<T>>,
    /// The rejected credentials that were never accepted before, and when they were rejected.
    pub(crate) rejected_unaccepted: Vec<(CredentialsFingerprint, T)>,
    pub(crate) server_backoff: Option<ServerBackoff<T>>,
    /// The learned `validate_from_age`: the greatest age at which a token was active, or less if
    /// tokens became inactive before the agreed lifetime.
    pub(crate) learned: Option<Duration>,
    /// The last token that was found inactive before the agreed lifetime, and its age then.
    pub(crate) early_end: Option<(Duration, TokenFingerprint)>,
    /// The least recently changed first.
    pub(crate) histories: Vec<TokenHistory<T>>,
    pub(crate) spent_logins: Vec<SpentLogins<T>>,
    /// The causes of circuits and backoffs, the oldest first.
    pub(crate) causes: Vec<NumberedCause>,
    /// Only the record in the store's time has it; no rule depends on it.
    pub(crate) history: History,
}

/// The lease of one set of credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry<T> {
    pub(crate) credentials: CredentialsFingerprint,
    /// The options that it was obtained with. `None`: unknown, from a record of version 1.
    pub(crate) options: Option<OptionsFingerprint>,
    #[serde(with = "encoding::lease")]
    #[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
    pub(crate) lease: Lease<T>,
}

/// A circuit, or the backoff of one entry: its credentials are not sent with these options until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Block<T> {
    pub(crate) credentials: CredentialsFingerprint,
    /// `None`: unknown, from a record of version 1. It concerns all options.
    pub(crate) options: Option<OptionsFingerprint>,
    pub(crate) until: T,
    pub(crate) count: u32,
    /// The number of its cause.
    pub(crate) cause: Option<u8>,
}

/// The backoff of an entry's logins that are caused by rejections without a validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoginBackoff<T> {
    pub(crate) credentials: CredentialsFingerprint,
    /// When the last such login was.
    pub(crate) last: Option<T>,
    pub(crate) count: u32,
    /// Whether such a rejection causes the entry's next login.
    pub(crate) armed: bool,
}

/// The last logins of an entry that brought no better token than the one in use, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SpentLogins<T> {
    pub(crate) credentials: CredentialsFingerprint,
    /// When the last one was answered, or given up.
    pub(crate) last: T,
    /// How many there were in a row.
    pub(crate) count: u32,
    /// Whether the answer to the last one was lost.
    pub(crate) lost: bool,
}

/// The backoff of the server: nothing is sent for the identity until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerBackoff<T> {
    pub(crate) until: T,
    pub(crate) count: u32,
    pub(crate) reason: BackoffReason,
    /// The number of its cause.
    pub(crate) cause: Option<u8>,
}

/// Why calls to the server back off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum BackoffReason {
    Throttled,
    ServerError,
}

/// The facts about a token that outlive its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenHistory<T> {
    pub(crate) fingerprint: TokenFingerprint,
    pub(crate) first: Option<FirstSeen<T>>,
    pub(crate) tombstone: Option<Tombstone<T>>,
    /// When the request was sent that lifted the token's last tombstone. A rejection is lifted once per
    /// token.
    pub(crate) lifted: Option<T>,
    /// Whether the holder called `forget`.
    pub(crate) forgotten: bool,
}

/// Why and since when a token is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tombstone<T> {
    pub(crate) cause: TombstoneCause,
    /// For a rejection: when `report_rejected` was called, even if it was saved later.
    pub(crate) at: T,
}

/// Why a token is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TombstoneCause {
    /// An API rejected it, and no validation was possible.
    Rejected,
    /// A validation found it inactive.
    Inactive,
    /// A client revoked it.
    Revoked,
    /// A client sent a revocation, and the server failed or did not answer: the token may be active.
    RevocationFailed,
}

impl TombstoneCause {
    /// Whether this cause replaces the other one: it is better known that the token is inactive.
    pub(crate) fn outranks(self, other: Self) -> bool {
        let rank = |cause| match cause {
            Self::Rejected => 0,
            Self::RevocationFailed => 1,
            Self::Inactive => 2,
            Self::Revoked => 3,
        };
        rank(self) > rank(other)
    }
}

impl<T> Block<T> {
    /// Returns whether it stops these credentials with these options.
    pub(crate) fn concerns(
        &self,
        credentials: CredentialsFingerprint,
        options: Option<OptionsFingerprint>,
    ) -> bool {
        self.credentials == credentials && may_be_same(self.options, options)
    }
}

/// Returns whether two sets of options are the same, as far as they are known.
pub(crate) fn may_be_same(a: Option<OptionsFingerprint>, b: Option<OptionsFingerprint>) -> bool {
    a.is_none() || b.is_none() || a == b
}

impl<T: Moment> TokenHistory<T> {
    /// Whether the server's return of the token, in answer to a request sent at `sent`, shows that the
    /// token is active: no validation had confirmed its rejection, and it is the first such return, or
    /// the server had failed to revoke it.
    pub(crate) fn may_lift(&self, sent: T) -> bool {
        self.tombstone.is_some_and(|tombstone| match tombstone.cause {
            TombstoneCause::Rejected => tombstone.at < sent && self.lifted.is_none(),
            TombstoneCause::RevocationFailed => tombstone.at < sent,
            TombstoneCause::Inactive | TombstoneCause::Revoked => false,
        })
    }
}

impl BackoffReason {
    /// Returns the reason as a text for people.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Throttled => "the server throttles",
            Self::ServerError => "the server answered with a server error",
        }
    }

    /// Returns the error of a call that is stopped, without the server's answer.
    pub(crate) fn error(self) -> Error {
        let kind = match self {
            Self::Throttled => ErrorKind::Throttled,
            Self::ServerError => ErrorKind::Unavailable,
        };
        Error::new(kind, self.description())
    }
}

impl<T> Default for RecordState<T> {
    fn default() -> Self {
        Self {
            generation: 0,
            leases: Vec::new(),
            circuits: Vec::new(),
            entry_backoffs: Vec::new(),
            login_backoffs: Vec::new(),
            rejected_unaccepted: Vec::new(),
            server_backoff: None,
            learned: None,
            early_end: None,
            histories: Vec::new(),
            spent_logins: Vec::new(),
            causes: Vec::new(),
            history: History::default(),
        }
    }
}

impl<T> RecordState<T> {
    /// Frees unused capacity. Most records have one lease with its history, and are kept for long.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.leases.shrink_to_fit();
        self.histories.shrink_to_fit();
    }
}

impl<T: Moment> RecordState<T> {
    pub(crate) fn lease(&self, credentials: CredentialsFingerprint) -> Option<&Lease<T>> {
        self.leases.iter().find(|entry| entry.credentials == credentials).map(|entry| &entry.lease)
    }

    /// Returns whether the server ever accepted the credentials: the record has a lease of theirs,
    /// even if it has expired.
    pub(crate) fn was_accepted(&self, credentials: CredentialsFingerprint) -> bool {
        self.lease(credentials).is_some()
    }

    pub(crate) fn circuit(
        &self,
        credentials: CredentialsFingerprint,
        options: Option<OptionsFingerprint>,
    ) -> Option<&Block<T>> {
        self.circuits.iter().find(|circuit| circuit.concerns(credentials, options))
    }

    pub(crate) fn entry_backoff(
        &self,
        credentials: CredentialsFingerprint,
        options: Option<OptionsFingerprint>,
    ) -> Option<&Block<T>> {
        self.entry_backoffs.iter().find(|backoff| backoff.concerns(credentials, options))
    }

    pub(crate) fn login_backoff(
        &self,
        credentials: CredentialsFingerprint,
    ) -> Option<&LoginBackoff<T>> {
        self.login_backoffs.iter().find(|backoff| backoff.credentials == credentials)
    }

    pub(crate) fn spent_logins(
        &self,
        credentials: CredentialsFingerprint,
    ) -> Option<&SpentLogins<T>> {
        self.spent_logins.iter().find(|spent| spent.credentials == credentials)
    }

    pub(crate) fn history(&self, fingerprint: TokenFingerprint) -> Option<&TokenHistory<T>> {
        self.histories.iter().find(|history| history.fingerprint == fingerprint)
    }

    pub(crate) fn tombstone(&self, fingerprint: TokenFingerprint) -> Option<&Tombstone<T>> {
        self.history(fingerprint).and_then(|history| history.tombstone.as_ref())
    }

    pub(crate) fn is_forgotten(&self, fingerprint: TokenFingerprint) -> bool {
        self.history(fingerprint).is_some_and(|history| history.forgotten)
    }

    /// Returns whether the token may be served and need not be replaced: as
    /// [`is_usable`](Self::is_usable), and not within the margin before its stated end.
    pub(crate) fn is_live(&self, lease: &Lease<T>, now: T) -> bool {
        self.is_usable(lease, now.plus(lease.margin()))
    }

    /// Returns whether the token may be served if no better one can be had: it has not expired and has
    /// no tombstone, and its holder did not forget it.
    pub(crate) fn is_usable(&self, lease: &Lease<T>, now: T) -> bool {
        !lease.has_expired(now)
            && self.tombstone(lease.fingerprint).is_none()
            && !self.is_forgotten(lease.fingerprint)
    }
}

#[cfg(test)]
mod tests;
