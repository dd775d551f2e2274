//! Backoffs: why nothing is tried now, until when, and for whom.
//!
//! | why | scope | kept in | at its end |
//! | --- | --- | --- | --- |
//! | `FailedAttempt` | process | memory | the process may try; a success ends it earlier |
//! | `Refresh` | process | memory | the process may refresh |
//! | `OutageLogin` | process | memory | the process may log in without the store |
//! | `Reported` | process | memory | nothing: it never blocks, it explains a backoff whose cause the record lost |
//! | `InvalidResponse` | entry | record; memory if the record is full | all may try; a success ends it earlier |
//! | `Circuit` | entry | record | one process probes; only a success or `unblock` ends it |
//! | `OtherOptions` | credentials | record | all may try |
//! | `Server` | identity | record | all may try |
//! | `RejectedElsewhere` | identity | record | all may try |
//!
//! A backoff of an entry concerns its credentials with its options, so that a corrected option is tried at
//! once. An error of the configuration is probed hourly, by one process. The record keeps the server's
//! answer as the cause of a circuit or a backoff, so that all processes report the same error.
//!
//! The lengths of all waits are the functions of [`crate::backoff`].

use std::time::Duration;

use super::{Lifecycle, Next, event::Event};
use crate::{
    backoff,
    error::{Error, ErrorKind},
    record::{BackoffReason, Block, ServerBackoff, cause::Cause, change::RecordChange},
    time::{Moment as _, Now, Timestamp},
};

/// A backoff in the record ends up to this much later than its writer meant, because its time is
/// translated to the store's clock and back.
const CLOCK_SLACK: Duration = Duration::from_secs(2);
/// With this many sets of options the same credentials may fail before the next set waits.
const MAX_OTHER_OPTIONS: usize = 4;

/// Why something is not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The last attempt failed without an answer that says more.
    FailedAttempt,
    /// The last refresh of a lease that still serves failed, or another process is at it.
    Refresh,
    /// The login that this process may send during a store outage was sent.
    OutageLogin,
    /// The error that callers were given last.
    Reported,
    /// The server's answer to these credentials could not be used. With a subject, other secrets do not end
    /// the backoff: the answer does not say that the secrets are wrong.
    InvalidResponse,
    /// The server rejected these credentials.
    Circuit,
    /// The server asked to wait, or failed.
    Server,
    /// Too many other credentials of this identity were rejected lately.
    RejectedElsewhere,
    /// The server rejected these credentials, or could not use them, with several other options.
    OtherOptions,
}

/// Whom a backoff concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// This process alone.
    Process,
    /// All processes with these credentials.
    Entry,
    /// All processes with this identity, whatever their credentials.
    Identity,
}

/// One reason not to try.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    pub(super) scope: Scope,
    pub(super) until: Timestamp,
    pub(super) why: Why,
    /// The error for callers.
    pub(super) error: Option<Error>,
    /// How many there were in a row, where the next wait depends on it.
    pub(super) count: u32,
}

impl Backoff {
    pub(super) fn new(why: Why, until: Timestamp) -> Self {
        let scope = match why {
            Why::FailedAttempt | Why::Refresh | Why::OutageLogin | Why::Reported => Scope::Process,
            Why::InvalidResponse | Why::Circuit | Why::OtherOptions => Scope::Entry,
            Why::Server | Why::RejectedElsewhere => Scope::Identity,
        };
        Self { scope, until, why, error: None, count: 0 }
    }

    pub(super) fn with_error(self, error: Error) -> Self {
        Self { error: Some(error), ..self }
    }

    /// Whether it keeps the entry from sending credentials at `t`.
    pub(super) fn blocks(&self, t: Timestamp) -> bool {
        self.until > t
    }
}

/// The backoffs that this process remembers itself.
#[derive(Debug, Default)]
pub(super) struct Backoffs {
    list: Vec<Backoff>,
    /// Failed attempts in a row.
    pub(super) failures: u32,
    /// The last failure since the last success, for a caller whose deadline passes meanwhile.
    pub(super) last_failure: Option<Error>,
}

impl Backoffs {
    pub(super) fn set(&mut self, backoff: Backoff) {
        self.clear(backoff.why);
        self.list.push(backoff);
    }

    pub(super) fn get(&self, why: Why) -> Option<&Backoff> {
        self.list.iter().find(|backoff| backoff.why == why)
    }

    /// When that backoff ends; the distant past if there is none.
    pub(super) fn until(&self, why: Why) -> Timestamp {
        self.get(why).map_or(Timestamp::MIN, |backoff| backoff.until)
    }

    /// Whether none of them counts any more, nor explains a backoff of the record.
    pub(super) fn have_passed(&self, t: Timestamp) -> bool {
        let has_passed = |backoff: &Backoff| {
            backoff.scope == Scope::Process
                && backoff.count == 0
                && backoff.until.plus(CLOCK_SLACK) <= t
        };
        self.failures == 0 && self.last_failure.is_none() && self.list.iter().all(has_passed)
    }

    pub(super) fn clear(&mut self, why: Why) {
        self.list.retain(|backoff| backoff.why != why);
    }

    /// The server accepted the credentials.
    pub(super) fn clear_entry(&mut self) {
        self.list.retain(|backoff| backoff.scope != Scope::Entry);
    }

    /// Other credentials of the subject are sent from now on.
    pub(super) fn forget_credentials(&mut self) {
        self.list
            .retain(|backoff| !matches!(backoff.why, Why::Circuit | Why::Refresh | Why::Reported));
    }

    /// A person says that the credentials are right.
    pub(super) fn unblock(&mut self) {
        self.failures = 0;
        self.clear_entry();
        self.list.retain(|backoff| !matches!(backoff.why, Why::FailedAttempt | Why::Refresh));
    }

    /// The attempt succeeded.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.last_failure = None;
        self.clear(Why::FailedAttempt);
    }

    /// An attempt failed: the next one waits longer.
    pub(super) fn attempt_failed(
        &mut self,
        error: Error,
        not_before: Timestamp,
        wait: impl FnOnce(u32) -> Timestamp,
    ) -> Timestamp {
        self.failures = self.failures.saturating_add(1);
        let until = not_before.max(wait(self.failures));
        self.set(Backoff::new(Why::FailedAttempt, until).with_error(error));
        until
    }
}

impl Lifecycle {
    /// All backoffs that concern sending credentials: those of this process, then the record's.
    fn backoffs(&self, t: Timestamp) -> impl Iterator<Item = Backoff> {
        let known = &self.store.known;
        let of = |why, until, cause| Backoff {
            error: known.cause(cause).map(Cause::error),
            ..Backoff::new(why, until)
        };
        let server = known.server_backoff.map(|server| of(Why::Server, server.until, server.cause));
        let response = known
            .entry_backoff(self.holder, self.options)
            .map(|block| of(Why::InvalidResponse, block.until, block.cause));
        let options =
            self.other_options_until(t).map(|(until, cause)| of(Why::OtherOptions, until, cause));
        let elsewhere = self.rejected_elsewhere_until(t).map(|until| {
            let error = Error::new(
                ErrorKind::Throttled,
                "the server rejected two other credentials of this user within 15 minutes; these \
                 credentials wait, so that the account is not locked",
            );
            Backoff::new(Why::RejectedElsewhere, until).with_error(error)
        });
        let own = self.backoffs.get(Why::FailedAttempt).cloned();
        let rejected = self.rejected_for_subject();
        [own, rejected, server, response, options, elsewhere].into_iter().flatten()
    }

    /// Until when no credentials are sent.
    pub(super) fn backed_off_until(&self, t: Timestamp) -> Option<Timestamp> {
        self.backoffs(t).filter(|backoff| backoff.blocks(t)).map(|backoff| backoff.until).max()
    }

    /// Returns when the next attempt may be made, if none may be made at `t`: a flight pauses, or
    /// credentials back off.
    pub fn next_attempt(&self, t: Timestamp) -> Option<Timestamp> {
        let pause = self.flight.as_ref().map(|flight| flight.pause_until).filter(|end| *end > t);
        self.backed_off_until(t).max(pause)
    }

    /// Until when no credentials are sent, and the error for callers.
    pub(super) fn backed_off(&self, now: Now) -> Option<(Timestamp, Error)> {
        let t = now.elapsed;
        let until = self.backed_off_until(t)?;
        // This process's own attempts come first in the list.
        let longest = self.backoffs(t).find(|backoff| backoff.until >= until)?;
        let reported = || {
            let own = self.backoffs.get(Why::Reported)?;
            own.error.clone().filter(|_| own.until.plus(CLOCK_SLACK) >= until)
        };
        let error = longest.error.clone().or_else(reported);
        let error = error.unwrap_or_else(|| self.error_without_cause(longest.why));
        Some((until, error.with_until(now.wall_at(until))))
    }

    /// The error of a backoff whose cause neither the record nor this process knows.
    fn error_without_cause(&self, why: Why) -> Error {
        match (why, self.store.known.server_backoff) {
            (Why::Server, Some(server)) => server.reason.error(),
            _ => Error::new(
                ErrorKind::Unavailable,
                "the server answered these credentials with an error that the record no longer has",
            ),
        }
    }

    /// The error of a call that a server backoff stops.
    pub(super) fn server_backoff_error(&self, server: ServerBackoff<Timestamp>, now: Now) -> Error {
        let error = self.store.known.cause(server.cause).map(Cause::error);
        error.unwrap_or_else(|| server.reason.error()).with_until(now.wall_at(server.until))
    }

    /// The error that a circuit has: that of the record, or that of this process.
    pub(super) fn cause_of(&self, why: Why, cause: Option<u8>) -> Option<Error> {
        let recorded = self.store.known.cause(cause).map(Cause::error);
        recorded.or_else(|| self.backoffs.get(why)?.error.clone())
    }

    /// Until when these credentials wait because they failed with several other options, and the cause of
    /// the last failure. Without this, a program whose options change with each start would send rejected
    /// credentials each time.
    fn other_options_until(&self, t: Timestamp) -> Option<(Timestamp, Option<u8>)> {
        let known = &self.store.known;
        let mut others: Vec<_> = known
            .circuits
            .iter()
            .chain(&known.entry_backoffs)
            .filter(|block| block.until > t)
            .filter(|block| {
                block.credentials == self.credentials || block.credentials == self.holder
            })
            .filter(|block| !block.concerns(block.credentials, self.options))
            .map(|block| (block.until, block.cause))
            .collect();
        others.sort_unstable();
        let at = others.len().checked_sub(MAX_OTHER_OPTIONS)?;
        others.get(at).copied()
    }

    /// The attempt failed, and the next one waits. A lease that still serves stays in use.
    pub(super) fn fail(&mut self, not_before: Timestamp, error: Error, t: Timestamp) -> Next {
        let jitter = self.draw();
        let until = self.backoffs.attempt_failed(error.clone(), not_before, |failures| {
            t.plus(backoff::attempt(failures, jitter))
        });
        self.stop(until, error, t)
    }

    /// Nothing may be sent until then. A lease that still serves stays in use.
    pub(super) fn stop(&mut self, until: Timestamp, error: Error, t: Timestamp) -> Next {
        self.backoffs.last_failure = Some(error.clone());
        self.delay_refresh(until);
        self.backoffs.set(Backoff::new(Why::Reported, until).with_error(error.clone()));
        let demand = self.demand_now(t);
        let refetch_only = self.flight.as_ref().is_some_and(|flight| flight.refetch_only);
        let serves = self.current.as_ref().is_some_and(|lease| self.may_serve(lease, &demand, t));
        self.complete(if serves && !refetch_only { Ok(()) } else { Err(error) })
    }

    /// No refresh of a lease that still serves is tried until then.
    pub(super) fn delay_refresh(&mut self, until: Timestamp) {
        self.backoffs.set(Backoff::new(Why::Refresh, until));
    }

    /// Whether the refresh of a lease that still serves waits.
    pub(super) fn is_refresh_delayed(&self, t: Timestamp) -> bool {
        self.refresh_delayed_until() > t
    }

    pub(super) fn refresh_delayed_until(&self) -> Timestamp {
        self.backoffs.until(Why::Refresh)
    }

    /// The server asked to wait, or failed: nobody sends it anything for this identity.
    pub(super) fn server_backoff(&mut self, reason: BackoffReason, error: &Error, now: Now) {
        let t = now.elapsed;
        let count =
            self.store.known.server_backoff.map_or(0, |server| server.count).saturating_add(1);
        let until = t.plus(backoff::server(count, error.retry_after(), self.draw()));
        let cause = Some(Cause::of(error));
        self.record_change(RecordChange::BackedOff { until, count, reason, cause }, t);
        self.events.push(Event::BackedOff(until));
        self.stop(until, error.clone().with_until(now.wall_at(until)), t);
    }

    /// The server's answer to these credentials could not be used.
    pub(super) fn entry_backoff(&mut self, error: &Error, now: Now) {
        let t = now.elapsed;
        let (credentials, options) = (self.holder, self.options);
        let known = self.store.known.entry_backoff(credentials, options);
        let count = known.map_or(0, |block| block.count).saturating_add(1);
        let until = t.plus(match error.kind() {
            ErrorKind::Config => backoff::PROBE,
            _ => backoff::entry(count),
        });
        let cause = Some(Cause::of(error));
        self.backoffs.set(Backoff { count, ..Backoff::new(Why::InvalidResponse, until) });
        let change = RecordChange::EntryBackedOff { credentials, options, until, count, cause };
        self.record_change(change, t);
        self.events.push(Event::BackedOff(until));
        self.stop(until, error.clone().with_until(now.wall_at(until)), t);
    }

    /// This process's own backoff of the entry, for a full record that has lost it.
    pub(super) fn own_entry_backoff(&self) -> Option<Block<Timestamp>> {
        let own = self.backoffs.get(Why::InvalidResponse)?;
        let (credentials, options) = (self.holder, self.options);
        Some(Block { credentials, options, until: own.until, count: own.count, cause: None })
    }
}
