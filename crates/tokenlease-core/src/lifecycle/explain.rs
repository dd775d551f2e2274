//! The state of an entry in words, for people.

use super::Lifecycle;
use crate::{
    expiry::{self, Freshness},
    lease::Expiry,
    time::{Moment as _, Now},
};

impl Lifecycle {
    /// Returns a sentence on the current lease: its source, when it expires, and whether it is
    /// served. It names no secret.
    pub fn explain(&self, now: Now) -> String {
        let t = now.elapsed;
        if let Some(error) = self.circuit_error(now) {
            return error.to_string();
        }
        let Some(current) = &self.current else {
            return match self.backed_off(now) {
                Some((_, error)) => format!("no lease; {error}"),
                None => "no lease; the next caller's request gets one".into(),
            };
        };
        let lease = &current.lease;
        let expiry = match lease.expiry() {
            Expiry::Stated { end } => {
                format!("expires {} as the server stated", now.wall_at(end))
            }
            Expiry::Capped { end } => {
                format!("expires {} by the option max_lifetime", now.wall_at(end))
            }
            Expiry::Assumed { validate_from_age, learned } => format!(
                "is validated from {} on, which is {}",
                now.wall_at(lease.sent_at().plus(validate_from_age)),
                if learned { "learned from earlier tokens" } else { "the agreed lifetime" }
            ),
            Expiry::Unknown => "has an unknown expiry and is validated every 10 minutes".into(),
            Expiry::Unstated => "has no stated expiry and is used until an API rejects it".into(),
            Expiry::ExpiredOnArrival { .. } => "had expired on arrival".into(),
        };
        let freshness = match expiry::freshness(lease, t, self.rules_for(current, now)) {
            _ if current.suspicion.is_some() => {
                "an API rejected it, and it is validated before it is served"
            }
            Freshness::Fresh { .. } => "it is served",
            Freshness::RefreshWindow { .. } => "it is served, and being refreshed",
            Freshness::Margin { .. } => {
                "it is being replaced, and served up to its end if no better one can be had"
            }
            Freshness::Validate { .. } => "it is validated before it is served",
            Freshness::Expired => "it has expired",
        };
        format!(
            "token {} (number {} of this identity) came from source {} at {}, {expiry}; {freshness}",
            lease.fingerprint(),
            lease.generation(),
            current.source.as_str(),
            now.wall_at(current.since),
        )
    }
}
