//! The circuit: rejected credentials are not sent again, by any process, until a probe is due.
//!
//! The server rejects the credentials of an entry: the circuit opens for an hour, then two, up to a
//! day. At the end of that time one process probes the credentials, and the circuit closes when the
//! server accepts them, or with [`Lifecycle::unblock`]. Each entry, that is each pair of identity and
//! credentials, has a separate circuit, so a wrong password never blocks the right one. Options that
//! take part in a login are also distinguished: a corrected option is tried at once. After the rejection
//! with 4 sets of options, the next set waits, because the server may count rejections against the
//! account.
//!
//! The server's answer is kept in the record as the circuit's cause, so that all processes report the
//! same error.
//!
//! Credentials that were never accepted are limited further, because the server may count wrong
//! passwords against the account: two rejections within 15 minutes make all other such credentials
//! of the identity wait.

use std::time::Duration;

use super::{
    CurrentLease, Lifecycle,
    backoff::{Backoff, Why},
    event::Event,
};
use crate::{
    backoff,
    error::{Error, ErrorKind},
    lease::Source,
    record::{cause::Cause, change::RecordChange, merge::rejected_at},
    time::{Moment as _, Now, Timestamp},
};

/// How long the rejection of credentials that were never accepted is counted.
const REJECTION_MEMORY: Duration = Duration::from_secs(15 * 60);
/// Two times of a record may be translated with errors that differ by this much.
const CLOCK_SLACK: Duration = Duration::from_secs(2);
/// How many such rejections may happen in that time.
const MAX_REJECTIONS: usize = 2;

impl Lifecycle {
    /// Whether the circuit is open or due for its probe: the server rejected these credentials and has
    /// not accepted them since. Nothing is served until then.
    pub(super) fn circuit_is_open(&self) -> bool {
        self.store.known.circuit(self.credentials, self.options).is_some()
    }

    /// Whether the server rejected these credentials after `sent`, and has not accepted them since.
    pub(super) fn was_rejected_since(&self, sent: Timestamp) -> bool {
        let circuit = self.store.known.circuit(self.credentials, self.options);
        circuit.is_some_and(|circuit| rejected_at(circuit.until, circuit.count) > sent)
    }

    /// A store that was restored from a backup has a circuit that ended before: the server accepted these
    /// credentials later, when this process got the current lease.
    pub(super) fn close_earlier_circuit(&mut self, t: Timestamp) {
        let (credentials, options) = (self.credentials, self.options);
        let circuit = self.store.known.circuit(credentials, options);
        let opened = circuit.map(|circuit| rejected_at(circuit.until, circuit.count));
        let is_own =
            |current: &&CurrentLease| matches!(current.source, Source::Login | Source::Refetch);
        let current = self.current.as_ref().filter(is_own);
        if let (Some(opened), Some(current)) = (opened, current)
            && !self.has_subject()
            && opened.plus(CLOCK_SLACK) < self.requested_at(&current.lease)
        {
            let sent = current.lease.sent_at();
            self.record_change(RecordChange::Accepted { credentials, options, sent }, t);
        }
    }

    /// The error of an open circuit that stops serving, until its probe is due.
    pub(super) fn circuit_error(&self, now: Now) -> Option<Error> {
        let circuit = self.store.known.circuit(self.credentials, self.options)?;
        let blocks = Backoff::new(Why::Circuit, circuit.until).blocks(now.elapsed);
        let stops = blocks && !self.has_subject();
        stops.then(|| self.error_of_circuit(circuit.cause).with_until(now.wall_at(circuit.until)))
    }

    /// The error of a circuit with that cause.
    pub(super) fn error_of_circuit(&self, cause: Option<u8>) -> Error {
        self.cause_of(Why::Circuit, cause).unwrap_or_else(|| {
            Error::new(
                ErrorKind::CredentialsRejected,
                "the server rejected these credentials; they are not sent again for now",
            )
            .advice("correct them, or have the account unlocked, and call `unblock`")
        })
    }

    /// The server rejected the credentials: opens the circuit.
    pub(super) fn credentials_rejected(&mut self, error: &Error, now: Now) {
        let t = now.elapsed;
        let (credentials, options) = (self.credentials, self.options);
        let known = &self.store.known;
        let count = known.circuit(credentials, options).map_or(0, |circuit| circuit.count);
        let count = count.saturating_add(1);
        let until = t.plus(backoff::circuit(count));
        if !known.was_accepted(credentials) {
            self.record_change(RecordChange::RejectedUnaccepted { credentials, at: t }, t);
        }
        let cause = Some(Cause::of(error));
        let change = RecordChange::Rejected { credentials, options, until, count, cause };
        self.record_change(change, t);
        self.note_rejected_credentials(t);
        self.events.push(Event::CircuitOpened(until));
        self.backoffs.set(Backoff::new(Why::Circuit, until).with_error(error.clone()));
        let error = error.clone().with_until(now.wall_at(until));
        if self.has_subject() {
            self.stop(until, error, t);
        } else {
            self.current = None;
            self.complete(Err(error));
        }
    }

    /// Whether these credentials may be sent once only: they were never accepted, and other such
    /// credentials were rejected in the last 15 minutes. At WinKAS a refetch gets the same answer for a
    /// wrong password as for no token, so such credentials get one request and not two.
    pub(super) fn limited_to_one_send(&self, t: Timestamp) -> bool {
        let known = &self.store.known;
        self.can.refetch
            && self.flight.as_ref().is_some_and(|flight| !flight.without_store)
            && !known.was_accepted(self.credentials)
            && known.rejected_unaccepted.iter().any(|(credentials, at)| {
                *credentials != self.credentials && at.plus(REJECTION_MEMORY) > t
            })
    }

    /// When credentials that were never accepted may be sent again, if enough others were rejected
    /// lately.
    pub(super) fn rejected_elsewhere_until(&self, t: Timestamp) -> Option<Timestamp> {
        let known = &self.store.known;
        if known.was_accepted(self.credentials) {
            return None;
        }
        let mut recent: Vec<_> = known.rejected_unaccepted.iter().map(|(_, at)| *at).collect();
        recent.retain(|at| at.plus(REJECTION_MEMORY) > t);
        recent.sort_unstable();
        let at = recent.len().checked_sub(MAX_REJECTIONS)?;
        recent.get(at).map(|at| at.plus(REJECTION_MEMORY))
    }

    /// Allows the credentials to be sent again, because a person corrected them or had the account
    /// unlocked: the circuit and the backoffs of this entry end. The next caller's flight sends them.
    pub fn unblock(&mut self, now: Now) {
        if self.circuit_is_open() {
            self.events.push(Event::CircuitClosed);
        }
        self.backoffs.unblock();
        let change = RecordChange::Unblocked { credentials: self.credentials, at: now.elapsed };
        self.record_change(change, now.elapsed);
        self.unblock_subject(now);
    }
}
