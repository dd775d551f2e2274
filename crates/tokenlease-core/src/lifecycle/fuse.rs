//! Fuses: bounds on what a fault of the other rules could cost.
//!
//! No rule needs as much as a fuse allows. A loop that makes no progress ends here, in an error of kind
//! `Internal`, instead of a flood of requests or a thread that spins.

use std::time::Duration;

use super::{Lifecycle, effect::Effect, machine::Stage};
use crate::{
    error::{Error, ErrorKind},
    provider::Call,
    time::{Moment as _, Timestamp},
};

/// The most logins of one flight.
const MAX_LOGINS: u8 = 3;
/// The most requests to the server of one flight.
const MAX_REQUESTS: u8 = 16;
/// A flight performs this many effects as fast as they are answered …
const FREE_EFFECTS: u32 = 100;
/// … and then one in this time: a process that waits for the lock reads the record about so often.
const EFFECT_INTERVAL: Duration = Duration::from_millis(5);
/// The most steps of one `poll` that name no effect.
const MAX_TURNS: u32 = 100;
/// After a fuse, nothing is tried for this long.
const PAUSE: Duration = Duration::from_secs(60);

/// The part of the fuses' bounds that a flight has used.
#[derive(Debug, Default)]
pub(super) struct Fuse {
    logins: u8,
    requests: u8,
    effects: u32,
}

impl Lifecycle {
    /// Counts an effect that the flight is about to perform. Returns whether it may be performed. If
    /// not, the flight has failed.
    pub(super) fn within_fuse(&mut self, effect: &Effect, t: Timestamp) -> bool {
        let Some(flight) = &mut self.flight else { return true };
        if flight.stage == Stage::Complete {
            // A flight that has failed still releases its lock.
            return true;
        }
        let fuse = &mut flight.fuse;
        fuse.effects = fuse.effects.saturating_add(1);
        if let Effect::Send(call) = effect {
            fuse.requests = fuse.requests.saturating_add(1);
            fuse.logins = fuse.logins.saturating_add(u8::from(*call == Call::Login));
        }
        let paced = EFFECT_INTERVAL * fuse.effects.saturating_sub(FREE_EFFECTS);
        let what = if fuse.logins > MAX_LOGINS {
            "sent three logins, and would send another"
        } else if fuse.requests > MAX_REQUESTS {
            "sent sixteen requests, and would send another"
        } else if paced > t.since(flight.began) {
            "called the store over and over without a pause"
        } else {
            return true;
        };
        self.fail_by_fuse(what, t);
        false
    }

    /// Returns whether `poll` may take another step, after `turns` that named no effect. If not, the
    /// flight has failed.
    pub(super) fn within_turns(&mut self, turns: u32, t: Timestamp) -> bool {
        if turns == MAX_TURNS {
            self.fail_by_fuse("took a hundred steps without a request or a pause", t);
        }
        if turns < 2 * MAX_TURNS {
            return true;
        }
        // The failed flight does not end either.
        self.flight = None;
        self.demand = None;
        self.completions += 1;
        false
    }

    fn fail_by_fuse(&mut self, what: &str, t: Timestamp) {
        let error = Error::new(ErrorKind::Internal, format!("an attempt to get a token {what}"))
            .advice("report this as a fault of tokenlease");
        self.fail(t.plus(PAUSE), error, t);
    }
}
