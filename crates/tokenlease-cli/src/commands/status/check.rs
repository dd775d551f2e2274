//! `status --check`: one word and an exit code, for monitors.

use std::time::Duration;

use serde_json::json;
use tokenlease::core::record::EntrySummary;

use super::entry::Known;
use tokenlease_config::duration;

use crate::{
    exit,
    output::{Failure, Output},
};

pub(super) fn run(known: &Known, wish: Duration, output: Output) -> Result<u8, Failure> {
    let live: Vec<_> =
        known.own().filter_map(|entry| entry.lease).filter(|lease| lease.is_live).collect();
    // Who knows no end can promise no remaining life.
    let fit = live.iter().filter(|lease| wish.is_zero() || lease.left >= Some(wish));
    let best = fit.max_by_key(|lease| lease.left.unwrap_or(Duration::MAX));
    let circuit = known.own().filter_map(EntrySummary::open_until).max();
    let (outcome, code, text) = match (best, circuit) {
        (Some(lease), _) => {
            let left = match lease.left {
                Some(left) => format!("{} left for certain", duration::show(left)),
                None => "its end is unknown".to_owned(),
            };
            ("live", exit::SUCCESS, format!("live: {left}"))
        }
        (None, Some(until)) => {
            let until = known.clocks.wall(until);
            let text = format!("credentials rejected: not sent again before {until}");
            ("rejected", exit::CREDENTIALS_REJECTED, text)
        }
        (None, None) if live.is_empty() => {
            ("none", exit::NOT_ACTIVE, "none: no live token".to_owned())
        }
        (None, None) => {
            let text = format!("short: less than {} left for certain", duration::show(wish));
            ("short", exit::NOT_ACTIVE, text)
        }
    };
    output.result(
        &text,
        &json!({
            "outcome": outcome,
            "left_s": best.and_then(|lease| lease.left).map(|left| left.as_secs()),
            "until": circuit.map(|until| known.clocks.wall(until).to_string()),
        }),
    )?;
    Ok(code)
}
