//! Spent logins: the server accepted a login, but it brought no better token than the one in use, or its
//! answer was lost.
//!
//! Some servers return their running token with the life that is left, tokens that have expired on
//! arrival, or tokens that no API accepts. Without a backoff each request for a token would be a login
//! there. The record counts such logins, so that all processes wait together:
//!
//! - the token in use serves up to its end, and the next login is sent then;
//! - without such a token the next login waits 1 s, doubling to 30 s;
//! - after a lost answer it waits 10 s, doubling to 5 minutes: each login may have made a token that no
//!   client knows.

use std::time::Duration;

use super::{Lifecycle, Next};
use crate::{
    backoff,
    error::{Error, ErrorKind},
    expiry::Freshness,
    lease::{Expiry, Lease},
    record::change::RecordChange,
    time::{Moment as _, Now, Timestamp},
};

/// A row of spent logins is forgotten after this time.
const MEMORY: Duration = Duration::from_secs(60 * 60);
/// A token that lives shorter than this on arrival is not worth a login.
const WORTH_A_LOGIN: Duration = Duration::from_secs(1);
/// A server that states the life that is left in whole seconds may state the same end up to this much
/// later.
const SAME_END: Duration = Duration::from_secs(2);

impl Lifecycle {
    /// How many logins in a row were spent lately.
    pub(super) fn spent_logins_in_a_row(&self, t: Timestamp) -> u32 {
        let spent = self.store.known.spent_logins(self.holder);
        spent.filter(|spent| t.since(spent.last) < MEMORY).map_or(0, |spent| spent.count)
    }

    /// A login was spent, after `before` others in a row.
    pub(super) fn login_spent(&mut self, before: u32, lost: bool, t: Timestamp) {
        let (credentials, count) = (self.holder, before.saturating_add(1));
        self.record_change(RecordChange::LoginSpent { credentials, at: t, count, lost }, t);
    }

    /// Whether the lease that a login brought serves better than what was in use. `is_known`: the server
    /// returned the token before.
    pub(super) fn serves_better(
        &self,
        lease: &Lease<Timestamp>,
        is_known: bool,
        t: Timestamp,
    ) -> bool {
        let (Some(end), Expiry::Stated { .. } | Expiry::Capped { .. }) =
            (lease.end(), lease.expiry())
        else {
            return !is_known && !matches!(lease.expiry(), Expiry::ExpiredOnArrival { .. });
        };
        let known = &self.store.known;
        let current = self.current.as_ref().filter(|current| current.suspicion.is_none());
        let old = current.map(|current| &current.lease).or_else(|| known.lease(self.holder));
        let old = old.filter(|old| known.is_usable(old, t));
        let is_later = old.and_then(|old| Some((old, old.end()?))).is_none_or(|(old, old_end)| {
            end > old_end.plus(SAME_END.max(old_end.since(old.sent_at()) / 10))
        });
        is_later && end.since(t) >= WORTH_A_LOGIN
    }

    /// The step that a flight takes instead of a login that must wait, if it must.
    pub(super) fn login_delay(&mut self, now: Now) -> Option<Next> {
        let t = now.elapsed;
        if let Some(until) = self.login_backoff_until(t) {
            let error = Error::new(
                ErrorKind::TokenRejected,
                "the tokens of this identity are rejected soon after their logins; the client backs \
                 off before the next login",
            )
            .with_until(now.wall_at(until))
            .advice("check the user's permissions, and whether another system logs in; `unblock` allows a login now");
            return Some(self.fail(until, error, t));
        }
        let spent = *self.store.known.spent_logins(self.holder)?;
        let in_use = self.current.as_ref().filter(|_| !spent.lost).and_then(|current| {
            let freshness = self.freshness(current, t);
            let serves = matches!(
                freshness,
                Freshness::Fresh { .. }
                    | Freshness::RefreshWindow { .. }
                    | Freshness::Margin { .. }
            );
            current.lease.end().filter(|_| serves)
        });
        let until =
            in_use.unwrap_or_else(|| spent.last.plus(backoff::spent(spent.count, spent.lost)));
        if until <= t {
            return None;
        }
        let error = if spent.lost {
            Error::new(ErrorKind::Transport, "the answer to the last login was lost").advice(
                "the token of that login may be active; the client waits before another one",
            )
        } else {
            Error::new(ErrorKind::Unavailable, "the last login brought no better token than before")
                .advice(
                    "the server returns its running token, or tokens that have expired on arrival",
                )
        };
        let error = error.with_until(now.wall_at(until));
        Some(match in_use {
            Some(_) => self.stop(until, error, t),
            None => self.fail(until, error, t),
        })
    }
}
