//! The login in a flight: a new token, the last resort.

use std::time::Duration;

use super::{
    Lifecycle, Next,
    effect::{Effect, EffectKind},
    event::Event,
};
use crate::{
    error::{Error, ErrorKind},
    lease::{Expiry, FirstSeen, Lease},
    provider::{Call, Granted, Life},
    record::{
        HistoryKind, HistoryResult,
        change::{Origin, RecordChange},
    },
    time::{Moment as _, Now, Timestamp},
    token::TokenFingerprint,
};

/// A token that is active for so long outlives most leaks of it.
const LONG_LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Lifecycle {
    /// The stage `Login`.
    pub(super) fn login(&mut self, now: Now) -> Next {
        let t = now.elapsed;
        if let Some(next) = self.lock_after_outage() {
            return next;
        }
        let without_store = self.flight.as_ref().is_some_and(|flight| flight.without_store);
        if let Some(error) = self.login_forbidden_by_store(t) {
            return self.fail(t, error, t);
        }
        if let Some(next) = self.before_sending(now) {
            return next;
        }
        if let Some(next) = self.login_delay(now) {
            return next;
        }
        if without_store {
            self.spend_outage_login(t);
        }
        self.note_send(HistoryKind::Login, t);
        Next::Do(Effect::Send(Call::Login), EffectKind::Login)
    }

    /// The server issued a token to a login sent at `sent`.
    pub(super) fn logged_in(&mut self, granted: &Granted, sent: Timestamp, t: Timestamp) {
        let fingerprint = TokenFingerprint::of(&self.key, &granted.token);
        let known = self.store.known.history(fingerprint).copied();
        let is_ended = known.is_some_and(|history| history.tombstone.is_some());
        let lift = known.is_some_and(|history| history.may_lift(sent));
        let count = self.spent_logins_in_a_row(t);
        if is_ended && !lift {
            self.login_spent(count, false, t);
            let (token, result) = (Some(fingerprint), HistoryResult::NoBetterToken);
            self.note_answer(EffectKind::Login, token, None, result, sent);
            let error = Error::new(
                ErrorKind::Unavailable,
                "the server answered the login with a token that is known to be inactive",
            );
            self.fail(t, error, t);
            return;
        }
        if lift {
            let then = self.sent_clocks.wall(sent);
            self.record_change(RecordChange::Lifted { fingerprint, sent, then }, t);
        }
        let stated = self.first_seen(granted, sent, t);
        let known = known.and_then(|history| history.first);
        let first = known.map_or(stated, |known| known.returned_again(stated));
        let token = granted.token.clone();
        let mut lease = Lease { token, fingerprint, first, validated_at: Some(sent), clocks: None };
        self.keep_clocks(&mut lease);
        let is_better = self.serves_better(&lease, known.is_some() && !lift, t);
        self.outage_login_succeeded(&lease, t);
        self.events.push(Event::LoggedIn(fingerprint));
        if let Expiry::Stated { end } = lease.expiry()
            && end.since(sent) >= LONG_LIFETIME
        {
            self.events.push(Event::LongLifetime(fingerprint, end.since(sent)));
        }
        let result = if is_better { HistoryResult::Token } else { HistoryResult::NoBetterToken };
        self.note_token(EffectKind::Login, &lease, result, sent);
        self.take_accepted(lease, Origin::Login, sent, t);
        if !is_better {
            self.login_spent(count, false, t);
        }
    }

    fn first_seen(&self, granted: &Granted, sent: Timestamp, t: Timestamp) -> FirstSeen<Timestamp> {
        let cap = self.policy.max_lifetime.map(|lifetime| sent.plus(lifetime));
        let expiry = match granted.life {
            Life::Stated(lifetime) => {
                let end = sent.plus(lifetime);
                if cap.unwrap_or(end).min(end) <= t {
                    // The answer took longer than the token lives for certain.
                    let expiry = Expiry::ExpiredOnArrival { received: t };
                    return FirstSeen { generation: 0, sent_at: sent, expiry };
                }
                match cap.filter(|cap| *cap < end) {
                    Some(end) => Expiry::Capped { end },
                    None => Expiry::Stated { end },
                }
            }
            Life::ExpiredOnArrival => Expiry::ExpiredOnArrival { received: t },
            Life::Unstated if !self.can.state_expiry => {
                let (validate_from_age, learned) = self.validate_from_age();
                Expiry::Assumed { validate_from_age, learned }
            }
            Life::Unstated => cap.map_or(Expiry::Unstated, |end| Expiry::Capped { end }),
        };
        FirstSeen { generation: 0, sent_at: sent, expiry }
    }
}
