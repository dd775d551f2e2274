//! `--help`.

use crate::support::tokenlease;

/// The arguments of all commands, except for the hidden one.
const COMMANDS: [&[&str]; 23] = [
    &[],
    &["token"],
    &["exec"],
    &["credential"],
    &["credential", "kubernetes"],
    &["credential", "git"],
    &["credential", "docker"],
    &["credential", "process"],
    &["status"],
    &["history"],
    &["validate"],
    &["report-rejected"],
    &["refetch"],
    &["revoke"],
    &["forget"],
    &["unblock"],
    &["store"],
    &["store", "check"],
    &["store", "init"],
    &["doctor"],
    &["serve"],
    &["emulate"],
    &["demo"],
];

/// Returns the whole help of a command, as on a terminal of 80 columns.
fn help(command: &[&str]) -> String {
    let program = tokenlease(command).args(["--help"]).env("COLUMNS", "80");
    program.run().exits_with(0).out
}

/// Returns the help of all commands.
pub(crate) fn all_help() -> impl Iterator<Item = (&'static [&'static str], String)> {
    COMMANDS.into_iter().map(|command| (command, help(command)))
}

#[test]
fn the_help_is_the_reviewed_one() {
    for (command, help) in all_help() {
        let name = [&["tokenlease"], command].concat().join("_");
        // clap ends some lines with spaces.
        let lines: Vec<_> = help.lines().map(str::trim_end).collect();
        let text = lines.join("\n").replace("Usage: tokenlease.exe", "Usage: tokenlease");
        insta::assert_snapshot!(name, text);
    }
}

/// Rule: Formats: the help of each command begins with a summary that fits a screen of 24 lines.
#[test]
fn the_help_of_each_command_begins_with_one_screen() {
    for (command, help) in all_help() {
        let (screen, rest) = help.split_once("\nAll options follow.").expect("the summary's end");
        assert!(screen.lines().count() < 24, "{command:?}: {}: {screen}", screen.lines().count());
        assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
        for part in ["\nUsage: ", "\nExamples:\n"] {
            assert!(screen.contains(part), "{command:?}: {part}: {screen}");
        }
        assert!(rest.contains("\nExit codes:\n") && !rest.contains("\nExamples:"), "{command:?}");
    }
}

const CONNECTED: [&str; 10] = [
    "token",
    "exec",
    "status",
    "validate",
    "report-rejected",
    "refetch",
    "revoke",
    "forget",
    "unblock",
    "doctor",
];

#[test]
fn the_help_lists_every_command_and_exit_code() {
    let run = tokenlease(["--help"]).run().exits_with(0);
    for word in CONNECTED.into_iter().chain([
        "store",
        "serve",
        "emulate",
        "demo",
        "Exit codes:",
        "--output",
        "-v",
    ]) {
        assert!(run.out.contains(word), "{word}: {}", run.out);
    }
    for code in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "70"] {
        assert!(run.out.contains(&format!("\n  {code:<4}")), "{code}: {}", run.out);
    }
    assert_eq!(run.err, "");
    let version = tokenlease(["--version"]).run().exits_with(0);
    assert_eq!(version.out, format!("tokenlease {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_help_of_each_command_lists_its_options_and_no_secret_argument() {
    for command in CONNECTED {
        let help = tokenlease([command, "--help"]).run().exits_with(0).out;
        for option in [
            "--provider",
            "--server",
            "--user",
            "--contract",
            "--client-id",
            "--tenant",
            "--scope",
            "--subject",
            "--lifetime",
            "--grant",
            "--client-auth",
            "--token-path",
            "--revocation-path",
            "--introspection-path",
            "--userinfo-path",
            "--ca",
            "--allow-plain-http",
            "--timeout",
            "--deadline",
            "--profile",
            "--config",
            "--password-file",
            "--password-command",
            "--client-secret-file",
            "--store",
            "--store-key-file",
            "--output",
            "--verbose",
            "TOKENLEASE_PASSWORD",
            "Examples:",
            "Exit codes:",
        ] {
            assert!(help.contains(option), "{command} {option}: {help}");
        }
        assert!(!help.contains("--password ") && !help.contains("--client-secret "), "{help}");
        let short = tokenlease([command, "-h"]).run().exits_with(0).out;
        assert!(short.lines().count() < help.lines().count(), "{command}");
    }
    for (command, text) in [
        ("token", "--show"),
        ("token", "--write"),
        ("token", "--min-remaining"),
        ("refetch", "--write"),
        ("exec", "TOKENLEASE_TOKEN"),
        ("exec", "--renew"),
        ("exec", "--env"),
        ("exec", "--min-remaining"),
        ("revoke", "sent to the"),
        ("status", "--min-remaining"),
        ("status", "--format"),
        ("report-rejected", "still active"),
        ("doctor", "--login"),
        ("serve", "--listen"),
        ("serve", "--unix"),
        ("serve", "--forward"),
        ("serve", "--new-secret"),
        ("emulate", "--winkas"),
        ("emulate", "--wyn"),
    ] {
        let help = tokenlease([command, "--help"]).run().exits_with(0).out;
        assert!(help.contains(text), "{command} {text}: {help}");
    }
}
