//! The command `demo`. The demo itself is the crate `tokenlease-demo`; these tests are here because
//! its part 2 starts the program again.

use std::process::{Command, Output};

use serde_json::Value;
use tokenlease_emulator::Emulator;

fn demo(args: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tokenlease"))
        .arg("demo")
        .args(args)
        .env_remove("TOKENLEASE_PASSWORD")
        .output()
        .unwrap();
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    let both = String::from_utf8(both).unwrap();
    assert!(output.status.success(), "{both}");
    (output, both)
}

/// Checks for the fixed secrets of the emulator's users, and for tokens by their format.
fn assert_no_secret(text: &str) {
    let ready = Emulator::builder().start_blocking().unwrap().ready_line();
    for (provider, field) in [("winkas", "password"), ("wyn", "password"), ("wyn", "client_secret")]
    {
        let secret = ready[provider][field].as_str().unwrap();
        assert!(!text.contains(secret), "a {field} of {provider} was printed");
    }
    assert!(!text.contains('|'), "a WinKAS token was printed");
    let longest = text.split(|letter: char| !letter.is_ascii_hexdigit()).map(str::len).max();
    assert!(longest < Some(32), "a Wyn token was printed");
}

fn number(counts: &Value, name: &str) -> u64 {
    counts[name].as_u64().unwrap_or_else(|| panic!("no number {name} in {counts}"))
}

/// Rule: Logins: A day with outages, rejected tokens, restarts and a wrong password needs the
/// minimum number of logins, and no caller gets a token that the client could know to be inactive.
#[test]
fn the_demo_sends_the_minimum_number_of_logins_and_serves_no_inactive_token() {
    let (output, both) = demo(&["--output", "json"]);
    assert_no_secret(&both);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let totals: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    for name in ["winkas", "wyn"] {
        let provider = &totals[name];
        assert_eq!(number(provider, "logins"), number(provider, "minimum_logins"), "{totals}");
        assert_eq!(number(provider, "inactive_served"), 0, "{totals}");
        assert!(number(provider, "naive_logins") > number(provider, "logins"), "{totals}");
        assert!(number(provider, "tokens_served") > 1000, "{totals}");
        assert!(number(provider, "validations") > 0, "{totals}");
        assert_eq!(provider["account_locked"], false, "{totals}");
    }
    assert!(number(&totals["winkas"], "refetches") > 0, "{totals}");
    assert!(number(&totals["winkas"], "wrong_credentials_sent") <= 2, "{totals}");
    assert_eq!(number(&totals["wyn"], "wrong_credentials_sent"), 1, "{totals}");
}

#[test]
fn the_demo_reports_the_same_totals_each_time() {
    let totals = || demo(&["--output", "json"]).0.stdout;
    assert_eq!(totals(), totals());
}

#[test]
fn the_demo_report_fits_80_columns_and_ends_with_the_ratio() {
    let (output, both) = demo(&[]);
    assert_no_secret(&both);
    let report = String::from_utf8(output.stdout).unwrap();
    for line in report.lines() {
        assert!(line.chars().count() <= 80 && line == line.trim_end(), "{line:?}");
    }
    assert!(report.lines().last().unwrap().ends_with("times fewer."), "{report}");
    for text in ["Part 2: 16 real processes", "killed in the middle of its", "wrong password: one"]
    {
        assert!(report.contains(text), "{text} is missing: {report}");
    }
    for time in ["00:00", "06:00", "08:02", "12:00", "13:15", "15:30", "18:00", "21:00"] {
        assert!(report.lines().any(|line| line.starts_with(time)), "{time} is missing: {report}");
    }
}

#[test]
fn the_demo_ends_without_an_error_when_its_output_is_closed() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tokenlease"))
        .arg("demo")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

/// Rule: Logins: Sixteen processes that start at once send one login, even if the process that logs
/// in is killed or the password is wrong; WinKAS gets at most two refetches.
///
/// Reported as camunda-community-hub/zeebe-client-node-js#244, DOI-BLM/requests-arcgis-auth#4 and
/// concourse/concourse#3586.
#[test]
fn sixteen_processes_send_one_login_even_if_one_is_killed_or_the_password_is_wrong() {
    let (output, both) = demo(&["--output", "json"]);
    assert_no_secret(&both);
    let totals: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (provider, refetches) in [("winkas", 1), ("wyn", 0)] {
        let of = &totals["processes"][provider];
        for (scenario, served, rejected) in [("cold_start", 16, 0), ("wrong_password", 0, 16)] {
            let counts = &of[scenario];
            assert_eq!(number(counts, "processes"), 16, "{totals}");
            assert_eq!(number(counts, "served"), served, "{totals}");
            assert_eq!(number(counts, "credentials_rejected"), rejected, "{totals}");
            assert_eq!(number(counts, "logins"), 1, "{totals}");
            assert_eq!(number(counts, "refetches"), refetches, "{totals}");
            assert_eq!(counts["account_locked"], false, "{totals}");
        }
        assert_eq!(number(&of["cold_start"], "distinct_tokens"), 1, "{totals}");
        let wrong = number(&of["wrong_password"], "wrong_credentials_sent");
        assert_eq!(wrong, 1 + refetches, "{totals}");
    }
    let killed = &totals["processes"]["winkas"]["killed_login"];
    for (name, count) in
        [("killed", 1), ("served", 15), ("distinct_tokens", 1), ("logins", 1), ("refetches", 2)]
    {
        assert_eq!(number(killed, name), count, "{totals}");
    }
}
