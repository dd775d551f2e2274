//! Sources 3 and 4, the only ones that send credentials: refetch and login, what stops them, and
//! what their answers mean.

use std::time::Duration;

use super::{
    CurrentLease, Lifecycle, Next,
    effect::{Effect, EffectKind, OnStoreOutage},
    event::Event,
    flight::Stage,
};
use crate::{
    backoff,
    error::{Error, ErrorKind},
    expiry::{self, Standing},
    lease::{Expiry, First, Lease, Source},
    provider::{Answer, Call, Granted, Life},
    record::{
        BackoffReason, Block, ServerBackoff, TombstoneCause,
        change::{Gained, RecordChange},
    },
    time::{Moment as _, Now, Timestamp},
    token::TokenFingerprint,
};

/// Without a store, an login whose answer is lost is not repeated for that long.
const BUDGET: Duration = Duration::from_secs(60 * 60);
/// Refetches without a word before the next source.
const REFETCHES: u8 = 3;
/// Rejections of unproven credentials are counted that long.
const UNPROVEN_MEMORY: Duration = Duration::from_secs(15 * 60);
/// Unproven credentials that may be rejected in that time.
const MOST_UNPROVEN: usize = 2;

impl Lifecycle {
    pub(super) fn refetch(&mut self, now: Now) -> Next {
        match self.before_sending(now) {
            Some(go) => go,
            None => Next::Do(Effect::Send(Call::Refetch), EffectKind::Refetch),
        }
    }

    pub(super) fn login(&mut self, now: Now) -> Next {
        let t = now.elapsed;
        if self.flight.as_ref().is_some_and(|flight| flight.storeless)
            && let Some(error) = self.forbidden_without_store(t)
        {
            return self.fail(t, error, t);
        }
        if let Some(go) = self.before_sending(now) {
            return go;
        }
        if let Some(until) = self.spaced(t) {
            let error = Error::new(
                ErrorKind::TokenRejected,
                "APIs reject this identity's tokens and the provider has no word on them; new ones \
                 are asked for with growing space",
            )
            .with_until(now.wall_at(until))
            .advice("look at the permissions of the user, and whether another system logs in");
            return self.fail(until, error, t);
        }
        if self.flight.as_ref().is_some_and(|flight| flight.storeless) {
            // ExpiredOnArrival when it is sent; the answer says for how long.
            self.budget_until = t.plus(BUDGET);
        }
        Next::Do(Effect::Send(Call::Login), EffectKind::Login)
    }

    /// What stands between the flight and its next send of credentials.
    fn before_sending(&mut self, now: Now) -> Option<Next> {
        let t = now.elapsed;
        let flight = self.flight.as_ref()?;
        // The provider does not know of our lock: no request may outlive it.
        if let Some(end) = flight.lock_until
            && t.plus(self.policy.request_timeout) > end
        {
            return Some(Next::Do(Effect::Renew { life: self.policy.lock_ttl }, EffectKind::Renew));
        }
        if let Some(error) = self.circuit_open(now) {
            return Some(self.land(Err(error)));
        }
        let (until, error) = self.blocked(now)?;
        Some(self.stop(until, error, t))
    }

    /// Why nothing may be issued while the store is away.
    fn forbidden_without_store(&self, t: Timestamp) -> Option<Error> {
        if let Some(error) = &self.view.unreadable {
            return Some(error.clone());
        }
        let default = if self.can_refetch {
            OnStoreOutage::RefetchOnly
        } else {
            OnStoreOutage::LoginWithinBudget
        };
        let why = match self.policy.on_store_outage.unwrap_or(default) {
            OnStoreOutage::LoginWithinBudget if self.budget_until <= t => return None,
            OnStoreOutage::LoginWithinBudget => {
                "this process has spent the one new token that it may get meanwhile"
            }
            OnStoreOutage::RefetchOnly => "without it, only the running token may be asked for",
            OnStoreOutage::Fail => "without it, no token may be asked for",
        };
        let error = Error::new(ErrorKind::Store, format!("the store is away; {why}"))
            .advice("look at the store; all comes back by itself");
        Some(match &self.view.last_error {
            Some(source) => error.with_source(source.clone()),
            None => error,
        })
    }

    pub(super) fn granted(
        &mut self,
        what: EffectKind,
        granted: &Granted,
        sent: Timestamp,
        t: Timestamp,
    ) {
        match what {
            EffectKind::Login => self.logged_in(granted, sent, t),
            _ => self.refetched(granted, sent, t),
        }
    }

    fn logged_in(&mut self, granted: &Granted, sent: Timestamp, t: Timestamp) {
        let fingerprint = TokenFingerprint::of(&self.key, &granted.token);
        let known = self.view.known.fate(fingerprint).copied();
        if known.is_some_and(|fate| fate.tombstone.is_some()) {
            // It answers with a token that it, or we, ended: there is nothing to serve.
            let error = Error::new(
                ErrorKind::Unavailable,
                "the provider answered the login with a token that is known to be dead",
            );
            self.fail(t, error, t);
            return;
        }
        let first =
            known.and_then(|fate| fate.first).unwrap_or_else(|| self.first(granted, sent, t));
        let lease =
            Lease { token: granted.token.clone(), fingerprint, first, validated_at: Some(sent) };
        if self.budget_until > t {
            self.budget_until = lease.end().unwrap_or(Timestamp::MAX);
        }
        self.events.push(Event::LoggedIn(fingerprint));
        self.gain(lease, Gained::Login, sent, t);
    }

    fn first(&self, granted: &Granted, sent: Timestamp, t: Timestamp) -> First<Timestamp> {
        let cap = self.policy.max_lifetime.map(|life| sent.plus(life));
        let expiry = match granted.life {
            Life::Stated(life) => {
                let end = sent.plus(life);
                match cap.filter(|cap| *cap < end) {
                    Some(end) => Expiry::Capped { end },
                    None => Expiry::Stated { end },
                }
            }
            Life::ExpiredOnArrival => Expiry::ExpiredOnArrival { received: t },
            Life::Unstated if !self.states_ends => {
                let (validate_from_age, learned) = self.validate_from_age();
                Expiry::Assumed { validate_from_age, learned }
            }
            Life::Unstated => cap.map_or(Expiry::Unstated, |end| Expiry::Capped { end }),
        };
        First { generation: 0, sent_at: sent, expiry }
    }

    fn refetched(&mut self, granted: &Granted, sent: Timestamp, t: Timestamp) {
        let fingerprint = TokenFingerprint::of(&self.key, &granted.token);
        let fate = self.view.known.fate(fingerprint).copied();
        let tombstone = fate.and_then(|fate| fate.tombstone);
        let lift = tombstone.is_some_and(|tombstone| {
            tombstone.cause == TombstoneCause::Rejected
                && tombstone.at < sent
                && fate.is_some_and(|fate| fate.lifted.is_none())
        });
        if tombstone.is_some() && !lift {
            // Known dead counts as none.
            self.no_token(t);
            return;
        }
        let first = fate.and_then(|fate| fate.first).unwrap_or(First {
            generation: 0,
            sent_at: sent,
            expiry: Expiry::Unknown,
        });
        let validated_at = self.held.as_ref().filter(|held| held.lease.fingerprint == fingerprint);
        let validated_at = validated_at.and_then(|held| held.lease.validated_at);
        let mut lease = Lease { token: granted.token.clone(), fingerprint, first, validated_at };
        if lease.is_over(t) {
            // Older than any token gets: the last active one has ended since.
            self.no_token(t);
            return;
        }
        self.events.push(Event::Refetched(fingerprint));
        if lift {
            self.tell(RecordChange::Lifted { fingerprint, sent }, t);
        }
        let told = self.yes(&mut lease, sent, t);
        self.gain(lease, Gained::Returned, sent, t);
        for news in told {
            self.tell(news, t);
        }
        if lift && let Some(got) = self.flight.as_mut().and_then(|flight| flight.got.as_mut()) {
            got.confirmed_at = Some(t);
        }
    }

    /// The provider accepted the credentials and this lease came of it.
    fn gain(&mut self, lease: Lease<Timestamp>, how: Gained, sent: Timestamp, t: Timestamp) {
        let source = if how == Gained::Login { Source::Login } else { Source::Refetch };
        let was_shut = self.circuit_is_open();
        self.own_backoff = None;
        // What stood there when this was decided; what came meanwhile is not overwritten.
        let replacing = self.view.known.lease(self.credentials).map(|lease| lease.fingerprint);
        self.tell(RecordChange::Accepted { credentials: self.credentials, sent }, t);
        if was_shut {
            self.events.push(Event::CircuitClosed);
        }
        if !matches!(lease.expiry(), Expiry::ExpiredOnArrival { .. }) {
            let lease = lease.clone();
            self.tell(
                RecordChange::Leased { credentials: self.credentials, lease, replacing, how },
                t,
            );
        }
        let got = CurrentLease::new(lease, source, t);
        match &mut self.flight {
            Some(flight) => {
                flight.got = Some(got);
                self.land(Ok(()));
            }
            None => self.take(got, t),
        }
    }

    /// Refetch brought no token that may be used.
    pub(super) fn no_token(&mut self, t: Timestamp) {
        if self.flight.as_ref().is_some_and(|flight| flight.refetch_only) {
            let error = Error::new(
                ErrorKind::TokenRejected,
                "the provider holds no active token for this user",
            )
            .advice("ask for a token: a new one is issued then");
            self.land(Err(error));
        } else if self.limited_to_one_send(t) {
            // Its one send is spent; a rejection looks the same as none.
            self.tell(RecordChange::Unproven { credentials: self.credentials, at: t }, t);
            self.go(Stage::Choose);
        } else {
            self.go(Stage::Login);
        }
    }

    /// No answer, or one that says nothing.
    pub(super) fn inconclusive(
        &mut self,
        what: EffectKind,
        error: Error,
        sent: bool,
        t: Timestamp,
    ) {
        let jitter = self.draw();
        self.last_failure = Some(error.clone());
        let Some(flight) = &mut self.flight else { return };
        flight.not_sent = if sent { 0 } else { flight.not_sent.saturating_add(1) };
        match what {
            EffectKind::Refetch => {
                flight.tries = flight.tries.saturating_add(1);
                if flight.tries < REFETCHES {
                    let wait = Duration::from_secs(1 << (flight.tries - 1));
                    flight.pause_until =
                        t.plus(wait / 2 + wait.mul_f64(backoff::fraction(jitter)) / 2);
                } else if flight.not_sent >= REFETCHES || flight.refetch_only {
                    // The provider can't be reached at all: never an login.
                    self.fail(t, error, t);
                } else {
                    self.go(Stage::Login);
                }
            }
            _ if !sent => {
                self.budget_until = Timestamp::MIN;
                self.fail(t, error, t);
            }
            _ => {
                flight.lost_logins = flight.lost_logins.saturating_add(1);
                let again = flight.lost_logins < 2;
                self.events.push(Event::LoginLost);
                if again {
                    // Time passed: look again, then refetch or login.
                    let locked = flight.lock_until.is_some();
                    self.go(if locked { Stage::Inside } else { Stage::Choose });
                } else {
                    self.fail(t, error, t);
                }
            }
        }
    }

    /// The provider answered credentials with an error.
    pub(super) fn turned_down(&mut self, what: EffectKind, error: &Error, now: Now) {
        let t = now.elapsed;
        let server_error = error.kind() == ErrorKind::Unavailable
            && error.status().is_none_or(|status| status >= 500);
        match error.kind() {
            ErrorKind::CredentialsRejected => self.rejected(error, now),
            ErrorKind::Throttled => self.hold(BackoffReason::Throttled, error, now),
            _ if server_error && what == EffectKind::Refetch => {
                if error.retry_after().is_some() {
                    self.hold(BackoffReason::ServerError, error, now);
                } else {
                    self.inconclusive(what, error.clone(), true, t);
                }
            }
            _ if server_error => self.hold(BackoffReason::ServerError, error, now),
            kind => {
                if kind == ErrorKind::Config {
                    self.misconfigured = Some(error.clone());
                }
                let count =
                    self.view.known.entry_backoff(self.credentials).map_or(0, |hold| hold.count);
                let until = t.plus(backoff::entry(count.saturating_add(1)));
                let count = count.saturating_add(1);
                self.own_backoff = Some(Block { credentials: self.credentials, until, count });
                self.tell(
                    RecordChange::EntryBackedOff { credentials: self.credentials, until, count },
                    t,
                );
                self.events.push(Event::BackedOff(until));
                self.stop(until, error.clone().with_until(now.wall_at(until)), t);
            }
        }
    }

    fn rejected(&mut self, error: &Error, now: Now) {
        let t = now.elapsed;
        let count = self.view.known.circuit(self.credentials).map_or(0, |circuit| circuit.count);
        let count = count.saturating_add(1);
        let until = t.plus(backoff::circuit(count));
        if !self.view.known.was_accepted(self.credentials) {
            self.tell(RecordChange::Unproven { credentials: self.credentials, at: t }, t);
        }
        self.tell(RecordChange::Rejected { credentials: self.credentials, until, count }, t);
        self.events.push(Event::CircuitOpened(until));
        self.held = None;
        self.rejection = Some(error.clone());
        self.land(Err(error.clone().with_until(now.wall_at(until))));
    }

    pub(super) fn hold(&mut self, reason: BackoffReason, error: &Error, now: Now) {
        let t = now.elapsed;
        let count = self.view.known.hold.map_or(0, |hold| hold.count).saturating_add(1);
        let until = t.plus(backoff::server(count, error.retry_after(), self.draw()));
        self.tell(RecordChange::BackedOff(ServerBackoff { until, count, reason }), t);
        self.events.push(Event::BackedOff(until));
        self.stop(until, error.clone().with_until(now.wall_at(until)), t);
    }

    /// An answer that came after its receipt was given up still counts.
    pub(super) fn late_answer(
        &mut self,
        what: EffectKind,
        answer: Answer,
        sent: Timestamp,
        now: Now,
    ) {
        let t = now.elapsed;
        match answer {
            Answer::Token(granted) => {
                // A token that was asked for later is newer, and may have ended it.
                let newer =
                    |held: &CurrentLease| what == EffectKind::Login && held.lease.sent_at() < sent;
                let fresh = |held: &CurrentLease| {
                    held.doubt.is_none()
                        && !newer(held)
                        && matches!(
                            expiry::standing(&held.lease, t, self.rules),
                            Standing::Fresh { .. }
                        )
                };
                let got = self.flight.as_ref().and_then(|flight| flight.got.as_ref());
                let live = self.held.as_ref().is_some_and(fresh) || got.is_some_and(fresh);
                // A rejection that came since says more than a success that was asked for before it.
                if !live && !self.circuit_is_open() {
                    self.granted(what, &granted, sent, t);
                }
            }
            Answer::Failed(error) if error.kind() == ErrorKind::CredentialsRejected => {
                self.rejected(&error, now);
            }
            Answer::Failed(error) if error.kind() == ErrorKind::Throttled => {
                self.hold(BackoffReason::Throttled, &error, now);
            }
            _ => {}
        }
    }

    /// A credentials fingerprint that was never seen accepted, while another one such was rejected in the last quarter of
    /// an hour: where rejections can't be told from "none", it has one send.
    pub(super) fn limited_to_one_send(&self, t: Timestamp) -> bool {
        let flight = self.flight.as_ref();
        self.can_refetch
            && flight.is_some_and(|flight| !flight.storeless)
            && !self.view.known.was_accepted(self.credentials)
            && self.view.known.unproven.iter().any(|(credentials, at)| {
                *credentials != self.credentials && at.plus(UNPROVEN_MEMORY) > t
            })
    }

    pub(super) fn is_any_live(&self, t: Timestamp) -> bool {
        let known = &self.view.known;
        known.leases.iter().any(|entry| known.is_live(&entry.lease, t))
    }

    /// When unproven credentials may be sent again, if enough of them were rejected lately.
    pub(super) fn unproven_until(&self, t: Timestamp) -> Option<Timestamp> {
        if self.view.known.was_accepted(self.credentials) {
            return None;
        }
        let recent = self.unproven(t);
        let at = recent.len().checked_sub(MOST_UNPROVEN)?;
        recent.get(at).map(|at| at.plus(UNPROVEN_MEMORY))
    }

    fn unproven(&self, t: Timestamp) -> Vec<Timestamp> {
        let mut recent: Vec<_> = self.view.known.unproven.iter().map(|(_, at)| *at).collect();
        recent.retain(|at| at.plus(UNPROVEN_MEMORY) > t);
        recent.sort_unstable();
        recent
    }

    /// When the next login may go out, if a rejection without a validation is its cause.
    fn spaced(&self, t: Timestamp) -> Option<Timestamp> {
        let login_backoff = self
            .view
            .known
            .login_backoff(self.credentials)
            .filter(|login_backoff| login_backoff.armed)?;
        let until = login_backoff.last?.plus(backoff::login(login_backoff.count));
        (until > t).then_some(until)
    }
}
