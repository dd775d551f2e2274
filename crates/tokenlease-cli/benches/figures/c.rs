//! The C library: what a cached token costs through it, and what it takes on a disk.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    figure::{Figure, Wanted},
    request::World,
};

/// Stripped, with the folder as its store, and unwinding.
const MOST_BYTES: f64 = 3.5 * 1024.0 * 1024.0;
const TURNS: &str = "31";

pub(crate) fn figures(wanted: &Wanted) -> Vec<Figure> {
    let mut figures = Vec::new();
    if !wanted.has("c_") {
        return figures;
    }
    let library = built();
    if wanted.has("c_copy_token") {
        figures.push(copy(&library));
    }
    if wanted.has("c_library_stripped") {
        #[expect(clippy::cast_precision_loss, reason = "a few million bytes")]
        let bytes = fs::metadata(library).expect("a file").len() as f64;
        let mib = |bytes: f64| move || bytes / (1024.0 * 1024.0);
        figures.push(
            Figure::measure("c_library_stripped", "MiB", 1, mib(bytes), mib(MOST_BYTES))
                .at_most(1.0),
        );
    }
    figures
}

/// The library, as it is shipped.
fn built() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--profile", "library", "--locked", "-p", "tokenlease-c"]);
    cargo.current_dir(root());
    // What Cargo tells this program would have build scripts run again.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(name);
        }
    }
    run(&mut cargo);
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    target.join("library/libtokenlease.so")
}

/// A token into a caller's buffer, beside a call that does the least.
fn copy(library: &Path) -> Figure {
    let (world, folder) = (World::new(), tempfile::tempdir().expect("a folder"));
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/figures/c");
    let (limit, program) = (folder.path().join("liblimit.so"), folder.path().join("copy"));
    // By the name that the library gives itself.
    let named =
        format!("libtokenlease.so.{}", env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap().0);
    fs::copy(library, folder.path().join(named)).expect("copied");
    let cc = || Command::new(env::var("CC").unwrap_or_else(|_| "cc".into()));
    run(cc().args(["-O2", "-shared", "-fPIC", "-o"]).arg(&limit).arg(sources.join("limit.c")));
    run(cc()
        .args(["-O2", "-I"])
        .arg(root().join("include"))
        .arg("-o")
        .arg(&program)
        .args([&sources.join("copy.c"), library, &limit])
        .arg(format!("-Wl,-rpath,{}", folder.path().display())));
    let winkas = world.emulator.winkas();
    let output = Command::new(program)
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

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn run(command: &mut Command) {
    let status = command.status().expect("a command that can be run");
    assert!(status.success(), "{command:?}: {status}");
}
