//! The command line: its help, its errors and its exit codes.

use std::process::Command;

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tokenlease-sim")).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_help_names_all_commands() {
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    for name in ["--seeds", "--first", "--output", "replay", "year", "compare", "exhaustive"] {
        assert!(out.contains(name), "{name}: {out}");
    }
}

#[test]
fn wrong_arguments_are_named_and_exit_with_2() {
    for (args, word) in [
        (&["--seeds"][..], "--seeds"),
        (&["--seeds", "many"], "many"),
        (&["--seeds", "0"], "0"),
        (&["--seeds", "2", "--first", "18446744073709551615"], "--first"),
        (&["--sedes", "2"], "--sedes"),
        (&["--first", "2"], "--seeds"),
        (&["--timings"], "--seeds"),
        (&["replay"], "SEED"),
        (&["replay", "-1"], "-1"),
        (&["compare", "--days", "366"], "365"),
        (&["compare", "--svg"], "--svg"),
        (&["guess"], "guess"),
        (&[], "Usage"),
    ] {
        let (code, out, err) = run(args);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?} {err}");
        assert!(err.contains(word), "{args:?}: {err}");
    }
}

#[test]
fn random_worlds_end_with_one_line_of_figures() {
    let (code, out, err) = run(&["--seeds", "3", "--output", "json"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.starts_with("{\"seeds\":3,\"events\":") && out.lines().count() == 1, "{out}");
}

#[test]
fn timings_are_printed_on_request() {
    let (code, out, err) = run(&["--seeds", "3", "--output", "json", "--timings"]);
    assert_eq!((code, out.lines().count()), (Some(0), 1), "{out}");
    assert!(err.starts_with("a world took ") && err.lines().count() == 1, "{err}");
}
