//! The policy for a store outage: which tokens may be requested while no process can see what the
//! others do. No login is sent while the store answers and a person has to correct it.

use std::time::Duration;

use super::{
    CurrentLease, Lifecycle,
    backoff::{Backoff, Why},
};
use crate::{
    error::{Error, ErrorKind},
    lease::Lease,
    time::{Moment as _, Timestamp},
};

/// A login whose answer is lost during a store outage is not repeated for this long.
const LOST_LOGIN_BACKOFF: Duration = Duration::from_secs(60 * 60);

/// The count of the budget's backoff after a login that brought a token. Before that it is 0.
const TOKEN_CAME: u32 = 1;

/// The policy for new tokens during a store outage, when no lease is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStoreOutage {
    /// No token is requested: callers get an error. The default where the server cannot return the
    /// running token.
    Fail,
    /// Only the running token is requested. The default where the server can return it.
    RefetchOnly,
    /// Each process may log in once per token: again when the token is in its margin, or when the server
    /// has ended it early.
    LoginWithinBudget,
}

impl Lifecycle {
    /// The policy that was set, or the default. A program that runs for each job has a new budget in
    /// each run, so no default sends a login.
    fn on_store_outage(&self) -> OnStoreOutage {
        let default =
            if self.can.refetch { OnStoreOutage::RefetchOnly } else { OnStoreOutage::Fail };
        self.policy.on_store_outage.unwrap_or(default)
    }

    /// Why no login may be sent in the store's state.
    pub(super) fn login_forbidden_by_store(&self, t: Timestamp) -> Option<Error> {
        if let Some(error) = self.store.blocked() {
            return Some(error.clone());
        }
        if !self.flight.as_ref().is_some_and(|flight| flight.without_store) {
            return None;
        }
        let why = match self.on_store_outage() {
            OnStoreOutage::LoginWithinBudget if self.outage_login_is_free(t) => return None,
            OnStoreOutage::LoginWithinBudget => {
                "this process has sent the one login that it may send meanwhile"
            }
            OnStoreOutage::RefetchOnly => {
                "meanwhile only the running token is requested (on_store_outage)"
            }
            OnStoreOutage::Fail => "meanwhile no token is requested (on_store_outage)",
        };
        let cause = self.store.last_error.as_ref();
        let cause = cause.map(|cause| format!(" ({})", cause.detail())).unwrap_or_default();
        let detail = format!("the store is unavailable{cause}; {why}");
        let error = Error::new(ErrorKind::Store, detail)
            .advice("check the store; the client recovers by itself");
        Some(match &self.store.last_error {
            Some(source) => error.with_source(source.clone()),
            None => error,
        })
    }

    /// Whether the process may log in without the store: its last login brought a token that is in its
    /// margin, or that the server ended early.
    fn outage_login_is_free(&self, t: Timestamp) -> bool {
        let Some(spent) = self.backoffs.get(Why::OutageLogin).filter(|spent| spent.blocks(t))
        else {
            return true;
        };
        // A validation that calls a token inactive drops it. A token that an API rejected and that
        // the server can't confirm is still current.
        let is_active = |current: &CurrentLease| current.suspicion.is_none();
        spent.count == TOKEN_CAME && !self.current.as_ref().is_some_and(is_active)
    }

    /// Why no refetch may be sent in the store's state. A record that can't be read forbids none: the
    /// token that a refetch returns is no new one, and is kept in memory.
    pub(super) fn refetch_forbidden_by_store(&self, t: Timestamp) -> Option<Error> {
        let fail = self.on_store_outage() == OnStoreOutage::Fail;
        if fail { self.login_forbidden_by_store(t) } else { self.store.rejection().cloned() }
    }

    /// Whether callers can't be served before a person corrects the store, or by policy.
    pub(super) fn is_store_required(&self, t: Timestamp) -> bool {
        let fail = self.on_store_outage() == OnStoreOutage::Fail;
        self.store.blocked().is_some() || (fail && self.store.is_unavailable(t))
    }

    /// A login is about to be sent without the store. Reserves the budget for an hour; the answer sets
    /// its real end.
    pub(super) fn spend_outage_login(&mut self, t: Timestamp) {
        self.backoffs.set(Backoff::new(Why::OutageLogin, t.plus(LOST_LOGIN_BACKOFF)));
    }

    /// The login brought this lease: no further one during the outage until the lease is in its margin.
    pub(super) fn outage_login_succeeded(&mut self, lease: &Lease<Timestamp>, t: Timestamp) {
        if self.backoffs.until(Why::OutageLogin) > t {
            let until = lease.end().map_or(Timestamp::MAX, |end| end.minus(lease.margin()));
            let spent = Backoff::new(Why::OutageLogin, until);
            self.backoffs.set(Backoff { count: TOKEN_CAME, ..spent });
        }
    }
}
