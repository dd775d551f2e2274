//! The answer to a caller: the current lease, an error, or that it has to wait for a flight.

use std::time::Duration;

use super::{CurrentLease, Lifecycle};
use crate::{
    error::{Error, ErrorKind},
    expiry::{self, Freshness},
    lease::{Expiry, Lease, Source},
    time::{Moment as _, Now, Timestamp},
};

/// How long a refresh without a waiting caller waits for the lock.
pub(super) const BACKGROUND_WAIT: Duration = Duration::from_secs(10);

/// How old a record may be that answers a caller at its deadline.
const RECORD_AGE: Duration = Duration::from_secs(60);

/// A caller's request for a token.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// When the caller asked.
    pub asked: Timestamp,
    /// When the caller stops waiting.
    pub deadline: Timestamp,
    /// The remaining lifetime that the caller prefers, half of the token's lifetime at most. Where
    /// the expiry is only assumed it requests a validation, never a new token. If the attempt fails,
    /// the caller gets the current lease.
    pub min_remaining: Option<Duration>,
}

impl Ask {
    /// A caller that asks now and waits for that time.
    pub fn new(now: Timestamp, wait: Duration) -> Self {
        Self { asked: now, deadline: now.plus(wait), min_remaining: None }
    }
}

/// The state machine's answer to a caller.
#[derive(Debug)]
#[must_use]
pub enum Reply {
    /// The lease to use.
    Lease(Served),
    /// There is no lease, and waiting until the deadline would not change that.
    Error(Error),
    /// Drive the state machine, and ask again with the same [`Ask`].
    Later,
}

/// A lease that was served, and its source.
#[derive(Clone, Debug)]
pub struct Served {
    /// The lease.
    pub lease: Lease<Timestamp>,
    /// Where it came from.
    pub source: Source,
}

/// A lease that may be served to all callers without asking the state machine.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The lease.
    pub lease: Lease<Timestamp>,
    /// The time until which it may be served.
    pub until: Timestamp,
}

/// How a lease fits a caller's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It serves.
    Serve,
    /// It serves, and is to be refreshed.
    Refresh,
    /// The server must be asked first.
    Validate,
    /// Another one is needed. It serves if none can be had, up to its end.
    ReplaceOrServe,
    /// Another one is needed.
    Replace,
}

impl Lifecycle {
    /// Answers a caller from what is known, or takes its demand. In that case drive the state machine
    /// until [`completions`](Self::completions) grows, and ask again with the same `ask`. A caller
    /// asks once more at its deadline, and is answered then in any case.
    pub fn ask(&mut self, ask: &Ask, now: Now) -> Reply {
        let t = now.elapsed;
        self.read_clocks(now);
        let is_late = t >= ask.deadline;
        // At its deadline, a caller is answered by the record that counted at its call, or was read since. After
        // a pause of the process, or a long wait, that record may be out of date.
        let from = if is_late { ask.asked.max(t.minus(RECORD_AGE)) } else { t };
        if from < self.store.next_check {
            let waits = self.flight.as_ref().is_some_and(|flight| !flight.refreshing);
            // A change is saved before a caller is answered by it.
            let unsaved = self.flight.is_some() && self.store.has_changes_to_save(t);
            if (!unsaved || is_late)
                && let Some(error) = self.circuit_error(now)
            {
                return Reply::Error(error);
            }
            if (!waits || is_late)
                && let Some(reply) = self.serve(ask, is_late, t)
            {
                return reply;
            }
            if !waits
                && let Some((until, error)) = self.backed_off(now)
                // Waiting would change nothing.
                && (until >= ask.deadline
                    || error.is_lasting()
                    || (error.kind() == ErrorKind::Store && self.is_store_required(t)))
            {
                // A lease with less remaining lifetime than preferred is better than an error.
                let ask = &Ask { min_remaining: None, ..*ask };
                return self.serve(ask, true, t).unwrap_or(Reply::Error(error));
            }
        }
        if is_late {
            let error = match &self.backoffs.last_failure {
                Some(failure) => {
                    let detail = format!("no token came in time; the last failure was: {failure}");
                    Error::new(ErrorKind::DeadlineExceeded, detail).with_source(failure.clone())
                }
                None => Error::new(ErrorKind::DeadlineExceeded, "no token came in time")
                    .expected("an answer before the caller's deadline"),
            };
            let advice = "check the server and the store, or set a longer deadline";
            let error = error.advice(advice);
            let until = self.backed_off_until(t);
            return Reply::Error(match until {
                Some(until) => error.with_until(now.wall_at(until)),
                None => error,
            });
        }
        self.add_demand(ask);
        Reply::Later
    }

    /// Returns a lease that may be served to all callers until a moment, for a cache in front of the
    /// state machine. `None`: each caller must ask.
    pub fn ready(&self, now: Now) -> Option<Ready> {
        let t = now.elapsed;
        let current = self.current.as_ref()?;
        if self.circuit_stops_serving() || current.suspicion.is_some() {
            return None;
        }
        let until = match expiry::freshness(&current.lease, t, self.rules_for(current, now)) {
            Freshness::Fresh { until } => until,
            Freshness::RefreshWindow { until } | Freshness::Margin { until } => {
                until.min(self.refresh_delayed_until())
            }
            Freshness::Validate { .. } | Freshness::Expired => return None,
        };
        let until = until.min(self.store.next_check);
        (until > t).then(|| Ready { lease: current.lease.clone(), until })
    }

    /// Returns the current lease, whether it may be served or not.
    pub fn current(&self) -> Option<(&Lease<Timestamp>, Source)> {
        self.current.as_ref().map(|current| (&current.lease, current.source))
    }

    /// Takes a caller's demand.
    pub(super) fn add_demand(&mut self, ask: &Ask) {
        let demand = self.demand.get_or_insert(*ask);
        demand.asked = demand.asked.max(ask.asked);
        demand.deadline = demand.deadline.max(ask.deadline);
        demand.min_remaining = demand.min_remaining.max(ask.min_remaining);
    }

    fn serve(&mut self, ask: &Ask, is_late: bool, t: Timestamp) -> Option<Reply> {
        if self.circuit_stops_serving() {
            return None;
        }
        let obtained = self.flight.as_ref().and_then(|flight| flight.obtained.as_ref());
        let current = obtained.filter(|_| is_late).or(self.current.as_ref())?;
        // At its deadline a caller gets a lease with less remaining life than it prefers.
        let ask = &Ask { min_remaining: ask.min_remaining.filter(|_| !is_late), ..*ask };
        let fit = self.fit(current, ask, t);
        match fit {
            Fit::Serve | Fit::Refresh => {}
            Fit::ReplaceOrServe if is_late => {}
            // Clocks that have parted prove nothing.
            Fit::Validate if is_late && self.doubts_clocks_of(current, t) => {}
            _ => return None,
        }
        // Callers that waited for the flight get the lease's source, later callers get memory.
        let source = if ask.asked <= current.since { current.source } else { Source::Memory };
        let lease = current.lease.clone();
        if fit == Fit::Refresh && self.flight.is_none() {
            self.add_demand(&Ask { deadline: t.plus(BACKGROUND_WAIT), ..*ask });
        }
        Some(Reply::Lease(Served { lease, source }))
    }

    /// How a lease fits a caller's request at `t`, if the circuit is closed.
    pub(super) fn fit(&self, current: &CurrentLease, ask: &Ask, t: Timestamp) -> Fit {
        let lease = &current.lease;
        let freshness = self.freshness(current, t);
        if current.suspicion.is_some() {
            // An expired token needs no validation.
            return if freshness == Freshness::Expired { Fit::Replace } else { Fit::Validate };
        }
        let validated_since = lease.validated_at.is_some_and(|sent| sent >= ask.asked);
        let may_try = !self.is_refresh_delayed(t) && self.backed_off_until(t).is_none();
        match freshness {
            Freshness::Fresh { .. } => match (ask.min_remaining, lease.expiry()) {
                (Some(preferred), Expiry::Stated { end } | Expiry::Capped { end }) => {
                    // Half a lifetime at most, so that the lease that replaces it has that left.
                    let preferred = preferred.min(end.since(lease.sent_at()) / 2);
                    if end.since(t) < preferred && may_try { Fit::Replace } else { Fit::Serve }
                }
                (Some(_), Expiry::Assumed { .. } | Expiry::Unknown)
                    if self.can.validate && !validated_since && may_try =>
                {
                    Fit::Validate
                }
                _ => Fit::Serve,
            },
            Freshness::RefreshWindow { .. } if may_try => Fit::Refresh,
            Freshness::Margin { .. } if may_try => Fit::ReplaceOrServe,
            Freshness::RefreshWindow { .. } | Freshness::Margin { .. } => Fit::Serve,
            Freshness::Validate { strict: true } if validated_since => Fit::Serve,
            Freshness::Validate { .. } => Fit::Validate,
            Freshness::Expired => match lease.expiry() {
                Expiry::ExpiredOnArrival { received } if ask.asked <= received => Fit::Serve,
                _ => Fit::Replace,
            },
        }
    }

    /// Whether the lease may be served to that caller, refreshed or not.
    pub(super) fn may_serve(&self, current: &CurrentLease, ask: &Ask, t: Timestamp) -> bool {
        !self.circuit_stops_serving()
            && matches!(self.fit(current, ask, t), Fit::Serve | Fit::Refresh)
    }
}
