//! Telling the day: its lines, a timeline of logins, and the closing table, 80 columns wide.

use std::{fmt::Write as _, time::Duration};

use super::{
    numbers::{Numbers, Provider},
    processes::Scene,
    site::{Service, failed},
};
use crate::output::{Failure, Output, line};

/// The columns that the text of an event may take.
const TEXT: usize = 44;
/// The same in the second act.
const WIDE: usize = 46;
/// The timeline has a column for each half hour.
const SLOT: Duration = Duration::from_secs(30 * 60);
const SLOTS: usize = 48;

const OPENING: &str = "\
One day at WinKAS Air and Wyn Enterprise in seconds, over real HTTP to both, as
emulated on this machine. Three services do the same work twice: with tokenlease
and a store that their workers share, and without it, where each worker keeps a
token of its own and logs in when it has none or an API call fails. A service
has 8 workers, which stand for processes. These are the logins that it takes:

time   service      what happens                                  with  without
";

const SECOND_ACT: &str = "\
The second act: 16 real processes of this program, started at once, that share a
folder. These are the logins, and the questions for the running token (refetch):

provider          what happens                                    logins  refetch";

/// What is told as the day goes on, to people only.
pub(super) struct Story {
    output: Output,
    winkas: Timeline,
    wyn: Timeline,
}

/// Logins by the half hour, with tokenlease and without.
#[derive(Clone, Copy)]
struct Timeline([(u64, u64); SLOTS]);

impl Story {
    pub(super) fn begin(output: Output) -> Result<Self, Failure> {
        let none = Timeline([(0, 0); SLOTS]);
        let story = Self { output, winkas: none, wyn: none };
        story.say(OPENING.trim_end())?;
        Ok(story)
    }

    /// Tells an event with the logins that it cost, with tokenlease and without.
    pub(super) fn tell(
        &mut self,
        now: Duration,
        service: Service,
        text: &str,
        (with, without): (u64, u64),
    ) -> Result<(), Failure> {
        let Timeline(slots) = if service.is_wyn() { &mut self.wyn } else { &mut self.winkas };
        let slot = usize::try_from(now.as_secs() / SLOT.as_secs()).unwrap_or_default();
        if let Some(slot) = slots.get_mut(slot) {
            slot.0 += with;
            slot.1 += without;
        }
        let mut lines = wrapped(text, TEXT).into_iter();
        let first = lines.next().unwrap_or_default();
        let time = clock(now);
        self.say(&format!("{time}  {:11}  {first:TEXT$}{with:6}{without:9}", service.name()))?;
        lines.try_for_each(|line| self.say(&format!("{:20}{line}", "")))
    }

    /// What the day came to.
    pub(super) fn end_of_day(&self, numbers: &Numbers) -> Result<(), Failure> {
        self.say(&self.timelines())?;
        self.say(&table(numbers))
    }

    pub(super) fn second_act(&self) -> Result<(), Failure> {
        self.say(SECOND_ACT)
    }

    /// Tells a scene of the second act with what it cost.
    pub(super) fn scene(&self, provider: &str, text: &str, scene: &Scene) -> Result<(), Failure> {
        let mut lines = wrapped(text, WIDE).into_iter();
        let first = lines.next().unwrap_or_default();
        let Scene { logins, refetches, .. } = scene;
        self.say(&format!("{provider:14}  {first:WIDE$}{logins:8}{refetches:9}"))?;
        lines.try_for_each(|line| self.say(&format!("{:16}{line}", "")))
    }

    pub(super) fn end(&self, numbers: &Numbers) -> Result<(), Failure> {
        if self.output == Output::Json {
            return line(
                &serde_json::to_string(numbers)
                    .map_err(|error| failed("the numbers can't be written").with_source(error))?,
            );
        }
        self.say("")?;
        self.say(&ratio(numbers))
    }

    fn timelines(&self) -> String {
        let mut text = format!("\n{:26}", "Logins by the half hour");
        for hour in (0..24).step_by(3) {
            let _ = write!(text, "{hour:02}:00 ");
        }
        text.push_str("24:00\n");
        for (name, Timeline(slots)) in [("WinKAS", &self.winkas), ("Wyn", &self.wyn)] {
            let with: String = slots.iter().map(|&(with, _)| mark(with)).collect();
            let without: String = slots.iter().map(|&(_, without)| mark(without)).collect();
            let _ = writeln!(text, "{name:8}{:18}{with}", "with");
            let _ = writeln!(text, "{:8}{:18}{without}", "", "without");
        }
        text.push_str("        (. none, # ten or more)");
        text
    }

    fn say(&self, text: &str) -> Result<(), Failure> {
        if self.output == Output::Json {
            return Ok(());
        }
        line(text)
    }
}

fn table(numbers: &Numbers) -> String {
    let Numbers { winkas, wyn, .. } = numbers;
    let mut text = format!("\n{:36}{:>19}{:>22}\n", "", "WinKAS Air", "Wyn Enterprise");
    let _ =
        writeln!(text, "{:36}{:>9}{:>10}{:>12}{:>10}", "", "with", "without", "with", "without");
    let mut row = |name: &str, of: &dyn Fn(&Provider) -> [String; 2]| {
        let ([a, b], [c, d]) = (of(winkas), of(wyn));
        let _ = writeln!(text, "{}", format!("{name:36}{a:>9}{b:>10}{c:>12}{d:>10}").trim_end());
    };
    let only = |count: u64| [count.to_string(), String::new()];
    let both = |with: u64, without: u64| [with, without].map(|count| count.to_string());
    let yes = |locked: bool| if locked { "yes" } else { "no" }.to_owned();
    row("logins that brought a token", &|v| both(v.issued, v.naive_issued));
    row("  the least possible", &|v| only(v.minimum));
    row("tokens that callers were given", &|v| only(v.answers));
    row("  dead, as could be known", &|v| only(v.dead_served));
    row("  dead, as nobody could know yet", &|v| only(v.dead_unknowable));
    row("API calls rejected for their token", &|v| both(v.rejected, v.naive_rejected));
    row("running token asked for (refetch)", &|v| only(v.refetched));
    row("questions if a token is active", &|v| only(v.validated));
    row("wrong passwords sent", &|v| both(v.wrong_sent, v.naive_wrong_sent));
    row("  account locked by them", &|v| [yes(v.locked), yes(v.naive_locked)]);
    text
}

fn ratio(numbers: &Numbers) -> String {
    let Numbers { winkas, wyn, .. } = numbers;
    let (with, without) = (winkas.issued + wyn.issued, winkas.naive_issued + wyn.naive_issued);
    // In tenths, rounded to the nearest.
    let tenths = (20 * without + with) / (2 * with).max(1);
    let (whole, tenth) = (tenths / 10, tenths % 10);
    format!("{with} logins instead of {without}: {whole}.{tenth} times fewer.")
}

fn mark(logins: u64) -> char {
    match u32::try_from(logins) {
        Ok(0) => '.',
        Ok(few) => char::from_digit(few, 10).unwrap_or('#'),
        Err(_) => '#',
    }
}

fn clock(now: Duration) -> String {
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
    fn nothing_that_is_told_is_wider_than_80_columns() {
        let provider =
            Provider { answers: 99_999, issued: 99, naive_issued: 9_999, ..Provider::default() };
        let numbers = Numbers { winkas: provider, wyn: provider, ..Numbers::default() };
        let story = Story {
            output: Output::Text,
            winkas: Timeline([(1, 10); SLOTS]),
            wyn: Timeline([(0, 9); SLOTS]),
        };
        let all = [OPENING, SECOND_ACT, &story.timelines(), &table(&numbers), &ratio(&numbers)]
            .join("\n");
        for line in all.lines() {
            assert!(line.len() <= 80, "{line}");
        }
        assert!(all.contains("198 logins instead of 19998: 101.0 times fewer."), "{all}");
    }

    #[test]
    fn texts_are_broken_between_words() {
        let words = "word ".repeat(30);
        let lines = wrapped(words.trim_end(), TEXT);
        assert!(lines.iter().all(|line| line.len() <= TEXT));
        assert_eq!(lines.join(" "), words.trim_end());
    }

    #[test]
    fn a_mark_says_how_many_logins() {
        assert_eq!([0, 1, 9, 10, u64::MAX].map(mark), ['.', '1', '9', '#', '#']);
    }
}
