//! The C library: what a cached token costs through it, and what it takes on a disk.

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
    figure::{Figure, Wanted},
    request::World,
};

/// Stripped, with the folder as its store, and unwinding.
const MOST_BYTES: f64 = 3.5 * 1024.0 * 1024.0;
const TURNS: &str = "31";

pub(crate) fn figures(wanted: &Wanted) -> Vec<Figure> {
    let mut figures = Vec::new();
    let names = ["c_copy_token", "c_library_stripped", "cold_1000_c_threads"];
    if !names.into_iter().any(|name| wanted.has(name)) {
        return figures;
    }
    let library = built();
    if wanted.has("c_copy_token") {
        figures.push(copy(&library));
    }
    if wanted.has("c_library_stripped") {
        #[expect(clippy::cast_precision_loss, reason = "a few million bytes")]
        let bytes = fs::metadata(&library).expect("a file").len() as f64;
        let mib = |bytes: f64| move || bytes / (1024.0 * 1024.0);
        figures.push(
            Figure::measure("c_library_stripped", "MiB", 1, mib(bytes), mib(MOST_BYTES))
                .at_most(1.0),
        );
    }
    if wanted.has("cold_1000_c_threads") {
        figures.push(threads(&library));
    }
    figures
}

/// The library, as it is shipped.
fn built() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--profile", "library", "--locked", "-p", "tokenlease-c"]);
    cargo.current_dir(root());
    without_cargo(&mut cargo);
    run(&mut cargo);
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    target.join("library/libtokenlease.so")
}

/// A token into a caller's buffer, beside a call that does the least.
fn copy(library: &Path) -> Figure {
    let (world, folder) = (World::new(), tempfile::tempdir().expect("a folder"));
    let limit = folder.path().join("liblimit.so");
    run(cc().args(["-O2", "-shared", "-fPIC", "-o"]).arg(&limit).arg(source("limit.c")));
    let winkas = world.emulator.winkas();
    let output = Command::new(program("copy", &folder, &[library, &limit]))
        .args([&winkas.server(), TURNS])
        .env("LOGIN", winkas.user())
        .env("CONTRACT", winkas.contract())
        .env("PASSWORD", winkas.password())
        .output()
        .expect("the program is run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("numbers");
    let pairs = text.lines().filter_map(|line| {
        let (ours, limit) = line.split_once(' ')?;
        Some((ours.parse().ok()?, limit.parse().ok()?))
    });
    Figure::of("c_copy_token", "ns", &pairs.collect::<Vec<_>>()).at_most(2.0)
}

/// A thousand threads on a cold client, beside one bare request.
fn threads(library: &Path) -> Figure {
    let (world, folder) = (World::new(), tempfile::tempdir().expect("a folder"));
    world.emulator.fault(Endpoint::WynLogin, Fault::delay(cold::SLOW), 100);
    let mut command = Command::new(program("cold", &folder, &[library, Path::new("-pthread")]));
    let mut program = world
        .told(&mut command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program is run");
    let mut go = program.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(program.stdout.take().expect("a pipe")).lines();
    let ours = || {
        let before = world.emulator.counts().wyn.login;
        go.write_all(b"\n").expect("a turn");
        let line = lines.next().expect("a line").expect("a line");
        assert_eq!(world.emulator.counts().wyn.login - before, 1, "one login for all");
        line.parse().expect("a number")
    };
    let figure =
        Figure::measure("cold_1000_c_threads", "ms", cold::TURNS, ours, cold::one_request(&world));
    drop(go);
    assert!(program.wait().expect("an end").success());
    figure.at_most(1.25)
}

fn cc() -> Command {
    Command::new(env::var("CC").unwrap_or_else(|_| "cc".into()))
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/figures/c").join(name)
}

/// Compiles a program in C into a folder that also holds the library (the first of `with`), by the
/// name that it gives itself.
fn program(name: &str, folder: &TempDir, with: &[&Path]) -> PathBuf {
    let named =
        format!("libtokenlease.so.{}", env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap().0);
    fs::copy(with[0], folder.path().join(named)).expect("copied");
    let program = folder.path().join(name);
    run(cc()
        .args(["-O2", "-I"])
        .arg(root().join("include"))
        .arg("-o")
        .arg(&program)
        .arg(source(&format!("{name}.c")))
        .args(with)
        .arg(format!("-Wl,-rpath,{}", folder.path().display())));
    program
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn run(command: &mut Command) {
    let status = command.status().expect("a command that can be run");
    assert!(status.success(), "{command:?}: {status}");
}
