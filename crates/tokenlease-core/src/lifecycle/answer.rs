//! The caller's side: who is served which lease, who is refused, and who has to wait.

use std::time::Duration;

use super::{
    Doubt, Held, Lifecycle,
    effect::{Ask, WhenStoreAway},
    event::Event,
    flight::PATIENCE,
};
use crate::{
    error::{Error, ErrorKind, Result},
    expiry::{self, Standing},
    lease::{Expiry, First, Lease, Rung},
    record::{
        Death,
        news::{Gained, News},
    },
    time::{Moment as _, Now, Timestamp},
    token::{Fingerprint, Token},
};

/// After a yes to a doubt, further refusals are not about the token for that long.
const ABSOLVED: Duration = Duration::from_secs(60);
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
    pub rung: Rung,
}

/// A lease that may be served to anyone without asking the machine.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The lease.
    pub lease: Lease<Timestamp>,
    /// Until when.
    pub until: Timestamp,
}

/// What became of a claim that an API refused a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The token is not the one in use any more: ask for that and call again.
    Outdated,
    /// The vendor is asked about the token before anyone is served: ask, and call again only if
    /// another token comes.
    Doubted,
    /// The vendor called the token active a moment ago: the refusal is about something else.
    StillActive,
}

/// What a lease is to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Serve,
    /// Served, and to be refreshed.
    Refresh,
    /// The vendor must be asked first.
    Ask,
    /// Another is needed.
    Replace,
}

impl Lifecycle {
    /// Answers a caller from what is known, or takes its demand: then the machine is to be driven
    /// until [`landings`](Self::landings) grows, and asked again with the same `ask`. At its
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
                    Error::new(ErrorKind::Deadline, detail).with_source(failure.clone())
                }
                None => Error::new(ErrorKind::Deadline, "no token came in time")
                    .expected("an answer before the caller's deadline"),
            };
            return Reply::Error(error.advice("look at the vendor and the store, or wait longer"));
        }
        self.want(ask);
        Reply::Later
    }

    /// A lease that may be served to all callers until a moment, for a cache in front of the
    /// machine; `None` if each must ask.
    pub fn ready(&self, now: Now) -> Option<Ready> {
        let t = now.elapsed;
        let held = self.held.as_ref()?;
        if self.is_shut() || held.doubt.is_some() {
            return None;
        }
        let until = match expiry::standing(&held.lease, t, self.rules) {
            Standing::Fresh { until } => until,
            Standing::Window { until } => until.min(self.next_refresh),
            Standing::Verify { .. } | Standing::Over => return None,
        };
        let until = until.min(self.view.next_look);
        (until > t).then(|| Ready { lease: held.lease.clone(), until })
    }

    /// An API refused the token. It is served to nobody until the vendor was asked about it.
    pub fn refuse(&mut self, token: &Token, now: Now) -> Refusal {
        let t = now.elapsed;
        let fingerprint = Fingerprint::of(&self.key, token);
        // What a flight brought was served already to who could wait no longer.
        let got = self.flight.as_mut().and_then(|flight| flight.got.as_mut());
        let mut known = got.into_iter().chain(self.held.as_mut());
        let Some(held) = known.find(|held| held.lease.fingerprint == fingerprint) else {
            return Refusal::Outdated;
        };
        if held.doubt.is_some() {
            return Refusal::Doubted;
        }
        let recently = held.absolved.filter(|absolved| t.since(*absolved) < ABSOLVED);
        if let Some(absolved) = recently {
            let last = held.asked_again.filter(|at| *at > absolved).unwrap_or(absolved);
            if t.since(last) < ASK_AGAIN {
                return Refusal::StillActive;
            }
            held.asked_again = Some(t);
        }
        held.doubt = Some(Doubt { at: t, soft: recently.is_some() });
        self.events.push(Event::Doubted(fingerprint));
        if recently.is_some() { Refusal::StillActive } else { Refusal::Doubted }
    }

    /// Takes a token that was made elsewhere. It serves this entry, and is told to siblings only
    /// if they have seen this proof accepted.
    pub fn adopt(&mut self, token: Token, end: Option<Timestamp>, now: Now) -> Result<()> {
        let t = now.elapsed;
        let fingerprint = Fingerprint::of(&self.key, &token);
        let tombstone = self.view.known.tombstone(fingerprint).map(|tombstone| tombstone.cause);
        let stranger = self.strangers.contains(&fingerprint).then_some(Death::Dead);
        if let Some(cause) = tombstone.or(stranger) {
            return Err(Error::new(
                ErrorKind::TokenRefused,
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
        let lease = Lease { token, fingerprint, first, verdict: None };
        let foreign = !self.view.known.is_proven(self.proof);
        if !foreign {
            let replacing = self.view.known.lease(self.proof).map(|lease| lease.fingerprint);
            let (proof, lease) = (self.proof, lease.clone());
            self.tell(News::Leased { proof, lease, replacing, how: Gained::Returned }, t);
        }
        self.held = Some(Held { foreign, ..Held::new(lease, Rung::Adopted, t) });
        Ok(())
    }

    /// The lease in hand, whether it may be served or not.
    pub fn held(&self) -> Option<(&Lease<Timestamp>, Rung)> {
        self.held.as_ref().map(|held| (&held.lease, held.rung))
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
            Expiry::Assumed { probe_age, learned } => format!(
                "is asked about from {} on, which is {}",
                now.wall_at(lease.sent_at().plus(probe_age)),
                if learned { "learned" } else { "the agreement's life" }
            ),
            Expiry::Unknown => "has an unknown end and is asked about every 10 minutes".into(),
            Expiry::Unstated => "has no stated end and is used until it is refused".into(),
            Expiry::Spent { .. } => "was over when it came".into(),
        };
        let standing = match expiry::standing(lease, t, self.rules) {
            _ if held.doubt.is_some() => "an API refused it and the vendor is to be asked",
            Standing::Fresh { .. } => "it is served",
            Standing::Window { .. } => "it is served, and being refreshed",
            Standing::Verify { .. } => "the vendor is to be asked before it is served",
            Standing::Over => "it is over",
        };
        format!(
            "token {} (number {} of this identity) came from rung {} at {}, {end}; {standing}",
            lease.fingerprint(),
            lease.generation(),
            held.rung.as_str(),
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
        if self.is_shut() {
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
        let rung = if ask.asked <= held.since { held.rung } else { Rung::Memory };
        let lease = held.lease.clone();
        if fit == Fit::Refresh && self.flight.is_none() {
            self.want(&Ask { deadline: t.plus(PATIENCE), ..*ask });
        }
        Some(Reply::Lease(Served { lease, rung }))
    }

    /// What a lease is to a caller at a moment, were there no circuit.
    pub(super) fn fit(&self, held: &Held, ask: &Ask, t: Timestamp) -> Fit {
        let lease = &held.lease;
        if held.doubt.is_some() {
            // What is over anyway is nothing to ask about.
            let over = expiry::standing(lease, t, self.rules) == Standing::Over;
            return if over { Fit::Replace } else { Fit::Ask };
        }
        let asked_since = lease.verdict.is_some_and(|yes| yes >= ask.asked);
        let try_now = t >= self.next_refresh;
        match expiry::standing(lease, t, self.rules) {
            Standing::Fresh { .. } => match (ask.min_remaining, lease.expiry()) {
                (Some(wish), Expiry::Stated { end } | Expiry::Capped { end }) => {
                    let wish = wish.min(end.since(lease.sent_at()) / 2);
                    // Half a life at most: the lease that comes of it has that left.
                    if end.since(t) < wish && try_now { Fit::Replace } else { Fit::Serve }
                }
                (Some(_), Expiry::Assumed { .. } | Expiry::Unknown)
                    if self.can_verify && !asked_since && try_now =>
                {
                    Fit::Ask
                }
                _ => Fit::Serve,
            },
            Standing::Window { .. } if try_now => Fit::Refresh,
            Standing::Window { .. } => Fit::Serve,
            Standing::Verify { strict: true } if asked_since => Fit::Serve,
            Standing::Verify { .. } => Fit::Ask,
            Standing::Over => match lease.expiry() {
                Expiry::Spent { received } if ask.asked <= received => Fit::Serve,
                _ => Fit::Replace,
            },
        }
    }

    /// Whether the lease may be served to that caller, refreshed or not.
    pub(super) fn may_serve(&self, held: &Held, ask: &Ask, t: Timestamp) -> bool {
        !self.is_shut() && matches!(self.fit(held, ask, t), Fit::Serve | Fit::Refresh)
    }

    /// Whether the vendor refused these credentials and nothing has closed the circuit since.
    pub(super) fn is_shut(&self) -> bool {
        self.view.known.circuit(self.proof).is_some()
    }

    /// The error of an open circuit.
    pub(super) fn circuit_open(&self, now: Now) -> Option<Error> {
        let circuit = self.view.known.circuit(self.proof)?;
        (circuit.until > now.elapsed).then(|| {
            let error = self.refusal.clone().unwrap_or_else(|| {
                Error::new(
                    ErrorKind::CredentialsRefused,
                    "the vendor refused these credentials; they are not sent again for now",
                )
            });
            error
                .with_until(now.wall_at(circuit.until))
                .advice("mend them, or have the account unlocked and `reset`")
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
        let ours = |stop: &&super::Rest| stop.until.plus(Duration::from_secs(2)) >= until;
        if let Some(stop) = self.stopped.as_ref().filter(ours) {
            return Some((until, stop.error.clone().with_until(now.wall_at(until))));
        }
        let (kind, why) = if known.hold.is_some_and(|hold| hold.until >= until) {
            let reason = known.hold.map_or("the vendor asked to wait", |hold| hold.reason.words());
            (ErrorKind::Throttled, reason)
        } else if known.entry_hold(self.proof).is_some_and(|hold| hold.until >= until) {
            (
                ErrorKind::Unavailable,
                "the vendor's last answer to these credentials could not be made use of",
            )
        } else {
            (
                ErrorKind::Throttled,
                "two other credentials of this user were refused within 15 minutes; these wait, \
                 so that the account is not locked",
            )
        };
        Some((until, Error::new(kind, why).with_until(now.wall_at(until))))
    }

    /// Whether the store stands in the way until a person mends it, or the policy says so.
    fn is_store_required(&self, t: Timestamp) -> bool {
        let fail = self.policy.when_store_away == Some(WhenStoreAway::Fail);
        self.view.unreadable.is_some() || (fail && self.view.is_away(t))
    }

    pub(super) fn blocked_until(&self, t: Timestamp) -> Option<Timestamp> {
        let known = &self.view.known;
        [
            self.misconfigured.as_ref().map(|_| Timestamp::MAX),
            self.rest.as_ref().map(|rest| rest.until),
            known.hold.map(|hold| hold.until),
            known.entry_hold(self.proof).map(|hold| hold.until),
            self.unproven_until(t),
        ]
        .into_iter()
        .flatten()
        .filter(|until| *until > t)
        .max()
    }
}
