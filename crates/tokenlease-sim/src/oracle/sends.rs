//! What processes send, what is delivered to them, and what they say of it.

use tokenlease_core::{
    ErrorKind,
    lifecycle::{Effect, Event, Outcome},
    provider::{Answer, Call},
};

use super::Carrier;
use crate::{Fault, Kind, M, Owner, Password, Provider, S, World, world::KNOWN_AFTER};

/// What was true when something was sent.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts of one send")]
pub(crate) struct Sent {
    /// When it was decided.
    pub(crate) at: i64,
    /// In which of its lock_epochs of the lock the sender was.
    pub(crate) lock_epoch: u64,
    /// The sender held the lock.
    pub(crate) owned: bool,
    /// The sender had lost the store.
    pub(crate) alone: bool,
    /// The sender stood still between decision and send.
    pub(crate) stalled: bool,
    /// A copy that the network made.
    pub(crate) copy: bool,
}

impl World {
    pub(crate) fn sent(&self, p: usize, password: &Password, lock_epoch: u64) -> Sent {
        let process = &self.processes[p];
        let owner = (p, process.epoch, *password);
        Sent {
            at: self.now,
            lock_epoch,
            owned: self.store.is_owner(self.now, &owner, lock_epoch),
            alone: process.has_lost_the_store(password),
            stalled: false,
            copy: false,
        }
    }

    /// A call leaves; whether no answer will come in time is known.
    pub(crate) fn note_call(&mut self, p: usize, of: &Password, effect: &Effect, silent: bool) {
        let key = (p, *of);
        match effect {
            Effect::Send(Call::Refetch) if silent => {
                self.oracle.silent.entry(key).or_default().push(self.now);
            }
            Effect::Send(Call::Validate(_)) if silent => self.oracle.validation_silent = self.now,
            Effect::Send(_) => {}
            _ if silent => {
                if let Some(entry) = self.processes[p].entries.get_mut(of) {
                    entry.lost_calls = entry.lost_calls.saturating_add(1);
                }
            }
            _ => {}
        }
    }

    /// The far end acted.
    pub(crate) fn note_outcome(&mut self, owner: &Owner, effect: &Effect, outcome: &Outcome) {
        let (p, epoch, of) = owner;
        let key = (*p, *of);
        let t = self.now;
        match (effect, outcome) {
            (Effect::Send(Call::Refetch), Outcome::Answered(answer)) => match answer {
                Answer::Failed(error) if error.kind() != ErrorKind::CredentialsRejected => {
                    self.oracle.silent.entry(key).or_default().push(t);
                }
                _ => {
                    self.oracle.refetched.insert(key, t);
                }
            },
            (Effect::Send(Call::Refetch), Outcome::NotSent(_)) => {
                self.oracle.silent.entry(key).or_default().push(t);
            }
            (
                Effect::Send(Call::Validate(_)),
                Outcome::Answered(Answer::Failed(_)) | Outcome::NotSent(_),
            ) => self.oracle.validation_silent = t,
            (Effect::Send(_), _) => {}
            (_, Outcome::Failed(_) | Outcome::Unreadable(_)) => {
                if self.processes[*p].epoch == *epoch
                    && let Some(entry) = self.processes[*p].entries.get_mut(of)
                {
                    entry.lost_calls = entry.lost_calls.saturating_add(1);
                }
            }
            _ => {}
        }
        if let Outcome::Answered(Answer::Token(granted)) = outcome {
            let number = Provider::number(&granted.token);
            let carrier = Carrier {
                entry: *owner,
                sent: t,
                delivered: None,
                beside: false,
                alone: self.processes[*p].has_lost_the_store(of),
            };
            self.oracle.carriers.entry(number).or_default().push(carrier);
        }
    }

    /// Something arrived at a process that runs.
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
            Outcome::Answered(Answer::Token(granted)) => {
                let beside = entry.machine.held().is_some();
                let number = Provider::number(&granted.token);
                let owner = (p, epoch, *of);
                let carriers = self.oracle.carriers.entry(number).or_default();
                let carrier = carriers
                    .iter_mut()
                    .rfind(|carrier| carrier.entry == owner && carrier.delivered.is_none());
                if let Some(carrier) = carrier {
                    (carrier.delivered, carrier.beside) = (Some(t), beside);
                }
            }
            Outcome::Answered(Answer::Failed(error)) => match error.kind() {
                ErrorKind::CredentialsRejected => {
                    self.oracle.told_wrong.entry(*of).or_default().push((t, p, epoch));
                }
                ErrorKind::Throttled => {
                    let wait = error.retry_after().unwrap_or_default();
                    self.oracle.told_to_wait.push((t, p, t + crate::millis(wait)));
                }
                _ => {}
            },
            Outcome::Loaded { .. }
            | Outcome::Locked
            | Outcome::Busy
            | Outcome::Saved { .. }
            | Outcome::Conflict { .. }
            | Outcome::Unlocked
                if !late =>
            {
                entry.lost_calls = 0;
            }
            _ => {}
        }
    }

    /// What a machine says has to be true.
    pub(crate) fn note_events(&mut self, p: usize, of: &Password, events: &[Event]) {
        for event in events {
            if let (Event::StoreUnavailable | Event::StoreAvailable, Some(entry)) =
                (event, self.processes[p].entries.get_mut(of))
            {
                entry.away = *event == Event::StoreUnavailable;
            }
            match event {
                Event::StoreUnavailable => {
                    self.oracle.outages.push((self.now, p));
                    let lost = self.processes[p].entries.get(of).map_or(3, |e| e.lost_calls);
                    let frozen = self.processes[p].frozen > self.now - M;
                    // Of an answer that comes at its very deadline nobody knows on which side it fell.
                    if lost < 2 && !self.store.unreadable && !frozen && self.is_steady(p) {
                        let detail = format!("p{p} {of} after {lost}");
                        self.violate("an outage is no three failures in a row", detail);
                    }
                }
                Event::Inactive(print) => {
                    let living = (1..=self.provider.tokens.len())
                        .rev()
                        .take(8)
                        .filter(|number| self.provider.is_active(*number, self.now))
                        .find(|number| self.fingerprint(*number) == *print);
                    if let Some(number) = living {
                        let detail = format!("p{p} token {number}");
                        self.violate("a token that lives is called dead", detail);
                    }
                }
                Event::Rejected(print) if !self.oracle.rejected_by_api.contains_key(print) => {
                    let detail = format!("p{p} {of}");
                    self.violate("a token is rejected that no API rejected", detail);
                }
                Event::Adopted(print) => {
                    let epoch = self.processes[p].epoch;
                    self.oracle.failures.begin_anew_for((p, epoch, *of));
                    let newest = (1..=self.provider.tokens.len()).rev();
                    if let Some(number) = newest.take(8).find(|n| self.fingerprint(*n) == *print) {
                        self.oracle.in_hand.insert((p, *of), (number, epoch));
                    }
                }
                Event::Revoked(print) => {
                    self.oracle.revoked.insert(*print);
                }
                _ => {}
            }
        }
    }

    /// No record that could not be read lately.
    fn is_steady(&self, p: usize) -> bool {
        let flushed = self.faults.iter().any(|(from, until, fault)| {
            *fault == Fault::Flush && *from <= self.now && until.saturating_add(M) > self.now
        });
        !flushed && self.processes[p].alive
    }

    /// Whether that process died or stood still between those moments.
    pub(super) fn is_interrupted(&self, p: usize, from: i64, until: i64) -> bool {
        self.oracle.crashes.iter().any(|(t, who)| *who == p && (from..=until).contains(t))
            || self
                .oracle
                .freezes
                .iter()
                .any(|(t, to, who)| *who == p && *t <= until && *to >= from)
    }

    /// Credentials are on their way: were their sender, or a sibling, told to wait?
    pub(crate) fn judge_hold(&mut self, owner: &Owner, sent: Sent) {
        let (p, _, password) = owner;
        let told =
            self.oracle.told_to_wait.iter().rev().take(4).copied().find(|(at, who, until)| {
                sent.at > at + 2 * S
                    && sent.at < until - S
                    && self.is_calm(*at)
                    && !self.is_interrupted(*who, *at, at + 5 * S)
            });
        let unblock = self.oracle.unblocks.values().any(|at| *at > sent.at - 70 * M);
        if let Some((at, who, until)) = told
            && !sent.alone
            && !sent.stalled
            && !unblock
            && !self.is_interrupted(*p, at, self.now)
            && !self.is_lossy_since(at)
        {
            let detail = format!("p{p} {password}: p{who} was told at {at} to wait until {until}");
            self.violate("credentials are sent in a hold", detail);
        }
    }

    /// Whether calls to the store were lost at random since then, outside of the faults.
    pub(super) fn is_lossy_since(&self, since: i64) -> bool {
        self.lose_store_answers > 0 || self.oracle.outages.iter().any(|(at, _)| *at >= since)
    }

    pub(crate) fn judge_send(&mut self, owner: &Owner, call: &Call, sent: Sent) {
        let (t, (p, epoch, password)) = (self.now, owner);
        if !call.takes_credentials() || sent.copy {
            return;
        }
        self.judge_wrong(*p, *epoch, password, sent);
        if !self.provider.takes(password) {
            self.judge_wrong_again(*p, password, matches!(call, Call::Login), sent);
        }
        if !self.provider.takes(password) {
            if let Some((shut, until)) = self.oracle.shut.get(password).copied()
                && sent.at > shut + 2 * S
                && until > t + self.store.offset + 10 * S
                && self.is_calm(shut)
                && self.processes[*p].frozen < t - 60 * S
            {
                self.violate("wrong credentials are sent again", format!("p{p} {password}"));
            }
            return;
        }
        if matches!(call, Call::Login) {
            self.judge_login(owner, sent);
        }
    }

    /// Nobody sends what someone was told to be wrong less than an hour ago.
    fn judge_wrong(&mut self, p: usize, epoch: u32, password: &Password, sent: Sent) {
        let unblock = self.oracle.unblocks.get(password).copied().unwrap_or(i64::MIN);
        let told = self.oracle.told_wrong.get(password);
        let told = told.into_iter().flatten().rev().take(4).copied().find(|(at, who, start)| {
            let own = (p, epoch) == (*who, *start);
            // A store without loss tells the siblings, if who was told lived to save it.
            let heard = self.is_calm(*at)
                && !self.is_lossy_since(*at)
                && !sent.alone
                && !self.is_interrupted(*who, *at, at + 5 * S);
            let flushed = self
                .faults
                .iter()
                .any(|(from, to, fault)| *fault == Fault::Flush && from.max(to) >= at);
            let known = if own { 0 } else { KNOWN_AFTER };
            sent.at > at + known
                && sent.at < at + 59 * M
                && *at > unblock
                && (own || heard)
                && !flushed
                && !sent.stalled
                && !self.is_interrupted(p, *at, self.now)
        });
        if let Some((at, who, _)) = told {
            let detail = format!("p{p} {password}: p{who} was told at {at} that it is wrong");
            self.violate("rejected credentials are sent again within the hour", detail);
        }
    }

    /// Wrong credentials cost one login and at most one refetch an hour, whoever tries them, where
    /// no answer is lost, nobody is stopped, and the store keeps what it is told.
    fn judge_wrong_again(&mut self, p: usize, password: &Password, login: bool, sent: Sent) {
        let t = self.now;
        let sends = self.oracle.wrong.entry(*password).or_default();
        let before = sends.iter().rfind(|(at, call)| *call == login && t - at < 59 * M).copied();
        sends.push((t, login));
        let Some((before, _)) = before else { return };
        let stopped = self.oracle.crashes.iter().any(|(at, _)| *at > before - M)
            || self.oracle.freezes.iter().any(|(_, until, _)| *until > before - M);
        let silent = self.faults.iter().any(|(from, until, fault)| {
            matches!(fault, Fault::Slow | Fault::Duplicate)
                && *from < t
                && until.saturating_add(M) > before
        });
        let unblock = self.oracle.unblocks.values().any(|at| *at >= before - M);
        let lost = self.lose_next_login_answers > 0
            || self.oracle.answers_lost.is_some_and(|at| at > before - M)
            || self.oracle.lock_lost.is_some_and(|at| at > before - M);
        let calm = self.is_calm(before - M) && !self.is_lossy_since(before - M);
        // Where a refetch does not tell wrong from none, it opens no circuit.
        let vague = self.provider.vague && !login;
        if calm && !vague && !stopped && !silent && !unblock && !lost && !sent.alone {
            let detail = format!("p{p} {password}: the last time was at {before}");
            self.violate("wrong credentials cost more than one send of a kind", detail);
        }
    }

    /// Whether the provider's running token could be had again without a login.
    pub(super) fn can_be_refetched(&self) -> bool {
        self.provider.kind == Kind::Winkas
    }
}
