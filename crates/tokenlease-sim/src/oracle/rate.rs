//! Checks the rate of all logins, successful ones included.
//!
//! Without this check a client could log in at each call, as long as the server accepts its credentials.
//! The README of this crate derives the limit from the waits of the state machine.

use std::collections::BTreeMap;

use super::{
    Sent,
    backoff::{Limit, Streak},
};
use crate::{Kind, Owner, S, World};

/// The logins of each entry of a process.
#[derive(Debug, Default)]
pub(crate) struct Rate(BTreeMap<Owner, Streak>);

impl World {
    /// Checks a login that reaches the provider.
    pub(crate) fn judge_rate(&mut self, owner: &Owner, sent: Sent) {
        let limit = self.login_limit();
        if self.oracle.rate.0.entry(*owner).or_default().exceeds(sent.at, limit) {
            let detail = format!("p{} {}", owner.0, owner.2);
            self.violate("logins of one entry exceed their rate", detail);
        }
    }

    /// Returns the limit for the logins of one entry of a process.
    fn login_limit(&self) -> Limit {
        // A token of which a second is left serves up to its refresh window; after a login without a
        // better token the next one waits up to 30 s.
        let lifetime = self.provider.lifetime.min(self.setup.lifetime);
        let interval = match self.setup.kind {
            Kind::Wyn if lifetime >= S => (30 * S).min(lifetime * 7 / 10),
            _ => 30 * S,
        };
        Limit { burst: BURST, interval }
    }
}

/// The logins that may follow each other at once: those whose waits are shorter than the limit's
/// interval, and those that users cause by `forget` and `unblock`.
const BURST: i64 = 12;
