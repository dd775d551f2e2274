//! The report for people: a line per event, a timeline of logins and the closing table, at most 80
//! columns wide.

use std::{fmt::Write as _, time::Duration};

use tokenlease::Result;

use super::{
    Format,
    emulated::{Service, failed},
    processes::ScenarioCounts,
    totals::{ProviderTotals, Totals},
};

/// Prints one or more lines, without the last newline.
pub(super) type Print<'a> = &'a dyn Fn(&str) -> Result<()>;

/// The columns for the text of an event.
const EVENT_WIDTH: usize = 44;
/// The columns for the text of a scenario in part 2.
const SCENARIO_WIDTH: usize = 46;
/// The time that one column of the timeline covers.
const SLOT: Duration = Duration::from_secs(30 * 60);
const SLOTS: usize = 48;

const INTRODUCTION: &str = "\
This demo runs one day at WinKAS Air and Wyn Enterprise in seconds. Both are
emulated on this machine, and all calls go over real HTTP. Three services, whose
tokens live 12, 24 and 8 hours, do the same work twice. With tokenlease, the
workers of a service share a store. Without it, each worker keeps its own token,
and logs in when it has no token or an API call fails. A service has 8 workers,
which play the part of processes. The columns \"with\" and \"without\" count logins:

time   service      event                                         with  without
";

const PROCESSES_INTRODUCTION: &str = "\
Part 2: 16 real processes of this program start at once and share a folder as
their store. The columns count logins, and refetches of the current token:

provider        event                                           logins  refetch";

/// Prints the report while the demo runs. With [`Format::Json`], it prints only the totals.
pub(super) struct Report<'a> {
    format: Format,
    print: Print<'a>,
    winkas: Timeline,
    wyn: Timeline,
}

/// Logins per half hour, with tokenlease and without.
#[derive(Clone, Copy)]
struct Timeline([(u64, u64); SLOTS]);

impl<'a> Report<'a> {
    /// Prints the introduction.
    pub(super) fn start(format: Format, print: Print<'a>) -> Result<Self> {
        let empty = Timeline([(0, 0); SLOTS]);
        let report = Self { format, print, winkas: empty, wyn: empty };
        report.text(INTRODUCTION.trim_end())?;
        Ok(report)
    }

    /// Prints an event with the logins that it needed, with tokenlease and without.
    pub(super) fn event(
        &mut self,
        now: Duration,
        service: Service,
        text: &str,
        (with, without): (u64, u64),
    ) -> Result<()> {
        let Timeline(slots) = if service.is_wyn() { &mut self.wyn } else { &mut self.winkas };
        let slot = usize::try_from(now.as_secs() / SLOT.as_secs()).unwrap_or_default();
        if let Some(slot) = slots.get_mut(slot) {
            slot.0 += with;
            slot.1 += without;
        }
        let mut lines = wrapped(text, EVENT_WIDTH).into_iter();
        let first = lines.next().unwrap_or_default();
        let (time, name) = (time_of_day(now), service.name());
        self.text(&format!("{time}  {name:11}  {first:EVENT_WIDTH$}{with:6}{without:9}"))?;
        lines.try_for_each(|line| self.text(&format!("{:20}{line}", "")))
    }

    /// Prints the timelines and the table of part 1.
    pub(super) fn end_of_day(&self, totals: &Totals) -> Result<()> {
        self.text(&self.timelines())?;
        self.text(&table(totals))
    }

    /// Prints the introduction of part 2.
    pub(super) fn start_of_processes(&self) -> Result<()> {
        self.text(PROCESSES_INTRODUCTION)
    }

    /// Prints a scenario of part 2 with the calls that it needed.
    pub(super) fn scenario(
        &self,
        provider: &str,
        text: &str,
        counts: &ScenarioCounts,
    ) -> Result<()> {
        let mut lines = wrapped(text, SCENARIO_WIDTH).into_iter();
        let first = lines.next().unwrap_or_default();
        let ScenarioCounts { logins, refetches, .. } = counts;
        self.text(&format!("{provider:14}  {first:SCENARIO_WIDTH$}{logins:8}{refetches:9}"))?;
        lines.try_for_each(|line| self.text(&format!("{:16}{line}", "")))
    }

    /// Prints the last line: how many times fewer logins, or the JSON of all totals.
    pub(super) fn end(&self, totals: &Totals) -> Result<()> {
        if self.format == Format::Json {
            let json = serde_json::to_string(totals);
            return (self.print)(
                &json.map_err(|error| failed("the totals have no JSON").with_source(error))?,
            );
        }
        self.text("")?;
        self.text(&ratio(totals))
    }

    fn timelines(&self) -> String {
        let mut text = format!("\n{:26}", "Logins per half hour");
        for hour in (0..24).step_by(3) {
            let _ = write!(text, "{hour:02}:00 ");
        }
        text.push_str("24:00\n");
        for (name, Timeline(slots)) in [("WinKAS", &self.winkas), ("Wyn", &self.wyn)] {
            let with: String = slots.iter().map(|&(with, _)| digit(with)).collect();
            let without: String = slots.iter().map(|&(_, without)| digit(without)).collect();
            let _ = writeln!(text, "{name:8}{:18}{with}", "with");
            let _ = writeln!(text, "{:8}{:18}{without}", "", "without");
        }
        text.push_str("        (. none, # ten or more)");
        text
    }

    fn text(&self, text: &str) -> Result<()> {
        if self.format == Format::Json { Ok(()) } else { (self.print)(text) }
    }
}

fn table(totals: &Totals) -> String {
    let Totals { winkas, wyn, .. } = totals;
    let mut text = format!("\n{:36}{:>19}{:>22}\n", "", "WinKAS Air", "Wyn Enterprise");
    let _ =
        writeln!(text, "{:36}{:>9}{:>10}{:>12}{:>10}", "", "with", "without", "with", "without");
    let mut row = |name: &str, of: &dyn Fn(&ProviderTotals) -> [String; 2]| {
        let ([a, b], [c, d]) = (of(winkas), of(wyn));
        let _ = writeln!(text, "{}", format!("{name:36}{a:>9}{b:>10}{c:>12}{d:>10}").trim_end());
    };
    let only = |count: u64| [count.to_string(), String::new()];
    let both = |with: u64, without: u64| [with, without].map(|count| count.to_string());
    let locked = |locked: bool| if locked { "yes" } else { "no" }.to_owned();
    row("logins that returned a new token", &|t| both(t.logins, t.naive_logins));
    row("  the minimum possible", &|t| only(t.minimum_logins));
    row("tokens served to callers", &|t| only(t.tokens_served));
    row("  inactive, detectable", &|t| only(t.inactive_served));
    row("  inactive, not yet detectable", &|t| only(t.inactive_undetectable));
    row("API calls rejected for their token", &|t| both(t.rejected_calls, t.naive_rejected_calls));
    row("refetches of the current token", &|t| only(t.refetches));
    row("validations of a token", &|t| only(t.validations));
    row("wrong passwords sent", &|t| {
        both(t.wrong_credentials_sent, t.naive_wrong_credentials_sent)
    });
    row("  account locked by them", &|t| {
        [locked(t.account_locked), locked(t.naive_account_locked)]
    });
    text
}

fn ratio(totals: &Totals) -> String {
    let Totals { winkas, wyn, .. } = totals;
    let (with, without) = (winkas.logins + wyn.logins, winkas.naive_logins + wyn.naive_logins);
    // In tenths, rounded to the nearest.
    let tenths = (20 * without + with) / (2 * with).max(1);
    let (whole, tenth) = (tenths / 10, tenths % 10);
    format!("{with} logins instead of {without}: {whole}.{tenth} times fewer.")
}

fn digit(logins: u64) -> char {
    match u32::try_from(logins) {
        Ok(0) => '.',
        Ok(few) => char::from_digit(few, 10).unwrap_or('#'),
        Err(_) => '#',
    }
}

fn time_of_day(now: Duration) -> String {
    let minutes = now.as_secs() / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Breaks a text between words into lines of that width.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_the_report_is_wider_than_80_columns() {
        let provider = ProviderTotals {
            tokens_served: 99_999,
            logins: 99,
            naive_logins: 9_999,
            ..ProviderTotals::default()
        };
        let totals = Totals { winkas: provider, wyn: provider, ..Totals::default() };
        let report = Report {
            format: Format::Text,
            print: &|_| Ok(()),
            winkas: Timeline([(1, 10); SLOTS]),
            wyn: Timeline([(0, 9); SLOTS]),
        };
        let parts = [
            INTRODUCTION,
            PROCESSES_INTRODUCTION,
            &report.timelines(),
            &table(&totals),
            &ratio(&totals),
        ];
        let all = parts.join("\n");
        for line in all.lines() {
            assert!(line.len() <= 80, "{line}");
        }
        assert!(all.contains("198 logins instead of 19998: 101.0 times fewer."), "{all}");
    }

    #[test]
    fn the_report_breaks_long_texts_between_words() {
        let words = "word ".repeat(30);
        let lines = wrapped(words.trim_end(), EVENT_WIDTH);
        assert!(lines.iter().all(|line| line.len() <= EVENT_WIDTH));
        assert_eq!(lines.join(" "), words.trim_end());
    }

    #[test]
    fn the_timeline_shows_ten_or_more_logins_as_one_sign() {
        assert_eq!([0, 1, 9, 10, u64::MAX].map(digit), ['.', '1', '9', '#', '#']);
    }
}
