//! `status` in the formats of monitors.

use std::fs;
#[cfg(unix)]
use std::{
    io::Write as _,
    process::{Command, Stdio},
};

#[cfg(unix)]
use tokenlease_test_servers::found;

use crate::support::{Program, emulator, folder, json, tokenlease, winkas, wyn, wyn_wrong};

/// Rule: Formats: `status --check --format nagios` exits with 0, 1, 2 or 3, and prints one line with
/// performance data.
#[test]
fn a_nagios_check_exits_with_the_state_and_prints_performance_data() {
    let (emulator, folder) = (emulator(), folder());
    let check = |program: Program, more: &[&str], code, text: &str| {
        let args = ["--check", "--format", "nagios"];
        let run = program.shares(folder.path()).args(args).args(more).run().exits_with(code);
        assert_eq!(run.out.lines().count(), 1, "{run:?}");
        assert!(run.out.starts_with(text), "{text:?} does not begin {run:?}");
        run.out
    };
    let none = check(wyn(&emulator, "status"), &[], 2, "TOKENLEASE CRITICAL - none: no live token");
    assert!(none.ends_with("|remaining=U rejections=0 tokens=0c\n"), "{none}");
    json(wyn(&emulator, "token").args(["--lifetime=8h"]), folder.path(), 0);
    let live = check(wyn(&emulator, "status"), &[], 0, "TOKENLEASE OK - live: 7h59m");
    assert!(live.contains("|remaining=287"), "{live}");
    let short = ["--min-remaining", "9h"];
    let short = check(wyn(&emulator, "status"), &short, 1, "TOKENLEASE WARNING - too short");
    assert!(short.contains("s;32400:;;0 rejections=0 tokens=1c"), "{short}");

    wyn_wrong(&emulator, "token").shares(folder.path()).run().exits_with(3);
    let text = "TOKENLEASE CRITICAL - credentials rejected";
    let rejected = check(wyn_wrong(&emulator, "status"), &[], 2, text);
    assert!(rejected.contains(" rejections=1 "), "{rejected}");
    // The expiry of a refetched token is not known: it is not short.
    let winkas_token = || winkas(&emulator, "token");
    winkas_token().run().exits_with(0);
    json(winkas_token(), folder.path(), 0);
    let refetched = ["--min-remaining", "1h"];
    let text = "TOKENLEASE OK - live: expiry unknown|remaining=U ";
    check(winkas(&emulator, "status"), &refetched, 0, text);

    // Each failure is UNKNOWN, also one of the command line.
    let unknown = "TOKENLEASE UNKNOWN - ";
    check(tokenlease(["status"]), &[], 3, unknown);
    check(wyn(&emulator, "status"), &["--no-such-option"], 3, unknown);
    check(wyn(&emulator, "status"), &["--min-remaining=1"], 3, unknown);
    check(wyn(&emulator, "status"), &["--store", "redis://127.0.0.1:1"], 3, unknown);
    let args = ["--format", "nagios"];
    let run = wyn(&emulator, "status").args(args).run().exits_with(3);
    assert!(run.out.contains("--check"), "{run:?}");
}

/// Returns the value of a sample, by its name and a part of its labels.
fn sample(text: &str, name: &str, label: &str) -> Option<f64> {
    let is_it = |line: &&str| line.starts_with(&format!("{name}{{")) && line.contains(label);
    text.lines().find(is_it)?.rsplit(' ').next()?.parse().ok()
}

/// Rule: Formats: `status --format openmetrics` is the format of `OpenMetrics` and of the textfile
/// collector.
#[test]
fn the_metrics_of_status_show_tokens_and_rejections() {
    let (emulator, folder) = (emulator(), folder());
    json(wyn(&emulator, "token").args(["--lifetime=8h"]), folder.path(), 0);
    wyn_wrong(&emulator, "token").shares(folder.path()).run().exits_with(3);
    json(winkas(&emulator, "token"), folder.path(), 0);
    let config = folder.path().join("config.toml");
    let (of, erp) = (emulator.wyn(), emulator.winkas());
    let profiles = format!(
        "[profile.bi]\nprovider = \"wyn\"\nserver = \"{}\"\nuser = \"{}\"\n\
         [profile.'e\"r\\p']\nprovider = \"winkas\"\nserver = \"{}\"\nuser = \"{}\"\n\
         contract = \"{}\"\n[profile.broken]\nprovider = \"wyn\"\n",
        of.server(),
        of.user(),
        erp.server(),
        erp.user(),
        erp.contract(),
    );
    fs::write(&config, profiles).expect("written");
    let run = tokenlease(["status", "--format", "openmetrics", "--config"])
        .args([&config])
        .shares(folder.path())
        .run()
        .exits_with(0);
    let text = run.out;
    assert!(text.ends_with("# EOF\n"), "{text}");
    let value = |name: &str, label: &str| sample(&text, name, label);
    assert_eq!(value("tokenlease_token_live", "profile=\"bi\""), Some(1.0), "{text}");
    assert_eq!(value("tokenlease_token_live", r#"profile="e\"r\\p""#), Some(1.0), "{text}");
    let expires = value("tokenlease_token_expiry_timestamp_seconds", "profile=\"bi\"");
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a time").as_secs_f64();
    assert!(expires.is_some_and(|at| at > now + 7.0 * 3600.0 && at < now + 9.0 * 3600.0));
    let all: Vec<_> =
        text.lines().filter(|line| line.starts_with("tokenlease_credentials_rejections")).collect();
    assert!(all.iter().any(|line| line.ends_with(" 1")), "{text}");
    // Credentials without a token are not one that is not live.
    assert_eq!(text.matches("\ntokenlease_token_live{").count(), 2, "{text}");
    assert_eq!(value("tokenlease_identity_live_tokens", "profile=\"bi\""), Some(1.0));
    assert_eq!(value("tokenlease_identity_tokens", "profile=\"bi\""), Some(1.0));
    assert_eq!(value("tokenlease_profile_readable", "profile=\"bi\""), Some(1.0));
    assert_eq!(value("tokenlease_profile_readable", "profile=\"broken\""), Some(0.0));
    // Families are not interleaved, and each has a help text and a type.
    let mut families: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    families.dedup();
    let mut distinct = families.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(families.len(), distinct.len(), "{text}");
    for family in families {
        assert!(text.contains(&format!("# HELP {family} ")), "{family}");
        assert!(text.contains(&format!("# TYPE {family} gauge\n")), "{family}");
    }
    #[cfg(unix)]
    check_by_promtool(&text);
    let run = wyn(&emulator, "status").args(["--format=openmetrics", "--check"]).run();
    run.exits_with(2).complains("--check");
    let run = wyn(&emulator, "status").args(["--format=openmetrics", "--output=json"]).run();
    run.exits_with(2);
}

#[cfg(unix)]
fn check_by_promtool(text: &str) {
    let Some(promtool) = found(&["promtool"]) else { return };
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool");
    child.stdin.take().expect("its input").write_all(text.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("its output");
    let printed =
        String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned();
    assert!(output.status.success() && printed.is_empty(), "{printed}\n{text}");
}
