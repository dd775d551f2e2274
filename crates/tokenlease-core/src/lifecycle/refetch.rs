//! The refetch (`WinKAS`): the server returns the running token, and no new token is issued.
//!
//! It is sent for three reasons: as the step of a flight before a login, to find a token whose login
//! answer was lost, and because a caller requests it.

use super::{
    Ask, Lifecycle, Next,
    effect::{Effect, EffectKind},
    event::Event,
    machine::Progress,
    reports::JobId,
};
use crate::{
    error::{Error, ErrorKind, Result},
    lease::{Expiry, FirstSeen, Lease},
    provider::{Call, Granted},
    record::{
        HistoryKind, HistoryResult,
        change::{Origin, RecordChange},
    },
    time::{Now, Timestamp},
    token::TokenFingerprint,
};

/// A refetch that a caller requested, before its flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestedRefetch {
    pub(super) id: JobId,
    pub(super) ask: Ask,
}

impl Lifecycle {
    /// Requests the server's running token, past what memory and store hold. The caller then asks as
    /// usual; [`take_report`](Self::take_report) says whether the server returned it.
    ///
    /// # Errors
    /// `Unsupported` if the provider has no such call.
    pub fn refetch_running(&mut self, ask: &Ask) -> Result<JobId> {
        if !self.can.refetch {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "this provider has no call that returns the running token",
            )
            .expected("WinKAS Air")
            .advice("ask for a token: the store has the one in use"));
        }
        let id = self.reports.start();
        self.refetch_requested = Some(RequestedRefetch { id, ask: *ask });
        self.add_demand(ask);
        Ok(id)
    }

    /// The stage `Refetch`.
    pub(super) fn refetch(&mut self, now: Now) -> Next {
        let t = now.elapsed;
        if let Some(next) = self.lock_after_outage() {
            return next;
        }
        if let Some(error) = self.refetch_forbidden_by_store(t) {
            return self.fail(t, error, t);
        }
        if let Some(next) = self.before_sending(now) {
            return next;
        }
        self.note_send(HistoryKind::Refetch, t);
        Next::Do(Effect::Send(Call::Refetch), EffectKind::Refetch)
    }

    /// The server returned a token to a refetch sent at `sent`.
    pub(super) fn refetched(&mut self, granted: &Granted, sent: Timestamp, t: Timestamp) {
        let fingerprint = TokenFingerprint::of(&self.key, &granted.token);
        let history = self.store.known.history(fingerprint).copied();
        let tombstone = history.and_then(|history| history.tombstone);
        let lift = history.is_some_and(|history| history.may_lift(sent));
        if tombstone.is_some() && !lift {
            self.note_unusable_token(fingerprint, t);
            self.no_token(t);
            return;
        }
        let first = history.and_then(|history| history.first).unwrap_or(FirstSeen {
            generation: 0,
            sent_at: sent,
            expiry: Expiry::Unknown,
        });
        let current = self.current.as_ref().map(|current| &current.lease);
        let current = current.filter(|lease| lease.fingerprint == fingerprint);
        let mut lease = Lease {
            token: granted.token.clone(),
            fingerprint,
            first,
            validated_at: current.and_then(|lease| lease.validated_at),
            clocks: None,
        };
        self.keep_clocks(&mut lease);
        if lease.has_expired(t) {
            // It is older than any token of the server gets, so it is no usable one.
            self.no_token(t);
            return;
        }
        self.events.push(Event::Refetched(fingerprint));
        if lift {
            let then = self.sent_clocks.wall(sent);
            self.record_change(RecordChange::Lifted { fingerprint, sent, then }, t);
        }
        let changes = self.learn_from_validation(&mut lease, sent);
        self.note_token(EffectKind::Refetch, &lease, HistoryResult::Token, sent);
        self.take_accepted(lease, Origin::Returned, sent, t);
        for change in changes {
            self.record_change(change, t);
        }
        let obtained = self.flight.as_mut().and_then(|flight| flight.obtained.as_mut());
        if lift && let Some(obtained) = obtained {
            obtained.confirmed_at = Some(t);
        }
    }

    /// The refetch returned no token that may be used.
    pub(super) fn no_token(&mut self, t: Timestamp) {
        if self.flight.as_ref().is_some_and(|flight| flight.refetch_only) {
            let error = Error::new(
                ErrorKind::TokenRejected,
                "the server has no active token for this user",
            )
            .advice("ask for a token: that logs in");
            self.complete(Err(error));
        } else if self.limited_to_one_send(t) {
            // The one permitted request is used. A wrong password gets the same answer as no token.
            let credentials = self.credentials;
            self.record_change(RecordChange::RejectedUnaccepted { credentials, at: t }, t);
            self.progress(Progress::ChooseAgain);
        } else {
            self.progress(Progress::TryLogin);
        }
    }
}
