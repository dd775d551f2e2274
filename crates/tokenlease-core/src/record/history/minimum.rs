//! The number of logins that a history needed at least: one for each lifetime of a token.

use super::{HistoryCause, HistoryEntry, HistoryKind, HistoryResult};
use crate::{
    lease::{margin, refresh_window},
    time::Moment,
};

/// The logins in a history, and those above the minimum.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoginCount {
    /// The logins, also those whose answers were lost.
    pub logins: usize,
    /// The logins that a client with complete knowledge would have sent.
    pub minimum: usize,
    /// The other logins, the oldest first.
    pub extra: Vec<ExtraLogin>,
}

/// A login above the minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtraLogin {
    /// Its place in the history.
    pub index: usize,
    /// Its cause.
    pub cause: HistoryCause,
    /// The place of the login whose token was still to be used: two processes logged in for one lifetime.
    /// `None`: the cause itself says why.
    pub beside: Option<usize>,
}

impl LoginCount {
    /// Counts the logins of a history whose oldest entry is first.
    pub fn of<T: Moment>(history: &[HistoryEntry<T>]) -> Self {
        let logins =
            || history.iter().enumerate().filter(|(_, entry)| entry.kind == HistoryKind::Login);
        let extra: Vec<_> = logins()
            .filter_map(|(index, login)| {
                let cause = login.cause;
                let beside = replaced(cause).then(|| beside(history, index)).flatten();
                (cause.is_extra() || beside.is_some()).then_some(ExtraLogin {
                    index,
                    cause,
                    beside,
                })
            })
            .collect();
        let logins = logins().count();
        Self { logins, minimum: logins - extra.len(), extra }
    }
}

/// Whether the process of a login with this cause knew of no token that could be used.
fn replaced(cause: HistoryCause) -> bool {
    matches!(
        cause,
        HistoryCause::First
            | HistoryCause::NewCredentials
            | HistoryCause::Expiring
            | HistoryCause::Expired
    )
}

/// Returns the last login of the same credentials before this one, if its token was still to be used.
fn beside<T: Moment>(history: &[HistoryEntry<T>], index: usize) -> Option<usize> {
    let login = history.get(index)?;
    let same = |entry: &HistoryEntry<T>| entry.credentials == login.credentials;
    let before = history.get(..index)?.iter().enumerate().rev();
    let (at, last) =
        before.filter(|(_, entry)| same(entry)).find(|(_, entry)| is_about_token(entry))?;
    let lifetime = last.lifetime?;
    let early = margin(lifetime) + refresh_window(lifetime);
    let is_login = last.kind == HistoryKind::Login && last.result == HistoryResult::Token;
    (is_login && last.at.plus(lifetime.saturating_sub(early)) > login.at).then_some(at)
}

/// Whether the entry says which token was to be used from then on.
fn is_about_token<T>(entry: &HistoryEntry<T>) -> bool {
    !matches!(
        (entry.kind, entry.result),
        (HistoryKind::Rejection, HistoryResult::StillActive)
            | (HistoryKind::Login, HistoryResult::NoBetterToken)
    )
}
