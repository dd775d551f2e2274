//! The history as a picture: the lifetimes of tokens, and the events on them. It needs no other file, and is
//! readable on light and dark pages.

use std::{fmt::Write as _, time::Duration};

use tokenlease::core::{
    WallTime,
    record::{HistoryEntry, HistoryKind, HistoryResult, ShortFingerprint},
};

use super::{
    Known,
    table::{extra, summary, why},
};

const WIDTH: i64 = 960;
const LEFT: i64 = 110;
const RIGHT: i64 = 940;
const TOP: i64 = 92;
/// The height of the lane of one set of credentials.
const LANE: i64 = 44;
/// The height of a row of the list.
const ROW: i64 = 18;
/// The number of letters of a row that fit.
const LETTERS: usize = 150;

const STYLE: &str = "\
text{fill:#222;font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;font-size:12px}\
.page{fill:#fbfbf8}.head{font-size:15px;font-weight:600}.dim{fill:#666}.life{fill:#9cc3e6}\
.line{stroke:#e3e1d8}.login{fill:#3a6ea5}.extra{fill:#b0521f}.refetch{fill:#3d8a5f}\
.rejection{stroke:#b3261e;stroke-width:2.5}\
@media(prefers-color-scheme:dark){text{fill:#e6e6e3}.page{fill:#1d1f21}.dim{fill:#a5a5a0}\
.life{fill:#2f4d69}.line{stroke:#3a3d40}.login{fill:#7fb2e5}.extra{fill:#f0a060}\
.refetch{fill:#7fc79b}.rejection{stroke:#ff8a80}}";

pub(super) fn of(known: &Known) -> String {
    let entries = &known.history.entries;
    let lanes = lanes(entries);
    let count = |list: usize| i64::try_from(list).unwrap_or_default();
    let axis = TOP + LANE * count(lanes.len());
    let list = axis + 44;
    let height = list + ROW * count(entries.len()) + 12;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"{label}\">\n<style>{STYLE}</style>\n\
         <rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\" rx=\"10\"/>\n\
         <text class=\"head\" x=\"20\" y=\"28\">{identity}</text>\n\
         <text x=\"20\" y=\"48\">{label}</text>\n",
        label = escaped(&summary(&known.history)),
        identity = escaped(&known.identity),
    );
    legend(&mut svg);
    let scale = Scale::of(known);
    for (lane, credentials) in (0..).zip(&lanes) {
        let y = TOP + LANE * lane + LANE / 2;
        let _ = writeln!(
            svg,
            "<text class=\"dim\" x=\"20\" y=\"{}\">{credentials}</text>\
             <path class=\"line\" d=\"M{LEFT} {y}H{RIGHT}\"/>",
            y + 4
        );
        lane_of(&mut svg, known, *credentials, y, &scale);
    }
    let (from, until) = (WallTime(scale.from), WallTime(scale.until));
    let _ = writeln!(
        svg,
        "<text class=\"dim\" x=\"{LEFT}\" y=\"{0}\">{from}</text>\
         <text class=\"dim\" x=\"{RIGHT}\" y=\"{0}\" text-anchor=\"end\">{until}</text>",
        axis + 14
    );
    for (n, (index, entry)) in (0..).zip(entries.iter().enumerate()) {
        let text = format!(
            "{}  {}  {}  {}/{}  {}",
            entry.at,
            entry.kind.as_str(),
            entry.token.map(|token| token.to_string()).unwrap_or_default(),
            entry.host,
            entry.process,
            why(&known.history, index, entry)
        );
        let short: String = text.chars().take(LETTERS).collect();
        let _ = writeln!(
            svg,
            "<text x=\"20\" y=\"{}\">{}<title>{}</title></text>",
            list + ROW * n,
            escaped(&short),
            escaped(&text)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Returns the credentials of the history, in the order of their first entries.
fn lanes(entries: &[HistoryEntry<WallTime>]) -> Vec<ShortFingerprint<3>> {
    let mut lanes = Vec::new();
    for entry in entries {
        if !lanes.contains(&entry.credentials) {
            lanes.push(entry.credentials);
        }
    }
    lanes
}

fn legend(svg: &mut String) {
    for (x, mark, text) in [
        (20, "<circle class=\"login\" cx=\"26\" cy=\"68\" r=\"5\"/>", "login"),
        (120, "<path class=\"extra\" d=\"M126 61l7 7-7 7-7-7z\"/>", "login above the minimum"),
        (320, "<circle class=\"refetch\" cx=\"326\" cy=\"68\" r=\"4\"/>", "refetch"),
        (430, "<path class=\"rejection\" d=\"M431 63l10 10M441 63l-10 10\"/>", "rejection"),
        (
            540,
            "<rect class=\"life\" x=\"540\" y=\"62\" width=\"14\" height=\"12\"/>",
            "lifetime of a token",
        ),
    ] {
        let _ = writeln!(svg, "{mark}<text x=\"{}\" y=\"72\">{text}</text>", x + 20);
    }
}

/// The positions of times, in pixels.
struct Scale {
    from: i64,
    until: i64,
}

impl Scale {
    fn of(known: &Known) -> Self {
        let entries = &known.history.entries;
        let from = entries.first().map_or(known.now.0, |entry| entry.at.0);
        let last = entries.last().map_or(from, |entry| entry.at.0);
        Self { from, until: known.now.0.max(last).max(from.saturating_add(1)) }
    }

    fn x(&self, at: i64) -> i64 {
        let span = i128::from(self.until) - i128::from(self.from);
        let part = i128::from(at.clamp(self.from, self.until)) - i128::from(self.from);
        let x = i128::from(RIGHT - LEFT) * part / span.max(1);
        LEFT + i64::try_from(x).unwrap_or_default()
    }
}

fn lane_of(
    svg: &mut String,
    known: &Known,
    credentials: ShortFingerprint<3>,
    y: i64,
    scale: &Scale,
) {
    let entries: Vec<_> = known
        .history
        .entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.credentials == credentials)
        .collect();
    let is_token = |entry: &HistoryEntry<WallTime>| {
        entry.kind == HistoryKind::Login && entry.result == HistoryResult::Token
    };
    let mut later = entries.iter().copied().filter(|(_, entry)| is_token(entry)).peekable();
    while let Some((_, login)) = later.next() {
        // A token serves up to its end, or to the next login.
        let millis = |lifetime: Duration| i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
        let end = login.lifetime.map(|lifetime| login.at.0.saturating_add(millis(lifetime)));
        let next = later.peek().map(|(_, next)| next.at.0);
        let until = end.unwrap_or(i64::MAX).min(next.unwrap_or(i64::MAX));
        let (x, wide) = (scale.x(login.at.0), scale.x(until) - scale.x(login.at.0));
        let _ = writeln!(
            svg,
            "<rect class=\"life\" x=\"{x}\" y=\"{}\" width=\"{}\" height=\"16\"/>",
            y - 8,
            wide.max(1)
        );
    }
    for (index, entry) in entries {
        let x = scale.x(entry.at.0);
        let mark = match entry.kind {
            HistoryKind::Login if extra(&known.history, index).is_some() => {
                format!("<path class=\"extra\" d=\"M{x} {}l7 7-7 7-7-7z\">", y - 7)
            }
            HistoryKind::Login => format!("<circle class=\"login\" cx=\"{x}\" cy=\"{y}\" r=\"5\">"),
            HistoryKind::Rejection => format!(
                "<path class=\"rejection\" d=\"M{} {}l10 10M{} {1}l-10 10\">",
                x - 5,
                y - 5,
                x + 5
            ),
            _ => format!("<circle class=\"refetch\" cx=\"{x}\" cy=\"{y}\" r=\"4\">"),
        };
        let name = if mark.starts_with("<path") { "path" } else { "circle" };
        let title = escaped(&format!("{}: {}", entry.at, why(&known.history, index, entry)));
        let _ = writeln!(svg, "{mark}<title>{title}</title></{name}>");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
