//! `status --check`: one line and an exit code, for monitors.

use std::time::Duration;

use serde_json::json;
use tokenlease::core::{
    lease::{Expiry, WINKAS_MAX_LIFETIME},
    record::{BlockSummary, LeaseSummary},
    time::Moment as _,
};

use super::entry::IdentityStatus;
use tokenlease_config::duration;

use crate::{
    exit,
    output::{Failure, Output},
};

/// The result of a check.
pub(super) struct Check {
    pub(super) outcome: Outcome,
    /// The best live token that is not too short.
    best: Option<LeaseSummary>,
    /// Rejected credentials are not sent before its end.
    circuit: Option<BlockSummary>,
    pub(super) min_remaining: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Live,
    CredentialsRejected,
    None,
    TooShort,
}

impl Check {
    pub(super) fn of(known: &IdentityStatus, min_remaining: Duration) -> Self {
        let live: Vec<_> = known
            .own_entries()
            .filter_map(|entry| entry.lease)
            .filter(|lease| lease.is_live)
            .collect();
        let fit = live.iter().filter(|lease| can_last(known, lease, min_remaining));
        let best = fit.max_by_key(|lease| lease.left.unwrap_or(Duration::MAX)).copied();
        let circuits = known.own_entries().filter_map(|entry| entry.circuit.as_ref());
        let circuit = circuits.max_by_key(|circuit| circuit.until).cloned();
        let outcome = match (best, &circuit) {
            (Some(_), _) => Outcome::Live,
            (None, Some(_)) => Outcome::CredentialsRejected,
            (None, None) if live.is_empty() => Outcome::None,
            (None, None) => Outcome::TooShort,
        };
        let longest = live.iter().max_by_key(|lease| lease.left.unwrap_or(Duration::MAX));
        Self { outcome, best: best.or_else(|| longest.copied()), circuit, min_remaining }
    }

    /// Returns the remaining lifetime of the best token, if it is known.
    pub(super) fn remaining(&self) -> Option<Duration> {
        self.best.and_then(|lease| lease.left)
    }

    /// Returns the time before which rejected credentials are not sent, as text.
    fn until(&self, known: &IdentityStatus) -> Option<String> {
        self.circuit.as_ref().map(|circuit| known.clock.wall(circuit.until).to_string())
    }

    pub(super) fn text(&self, known: &IdentityStatus) -> String {
        match self.outcome {
            Outcome::Live => match self.remaining() {
                Some(left) => format!("live: {} remaining", duration::show(left)),
                None => "live: expiry unknown".to_owned(),
            },
            Outcome::CredentialsRejected => {
                let until = self.until(known).unwrap_or_default();
                let cause = self.circuit.as_ref().and_then(|circuit| circuit.cause.as_ref());
                let cause = cause.map(|cause| format!("; {}", cause.detail())).unwrap_or_default();
                format!("credentials rejected: not sent again before {until}{cause}")
            }
            Outcome::None => "none: no live token".to_owned(),
            Outcome::TooShort => {
                format!("too short: less than {} remaining", duration::show(self.min_remaining))
            }
        }
    }

    pub(super) fn run(&self, known: &IdentityStatus, output: Output) -> Result<u8, Failure> {
        let (outcome, code) = match self.outcome {
            Outcome::Live => ("live", exit::SUCCESS),
            Outcome::CredentialsRejected => ("credentials_rejected", exit::CREDENTIALS_REJECTED),
            Outcome::None => ("none", exit::NOT_ACTIVE),
            Outcome::TooShort => ("too_short", exit::NOT_ACTIVE),
        };
        output.result(
            &self.text(known),
            &json!({
                "outcome": outcome,
                "remaining_s": self.remaining().map(|left| left.as_secs()),
                "until": self.until(known),
            }),
        )?;
        Ok(code)
    }
}

/// Returns whether a live token may last for that time. A refetched token's expiry is not known, but
/// no such token is used for more than a day.
fn can_last(known: &IdentityStatus, lease: &LeaseSummary, min_remaining: Duration) -> bool {
    let left = match lease.expiry {
        Expiry::Unknown => Some(lease.sent_at.plus(WINKAS_MAX_LIFETIME).since(known.clock.store)),
        _ => lease.left,
    };
    min_remaining.is_zero() || left.is_none_or(|left| left >= min_remaining)
}
