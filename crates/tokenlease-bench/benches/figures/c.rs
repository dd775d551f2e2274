//! The C library: the cost of a cached token, a thousand threads without a token, and its size.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;
use tokenlease_emulator::{Endpoint, Fault};

use crate::{
    cold,
    environment::without_cargo,
    fixture::Fixture,
    measurement::{Case, Measurement, Selection},
};

const COPY_TOKEN: Case = Case {
    name: "c_copy_token",
    unit: "ns",
    measures: "`tokenlease_client_copy_token` while a token is cached",
    baseline: "a function of a C library: an atomic load, two coarse clocks compared, and the \
               same copy",
};
const CPP_COPY_TOKEN: Case = Case {
    name: "cpp_copy_token",
    unit: "ns",
    measures: "`Client::copy_token` of C++ into a string while a token is cached",
    baseline: "`tokenlease_client_copy_token` into a buffer",
};
const LIBRARY_STRIPPED: Case = Case {
    name: "c_library_stripped",
    unit: "MiB",
    measures: "the size of the stripped shared library",
    baseline: "a limit of 4.5 MiB",
};
const THREADS: Case = Case {
    name: "cold_1000_c_threads",
    unit: "ms",
    measures: "1,000 threads in C request a token at once; the server takes 50 ms for the one \
               login",
    baseline: cold::ONE_LOGIN,
};

/// The limit for the stripped library. It includes the file store, and unwinds on a panic.
const MAX_BYTES: f64 = 4.5 * 1024.0 * 1024.0;
const TURNS: &str = "31";

pub(crate) fn run(selection: &Selection) -> Vec<Measurement> {
    let mut measurements = Vec::new();
    let cases = [COPY_TOKEN, CPP_COPY_TOKEN, LIBRARY_STRIPPED, THREADS];
    if !cases.into_iter().any(|case| selection.includes(case)) {
        return measurements;
    }
    let library = build_library();
    if selection.includes(COPY_TOKEN) {
        measurements.push(copy_token(&library));
    }
    if selection.includes(CPP_COPY_TOKEN) {
        measurements.push(copy_token_in_cpp(&library));
    }
    if selection.includes(LIBRARY_STRIPPED) {
        #[expect(clippy::cast_precision_loss, reason = "a few million bytes")]
        let bytes = fs::metadata(&library).expect("a file").len() as f64;
        let mib = |bytes: f64| move || bytes / (1024.0 * 1024.0);
        let measurement = Measurement::take(LIBRARY_STRIPPED, 1, mib(bytes), mib(MAX_BYTES));
        measurements.push(measurement.at_most(1.0));
    }
    if selection.includes(THREADS) {
        measurements.push(threads(&library));
    }
    measurements
}

/// Builds the library with the profile of the release. Returns its path.
fn build_library() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--profile", "dist", "--locked", "-p", "tokenlease-c"]);
    cargo.current_dir(root());
    without_cargo(&mut cargo);
    run_command(&mut cargo);
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    target.join("library/libtokenlease.so")
}

fn copy_token(library: &Path) -> Measurement {
    let (fixture, folder) = (Fixture::new(), tempfile::tempdir().expect("a folder"));
    let baseline = folder.path().join("libbaseline.so");
    let mut cc = cc();
    cc.args(["-O2", "-shared", "-fPIC", "-o"]).arg(&baseline).arg(source("baseline.c"));
    run_command(&mut cc);
    let program = compile("copy.c", &folder, &[library, &baseline]);
    Measurement::from_pairs(COPY_TOKEN, &pairs(&fixture, &program)).at_most(1.3)
}

fn copy_token_in_cpp(library: &Path) -> Measurement {
    let (fixture, folder) = (Fixture::new(), tempfile::tempdir().expect("a folder"));
    let program = compile("copy.cpp", &folder, &[library]);
    Measurement::from_pairs(CPP_COPY_TOKEN, &pairs(&fixture, &program)).at_most(1.2)
}

/// Runs a program that prints both values of each turn.
fn pairs(fixture: &Fixture, program: &Path) -> Vec<(f64, f64)> {
    let winkas = fixture.emulator.winkas();
    let output = Command::new(program)
        .args([&winkas.server(), TURNS])
        .env("LOGIN", winkas.user())
        .env("CONTRACT", winkas.contract())
        .env("PASSWORD", winkas.password())
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("numbers");
    let pairs = text.lines().filter_map(|line| {
        let (tokenlease, baseline) = line.split_once(' ')?;
        Some((tokenlease.parse().ok()?, baseline.parse().ok()?))
    });
    pairs.collect()
}

fn threads(library: &Path) -> Measurement {
    let (fixture, folder) = (Fixture::new(), tempfile::tempdir().expect("a folder"));
    fixture.emulator.fault(Endpoint::WynLogin, Fault::delay(cold::SERVER_DELAY), 100);
    let mut command = Command::new(compile("cold.c", &folder, &[library, Path::new("-pthread")]));
    let mut program = fixture
        .pass_wyn_to(&mut command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut start = program.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(program.stdout.take().expect("a pipe")).lines();
    let tokenlease = || {
        let before = fixture.emulator.counts().wyn.login;
        start.write_all(b"\n").expect("the program reads");
        let line = lines.next().expect("a line").expect("a line");
        assert_eq!(fixture.emulator.counts().wyn.login - before, 1, "one login for all threads");
        line.parse().expect("a number")
    };
    let measurement =
        Measurement::take(THREADS, cold::TURNS, tokenlease, cold::one_login(&fixture));
    drop(start);
    assert!(program.wait().expect("the program ends").success());
    measurement.at_most(1.25)
}

fn cc() -> Command {
    Command::new(env::var("CC").unwrap_or_else(|_| "cc".into()))
}

fn cxx() -> Command {
    let mut command = Command::new(env::var("CXX").unwrap_or_else(|_| "c++".into()));
    command.arg("-std=c++17");
    command
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/figures/c").join(name)
}

/// Compiles the C or C++ program `name` in `folder`, and links it with `inputs`. The first of them is the
/// library, which is copied to `folder` under its soname.
fn compile(name: &str, folder: &TempDir, inputs: &[&Path]) -> PathBuf {
    let soname =
        format!("libtokenlease.so.{}", env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap().0);
    fs::copy(inputs[0], folder.path().join(soname)).expect("copied");
    let program = folder.path().join(name.replace('.', "-"));
    let mut compiler =
        if Path::new(name).extension().is_some_and(|end| end == "cpp") { cxx() } else { cc() };
    run_command(
        compiler
            .args(["-O2", "-I"])
            .arg(root().join("include"))
            .arg("-o")
            .arg(&program)
            .arg(source(name))
            .args(inputs)
            .arg(format!("-Wl,-rpath,{}", folder.path().display())),
    );
    program
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn run_command(command: &mut Command) {
    let status = command.status().expect("the command runs");
    assert!(status.success(), "{command:?}: {status}");
}
