//! The comparison: the same year for tokenlease and for hand-written clients, as rows, as a table and
//! as a chart.

use std::{
    fmt::Write as _,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde::{Deserialize, Serialize};

use crate::{H, Kind, Naive, year::Year};

/// The clients and their names.
const CLIENTS: [(Option<Naive>, &str); 5] = [
    (Some(Naive::AtStart), "login at start, and when rejected"),
    (Some(Naive::Cached), "cache per process"),
    (Some(Naive::CachedEarly), "cache per process, early renewal"),
    (Some(Naive::Shared), "shared cache without a lock"),
    (None, "tokenlease"),
];
const AGREEMENTS: [(Kind, i64); 3] = [(Kind::Winkas, 12), (Kind::Winkas, 24), (Kind::Wyn, 12)];

/// The figures of a year of one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The provider.
    pub provider: String,
    /// The lifetime of its tokens, in hours.
    pub lifetime_hours: i64,
    /// Whether there were faults.
    pub faults: bool,
    /// The client.
    pub client: String,
    /// The calls for a token.
    pub requests: u64,
    /// The logins that the provider received.
    pub logins: u32,
    /// The logins that a client with complete knowledge would have sent.
    pub minimum: u32,
    /// Served tokens that had expired or were revoked.
    pub inactive_served: u64,
    /// Calls that got an error.
    pub errors: u64,
    /// Violated invariants; only tokenlease is checked.
    pub violations: usize,
}

impl Row {
    fn extra_logins(&self) -> u64 {
        u64::from(self.logins.saturating_sub(self.minimum))
    }
}

fn row(seed: u64, days: i64, at: usize) -> Row {
    let (client, name) = CLIENTS[at % CLIENTS.len()];
    let at = at / CLIENTS.len();
    let (kind, hours) = AGREEMENTS[at / 2];
    let faults = at % 2 == 1;
    let world = Year { seed, kind, lifetime: hours * H, faults, client, days }.run();
    Row {
        provider: if kind == Kind::Wyn { "Wyn" } else { "WinKAS" }.into(),
        lifetime_hours: hours,
        faults,
        client: name.into(),
        requests: world.stats.asks,
        logins: world.provider.calls.login,
        minimum: world.stats.minimum,
        inactive_served: world.stats.inactive_served,
        errors: world.stats.errors(),
        violations: world.oracle.violations.len(),
    }
}

/// Runs a number of days for every client, on all cores.
pub fn rows(seed: u64, days: i64) -> Vec<Row> {
    let many = CLIENTS.len() * AGREEMENTS.len() * 2;
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= many {
                        return;
                    }
                    let row = row(seed, days, at);
                    rows.lock()
                        .expect("a world panics only by a bug of the simulation")
                        .push((at, row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().expect("a world panics only by a bug of the simulation");
    rows.sort_by_key(|(at, _)| *at);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Returns the rows as a Markdown table.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| provider | lifetime | faults | client | logins | minimum | expired or revoked tokens served | calls without a token |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {} h | {} | {} | {} | {} | {} | {} |",
            row.provider,
            row.lifetime_hours,
            if row.faults { "yes" } else { "no" },
            row.client,
            row.logins,
            row.minimum,
            row.inactive_served,
            row.errors,
        );
    }
    text
}

/// A panel of the chart: its left edge, its heading, and the figure of a row that it shows.
type Panel = (i64, &'static str, fn(&Row) -> u64);

const BAR: i64 = 12;
const GROUP: i64 = 4 * BAR + 18;
const TOP: i64 = 74;
const WIDTH: i64 = 230;
/// The panels of the chart.
const PANELS: [Panel; 2] = [
    (236, "logins above the minimum", Row::extra_logins),
    (556, "expired or revoked tokens served", |row| row.inactive_served),
];
const COLOURS: [(i64, bool, &str, &str); 4] = [
    (12, false, "#9cc3e6", "12 h tokens, no faults"),
    (12, true, "#3a6ea5", "12 h tokens, faults"),
    (24, false, "#e8c48d", "24 h tokens, no faults"),
    (24, true, "#b07a2a", "24 h tokens, faults"),
];

/// Returns the position of a number on a logarithmic axis from 0 to 100,000, in pixels.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a position in pixels"
)]
fn position(number: u64) -> i64 {
    if number == 0 {
        return 0;
    }
    (((number as f64).log10() + 0.5) / 5.5 * WIDTH as f64).round() as i64
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns the rows of `WinKAS` as an SVG chart.
pub fn svg(rows: &[Row]) -> String {
    let bottom = TOP + GROUP * i64::try_from(CLIENTS.len()).unwrap_or_default();
    let height = bottom + 76;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 {height}\" \
         font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif\" font-size=\"13\" \
         role=\"img\" aria-label=\"A year of 32 processes: logins above the minimum, and expired or \
         revoked tokens served, by client\">\n  <rect width=\"860\" height=\"{height}\" rx=\"10\" fill=\"#fbfbf8\"/>\n  \
         <text x=\"430\" y=\"28\" text-anchor=\"middle\" font-size=\"15\" font-weight=\"600\" \
         fill=\"#222\">A year of 32 processes on 8 hosts at WinKAS, each restarted once a day</text>\n",
    );
    for (left, title, value) in PANELS {
        let _ = writeln!(
            svg,
            "  <text x=\"{left}\" y=\"54\" font-weight=\"600\" fill=\"#3a6ea5\">{title}</text>",
        );
        for power in 0..=5 {
            let number = 10_u64.pow(power);
            let x = left + position(number);
            let (line, label) = (bottom - 8, bottom + 8);
            let _ = writeln!(
                svg,
                "  <path d=\"M{x} 64V{line}\" stroke=\"#e3e1d8\"/><text x=\"{x}\" y=\"{label}\" \
                 text-anchor=\"middle\" font-size=\"10\" fill=\"#888\">{}</text>",
                grouped(number),
            );
        }
        let _ = writeln!(svg, "  <path d=\"M{left} 64V{}\" stroke=\"#999\"/>", bottom - 8);
        for (top, (_, client)) in (0..).map(|n| TOP + n * GROUP).zip(CLIENTS) {
            for (y, (hours, faults, colour, _)) in (0..).map(|n| top + n * BAR).zip(COLOURS) {
                let Some(row) = rows.iter().find(|row| {
                    row.provider == "WinKAS"
                        && row.client == client
                        && (row.lifetime_hours, row.faults) == (hours, faults)
                }) else {
                    continue;
                };
                let (number, text) = (value(row), y + 9);
                let wide = position(number);
                let _ = writeln!(
                    svg,
                    "  <rect x=\"{left}\" y=\"{y}\" width=\"{wide}\" height=\"{}\" fill=\"{colour}\"/>\
                     <text x=\"{}\" y=\"{text}\" font-size=\"10\" fill=\"#555\">{}</text>",
                    BAR - 2,
                    left + wide + 4,
                    grouped(number),
                );
            }
        }
    }
    for (top, (client, name)) in (0..).map(|n| TOP + n * GROUP).zip(CLIENTS) {
        let weight = if client.is_none() { "700" } else { "400" };
        let _ = writeln!(
            svg,
            "  <text x=\"224\" y=\"{}\" text-anchor=\"end\" font-weight=\"{weight}\" \
             fill=\"#222\">{name}</text>",
            top + 2 * BAR + 4,
        );
    }
    for (x, (_, _, colour, name)) in (0..).map(|n| 40 + n * 200).zip(COLOURS) {
        let y = bottom + 40;
        let _ = writeln!(
            svg,
            "  <rect x=\"{x}\" y=\"{}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"{y}\" font-size=\"12\" fill=\"#555\">{name}</text>",
            y - 10,
            x + 18,
        );
    }
    svg.push_str("</svg>\n");
    svg
}
