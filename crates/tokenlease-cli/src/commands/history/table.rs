//! The history as a table, for people.

use std::fmt::Write as _;

use tokenlease::{
    History,
    core::{
        WallTime,
        record::{ExtraLogin, HistoryCause, HistoryEntry, HistoryKind, HistoryResult},
    },
};

use super::Known;

const HEAD: [&str; 7] = ["TIME", "EVENT", "TOKEN", "CREDENTIALS", "HOST", "PROCESS", "WHY"];

pub(super) fn of(known: &Known) -> String {
    let Known { identity, store, history, .. } = known;
    let mut text = format!("{identity}\nin {store}\n");
    if history.entries.is_empty() {
        text.push_str("no login is recorded\n");
        return text;
    }
    let _ = writeln!(text, "{}", summary(history));
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(
        history.entries.iter().enumerate().map(|(index, entry)| row(history, index, entry)),
    );
    let widths: Vec<_> = (0..HEAD.len())
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(String::len).max())
        .collect();
    for row in rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, " {cell:0$} ", width.unwrap_or_default());
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// Returns the number of logins and those above the minimum, as a sentence.
pub(super) fn summary(history: &History) -> String {
    let logins = &history.logins;
    let first = history.entries.first().map(|entry| entry.at.to_string()).unwrap_or_default();
    let plural = if logins.logins == 1 { "" } else { "s" };
    format!(
        "{} login{plural} since {first}; the minimum was {}, and {} were above it",
        logins.logins,
        logins.minimum,
        logins.extra.len()
    )
}

fn row(history: &History, index: usize, entry: &HistoryEntry<WallTime>) -> [String; HEAD.len()] {
    [
        entry.at.to_string(),
        entry.kind.as_str().to_owned(),
        entry.token.map(|token| token.to_string()).unwrap_or_default(),
        entry.credentials.to_string(),
        entry.host.to_string(),
        entry.process.to_string(),
        why(history, index, entry),
    ]
}

/// Returns the cause and the result of an entry.
pub(super) fn why(history: &History, index: usize, entry: &HistoryEntry<WallTime>) -> String {
    let rejection = entry.kind == HistoryKind::Rejection;
    let mut text = match entry.cause {
        HistoryCause::TokenRejected if rejection => "an API rejected the token",
        HistoryCause::CredentialsRejected if rejection => "the server rejected the credentials",
        cause => cause.description(),
    }
    .to_owned();
    if entry.result != HistoryResult::Token {
        let _ = write!(text, "; {}", entry.result.description());
    }
    if entry.without_store && entry.cause != HistoryCause::StoreUnavailable {
        text.push_str("; the store was unavailable");
    }
    if let Some(extra) = extra(history, index) {
        let beside = extra.beside.and_then(|beside| history.entries.get(beside));
        match beside {
            Some(beside) => {
                let _ = write!(
                    text,
                    "; above the minimum: the token of the login at {} was still to be used",
                    beside.at
                );
            }
            None => text.push_str("; above the minimum"),
        }
    }
    text
}

/// Returns the login of that entry, if it is above the minimum.
pub(super) fn extra(history: &History, index: usize) -> Option<&ExtraLogin> {
    history.logins.extra.iter().find(|extra| extra.index == index)
}
