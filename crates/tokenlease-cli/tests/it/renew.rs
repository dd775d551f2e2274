//! `exec --env` and `exec --renew`.
#![cfg(unix)]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Stdio},
};

use tokenlease_emulator::{Emulator, Endpoint, Fault};

use crate::support::{Program, emulator, folder, private, winkas, wyn};

/// A command of `exec` that waits until another token is in the file, and prints both.
const UNTIL_RENEWED: &str = "first=$(cat \"$TOKENLEASE_TOKEN_FILE\"); \
     until [ \"$(cat \"$TOKENLEASE_TOKEN_FILE\")\" != \"$first\" ]; do sleep 0.02; done; \
     echo \"$TOKENLEASE_TOKEN\"; echo \"$first\"; cat \"$TOKENLEASE_TOKEN_FILE\"; \
     stat -c %a \"$TOKENLEASE_TOKEN_FILE\"";

fn start(mut program: Program) -> Child {
    let command = program.command().stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).spawn().expect("the program")
}

fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(sent.success());
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn exec_passes_the_token_in_the_variable_that_env_names() {
    let emulator = emulator();
    let run = wyn(&emulator, "exec").args(["--env", "BI_TOKEN", "--", "env"]).run().exits_with(0);
    let value = |name: &str| run.out.lines().find_map(|line| line.strip_prefix(name));
    assert!(emulator.token_is_active(value("BI_TOKEN=").expect("a token")), "{run:?}");
    assert_eq!(value("TOKENLEASE_TOKEN="), None);
    // One command can have the tokens of two profiles.
    let nested = wyn(&emulator, "exec").env("TOKENLEASE_TOKEN", "outer").args([
        "--env",
        "BI_TOKEN",
        "--",
        "printenv",
        "TOKENLEASE_TOKEN",
    ]);
    assert_eq!(nested.run().exits_with(0).out, "outer\n");
    let logins = emulator.counts().wyn.login;
    for name in ["", "a b", "A=B", "1A", "TOKENLEASE_PASSWORD", "TOKENLEASE_STORE"] {
        let run = wyn(&emulator, "exec").args(["--env", name, "--", "true"]).run().exits_with(2);
        run.complains("--env");
    }
    assert_eq!(emulator.counts().wyn.login, logins);
}

/// Rule: Expiry: `exec --renew` replaces the token in its file before the token expires.
#[test]
fn exec_renews_the_token_in_its_file_before_it_expires() {
    let (emulator, folder) = (emulator(), folder());
    let file = folder.path().join("token");
    let run = wyn(&emulator, "exec")
        .args(["--lifetime", "3s", "--renew"])
        .args([&file])
        .args(["--", "sh", "-c", UNTIL_RENEWED])
        .run()
        .exits_with(0);
    let [variable, first, second, mode] = lines(&run.out)[..] else { panic!("{run:?}") };
    assert_eq!(variable, first);
    assert_ne!(first, second);
    assert_eq!(mode, "600");
    assert_eq!(run.err, "");
    assert!(!file.exists(), "the file remained after the command");
}

/// Rule: Revocation: `exec --renew` replaces a token that another process revoked.
#[test]
fn exec_renews_a_token_that_another_process_revoked() {
    let (emulator, folder) = (emulator(), folder());
    let secret = folder.path().join("secret");
    fs::write(&secret, emulator.wyn().client_secret()).expect("written");
    private(&secret);
    let (server, user) = (emulator.wyn().server(), emulator.wyn().user());
    let revoke = format!(
        "printf %s \"$TOKENLEASE_TOKEN\" | '{}' revoke --provider wyn --server '{server}' \
         --user '{user}' --client-secret-file '{}' >&2; {UNTIL_RENEWED}",
        env!("CARGO_BIN_EXE_tokenlease"),
        secret.display(),
    );
    let run = wyn(&emulator, "exec")
        .shares(folder.path())
        .args(["--store-check-interval", "1s", "--renew"])
        .args([folder.path().join("token")])
        .args(["--", "sh", "-c", &revoke])
        .run()
        .exits_with(0);
    let [first, _, second, _] = lines(&run.out)[..] else { panic!("{run:?}") };
    assert!(!emulator.token_is_active(first) && emulator.token_is_active(second), "{run:?}");
    assert_eq!(emulator.counts().wyn.login, 2);
}

/// Rule: Outage: while no new token can be had, `exec --renew` keeps the file and its command, and
/// warns once.
#[test]
fn exec_keeps_its_file_and_command_while_no_new_token_can_be_had() {
    let (emulator, folder) = (emulator(), folder());
    let (file, go) = (folder.path().join("token"), folder.path().join("go"));
    let wait = format!(
        "echo ready; until [ -e '{}' ]; do sleep 0.02; done; cat \"$TOKENLEASE_TOKEN_FILE\"; exit 7",
        go.display()
    );
    let mut child = start(
        wyn(&emulator, "exec")
            .args(["--lifetime", "1s", "--deadline", "1s", "--renew"])
            .args([&file])
            .args(["--", "sh", "-c", &wait]),
    );
    let mut out = BufReader::new(child.stdout.take().expect("its output")).lines();
    assert_eq!(out.next().expect("a line").expect("text"), "ready");
    let token = fs::read_to_string(&file).expect("a token");
    emulator.fault(Endpoint::WynLogin, Fault::status(503), 1000);
    let mut err = BufReader::new(child.stderr.take().expect("its errors")).lines();
    let warning = err.next().expect("a line").expect("text");
    assert!(warning.contains("warning: the token was not renewed: "), "{warning}");
    fs::write(&go, "").expect("written");
    assert_eq!(format!("{}\n", out.next().expect("a line").expect("text")), token);
    assert_eq!(child.wait().expect("its end").code(), Some(7));
    let more: Vec<_> = err.map(|line| line.expect("text")).collect();
    assert!(more.iter().all(|line| !line.contains("not renewed")), "{more:?}");
}

/// Rule: Formats: `exec --renew` passes signals on to its command, and exits as the command does.
#[test]
fn exec_with_renew_passes_signals_on_and_exits_as_its_command() {
    let (emulator, folder) = (emulator(), folder());
    let file = folder.path().join("token");
    let program = |script: &str| {
        let program = winkas(&emulator, "exec").args(["--renew"]).args([&file]);
        program.args(["--", "sh", "-c", script])
    };
    for name in ["TERM", "INT", "HUP", "USR1"] {
        let script = format!("trap 'exit 5' {name}; echo ready; while :; do sleep 0.02; done");
        let mut child = start(program(&script));
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        signal(&child, name);
        assert_eq!(child.wait().expect("its end").code(), Some(5), "{name}");
        assert!(!file.exists(), "the file remained after {name}");
    }
    let run = program("cat; exit 42").input("input\n").run().exits_with(42);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("input\n", ""));
    // Shells use the same code for a command that a signal ended.
    program("kill -KILL $$").run().exits_with(137);
    let run = winkas(&emulator, "exec").args(["--renew"]).args([&file]);
    run.args(["--", "/no/such/program"]).run().exits_with(127).complains("can't be run");
    assert!(!file.exists());
}

/// Rule: Secrets: the command of `exec` gets no secret by `--renew` and no URL with a password.
#[test]
fn the_command_of_exec_gets_no_secret_of_an_overridden_variable() {
    let (emulator, folder) = (emulator(), folder());
    let environment = |emulator: &Emulator, more: &[&Path]| {
        let run = wyn(emulator, "exec")
            .env("TOKENLEASE_STORE", "redis://u:canary@127.0.0.1:1")
            .env("TOKENLEASE_STORE_PASSPHRASE", "canary")
            .args(["--store", "memory:"])
            .args(more)
            .args(["--", "env"])
            .run()
            .exits_with(0);
        assert!(!run.out.contains("canary"), "{run:?}");
        assert!(!run.out.contains(&emulator.wyn().password()), "{run:?}");
        run.out
    };
    environment(&emulator, &[]);
    let file = folder.path().join("token");
    let out = environment(&emulator, &[Path::new("--renew"), &file]);
    assert!(out.contains(&format!("TOKENLEASE_TOKEN_FILE={}\n", file.display())), "{out}");
}
