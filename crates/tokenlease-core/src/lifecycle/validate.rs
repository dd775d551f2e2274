//! The provider's word on a token: yes, no, or no word, and what is learned from it.

use std::time::Duration;

use super::{
    Lifecycle, Next,
    effect::{Effect, EffectKind},
    event::Event,
    flight::Stage,
};
use crate::{
    error::{Error, ErrorKind},
    expiry::STRICT,
    lease::{Expiry, Lease, WINKAS_MAX_LIFETIME, WINKAS_USUAL_LIFETIME},
    provider::{Answer, Call},
    record::{BackoffReason, Tombstone, TombstoneCause, change::RecordChange},
    time::{Moment as _, Now, Timestamp},
    token::TokenFingerprint,
};

/// A learned age is written when it grew by this much.
const LEARNED_STEP: Duration = Duration::from_secs(10 * 60);
/// A learned age lies that much before the ages at which tokens died.
const BEFORE_DEATH: Duration = Duration::from_secs(30);

/// Tokens that a process remembers to have known_dead.
const MAX_KNOWN_DEAD: usize = 16;

impl Lifecycle {
    /// Asks the provider about the lease in hand.
    pub(super) fn verify(&mut self, inside: bool, now: Now) -> Next {
        let t = now.elapsed;
        let Some(held) = &self.held else {
            return self.go(if inside { Stage::Choose } else { Stage::Lock });
        };
        if !self.can_validate {
            self.validation_inconclusive(None, now);
            return Next::On;
        }
        // Only what asks to wait holds a question; a failing login says nothing of it.
        if let Some(hold) = self.view.known.hold
            && hold.reason == BackoffReason::Throttled
            && hold.until > t
        {
            let error = Error::new(ErrorKind::Throttled, BackoffReason::Throttled.words())
                .with_until(now.wall_at(hold.until));
            return self.stop(hold.until, error, t);
        }
        let (token, fingerprint) = (held.lease.token.clone(), held.lease.fingerprint);
        if let Some(flight) = &mut self.flight {
            flight.asked_about = Some(fingerprint);
        }
        Next::Do(Effect::Send(Call::Validate(token)), EffectKind::Validate)
    }

    /// The provider answered a question of the flight.
    pub(super) fn validation(&mut self, answer: Answer, sent: Timestamp, now: Now) {
        let t = now.elapsed;
        let about = self.flight.as_ref().and_then(|flight| flight.asked_about);
        let in_hand = self.held.as_ref().map(|held| held.lease.fingerprint) == about;
        match answer {
            Answer::Active => {
                if let Some(mut held) = self.held.take() {
                    if in_hand {
                        self.confirm(&mut held, sent, t);
                    }
                    self.held = Some(held);
                }
                self.land(Ok(()));
            }
            Answer::Inactive => {
                match about {
                    // Another took its place meanwhile, or it was forgotten: the no stands.
                    Some(fingerprint) if !in_hand => {
                        self.bury(fingerprint, TombstoneCause::Inactive, t, t);
                    }
                    _ => self.found_dead(sent, t),
                }
                self.after_verify();
            }
            Answer::Failed(error) if error.kind() == ErrorKind::Throttled => {
                self.hold(BackoffReason::Throttled, &error, now);
            }
            Answer::Failed(error) => self.validation_inconclusive(Some(error), now),
            Answer::Token(_) | Answer::NoToken(_) | Answer::Revoked => {
                self.validation_inconclusive(None, now)
            }
        }
    }

    /// No word: once more; then a doubt is a rejection, and an assumed end goes to the next source.
    pub(super) fn validation_inconclusive(&mut self, error: Option<Error>, now: Now) {
        let t = now.elapsed;
        let (Some(flight), Some(held)) = (&mut self.flight, &mut self.held) else { return };
        flight.tries = flight.tries.saturating_add(1);
        match held.doubt {
            Some(doubt) if doubt.soft => {
                // The yes of a minute ago stands.
                held.doubt = None;
                self.land(Ok(()));
            }
            Some(doubt) => {
                let fingerprint = held.lease.fingerprint;
                self.set_out();
                self.bury(fingerprint, TombstoneCause::Rejected, doubt.at, t);
                self.after_verify();
            }
            None if flight.tries < 2 && error.is_some() => {}
            None => {
                // Before E a validation was only wished for: the lease stands.
                let served = matches!(
                    crate::expiry::standing(&held.lease, t, self.rules),
                    crate::expiry::Standing::Fresh { .. }
                );
                if served {
                    let error = error.unwrap_or_else(|| {
                        Error::new(ErrorKind::Unsupported, "the provider gives no validations")
                    });
                    self.fail(t, error, t);
                } else {
                    self.set_out();
                    self.after_verify();
                }
            }
        }
    }

    fn after_verify(&mut self) {
        let Some(flight) = &mut self.flight else { return };
        let inside = matches!(flight.stage, Stage::Validate { inside: true });
        flight.validated_inside |= inside;
        self.go(if inside { Stage::Choose } else { Stage::Lock });
    }

    /// A yes on the lease in hand, asked for at `sent`.
    pub(super) fn confirm(
        &mut self,
        held: &mut super::CurrentLease,
        sent: Timestamp,
        t: Timestamp,
    ) {
        self.events.push(Event::Validated(held.lease.fingerprint));
        let news = self.yes(&mut held.lease, sent, t);
        if held.doubt.is_some_and(|doubt| doubt.at <= sent) {
            held.doubt = None;
            held.confirmed_at = Some(t);
        }
        for news in news {
            self.tell(news, t);
        }
    }

    /// What an active validation teaches. Returns what siblings are told of it.
    pub(super) fn yes(
        &mut self,
        lease: &mut Lease<Timestamp>,
        sent: Timestamp,
        _t: Timestamp,
    ) -> Vec<RecordChange<Timestamp>> {
        lease.validated_at = lease.validated_at.max(Some(sent));
        let mut news = vec![RecordChange::Yes { fingerprint: lease.fingerprint, sent }];
        if let Expiry::Assumed { validate_from_age, .. } = lease.expiry() {
            let (base, age) = (self.base(), sent.since(lease.sent_at()));
            if age >= base && self.view.known.young_death.is_some() {
                news.push(RecordChange::YoungDeath(None));
            }
            let known = self.view.known.learned;
            if age > validate_from_age.saturating_add(STRICT)
                && age > known.unwrap_or(base)
                && age.saturating_sub(known.unwrap_or(base)) >= LEARNED_STEP
            {
                news.push(RecordChange::Learned(Some(age)));
            }
        }
        news
    }

    /// A no on the lease in hand, asked for at `sent`.
    pub(super) fn found_dead(&mut self, sent: Timestamp, t: Timestamp) {
        let Some(held) = self.held.take() else { return };
        let lease = held.lease;
        if let Some(flight) = &mut self.flight {
            flight.replacing = flight.replacing.or(Some(lease.fingerprint));
        }
        self.bury(lease.fingerprint, TombstoneCause::Inactive, t, t);
        for news in self.learn_from_death(&lease, sent) {
            self.tell(news, t);
        }
    }

    /// A token is not used any more.
    pub(super) fn bury(
        &mut self,
        fingerprint: TokenFingerprint,
        cause: TombstoneCause,
        at: Timestamp,
        t: Timestamp,
    ) {
        if self.held.as_ref().is_some_and(|held| held.lease.fingerprint == fingerprint) {
            self.held = None;
        }
        if let Some(flight) = &mut self.flight {
            flight.got = flight.got.take().filter(|got| got.lease.fingerprint != fingerprint);
        }
        self.events.push(match cause {
            TombstoneCause::Rejected => Event::Rejected(fingerprint),
            TombstoneCause::Inactive => Event::Inactive(fingerprint),
            TombstoneCause::Revoked => Event::Revoked(fingerprint),
        });
        self.remember_dead(fingerprint, t);
        let tombstone = Tombstone { cause, at };
        self.tell(RecordChange::Died { credentials: self.credentials, fingerprint, tombstone }, t);
    }

    /// Whatever a store falls back to, this process uses the token no more without a later yes.
    pub(super) fn remember_dead(&mut self, fingerprint: TokenFingerprint, at: Timestamp) {
        self.known_dead.retain(|(known, _)| *known != fingerprint);
        self.known_dead.push((fingerprint, at));
        let many = self.known_dead.len().saturating_sub(MAX_KNOWN_DEAD);
        self.known_dead.drain(..many);
    }

    /// The lease in hand gives way to another. If it was in doubt, that is not forgotten.
    pub(super) fn put_down(&mut self, t: Timestamp) {
        if let Some(held) = self.held.take()
            && held.doubt.is_some_and(|doubt| !doubt.soft)
        {
            self.remember_dead(held.lease.fingerprint, t);
        }
    }

    /// What the age at a death teaches. A life longer than the base is learned from its last yes,
    /// and unlearned by a death before that age; two young deaths in a row lower the age, so that
    /// the strict minute after it lies around the death.
    fn learn_from_death(
        &self,
        lease: &Lease<Timestamp>,
        sent: Timestamp,
    ) -> Vec<RecordChange<Timestamp>> {
        let Expiry::Assumed { validate_from_age, .. } = lease.expiry() else { return Vec::new() };
        let (base, age) = (self.base(), sent.since(lease.sent_at()));
        let mut news = Vec::new();
        let mut learned = self.view.known.learned;
        let seen = lease.validated_at.unwrap_or_else(|| lease.sent_at()).since(lease.sent_at());
        if seen > validate_from_age.saturating_add(STRICT) && seen > learned.unwrap_or(base) {
            learned = Some(seen);
            news.push(RecordChange::Learned(learned));
        }
        if learned.is_some_and(|learned| learned > base && (base..learned).contains(&age)) {
            news.push(RecordChange::Learned(None));
            news.push(RecordChange::YoungDeath(None));
        } else if age < base {
            if let Some((young, other)) = self.view.known.young_death
                && other != lease.fingerprint
            {
                let lower = young.min(age).saturating_sub(BEFORE_DEATH);
                if learned.is_none_or(|learned| lower < learned) {
                    news.push(RecordChange::Learned(Some(lower)));
                }
            }
            news.push(RecordChange::YoungDeath(Some((age, lease.fingerprint))));
        } else {
            news.push(RecordChange::YoungDeath(None));
        }
        news
    }

    /// The age at which tokens whose end nobody states are asked about: what was learned, else
    /// what the caller stated, else the provider's rule.
    pub(super) fn validate_from_age(&self) -> (Duration, bool) {
        let base = self.base();
        let age = self.view.known.learned.unwrap_or(base);
        (age.min(WINKAS_MAX_LIFETIME), age != base)
    }

    pub(super) fn base(&self) -> Duration {
        self.policy.agreed_lifetime.unwrap_or(WINKAS_USUAL_LIFETIME)
    }
}
