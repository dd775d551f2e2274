//! The caller's side: who is served which lease, who is rejected, and who has to wait.

use std::time::Duration;

use super::{
    CurrentLease, Lifecycle, Suspicion,
    effect::{Ask, OnStoreOutage},
    event::Event,
    flight::PATIENCE,
};
use crate::{
    error::{Error, ErrorKind, Result},
    expiry::{self, Standing},
    lease::{Expiry, First, Lease, Source},
    record::{
        TombstoneCause,
        change::{Gained, RecordChange},
    },
    time::{Moment as _, Now, Timestamp},
    token::{Token, TokenFingerprint},
};

/// After a yes to a doubt, further rejections are not about the token for that long.
const CONFIRMED_FOR: Duration = Duration::from_secs(60);
/// … but it is asked about again, at most once in this time.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// The machine's answer to a caller.
#[derive(Debug)]
#[must_use]
pub enum Reply {
    /// The lease to use.
    Lease(Served),
    /// There is none, and waiting until the deadline would not change that.
    Error(Error),
    /// Drive the machine, and ask again with the same [`Ask`].
    Later,
}

/// A lease that was served, and why.
#[derive(Clone, Debug)]
pub struct Served {
    /// The lease.
    pub lease: Lease<Timestamp>,
    /// Where it came from.
    pub source: Source,
}

/// A lease that may be served to anyone without asking the machine.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The lease.
    pub lease: Lease<Timestamp>,
    /// Until when.
    pub until: Timestamp,
}

/// What became of a claim that an API rejected a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// The token is not the one in use any more: ask for that and call again.
    Outdated,
    /// The provider is asked about the token before anyone is served: ask, and call again only if
    /// another token comes.
    Suspected,
    /// The provider called the token active a moment ago: the rejection is about something else.
    StillActive,
}

/// What a lease is to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Serve,
    /// Served, and to be refreshed.
    Refresh,
    /// The provider must be asked first.
    Ask,
    /// Another is needed.
    Replace,
}

impl Lifecycle {
    /// Answers a caller from what is known, or takes its demand: then the machine is to be driven
    /// until [`completions`](Self::completions) grows, and asked again with the same `ask`. At its
    /// deadline a caller asks once more and is answered in any case.
    pub fn ask(&mut self, ask: &Ask, now: Now) -> Reply {
        let t = now.elapsed;
        let late = t >= ask.deadline;
        if t < self.view.next_look {
            let waiting = self.flight.as_ref().is_some_and(|flight| !flight.refreshing);
            // What was learned is saved before anyone is answered by it.
            let untold = self.flight.is_some() && self.view.has_news(t);
            if (!untold || late)
                && let Some(error) = self.circuit_open(now)
            {
                return Reply::Error(error);
            }
            if (!waiting || late)
                && let Some(reply) = self.serve(ask, late, t)
            {
                return reply;
            }
            if !waiting
                && let Some((until, error)) = self.blocked(now)
                // What waiting does not change is told at once.
                && (until >= ask.deadline
                    || (error.kind() == ErrorKind::Store && self.is_store_required(t)))
            {
                return Reply::Error(error);
            }
        }
        if late {
            let error = match &self.last_failure {
                Some(failure) => {
                    let detail = format!("no token came in time; what failed last: {failure}");
                    Error::new(ErrorKind::DeadlineExceeded, detail).with_source(failure.clone())
                }
                None => Error::new(ErrorKind::DeadlineExceeded, "no token came in time")
                    .expected("an answer before the caller's deadline"),
            };
            return Reply::Error(
                error.advice("look at the provider and the store, or wait longer"),
            );
        }
        self.want(ask);
        Reply::Later
    }

    /// A lease that may be served to all callers until a moment, for a cache in front of the
    /// machine; `None` if each must ask.
    pub fn ready(&self, now: Now) -> Option<Ready> {
        let t = now.elapsed;
        let held = self.held.as_ref()?;
        if self.circuit_is_open() || held.doubt.is_some() {
            return None;
        }
        let until = match expiry::standing(&held.lease, t, self.rules) {
            Standing::Fresh { until } => until,
            Standing::Window { until } => until.min(self.next_refresh),
            Standing::Validate { .. } | Standing::Over => return None,
        };
        let until = until.min(self.view.next_look);
        (until > t).then(|| Ready { lease: held.lease.clone(), until })
    }

    /// An API rejected the token. It is served to nobody until the provider was asked about it.
    pub fn report_rejected(&mut self, token: &Token, now: Now) -> Rejection {
        let t = now.elapsed;
        let fingerprint = TokenFingerprint::of(&self.key, token);
        // What a flight brought was served already to who could wait no longer.
        let got = self.flight.as_mut().and_then(|flight| flight.got.as_mut());
        let mut known = got.into_iter().chain(self.held.as_mut());
        let Some(held) = known.find(|held| held.lease.fingerprint == fingerprint) else {
            return Rejection::Outdated;
        };
        if held.doubt.is_some() {
            return Rejection::Suspected;
        }
        let recently =
            held.confirmed_at.filter(|confirmed_at| t.since(*confirmed_at) < CONFIRMED_FOR);
        if let Some(confirmed_at) = recently {
            let last = held.asked_again.filter(|at| *at > confirmed_at).unwrap_or(confirmed_at);
            if t.since(last) < ASK_AGAIN {
                return Rejection::StillActive;
            }
            held.asked_again = Some(t);
        }
        held.doubt = Some(Suspicion { at: t, soft: recently.is_some() });
        self.events.push(Event::Suspected(fingerprint));
        if recently.is_some() { Rejection::StillActive } else { Rejection::Suspected }
    }

    /// Takes a token that was made elsewhere. It serves this entry, and is told to siblings only
    /// if they have seen this credentials fingerprint accepted.
    pub fn adopt(&mut self, token: Token, end: Option<Timestamp>, now: Now) -> Result<()> {
        let t = now.elapsed;
        let fingerprint = TokenFingerprint::of(&self.key, &token);
        let tombstone = self.view.known.tombstone(fingerprint).map(|tombstone| tombstone.cause);
        let stranger = self.foreign_dead.contains(&fingerprint).then_some(TombstoneCause::Inactive);
        if let Some(cause) = tombstone.or(stranger) {
            return Err(Error::new(
                ErrorKind::TokenRejected,
                format!("the token {fingerprint} is known to be dead ({cause:?})"),
            )
            .advice("adopt another, or ask for one"));
        }
        if end.is_some_and(|end| end <= t) {
            return Err(Error::new(ErrorKind::Config, "the end of the adopted token is over")
                .expected("an end in the future"));
        }
        let expiry = match end {
            Some(end) => Expiry::Stated { end },
            None if self.states_ends => Expiry::Unstated,
            None => Expiry::Unknown,
        };
        let generation = self.view.known.generation.saturating_add(1);
        let first = self.view.known.fate(fingerprint).and_then(|fate| fate.first);
        let first = first.unwrap_or(First { generation, sent_at: t, expiry });
        let lease = Lease { token, fingerprint, first, validated_at: None };
        let foreign = !self.view.known.was_accepted(self.credentials);
        if !foreign {
            let replacing = self.view.known.lease(self.credentials).map(|lease| lease.fingerprint);
            let (credentials, lease) = (self.credentials, lease.clone());
            self.tell(
                RecordChange::Leased { credentials, lease, replacing, how: Gained::Returned },
                t,
            );
        }
        self.held = Some(CurrentLease { foreign, ..CurrentLease::new(lease, Source::Adopted, t) });
        Ok(())
    }

    /// The lease in hand, whether it may be served or not.
    pub fn held(&self) -> Option<(&Lease<Timestamp>, Source)> {
        self.held.as_ref().map(|held| (&held.lease, held.source))
    }

    /// Where the lease in hand stands, for people.
    pub fn explain(&self, now: Now) -> String {
        let t = now.elapsed;
        if let Some(error) = self.circuit_open(now) {
            return error.to_string();
        }
        let Some(held) = &self.held else {
            return match self.blocked(now) {
                Some((_, error)) => format!("no lease; {error}"),
                None => "no lease; the next caller gets one".into(),
            };
        };
        let lease = &held.lease;
        let end = match lease.expiry() {
            Expiry::Stated { end } => format!("ends {} by the server's word", now.wall_at(end)),
            Expiry::Capped { end } => format!("ends {} by our own policy", now.wall_at(end)),
            Expiry::Assumed { validate_from_age, learned } => format!(
                "is asked about from {} on, which is {}",
                now.wall_at(lease.sent_at().plus(validate_from_age)),
                if learned { "learned" } else { "the agreement's life" }
            ),
            Expiry::Unknown => "has an unknown end and is asked about every 10 minutes".into(),
            Expiry::Unstated => "has no stated end and is used until it is rejected".into(),
            Expiry::ExpiredOnArrival { .. } => "was over when it came".into(),
        };
        let standing = match expiry::standing(lease, t, self.rules) {
            _ if held.doubt.is_some() => "an API rejected it and the provider is to be asked",
            Standing::Fresh { .. } => "it is served",
            Standing::Window { .. } => "it is served, and being refreshed",
            Standing::Validate { .. } => "the provider is to be asked before it is served",
            Standing::Over => "it is over",
        };
        format!(
            "token {} (number {} of this identity) came from source {} at {}, {end}; {standing}",
            lease.fingerprint(),
            lease.generation(),
            held.source.as_str(),
            now.wall_at(held.since),
        )
    }

    /// Takes a caller's demand.
    pub(super) fn want(&mut self, ask: &Ask) {
        let demand = self.demand.get_or_insert(*ask);
        demand.asked = demand.asked.max(ask.asked);
        demand.deadline = demand.deadline.max(ask.deadline);
        demand.min_remaining = demand.min_remaining.max(ask.min_remaining);
    }

    fn serve(&mut self, ask: &Ask, late: bool, t: Timestamp) -> Option<Reply> {
        if self.circuit_is_open() {
            return None;
        }
        let got = self.flight.as_ref().and_then(|flight| flight.got.as_ref()).filter(|_| late);
        let held = got.or(self.held.as_ref())?;
        // A wish for a longer life is given up rather than the lease that stands.
        let ask = &Ask { min_remaining: ask.min_remaining.filter(|_| !late), ..*ask };
        let fit = self.fit(held, ask, t);
        if !matches!(fit, Fit::Serve | Fit::Refresh) {
            return None;
        }
        // Who waited for the flight hears where the lease came from; who comes later, memory.
        let source = if ask.asked <= held.since { held.source } else { Source::Memory };
        let lease = held.lease.clone();
        if fit == Fit::Refresh && self.flight.is_none() {
            self.want(&Ask { deadline: t.plus(PATIENCE), ..*ask });
        }
        Some(Reply::Lease(Served { lease, source }))
    }

    /// What a lease is to a caller at a moment, were there no circuit.
    pub(super) fn fit(&self, held: &CurrentLease, ask: &Ask, t: Timestamp) -> Fit {
        let lease = &held.lease;
        if held.doubt.is_some() {
            // What is over anyway is nothing to ask about.
            let over = expiry::standing(lease, t, self.rules) == Standing::Over;
            return if over { Fit::Replace } else { Fit::Ask };
        }
        let asked_since = lease.validated_at.is_some_and(|yes| yes >= ask.asked);
        let try_now = t >= self.next_refresh;
        match expiry::standing(lease, t, self.rules) {
            Standing::Fresh { .. } => match (ask.min_remaining, lease.expiry()) {
                (Some(wish), Expiry::Stated { end } | Expiry::Capped { end }) => {
                    let wish = wish.min(end.since(lease.sent_at()) / 2);
                    // Half a life at most: the lease that comes of it has that left.
                    if end.since(t) < wish && try_now { Fit::Replace } else { Fit::Serve }
                }
                (Some(_), Expiry::Assumed { .. } | Expiry::Unknown)
                    if self.can_validate && !asked_since && try_now =>
                {
                    Fit::Ask
                }
                _ => Fit::Serve,
            },
            Standing::Window { .. } if try_now => Fit::Refresh,
            Standing::Window { .. } => Fit::Serve,
            Standing::Validate { strict: true } if asked_since => Fit::Serve,
            Standing::Validate { .. } => Fit::Ask,
            Standing::Over => match lease.expiry() {
                Expiry::ExpiredOnArrival { received } if ask.asked <= received => Fit::Serve,
                _ => Fit::Replace,
            },
        }
    }

    /// Whether the lease may be served to that caller, refreshed or not.
    pub(super) fn may_serve(&self, held: &CurrentLease, ask: &Ask, t: Timestamp) -> bool {
        !self.circuit_is_open() && matches!(self.fit(held, ask, t), Fit::Serve | Fit::Refresh)
    }

    /// Whether the provider rejected these credentials and nothing has closed the circuit since.
    pub(super) fn circuit_is_open(&self) -> bool {
        self.view.known.circuit(self.credentials).is_some()
    }

    /// The error of an open circuit.
    pub(super) fn circuit_open(&self, now: Now) -> Option<Error> {
        let circuit = self.view.known.circuit(self.credentials)?;
        (circuit.until > now.elapsed).then(|| {
            let error = self.rejection.clone().unwrap_or_else(|| {
                Error::new(
                    ErrorKind::CredentialsRejected,
                    "the provider rejected these credentials; they are not sent again for now",
                )
            });
            error
                .with_until(now.wall_at(circuit.until))
                .advice("mend them, or have the account unlocked and `unblock`")
        })
    }

    /// Until when nothing is sent, and why: holds, and rests after failures.
    pub(super) fn blocked(&self, now: Now) -> Option<(Timestamp, Error)> {
        let t = now.elapsed;
        if let Some(error) = &self.misconfigured {
            return Some((Timestamp::MAX, error.clone()));
        }
        let until = self.blocked_until(t)?;
        let known = &self.view.known;
        if let Some(rest) = self.rest.as_ref().filter(|rest| rest.until >= until) {
            return Some((until, rest.error.clone().with_until(now.wall_at(until))));
        }
        // Translated into the store's time and back, a hold ends a little later.
        let ours = |stop: &&super::Backoff| stop.until.plus(Duration::from_secs(2)) >= until;
        if let Some(stop) = self.stopped.as_ref().filter(ours) {
            return Some((until, stop.error.clone().with_until(now.wall_at(until))));
        }
        let (kind, why) = if known.hold.is_some_and(|hold| hold.until >= until) {
            let reason =
                known.hold.map_or("the provider asked to wait", |hold| hold.reason.words());
            (ErrorKind::Throttled, reason)
        } else if known.entry_backoff(self.credentials).is_some_and(|hold| hold.until >= until) {
            (
                ErrorKind::Unavailable,
                "the provider's last answer to these credentials could not be made use of",
            )
        } else {
            (
                ErrorKind::Throttled,
                "two other credentials of this user were rejected within 15 minutes; these wait, \
                 so that the account is not locked",
            )
        };
        Some((until, Error::new(kind, why).with_until(now.wall_at(until))))
    }

    /// Whether the store stands in the way until a person mends it, or the policy says so.
    fn is_store_required(&self, t: Timestamp) -> bool {
        let fail = self.policy.on_store_outage == Some(OnStoreOutage::Fail);
        self.view.unreadable.is_some() || (fail && self.view.is_away(t))
    }

    pub(super) fn blocked_until(&self, t: Timestamp) -> Option<Timestamp> {
        let known = &self.view.known;
        [
            self.misconfigured.as_ref().map(|_| Timestamp::MAX),
            self.rest.as_ref().map(|rest| rest.until),
            known.hold.map(|hold| hold.until),
            known.entry_backoff(self.credentials).map(|hold| hold.until),
            self.unproven_until(t),
        ]
        .into_iter()
        .flatten()
        .filter(|until| *until > t)
        .max()
    }
}
