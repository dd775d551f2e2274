//! Backoffs: why nothing is tried now, until when, and for whom.
//!
//! | why | scope | kept in | at its end |
//! | --- | --- | --- | --- |
//! | `FailedAttempt` | process | memory | the process may try; a success ends it earlier |
//! | `Refresh` | process | memory | the process may refresh |
//! | `Configuration` | process | memory | never: `unblock` ends it |
//! | `OutageLogin` | process | memory | the process may log in without the store |
//! | `Reported` | process | memory | nothing: it never blocks, it explains a backoff of the record |
//! | `InvalidResponse` | entry | record; memory if the record is full | all may try; a success ends it earlier |
//! | `Circuit` | entry | record | one process probes; only a success or `unblock` ends it |
//! | `Server` | identity | record | all may try |
//! | `RejectedElsewhere` | identity | record | all may try |
//!
//! The lengths of all waits are the functions of [`crate::backoff`].

use std::time::Duration;

use super::{Lifecycle, Next, event::Event};
use crate::{
    backoff,
    error::{Error, ErrorKind},
    record::{BackoffReason, Block, ServerBackoff, change::RecordChange},
    time::{Moment as _, Now, Timestamp},
};

/// A backoff in the record ends up to this much later than its writer meant, because its time is
/// translated to the store's clock and back.
const CLOCK_SLACK: Duration = Duration::from_secs(2);

/// Why something is not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The last attempt failed without an answer that says more.
    FailedAttempt,
    /// The last refresh of a lease that still serves failed, or another process is at it.
    Refresh,
    /// The server called the request itself wrong: trying again would not help.
    Configuration,
    /// The login that this process may send during a store outage was sent.
    OutageLogin,
    /// The error that callers were given last.
    Reported,
    /// The server's answer to these credentials could not be used.
    InvalidResponse,
    /// The server rejected these credentials.
    Circuit,
    /// The server asked to wait, or failed.
    Server,
    /// Too many other credentials of this identity were rejected lately.
    RejectedElsewhere,
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
            Why::FailedAttempt
            | Why::Refresh
            | Why::Configuration
            | Why::OutageLogin
            | Why::Reported => Scope::Process,
            Why::InvalidResponse | Why::Circuit => Scope::Entry,
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

    pub(super) fn clear(&mut self, why: Why) {
        self.list.retain(|backoff| backoff.why != why);
    }

    /// The server accepted the credentials.
    pub(super) fn clear_entry(&mut self) {
        self.list.retain(|backoff| backoff.scope != Scope::Entry);
    }

    /// A person says that the credentials are right.
    pub(super) fn unblock(&mut self) {
        self.failures = 0;
        self.clear_entry();
        self.list.retain(|backoff| {
            !matches!(backoff.why, Why::FailedAttempt | Why::Refresh | Why::Configuration)
        });
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
        let server = known.server_backoff.map(|server| {
            let error = Error::new(ErrorKind::Throttled, server.reason.description());
            Backoff::new(Why::Server, server.until).with_error(error)
        });
        let response = known.entry_backoff(self.credentials).map(|block| {
            let error = Error::new(
                ErrorKind::Unavailable,
                "the server's last answer to these credentials could not be used",
            );
            Backoff::new(Why::InvalidResponse, block.until).with_error(error)
        });
        let elsewhere = self.rejected_elsewhere_until(t).map(|until| {
            let error = Error::new(
                ErrorKind::Throttled,
                "the server rejected two other credentials of this user within 15 minutes; these \
                 credentials wait, so that the account is not locked",
            );
            Backoff::new(Why::RejectedElsewhere, until).with_error(error)
        });
        let own =
            [Why::Configuration, Why::FailedAttempt].map(|why| self.backoffs.get(why).cloned());
        own.into_iter().chain([server, response, elsewhere]).flatten()
    }

    /// Until when no credentials are sent.
    pub(super) fn backed_off_until(&self, t: Timestamp) -> Option<Timestamp> {
        self.backoffs(t).filter(|backoff| backoff.blocks(t)).map(|backoff| backoff.until).max()
    }

    /// Until when no credentials are sent, and the error for callers.
    pub(super) fn backed_off(&self, now: Now) -> Option<(Timestamp, Error)> {
        let t = now.elapsed;
        let until = self.backed_off_until(t)?;
        // The record keeps no error. The last error of this process explains the backoff better.
        let reported = self.backoffs.get(Why::Reported).cloned();
        let reported = reported.filter(|own| own.until.plus(CLOCK_SLACK) >= until);
        let longest = |backoff: &Backoff| backoff.until >= until;
        let own = self.backoffs(t).filter(|backoff| backoff.scope == Scope::Process).find(longest);
        let backoff = own.or(reported).or_else(|| self.backoffs(t).find(longest))?;
        let error = backoff.error?;
        Some((
            until,
            if backoff.why == Why::Configuration {
                error
            } else {
                error.with_until(now.wall_at(until))
            },
        ))
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
        self.record_change(RecordChange::BackedOff(ServerBackoff { until, count, reason }), t);
        self.events.push(Event::BackedOff(until));
        self.stop(until, error.clone().with_until(now.wall_at(until)), t);
    }

    /// The server's answer to these credentials could not be used.
    pub(super) fn entry_backoff(&mut self, error: &Error, now: Now) {
        let t = now.elapsed;
        if error.kind() == ErrorKind::Config {
            let backoff = Backoff::new(Why::Configuration, Timestamp::MAX);
            self.backoffs.set(backoff.with_error(error.clone()));
        }
        let credentials = self.credentials;
        let count = self.store.known.entry_backoff(credentials).map_or(0, |block| block.count);
        let count = count.saturating_add(1);
        let until = t.plus(backoff::entry(count));
        self.backoffs.set(Backoff { count, ..Backoff::new(Why::InvalidResponse, until) });
        self.record_change(RecordChange::EntryBackedOff { credentials, until, count }, t);
        self.events.push(Event::BackedOff(until));
        self.stop(until, error.clone().with_until(now.wall_at(until)), t);
    }

    /// This process's own backoff of the entry, for a full record that has lost it.
    pub(super) fn own_entry_backoff(&self) -> Option<Block<Timestamp>> {
        let own = self.backoffs.get(Why::InvalidResponse)?;
        Some(Block { credentials: self.credentials, until: own.until, count: own.count })
    }
}
