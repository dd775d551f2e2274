//! 64 processes that need the first token of an empty store in a server.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use tokenlease_test_servers::{Running, postgres, redis};

use super::{build, token};
use crate::{
    fixture::Fixture,
    measurement::{Case, Measurement, Selection},
};

const POSTGRES: Case = Case {
    name: "program_64_postgres",
    unit: "ms",
    measures: "64 processes of `tokenlease token` at once on an empty PostgreSQL, up to the end of the last",
    baseline: "the same on an empty Redis",
};
const PROCESSES: usize = 64;
const TURNS: usize = 15;

pub(super) fn run(selection: &Selection) -> Vec<Measurement> {
    if !selection.includes(POSTGRES) {
        return Vec::new();
    }
    if postgres().is_none() || redis().is_none() {
        eprintln!("skipped: {} needs PostgreSQL and Redis", POSTGRES.name);
        return Vec::new();
    }
    let program = build(&["-p", "tokenlease-cli", "--bin", "tokenlease"], "tokenlease");
    let key = tempfile::tempdir().expect("a folder");
    let key = key.path().join("key");
    fs::write(&key, [7; 32]).expect("a key");
    // The store rejects a key that other users may read.
    fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("its mode is set");
    let run = |start: fn() -> Option<Running>| {
        let server = start().expect("the server");
        run_all(&program, &key, &server)
    };
    vec![Measurement::take(POSTGRES, TURNS, || run(postgres), || run(redis)).at_most(1.5)]
}

/// Runs all processes. Returns the milliseconds that they took.
fn run_all(program: &Path, key: &Path, server: &Running) -> f64 {
    let fixture = Fixture::new();
    prepare(program, key, server);
    let command = || {
        let mut command = token(program, &fixture, &server.url());
        command.arg("--store-key-file").arg(key).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let start = Instant::now();
    let processes: Vec<Child> =
        (0..PROCESSES).map(|_| command().spawn().expect("the program runs")).collect();
    for process in processes {
        let output = process.wait_with_output().expect("the program ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    assert_eq!(fixture.emulator.counts().wyn.login, 1, "all processes share one token");
    milliseconds
}

/// Makes the table that PostgreSQL needs.
fn prepare(program: &Path, key: &Path, server: &Running) {
    let prepared = Command::new(program)
        .args(["store", "init", "--store-key-file"])
        .arg(key)
        .env("TOKENLEASE_STORE", server.url())
        .output()
        .expect("the program runs");
    assert!(prepared.status.success(), "{}", String::from_utf8_lossy(&prepared.stderr));
}
