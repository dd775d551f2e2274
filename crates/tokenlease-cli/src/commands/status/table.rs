//! The status as a table, for people.

use std::fmt::Write as _;

use tokenlease::{
    core::{
        record::{EntrySummary, LeaseSummary},
        time::Moment as _,
    },
    status::credentials_name as name,
};

use super::{
    Other,
    entry::{IdentityStatus, parted_text},
};
use tokenlease_config::duration::show;

const HEAD: [&str; 6] = ["CREDENTIALS", "TOKEN", "GENERATION", "AGE", "REMAINING", "STATE"];

pub(super) fn of(all: &[(Option<String>, IdentityStatus)], others: &[Other]) -> String {
    let mut text = String::new();
    for (profile, known) in all {
        let profile = profile.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        let _ = writeln!(text, "{profile}{}\nin {}", known.identity, known.store);
        if let Some(backoff) = &known.summary.server_backoff {
            let until = known.clock.wall(backoff.until);
            let _ = writeln!(text, "{}: no request before {until}", backoff.reason);
            if let Some(cause) = &backoff.cause {
                let _ = writeln!(text, "  cause: {cause}");
            }
        }
        if known.summary.entries.is_empty() {
            text.push_str("no token\n");
        } else {
            text.push_str(&rows(known));
            text.push_str(&causes(known));
        }
        text.push('\n');
    }
    if !others.is_empty() {
        text.push_str("other records, of identities that no profile names\n");
        for other in others {
            let written = other.written.map(|at| format!("written {at}")).unwrap_or_default();
            let _ = writeln!(text, "  {}  {written}", other.record);
        }
    }
    if text.is_empty() {
        text.push_str("no record and no profile");
    }
    text
}

fn rows(known: &IdentityStatus) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(known.summary.entries.iter().map(|entry| row(known, entry)));
    let widths: Vec<_> = (0..HEAD.len())
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(String::len).max())
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, " {cell:0$} ", width.unwrap_or_default());
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// Returns a line for each circuit and backoff whose cause is known.
fn causes(known: &IdentityStatus) -> String {
    let mut text = String::new();
    for entry in &known.summary.entries {
        for block in [&entry.circuit, &entry.backoff].into_iter().flatten() {
            if let Some(cause) = &block.cause {
                let _ = writeln!(text, "  {}: {cause}", name(entry.credentials));
            }
        }
    }
    text
}

fn row(known: &IdentityStatus, entry: &EntrySummary) -> [String; HEAD.len()] {
    let yours =
        if known.own.is_some_and(|own| own.contains(entry.credentials)) { " (yours)" } else { "" };
    let credentials = format!("{}{yours}", name(entry.credentials));
    let state = state(known, entry);
    let Some(lease) = &entry.lease else {
        let none = || "-".to_owned();
        return [credentials, none(), none(), none(), none(), state];
    };
    [
        credentials,
        lease.fingerprint.to_string(),
        lease.generation.to_string(),
        show(known.clock.store.since(lease.sent_at)),
        left(lease),
        state,
    ]
}

fn left(lease: &LeaseSummary) -> String {
    let expiry = lease.expiry.basis().as_str();
    match lease.left {
        Some(left) => format!("{} ({expiry})", show(left)),
        None => expiry.to_owned(),
    }
}

fn state(known: &IdentityStatus, entry: &EntrySummary) -> String {
    if let Some(until) = entry.open_until() {
        return format!("rejected: not sent before {}", known.clock.wall(until));
    }
    if let Some(backoff) = &entry.backoff {
        return format!("backoff: not sent before {}", known.clock.wall(backoff.until));
    }
    match entry.lease {
        Some(lease) if lease.is_live => match known.clock.parted(&lease) {
            Some(by) => format!("live; {}", parted_text(by)),
            None => "live".to_owned(),
        },
        Some(_) => "not live".to_owned(),
        None => "none".to_owned(),
    }
}
