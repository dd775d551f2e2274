//! Notes what processes send, receive and report, and checks each send of credentials.

use tokenlease_core::{
    ErrorKind, TokenFingerprint,
    lifecycle::{Effect, Event, Lifecycle, Outcome},
    provider::{Answer, Call},
    record::HistoryCause,
};

use super::Delivery;
use crate::{
    Fault, Kind, M, Owner, Password, Provider, Quirk, S, World, bugs::Bug, world::KNOWN_AFTER,
};

/// The facts at the time of a send.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts of one send")]
pub(crate) struct Sent {
    /// When the send was decided.
    pub(crate) at: i64,
    /// The sender's lock epoch.
    pub(crate) lock_epoch: u64,
    /// Whether the sender held the lock.
    pub(crate) owned: bool,
    /// Whether the sender had reported the store as unavailable.
    pub(crate) without_store: bool,
    /// Whether the last call of the sender that the store answered was rejected.
    pub(crate) store_rejects: bool,
    /// Whether the sender was paused between decision and send.
    pub(crate) paused: bool,
    /// The cause of a login that the history of the record states, and whether the sender could not
    /// read the store.
    pub(crate) cause: Option<(HistoryCause, bool)>,
    /// The lease that the sender had when it decided a login.
    pub(crate) replaces: Option<TokenFingerprint>,
    /// Whether the network duplicated the request.
    pub(crate) copy: bool,
}

impl World {
    pub(crate) fn sent(&self, p: usize, password: &Password, lock_epoch: u64) -> Sent {
        let process = &self.processes[p];
        let owner = (p, process.epoch, *password);
        let lifecycle = process.entries.get(password).map(|entry| &entry.lifecycle);
        let current = lifecycle.and_then(|lifecycle| lifecycle.current());
        Sent {
            at: self.now,
            lock_epoch,
            owned: self.store.is_owner(self.now, &owner, lock_epoch),
            without_store: process.lost_store(password),
            store_rejects: process.entries.get(password).is_some_and(|entry| entry.store_rejects),
            paused: false,
            cause: match self.setup.bug {
                Some(Bug::WrongCause) => Some((HistoryCause::Expired, false)),
                _ => lifecycle.and_then(Lifecycle::cause_of_last_login),
            },
            replaces: current.map(|(lease, _)| lease.fingerprint()),
            copy: false,
        }
    }

    /// Notes a call that is sent, and whether it will get no answer in time.
    pub(crate) fn note_call(&mut self, p: usize, of: &Password, effect: &Effect, unanswered: bool) {
        let key = (p, *of);
        match effect {
            Effect::Send(Call::Refetch) if unanswered => {
                self.oracle.failed_refetches.entry(key).or_default().push(self.now);
            }
            Effect::Send(Call::Validate(_)) if unanswered => {
                self.oracle.validation_failed_at = self.now;
            }
            Effect::Send(_) => {}
            _ if unanswered => {
                if let Some(entry) = self.processes[p].entries.get_mut(of) {
                    entry.lost_calls = entry.lost_calls.saturating_add(1);
                }
            }
            _ => {}
        }
    }

    /// Notes that the store or the provider processed a call.
    pub(crate) fn note_outcome(&mut self, owner: &Owner, effect: &Effect, outcome: &Outcome) {
        let (p, epoch, of) = owner;
        let key = (*p, *of);
        let t = self.now;
        match (effect, outcome) {
            (Effect::Send(Call::Refetch), Outcome::Answered(answer)) => match answer {
                Answer::Failed(error) if error.kind() != ErrorKind::CredentialsRejected => {
                    self.oracle.failed_refetches.entry(key).or_default().push(t);
                }
                _ => {
                    self.oracle.refetched.insert(key, t);
                }
            },
            (Effect::Send(Call::Refetch), Outcome::NotSent(_)) => {
                self.oracle.failed_refetches.entry(key).or_default().push(t);
            }
            (
                Effect::Send(Call::Validate(_)),
                Outcome::Answered(Answer::Failed(_)) | Outcome::NotSent(_),
            ) => self.oracle.validation_failed_at = t,
            (Effect::Send(_), _) => {}
            (_, Outcome::Failed(_) | Outcome::Rejected(_) | Outcome::Unreadable(_)) => {
                if self.processes[*p].epoch == *epoch
                    && let Some(entry) = self.processes[*p].entries.get_mut(of)
                {
                    entry.lost_calls = entry.lost_calls.saturating_add(1);
                }
            }
            _ => {}
        }
        if let Outcome::Answered(Answer::Token(granted_to)) = outcome {
            let number = Provider::number(&granted_to.token);
            let delivery = Delivery {
                entry: *owner,
                sent: t,
                delivered: None,
                unneeded: false,
                without_store: self.processes[*p].lost_store(of),
            };
            self.oracle.deliveries.entry(number).or_default().push(delivery);
        }
    }

    /// Notes an outcome that arrived at a running process.
    pub(crate) fn note_delivered(
        &mut self,
        p: usize,
        of: &Password,
        outcome: &Outcome,
        late: bool,
    ) {
        let (t, epoch) = (self.now, self.processes[p].epoch);
        self.oracle.failures.answered((p, epoch, *of), outcome);
        let Some(entry) = self.processes[p].entries.get_mut(of) else { return };
        match outcome {
            Outcome::Answered(Answer::Token(granted_to)) => {
                let unneeded = entry.lifecycle.current().is_some();
                let number = Provider::number(&granted_to.token);
                let owner = (p, epoch, *of);
                let deliveries = self.oracle.deliveries.entry(number).or_default();
                let delivery = deliveries
                    .iter_mut()
                    .rfind(|delivery| delivery.entry == owner && delivery.delivered.is_none());
                if let Some(delivery) = delivery {
                    (delivery.delivered, delivery.unneeded) = (Some(t), unneeded);
                }
            }
            Outcome::Answered(Answer::Failed(error)) => match error.kind() {
                ErrorKind::CredentialsRejected => {
                    self.oracle.rejections.entry(*of).or_default().push((t, p, epoch));
                }
                ErrorKind::Throttled => {
                    let wait = error.retry_after().unwrap_or_default();
                    self.oracle.backoffs.push((t, p, t + crate::millis(wait)));
                }
                _ => {}
            },
            Outcome::Rejected(_) if !late => entry.store_rejects = true,
            // A record that can't be read forbids no refetch.
            Outcome::Unreadable(_) if !late => entry.store_rejects = false,
            Outcome::Loaded { .. }
            | Outcome::Locked
            | Outcome::Busy
            | Outcome::Saved { .. }
            | Outcome::Conflict { .. }
            | Outcome::Unlocked
                if !late =>
            {
                entry.lost_calls = 0;
                entry.store_rejects = false;
            }
            _ => {}
        }
    }

    /// Notes the events of a state machine, and checks that they are true.
    pub(crate) fn note_events(&mut self, p: usize, of: &Password, events: &[Event]) {
        for event in events {
            let is_unavailable = match event {
                Event::StoreUnavailable | Event::StoreRejected | Event::RecordUnreadable => {
                    Some(true)
                }
                Event::StoreAvailable => Some(false),
                _ => None,
            };
            if let (Some(is), Some(entry)) = (is_unavailable, self.processes[p].entries.get_mut(of))
            {
                entry.store_unavailable = is;
            }
            match event {
                Event::StoreUnavailable => {
                    self.oracle.outages.push((self.now, p));
                    let lost = self.processes[p].entries.get(of).map_or(3, |e| e.lost_calls);
                    let paused_until = self.processes[p].paused_until > self.now - M;
                    // An answer exactly at its deadline may count as failed.
                    if lost < 2 && !paused_until && self.record_was_readable(p) {
                        let detail = format!("p{p} {of} after {lost}");
                        self.violate(
                            "an outage was reported without three consecutive failures",
                            detail,
                        );
                    }
                }
                Event::Inactive(print) => {
                    self.oracle.called_inactive.insert(*print);
                    let active = (1..=self.provider.tokens.len())
                        .rev()
                        .take(8)
                        .filter(|number| self.provider.is_active(*number, self.now))
                        .find(|number| self.fingerprint(*number) == *print);
                    if let Some(number) = active
                        && self.setup.quirk != Some(Quirk::AcceptsNoToken)
                    {
                        let detail = format!("p{p} token {number}");
                        self.violate("an active token was reported as inactive", detail);
                    }
                }
                Event::Rejected(print) if !self.oracle.rejected_by_api.contains_key(print) => {
                    let detail = format!("p{p} {of}");
                    self.violate("a token was reported as rejected that no API rejected", detail);
                }
                Event::Adopted(print) => {
                    let epoch = self.processes[p].epoch;
                    self.oracle.failures.restart_entry((p, epoch, *of));
                    let mut newest = (1..=self.provider.tokens.len()).rev();
                    if let Some(number) = newest.find(|n| self.fingerprint(*n) == *print) {
                        self.oracle.last_lease.insert((p, *of), (number, epoch));
                    }
                }
                Event::Revoked(print) => {
                    self.oracle.revoked.insert(*print);
                    // It stays in use until the provider has answered the revocation.
                    let mut newest = (1..=self.provider.tokens.len()).rev();
                    if let Some(number) = newest.find(|n| self.fingerprint(*n) == *print) {
                        self.processes[p].reported.insert((*of, number), self.now);
                    }
                }
                _ => {}
            }
        }
    }

    /// Returns whether the process runs and the record was readable in the last minute.
    fn record_was_readable(&self, p: usize) -> bool {
        let flushed = self.faults.iter().any(|(from, until, fault)| {
            *fault == Fault::Flush && *from <= self.now && until.saturating_add(M) > self.now
        });
        !flushed && self.processes[p].alive
    }

    /// Returns whether the process crashed or was paused between these times.
    pub(super) fn is_interrupted(&self, p: usize, from: i64, until: i64) -> bool {
        self.oracle.crashes.iter().any(|(t, who)| *who == p && (from..=until).contains(t))
            || self.oracle.pauses.iter().any(|(t, to, who)| *who == p && *t <= until && *to >= from)
    }

    /// Checks that credentials are not sent during a server backoff of any process.
    pub(crate) fn judge_server_backoff(&mut self, owner: &Owner, sent: Sent) {
        let (p, _, password) = owner;
        let found = self.oracle.backoffs.iter().rev().take(4).copied().find(|(at, who, until)| {
            sent.at > at + 2 * S
                && sent.at < until - S
                && self.store_was_reliable(*at)
                && !self.is_interrupted(*who, *at, at + 5 * S)
        });
        let unblock = self.oracle.unblocks.values().any(|at| *at > sent.at - 70 * M);
        if let Some((at, who, until)) = found
            && !sent.without_store
            && !sent.paused
            && !unblock
            && !self.is_interrupted(*p, at, self.now)
            && !self.is_lossy_since(at)
        {
            let detail = format!("p{p} {password}: p{who} got a backoff at {at} until {until}");
            self.violate("credentials are sent during a server backoff", detail);
        }
    }

    /// Returns whether calls to the store were lost at random since then, without a fault.
    pub(super) fn is_lossy_since(&self, since: i64) -> bool {
        self.store_loss_percent > 0 || self.oracle.outages.iter().any(|(at, _)| *at >= since)
    }

    /// Checks that no credentials are sent while the store rejects calls.
    pub(crate) fn judge_store_rejects(&mut self, owner: &Owner, call: &Call, sent: Sent) {
        if sent.store_rejects && !sent.copy {
            let detail = format!("p{} {}: {call:?}", owner.0, owner.2);
            self.violate("credentials are sent while the store rejects calls", detail);
        }
    }

    pub(crate) fn judge_send(&mut self, owner: &Owner, call: &Call, sent: Sent) {
        let (t, (p, epoch, password)) = (self.now, owner);
        if !call.takes_credentials() || sent.copy || self.judge_ticket(owner, call, sent) {
            return;
        }
        self.judge_wrong(*p, *epoch, password, sent);
        if !self.provider.accepts(password) {
            self.judge_wrong_again(*p, password, matches!(call, Call::Login), sent);
        }
        if !self.provider.accepts(password) {
            if let Some((since, until)) = self.oracle.open_circuits.get(password).copied()
                && sent.at > since + 2 * S
                && until > t + self.store.offset + 10 * S
                && self.store_was_reliable(since)
                && self.processes[*p].paused_until < t - 60 * S
            {
                self.violate(
                    "rejected credentials are sent again while their circuit is open",
                    format!("p{p} {password}"),
                );
            }
            return;
        }
        if matches!(call, Call::Login) {
            self.judge_login(owner, sent);
        }
    }

    /// Checks that no process sends credentials that were rejected less than an hour ago.
    fn judge_wrong(&mut self, p: usize, epoch: u32, password: &Password, sent: Sent) {
        // An answer that crosses the user's call is lifted with it.
        let unblock = self.oracle.unblocks.get(password).map_or(i64::MIN, |at| at + 2 * S);
        let rejections = self.oracle.rejections.get(password);
        let found =
            rejections.into_iter().flatten().rev().take(4).copied().find(|(at, who, start)| {
                let own = (p, epoch) == (*who, *start);
                // Other processes know it if the store lost nothing, and the process had time to save it.
                let shared = self.store_was_reliable(*at)
                    && !self.is_lossy_since(*at)
                    && !sent.without_store
                    && !self.is_interrupted(*who, *at, at + 5 * S);
                let flushed = self
                    .faults
                    .iter()
                    .any(|(from, to, fault)| *fault == Fault::Flush && from.max(to) >= at);
                let known = if own { 0 } else { KNOWN_AFTER };
                sent.at > at + known
                    && sent.at < at + 59 * M
                    && !self.was_accepted_since(password, *at)
                    && *at > unblock
                    && (own || shared)
                    && !flushed
                    && !sent.paused
                    && !self.is_interrupted(p, *at, self.now)
            });
        if let Some((at, who, _)) = found {
            let detail = format!("p{p} {password}: p{who} got the rejection at {at}");
            self.violate("rejected credentials are sent again within an hour", detail);
        }
    }

    /// Checks that rejected credentials cost one login and at most one refetch an hour in the whole
    /// fleet, if no answer is lost, no process is stopped, and the store keeps its data.
    fn judge_wrong_again(&mut self, p: usize, password: &Password, login: bool, sent: Sent) {
        let t = self.now;
        let sends = self.oracle.rejected_credentials.entry(*password).or_default();
        let before = sends.iter().rfind(|(at, call)| *call == login && t - at < 59 * M).copied();
        sends.push((t, login));
        let Some((before, _)) = before else { return };
        let stopped = self.oracle.crashes.iter().any(|(at, _)| *at > before - M)
            || self.oracle.pauses.iter().any(|(_, until, _)| *until > before - M);
        let unanswered = self.faults.iter().any(|(from, until, fault)| {
            matches!(fault, Fault::Slow | Fault::Duplicate)
                && *from < t
                && until.saturating_add(M) > before
        });
        let unblock = self.oracle.unblocks.values().any(|at| *at >= before - M);
        let lost = self.lost_login_answers > 0
            || self.oracle.answers_lost.is_some_and(|at| at > before - M)
            || self.oracle.lock_lost.is_some_and(|at| at > before - M);
        let reliable = self.store_was_reliable(before - M) && !self.is_lossy_since(before - M);
        // A refetch that hides the rejection opens no circuit.
        let refetch_hides_rejection = self.provider.refetch_hides_rejection && !login;
        if reliable
            && !refetch_hides_rejection
            && !stopped
            && !unanswered
            && !unblock
            && !lost
            && !sent.without_store
        {
            let detail = format!("p{p} {password}: the previous send was at {before}");
            self.violate(
                "rejected credentials cost more than one login and one refetch an hour",
                detail,
            );
        }
    }

    /// Returns whether the provider returns the running token without a login.
    pub(super) fn can_be_refetched(&self) -> bool {
        self.provider.kind == Kind::Winkas
    }
}
