//! Merges changes into a record.
//!
//! Each rule is written here once, for the record in the store's time and for the copy of it that a
//! process keeps in its own time.

use std::time::Duration;

use super::{
    Block, Entry, LoginBackoff, MAX_BLOCKS, MAX_HISTORIES, MAX_LEASES, MAX_LOGIN_BACKOFFS,
    MAX_REJECTED_UNACCEPTED, RecordState, ServerBackoff, SpentLogins, TokenHistory, Tombstone,
    TombstoneCause,
    cause::Cause,
    change::{Origin, RecordChange},
};
use crate::{
    backoff, credentials::CredentialsFingerprint, host_clocks::HostTime,
    provider::OptionsFingerprint, time::Moment, token::TokenFingerprint,
};

/// The time after the last counted login from which a login backoff starts again at zero.
const LOGIN_BACKOFF_MEMORY: Duration = Duration::from_secs(2 * 60 * 60);
/// A token that is found inactive within this time after its login counts as rejected: it causes the
/// login backoff. Replacing each such token at once would be a login for each call of an API that
/// accepts none.
const SOON: Duration = Duration::from_secs(10 * 60);

/// The times of two changes that one process made may be translated to the store's clock with errors that
/// differ by this much.
const CLOCK_SLACK: Duration = Duration::from_secs(2);

impl<T: Moment> RecordState<T> {
    /// Merges a change. Merging it a second time has no further effect.
    pub(crate) fn merge(&mut self, change: &RecordChange<T>, now: T) {
        match change {
            RecordChange::Accepted { credentials, options, sent } => {
                self.accepted(*credentials, *options, *sent);
            }
            RecordChange::Leased { credentials, options, lease, replacing, origin } => {
                let entry =
                    Entry { credentials: *credentials, options: *options, lease: lease.clone() };
                self.leased(entry, *replacing, *origin, now);
            }
            RecordChange::Validated { fingerprint, sent, then } => {
                self.validated(*fingerprint, *sent, *then);
            }
            RecordChange::Lifted { fingerprint, sent, .. } => self.lifted(*fingerprint, *sent),
            RecordChange::Ended { credentials, fingerprint, tombstone } => {
                self.ended(*credentials, *fingerprint, *tombstone, now);
            }
            RecordChange::Forgotten { credentials, fingerprint } => {
                self.leases.retain(|entry| {
                    entry.credentials != *credentials || entry.lease.fingerprint != *fingerprint
                });
                self.change_history(*fingerprint, |history| history.forgotten = true);
            }
            RecordChange::Rejected { credentials, options, until, count, cause } => {
                let (credentials, options) = (*credentials, *options);
                let (until, count) = (*until, *count);
                let block = Block { credentials, options, until, count, cause: None };
                self.rejected(block, cause.as_ref());
            }
            RecordChange::RejectedUnaccepted { credentials, at } => {
                self.rejected_unaccepted.retain(|(other, _)| other != credentials);
                self.rejected_unaccepted.push((*credentials, *at));
                drop_oldest(&mut self.rejected_unaccepted, MAX_REJECTED_UNACCEPTED);
            }
            RecordChange::BackedOff { until, count, reason, cause } => {
                let (reason, cause) = (*reason, self.add_cause(cause.as_ref()));
                let new = ServerBackoff { until: *until, count: *count, reason, cause };
                self.server_backoff = Some(self.server_backoff.map_or(new, |old| ServerBackoff {
                    until: old.until.max(new.until),
                    count: old.count.max(new.count),
                    ..new
                }));
            }
            RecordChange::EntryBackedOff { credentials, options, until, count, cause } => {
                let (credentials, options) = (*credentials, *options);
                let (until, count, cause) = (*until, *count, self.add_cause(cause.as_ref()));
                let block = Block { credentials, options, until, count, cause };
                extend(&mut self.entry_backoffs, block, MAX_BLOCKS);
            }
            RecordChange::LoginSpent { credentials, at, count, lost } => {
                let spent = SpentLogins {
                    credentials: *credentials,
                    last: *at,
                    count: *count,
                    lost: *lost,
                };
                self.login_spent(spent);
            }
            RecordChange::Learned(age) => self.learned = *age,
            RecordChange::EarlyEnd(age) => self.early_end = *age,
            RecordChange::Unblocked { credentials, at } => self.unblocked(*credentials, *at),
        }
        self.drop_unused_causes();
    }

    /// Ends what stops the credentials, except for causes that came after `at`: in a store outage the
    /// change may be merged long after it was made.
    fn unblocked(&mut self, credentials: CredentialsFingerprint, at: T) {
        let at = at.plus(CLOCK_SLACK);
        let is_later = |circuit: &Block<T>| rejected_at(circuit.until, circuit.count) > at;
        self.circuits.retain(|circuit| circuit.credentials != credentials || is_later(circuit));
        self.entry_backoffs.retain(|backoff| backoff.credentials != credentials);
        self.login_backoffs
            .retain(|backoff| backoff.credentials != credentials || backoff.last > Some(at));
        self.spent_logins.retain(|spent| spent.credentials != credentials || spent.last > at);
        self.rejected_unaccepted.retain(|(_, rejected)| *rejected > at);
    }

    fn accepted(
        &mut self,
        credentials: CredentialsFingerprint,
        options: Option<OptionsFingerprint>,
        sent: T,
    ) {
        // A later rejection outweighs this success.
        let is_later = |circuit: &Block<T>| rejected_at(circuit.until, circuit.count) > sent;
        self.circuits
            .retain(|circuit| !circuit.concerns(credentials, options) || is_later(circuit));
        self.entry_backoffs.retain(|backoff| !backoff.concerns(credentials, options));
    }

    fn login_spent(&mut self, spent: SpentLogins<T>) {
        let old = self.spent_logins(spent.credentials).copied();
        // A login that was sent later and brought a token outweighs one that was lost before.
        let spent = match old {
            Some(old) if old.last >= spent.last => {
                SpentLogins { count: old.count.max(spent.count), ..old }
            }
            _ => spent,
        };
        self.spent_logins.retain(|other| other.credentials != spent.credentials);
        self.spent_logins.push(spent);
        drop_oldest(&mut self.spent_logins, MAX_LOGIN_BACKOFFS);
    }

    fn rejected(&mut self, block: Block<T>, cause: Option<&Cause>) {
        // A later success with the same options outweighs this rejection.
        let at = rejected_at(block.until, block.count);
        let is_same = |entry: &Entry<T>| block.concerns(entry.credentials, entry.options);
        if self.leases.iter().any(|entry| is_same(entry) && entry.lease.first.sent_at > at) {
            return;
        }
        // Rejected credentials are not served a lease that they obtained before.
        self.leases.retain(|entry| !is_same(entry));
        let cause = self.add_cause(cause);
        extend(&mut self.circuits, Block { cause, ..block }, MAX_BLOCKS);
    }

    fn leased(
        &mut self,
        entry: Entry<T>,
        replacing: Option<TokenFingerprint>,
        origin: Origin,
        now: T,
    ) {
        let Entry { credentials, options, mut lease } = entry;
        let fingerprint = lease.fingerprint;
        if origin == Origin::Kept && self.is_forgotten(fingerprint)
            || self.tombstone(fingerprint).is_some()
            || self.circuit(credentials, options).is_some()
        {
            return;
        }
        // A known token keeps its generation, and its first-seen time unless the server stated its end
        // again.
        if let Some(known) = self.history(fingerprint).and_then(|history| history.first) {
            let same = self.leases.iter().find(|entry| entry.lease.fingerprint == fingerprint);
            let clocks = same.and_then(|entry| entry.lease.clocks);
            lease.take_first(lease.first_after(known), clocks);
        } else if lease.first.generation == 0 {
            lease.first.generation = self.generation.saturating_add(1);
        }
        // The record has a lease that the writer did not know. Of two concurrent logins, the token
        // requested last wins: if one login ended the token of the other, that token is active. Where the
        // writer's clock may have stopped, its token counts as the older one.
        if self.lease(credentials).is_some_and(|theirs| {
            theirs.fingerprint != fingerprint
                && Some(theirs.fingerprint) != replacing
                && theirs.first.sent_at >= lease.requested_at()
                && self.is_live(theirs, now)
        }) {
            return;
        }
        self.generation = self.generation.max(lease.first.generation);
        let same_token = self.leases.iter().filter(|entry| entry.lease.fingerprint == fingerprint);
        for entry in same_token {
            lease.take_validation(entry.lease.validated_at, entry.lease.clocks);
        }
        let first = lease.first;
        self.change_history(fingerprint, |history| {
            history.first = Some(first);
            history.forgotten = false;
        });
        self.leases.retain(|entry| entry.credentials != credentials);
        self.leases.push(Entry { credentials, options, lease });
        self.drop_leases(credentials, now);
        self.entry_backoffs.retain(|backoff| !backoff.concerns(credentials, options));
        if origin != Origin::Kept {
            // In a store outage a token may be saved after a later login was lost.
            self.spent_logins
                .retain(|spent| spent.credentials != credentials || spent.last > first.sent_at);
        }
        // A success ends the doubling, but not a wait that the server demanded.
        self.server_backoff = self
            .server_backoff
            .filter(|backoff| backoff.until > now)
            .map(|backoff| ServerBackoff { count: 0, ..backoff });
        let mut backoffs = self.login_backoffs.iter_mut();
        if let Some(backoff) = backoffs.find(|backoff| backoff.credentials == credentials) {
            if origin == Origin::Login && backoff.armed {
                backoff.last = Some(now);
                backoff.count = backoff.count.saturating_add(1);
            }
            backoff.armed = false;
        }
    }

    /// Drops leases above the maximum, but never the one of `credentials`.
    fn drop_leases(&mut self, credentials: CredentialsFingerprint, now: T) {
        while self.leases.len() > MAX_LEASES {
            let rank =
                |entry: &Entry<T>| (self.is_live(&entry.lease, now), entry.lease.first.generation);
            let others = self
                .leases
                .iter()
                .enumerate()
                .filter(|(_, entry)| entry.credentials != credentials);
            let Some((least, _)) = others.min_by_key(|(_, entry)| rank(entry)) else { break };
            self.leases.remove(least);
        }
    }

    fn validated(&mut self, fingerprint: TokenFingerprint, sent: T, then: HostTime) {
        for entry in &mut self.leases {
            if entry.lease.fingerprint == fingerprint {
                if Some(sent) > entry.lease.validated_at {
                    entry.lease.confirmed(sent, then);
                }
                self.login_backoffs.retain(|backoff| backoff.credentials != entry.credentials);
            }
        }
    }

    fn lifted(&mut self, fingerprint: TokenFingerprint, sent: T) {
        self.change_history(fingerprint, |history| {
            let is_first = history.lifted.is_none() && history.tombstone.is_none();
            if is_first || history.may_lift(sent) {
                history.tombstone = None;
                history.lifted = Some(sent);
            }
        });
    }

    fn ended(
        &mut self,
        credentials: CredentialsFingerprint,
        fingerprint: TokenFingerprint,
        mut tombstone: Tombstone<T>,
        now: T,
    ) {
        let rejected = tombstone.cause == TombstoneCause::Rejected;
        let lifted = self.history(fingerprint).and_then(|history| history.lifted);
        if (rejected || tombstone.cause == TombstoneCause::RevocationFailed)
            && lifted.is_some_and(|lifted| tombstone.at < lifted)
        {
            // It is older than the request that lifted it.
            return;
        }
        if rejected {
            if lifted.is_some() {
                // A second rejection, after the refetch, is not lifted again.
                tombstone.cause = TombstoneCause::Inactive;
            }
            let same_token =
                self.leases.iter().filter(|entry| entry.lease.fingerprint == fingerprint);
            let mut validations = same_token.filter_map(|entry| entry.lease.validated_at);
            if validations.any(|validated_at| validated_at > tombstone.at) {
                return;
            }
        }
        let (is_new, ended_soon) = self.change_history(fingerprint, |history| {
            let is_new = history.tombstone.is_none();
            if history.tombstone.is_none_or(|old| tombstone.cause.outranks(old.cause)) {
                history.tombstone = Some(tombstone);
            }
            let first = history.first.filter(|_| tombstone.cause == TombstoneCause::Inactive);
            (is_new, first.is_some_and(|first| tombstone.at.since(first.sent_at) < SOON))
        });
        if is_new && (rejected || ended_soon) {
            let holders = self.leases.iter().filter(|entry| entry.lease.fingerprint == fingerprint);
            let mut holders: Vec<_> = holders.map(|entry| entry.credentials).collect();
            if rejected && !holders.contains(&credentials) {
                holders.insert(0, credentials);
            }
            for credentials in holders {
                self.arm_login_backoff(credentials, now);
            }
        }
    }

    /// Notes that a rejection without a validation causes the entry's next login.
    fn arm_login_backoff(&mut self, credentials: CredentialsFingerprint, now: T) {
        let is_recent = |backoff: &LoginBackoff<T>| {
            backoff.last.is_none_or(|last| now.since(last) < LOGIN_BACKOFF_MEMORY)
        };
        let old = self.login_backoff(credentials).copied().filter(is_recent);
        let fresh = LoginBackoff { credentials, last: None, count: 0, armed: true };
        self.login_backoffs.retain(|backoff| backoff.credentials != credentials);
        self.login_backoffs.push(LoginBackoff { armed: true, ..old.unwrap_or(fresh) });
        drop_oldest(&mut self.login_backoffs, MAX_LOGIN_BACKOFFS);
    }

    /// Changes the history of a token, and makes it the most recent one.
    fn change_history<R>(
        &mut self,
        fingerprint: TokenFingerprint,
        change: impl FnOnce(&mut TokenHistory<T>) -> R,
    ) -> R {
        let known = self.histories.iter().position(|history| history.fingerprint == fingerprint);
        let mut history = match known {
            Some(at) => self.histories.remove(at),
            None => TokenHistory {
                fingerprint,
                first: None,
                tombstone: None,
                lifted: None,
                forgotten: false,
            },
        };
        let result = change(&mut history);
        self.histories.push(history);
        drop_oldest(&mut self.histories, MAX_HISTORIES);
        result
    }
}

/// Returns when the rejection came that opened a circuit until `until`.
pub(crate) fn rejected_at<T: Moment>(until: T, count: u32) -> T {
    until.minus(backoff::circuit(count))
}

/// Adds a block, or extends the one that the credentials have with these options.
fn extend<T: Moment>(blocks: &mut Vec<Block<T>>, new: Block<T>, max: usize) {
    let is_same = |block: &Block<T>| block.concerns(new.credentials, new.options);
    let (until, count) = blocks
        .iter()
        .filter(|block| is_same(block))
        .fold((new.until, new.count), |(until, count), old| {
            (until.max(old.until), count.max(old.count))
        });
    blocks.retain(|block| !is_same(block));
    blocks.push(Block { until, count, ..new });
    drop_oldest(blocks, max);
}

fn drop_oldest<V>(list: &mut Vec<V>, max: usize) {
    let excess = list.len().saturating_sub(max);
    list.drain(..excess);
}

#[cfg(test)]
mod tests;
