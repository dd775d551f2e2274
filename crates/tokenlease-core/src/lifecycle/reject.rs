//! A rejected token: an API answered that it does not accept the token.
//!
//! The report is checked with the server first, because an API also answers 401 or 403 where a
//! permission is missing. Until then no caller gets the token. If the server can't be asked, the token
//! is replaced, and the client backs off before the next login that such a report causes.

use std::time::Duration;

use super::{CurrentLease, Lifecycle, event::Event, machine::Stage};
use crate::{
    backoff,
    time::{Moment as _, Now, Timestamp},
    token::{Token, TokenFingerprint},
};

/// After an active validation of a reported token, further reports do not replace it for this long.
const CONFIRMED_FOR: Duration = Duration::from_secs(60);
/// During that time the server is asked again at most this often.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// The result of [`Lifecycle::report_rejected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// The token is not the current one any more: ask for the current one and repeat the call.
    Outdated,
    /// The server is asked about the token before anyone is served. Ask for a token, and repeat the
    /// call only if another token comes.
    Suspected,
    /// The server called the token active a moment ago: the API's answer is about something else.
    StillActive,
}

/// An API rejected the token, and the server has not been asked since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspicion {
    pub(super) at: Timestamp,
    /// The server called the token active within the last minute: only an inactive validation
    /// counts now.
    pub(super) after_confirmation: bool,
}

impl CurrentLease {
    /// Whether an active validation ended a suspicion a moment ago.
    pub(super) fn is_confirmed(&self, t: Timestamp) -> bool {
        self.confirmed_at.is_some_and(|at| t.since(at) < CONFIRMED_FOR)
    }
}

impl Lifecycle {
    /// Reports that an API rejected the token. No caller gets it until the server was asked about it.
    pub fn report_rejected(&mut self, token: &Token, now: Now) -> Rejection {
        let t = now.elapsed;
        let fingerprint = TokenFingerprint::of(&self.key, token);
        let is_being_asked = self.flight.as_ref().is_some_and(|flight| {
            flight.validating == Some(fingerprint)
                && matches!(flight.stage, Stage::Validate | Stage::ValidateLocked)
        });
        // A caller past its deadline is served what a running flight has obtained.
        let obtained = self.flight.as_mut().and_then(|flight| flight.obtained.as_mut());
        let mut known = obtained.into_iter().chain(self.current.as_mut());
        let Some(lease) = known.find(|known| known.lease.fingerprint == fingerprint) else {
            return Rejection::Outdated;
        };
        let confirmed_at = lease.confirmed_at.filter(|_| lease.is_confirmed(t));
        if let Some(suspicion) = &mut lease.suspicion {
            // A validation that was sent before this report says nothing about it.
            if !is_being_asked {
                suspicion.at = t;
                suspicion.after_confirmation &= confirmed_at.is_some();
            }
            return Rejection::Suspected;
        }
        if let Some(confirmed_at) = confirmed_at {
            let last = lease.asked_again.filter(|at| *at > confirmed_at).unwrap_or(confirmed_at);
            if t.since(last) < ASK_AGAIN {
                return Rejection::StillActive;
            }
            lease.asked_again = Some(t);
        }
        let after_confirmation = confirmed_at.is_some();
        lease.suspicion = Some(Suspicion { at: t, after_confirmation });
        self.events.push(Event::Suspected(fingerprint));
        if after_confirmation { Rejection::StillActive } else { Rejection::Suspected }
    }

    /// Returns the rejection that was reported of that token, if it is the current one.
    pub(super) fn suspicion_of(&self, fingerprint: TokenFingerprint) -> Option<Suspicion> {
        // The optimizer would compare before it checks that there is one, which Valgrind reports in
        // programs that use the C library.
        let current = std::hint::black_box(self.current.as_ref())?;
        if current.lease.fingerprint == fingerprint { current.suspicion } else { None }
    }

    /// When the next login may be sent, if a rejection that the server did not confirm is its cause.
    pub(super) fn login_backoff_until(&self, t: Timestamp) -> Option<Timestamp> {
        let known = self.store.known.login_backoff(self.holder);
        let login_backoff = known.filter(|login_backoff| login_backoff.armed)?;
        let until = login_backoff.last?.plus(backoff::login(login_backoff.count));
        (until > t).then_some(until)
    }
}
