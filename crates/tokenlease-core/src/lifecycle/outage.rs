//! The policy for a store outage: which tokens may be requested while no process can see what the
//! others do.

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
    /// No token is requested: callers get an error.
    Fail,
    /// Only the running token is requested. The default where the server can return it.
    RefetchOnly,
    /// Each process may log in once per token: again when the token is in its margin, or when the server
    /// has ended it early. The default elsewhere.
    LoginWithinBudget,
}

impl Lifecycle {
    /// Why no login may be sent while the store is unavailable.
    pub(super) fn login_forbidden_by_outage(&self, t: Timestamp) -> Option<Error> {
        if let Some(error) = &self.store.unreadable {
            return Some(error.clone());
        }
        let default = if self.can.refetch {
            OnStoreOutage::RefetchOnly
        } else {
            OnStoreOutage::LoginWithinBudget
        };
        let why = match self.policy.on_store_outage.unwrap_or(default) {
            OnStoreOutage::LoginWithinBudget if self.outage_login_is_free(t) => return None,
            OnStoreOutage::LoginWithinBudget => {
                "this process has sent the one login that it may send meanwhile"
            }
            OnStoreOutage::RefetchOnly => {
                "meanwhile only the running token is requested (on_store_outage)"
            }
            OnStoreOutage::Fail => "meanwhile no token is requested (on_store_outage)",
        };
        let error = Error::new(ErrorKind::Store, format!("the store is unavailable; {why}"))
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

    /// Why no refetch may be sent while the store is unavailable.
    pub(super) fn refetch_forbidden_by_outage(&self, t: Timestamp) -> Option<Error> {
        let fail = self.policy.on_store_outage == Some(OnStoreOutage::Fail);
        if fail { self.login_forbidden_by_outage(t) } else { None }
    }

    /// Whether callers can't be served before a person corrects the store, or by policy.
    pub(super) fn is_store_required(&self, t: Timestamp) -> bool {
        let fail = self.policy.on_store_outage == Some(OnStoreOutage::Fail);
        self.store.unreadable.is_some() || (fail && self.store.is_unavailable(t))
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
