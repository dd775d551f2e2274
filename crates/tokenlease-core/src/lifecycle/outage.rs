//! The policy for a store outage: which tokens may be requested while no process can see what the
//! others do.

use std::time::Duration;

use super::{
    Lifecycle,
    backoff::{Backoff, Why},
};
use crate::{
    error::{Error, ErrorKind},
    lease::Lease,
    time::{Moment as _, Timestamp},
};

/// A login whose answer is lost during a store outage is not repeated for this long.
const LOST_LOGIN_BACKOFF: Duration = Duration::from_secs(60 * 60);

/// The policy for new tokens during a store outage, when no lease is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnStoreOutage {
    /// No token is requested: callers get an error.
    Fail,
    /// Only the running token is requested. The default where the server can return it.
    RefetchOnly,
    /// Each process may log in once per token lifetime. The default elsewhere.
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
            OnStoreOutage::LoginWithinBudget if self.backoffs.until(Why::OutageLogin) <= t => {
                return None;
            }
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

    /// The login brought this lease: no further one during the outage until the lease expires.
    pub(super) fn outage_login_succeeded(&mut self, lease: &Lease<Timestamp>, t: Timestamp) {
        if self.backoffs.until(Why::OutageLogin) > t {
            let until = lease.end().unwrap_or(Timestamp::MAX);
            self.backoffs.set(Backoff::new(Why::OutageLogin, until));
        }
    }
}
