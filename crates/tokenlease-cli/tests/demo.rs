//! The demo, as people and programs run it.

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

/// The demo's providers have the emulator's own users; tokens are known by their forms.
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

fn number(provider: &Value, name: &str) -> u64 {
    provider[name].as_u64().unwrap_or_else(|| panic!("no number {name} in {provider}"))
}

#[test]
fn the_day_costs_the_least_possible_logins_and_serves_no_dead_token() {
    let (output, both) = demo(&["--output", "json"]);
    assert_no_secret(&both);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let numbers: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    for name in ["winkas", "wyn"] {
        let provider = &numbers[name];
        assert_eq!(number(provider, "issued"), number(provider, "minimum"), "{numbers}");
        assert_eq!(number(provider, "dead_served"), 0, "{numbers}");
        assert!(number(provider, "naive_issued") > number(provider, "issued"), "{numbers}");
        assert!(number(provider, "answers") > 1000, "{numbers}");
        assert!(number(provider, "validated") > 0, "{numbers}");
        assert_eq!(provider["locked"], false, "{numbers}");
    }
    assert!(number(&numbers["winkas"], "refetched") > 0, "{numbers}");
    assert!(number(&numbers["winkas"], "wrong_sent") <= 2, "{numbers}");
    assert_eq!(number(&numbers["wyn"], "wrong_sent"), 1, "{numbers}");
}

#[test]
fn the_numbers_are_the_same_each_time() {
    let numbers = || demo(&["--output", "json"]).0.stdout;
    assert_eq!(numbers(), numbers());
}

#[test]
fn the_story_fits_80_columns_and_ends_with_the_ratio() {
    let (output, both) = demo(&[]);
    assert_no_secret(&both);
    let story = String::from_utf8(output.stdout).unwrap();
    for line in story.lines() {
        assert!(line.chars().count() <= 80 && line == line.trim_end(), "{line:?}");
    }
    assert!(story.lines().last().unwrap().ends_with("times fewer."), "{story}");
    for scene in ["The second act", "killed in the middle of its login", "a wrong password: one"] {
        assert!(story.contains(scene), "{scene} is missing: {story}");
    }
    for event in ["00:00", "06:00", "08:02", "12:00", "13:15", "15:30", "18:00", "21:00"] {
        assert!(story.lines().any(|line| line.starts_with(event)), "{event} is missing: {story}");
    }
}

#[test]
fn a_reader_that_has_read_enough_ends_the_story_quietly() {
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

#[test]
fn lesson_4_and_14_sixteen_processes_are_one_login_whoever_is_killed_or_mistyped() {
    let (output, both) = demo(&["--output", "json"]);
    assert_no_secret(&both);
    let numbers: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (provider, refetches) in [("winkas", 1), ("wyn", 0)] {
        let of = &numbers["processes"][provider];
        for (scene, served, rejected) in [("start", 16, 0), ("wrong", 0, 16)] {
            let scene = &of[scene];
            assert_eq!(number(scene, "processes"), 16, "{numbers}");
            assert_eq!(number(scene, "served"), served, "{numbers}");
            assert_eq!(number(scene, "rejected"), rejected, "{numbers}");
            assert_eq!(number(scene, "logins"), 1, "{numbers}");
            assert_eq!(number(scene, "refetches"), refetches, "{numbers}");
            assert_eq!(scene["locked"], false, "{numbers}");
        }
        assert_eq!(number(&of["start"], "tokens"), 1, "{numbers}");
        assert_eq!(number(&of["wrong"], "wrong_sent"), 1 + refetches, "{numbers}");
    }
    let killed = &numbers["processes"]["winkas"]["killed"];
    for (name, count) in
        [("killed", 1), ("served", 15), ("tokens", 1), ("logins", 1), ("refetches", 2)]
    {
        assert_eq!(number(killed, name), count, "{numbers}");
    }
}
