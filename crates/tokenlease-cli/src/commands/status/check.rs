//! `status --check`: one line and an exit code, for monitors.

use std::time::Duration;

use serde_json::json;

use super::entry::IdentityStatus;
use tokenlease_config::duration;

use crate::{
    exit,
    output::{Failure, Output},
};

pub(super) fn run(
    known: &IdentityStatus,
    min_remaining: Duration,
    output: Output,
) -> Result<u8, Failure> {
    let live: Vec<_> =
        known.own_entries().filter_map(|entry| entry.lease).filter(|lease| lease.is_live).collect();
    // A lease of unknown expiry has no certain remaining lifetime.
    let fit =
        live.iter().filter(|lease| min_remaining.is_zero() || lease.left >= Some(min_remaining));
    let best = fit.max_by_key(|lease| lease.left.unwrap_or(Duration::MAX));
    let circuits = known.own_entries().filter_map(|entry| entry.circuit.as_ref());
    let circuit = circuits.max_by_key(|circuit| circuit.until);
    let until = circuit.map(|circuit| known.clocks.wall(circuit.until));
    let (outcome, code, text) = match (best, circuit) {
        (Some(lease), _) => {
            let left = match lease.left {
                Some(left) => format!("{} remaining", duration::show(left)),
                None => "expiry unknown".to_owned(),
            };
            ("live", exit::SUCCESS, format!("live: {left}"))
        }
        (None, Some(circuit)) => {
            let until = known.clocks.wall(circuit.until);
            let cause = circuit.cause.as_ref().map(|cause| format!("; {}", cause.detail()));
            let cause = cause.unwrap_or_default();
            let text = format!("credentials rejected: not sent again before {until}{cause}");
            ("credentials_rejected", exit::CREDENTIALS_REJECTED, text)
        }
        (None, None) if live.is_empty() => {
            ("none", exit::NOT_ACTIVE, "none: no live token".to_owned())
        }
        (None, None) => {
            let text = format!("too short: less than {} remaining", duration::show(min_remaining));
            ("too_short", exit::NOT_ACTIVE, text)
        }
    };
    output.result(
        &text,
        &json!({
            "outcome": outcome,
            "remaining_s": best.and_then(|lease| lease.left).map(|left| left.as_secs()),
            "until": until.map(|until| until.to_string()),
        }),
    )?;
    Ok(code)
}
