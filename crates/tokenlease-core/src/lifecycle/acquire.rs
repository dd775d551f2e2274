//! The common part of refetch and login: when credentials may be sent, and the meaning of the
//! server's answers.

use std::time::Duration;

use super::{
    CurrentLease, Lifecycle, Next,
    backoff::Why,
    effect::{Effect, EffectKind},
    event::Event,
    machine::Progress,
};
use crate::{
    backoff,
    error::{Error, ErrorKind},
    expiry::Freshness,
    lease::{Expiry, Lease, Source},
    provider::{Answer, Granted},
    record::{
        BackoffReason,
        change::{Origin, RecordChange},
    },
    time::{Moment as _, Now, Timestamp},
};

/// Credentials are sent only by a record that was read within this time.
const RECORD_AGE: Duration = Duration::from_secs(1);
/// How many refetches may be inconclusive before a login.
const MAX_REFETCHES: u8 = 3;

impl Lifecycle {
    /// The step that the flight takes instead of sending credentials, if there is one.
    pub(super) fn before_sending(&mut self, now: Now) -> Option<Next> {
        let t = now.elapsed;
        let flight = self.flight.as_ref()?;
        if self.policy.store && !self.store.is_in_outage() && self.store.age(t) > RECORD_AGE {
            // Another process may have saved an answer that arrived late.
            return Some(Next::Do(Effect::Load, EffectKind::Load));
        }
        // The server does not know of our lock: no request may outlast it.
        if let Some(end) = flight.locked_until
            && t.plus(self.policy.request_timeout) > end
        {
            return Some(Next::Do(Effect::Renew { ttl: self.policy.lock_ttl }, EffectKind::Renew));
        }
        // Another process, or a caller, may have brought a token since the flight decided to send this.
        if self.peer_serves(t) {
            return Some(self.complete(Ok(())));
        }
        if self.must_validate_locked(t) {
            return Some(self.progress(Progress::ChooseAgain));
        }
        if let Some(error) = self.circuit_error(now) {
            return Some(self.complete(Err(error)));
        }
        let (until, error) = self.backed_off(now)?;
        Some(self.stop(until, error, t))
    }

    /// The server granted a token to a request sent at `sent`.
    pub(super) fn granted(
        &mut self,
        kind: EffectKind,
        granted: &Granted,
        sent: Timestamp,
        t: Timestamp,
    ) {
        match kind {
            EffectKind::Login => self.logged_in(granted, sent, t),
            _ => self.refetched(granted, sent, t),
        }
    }

    /// The server accepted the credentials, and this lease is the result.
    pub(super) fn take_accepted(
        &mut self,
        lease: Lease<Timestamp>,
        origin: Origin,
        sent: Timestamp,
        t: Timestamp,
    ) {
        let source = if origin == Origin::Login { Source::Login } else { Source::Refetch };
        let (credentials, holder, options) = (self.credentials, self.holder, self.options);
        let circuit_was_open = self.circuit_is_open();
        self.backoffs.clear_entry();
        // The lease that was stored when this was decided. A later one is not overwritten.
        let stored = self.store.known.lease(holder);
        let replacing = stored.map(|lease| lease.fingerprint);
        self.record_change(RecordChange::Accepted { credentials, options, sent }, t);
        if circuit_was_open {
            self.events.push(Event::CircuitClosed);
        }
        if !matches!(lease.expiry(), Expiry::ExpiredOnArrival { .. }) {
            let lease = lease.clone();
            let leased =
                RecordChange::Leased { credentials: holder, options, lease, replacing, origin };
            self.record_change(leased, t);
        }
        let mut obtained = CurrentLease::new(lease, source, t);
        // A rejection that was reported after this request was sent is not settled by it.
        let suspicion = self.suspicion_of(obtained.lease.fingerprint);
        obtained.suspicion = suspicion.filter(|suspicion| suspicion.at >= sent);
        match &mut self.flight {
            Some(flight) => {
                flight.obtained = Some(obtained);
                self.complete(Ok(()));
            }
            None => self.take(obtained, t),
        }
    }

    /// A request brought no answer, or an answer that says nothing. `sent`: it may have reached the
    /// server.
    pub(super) fn inconclusive(
        &mut self,
        kind: EffectKind,
        error: Error,
        sent: bool,
        t: Timestamp,
    ) {
        let jitter = self.draw();
        self.backoffs.last_failure = Some(error.clone());
        let Some(flight) = &mut self.flight else { return };
        flight.not_sent = if sent { 0 } else { flight.not_sent.saturating_add(1) };
        match kind {
            EffectKind::Refetch => {
                flight.tries = flight.tries.saturating_add(1);
                if flight.tries < MAX_REFETCHES {
                    let wait = Duration::from_secs(1 << (flight.tries - 1));
                    let wait = wait / 2 + wait.mul_f64(backoff::fraction(jitter)) / 2;
                    flight.pause_until = t.plus(wait);
                } else if flight.not_sent >= MAX_REFETCHES || flight.refetch_only {
                    // The server can't be reached at all: a login would not reach it either.
                    self.fail(t, error, t);
                } else {
                    self.progress(Progress::TryLogin);
                }
            }
            _ if !sent => {
                self.backoffs.clear(Why::OutageLogin);
                self.fail(t, error, t);
            }
            _ => {
                self.events.push(Event::LoginLost);
                self.note_lost_login();
                let count = self.spent_logins_in_a_row(t);
                self.login_spent(count, true, t);
                let wait = backoff::spent(count.saturating_add(1), true);
                // A refetch may find the token before that.
                let until = if self.can.refetch { t } else { t.plus(wait) };
                self.fail(until, error, t);
            }
        }
    }

    /// The server answered a request with credentials with an error.
    pub(super) fn answered_with_error(&mut self, kind: EffectKind, error: &Error, now: Now) {
        let t = now.elapsed;
        let is_server_error = error.kind() == ErrorKind::Unavailable
            && error.status().is_none_or(|status| status >= 500);
        match error.kind() {
            ErrorKind::CredentialsRejected => self.credentials_rejected(error, now),
            ErrorKind::Throttled => self.server_backoff(BackoffReason::Throttled, error, now),
            _ if is_server_error && kind == EffectKind::Refetch => {
                if error.retry_after().is_some() {
                    self.server_backoff(BackoffReason::ServerError, error, now);
                } else {
                    self.inconclusive(kind, error.clone(), true, t);
                }
            }
            _ if is_server_error => self.server_backoff(BackoffReason::ServerError, error, now),
            _ => self.entry_backoff(error, now),
        }
    }

    /// An answer arrived after its receipt was given up. It still counts, unless the flight or
    /// another process has a better lease by now.
    pub(super) fn late_answer(
        &mut self,
        kind: EffectKind,
        answer: Answer,
        sent: Timestamp,
        now: Now,
    ) {
        let t = now.elapsed;
        match answer {
            Answer::Token(granted) => {
                let is_better = |current: &CurrentLease| {
                    let freshness = self.freshness(current, t);
                    current.suspicion.is_none()
                        && match kind {
                            // The token that was requested later is newer, and may have ended the
                            // older one.
                            EffectKind::Login if current.lease.sent_at() < sent => false,
                            EffectKind::Login => freshness != Freshness::Expired,
                            _ => matches!(freshness, Freshness::Fresh { .. }),
                        }
                };
                let obtained = self.flight.as_ref().and_then(|flight| flight.obtained.as_ref());
                let has_better =
                    self.current.as_ref().is_some_and(is_better) || obtained.is_some_and(is_better);
                // A rejection of the credentials since then says more than this success.
                if !has_better && !self.was_rejected_since(sent) {
                    self.granted(kind, &granted, sent, t);
                }
            }
            Answer::Failed(error) if error.kind() == ErrorKind::CredentialsRejected => {
                self.credentials_rejected(&error, now);
            }
            Answer::Failed(error) if error.kind() == ErrorKind::Throttled => {
                self.server_backoff(BackoffReason::Throttled, &error, now);
            }
            _ => {}
        }
    }
}
