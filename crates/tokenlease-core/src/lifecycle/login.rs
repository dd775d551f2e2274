//! The login in a flight: a new token, the last resort.

use super::{
    Lifecycle, Next,
    effect::{Effect, EffectKind},
    event::Event,
};
use crate::{
    error::{Error, ErrorKind},
    lease::{Expiry, FirstSeen, Lease},
    provider::{Call, Granted, Life},
    record::change::Origin,
    time::{Moment as _, Now, Timestamp},
    token::TokenFingerprint,
};

impl Lifecycle {
    /// The stage `Login`.
    pub(super) fn login(&mut self, now: Now) -> Next {
        let t = now.elapsed;
        let without_store = self.flight.as_ref().is_some_and(|flight| flight.without_store);
        if without_store && let Some(error) = self.login_forbidden_by_outage(t) {
            return self.fail(t, error, t);
        }
        if let Some(next) = self.before_sending(now) {
            return next;
        }
        if let Some(until) = self.login_backoff_until(t) {
            let error = Error::new(
                ErrorKind::TokenRejected,
                "APIs reject the tokens of this identity, and the server cannot confirm that they \
                 are inactive; the client backs off before the next login",
            )
            .with_until(now.wall_at(until))
            .advice("check the user's permissions, and whether another system logs in");
            return self.fail(until, error, t);
        }
        if without_store {
            self.spend_outage_login(t);
        }
        Next::Do(Effect::Send(Call::Login), EffectKind::Login)
    }

    /// The server issued a token to a login sent at `sent`.
    pub(super) fn logged_in(&mut self, granted: &Granted, sent: Timestamp, t: Timestamp) {
        let fingerprint = TokenFingerprint::of(&self.key, &granted.token);
        let known = self.store.known.history(fingerprint).copied();
        if known.is_some_and(|history| history.tombstone.is_some()) {
            let error = Error::new(
                ErrorKind::Unavailable,
                "the server answered the login with a token that is known to be inactive",
            );
            self.fail(t, error, t);
            return;
        }
        let first = known.and_then(|history| history.first);
        let first = first.unwrap_or_else(|| self.first_seen(granted, sent, t));
        let token = granted.token.clone();
        let lease = Lease { token, fingerprint, first, validated_at: Some(sent) };
        self.outage_login_succeeded(&lease, t);
        self.events.push(Event::LoggedIn(fingerprint));
        self.take_accepted(lease, Origin::Login, sent, t);
    }

    fn first_seen(&self, granted: &Granted, sent: Timestamp, t: Timestamp) -> FirstSeen<Timestamp> {
        let cap = self.policy.max_lifetime.map(|lifetime| sent.plus(lifetime));
        let expiry = match granted.life {
            Life::Stated(lifetime) => {
                let end = sent.plus(lifetime);
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
