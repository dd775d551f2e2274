//! Writes completions for shells and manual pages of the program below a folder:
//! `cargo run -p tokenlease-cli --example generate -- FOLDER`.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use clap::{Arg, Command};
use clap_complete::{Shell, generate_to};
use clap_mangen::Man;

/// The shells that the program has completions for.
const SHELLS: [Shell; 4] = [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell];

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: generate FOLDER");
        return ExitCode::from(2);
    };
    match generate(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// Writes `completions/` and `man/` into the folder.
///
/// # Errors
/// A file can't be written.
pub(crate) fn generate(folder: &Path) -> io::Result<()> {
    let command = visible(&tokenlease_cli::command());
    let completions = folder.join("completions");
    fs::create_dir_all(&completions)?;
    for shell in SHELLS {
        generate_to(shell, &mut command.clone(), "tokenlease", &completions)?;
    }
    let man = folder.join("man");
    fs::create_dir_all(&man)?;
    let mut built = command.disable_help_subcommand(true);
    built.build();
    pages(&built, &man)
}

/// Returns the command without what `--help` hides: secrets as arguments, which are only rejected, and
/// the process of the demo.
fn visible(command: &Command) -> Command {
    // clap keeps names as static text, and gives none back.
    let name: &'static str = command.get_name().to_owned().leak();
    let mut copy = Command::new(name);
    copy = copy
        .args(command.get_arguments().filter(|arg| !arg.is_hide_set() && !is_added(arg)).cloned())
        .subcommands(command.get_subcommands().filter(|one| !one.is_hide_set()).map(visible))
        .subcommand_required(command.is_subcommand_required_set())
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true);
    if let Some(about) = command.get_about() {
        copy = copy.about(about.clone());
    }
    if let Some(about) = command.get_long_about() {
        copy = copy.long_about(about.clone());
    }
    if let Some(end) = command.get_after_long_help() {
        copy = copy.after_long_help(end.clone());
    }
    copy
}

/// Returns whether clap adds the option itself, also to the copy.
fn is_added(arg: &Arg) -> bool {
    matches!(arg.get_id().as_str(), "help" | "version")
}

/// Writes the page of a command and those of its subcommands.
fn pages(command: &Command, folder: &Path) -> io::Result<()> {
    let man = Man::new(command.clone()).source(concat!("tokenlease ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let end = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    for part in end.split("\n\n") {
        let (heading, lines) = part.split_once(":\n").unwrap_or(("", part));
        section(&mut page, heading, lines)?;
    }
    fs::write(folder.join(man.get_filename()), page)?;
    command.get_subcommands().try_for_each(|command| pages(command, folder))
}

/// Writes a section whose lines keep their breaks.
fn section(page: &mut Vec<u8>, heading: &str, lines: &str) -> io::Result<()> {
    let heading = match heading {
        "Exit codes" => "EXIT STATUS".to_owned(),
        other => other.to_uppercase(),
    };
    writeln!(page, ".SH \"{heading}\"\n.nf")?;
    for line in lines.lines() {
        let line = line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
        // A dot at the begin of a line is a request. No line begins with one, because all are indented.
        writeln!(page, "{}", line.replace('`', "\\(ga"))?;
    }
    writeln!(page, ".fi")
}
