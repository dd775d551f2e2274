//! Checks the causes of logins that the history of the record states: each one is true when the login is
//! decided, and it is the oracle's cause if a process can know that.

use tokenlease_core::{
    TokenFingerprint,
    lifecycle::{Effect, Outcome},
    provider::{Answer, Call},
    record::{HistoryCause, HistoryKind, ShortFingerprint},
};

use super::Sent;
use crate::{H, Kind, M, Owner, Password, Provider, Quirk, S, World};

/// How much less of a token's life a process may count than is left, after a slow read of the store.
const DOUBT: i64 = 5 * S;

/// Returns the cause that the history states where the oracle has that cause. `None`: only complete
/// knowledge shows it, because of a pause, a lost lock, another process or an older token.
fn stated(oracle: &str) -> Option<&'static [HistoryCause]> {
    use HistoryCause as C;
    Some(match oracle {
        // The token may also have been forgotten, or be of other credentials.
        "a caller requested a longer remaining lifetime" => {
            // A token without a stated end was to be validated for that caller.
            &[C::MinRemaining, C::Forgotten, C::NewCredentials, C::Expired, C::Unvalidated]
        }
        "the answer with its replacement was lost" => &[C::AnswerLost, C::MinRemaining],
        // The history says nothing of a token that was adopted, that was forgotten with other credentials,
        // or that is newer than the backup that the store was restored from.
        "forgotten" => &[
            C::Forgotten,
            C::First,
            C::NewCredentials,
            C::Expired,
            C::TokenRejected,
            C::Inactive,
            C::Revoked,
            C::Unvalidated,
        ],
        "revoked" => &[C::Revoked],
        // A caller may also have preferred a longer remaining lifetime.
        "past its expiry, without an answer from the provider" => {
            &[C::Unvalidated, C::TokenRejected, C::MinRemaining]
        }
        "its credentials were rejected after it was issued" => &[C::CredentialsRejected],
        _ => return None,
    })
}

impl World {
    /// Checks that the cause of a login is true when it is decided.
    pub(crate) fn judge_stated_cause(&mut self, p: usize, password: &Password, sent: Sent) {
        let Some((cause, without_store)) = sent.cause else {
            return self.violate("a login has no cause in the history", format!("p{p} {password}"));
        };
        if !self.is_true(p, password, cause, without_store) {
            let detail = format!("p{p} {password}: {}", cause.as_str());
            self.violate("the history states a cause of a login that is not true", detail);
        }
    }

    fn is_true(
        &mut self,
        p: usize,
        password: &Password,
        cause: HistoryCause,
        without_store: bool,
    ) -> bool {
        let t = self.now;
        let credentials = self.credentials_fingerprint_of(password);
        let entry = self.processes[p].entries.get(password);
        // Another process may have saved the record since it was read.
        let record = self.store.inspect_at(entry.and_then(|entry| entry.known_revision));
        let recorded = record.leases.iter().find(|(other, _)| *other == credentials);
        let recorded = recorded.map(|(_, print)| *print);
        let current = entry.and_then(|entry| entry.lifecycle.current());
        let current = current.map(|(lease, _)| lease.fingerprint());
        let tokens = || (1..=self.provider.tokens.len()).rev();
        // The tokens that the process replaces.
        let replaced = || {
            tokens().filter(|number| {
                let print = Some(self.fingerprint(*number));
                print == current || print == recorded
            })
        };
        let granted = |print: &TokenFingerprint| {
            tokens().any(|number| {
                self.fingerprint(number) == *print
                    && self.provider.tokens[number - 1].granted_to.contains(password)
            })
        };
        let oracle = &self.oracle;
        match cause {
            HistoryCause::First => record.leases.is_empty(),
            HistoryCause::NewCredentials => recorded.is_none(),
            HistoryCause::Expiring => replaced()
                .any(|number| self.is_near_end(number) || self.is_early(p, password, number)),
            HistoryCause::Expired => {
                let granted = || {
                    let granted = |number: &usize| {
                        self.provider.tokens[number - 1].granted_to.contains(password)
                    };
                    tokens().filter(granted)
                };
                // WinKAS states no end: twelve hours count, or the age that was learned.
                let assumed = |number| {
                    let token = self.provider.token(number);
                    let age = oracle.learned.unwrap_or(12 * H).min(12 * H);
                    self.provider.kind == Kind::Winkas
                        && token.is_some_and(|token| t - token.from >= age - DOUBT)
                };
                let expired = |number| self.left(p, password, number) <= DOUBT || assumed(number);
                // The record has no token that has expired on arrival, and the life of a running token
                // is stated again to other processes.
                self.setup.quirk == Some(Quirk::ExpiredOnArrival)
                    || self.returns_running()
                    || replaced().any(expired)
                    // A token of the history, or of the record that it could read last.
                    || ((replaced().next().is_none() || !self.store_was_reliable(t - M))
                        && granted().any(expired))
            }
            HistoryCause::Unvalidated => {
                // A paused process goes on with what it learned before.
                let failed = oracle.validation_failed_at;
                self.provider.kind == Kind::Winkas && failed > t - 5 * M - self.paused_since(failed)
            }
            HistoryCause::Inactive => {
                // A second rejection is kept like an inactive validation, and the store lost the history
                // that distinguishes them, or dropped it for newer tokens.
                let lost = |print: &&TokenFingerprint| {
                    if !record.tombstones.iter().any(|(token, _)| token == *print) {
                        return true;
                    }
                    let number = tokens().find(|number| self.fingerprint(*number) == **print);
                    let token = number.and_then(|number| self.provider.token(number));
                    token.is_some_and(|token| self.store_lost_data(token.from))
                };
                oracle.called_inactive.iter().any(granted)
                    || oracle.rejected_by_api.keys().filter(lost).any(granted)
            }
            HistoryCause::TokenRejected => oracle.rejected_by_api.keys().any(granted),
            HistoryCause::Revoked => {
                // No event says that a token was revoked that is not in use.
                oracle.revoked.iter().chain(&oracle.revoking).any(granted)
            }
            HistoryCause::Forgotten => oracle.forgotten.iter().any(granted),
            HistoryCause::MinRemaining => {
                let requests = &oracle.min_remaining_requests;
                requests
                    .get(&(p, *password))
                    .is_some_and(|(at, _)| *at > t - 5 * M - self.paused_since(*at))
            }
            HistoryCause::AnswerLost => self.login_was_lost(password, t),
            HistoryCause::CredentialsRejected => oracle.rejections.contains_key(password),
            HistoryCause::StoreUnavailable => current.is_none() && without_store,
            _ => false,
        }
    }

    /// Returns whether the process counts the token as near its end.
    fn is_early(&self, p: usize, password: &Password, number: usize) -> bool {
        let token = self.provider.token(number);
        token.is_some_and(|token| {
            self.left(p, password, number) <= self.early(token.lifetime) + DOUBT
        })
    }

    /// Checks that the history states the oracle's cause of a login that was sent while this token was
    /// active, if a process can know it.
    pub(crate) fn judge_same_cause(
        &mut self,
        owner: &Owner,
        sent: Sent,
        number: usize,
        oracle: &'static str,
    ) {
        let (Some((cause, without_store)), Some(same)) = (sent.cause, stated(oracle)) else {
            return;
        };
        let (p, _, password) = owner;
        let from = self.provider.token(number).map_or(self.now, |token| token.from);
        // Its own token or a newer one had ended.
        let last = self.oracle.last_lease.get(&(*p, *password));
        let other = sent.replaces.is_some_and(|print| print != self.fingerprint(number))
            || last.is_some_and(|(last, _)| *last != number)
            || self.newest_delivered(number, password) > number
            // It was issued to another system.
            || self.deliveries_of(number).is_empty()
            // The history says nothing of a token that was adopted.
            || self.oracle.adopted.keys().any(|adopted| *adopted >= number);
        let later = match cause {
            HistoryCause::AnswerLost => self.login_was_lost(password, sent.at),
            HistoryCause::CredentialsRejected => self.oracle.was_rejected_since(password, from),
            // An API rejected it, and it was too short for another caller.
            HistoryCause::TokenRejected => {
                self.oracle.rejected_by_api.contains_key(&self.fingerprint(number))
            }
            // The record has an older token since the store lost data, and does not know what was revoked.
            HistoryCause::Expired | HistoryCause::Inactive | HistoryCause::MinRemaining => {
                self.store_lost_data(from)
            }
            // The record is empty, and the process knows no token either.
            HistoryCause::First => {
                let is_known = last.is_some_and(|(_, epoch)| *epoch == self.processes[*p].epoch);
                !is_known || self.store_lost_data(from)
            }
            _ => false,
        };
        if !same.contains(&cause) && !other && !later && !without_store {
            let detail =
                format!("p{p} {password}, token {number}: {oracle}, not {}", cause.as_str());
            self.violate("the history states another cause of a login than the oracle", detail);
        }
    }

    /// Notes the stated cause of a login that issued a token.
    pub(crate) fn note_stated_cause(&mut self, effect: &Effect, outcome: &Outcome, sent: Sent) {
        if let (Effect::Send(Call::Login), Outcome::Answered(Answer::Token(granted))) =
            (effect, outcome)
            && let Some((cause, _)) = sent.cause
        {
            let number = Provider::number(&granted.token);
            self.oracle.login_causes.entry(number).or_insert(cause);
        }
    }

    /// Checks that the record has the causes that were stated when its logins were decided.
    pub(crate) fn judge_history(&mut self) {
        if self.returns_running() {
            // Several logins returned one token.
            return;
        }
        let mut wrong = None;
        for entry in self.store.stated_history() {
            let mut tokens = (1..=self.provider.tokens.len()).rev();
            let number = tokens.find(|number| {
                entry.token == Some(ShortFingerprint::of_token(self.fingerprint(*number)))
            });
            let known = number.and_then(|number| self.oracle.login_causes.get(&number));
            if entry.kind == HistoryKind::Login && known.is_some_and(|known| *known != entry.cause)
            {
                wrong = Some(format!("token {number:?}: {:?}, {known:?}", entry.cause));
            }
        }
        if let Some(detail) = wrong {
            self.violate("the record has another cause than its login had", detail);
        }
    }

    /// Whether the record may still count a login whose answer was lost. The time that a host's clock
    /// stopped may not have passed for the store, and a paused process notes the loss afterwards.
    fn login_was_lost(&self, password: &Password, t: i64) -> bool {
        self.oracle
            .lost_logins
            .get(password)
            .is_some_and(|at| *at > t - 70 * M - self.frozen_since(*at) - self.paused_since(*at))
    }

    /// Returns for how long a process was paused at most since then.
    fn paused_since(&self, at: i64) -> i64 {
        let pauses = self.oracle.pauses.iter().filter(|(_, end, _)| *end > at);
        pauses.map(|(from, end, _)| end - from.max(&at)).max().unwrap_or_default()
    }

    /// Notes that the answer to a login does not arrive in time.
    pub(crate) fn note_lost_login(&mut self, password: &Password) {
        self.oracle.lost_logins.insert(*password, self.now);
    }
}
