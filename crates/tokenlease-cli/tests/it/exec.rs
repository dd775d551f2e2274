//! `exec`: the environment and the exit code of its command.
#![cfg(unix)]

use crate::support::{emulator, wyn};

/// Rule: Secrets: the command of `exec` gets the token and no password, client secret or passphrase.
#[test]
fn exec_passes_the_token_and_removes_the_secrets() {
    let emulator = emulator();
    let run = wyn(&emulator, "exec").args(["--", "env"]).run().exits_with(0);
    let value = |name: &str| run.out.lines().find_map(|line| line.strip_prefix(name));
    let token = value("TOKENLEASE_TOKEN=").expect("a token");
    assert!(emulator.token_is_active(token), "{run:?}");
    assert_eq!(value("TOKENLEASE_PASSWORD="), None);
    assert_eq!(value("TOKENLEASE_CLIENT_SECRET="), None);
    assert!(!run.out.contains(&emulator.wyn().password()));
    assert!(!run.out.contains(&emulator.wyn().client_secret()));
}

#[test]
fn exec_passes_arguments_input_and_exit_code() {
    let emulator = emulator();
    let run = wyn(&emulator, "exec")
        .args(["--", "sh", "-c", "cat; printf '%s|' \"$@\"; exit 42", "sh", "--output", "a  b", ""])
        .input("input\n")
        .run()
        .exits_with(42);
    assert_eq!(run.out, "input\n--output|a  b||");
    assert_eq!(run.err, "");
}

#[test]
fn exec_replaces_its_process() {
    use std::io::Read as _;
    let emulator = emulator();
    let mut program = wyn(&emulator, "exec").args(["--", "sh", "-c", "echo $$"]);
    let mut child =
        program.command().stdout(std::process::Stdio::piped()).spawn().expect("the program");
    let mut printed = String::new();
    child.stdout.take().expect("its output").read_to_string(&mut printed).expect("a number");
    assert!(child.wait().expect("its end").success());
    assert_eq!(printed.trim(), child.id().to_string());
}

#[test]
fn exec_of_a_missing_or_unexecutable_command_exits_like_a_shell() {
    let emulator = emulator();
    let run = wyn(&emulator, "exec").args(["--", "/no/such/program"]).run().exits_with(127);
    run.complains("/no/such/program can't be run");
    let file = tempfile::NamedTempFile::new().expect("a file");
    wyn(&emulator, "exec").args(["--"]).args([file.path()]).run().exits_with(126);
    // Without a command no request is sent.
    let logins = emulator.counts().wyn.login;
    wyn(&emulator, "exec").run().exits_with(2);
    assert_eq!(emulator.counts().wyn.login, logins);
}

#[test]
fn exec_runs_nothing_without_a_token() {
    let emulator = emulator();
    let program = wyn(&emulator, "exec").env("TOKENLEASE_PASSWORD", "wrong");
    let run = program.args(["--", "echo", "ran"]).run().exits_with(3);
    assert_eq!(run.out, "");
}

/// Rule: Outage: while the store is unavailable, `exec` fails and sends nothing; with the policy
/// `login-within-budget` it logs in once and runs its command.
#[test]
fn exec_removes_a_store_url_with_a_password_and_follows_the_policy_for_outages() {
    let emulator = emulator();
    let key = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(key.path(), [7; 32]).expect("written");
    let exec = || {
        wyn(&emulator, "exec")
            .env("TOKENLEASE_STORE", "redis://u:canary@127.0.0.1:1")
            .env("TOKENLEASE_STORE_KEY_FILE", key.path())
    };
    let run = exec().args(["--", "env"]).run().exits_with(6);
    assert!(run.out.is_empty() && run.err.contains("Connection refused"), "{run:?}");
    assert_eq!(emulator.counts().wyn.login, 0);
    let run = exec()
        .args(["--on-store-outage=login-within-budget", "--", "env"])
        .run()
        .exits_with(0)
        .complains("warning: the store is unavailable");
    assert!(run.out.contains("TOKENLEASE_TOKEN=") && !run.out.contains("canary"), "{run:?}");
    assert_eq!(emulator.counts().wyn.login, 1);
}
