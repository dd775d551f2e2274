//! `status --check --format nagios`: the output of a plugin for Nagios, Icinga and Checkmk.
//!
//! Source: Monitoring Plugins Development Guidelines, "Plugin Output for Nagios".

use std::fmt::Display;

use super::{
    check::{Check, Outcome},
    entry::IdentityStatus,
};
use crate::output::{Failure, line};

/// The exit code for a check that could not be made.
pub(crate) const UNKNOWN: u8 = 3;

pub(super) fn run(check: &Check, known: &IdentityStatus) -> Result<u8, Failure> {
    let (state, code) = match check.outcome {
        Outcome::Live => ("OK", 0),
        Outcome::TooShort => ("WARNING", 1),
        Outcome::None | Outcome::CredentialsRejected => ("CRITICAL", 2),
    };
    let text = plain(&check.text(known));
    line(&format!("TOKENLEASE {state} - {text}|{}", performance(check, known)))?;
    Ok(code)
}

/// Prints why the check could not be made.
pub(crate) fn unknown(why: impl Display) -> Result<u8, Failure> {
    line(&format!("TOKENLEASE UNKNOWN - {}", plain(&why.to_string())))?;
    Ok(UNKNOWN)
}

/// Returns `name=value[unit];warning;critical;minimum` of each figure. `U`: not known.
fn performance(check: &Check, known: &IdentityStatus) -> String {
    let remaining = match check.remaining() {
        Some(left) => {
            let least = check.min_remaining.as_secs();
            let warning = if least == 0 { String::new() } else { format!("{least}:") };
            format!("{}s;{warning};;0", left.as_secs())
        }
        None => "U".to_owned(),
    };
    let circuits = known.own_entries().filter_map(|entry| entry.circuit.as_ref());
    let rejections = circuits.map(|circuit| circuit.count).max().unwrap_or(0);
    let tokens = known.summary.generation;
    format!("remaining={remaining} rejections={rejections} tokens={tokens}c")
}

/// Returns the text on one line, without the character that begins the performance data.
fn plain(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('|', "/")
}
