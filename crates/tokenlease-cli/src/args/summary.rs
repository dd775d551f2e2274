//! The first screen of each `--help`: examples and the command's own options.

use std::fmt::Write as _;

use clap::{Arg, Command, builder::Resettable};

/// The order of the parts of a help text.
const TEMPLATE: &str = "{about-with-newline}\n{usage-heading} {usage}\n\n{before-help}\
                        {all-args}{after-help}";
/// The last line of the first screen.
const MORE: &str = "All options follow. Variables and exit codes are at the end.";
/// The width that fits each terminal.
const WIDTH: usize = 80;

/// Adds the summaries to a command and its subcommands. They cost time, so that a command line
/// without `--help` is parsed without them.
pub(crate) fn with_summaries(command: Command) -> Command {
    summarized(with_options(command))
}

/// Builds a command with its subcommands, which get their options only then.
pub(crate) fn with_options(mut command: Command) -> Command {
    let described = command.clone();
    command.build();
    describe(command, &described)
}

/// Gives a command's subcommands the descriptions that they had before they were built. The doc comment
/// of a group of options that is added late replaces them.
fn describe(mut command: Command, described: &Command) -> Command {
    for before in described.get_subcommands() {
        command = command.mut_subcommand(before.get_name(), |subcommand| {
            let about = Resettable::from(before.get_about().cloned());
            let long = Resettable::from(before.get_long_about().cloned());
            describe(subcommand, before).about(about).long_about(long)
        });
    }
    command
}

fn summarized(mut command: Command) -> Command {
    let names: Vec<_> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, summarized);
    }
    let end = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let Some((examples, end)) = end.split_once("\n\n") else { return command };
    let mut summary = format!("{examples}\n\n");
    let options: Vec<_> = command.get_arguments().filter(|arg| is_own(arg)).collect();
    if !options.is_empty() {
        summary.push_str("Options used most:\n");
        let names: Vec<_> = options.iter().map(|arg| name(arg)).collect();
        let column = names.iter().map(String::len).max().unwrap_or_default() + 4;
        for (arg, name) in options.iter().zip(&names) {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let sentence = help.split(". ").next().unwrap_or_default().trim_end_matches('.');
            let _ = writeln!(summary, "  {name:0$}{1}", column - 2, shortened(sentence, column));
        }
        summary.push('\n');
    }
    summary.push_str(MORE);
    command.before_long_help(summary).after_long_help(end.to_owned()).help_template(TEMPLATE)
}

/// Returns whether the option is the command's own, or `--profile`, which replaces most others.
fn is_own(arg: &Arg) -> bool {
    let is_shared = matches!(arg.get_id().as_str(), "config" | "output" | "verbose");
    !arg.is_hide_set()
        && !is_shared
        && arg.get_help_heading().is_none()
        && !matches!(arg.get_id().as_str(), "help" | "version")
}

fn name(arg: &Arg) -> String {
    let value = arg.get_value_names().and_then(|names| names.first());
    let takes_value = arg.get_action().takes_values();
    match (arg.get_long(), value.filter(|_| takes_value)) {
        (Some(long), Some(value)) => format!("--{long} <{value}>"),
        (Some(long), None) => format!("--{long}"),
        (None, value) => format!("<{}>", value.map_or("ARGUMENT", |name| name.as_str())),
    }
}

/// Returns as many words of the text as fit on a line after that column.
fn shortened(text: &str, column: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        // Room for a space and the sign that the text goes on.
        if column + line.len() + word.len() + 3 > WIDTH {
            return format!("{} …", line.trim_end_matches(','));
        }
        let space = if line.is_empty() { "" } else { " " };
        let _ = write!(line, "{space}{word}");
    }
    line
}
