//! Validation of the current lease in a flight: the server is asked whether the token is active.
//!
//! The answer is active, inactive or inconclusive, as of the time the request was sent.
//!
//! A server may be unable to tell: a proxy that removes the token, a path of another API, or an
//! introspection that shows a token to its audience alone. So "inactive" about a token that the server
//! issued a moment ago is not believed, and counts as inconclusive, until the server has called a token
//! active. A validation whose path and client are fixed is believed at once.
//!
//! The process remembers the active answer in memory: path and client are its own options, so the answers
//! to other processes say nothing about them. Of the token itself, the record tells whether any process
//! saw it active.

use std::time::Duration;

use super::{
    CurrentLease, Lifecycle, Next,
    effect::{Effect, EffectKind},
    event::Event,
    machine::Progress,
};
use crate::{
    error::{Error, ErrorKind},
    expiry::Freshness,
    provider::{Answer, Call},
    record::{BackoffReason, HistoryResult, TombstoneCause},
    time::{Moment as _, Now, Timestamp},
    token::TokenFingerprint,
};

/// How often a validation is sent whose answer is inconclusive.
const TRIES: u8 = 2;
/// The server is asked again about a token that the clocks make doubtful after this time.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// A token was issued a moment ago for this time.
const NEW_FOR: Duration = Duration::from_secs(10 * 60);

/// Returns the error of a validation that called a new token inactive, and is not believed.
pub(super) fn not_believed() -> Error {
    Error::new(
        ErrorKind::InvalidResponse,
        "the server calls a token inactive that it issued less than 10 minutes ago, and it has called \
         none active so far; this is not believed, and the token stays in use",
    )
    .advice(
        "check the introspection or userinfo path, and whether the server shows the token to this client \
         (its audience)",
    )
}

impl Lifecycle {
    /// The stages `Validate` and `ValidateLocked`.
    pub(super) fn validate_current(&mut self, now: Now) -> Next {
        let t = now.elapsed;
        let Some(current) = &self.current else { return self.progress(Progress::DoesNotServe) };
        if !self.can.validate {
            self.validation_inconclusive(None, now);
            return Next::Again;
        }
        // Only throttling keeps a validation back; a failing login says nothing about it.
        if let Some(server) = self.store.known.server_backoff
            && server.reason == BackoffReason::Throttled
            && server.until > t
        {
            let error = self.server_backoff_error(server, now);
            return self.stop(server.until, error, t);
        }
        let (token, fingerprint) = (current.lease.token.clone(), current.lease.fingerprint);
        if let Some(flight) = &mut self.flight {
            flight.validating = Some(fingerprint);
        }
        Next::Do(Effect::Send(Call::Validate(token)), EffectKind::Validate)
    }

    /// The server answered a validation of the flight that was sent at `sent`.
    pub(super) fn validated(&mut self, answer: Answer, sent: Timestamp, now: Now) {
        let t = now.elapsed;
        let asked = self.flight.as_ref().and_then(|flight| flight.validating);
        let is_current = self.current.as_ref().map(|current| current.lease.fingerprint) == asked;
        match answer {
            Answer::Active => {
                self.validation_has_worked = true;
                if is_current {
                    self.confirm_current(sent, t);
                }
                self.complete(Ok(()));
            }
            Answer::Inactive if asked.is_some_and(|asked| !self.is_believed(asked, sent)) => {
                if is_current {
                    self.validation_inconclusive(Some(not_believed()), now);
                } else {
                    self.current_does_not_serve();
                }
            }
            Answer::Inactive => {
                match asked {
                    // Another lease replaced it meanwhile, or it was forgotten: it is inactive all the
                    // same.
                    Some(fingerprint) if !is_current => {
                        self.record_end(fingerprint, TombstoneCause::Inactive, t, t);
                    }
                    _ => self.current_is_inactive(sent, t),
                }
                self.current_does_not_serve();
            }
            Answer::Failed(error) if error.kind() == ErrorKind::Throttled => {
                self.server_backoff(BackoffReason::Throttled, &error, now);
            }
            Answer::Failed(error) => self.validation_inconclusive(Some(error), now),
            Answer::Token(_) | Answer::NoToken(_) | Answer::Revoked | Answer::NotRevoked(_) => {
                self.validation_inconclusive(None, now);
            }
        }
    }

    /// The validation is inconclusive: it is sent once more. Then a suspected token is replaced, and
    /// a token past its assumed expiry is refetched.
    pub(super) fn validation_inconclusive(&mut self, error: Option<Error>, now: Now) {
        let t = now.elapsed;
        let doubts_clocks = self.doubts_clocks(t);
        let freshness = self.current.as_ref().map(|current| self.freshness(current, t));
        let (Some(flight), Some(current)) = (&mut self.flight, &mut self.current) else { return };
        flight.tries = flight.tries.saturating_add(1);
        match current.suspicion {
            Some(suspicion) if suspicion.after_confirmation && current.is_confirmed(t) => {
                // The last active validation counts.
                current.suspicion = None;
                self.complete(Ok(()));
            }
            Some(suspicion) => {
                let fingerprint = current.lease.fingerprint;
                self.remember_replaced();
                self.record_end(fingerprint, TombstoneCause::Rejected, suspicion.at, t);
                self.current_does_not_serve();
            }
            None if flight.tries < TRIES && error.is_some() => {}
            None => {
                // Before the assumed expiry a validation is only preferred: the lease still serves.
                if doubts_clocks {
                    // Clocks that have parted prove nothing.
                    current.unasked_until = Some(t.plus(ASK_AGAIN));
                    self.complete(Ok(()));
                } else if matches!(freshness, Some(Freshness::Fresh { .. })) {
                    let error = error.unwrap_or_else(|| {
                        Error::new(ErrorKind::Unsupported, "the server does not validate tokens")
                    });
                    self.fail(t, error, t);
                } else {
                    self.remember_replaced();
                    self.current_does_not_serve();
                }
            }
        }
    }

    /// Whether it is believed that a token is inactive, as the server answered a request sent at `sent`.
    pub(super) fn is_believed(&self, fingerprint: TokenFingerprint, sent: Timestamp) -> bool {
        let known = &self.store.known;
        if self.validation_has_worked
            || !self.can.configures_validation
            || known.tombstone(fingerprint).is_some()
        {
            return true;
        }
        let current = self.current.as_ref().map(|current| &current.lease);
        let leases = current.into_iter().chain(known.leases.iter().map(|entry| &entry.lease));
        let mut same = leases.filter(|lease| lease.fingerprint == fingerprint);
        // The login itself counts as a validation; a later one means that the server called it active.
        !same.any(|lease| {
            let age = sent.since(lease.sent_at()).saturating_add(self.stopped_for(lease));
            lease.validated_at == Some(lease.sent_at()) && age < NEW_FOR
        })
    }

    fn current_does_not_serve(&mut self) {
        use super::machine::Stage;
        if let Some(flight) = &mut self.flight
            && flight.stage == Stage::ValidateLocked
        {
            flight.validated_under_lock = flight.validating;
        }
        self.progress(Progress::DoesNotServe);
    }

    /// The server called the current token active, in answer to a request sent at `sent`.
    pub(super) fn confirm_current(&mut self, sent: Timestamp, t: Timestamp) {
        let Some(mut current) = self.current.take() else { return };
        self.confirm(&mut current, sent, t);
        self.current = Some(current);
    }

    fn confirm(&mut self, current: &mut CurrentLease, sent: Timestamp, t: Timestamp) {
        self.events.push(Event::Validated(current.lease.fingerprint));
        let changes = self.learn_from_validation(&mut current.lease, sent);
        if let Some(suspicion) = current.suspicion.filter(|suspicion| suspicion.at <= sent) {
            current.suspicion = None;
            current.confirmed_at = Some(t);
            let (token, at) = (current.lease.fingerprint, suspicion.at);
            self.note_rejected_token(token, HistoryResult::StillActive, at);
        }
        for change in changes {
            self.record_change(change, t);
        }
    }

    /// The server called a token inactive, this entry's or any other, in answer to a request sent at
    /// `sent`.
    pub(super) fn is_inactive(
        &mut self,
        fingerprint: TokenFingerprint,
        sent: Timestamp,
        t: Timestamp,
    ) {
        if !self.is_believed(fingerprint, sent) {
            return;
        }
        if self.is_current(fingerprint) {
            self.current_is_inactive(sent, t);
        } else if self.store.known.history(fingerprint).is_some() {
            self.record_end(fingerprint, TombstoneCause::Inactive, t, t);
        } else {
            // Not recorded: it could push out the tombstone of a token that other processes use.
            self.remember_ended(fingerprint, Some(TombstoneCause::Inactive), t);
        }
    }

    pub(super) fn is_current(&self, fingerprint: TokenFingerprint) -> bool {
        self.current.as_ref().is_some_and(|current| current.lease.fingerprint == fingerprint)
    }

    /// The server called the current token inactive, in answer to a request sent at `sent`.
    pub(super) fn current_is_inactive(&mut self, sent: Timestamp, t: Timestamp) {
        let Some(current) = self.current.take() else { return };
        let lease = current.lease;
        if let Some(suspicion) = current.suspicion {
            let (token, at) = (lease.fingerprint, suspicion.at);
            self.note_rejected_token(token, HistoryResult::Inactive, at);
        }
        if let Some(flight) = &mut self.flight {
            flight.replacing = flight.replacing.or(Some(lease.fingerprint));
        }
        self.record_end(lease.fingerprint, TombstoneCause::Inactive, t, t);
        for change in self.learn_from_end(&lease, sent) {
            self.record_change(change, t);
        }
    }
}
