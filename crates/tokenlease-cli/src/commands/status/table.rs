//! The status for people.

use std::fmt::Write as _;

use tokenlease::core::record::{EntrySummary, LeaseSummary};

use super::{
    Other,
    entry::{Known, name},
};
use tokenlease_config::duration::show;

use crate::session::end_of;

const HEAD: [&str; 6] = ["CREDENTIALS", "TOKEN", "NO", "AGE", "LEFT", "STATE"];

pub(super) fn of(all: &[(Option<String>, Known)], others: &[Other]) -> String {
    let mut text = String::new();
    for (profile, known) in all {
        let profile = profile.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        let _ = writeln!(text, "{profile}{}\nin {}", known.identity, known.store);
        if let Some((until, reason)) = known.summary.hold {
            let _ = writeln!(text, "{reason}: nothing is sent before {}", known.clocks.wall(until));
        }
        if known.summary.entries.is_empty() {
            text.push_str("nothing is kept\n");
        } else {
            text.push_str(&rows(known));
        }
        text.push('\n');
    }
    if !others.is_empty() {
        text.push_str("records of identities that are not named here\n");
        for other in others {
            let written = other.written.map(|at| format!("written {at}")).unwrap_or_default();
            let _ = writeln!(text, "  {}  {written}", other.key);
        }
    }
    if text.is_empty() {
        text.push_str("nothing is kept, and there is no profile to look for");
    }
    text
}

fn rows(known: &Known) -> String {
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

fn row(known: &Known, entry: &EntrySummary) -> [String; HEAD.len()] {
    let yours = if known.mine == Some(entry.credentials) { " (yours)" } else { "" };
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
        show(known.clocks.since(lease.sent_at)),
        left(lease),
        state,
    ]
}

fn left(lease: &LeaseSummary) -> String {
    let (end, _) = end_of(lease.expiry, lease.sent_at);
    match lease.left {
        Some(left) => format!("{} ({end})", show(left)),
        None => end.to_owned(),
    }
}

fn state(known: &Known, entry: &EntrySummary) -> String {
    if let Some(until) = entry.open_until() {
        return format!("rejected: not sent before {}", known.clocks.wall(until));
    }
    if let Some(hold) = entry.hold {
        return format!("held: not sent before {}", known.clocks.wall(hold.until));
    }
    match entry.lease {
        Some(lease) if lease.is_live => "live".to_owned(),
        Some(_) => "over".to_owned(),
        None => "none".to_owned(),
    }
}
