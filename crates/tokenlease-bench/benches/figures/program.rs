//! The program `tokenlease`, as a cron job or a CGI script runs it.

mod servers;

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use tokenlease::store::RecordName;

use crate::{
    environment::without_cargo,
    fixture::Fixture,
    measurement::{Case, Measurement, Selection},
};

const STORE_HIT: Case = Case {
    name: "program_store_hit",
    unit: "ms",
    measures: "`tokenlease token`, from the start of the process to its end, with the token in a folder",
    baseline: "a program that reads the folder's key and the record, opens the record, and prints the \
               token",
};
const TURNS: usize = 301;

pub(crate) fn run(selection: &Selection) -> Vec<Measurement> {
    let mut measurements = store_hit(selection);
    measurements.extend(servers::run(selection));
    measurements
}

fn store_hit(selection: &Selection) -> Vec<Measurement> {
    if !selection.includes(STORE_HIT) {
        return Vec::new();
    }
    let program = build(&["-p", "tokenlease-cli", "--bin", "tokenlease"], "tokenlease");
    let bare = build(&["-p", "tokenlease-bench", "--example", "bare"], "examples/bare");
    let fixture = Fixture::new();
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("store");
    let token = || token(&program, &fixture, &format!("file:{}", folder.display()));
    let (_, expected) = timed(token());
    let wyn = fixture.emulator.wyn();
    let name = RecordName::new(fixture.wyn().0.identity().clone());
    let baseline = || {
        let mut command = Command::new(&bare);
        command.arg(&folder).args([name.key(), &wyn.server(), &wyn.user(), wyn.client_id()]);
        command
    };
    let run = |command: Command| {
        let (milliseconds, printed) = timed(command);
        assert_eq!(printed, expected);
        milliseconds
    };
    let measurement = Measurement::take(STORE_HIT, TURNS, || run(token()), || run(baseline()));
    assert_eq!(fixture.emulator.counts().wyn.login, 1, "the token is in the store");
    vec![measurement.at_most(1.5)]
}

/// The program that prints a token of the emulated Wyn Enterprise, with that store.
fn token(program: &Path, fixture: &Fixture, store: &str) -> Command {
    let wyn = fixture.emulator.wyn();
    let mut command = Command::new(program);
    command
        .arg("token")
        .env("TOKENLEASE_PROVIDER", "wyn")
        .env("TOKENLEASE_SERVER", wyn.server())
        .env("TOKENLEASE_USER", wyn.user())
        .env("TOKENLEASE_CLIENT_ID", wyn.client_id())
        .env("TOKENLEASE_PASSWORD", wyn.password())
        .env("TOKENLEASE_CLIENT_SECRET", wyn.client_secret())
        .env("TOKENLEASE_STORE", store);
    command
}

/// Builds a program with the profile of the release. Returns its path.
fn build(what: &[&str], path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--profile", "dist", "--locked"]).args(what).current_dir(&root);
    without_cargo(&mut cargo);
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "{cargo:?}: {status}");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    target.join("dist").join(path)
}

/// Runs a program. Returns the milliseconds that it took, and what it printed.
fn timed(mut command: Command) -> (f64, Vec<u8>) {
    let start = Instant::now();
    let output = command.output().expect("the program runs");
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (milliseconds, output.stdout)
}
