//! Stores that answer and reject calls: the program names the cause, exits with 6, and sends nothing.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use tokenlease_emulator::Emulator;
use tokenlease_test_servers::{Running, found, postgres, redis};

use crate::support::{Program, emulator, folder, private, tokenlease, winkas, wyn};

type Provider = fn(&Emulator, &str) -> Program;
const PROVIDERS: [Provider; 2] = [winkas, wyn];

/// A file with one line, for this user alone.
fn file(folder: &TempDir, name: &str, line: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, format!("{line}\n")).expect("written");
    private(&path);
    path
}

fn key(folder: &TempDir) -> PathBuf {
    file(folder, "key", &"07".repeat(32))
}

/// Runs `token` of a provider with a store on a server.
fn token(provider: Provider, emulator: &Emulator, url: &str, key: &Path) -> Program {
    provider(emulator, "token").env("TOKENLEASE_STORE", url).args(["--store-key-file"]).args([key])
}

/// Asserts that runs fail at the store and name the cause, and that no request is sent.
fn assert_rejected(emulator: &Emulator, cause: &str, run: impl Fn(Provider) -> Program) {
    let counts = emulator.counts();
    for provider in PROVIDERS {
        for policy in [None, Some("--on-store-outage=login-within-budget")] {
            let run = run(provider).args(policy).run().exits_with(6);
            assert!(run.err.contains(cause), "{cause}: {run:?}");
            assert!(run.out.is_empty() && !run.err.contains("unavailable"), "{run:?}");
        }
    }
    assert_eq!(emulator.counts(), counts, "{cause}");
}

/// Executes SQL statements at a server that trusts its user.
fn execute(server: &Running, statements: &str) {
    let psql = found(&["psql"]).expect("psql");
    let done = Command::new(psql).arg(server.url()).args(["-qc", statements]).status();
    assert!(done.expect("psql").success());
}

/// Rule: Outage: under a wrong password of Redis or PostgreSQL, or without a permission there, each run of
/// the program fails with the exit code of the store and the cause, and sends nothing.
#[test]
fn each_run_under_a_wrong_password_of_the_store_exits_with_6_and_sends_nothing() {
    let (emulator, folder) = (emulator(), folder());
    let key = key(&folder);
    if let Some(server) = redis() {
        let wrong = server.url().replace("canary", "wrong-canary");
        assert_rejected(&emulator, "WRONGPASS", |of| token(of, &emulator, &wrong, &key));
        let without = server.url().replace(":canary@", "");
        let needs = "--store-password-file";
        assert_rejected(&emulator, needs, |of| token(of, &emulator, &without, &key));
        token(wyn, &emulator, &server.url(), &key).run().exits_with(0);
    }
    if let Some(server) = postgres() {
        tokenlease(["store", "init", "--store-key-file"])
            .args([&key])
            .env("TOKENLEASE_STORE", server.url())
            .run()
            .exits_with(0);
        execute(&server, "create role app login password 'right'; create role guest login");
        let wrong = server.url().replace("tokens:canary", "app:wrong-canary");
        let cause = "password authentication failed";
        assert_rejected(&emulator, cause, |of| token(of, &emulator, &wrong, &key));
        let guest = server.url().replace("tokens:canary", "guest");
        let cause = "permission denied for table tokenlease";
        assert_rejected(&emulator, cause, |of| token(of, &emulator, &guest, &key));
    }
}

/// Rule: Formats: the program reads the password for Redis and PostgreSQL from a file or a command.
#[test]
fn the_password_for_a_store_is_read_from_a_file_or_a_command() {
    let (emulator, folder) = (emulator(), folder());
    let key = key(&folder);
    let mut stores = Vec::new();
    let server = redis();
    if let Some(server) = &server {
        stores.push((server.url().replace(":canary@", ""), "canary"));
    }
    let database = postgres();
    if let Some(server) = &database {
        execute(server, "create role app login password 'ca na/ry'; create schema app");
        execute(server, "alter role app set search_path = app; alter schema app owner to app");
        stores.push((server.url().replace("tokens:canary", "app"), "ca na/ry"));
    }
    for (url, password) in stores {
        let file = file(&folder, "password", password);
        let command = format!("cat '{}'", file.display());
        // A URL without a password may be an argument.
        tokenlease(["store", "init", &url, "--store-key-file"])
            .args([&key])
            .args(["--store-password-file"])
            .args([&file])
            .run()
            .exits_with(0);
        let first = token(wyn, &emulator, &url, &key).args(["--store-password-file"]).args([&file]);
        let first = first.run().exits_with(0).out;
        let again = token(wyn, &emulator, &url, &key)
            .args(["--store-password-command", &command])
            .run()
            .exits_with(0);
        assert_eq!(again.out, first);
        let with_password =
            url.replace("://", "://x:canary@").replace("x:canary@app@", "app:canary@");
        let run = token(wyn, &emulator, &with_password, &key)
            .args(["--store-password-file"])
            .args([&file])
            .run()
            .exits_with(2);
        assert!(run.err.contains("two passwords of the store"), "{run:?}");
        assert!(!run.err.contains("canary"), "{run:?}");
    }
    let run = wyn(&emulator, "token").args(["--store-password", "canary"]).run().exits_with(2);
    assert!(run.err.contains("--store-password-file") && !run.err.contains("canary"), "{run:?}");
}

/// Runs another command with the program's arguments and environment.
fn by(mut program: Program, mut command: Command) -> Program {
    let given = program.command();
    command.env_clear().args(given.get_args());
    command.envs(given.get_envs().filter_map(|(name, value)| Some((name, value?))));
    *program.command() = command;
    program
}

/// Runs a copy of the program as `nobody`, which has no permissions in the folders of root.
fn as_nobody(program: Program, copy: &Path) -> Program {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(copy);
    command.uid(65534).gid(65534).current_dir("/");
    by(program, command)
}

/// Runs the program so that it can write no byte to a file.
fn without_file_space(program: Program) -> Program {
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]);
    shell.arg(env!("CARGO_BIN_EXE_tokenlease"));
    by(program, shell)
}

/// Rule: Outage: if the folder, its key or a record belongs to root, as after a run with `sudo`, each run
/// of another user exits with 6, names the file, and sends nothing.
#[test]
fn each_run_with_a_record_of_root_exits_with_6_and_sends_nothing() {
    let (emulator, folder) = (emulator(), folder());
    let path = folder.path().join("state");
    // Only root can give files to others.
    if std::os::unix::fs::chown(folder.path(), Some(65534), Some(65534)).is_err() {
        return;
    }
    let program = copied_program(&folder);
    let store = format!("file:{}", path.display());
    let of = |provider: Provider| provider(&emulator, "token").env("TOKENLEASE_STORE", &store);
    let tokens = PROVIDERS.map(|provider| of(provider).run().exits_with(0).out);
    let run = |provider: Provider| as_nobody(of(provider), &program);
    let give =
        |path: &Path| std::os::unix::fs::chown(path, Some(65534), Some(65534)).expect("root");
    assert_rejected(&emulator, "state", run);
    give(&path);
    for (part, cause) in [("boot.", "boot."), ("key", "key"), (".record", ".record")] {
        assert_rejected(&emulator, cause, run);
        for entry in fs::read_dir(&path).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.to_string_lossy().contains(part) {
                give(&path);
            }
        }
    }
    for (provider, token) in PROVIDERS.into_iter().zip(tokens) {
        assert_eq!(run(provider).run().exits_with(0).out, token);
    }
}

/// Copies the program to where other users may execute it.
fn copied_program(folder: &TempDir) -> PathBuf {
    let copy = folder.path().join("program");
    fs::copy(env!("CARGO_BIN_EXE_tokenlease"), &copy).expect("copied");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("permissions");
    copy
}

/// Rule: Outage: if the program may write no byte, as on a full disk, each run exits with 6, names the
/// cause, and sends nothing.
#[test]
fn each_run_on_a_full_disk_exits_with_6_and_sends_nothing() {
    let (emulator, folder) = (emulator(), folder());
    // The folder has its key, and the lock of an earlier run.
    wyn(&emulator, "token").shares(folder.path()).run().exits_with(0);
    winkas(&emulator, "token").shares(folder.path()).run().exits_with(0);
    let state = folder.path().join("tokenlease");
    for entry in fs::read_dir(state).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "record") {
            fs::remove_file(path).expect("removed");
        }
    }
    assert_rejected(&emulator, "File too large", |provider| {
        without_file_space(provider(&emulator, "token").shares(folder.path()))
    });
}
