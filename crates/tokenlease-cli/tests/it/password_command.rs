//! The environment of the command of `--password-command`, and core dumps.
#![cfg(unix)]

use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    process::{Command, Stdio},
};

use crate::support::{emulator, folder, wyn};

/// Rule: Secrets: the command of `--password-command` inherits no secret.
#[test]
fn the_password_command_inherits_no_secret() {
    let (emulator, folder) = (emulator(), folder());
    let seen = folder.path().join("seen");
    let command = format!("env > '{}'; printenv THE_PASSWORD", seen.display());
    let mut program = wyn(&emulator, "token")
        .env("TOKENLEASE_CLIENT_SECRET", emulator.wyn().client_secret())
        .env("TOKENLEASE_STORE_PASSPHRASE", "canary passphrase")
        .env("TOKENLEASE_STORE", "redis://u:canary@127.0.0.1:1")
        .env("TOKENLEASE_TOKEN", "canary token")
        .env("THE_PASSWORD", emulator.wyn().password())
        .env("KEPT", "kept")
        .args(["--store", "memory:", "--password-command", &command]);
    program.command().env_remove("TOKENLEASE_PASSWORD");
    program.run().exits_with(0);
    let environment = fs::read_to_string(&seen).expect("the environment");
    assert!(environment.contains("KEPT=kept\n"), "{environment}");
    for secret in [emulator.wyn().client_secret(), "canary".to_owned()] {
        assert!(!environment.contains(&secret), "{environment}");
    }
    // A store's URL without a password is no secret: the command may be tokenlease itself.
    let mut program = wyn(&emulator, "token")
        .env("TOKENLEASE_STORE", "memory:")
        .env("THE_PASSWORD", emulator.wyn().password())
        .args(["--password-command", &command]);
    program.command().env_remove("TOKENLEASE_PASSWORD");
    program.run().exits_with(0);
    let environment = fs::read_to_string(&seen).expect("the environment");
    assert!(environment.contains("TOKENLEASE_STORE=memory:\n"), "{environment}");
}

/// Runs a command with core dumps on; returns whether the process that it names left one.
#[cfg(target_os = "linux")]
fn dumps_core(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).status().expect("a shell");
    assert!(status.signal().is_some(), "{status}");
    status.core_dumped()
}

/// Rule: Secrets: the program leaves no core dump, and its command keeps its own setting.
#[cfg(target_os = "linux")]
#[test]
fn the_program_leaves_no_core_dump() {
    let (emulator, folder) = (emulator(), folder());
    // SIGSYS, which a shell does not ignore in background jobs.
    let shell = |script: &str| {
        let mut shell = Command::new("sh");
        let script = format!("ulimit -c unlimited 2>/dev/null; {script}");
        shell.args(["-c", &script]).current_dir(folder.path());
        shell
    };
    if !dumps_core(&mut shell("kill -SYS $$")) {
        println!("skipped: this system writes no core dumps");
        return;
    }
    let run = |arguments: &str| {
        let (server, user) = (emulator.wyn().server(), emulator.wyn().user());
        let program = env!("CARGO_BIN_EXE_tokenlease");
        let mut shell = shell(&format!(
            "exec '{program}' exec --provider wyn --server '{server}' --user '{user}' \
             --store memory: {arguments}"
        ));
        shell
            .env("TOKENLEASE_CLIENT_SECRET", emulator.wyn().client_secret())
            .env("PASSWORD", emulator.wyn().password());
        dumps_core(&mut shell)
    };
    // At SIGABRT the program exits by itself.
    assert!(!run("--password-command 'kill -SYS $PPID' -- true"));
    // The command of `exec` is not the program's business.
    assert!(run("--password-command 'printenv PASSWORD' -- sh -c 'kill -SYS $$'"));
}
