//! What `--help` says.

use crate::support::tokenlease;

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
fn the_help_names_every_command_and_exit_code() {
    let run = tokenlease(["--help"]).run().ends_with(0);
    for word in
        CONNECTED.into_iter().chain(["store", "emulate", "demo", "Exit codes:", "--output", "-v"])
    {
        assert!(run.out.contains(word), "{word}: {}", run.out);
    }
    for code in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "70"] {
        assert!(run.out.contains(&format!("\n  {code:<4}")), "{code}: {}", run.out);
    }
    assert_eq!(run.err, "");
    let version = tokenlease(["--version"]).run().ends_with(0);
    assert_eq!(version.out, format!("tokenlease {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_help_of_each_command_names_its_options_and_no_trap() {
    for command in CONNECTED {
        let help = tokenlease([command, "--help"]).run().ends_with(0).out;
        for option in [
            "--provider",
            "--server",
            "--user",
            "--contract",
            "--client-id",
            "--tenant",
            "--scope",
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
        let short = tokenlease([command, "-h"]).run().ends_with(0).out;
        assert!(short.lines().count() < help.lines().count(), "{command}");
    }
    for (command, words) in [
        ("token", "--show"),
        ("exec", "TOKENLEASE_TOKEN"),
        ("revoke", "sent to the login page"),
        ("status", "--min-remaining"),
        ("report-rejected", "still active"),
        ("doctor", "--login"),
        ("emulate", "--winkas"),
        ("emulate", "--wyn"),
    ] {
        let help = tokenlease([command, "--help"]).run().ends_with(0).out;
        assert!(help.contains(words), "{command} {words}: {help}");
    }
}
